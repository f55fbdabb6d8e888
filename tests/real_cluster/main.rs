//! The program against a real `kube-apiserver` with real controllers, between processes: what the made-up cluster cannot prove of itself.
//! Old on purpose (Kubernetes 1.20): kinds are served in older versions, and statuses lack what came later.

#[cfg(test)]
mod cluster;
#[path = "../support/home.rs"]
#[expect(dead_code, reason = "what this test needs of it is not all of it")]
mod home;
#[cfg(test)]
mod kubelet;
#[path = "../support/program.rs"]
mod program;
#[path = "../support/served.rs"]
#[expect(dead_code, reason = "what this test needs of it is not all of it")]
mod served;
#[cfg(test)]
mod shop;
#[cfg(test)]
mod verbs;
