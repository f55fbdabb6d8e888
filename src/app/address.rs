//! Where a browser shows what is selected, as far as its system says. Nothing is opened from here: over SSH there is no browser.

use crate::{
    app::model::{Address, Model, RowKey},
    domain::text,
};

/// The address of a row, or why there is none, as a sentence.
pub fn of(model: &Model, key: &RowKey) -> Result<Address, String> {
    let (id, store) = (key.target(), &model.store);
    let gate = || store.gate(&id).map(|gate| (format!("{} {}", gate.service, gate.title), gate.url.clone()));
    let run =
        || store.run(&id).map(|run| (format!("{} {} #{}", run.service, run.pipeline, run.number), run.url.clone()));
    let rollout = || store.rollout(&id).map(|one| (format!("{} in {}", one.service, one.environment), None));
    let (what, url) = gate().or_else(run).or_else(rollout).unwrap_or_else(|| (id.to_string(), None));
    let Some(url) = url else {
        return Err(format!("no browser shows {what}: {} tells no address of it", id.source));
    };
    if is_web(&url) {
        Ok(Address { what, url })
    } else {
        Err(format!("what {} gives as the address of {what} is none", id.source))
    }
}

/// Is it an address that a terminal may be told of? It comes from outside: nothing but printable ASCII, and only the web.
fn is_web(url: &str) -> bool {
    let scheme = url.starts_with("https://") || url.starts_with("http://");
    scheme && text::without_userinfo(url) == url && url.chars().all(|c| c.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_address_of_the_web_in_printable_ascii_is_one() {
        for good in ["https://github.com/acme/ledger/actions/runs/812", "http://ci:8080/job/1?x=%20#L3"] {
            assert!(is_web(good), "{good}");
        }
        for bad in
            ["javascript:alert(1)", "file:///etc/passwd", "https://a b", "https://a\u{1b}]8;;x", "https://u:p@h/x", ""]
        {
            assert!(!is_web(bad), "{bad}");
        }
    }
}
