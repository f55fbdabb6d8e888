//! In which order releases come to the environments of a service, as the configuration declares it: waves, the region with little
//! traffic first. Going back knows no waves.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::{
    ids::{EnvironmentName, ServiceName},
    setting::NamePattern,
};

/// The order of some services.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Of which services; of all where none is named.
    #[serde(default)]
    pub services: Vec<NamePattern>,
    /// The environments of each wave, the first wave first. `prod` stands for `prod/eu-west-1` too, where that is not named itself.
    pub waves: Vec<Vec<EnvironmentName>>,
    /// For how long a version has all traffic of a wave before it goes to the next one; `None` where it goes at once.
    #[serde(default)]
    pub soak: Option<Duration>,
}

impl Order {
    /// Is it that of this service?
    pub fn is_of(&self, service: &ServiceName) -> bool {
        self.services.is_empty() || self.services.iter().any(|pattern| pattern.takes(service.as_str()))
    }

    /// The wave of an environment, from 0: the one that names it, or the nearest part of it before a `/`. `None` for one that the order
    /// does not name.
    pub fn wave(&self, environment: &EnvironmentName) -> Option<usize> {
        let named = self.named().filter(|(_, name)| is_within(environment, name));
        named.max_by_key(|(_, name)| name.as_str().len()).map(|(wave, _)| wave)
    }

    /// The waves that lie within an environment which is named by less than they are, from 0: `prod` where the order names
    /// `prod/eu-west-1`. More than one means that whatever goes there goes to all of them at once.
    pub fn waves_within(&self, environment: &EnvironmentName) -> Vec<usize> {
        let mut all: Vec<usize> =
            self.named().filter(|(_, name)| is_within(name, environment)).map(|(wave, _)| wave).collect();
        all.dedup();
        all
    }

    /// Every environment that is named, with its wave.
    pub fn named(&self) -> impl Iterator<Item = (usize, &EnvironmentName)> {
        self.waves.iter().enumerate().flat_map(|(wave, names)| names.iter().map(move |name| (wave, name)))
    }
}

/// Is the one the other, or a part of it?
fn is_within(part: &EnvironmentName, whole: &EnvironmentName) -> bool {
    let rest = part.as_str().strip_prefix(whole.as_str());
    !whole.as_str().is_empty() && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Every order that is declared. The first one that is of a service counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Waves(pub Vec<Order>);

impl Waves {
    /// The order of a service.
    pub fn of(&self, service: &ServiceName) -> Option<&Order> {
        self.0.iter().find(|order| order.is_of(service))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(services: &[&str], waves: &[&[&str]]) -> Order {
        Order {
            services: services.iter().map(|name| NamePattern::try_from((*name).to_owned()).unwrap()).collect(),
            waves: waves.iter().map(|wave| wave.iter().map(|name| EnvironmentName::new(*name)).collect()).collect(),
            soak: None,
        }
    }

    #[test]
    fn an_environment_is_in_the_wave_that_names_it_or_else_what_it_is_a_part_of() {
        let order = order(&[], &[&["staging"], &["prod/eu-north-1"], &["prod"]]);
        let wave = |name: &str| order.wave(&name.into());
        assert_eq!((wave("staging/eu"), wave("prod/eu-north-1"), wave("prod/us-east-1")), (Some(0), Some(1), Some(2)));
        assert_eq!((wave("prod/eu-north-10"), wave("dev"), wave("")), (Some(2), None, None));
    }

    #[test]
    fn what_is_named_by_less_than_the_order_names_is_in_several_waves_at_once() {
        let order = order(&[], &[&["prod/eu"], &["prod/us", "prod/ap"]]);
        let within = |name: &str| order.waves_within(&name.into());
        assert_eq!((within("prod"), within("prod/us"), within("dev")), (vec![0, 1], vec![1], vec![]));
    }

    #[test]
    fn the_first_order_that_is_of_a_service_counts_and_one_without_names_is_of_all() {
        let waves = Waves(vec![order(&["shop-*"], &[&["a"]]), order(&[], &[&["b"]])]);
        let first = |service: &str| waves.of(&service.into()).map(|order| order.waves[0][0].to_string());
        assert_eq!((first("shop-web"), first("ledger")), (Some("a".to_owned()), Some("b".to_owned())));
        assert_eq!(Waves(vec![order(&["shop-*"], &[&["a"]])]).of(&"ledger".into()), None);
    }
}
