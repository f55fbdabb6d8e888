//! The registry provider against Debian's `docker-registry`: what is kept, what is gone, what a tag stands for, and whom it lets in.

#[cfg(test)]
#[path = "support/images.rs"]
mod support;

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use futures::StreamExt;
    use holdshort::{
        domain::{observed::FaultKind, preflight::Kept},
        port::{
            clock::SharedClock,
            error::ProviderError,
            lookup::{Lookup, Question, Told},
            wire::Transport,
        },
        provider::{
            http::{Base, Layers, layered, reqwest_leaf},
            oci::{self, Ways},
        },
        runtime::clock::SystemClock,
    };

    use super::support::{DANA, RealRegistry};

    /// The provider over real ways to it; with a name and a password where there are some.
    fn lookup(registry: &RealRegistry, named: Option<(&str, &str)>) -> Arc<dyn Lookup> {
        let clock: SharedClock = Arc::new(SystemClock);
        let url = format!("http://{}", registry.host());
        let way = |base: Base| -> Transport {
            layered(reqwest_leaf(&base).unwrap(), Layers::new("images".into()), clock.clone())
        };
        let base = || Base::new(url.parse().unwrap());
        let by_name = |(name, password): (&str, &str)| way(base().basic(&name.into(), &password.into()));
        let ways = Ways { plain: way(base()), named: named.map(by_name), tokens: way(base()) };
        let settings = oci::Settings {
            hosts: vec![registry.host().to_owned()],
            token_server: format!("{url}/token"),
            interval: Duration::from_mins(1),
        };
        oci::over("images".into(), ways, settings, clock).lookups.remove(0)
    }

    async fn ask(lookup: &Arc<dyn Lookup>, name: String) -> Result<Kept, ProviderError> {
        let told: Vec<_> = lookup.ask(Question::Image { name }).collect().await;
        let [only] = <[_; 1]>::try_from(told).unwrap();
        only.map(|told| match told {
            Told::Image(kept) => kept,
            other => panic!("{other:?}"),
        })
    }

    #[tokio::test]
    async fn an_image_is_there_with_its_digest_until_it_is_taken_away_and_is_gone_then() {
        let Some(registry) = RealRegistry::start(false) else { return };
        let (lookup, image) = (lookup(&registry, None), |tag: &str| format!("{}/shop/pay:{tag}", registry.host()));
        let first = registry.push("shop/pay", "1.41.3", "one");
        let there = |digest: &String, tags: usize| Ok(Kept::There { digest: Some(digest.clone()), tags: Ok(tags) });
        assert_eq!(ask(&lookup, image("1.41.3")).await, there(&first, 1));
        assert_eq!(ask(&lookup, format!("{}/shop/pay@{first}", registry.host())).await, there(&first, 1));
        let moved = registry.push("shop/pay", "1.41.3", "two");
        assert!(moved != first);
        registry.push("shop/pay", "1.42.0", "three");
        assert_eq!(ask(&lookup, image("1.41.3")).await, there(&moved, 2));
        registry.remove("shop/pay", &moved);
        assert_eq!(ask(&lookup, image("1.41.3")).await, Ok(Kept::Gone));
        assert_eq!(ask(&lookup, image("9.9.9")).await, Ok(Kept::Gone));
    }

    #[tokio::test]
    async fn what_is_kept_elsewhere_is_not_looked_for_and_what_never_was_is_as_gone_as_what_was_taken_away() {
        let Some(registry) = RealRegistry::start(false) else { return };
        let lookup = lookup(&registry, None);
        assert_eq!(ask(&lookup, "registry.example.com/shop/pay:1".to_owned()).await, Ok(Kept::Elsewhere));
        assert_eq!(ask(&lookup, String::new()).await, Ok(Kept::Elsewhere), "it is alive");
        assert_eq!(ask(&lookup, format!("{}/shop/web:1", registry.host())).await, Ok(Kept::Gone));
    }

    #[tokio::test]
    async fn one_that_asks_who_we_are_gets_our_name_and_password_and_says_so_where_there_are_none() {
        let Some(registry) = RealRegistry::start(true) else { return };
        let digest = registry.push("shop/pay", "1", "one");
        let image = || format!("{}/shop/pay:1", registry.host());
        let there = Ok(Kept::There { digest: Some(digest), tags: Ok(1) });
        assert_eq!(ask(&lookup(&registry, Some(DANA)), image()).await, there);
        let error = ask(&lookup(&registry, None), image()).await.unwrap_err();
        let text = "the registry wants a name and a password: write basic_auth (401)";
        assert_eq!((error.kind, error.text.as_str()), (FaultKind::Unauthenticated, text));
        let error = ask(&lookup(&registry, Some(("dana", "wrong"))), image()).await.unwrap_err();
        assert!(!error.text.contains("wrong"), "{error:?}");
        assert!(matches!(error.kind, FaultKind::Unauthenticated | FaultKind::Forbidden), "{error:?}");
    }
}
