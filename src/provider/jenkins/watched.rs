//! What is known of a job that is looked at, and of who looks: settings found by its name, and who we are to Jenkins.

use crate::{
    domain::{
        ids::{EnvironmentName, ServiceName},
        offer::Risk,
        service::Environment,
    },
    provider::jenkins::{Job, api, normalize::plain},
};

/// Who we are to Jenkins, and what it lets us do as far as it tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Who {
    /// The user's id; `None` where it takes us for nobody.
    pub(super) name: Option<String>,
    /// The groups that the user is in.
    pub(super) groups: Vec<String>,
    /// Do we administer it? Somebody has said so.
    pub(super) administrator: bool,
}

impl Who {
    /// From what Jenkins says.
    pub(super) fn of(whoami: api::Whoami, administrator: bool) -> Self {
        let name = whoami.name.filter(|name| whoami.anonymous != Some(true) && name != "anonymous");
        Self { name, groups: whoami.authorities.unwrap_or_default(), administrator }
    }

    /// Is this one of our names? Jenkins takes ids in any letters where nobody has changed that.
    pub(super) fn is(&self, submitter: &str) -> bool {
        let own = self.name.iter().chain(&self.groups);
        own.into_iter().any(|name| name.eq_ignore_ascii_case(submitter))
    }

    /// Why we may change nothing, where that is known.
    pub(super) fn may_not(&self) -> Option<String> {
        let why = "Jenkins takes us for anonymous: say who you are in `basic_auth`, with an API token";
        self.name.is_none().then(|| why.to_owned())
    }
}

/// One job, and what is known of how to look at it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watched<'a> {
    /// Its full name.
    pub(super) job: &'a str,
    /// The full name of what is released: the job's own, or that of the multibranch project whose branch it is.
    pub(super) project: &'a str,
    pub(super) settings: &'a Job,
    /// What it asks for where somebody builds it.
    pub(super) parameters: &'a [api::Parameter],
    pub(super) who: &'a Who,
}

impl Watched<'_> {
    pub(super) fn service(&self) -> ServiceName {
        let last = self.project.rsplit('/').next().unwrap_or(self.project);
        self.settings.service.clone().unwrap_or_else(|| ServiceName::new(last))
    }

    /// Is it a branch of a multibranch project?
    pub(super) fn branch(&self) -> Option<String> {
        let branch = self.job.strip_prefix(self.project)?.strip_prefix('/')?;
        // Jenkins escapes what a folder's name cannot hold.
        Some(branch.replace("%2F", "/").replace("%2f", "/"))
    }

    /// As people say it: `gateway`, `cart/main`.
    pub(super) fn pipeline(&self) -> String {
        let last = self.project.rsplit('/').next().unwrap_or(self.project);
        self.branch().map_or_else(|| last.to_owned(), |branch| format!("{last}/{branch}"))
    }

    /// Where what is behind an input goes.
    pub(super) fn environment(&self, input: &api::Input) -> Environment {
        let names = [input.id.as_deref(), input.message.as_deref()].into_iter().flatten();
        let all = &self.settings.environments;
        // An id begins with a capital letter, whatever the pipeline calls it.
        let configured = |name: &str| {
            let known = all.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
            known.map(|(_, environment)| environment.clone())
        };
        let message = input.message.as_deref().or(input.id.as_deref()).unwrap_or("input");
        let unknown = || Environment { name: EnvironmentName::new(plain(message)), risk: Risk::High };
        names.into_iter().find_map(configured).unwrap_or_else(unknown)
    }

    /// A build may deploy wherever an input of its pipeline lets it, so a mistake costs what the riskiest of them costs.
    pub(super) fn risk(&self) -> Risk {
        self.settings.environments.values().map(|environment| environment.risk).max().unwrap_or(Risk::High)
    }
}

/// The settings of a job: its own, those of the nearest thing above it that is named, or of the folder that it lies in.
pub(super) fn settings<'a>(all: &'a [Job], job: &str) -> Option<&'a Job> {
    let fits = |known: &&Job| {
        let below = if known.name.is_empty() {
            Some(job)
        } else {
            job.strip_prefix(&*known.name).and_then(|rest| rest.strip_prefix('/'))
        };
        match below {
            _ if known.name == job => !known.all,
            // Of the top only what lies there itself is looked at.
            Some(rest) if known.name.is_empty() => known.all && !rest.contains('/'),
            Some(rest) => known.all || !rest.contains('/'),
            None => false,
        }
    };
    all.iter().filter(fits).max_by_key(|known| (known.name.len(), !known.all))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(name: &str, all: bool) -> Job {
        let (service, environments, version, rollback) = Default::default();
        Job { name: name.into(), all, service, environments, version, rollback }
    }

    #[test]
    fn the_nearest_settings_count_and_what_is_not_looked_at_has_none() {
        let all = [job("shop", true), job("shop/cart", false), job("deploy", false), job("ops/tools", true)];
        let of = |name: &str| settings(&all, name).map(|job| job.name.as_str());
        for (name, found) in [
            ("shop/gateway", Some("shop")),
            ("shop/inner/x", Some("shop")),
            ("shop/cart", Some("shop/cart")),
            ("shop/cart/main", Some("shop/cart")),
            ("shop", None),
            ("shopping/x", None),
            ("deploy", Some("deploy")),
            ("ops/x", None),
            ("ops/tools/x", Some("ops/tools")),
            ("other", None),
        ] {
            assert_eq!(of(name), found, "{name}");
        }
        let top = [job("", true)];
        let found = ["deploy", "shop/x"].map(|name| settings(&top, name).is_some());
        assert_eq!(found, [true, false]);
    }

    #[test]
    fn a_branch_is_called_by_its_project_and_by_itself() {
        let (settings, who) = (job("shop", true), Who::default());
        let of = |job: &'static str, project: &'static str| {
            let watched = Watched { job, project, settings: &settings, parameters: &[], who: &who };
            (watched.pipeline(), watched.branch(), watched.service().to_string())
        };
        let branch = ("cart/feature/login".to_owned(), Some("feature/login".to_owned()), "cart".to_owned());
        assert_eq!(of("shop/cart/feature%2Flogin", "shop/cart"), branch);
        assert_eq!(of("shop/gateway", "shop/gateway"), ("gateway".to_owned(), None, "gateway".to_owned()));
    }

    #[test]
    fn somebody_is_known_by_their_name_and_their_groups_in_any_letters() {
        let whoami = |name: &str, anonymous| api::Whoami {
            name: Some(name.to_owned()),
            anonymous: Some(anonymous),
            authorities: Some(vec!["authenticated".into(), "Release".into()]),
        };
        let who = Who::of(whoami("dana", false), false);
        assert_eq!((who.is("Dana"), who.is("release"), who.is("lee"), who.may_not()), (true, true, false, None));
        assert!(Who::of(whoami("anonymous", true), false).may_not().is_some());
    }
}
