//! The parameters of a request: from the query and, for a form, from the body; times and spans as Prometheus reads them.

use bytes::Bytes;
use chrono::DateTime;
use http::{Request, header::CONTENT_TYPE};
use promql_parser::util::parse_duration;
use url::form_urlencoded;

use crate::demo::prometheus::promql::Fail;

/// Parameters in order, the body's before the query's.
#[derive(Debug)]
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    pub(super) fn of(request: &Request<Bytes>) -> Self {
        let kind = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let form: &[u8] = if kind.starts_with("application/x-www-form-urlencoded") { request.body() } else { b"" };
        let query = request.uri().query().unwrap_or_default();
        let pairs = form_urlencoded::parse(form).chain(form_urlencoded::parse(query.as_bytes()));
        Self(pairs.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    /// The first value of a parameter; an empty one counts as absent.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next().filter(|value| !value.is_empty())
    }

    pub(super) fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A moment in milliseconds: Unix seconds or RFC 3339.
    pub(super) fn time(&self, name: &str, default: Option<i64>) -> Result<i64, Fail> {
        let Some(text) = self.get(name) else {
            return default.ok_or_else(|| bad_time(name, ""));
        };
        read_time(text).ok_or_else(|| bad_time(name, text))
    }

    /// A span in milliseconds, more than none: seconds or `1m30s`.
    pub(super) fn span(&self, name: &str) -> Result<i64, Fail> {
        let wrong = |text: String| Fail::BadData(format!("invalid parameter \"{name}\": {text}"));
        let text = self.get(name).unwrap_or_default();
        let millis = match text.parse::<f64>() {
            Ok(seconds) => to_millis(seconds),
            Err(_) => parse_duration(text).ok().and_then(|span| i64::try_from(span.as_millis()).ok()),
        };
        match millis {
            None => Err(wrong(format!("cannot parse \"{text}\" to a valid duration"))),
            Some(millis) if millis <= 0 => Err(wrong(
                "zero or negative query resolution step widths are not accepted. Try a positive integer".to_owned(),
            )),
            Some(millis) => Ok(millis),
        }
    }
}

fn bad_time(name: &str, text: &str) -> Fail {
    let what = format!("Invalid time value for '{name}': cannot parse \"{text}\" to a valid timestamp");
    Fail::BadData(format!("invalid parameter \"{name}\": {what}"))
}

fn read_time(text: &str) -> Option<i64> {
    match text.parse::<f64>() {
        Ok(seconds) => to_millis(seconds),
        Err(_) => DateTime::parse_from_rfc3339(text).ok().map(|at| at.timestamp_millis()),
    }
}

/// Seconds within the years that anybody asks for (to about 5000), as milliseconds.
fn to_millis(seconds: f64) -> Option<i64> {
    let millis = (seconds * 1000.0).round();
    (millis.abs() < 1e14).then(|| format!("{millis:.0}").parse().ok()).flatten()
}
