//! Where this machine tells of AWS: variables and files of AWS's own tools. Connects to nothing, runs nothing and reads no secret.

use crate::{
    config::draft::Drafted,
    run::registry::found::{Here, Part},
};

/// In the place of a pipeline's name: all that a region has.
const ALL: &str = "*";

/// One connection, for the region that is named.
pub(in crate::run::registry) fn found(here: &Here) -> Part {
    let of = |name: &str| here.environment.get(name).map(|value| value.trim()).filter(|value| !value.is_empty());
    let signs =
        ["AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"];
    let Some(sign) = signs.into_iter().find(|name| of(name).is_some()) else { return Part::default() };
    let mut one = Drafted::new("codepipeline", "codepipeline", format!("{sign} is set"));
    if let Some(region) = of("AWS_REGION").or(of("AWS_DEFAULT_REGION")) {
        one.set("region", region.into(), String::new());
    } else {
        one.set("region", "eu-west-1".into(), "which region is meant, nothing here says".to_owned());
        one.off = Some("say which region: AWS_REGION is not set".to_owned());
    }
    if let Some(profile) = of("AWS_PROFILE") {
        one.set("profile", profile.into(), String::new());
    }
    let all = toml::Table::from_iter([("name".to_owned(), ALL.into())]);
    let why = "all of the region; environments = { Prod = \"prod\" } says which environment a stage is";
    one.set("pipelines", vec![toml::Value::from(all)].into(), why.to_owned());
    Part { connections: vec![one], missing: Vec::new() }
}
