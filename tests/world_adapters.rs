//! The two ways into the world: in process and over a loopback socket. Both tell the same, wake on changes and on the clock.

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use bytes::Bytes;
    use futures::{FutureExt, StreamExt, future::BoxFuture};
    use holdshort::{
        demo::{
            kubernetes::kubeconfig, scenario::Scenario, serve::serve, shared::SharedWorld, transport::transport,
            world::World,
        },
        domain::time::{Timestamp, after},
        port::{
            clock::Clock,
            wire::{Transport, WireBody, WireError},
        },
    };
    use http::{Request, Response};
    use http_body_util::BodyExt;
    use serde_json::{Value, json};
    use tokio::{net::TcpListener, sync::watch};
    use tower::ServiceExt;

    /// Time that goes on only when a test says so.
    #[derive(Debug)]
    struct Hand(watch::Sender<Timestamp>);

    impl Hand {
        fn go(&self, seconds: u64) {
            self.0.send_modify(|now| *now = after(*now, Duration::from_secs(seconds)));
        }
    }

    impl Clock for Hand {
        fn now(&self) -> Timestamp {
            *self.0.borrow()
        }

        fn sleep(&self, span: Duration) -> BoxFuture<'static, ()> {
            let (end, mut now) = (after(self.now(), span), self.0.subscribe());
            async move {
                // A clock that is gone never rings.
                if now.wait_for(|now| *now >= end).await.is_err() {
                    std::future::pending::<()>().await;
                }
            }
            .boxed()
        }
    }

    struct Stage {
        world: SharedWorld,
        clock: Arc<Hand>,
    }

    impl Stage {
        /// The steady scenario with these faults.
        fn with(faults: &str) -> Self {
            let mut scenario = Scenario::load("steady").unwrap();
            let extra = Scenario::parse(
                "faults",
                &format!("name = 'x'\nabout = 'x'\nstart = '2026-03-10T09:00:00Z'\n{faults}"),
            );
            scenario.faults = extra.unwrap().faults;
            let world = SharedWorld::new(World::new(&scenario).unwrap());
            Self { world, clock: Arc::new(Hand(watch::Sender::new(scenario.start))) }
        }

        fn to(&self, prefix: &str) -> Transport {
            transport(self.world.clone(), self.clock.clone(), prefix)
        }

        fn patch(&self, body: &Value) -> Request<Bytes> {
            assert_eq!(self.world.look(|world| world.failures().len()), 0);
            Request::patch("/apis/apps/v1/namespaces/shop/deployments/checkout")
                .header("content-type", "application/merge-patch+json")
                .body(Bytes::from(body.to_string()))
                .unwrap()
        }
    }

    const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/shop/deployments";

    fn get(path: &str) -> Request<Bytes> {
        Request::get(path).body(Bytes::new()).unwrap()
    }

    async fn whole(response: Response<WireBody>) -> Result<Value, WireError> {
        Ok(serde_json::from_slice(&response.into_body().collect().await?.to_bytes()).unwrap())
    }

    fn event(line: &[u8]) -> (String, String) {
        let event: Value = serde_json::from_slice(line).unwrap();
        let text = |path: &str| event.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
        (text("/type"), text("/object/metadata/name"))
    }

    #[tokio::test]
    async fn a_watch_in_process_wakes_when_somebody_changes_the_world() {
        let stage = Stage::with("");
        let list = whole(stage.to("/kubernetes/eu").oneshot(get(DEPLOYMENTS)).await.unwrap()).await.unwrap();
        let version = list["metadata"]["resourceVersion"].as_str().unwrap();
        let path = format!("{DEPLOYMENTS}?watch=1&resourceVersion={version}");
        let mut watch = stage.to("/kubernetes/eu").oneshot(get(&path)).await.unwrap().into_body().into_data_stream();
        assert!(watch.next().now_or_never().is_none(), "nothing has happened yet");
        let patched = stage.to("/kubernetes/eu").oneshot(stage.patch(&json!({"spec": {"replicas": 5}}))).await.unwrap();
        assert_eq!(patched.status().as_u16(), 200);
        let chunk = watch.next().await.unwrap().unwrap();
        let line = chunk.split(|byte| *byte == b'\n').next().unwrap();
        assert_eq!(event(line), ("MODIFIED".to_owned(), "checkout".to_owned()));
    }

    #[tokio::test]
    async fn a_watch_in_process_wakes_when_time_brings_a_change() {
        let stage = Stage::with("");
        let patched = stage.to("/kubernetes/eu").oneshot(stage.patch(&json!({"spec": {"replicas": 5}}))).await.unwrap();
        let version = whole(patched).await.unwrap()["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
        let path = format!("{DEPLOYMENTS}?watch=1&resourceVersion={version}");
        let watch = stage.to("/kubernetes/eu").oneshot(get(&path)).await.unwrap().into_body().into_data_stream();
        let settled = watch.any(|chunk| async move {
            let chunk = chunk.unwrap();
            let lines = chunk.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
            lines
                .map(|line| serde_json::from_slice::<Value>(line).unwrap())
                .any(|event| event["object"]["status"]["readyReplicas"] == 5)
        });
        let clock = stage.clock.clone();
        let ticks = async {
            loop {
                clock.go(1);
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            settled = settled => assert!(settled, "the watch ended before all pods were ready"),
            () = ticks => {}
        }
    }

    #[tokio::test]
    async fn a_hang_never_answers_a_delay_answers_late_and_a_cut_breaks_in_the_middle() {
        let stage = Stage::with(
            "[[faults]]\non = '/kubernetes/eu'\nwhat = 'hang'\n[[faults]]\non = '/kubernetes/us'\nwhat = { delay = '3s' }\n\
             [[faults]]\non = '/prometheus'\nwhat = { cut_body = 10 }\n",
        );
        assert!(stage.to("/kubernetes/eu").oneshot(get("/version")).now_or_never().is_none());
        let mut late = stage.to("/kubernetes/us").oneshot(get("/version")).boxed();
        assert!(futures::poll!(&mut late).is_pending());
        stage.clock.go(2);
        assert!(futures::poll!(&mut late).is_pending());
        stage.clock.go(1);
        assert_eq!(late.await.unwrap().status().as_u16(), 200);
        let cut = stage.to("/prometheus").oneshot(get("/api/v1/query?query=up")).await.unwrap();
        assert!(matches!(whole(cut).await, Err(WireError::Lost(_))));
    }

    #[tokio::test]
    async fn a_dropped_watch_breaks_at_its_moment() {
        let stage = Stage::with("[[faults]]\non = '/kubernetes'\nfrom = '5s'\nwhat = 'drop_watch'\n");
        let path = format!("{DEPLOYMENTS}?watch=1&resourceVersion=0");
        let mut watch = stage.to("/kubernetes/eu").oneshot(get(&path)).await.unwrap().into_body().into_data_stream();
        while let Some(Some(chunk)) = watch.next().now_or_never() {
            assert!(chunk.is_ok(), "not before its moment");
        }
        stage.clock.go(5);
        assert!(matches!(watch.next().await, Some(Err(WireError::Lost(_)))));
        assert!(watch.next().await.is_none());
    }

    #[expect(clippy::disallowed_methods, reason = "the only way in which CI can tell a test that a skip is a failure")]
    fn required() -> bool {
        std::env::var_os("REQUIRE_SERVERS").is_some()
    }

    /// What a program prints; nothing where it is not installed and need not be.
    async fn run(program: &str, args: &[&str]) -> Option<String> {
        match tokio::process::Command::new(program).args(args).output().await {
            Ok(output) => {
                assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
                Some(String::from_utf8(output.stdout).unwrap())
            }
            Err(error) => {
                let text = format!("{program}: {error}; apt-get install kubernetes-client prometheus");
                assert!(!required(), "{text}");
                eprintln!("SKIPPED: {text}");
                None
            }
        }
    }

    #[tokio::test]
    async fn real_kubectl_and_promtool_find_their_way_around_the_world() {
        let stage = Stage::with("");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(serve(listener, stage.world.clone(), stage.clock.clone()));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kubeconfig");
        std::fs::write(&file, kubeconfig(&base, ["eu", "us"])).unwrap();
        let config = format!("--kubeconfig={}", file.display());
        let cache = format!("--cache-dir={}", folder.path().display());
        let kubectl =
            async |args: &[&str]| run("kubectl", &[&[config.as_str(), &cache, "-n", "shop"], args].concat()).await;
        if let Some(names) = kubectl(&["get", "rollouts,deployments", "-o", "name"]).await {
            assert_eq!(names, "rollout.argoproj.io/payments\ndeployment.apps/checkout\n");
            let patch = ["patch", "rollout", "payments", "--type=merge", "-p", r#"{"spec":{"paused":true}}"#];
            assert_eq!(kubectl(&patch).await.unwrap(), "rollout.argoproj.io/payments patched\n");
            let us = ["--context=us", "get", "rollout", "payments", "-o", "jsonpath={.spec.replicas} {.spec.paused}"];
            assert_eq!(kubectl(&us).await.unwrap(), "4 ");
        }
        let time = stage.clock.now().timestamp().to_string();
        let url = format!("{base}/prometheus");
        let query = ["query", "instant", "--time", &time, &url, "count by (job) (up)"];
        if let Some(answer) = run("promtool", &query).await {
            let lines: Vec<&str> = answer.lines().map(|line| line.split(" @").next().unwrap_or(line)).collect();
            assert_eq!(lines, [r#"{job="shop/checkout"} => 4"#, r#"{job="shop/payments"} => 10"#]);
        }
        server.abort();
    }

    #[tokio::test]
    async fn over_a_socket_the_world_tells_the_same_and_streams_and_breaks_alike() {
        let stage = Stage::with("[[faults]]\non = '/prometheus'\nwhat = { cut_body = 10 }\n");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let server = tokio::spawn(serve(listener, stage.world.clone(), stage.clock.clone()));
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let ask = |path: String| client.get(format!("{base}{path}")).send();

        let ours = whole(stage.to("/kubernetes/eu").oneshot(get(DEPLOYMENTS)).await.unwrap()).await.unwrap();
        let list = ask(format!("/kubernetes/eu{DEPLOYMENTS}")).await.unwrap();
        assert_eq!(list.headers()["date"], "Tue, 10 Mar 2026 09:00:00 GMT");
        let theirs: Value = serde_json::from_slice(&list.bytes().await.unwrap()).unwrap();
        assert_eq!(ours, theirs);

        let version = ours["metadata"]["resourceVersion"].as_str().unwrap();
        let watch = ask(format!("/kubernetes/eu{DEPLOYMENTS}?watch=1&resourceVersion={version}")).await.unwrap();
        stage.to("/kubernetes/eu").oneshot(stage.patch(&json!({"spec": {"replicas": 5}}))).await.unwrap();
        let mut chunks = watch.bytes_stream();
        let chunk = chunks.next().await.unwrap().unwrap();
        let line = chunk.split(|byte| *byte == b'\n').next().unwrap();
        assert_eq!(event(line), ("MODIFIED".to_owned(), "checkout".to_owned()));

        let cut = ask("/prometheus/api/v1/query?query=up".to_owned()).await.unwrap();
        assert!(cut.bytes().await.is_err());
        server.abort();
        assert!(kubeconfig(&base, ["eu"]).contains(&format!("server: {base}/kubernetes/eu\n")));
    }
}
