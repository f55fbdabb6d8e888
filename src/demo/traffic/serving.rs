//! Who serves what: as the systems that run services tell it.

/// One version's part in serving a service, at one moment. Whoever runs it tells it; what was asked of it is drawn from it.
#[derive(Clone, Debug, PartialEq)]
pub struct Arm {
    /// Image tag.
    pub version: String,
    /// Pod template hash.
    pub hash: String,
    /// Share of the service's traffic, 0 to 1; shares of all arms add up to 1 while any pod is ready.
    pub share: f64,
    /// Names of the ready pods.
    pub pods: Vec<String>,
}

/// Who serves a service, at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Serving {
    /// The cell (cluster) it runs in.
    pub cell: String,
    /// Its namespace.
    pub namespace: String,
    /// The workload's name, which is the service's.
    pub service: String,
    /// The versions that serve it; those without a ready pod are left out.
    pub arms: Vec<Arm>,
}
