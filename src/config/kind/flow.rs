//! Apsara DevOps Flow (云效 Flow) as a connection of the configuration: by which of its two APIs, and in which organisation.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::{
    access::Access,
    check::Known,
    kind::{Connection, Kind, Settings},
    note::Notes,
    object::{Object, Objects},
    span, tree,
};

/// Where each API is, where no address says otherwise.
const TOKEN: &str = "https://openapi-rdc.aliyuncs.com";
const KEY: &str = "https://devops.cn-hangzhou.aliyuncs.com";

pub(super) static KIND: Kind = Kind {
    name: "flow",
    read: |node, under, problems| tree::read(node, under, problems).map(Connection::Flow),
    open: &["api", "organization", "prefix"],
    addresses: &["url"],
    tables: &["pipelines"],
    objects: Some(Objects {
        key: "pipeline",
        several: false,
        form: "PIPELINE",
        parts: 1..=1,
        list: Some("pipelines"),
        patterns: true,
        odd: |_| None,
    }),
};

/// Which of Flow's APIs is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Api {
    /// That of personal tokens.
    #[default]
    Token,
    /// The older one, of access keys: it starts no jobs by hand, runs no deploy job again, and knows no steps.
    AccessKey,
}

/// Apsara DevOps Flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flow {
    /// Its address; without it that of the central edition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// By which API: `token`, or `access_key`.
    #[serde(default)]
    pub api: Api,
    /// How it is reached: `token` is a personal one; with `api = "access_key"`, `basic_auth` has the id and the secret of an access key,
    /// which signs and is never sent.
    #[serde(flatten, skip_deserializing)]
    pub access: Access,
    /// The organisation's id. A region of one's own leaves it out of its paths, and so it is left out here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    /// What the paths begin with.
    #[serde(default = "oapi")]
    pub prefix: String,
    /// The pipelines that are looked at, by name or id, beside those that services name; `*` is all that the organisation has. Their
    /// environments are told by the names of jobs or stages.
    #[serde(default)]
    pub pipelines: Vec<Object>,
    /// How often it is read.
    #[serde(default = "thirty_seconds", with = "span")]
    pub interval: Duration,
}

fn oapi() -> String {
    "/oapi/v1".to_owned()
}

fn thirty_seconds() -> Duration {
    Duration::from_secs(30)
}

impl Flow {
    /// Its address.
    pub fn base(&self) -> &str {
        let usual = if self.api == Api::AccessKey { KEY } else { TOKEN };
        self.url.as_deref().unwrap_or(usual)
    }
}

impl Settings for Flow {
    fn address(&self) -> Option<(&'static str, &str)> {
        Some(("url", self.base()))
    }

    fn lists(&self) -> &[Object] {
        &self.pipelines
    }

    fn names_its_own(&self) -> bool {
        true
    }

    fn check(&self, notes: &mut Notes<'_, '_>, _: &Known<'_>, _: &[&str]) {
        let named = self.organization.as_deref().is_some_and(|name| !name.trim().is_empty());
        match self.api {
            Api::AccessKey => {
                if !named {
                    notes.add(
                        &["organization"],
                        "the API of access keys has the organisation in its paths: organization = \"…\"".to_owned(),
                    );
                }
                if self.access.token.is_some() {
                    let why = "a personal token is for api = \"token\"; an access key stands in basic_auth = { username = its id, \
                               password = its secret }";
                    notes.add(&["token"], why.to_owned());
                }
            }
            Api::Token => {
                if self.access.basic_auth.is_some() {
                    let why = "an access key is for api = \"access_key\"; a personal token stands in token";
                    notes.add(&["basic_auth"], why.to_owned());
                }
                if !named && self.url.is_none() {
                    let why = "the central edition wants to know which organisation: organization = \"…\", the id in the address of \
                               devops.aliyun.com/organization/ID";
                    notes.add(&["organization"], why.to_owned());
                }
            }
        }
    }
}
