//! The scenarios that are built in: `examples/scenarios`, in the order in which they are listed.

/// Name and text. A new file there needs a row here; a test says so.
pub(super) const BUILT_IN: [(&str, &str); 20] = [
    ("bad-canary", include_str!("../../../examples/scenarios/bad-canary.toml")),
    ("fleet", include_str!("../../../examples/scenarios/fleet.toml")),
    ("steady", include_str!("../../../examples/scenarios/steady.toml")),
    ("waiting-approval", include_str!("../../../examples/scenarios/waiting-approval.toml")),
    ("low-traffic", include_str!("../../../examples/scenarios/low-traffic.toml")),
    ("hung-api", include_str!("../../../examples/scenarios/hung-api.toml")),
    ("drift", include_str!("../../../examples/scenarios/drift.toml")),
    ("moved-sha", include_str!("../../../examples/scenarios/moved-sha.toml")),
    ("simpson", include_str!("../../../examples/scenarios/simpson.toml")),
    ("no-data", include_str!("../../../examples/scenarios/no-data.toml")),
    ("no-canary-traffic", include_str!("../../../examples/scenarios/no-canary-traffic.toml")),
    ("bad-pod", include_str!("../../../examples/scenarios/bad-pod.toml")),
    ("burst", include_str!("../../../examples/scenarios/burst.toml")),
    ("slow-canary", include_str!("../../../examples/scenarios/slow-canary.toml")),
    ("buildkite", include_str!("../../../examples/scenarios/buildkite.toml")),
    ("jenkins", include_str!("../../../examples/scenarios/jenkins.toml")),
    ("gitlab", include_str!("../../../examples/scenarios/gitlab.toml")),
    ("circleci", include_str!("../../../examples/scenarios/circleci.toml")),
    ("flow", include_str!("../../../examples/scenarios/flow.toml")),
    ("codepipeline", include_str!("../../../examples/scenarios/codepipeline.toml")),
];
