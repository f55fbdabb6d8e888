//! Reads a function: its aliases each time, what seldom changes seldom.

use std::time::Duration;

use crate::{
    domain::time::{Timestamp, age},
    port::error::ProviderError,
    provider::lambda::{
        address::is_alias,
        api::{self, Provisioned, Published},
        client::Client,
        memory::Function,
        request,
    },
};

/// Versions are asked for again after this, or when an alias points at one that is not known.
const VERSIONS: Duration = Duration::from_mins(5);
/// What is kept warm and free.
const SIDE: Duration = Duration::from_mins(1);
/// Pages of anything of one function.
const MOST_PAGES: usize = 20;

/// Reads it, over what was known of it.
///
/// # Errors
/// When its aliases cannot be read: then nothing is known of it.
pub(super) async fn read(client: &Client, mut known: Function, now: Timestamp) -> Result<Function, ProviderError> {
    known.aliases = aliases(client, &known.name).await?;
    let due = |at: Option<Timestamp>, span: Duration| at.is_none_or(|at| age(now, at) >= span);
    let points = known.aliases.iter().flat_map(|alias| {
        let others = alias.others().map(|(version, _)| version);
        std::iter::once(alias.function_version.as_str()).chain(others)
    });
    let is_new = points.filter(|number| *number != "$LATEST").any(|number| known.version(number).is_none());
    if due(known.versions_at, VERSIONS) || is_new {
        match versions(client, &known.name).await {
            Ok((all, whole)) => {
                let cut = || format!("it has more versions than are read ({})", all.len());
                (known.unread, known.versions_at) = ((!whole).then(cut), Some(now));
                known.versions = all;
            }
            Err(error) => known.unread = Some(error.text),
        }
    }
    let moves = known.aliases.iter().any(|alias| alias.coming().is_some());
    if due(known.side_at, SIDE) || moves {
        known.warm = warm(client, &known.name).await.map_err(|error| error.text);
        let reserved = client.read::<api::Reserved>(&request::reserved(&known.name), &known.name).await;
        known.reserved = reserved.map(|told| told.reserved_concurrent_executions).map_err(|error| error.text);
        known.side_at = Some(now);
    }
    Ok(known)
}

async fn aliases(client: &Client, name: &str) -> Result<Vec<api::Alias>, ProviderError> {
    let (mut all, mut marker) = (Vec::new(), None::<String>);
    for _ in 0..MOST_PAGES {
        let page: api::Aliases = client.read(&request::aliases(name, marker.as_deref()), name).await?;
        all.extend(page.aliases.into_iter().filter(|alias| is_alias(&alias.name)));
        marker = page.next_marker.filter(|marker| !marker.is_empty());
        if marker.is_none() {
            break;
        }
    }
    Ok(all)
}

/// Its versions, newest first, and whether these are all.
async fn versions(client: &Client, name: &str) -> Result<(Vec<Published>, bool), ProviderError> {
    let (mut all, mut marker) = (Vec::new(), None::<String>);
    for _ in 0..MOST_PAGES {
        let page: api::Versions = client.read(&request::versions(name, marker.as_deref()), name).await?;
        all.extend(page.versions.into_iter().filter(|version| version.number().is_some()));
        marker = page.next_marker.filter(|marker| !marker.is_empty());
        if marker.is_none() {
            break;
        }
    }
    all.sort_by_key(|version| std::cmp::Reverse(version.number()));
    Ok((all, marker.is_none()))
}

async fn warm(client: &Client, name: &str) -> Result<Vec<Provisioned>, ProviderError> {
    let (mut all, mut marker) = (Vec::new(), None::<String>);
    for _ in 0..MOST_PAGES {
        let page: api::Warm = client.read(&request::warm(name, marker.as_deref()), name).await?;
        all.extend(page.provisioned_concurrency_configs);
        marker = page.next_marker.filter(|marker| !marker.is_empty());
        if marker.is_none() {
            break;
        }
    }
    Ok(all)
}
