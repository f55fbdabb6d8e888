//! The `Link` header of lists that come in pages. Here must not live: how many pages are read, or what is in them.
//!
//! Of a link only that there is one counts: its address may lie behind a proxy that we do not know.

use http::{HeaderMap, header};

/// Does the answer name a next page (RFC 8288)?
pub fn has_next(headers: &HeaderMap) -> bool {
    let links = headers.get_all(header::LINK).iter().filter_map(|value| value.to_str().ok());
    links.flat_map(|links| links.split(',')).any(|link| {
        let said = |part: &str| part.trim() == "rel=\"next\"" || part.trim() == "rel=next";
        link.split(';').any(said)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_next_page_is_seen_among_other_links_and_in_either_writing() {
        let next = |links: &[&'static str]| {
            let pairs = links.iter().map(|link| (header::LINK, link.parse().unwrap()));
            has_next(&pairs.collect())
        };
        assert!(next(&["<https://ci.test/a?page=1>; rel=\"prev\", <https://ci.test/a?page=3>; rel=\"next\""]));
        assert!(next(&["<https://ci.test/a?page=1>; rel=\"first\"", "<https://ci.test/a?page=3>; rel=next"]));
        assert!(!next(&["<https://ci.test/next>; rel=\"last\""]));
        assert!(!next(&[]));
    }
}
