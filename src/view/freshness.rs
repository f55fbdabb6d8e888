//! The age of things in words: what is not live says so, with its age and why.
//!
//! What is live is said in steps ([`number::within`]), so that an idle screen is still; what is not counts every second.

use std::time::Duration;

use crate::{
    app::store::SourceState,
    domain::observed::Freshness,
    view::{
        number,
        span::{Line, Role},
    },
};

/// What is read less often than this says how often.
const SELDOM: Duration = Duration::from_mins(1);

/// `STALE 48 s`, `FAILING 12 s`, `no answer yet`; empty while it is live.
pub(super) fn warning(state: &SourceState) -> Line {
    match state.freshness {
        Freshness::Live if !state.unread.is_empty() => Line::of(Role::Warn, "INCOMPLETE"),
        Freshness::Live => Line::new(),
        Freshness::Never => Line::of(Role::Unknown, word(state)),
        Freshness::Stale | Freshness::Failing => Line::of(Role::Warn, word(state)),
    }
}

/// `FAILING 12 s: no answer within 4 s`; empty while it is live.
pub(super) fn sentence(state: &SourceState) -> Line {
    let line = warning(state);
    match (&state.fault, state.unread.first()) {
        (None, Some(unread)) if !line.is_empty() => line.and(Role::Warn, format!(": {unread}")),
        (Some(fault), _) if !line.is_empty() => line.and(Role::Warn, format!(": {}", fault.text)),
        _ => line,
    }
}

/// `live <20 s`, `STALE 48 s`: the word of any state, and its age.
pub(super) fn word(state: &SourceState) -> String {
    let age = state.age.map(|age| format!(" {}", number::age(age))).unwrap_or_default();
    match state.freshness {
        Freshness::Live => {
            let age = state.age.map(|age| format!(" {}", number::within(age, state.every))).unwrap_or_default();
            let seldom = (state.every > SELDOM).then(|| format!(", read every {}", number::age(state.every)));
            format!("live{age}{}", seldom.unwrap_or_default())
        }
        Freshness::Stale => format!("STALE{age}"),
        Freshness::Failing => format!("FAILING{age}"),
        Freshness::Never => "no answer yet".to_owned(),
    }
}

/// Is it anything but live?
pub(super) fn is_old(state: Option<&SourceState>) -> bool {
    state.is_none_or(|state| state.freshness != Freshness::Live)
}
