//! Where a system is still named outside its own folders. It only gets shorter: a new entry is a new wall that fell.

/// The file, and the systems that it names.
pub(crate) const OWED: &[(&str, &[&str])] = &[
    ("src/app/store.rs", &["prometheus"]),
    ("src/config/access.rs", &["kubernetes"]),
    ("src/config/check.rs", &["github", "kubernetes", "prometheus"]),
    ("src/config/engine.rs", &["argo_rollouts", "kubernetes"]),
    ("src/config/layer.rs", &["kubernetes"]),
    ("src/config/quote.rs", &["kubernetes"]),
    ("src/config/read.rs", &["github", "kubernetes", "prometheus"]),
    ("src/config/schema.rs", &["argo_rollouts", "github", "kubernetes", "prometheus"]),
    ("src/provider/http/handshake.rs", &["kubernetes"]),
    ("src/provider/http/proxy.rs", &["kubernetes"]),
    ("src/run/ground.rs", &["kubernetes", "prometheus"]),
];
