//! Argo Rollouts: its objects to `domain::rollout`, its verbs to guarded patches.
