//! Where the two interfaces of a GitHub are. On github.com both lie under one address; on an Enterprise server REST is
//! `https://HOST/api/v3` and GraphQL `https://HOST/api/graphql`
//! (docs.github.com/en/enterprise-server, "Getting started with the REST API", "Forming calls with GraphQL").

use crate::provider::github::request::Wanted;

/// What the configuration's address of an Enterprise server ends with: it names REST.
const ENTERPRISE: &str = "/api/v3";
/// The path that stands for GraphQL in [`Wanted`].
pub(super) const GRAPHQL: &str = "/graphql";

/// The paths of the interfaces below the address that they share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Roots {
    rest: &'static str,
    graphql: &'static str,
}

impl Default for Roots {
    /// Both directly below it, as on github.com.
    fn default() -> Self {
        Self { rest: "", graphql: GRAPHQL }
    }
}

impl Roots {
    /// Takes the address of REST apart: the address that everything is under, and the paths below it.
    pub fn of(address: &str) -> (&str, Self) {
        let address = address.trim_end_matches('/');
        match address.strip_suffix(ENTERPRISE) {
            Some(shared) => (shared, Self { rest: ENTERPRISE, graphql: "/api/graphql" }),
            None => (address, Self::default()),
        }
    }

    /// The request with the path of its interface.
    pub(super) fn place(&self, wanted: Wanted) -> Wanted {
        let path =
            if wanted.path == GRAPHQL { self.graphql.to_owned() } else { format!("{}{}", self.rest, wanted.path) };
        Wanted { path, ..wanted }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        port::clock::SharedClock,
        provider::{
            github::{client::Client, request},
            http::{
                Base, based,
                testing::{Jumping, reply, scripted},
            },
        },
    };

    #[tokio::test]
    async fn rest_and_graphql_are_asked_where_each_of_them_is() {
        let table = [
            ("https://api.github.com", ["https://api.github.com/user", "https://api.github.com/graphql"]),
            ("https://ghe.test/api/v3/", ["https://ghe.test/api/v3/user", "https://ghe.test/api/graphql"]),
            (
                "http://127.0.0.1:8080/github",
                ["http://127.0.0.1:8080/github/user", "http://127.0.0.1:8080/github/graphql"],
            ),
        ];
        for (address, asked) in table {
            let (shared, roots) = Roots::of(address);
            let (leaf, seen) = scripted([reply(200, &[], "{}"), reply(200, &[], "{}")]);
            let transport = based(leaf, &Base::new(shared.parse().unwrap())).unwrap();
            let clock: SharedClock = Jumping::shared();
            let client = Client::new(transport, None, roots, &clock);
            for wanted in [request::user(), request::live("acme", "ledger")] {
                client.send(wanted, "a test").await.unwrap();
            }
            let uris: Vec<String> = seen.all().iter().map(|request| request.uri().to_string()).collect();
            assert_eq!(uris, asked, "{address}");
        }
    }
}
