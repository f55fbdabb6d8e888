//! Which pipelines there are: the runs of many projects in one answer of `/api/v3`, or project by project where that is not there.

use std::collections::BTreeMap;

use crate::{
    domain::{observed::FaultKind, time::Timestamp},
    port::error::ProviderError,
    provider::circleci::{
        CALLED, api,
        client::Client,
        normalize::Pipeline,
        request::{self, PAGE},
    },
};

/// Projects that one question asks about.
const MOST_ASKED: usize = 50;
/// Pages of the newest runs, and of those of one state.
const MOST_NEWEST: usize = 5;
const MOST_PAGES: usize = 25;
/// The states of what has not ended and may be older than the newest runs. What is in the others is known from its begin on, but for
/// the first look.
pub(super) const LIVE: &[&str] = &["on_hold", "running"];
pub(super) const AT_FIRST: &[&str] = &["on_hold", "running", "failing", "queued"];

/// What was found of each project, by its id, and what of all of them could not be read.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) pipelines: BTreeMap<String, Vec<Pipeline>>,
    /// Why a project was not told of.
    pub(super) failed: BTreeMap<String, ProviderError>,
    pub(super) gaps: Vec<String>,
}

/// Asks about projects, by their ids; of the newest runs on and on until `is_news` finds nothing new on a page; and for what is in
/// these states, however old it is.
pub(super) async fn look(
    client: &Client,
    ids: &[String],
    states: &[&str],
    now: Timestamp,
    is_news: impl Fn(&str, &Pipeline) -> bool,
) -> Found {
    let mut found = Found::default();
    let mut left: Vec<&[String]> = ids.chunks(MOST_ASKED).collect();
    while let Some(some) = left.pop() {
        match look_at(client, some, states, now, &is_news, &mut found).await {
            Ok(()) => {}
            // One of them that the token may not see must not hide the others.
            Err(error) if some.len() > 1 && is_of_one(&error) => {
                let (one, other) = some.split_at(some.len() / 2);
                left.extend([one, other]);
            }
            Err(error) => found.failed.extend(some.iter().map(|id| (id.clone(), error.clone()))),
        }
    }
    found
}

/// May this be about one of those that were asked about only?
fn is_of_one(error: &ProviderError) -> bool {
    matches!(error.kind, FaultKind::Missing | FaultKind::Forbidden | FaultKind::Rejected)
}

async fn look_at(
    client: &Client,
    ids: &[String],
    states: &[&str],
    now: Timestamp,
    is_news: &impl Fn(&str, &Pipeline) -> bool,
    found: &mut Found,
) -> Result<(), ProviderError> {
    let what = if ids.len() == 1 { "runs of a project".to_owned() } else { format!("runs of {} projects", ids.len()) };
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let states = std::iter::once(None).chain(states.iter().map(|state| Some(*state)));
    let mut all = Vec::new();
    for state in states {
        let most = if state.is_some() { MOST_PAGES } else { MOST_NEWEST };
        let (mut cursor, mut unread) = (String::new(), 0);
        for page in 1..=most {
            let list: api::List<api::Run> = client.read(&request::runs(&ids, state, &cursor, now), &what).await?;
            let count = list.data.len();
            unread += list.data.unread;
            let told: Vec<(String, Pipeline)> = list.data.read.into_iter().filter_map(Pipeline::of_run).collect();
            unread += count - list.data.unread - told.len();
            let news = told.iter().any(|(project, pipeline)| is_news(project, pipeline));
            all.extend(told);
            cursor = list.page.next.unwrap_or_default();
            if cursor.is_empty() || count == 0 || state.is_none() && !news {
                break;
            }
            if page == most
                && let Some(state) = state
            {
                let read = most * PAGE;
                found.gaps.push(format!("{CALLED}, {what}: only {read} of those that are {state} were read"));
            }
        }
        if unread > 0 {
            found.gaps.push(format!("{CALLED}, {what}: {unread} of them cannot be read"));
        }
    }
    for id in ids {
        found.pipelines.entry(id.to_owned()).or_default();
    }
    for (project, pipeline) in all {
        found.pipelines.entry(project).or_default().push(pipeline);
    }
    Ok(())
}
