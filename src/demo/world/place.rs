//! Which system a path belongs to.

use bytes::Bytes;
use http::{Request, Uri};

/// A system of the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// `/kubernetes/CELL`.
    Cluster(String),
    /// `/prometheus`.
    Prometheus,
    /// `/github`.
    GitHub,
}

impl Place {
    /// The system, and the path and query within it.
    pub(super) fn of(path: &str) -> Option<(Self, &str)> {
        if let Some(rest) = path.strip_prefix("/kubernetes/") {
            let end = rest.find(['/', '?']).unwrap_or(rest.len());
            let (cell, rest) = rest.split_at(end);
            return Some((Self::Cluster(cell.to_owned()), rest));
        }
        let below =
            |prefix| path.strip_prefix(prefix).filter(|rest: &&str| rest.is_empty() || rest.starts_with(['/', '?']));
        below("/prometheus")
            .map(|rest| (Self::Prometheus, rest))
            .or_else(|| below("/github").map(|rest| (Self::GitHub, rest)))
    }
}

/// The request as the system sees it: without the prefix, and without a host.
pub(super) fn inside(request: &Request<Bytes>, rest: &str) -> Request<Bytes> {
    let path = if rest.starts_with('/') { rest.to_owned() } else { format!("/{rest}") };
    let mut inside = Request::new(request.body().clone());
    *inside.method_mut() = request.method().clone();
    *inside.headers_mut() = request.headers().clone();
    // What was a part of a valid address is one.
    *inside.uri_mut() = path.parse().unwrap_or_else(|_| Uri::from_static("/"));
    inside
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_names_the_system_and_is_not_seen_by_it() {
        let cluster = |cell: &str| Place::Cluster(cell.to_owned());
        let table = [
            ("/kubernetes/eu/version", Some((cluster("eu"), "/version"))),
            ("/kubernetes/eu?x=1", Some((cluster("eu"), "?x=1"))),
            ("/prometheus/api/v1/query?query=up", Some((Place::Prometheus, "/api/v1/query?query=up"))),
            ("/github", Some((Place::GitHub, ""))),
            ("/githubs/x", None),
            ("/", None),
        ];
        for (path, place) in table {
            assert_eq!(Place::of(path), place, "{path}");
        }
        let request = Request::patch("http://h:1/prometheus?query=up").body(Bytes::from("x")).unwrap();
        let inside = inside(&request, "?query=up");
        assert_eq!((inside.method().as_str(), inside.uri().to_string().as_str()), ("PATCH", "/?query=up"));
    }
}
