//! Queries and pages: `per_page`, `page` and the `Link` header.

use bytes::Bytes;
use http::{Request, header};
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::demo::github::{door::Good, wire};

/// One parameter of the query.
pub(super) fn query(request: &Request<Bytes>, name: &str) -> Option<String> {
    let query = request.uri().query().unwrap_or_default();
    form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// The page that was asked for: under `key` with the count of all, or as a bare list.
pub(super) fn page(request: &Request<Bytes>, key: Option<&str>, all: Vec<Value>) -> Good {
    let number = |name: &str| query(request, name).and_then(|text| text.parse::<usize>().ok());
    let size = number("per_page").unwrap_or(30).clamp(1, 100);
    let at = number("page").unwrap_or(1).max(1);
    let total = all.len();
    let items: Vec<_> = all.into_iter().skip((at - 1).saturating_mul(size)).take(size).collect();
    let good = Good::json(match key {
        Some(key) => json!({ "total_count": total, key: items }),
        None => Value::Array(items),
    });
    match links(request, at, total.div_ceil(size).max(1)) {
        Some(links) => good.header(header::LINK, &links),
        None => good,
    }
}

fn links(request: &Request<Bytes>, at: usize, last: usize) -> Option<String> {
    let link = |page: usize, rel: &str| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let old = request.uri().query().unwrap_or_default();
        query.extend_pairs(form_urlencoded::parse(old.as_bytes()).filter(|(key, _)| key != "page"));
        query.append_pair("page", &page.to_string());
        format!("<{}{}?{}>; rel=\"{rel}\"", wire::API, request.uri().path(), query.finish())
    };
    let back = (at > 1).then(|| [link(at - 1, "prev"), link(1, "first")]);
    let on = (at < last).then(|| [link(at + 1, "next"), link(last, "last")]);
    let all: Vec<_> = back.into_iter().chain(on).flatten().collect();
    (!all.is_empty()).then(|| all.join(", "))
}
