//! From the settings of CodePipeline to its provider: who we are to AWS, and the way to each of its services.

mod found;

use std::{collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use url::Url;

use crate::{
    config::{access::Access, kind::codepipeline::Codepipeline, object::Object},
    demo::transport::transport,
    domain::observed::FaultKind,
    port::{error::ProviderError, facet::Connection, wire::Transport},
    program,
    provider::{
        aws::{self, Chain, Credentials, Leaves, Role, Ways},
        codepipeline::{self, Pipeline},
        http::{Allowance, Base, Made, Maker, Way, layered, reqwest_leaf},
    },
    run::{
        reach,
        registry::{Below, Wired, Wiring, gauged},
    },
};

pub(super) use self::found::found;

/// In the place of a pipeline's name: all that a region has.
const ALL: &str = "*";
/// What we allow ourselves. AWS publishes no number; boards of many pipelines were slowed down at a few requests a second, which all who
/// ask in an account and region share, the console too.
const ALLOWANCE: Allowance = Allowance { requests: 120, window: Duration::from_mins(1) };
/// Where machines and containers hand out credentials: never behind a proxy.
const LINK_LOCAL: [&str; 2] = ["169.254.", "[fd00:ec2:"];

impl Wired for Codepipeline {
    fn connect(&self, wiring: &Wiring<'_>) -> Result<Connection, ProviderError> {
        let address = aws::address(self.url.as_deref(), "codepipeline", &self.region);
        // Who we are is signed, and stands in no header of its own.
        let who = (format!("{address} {:?} {:?}", self.profile, self.role), self.access.credential());
        let layers = wiring.layers(&self.access);
        let layers = crate::provider::http::Layers { budget: wiring.credentials.of(who, &layers.budget), ..layers };
        let (transport, budget) = match wiring.below {
            Below::World(world) => {
                let url = url(&address)?;
                let leaf = transport(world.clone(), Arc::clone(wiring.clock), url.path());
                let (key, secret) = crate::demo::codepipeline::spec::KEY;
                let demo = Credentials::lasting(key, secret, "the built-in world");
                let signed = aws::signed(
                    Leaves::one(&address, leaf),
                    codepipeline::TARGETS,
                    demo,
                    &self.region,
                    Arc::clone(wiring.clock),
                );
                let budget = layers.budget.clone();
                (layered(signed, layers, Arc::clone(wiring.clock)), budget)
            }
            Below::Network(environment) => wiring.when_made(layers, self.maker(environment, wiring)),
        };
        let settings = codepipeline::Settings {
            name: wiring.source(),
            region: self.region.clone(),
            address: self.url.clone(),
            pipelines: wiring
                .config
                .looked_at(wiring.name, &self.pipelines)
                .into_iter()
                .map(|one| pipeline(wiring, one))
                .collect(),
            interval: self.interval,
        };
        Ok(gauged(codepipeline::over(transport, settings, Arc::clone(wiring.clock)), budget, &self.access))
    }

    fn allowance(&self) -> Option<Allowance> {
        Some(ALLOWANCE)
    }

    fn elsewhere(&self, environment: &BTreeMap<String, String>) -> Vec<PathBuf> {
        if self.access.basic_auth.is_some() { Vec::new() } else { Chain::default().files(environment) }
    }
}

fn pipeline(wiring: &Wiring<'_>, object: Object) -> Pipeline {
    let environments = object.environments.iter().map(|(stage, ours)| (stage.clone(), wiring.environment(ours)));
    Pipeline {
        environments: environments.collect(),
        name: Some(object.name).filter(|name| name != ALL),
        service: object.service,
        version: object.version,
    }
}

impl Codepipeline {
    /// The way, made when it is first asked and again before its credentials end.
    fn maker(&self, environment: &BTreeMap<String, String>, wiring: &Wiring<'_>) -> Maker {
        let plan = Arc::new(Plan {
            access: Access { basic_auth: None, ..self.access.clone() },
            key: self.access.clone(),
            profile: self.profile.clone(),
            role: self.role.as_ref().map(|arn| Role::new(arn, self.external_id.clone())),
            region: self.region.clone(),
            url: self.url.clone(),
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
                let base = plan.base("codepipeline")?;
                let region = plan.region.clone();
                let leaves = Leaves::new(move |service| {
                    let base = plan.base(service)?;
                    Ok((base.url.to_string(), reqwest_leaf(&base)?))
                });
                Ok(Made {
                    leaf: aws::signed(leaves, codepipeline::TARGETS, who, &region, clock),
                    proxy: base.proxy,
                    life,
                })
            }
        });
        // A profile may name a program, which has its own time limit.
        let maker = maker.watching(move || files.files());
        maker.sparing().patient(program::LIMIT + Duration::from_secs(1))
    }
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
