//! Names as Kubernetes takes them, and label selectors in its own form: `team=shop,tier!=batch,track in (canary,stable),!legacy`.
//! One that it would refuse, or read as another one, is found here.

/// Characters of a namespace, of one part of a name, and of a label's value.
const LONGEST_PART: usize = 63;
/// Characters of a whole name.
const LONGEST_NAME: usize = 253;

/// Is this the name of a namespace (RFC 1123, a label)?
pub(super) fn is_namespace(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let inside = |c: char| plain(c) || c == '-';
    let ends = text.starts_with(plain) && text.ends_with(plain);
    ends && text.len() <= LONGEST_PART && text.chars().all(inside)
}

/// Is this the name of an object (RFC 1123, a subdomain)?
pub(super) fn is_name(text: &str) -> bool {
    text.len() <= LONGEST_NAME && text.split('.').all(is_namespace)
}

/// Why this selects nothing that Kubernetes would take, where it is so.
pub(super) fn fault(text: &str) -> Option<String> {
    let mut rest = text;
    loop {
        let (requirement, next) = split(rest);
        if let Some(why) = requirement_fault(requirement.trim()) {
            return Some(why);
        }
        match next {
            Some(next) => rest = next,
            None => return None,
        }
    }
}

/// The first requirement, and what stands behind the comma after it; a comma in brackets is between values.
fn split(text: &str) -> (&str, Option<&str>) {
    let mut depth = 0_i32;
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth <= 0 => {
                let (before, after) = text.split_at(at);
                return (before, after.get(1..));
            }
            _ => {}
        }
    }
    (text, None)
}

fn requirement_fault(text: &str) -> Option<String> {
    if text.is_empty() {
        return Some("a requirement is missing: write e.g. team=shop,tier!=batch".to_owned());
    }
    if let Some(key) = text.strip_prefix('!') {
        return key_fault(key.trim());
    }
    if let Some((before, values)) = text.split_once('(') {
        let words: Vec<&str> = before.split_whitespace().collect();
        let Some(values) = values.strip_suffix(')') else { return Some(format!("'{text}' lacks its ')'")) };
        let [key, "in" | "notin"] = words.as_slice() else {
            return Some(format!("'{text}' is no requirement: brackets stand behind `KEY in` or `KEY notin`"));
        };
        return key_fault(key).or_else(|| values.split(',').find_map(|value| value_fault(value.trim())));
    }
    for operator in ["!=", "==", "="] {
        if let Some((key, value)) = text.split_once(operator) {
            return key_fault(key.trim()).or_else(|| value_fault(value.trim()));
        }
    }
    if let Some((key, number)) = text.split_once(['<', '>']) {
        let is_number = number.trim().parse::<i64>().is_ok();
        return key_fault(key.trim())
            .or_else(|| (!is_number).then(|| format!("'{}' is no whole number", number.trim())));
    }
    key_fault(text)
}

/// `app.kubernetes.io/part-of`: a name, where there is a prefix a domain before it.
fn key_fault(key: &str) -> Option<String> {
    let (prefix, name) = key.rsplit_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
    let good = prefix.is_none_or(is_name) && !name.is_empty() && is_value(name);
    (!good)
        .then(|| format!("'{key}' is no key of a label: letters, digits, '-', '_' and '.', behind `DOMAIN/` or alone"))
}

fn value_fault(value: &str) -> Option<String> {
    (!is_value(value)).then(|| {
        format!("'{value}' is no value of a label: letters, digits, '-', '_' and '.', at most {LONGEST_PART} of them")
    })
}

fn is_value(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric();
    let ends = text.is_empty() || text.starts_with(plain) && text.ends_with(plain);
    ends && text.len() <= LONGEST_PART && text.chars().all(|c| plain(c) || matches!(c, '-' | '_' | '.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selector_that_the_api_server_takes_is_taken() {
        // The forms of kubernetes.io/docs/concepts/overview/working-with-objects/labels.
        for good in [
            "environment=production,tier!=frontend",
            "environment in (production, qa),tier notin (frontend,backend)",
            "partition,!legacy",
            "app.kubernetes.io/part-of == shop",
            "track=",
            "generation > 3",
        ] {
            assert_eq!(fault(good), None, "{good}");
        }
    }

    #[test]
    fn one_that_it_refuses_is_refused_with_the_part_that_is_wrong() {
        for (bad, part) in [
            ("team=shop,", "a requirement is missing"),
            ("", "a requirement is missing"),
            ("team = shop web", "'shop web' is no value"),
            ("team in shop", "'team in shop' is no key"),
            ("team in (shop", "lacks its ')'"),
            ("team of (shop)", "is no requirement"),
            ("Team Shop", "'Team Shop' is no key"),
            ("a/b/c=d", "'a/b/c' is no key"),
            ("team=-shop", "'-shop' is no value"),
            ("generation > new", "'new' is no whole number"),
        ] {
            let said = fault(bad).unwrap_or_default();
            assert!(said.contains(part), "{bad}: {said}");
        }
    }

    #[test]
    fn names_are_those_that_an_object_can_have() {
        for (name, namespace, object) in [
            ("shop", true, true),
            ("shop-2", true, true),
            ("web.v2", false, true),
            ("Shop", false, false),
            ("shop_eu", false, false),
            ("-shop", false, false),
            ("", false, false),
        ] {
            assert_eq!((is_namespace(name), is_name(name)), (namespace, object), "{name}");
        }
        assert!(!is_namespace(&"a".repeat(64)) && !is_name(&"a.".repeat(127)));
    }
}
