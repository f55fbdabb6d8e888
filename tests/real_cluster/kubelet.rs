//! A kubelet that is made up, for a cluster that has no machines: pods become ready as soon as they are seen, unless their image says
//! `crash`, and go as soon as they are to go. It must not touch anything else: what pods there are is the controllers' word.

#![expect(clippy::disallowed_methods, reason = "this is a server of its own, with its own clock")]

use std::{fs, path::PathBuf, time::Duration};

use reqwest::{Certificate, Client, Method};
use serde_json::{Value, json};

/// How often it looks.
const TURN: Duration = Duration::from_millis(200);

/// Looks after the pods of a server until the process ends.
pub(crate) fn begin(server: String, authority: PathBuf) {
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(look_after(&server, &authority));
    });
}

async fn look_after(server: &str, authority: &PathBuf) {
    // Another test may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut client = None;
    loop {
        // The server writes its certificate as it starts.
        if let (None, Ok(pem)) = (&client, fs::read(authority)) {
            let trusted = Certificate::from_pem_bundle(&pem).unwrap_or_default();
            client = Client::builder().no_proxy().tls_certs_only(trusted).build().ok();
        }
        if let Some(client) = &client {
            // What breaks comes again with the next turn.
            let _ = turn(client, server).await;
        }
        tokio::time::sleep(TURN).await;
    }
}

async fn call(client: &Client, method: Method, url: String, body: &Value) -> Result<Value, reqwest::Error> {
    let request = client.request(method, url).bearer_auth("admin").body(body.to_string());
    let sent = request.header("content-type", "application/merge-patch+json").send().await?;
    Ok(serde_json::from_slice(&sent.error_for_status()?.bytes().await?).unwrap_or_default())
}

async fn turn(client: &Client, server: &str) -> Result<(), reqwest::Error> {
    let pods = call(client, Method::GET, format!("{server}/api/v1/pods"), &Value::Null).await?;
    for pod in pods["items"].as_array().into_iter().flatten() {
        let at = |field: &str| pod["metadata"][field].as_str().unwrap_or_default();
        let url = format!("{server}/api/v1/namespaces/{}/pods/{}", at("namespace"), at("name"));
        if !at("deletionTimestamp").is_empty() {
            let now = json!({"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0});
            let request = client.delete(&url).bearer_auth("admin").header("content-type", "application/json");
            request.body(now.to_string()).send().await?;
        } else if pod["status"]["phase"] != "Running" {
            call(client, Method::PATCH, format!("{url}/status"), &json!({"status": runs(pod)})).await?;
        }
    }
    Ok(())
}

/// The status of a pod that runs, or that crashes again and again.
fn runs(pod: &Value) -> Value {
    let container = &pod["spec"]["containers"][0];
    let crashes = container["image"].as_str().unwrap_or_default().contains("crash");
    let now = chrono::Utc::now().format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let condition = |name: &str, holds: bool| json!({"type": name, "status": if holds { "True" } else { "False" }, "lastTransitionTime": now});
    let state = if crashes {
        json!({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s restarting failed container"}})
    } else {
        json!({"running": {"startedAt": now}})
    };
    json!({
        "phase": "Running", "startTime": now,
        "conditions": [condition("Initialized", true), condition("Ready", !crashes), condition("ContainersReady", !crashes)],
        "containerStatuses": [{
            "name": container["name"], "image": container["image"], "imageID": container["image"],
            "ready": !crashes, "started": !crashes, "restartCount": if crashes { 3 } else { 0 }, "state": state,
        }],
    })
}
