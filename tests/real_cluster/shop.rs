//! A namespace of a real cluster, somebody who may act in it, and the program as she runs it.

use std::fs;

use serde_json::Value;

use crate::{
    cluster::{self, Cluster, DANA},
    home::{self, Home},
};

/// A namespace and a home.
pub(crate) struct Shop {
    pub(crate) cluster: &'static Cluster,
    pub(crate) namespace: String,
    home: Home,
}

/// What an end looks like.
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    /// Data first.
    pub(crate) text: String,
}

impl Shop {
    /// A new namespace, in which nobody may anything; `None` without a real cluster.
    pub(crate) fn new(namespace: &str) -> Option<Self> {
        let cluster = cluster::real()?;
        cluster.administer(&["create", "namespace", namespace]);
        let shop = Self { cluster, namespace: namespace.to_owned(), home: Home::new() };
        let config = format!(
            "operator = \"dana\"\n[environments.prod]\nrisk = \"high\"\n[state]\npath = '{}'\n\
             [connections.real]\nkind = \"kubernetes\"\nkubeconfig = '{}'\ncontext = \"real\"\nenvironment = \"prod\"\n\
             namespaces = [\"{namespace}\"]\n",
            shop.home.path("state").display(),
            cluster.kubeconfig(DANA).display(),
        );
        fs::write(shop.home.path("config.toml"), config).unwrap();
        Some(shop)
    }

    /// The same, in which dana has exactly what `doctor --rbac` asks for.
    pub(crate) fn flown_by_dana(namespace: &str) -> Option<Self> {
        let shop = Self::new(namespace)?;
        shop.grant();
        Some(shop)
    }

    /// Gives dana the Role that the program prints for whoever acts.
    pub(crate) fn grant(&self) {
        let printed = self.run(&["doctor", "--rbac"]);
        let roles: String = printed.text.split_inclusive("---\n").filter(|part| part.contains("kind: ")).collect();
        self.cluster.apply(&roles);
        let binding = ["create", "rolebinding", "dana", "--role=holdshort-act", "--user=dana"];
        self.administer(&binding);
    }

    /// kubectl in this namespace, as who administers the cluster.
    pub(crate) fn administer(&self, args: &[&str]) -> String {
        self.cluster.administer(&[&["-n", &self.namespace], args].concat())
    }

    /// A Deployment of four pods that serves, and after it the same with each further image, each waited for.
    pub(crate) fn deployment(&self, tags: &[&str]) {
        let (first, rest) = tags.split_first().unwrap();
        let image = |tag: &str| format!("registry.shop.example/payments:{tag}");
        self.administer(&["create", "deployment", "payments", "--replicas=4", &format!("--image={}", image(first))]);
        self.wait_for_payments();
        for tag in rest {
            self.put(tag);
            self.wait_for_payments();
        }
    }

    /// Another image for the Deployment.
    pub(crate) fn put(&self, tag: &str) {
        self.administer(&["set", "image", "deployment/payments", &format!("*=registry.shop.example/payments:{tag}")]);
    }

    fn wait_for_payments(&self) {
        self.administer(&["rollout", "status", "deployment/payments", "--timeout=120s"]);
    }

    /// A field of an object, as kubectl's `jsonpath` writes it.
    pub(crate) fn field(&self, object: &str, path: &str) -> String {
        self.administer(&["get", object, "-o", &format!("jsonpath={{{path}}}")])
    }

    /// The program as dana runs it.
    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        let output = self.home.run(arguments);
        Said { code: output.status.code(), text: home::said(&output) }
    }

    /// What `status --json` tells of an object: by family and name.
    pub(crate) fn row(&self, id: &str) -> Value {
        let status: Value = serde_json::from_slice(&self.home.run(&["status", "--json"]).stdout).unwrap();
        let id = format!("real/{}", id.replacen('/', &format!("/{}/", self.namespace), 1));
        let rows = status["rollouts"].as_array().unwrap();
        rows.iter().find(|row| row["id"] == id.as_str()).cloned().unwrap_or(Value::Null)
    }
}
