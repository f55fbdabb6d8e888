//! What every service of AWS is reached by: who we are, credentials that end and are made anew, and the way to each service. Here must not
//! live: what is looked at there.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use url::Url;

use crate::{
    config::{access::Access, kind::aws::Account},
    demo::transport::transport,
    domain::observed::FaultKind,
    port::{error::ProviderError, wire::Transport},
    program,
    provider::{
        aws::{self, Chain, Credentials, Leaves, Role, Targets, Ways},
        http::{Base, Budget, Layers, Made, Maker, Way, layered, reqwest_leaf},
    },
    run::{
        reach,
        registry::{Below, Wiring},
    },
};

/// Where machines and containers hand out credentials: never behind a proxy.
const LINK_LOCAL: [&str; 2] = ["169.254.", "[fd00:ec2:"];

/// The way, signed, and what is left to ask.
pub(super) fn wire(
    account: Account<'_>,
    targets: Targets,
    wiring: &Wiring<'_>,
) -> Result<(Transport, Budget), ProviderError> {
    let address = aws::address(account.url, account.service, account.region);
    // Who we are is signed, and stands in no header of its own.
    let who = (format!("{address} {:?} {:?}", account.profile, account.role), account.access.credential());
    let layers = wiring.layers(account.access);
    let layers = Layers { budget: wiring.credentials.of(who, &layers.budget), ..layers };
    Ok(match wiring.below {
        Below::World(world) => {
            let url = url(&address)?;
            let leaf = transport(world.clone(), Arc::clone(wiring.clock), url.path());
            let (key, secret) = crate::demo::aws::KEY;
            let demo = Credentials::lasting(key, secret, "the built-in world");
            let signed =
                aws::signed(Leaves::one(&address, leaf), targets, demo, account.region, Arc::clone(wiring.clock));
            let budget = layers.budget.clone();
            (layered(signed, layers, Arc::clone(wiring.clock)), budget)
        }
        Below::Network(environment) => wiring.when_made(layers, maker(account, targets, environment, wiring)),
    })
}

/// What is not in the configuration and says who we are.
pub(super) fn elsewhere(account: Account<'_>, environment: &BTreeMap<String, String>) -> Vec<PathBuf> {
    if account.access.basic_auth.is_some() { Vec::new() } else { Chain::default().files(environment) }
}

/// The way, made when it is first asked and again before its credentials end.
fn maker(account: Account<'_>, targets: Targets, environment: &BTreeMap<String, String>, wiring: &Wiring<'_>) -> Maker {
    let service = account.service;
    let plan = Arc::new(Plan {
        access: Access { basic_auth: None, ..account.access.clone() },
        key: account.access.clone(),
        profile: account.profile.map(str::to_owned),
        role: account.role.map(|arn| Role::new(arn, account.external_id.map(str::to_owned))),
        region: account.region.to_owned(),
        url: account.url.map(str::to_owned),
        environment: environment.clone(),
    });
    let (files, clock) = (Arc::clone(&plan), Arc::clone(wiring.clock));
    let maker = Maker::new(move || {
        let (plan, clock) = (Arc::clone(&plan), Arc::clone(&clock));
        async move {
            let chain = plan.chain()?;
            let ways = plan.ways(Arc::clone(&clock));
            let who = chain.lend(&ways).await?;
            let life = who.life(clock.now());
            let base = plan.base(service)?;
            let region = plan.region.clone();
            let leaves = Leaves::new(move |name| {
                let base = plan.base(name)?;
                Ok((base.url.to_string(), reqwest_leaf(&base)?))
            });
            Ok(Made { leaf: aws::signed(leaves, targets, who, &region, clock), proxy: base.proxy, life })
        }
    });
    // A profile may name a program, which has its own time limit.
    let maker = maker.watching(move || files.files());
    maker.sparing().patient(program::LIMIT + Duration::from_secs(1))
}

/// What the way is made of.
struct Plan {
    /// How services are reached, without who we are.
    access: Access,
    /// The same with the access key.
    key: Access,
    profile: Option<String>,
    role: Option<Role>,
    region: String,
    url: Option<String>,
    environment: BTreeMap<String, String>,
}

impl Plan {
    fn files(&self) -> Vec<PathBuf> {
        let chain = Chain::default().files(&self.environment);
        self.key.files().into_iter().chain(chain).collect()
    }

    /// Where credentials come from.
    fn chain(&self) -> Result<Chain, ProviderError> {
        let key = match &self.key.basic_auth {
            None => None,
            Some(basic) => {
                let none = |why: String| ProviderError::new(FaultKind::Unauthenticated, why);
                let key = basic.username.read(&self.environment).map_err(|why| none(why.about("the access key")))?;
                let secret = basic
                    .password
                    .read(&self.environment)
                    .map_err(|why| none(why.about("the secret of the access key")))?;
                let key = secrecy::ExposeSecret::expose_secret(&key).to_owned();
                Some(Credentials::lasting(key, secret, "`basic_auth`"))
            }
        };
        Ok(Chain { key, profile: self.profile.clone(), role: self.role.clone() })
    }

    fn ways(&self, clock: crate::port::clock::SharedClock) -> Ways {
        let (access, environment) = (self.access.clone(), self.environment.clone());
        let reach = move |at: &Url| -> Result<Transport, ProviderError> {
            let host = at.host_str().unwrap_or_default();
            if LINK_LOCAL.iter().any(|begin| host.starts_with(begin)) {
                return reqwest_leaf(&Base::new(at.clone()).by(Way::Direct));
            }
            reqwest_leaf(&reach::base(at.clone(), &access, &environment)?)
        };
        Ways {
            environment: self.environment.clone(),
            region: self.region.clone(),
            address: self.url.clone(),
            reach: Arc::new(reach),
            clock,
        }
    }

    /// Where a service is, and how it is reached.
    fn base(&self, service: &str) -> Result<Base, ProviderError> {
        reach::base(url(&aws::address(self.url.as_deref(), service, &self.region))?, &self.access, &self.environment)
    }
}

fn url(address: &str) -> Result<Url, ProviderError> {
    // What cannot be read as an address may hold a password: it is not quoted.
    Url::parse(address)
        .map_err(|why| ProviderError::new(FaultKind::Unreachable, format!("its address is no URL: {why}")))
}
