//! What holds and was probably not meant: names that nothing refers to, and one thing that is looked at twice. Each is said where it
//! stands, and keeps nothing from being used.
//!
//! Here must not live: what cannot hold (`check`), and what only a system can tell.

use crate::config::{
    kind::Connection,
    note::{Notes, nearest},
    schema::Config,
    tree::{Node, Problem},
};

/// Everything of it.
pub(super) fn remarks(config: &Config, tree: &Node<'_>) -> Vec<Problem> {
    let mut remarks = Vec::new();
    let mut notes = Notes::new(tree, &mut remarks);
    environments(&mut notes, config);
    waves(&mut notes, config);
    services(&mut notes, config);
    twice(&mut notes, config);
    remarks
}

/// Is the one the other, or around it? `prod` is around `prod/eu`, and `prod/*` around all that is.
fn covers(outer: &str, inner: &str) -> bool {
    let outer = outer.trim_end_matches('*').trim_end_matches('/');
    inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A risk that is said of no environment that there is, and an environment of which none is said because its name is another one.
fn environments(notes: &mut Notes<'_, '_>, config: &Config) {
    let connections = || config.connections.iter();
    let all: Vec<(&str, &str)> =
        connections().flat_map(|(by, it)| it.environments().into_iter().map(move |name| (by.as_str(), name))).collect();
    let described: Vec<&str> = config.environments.keys().map(String::as_str).collect();
    let (used, unused): (Vec<&str>, Vec<&str>) = described
        .iter()
        .copied()
        .partition(|known| all.iter().any(|(_, name)| covers(known, name) || covers(name, known)));
    let is_described = |name: &str| described.iter().any(|known| covers(known, name) || covers(name, known));
    let lost: Vec<(&str, &str)> = all.iter().copied().filter(|(_, name)| !is_described(name)).collect();
    for name in unused {
        // As many parts of what is named as it has itself: `prod` is held against the `pord` of `pord/eu`.
        let parts = name.split('/').count();
        let begins: Vec<String> = lost.iter().map(|(_, whole)| first(whole, parts)).collect();
        let near = nearest(name, &begins.iter().map(String::as_str).collect::<Vec<_>>()).map(str::to_owned);
        let by = near.as_ref().and_then(|near| lost.iter().find(|(_, whole)| first(whole, parts) == *near));
        if let (Some(near), Some((by, _))) = (&near, by) {
            let message = format!("nothing is in '{name}': did you mean '{near}', as connections.{by} has it?");
            notes.add(&["environments", name], message);
        } else if let Some(near) = nearest(name, &used) {
            notes.add(&["environments", name], format!("nothing is in '{name}': did you mean '{near}'?"));
        } else if !connections().any(|(_, it)| it.names_its_own()) && connections().next().is_some() {
            notes.add(&["environments", name], format!("no connection is in '{name}': its risk counts nowhere"));
        }
    }
    for (by, name) in lost {
        let begins: Vec<String> = used.iter().map(|known| first(name, known.split('/').count())).collect();
        let near = used.iter().zip(&begins).find(|(known, begin)| nearest(begin, &[known]).is_some());
        if let Some((known, begin)) = near {
            let meant = name.replacen(begin.as_str(), known, 1);
            let message = format!(
                "of '{name}' [environments] says nothing, so a mistake there counts as high: did you mean '{meant}'?"
            );
            notes.add(&["connections", by], message);
        }
    }
}

/// A wave in an environment that there is not: nothing ever comes there, so that nothing waits for it.
fn waves(notes: &mut Notes<'_, '_>, config: &Config) {
    if config.connections.values().any(Connection::names_its_own) {
        return;
    }
    let all: Vec<&str> = config.connections.values().flat_map(Connection::environments).collect();
    for (index, order) in config.policy.waves.iter().enumerate() {
        let names =
            order.order.iter().enumerate().flat_map(|(wave, names)| names.iter().enumerate().map(move |it| (wave, it)));
        for (wave, (place, name)) in names {
            let name = name.as_str();
            if all.is_empty() || all.iter().any(|known| covers(known, name) || covers(name, known)) {
                continue;
            }
            let hint = nearest(name, &all).map_or_else(String::new, |near| format!(": did you mean '{near}'?"));
            let at = [index.to_string(), wave.to_string(), place.to_string()];
            let [index, wave, place] = at.each_ref().map(String::as_str);
            let message = format!("no connection is in '{name}', so that no wave waits for it{hint}");
            notes.add(&["policy", "waves", index, "order", wave, place], message);
        }
    }
}

/// The first parts of a name: `prod` of `prod/eu/a`.
fn first(name: &str, parts: usize) -> String {
    name.split('/').take(parts).collect::<Vec<_>>().join("/")
}

/// A service that names nothing of any system, beside one that is almost called so.
fn services(notes: &mut Notes<'_, '_>, config: &Config) {
    let listed: Vec<&str> = config.connections.values().flat_map(Connection::services).collect();
    let named = config.services.iter().filter(|(_, about)| !about.objects.is_empty()).map(|(name, _)| name.as_str());
    let known: Vec<&str> = listed.into_iter().chain(named).collect();
    for (name, about) in &config.services {
        if !about.objects.is_empty() || known.contains(&name.as_str()) {
            continue;
        }
        if let Some(near) = nearest(name, &known) {
            let message = format!("'{name}' names nothing of any system: did you mean '{near}', which does?");
            notes.add(&["services", name], message);
        }
    }
}

/// Objects that two connections look at are there twice, and an act on the one does not hold back an act on the other.
fn twice(notes: &mut Notes<'_, '_>, config: &Config) {
    let all: Vec<_> = config.connections.iter().collect();
    for (index, (name, connection)) in all.iter().enumerate() {
        let before = all.iter().take(index).find(|(_, other)| connection.overlaps(other));
        if let Some((other, _)) = before {
            let message = format!(
                "connections.{name} looks at what connections.{other} looks at: each object would be there twice, and an act on \
                 one does not hold back another on its twin; keep one, or give each its own `namespaces`"
            );
            notes.add(&["connections", name], message);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, path::PathBuf};

    use crate::config::{Known, Layers, Places, Trust, load};

    /// What is remarked of a configuration, without its places.
    fn remarked(text: &str) -> Vec<String> {
        let name = PathBuf::from("f.toml");
        let layers = Layers {
            places: Places { system: name.clone(), user: None },
            files: Vec::new(),
            profile: None,
            env: BTreeMap::new(),
            trust: Trust::Everybody,
            given: BTreeMap::from([(name, text.to_owned())]),
        };
        let known = Known { presets: &[], themes: &[], keys: &|_| Vec::new(), look: None };
        let loaded = load(&layers, &known).unwrap();
        loaded.remarks.iter().map(|remark| remark.to_string().lines().take(2).collect::<Vec<_>>().join("\n")).collect()
    }

    fn cluster(name: &str, environment: &str, more: &str) -> String {
        format!("[connections.{name}]\nkind = 'kubernetes'\nenvironment = '{environment}'\n{more}\n")
    }

    #[test]
    fn an_environment_that_is_written_otherwise_where_something_is_in_it_is_remarked() {
        let of = |text: &str| remarked(&format!("{text}{}", cluster("eu", "prod/eu", "")));
        let said = "warning: nothing is in 'pord': did you mean 'prod', as connections.eu has it?\n --> f.toml:1:1";
        assert_eq!(of("[environments.pord]\nrisk = 'low'\n"), [said]);
        assert_eq!(of("[environments.prod]\nrisk = 'high'\n[environments.'prod/eu']\nrisk = 'low'\n"), [""; 0]);
        let said = "warning: no connection is in 'staging': its risk counts nowhere\n --> f.toml:1:1";
        assert_eq!(of("[environments.staging]\nrisk = 'low'\n"), [said]);
        let forge = "[environments.staging]\nrisk = 'low'\n[connections.forge]\nkind = 'github'\n";
        assert_eq!(of(forge), [""; 0], "a forge has environments that nobody has to name");
        let lost = format!("[environments.prod]\nrisk = 'low'\n{}", cluster("us", "pord/us", "context = 'us'"));
        let said = "warning: of 'pord/us' [environments] says nothing, so a mistake there counts as high: did you mean 'prod/us'?\n \
                    --> f.toml:3:1";
        assert_eq!(of(&lost), [said]);
    }

    #[test]
    fn a_service_that_names_nothing_beside_one_that_is_almost_called_so_is_remarked() {
        let listed =
            "[connections.forge]\nkind = 'github'\nrepos = [{ name = 'acme/payments' }, { name = 'acme/*' }]\n";
        let said =
            "warning: 'paymnts' names nothing of any system: did you mean 'payments', which does?\n --> f.toml:1:1";
        assert_eq!(remarked(&format!("[services.paymnts]\nowner = 'a'\n{listed}")), [said]);
        assert_eq!(remarked(&format!("[services.payments]\nowner = 'a'\n{listed}")), [""; 0]);
        assert_eq!(remarked(&format!("[services.search]\nowner = 'a'\n{listed}")), [""; 0], "a cluster may have it");
        let named = format!("[services.paymnts]\nrepository = 'forge/acme/pay'\n{listed}");
        assert_eq!(remarked(&named), [""; 0], "it says itself what it is called elsewhere");
    }

    #[test]
    fn what_two_connections_look_at_is_remarked_and_parts_of_one_cluster_are_not() {
        let server = "server = 'https://k.test'";
        let both = |one: &str, other: &str| {
            let (one, other) = (format!("{server}\n{one}"), format!("server = 'https://K.test/'\n{other}"));
            remarked(&(cluster("a", "prod", &one) + &cluster("b", "prod", &other)))
        };
        let said = both("namespaces = ['shop', 'pay']", "namespaces = ['pay']");
        assert!(
            said.len() == 1 && said[0].starts_with("warning: connections.b looks at what connections.a looks at"),
            "{said:?}"
        );
        assert_eq!(both("", "namespaces = ['pay']").len(), 1, "one of them looks at all namespaces");
        for (one, other) in [
            ("namespaces = ['shop']", "namespaces = ['pay']"),
            ("engines = ['deployment']", "engines = ['argo_rollouts']"),
            ("selector = 'team=a'", "selector = 'team=b'"),
        ] {
            assert_eq!(both(one, other), [""; 0], "{one} {other}");
        }
    }
}
