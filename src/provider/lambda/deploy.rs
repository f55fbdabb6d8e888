//! Reads what CodeDeploy has: which of its groups move which aliases, told by what each has deployed, for groups name none; and where what is
//! under way is.

use std::{sync::Arc, time::Duration};

use futures::future::join_all;

use crate::{
    domain::{
        observed::FaultKind,
        time::{Timestamp, age},
    },
    port::error::ProviderError,
    provider::lambda::{
        api::{self, Deployment},
        client::Client,
        memory::{Done, Owner, Owners, is_live},
        request,
    },
};

/// Which groups there are is asked again after this.
const ALL: Duration = Duration::from_mins(5);
/// As many applications, groups or deployments are asked about at once.
const BATCH: usize = 25;
/// Pages of applications, and of groups of one.
const MOST_PAGES: usize = 10;
/// Deployments of a group that are read: as many as a card shows.
const FEW: usize = 5;

/// Reads all of it, where that is due; else what has changed of those who move a function's aliases.
pub(super) async fn read(client: &Client, known: Owners, function: &str, now: Timestamp) -> Owners {
    let lasting = known.at.is_some_and(|at| age(now, at) < ALL) && known.unread.is_none();
    let read = if lasting { again(client, &known, function).await } else { all(client, &known, now).await };
    read.unwrap_or_else(|error| Owners { unread: Some(error.text), ..known })
}

/// Every group that deploys to Lambda.
async fn all(client: &Client, known: &Owners, now: Timestamp) -> Result<Owners, ProviderError> {
    let mut fresh = Owners { at: Some(now), configs: known.configs.clone(), ..Owners::default() };
    for application in applications(client).await? {
        let names = group_names(client, &application).await?;
        for some in names.chunks(BATCH) {
            let read: api::Groups = client.read(&request::groups(&application, some), &application).await?;
            for group in read.deployment_groups_info {
                let before = known.all.iter().find(|owner| is_same(&owner.group, &group));
                let owner = owner(client, group, before.map(AsRef::as_ref), &mut fresh).await?;
                if owner.done.is_empty() {
                    fresh.silent.push(owner.called());
                } else {
                    fresh.all.push(Arc::new(owner));
                }
            }
        }
    }
    Ok(fresh)
}

fn is_same(one: &api::Group, other: &api::Group) -> bool {
    one.application_name == other.application_name && one.deployment_group_name == other.deployment_group_name
}

/// Those who move a function's aliases, as they are now.
async fn again(client: &Client, known: &Owners, function: &str) -> Result<Owners, ProviderError> {
    let mut fresh = known.clone();
    for (place, before) in known.all.iter().enumerate() {
        if !before.done.iter().any(|one| one.function == function) {
            continue;
        }
        let application = &before.group.application_name;
        let names = [before.group.deployment_group_name.clone()];
        let read: api::Groups = client.read(&request::groups(application, &names), application).await?;
        let Some(group) = read.deployment_groups_info.into_iter().next() else { continue };
        let owner = owner(client, group, Some(before), &mut fresh).await?;
        if let Some(there) = fresh.all.get_mut(place) {
            *there = Arc::new(owner);
        }
    }
    Ok(fresh)
}

/// A group with what it did last; what ended is not asked about again.
async fn owner(
    client: &Client,
    group: api::Group,
    before: Option<&Owner>,
    known: &mut Owners,
) -> Result<Owner, ProviderError> {
    let last = group.last_attempted_deployment.clone();
    let unchanged = before.filter(|before| {
        let same = before.group.last_attempted_deployment == last;
        same && before.live().is_none() && last.as_ref().is_none_or(|last| !is_live(&last.status))
    });
    if let Some(before) = unchanged {
        return Ok(Owner { group, ..before.clone() });
    }
    if last.is_none() {
        return Ok(Owner { group, ..Owner::default() });
    }
    let (application, name) = (&group.application_name, &group.deployment_group_name);
    let ids: api::Ids = client.read(&request::deployments(application, name), application).await?;
    let ids: Vec<String> = ids.deployments.into_iter().take(FEW).collect();
    let read: api::Deployments = client.read(&request::deployment(&ids), application).await?;
    let ended = |id: &str| before?.done.iter().find(|one| one.deployment.id == id && !one.is_live());
    let each = read.deployments_info.into_iter().map(|deployment| {
        let kept = ended(&deployment.id).cloned();
        async move {
            match kept {
                Some(kept) => Ok(Some(Done { deployment, ..kept })),
                None => done(client, deployment).await,
            }
        }
    });
    let each: Result<Vec<Option<Done>>, ProviderError> = join_all(each).await.into_iter().collect();
    let mut done: Vec<Done> = each?.into_iter().flatten().collect();
    done.sort_by(|one, other| {
        other.deployment.create_time.partial_cmp(&one.deployment.create_time).unwrap_or(std::cmp::Ordering::Equal)
    });
    let config = match done.first().and_then(|one| one.deployment.config_name.clone()) {
        Some(name) => Some(config(client, &name, known).await?),
        None => None,
    };
    Ok(Owner { group, done, config })
}

/// What a deployment is about. One that has not begun has no target yet, and one that is long over none any more.
async fn done(client: &Client, deployment: Deployment) -> Result<Option<Done>, ProviderError> {
    let id = deployment.id.clone();
    let ids = match client.read::<api::TargetIds>(&request::target_ids(&id), &id).await {
        Ok(ids) => ids.target_ids,
        Err(error) if matches!(error.kind, FaultKind::Missing | FaultKind::Rejected) => Vec::new(),
        Err(error) => return Err(error),
    };
    if ids.is_empty() {
        return Ok(None);
    }
    let read: api::Targets = client.read(&request::targets(&id, &ids), &id).await?;
    let target = read.deployment_targets.into_iter().find_map(|target| target.lambda_target);
    Ok(target.and_then(|target| {
        let info = target.lambda_function_info?;
        Some(Done {
            deployment,
            function: info.function_name?,
            alias: info.function_alias?,
            from: info.current_version.unwrap_or_default(),
            to: info.target_version.unwrap_or_default(),
            events: target.lifecycle_events.unwrap_or_default(),
        })
    }))
}

async fn config(client: &Client, name: &str, known: &mut Owners) -> Result<api::Config, ProviderError> {
    if let Some(config) = known.configs.get(name) {
        return Ok(config.clone());
    }
    let told: api::Told = client.read(&request::config(name), name).await?;
    known.configs.insert(name.to_owned(), told.deployment_config_info.clone());
    Ok(told.deployment_config_info)
}

/// The applications that deploy to Lambda.
async fn applications(client: &Client) -> Result<Vec<String>, ProviderError> {
    let (mut names, mut token) = (Vec::new(), None::<String>);
    for _ in 0..MOST_PAGES {
        let page: api::Applications = client.read(&request::applications(token.as_deref()), "its applications").await?;
        names.extend(page.applications);
        token = page.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            break;
        }
    }
    if token.is_some() {
        let text = format!("CodeDeploy has more applications than are read ({})", names.len());
        return Err(ProviderError::new(FaultKind::Unreadable, text));
    }
    let mut found = Vec::new();
    for some in names.chunks(BATCH) {
        let read: api::ApplicationsInfo = client.read(&request::platforms(some), "its applications").await?;
        let lambda = read.applications_info.into_iter().filter(|one| one.compute_platform.as_deref() == Some("Lambda"));
        found.extend(lambda.map(|one| one.application_name));
    }
    Ok(found)
}

async fn group_names(client: &Client, application: &str) -> Result<Vec<String>, ProviderError> {
    let (mut names, mut token) = (Vec::new(), None::<String>);
    for _ in 0..MOST_PAGES {
        let page: api::GroupNames =
            client.read(&request::group_names(application, token.as_deref()), application).await?;
        names.extend(page.deployment_groups);
        token = page.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            break;
        }
    }
    Ok(names)
}
