//! What templates call an image: the registry, the repository there, and a tag or a digest.
//!
//! Source: `reference` of github.com/distribution/reference: without a registry it is Docker Hub's, and there without an owner
//! `library`'s.

/// An image, as it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Name {
    /// The registry: `registry.test:5000`, `docker.io`.
    pub(super) host: String,
    /// `shop/pay`.
    pub(super) repository: String,
    /// A digest where one is named, else a tag.
    pub(super) reference: String,
}

impl Name {
    /// Reads it; nothing where it is none.
    pub(super) fn read(image: &str) -> Option<Self> {
        let (name, digest) = match image.split_once('@') {
            Some((name, digest)) => (name, Some(digest)),
            None => (image, None),
        };
        let is_host = |first: &str| first.contains(['.', ':']) || first == "localhost";
        let (host, rest) = match name.split_once('/') {
            Some((first, rest)) if is_host(first) => (self::host(first), rest),
            _ => (HUB.to_owned(), name),
        };
        let (path, tag) = match rest.rsplit_once(':') {
            Some((path, tag)) => (path, tag),
            None => (rest, "latest"),
        };
        let repository = if host == HUB && !path.contains('/') { format!("library/{path}") } else { path.to_owned() };
        let reference = digest.unwrap_or(tag).to_owned();
        let known = is_repository(&repository) && (is_tag(&reference) || is_digest(&reference));
        known.then_some(Self { host, repository, reference })
    }
}

/// What a registry is called whichever of its names is written.
pub(super) fn host(written: &str) -> String {
    let lower = written.to_ascii_lowercase();
    match lower.as_str() {
        "index.docker.io" | "registry-1.docker.io" => HUB.to_owned(),
        _ => lower,
    }
}

/// Docker Hub.
const HUB: &str = "docker.io";

fn is_repository(path: &str) -> bool {
    let is_part = |part: &str| {
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
        let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        part.chars().all(inner) && ends(part.chars().next()) && ends(part.chars().last())
    };
    path.len() <= 255 && path.split('/').all(is_part)
}

fn is_tag(tag: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let begins = tag.chars().next().is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
    begins && tag.len() <= 128 && tag.chars().all(inner)
}

/// Is this a digest: `sha256:` and its digits?
pub(super) fn is_digest(text: &str) -> bool {
    text.split_once(':').is_some_and(|(algorithm, digits)| {
        let named = !algorithm.is_empty() && algorithm.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        named && digits.len() >= 32 && digits.len() <= 128 && digits.chars().all(|c| c.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_read_as_registries_read_it() {
        let digest = format!("sha256:{}", "ab".repeat(32));
        let table = [
            ("nginx".to_owned(), "docker.io", "library/nginx", "latest".to_owned()),
            ("acme/pay:1.2".to_owned(), "docker.io", "acme/pay", "1.2".to_owned()),
            ("index.docker.io/acme/pay:1".to_owned(), "docker.io", "acme/pay", "1".to_owned()),
            ("registry.test:5000/shop/pay:1.41.3".to_owned(), "registry.test:5000", "shop/pay", "1.41.3".to_owned()),
            ("localhost/pay".to_owned(), "localhost", "pay", "latest".to_owned()),
            (format!("ghcr.io/a/b/c:v1@{digest}"), "ghcr.io", "a/b/c", digest.clone()),
        ];
        for (image, host, repository, reference) in table {
            let expected = Name { host: host.to_owned(), repository: repository.to_owned(), reference };
            assert_eq!(Name::read(&image), Some(expected), "{image}");
        }
    }

    #[test]
    fn what_is_no_name_of_an_image_leads_nowhere() {
        for image in [
            "",
            "r.test/",
            "r.test/../v2/x:1",
            "r.test/Pay:1",
            "r.test/pay:a b",
            "r.test/pay?x:1",
            "r.test/pay@sha256:zz",
        ] {
            assert_eq!(Name::read(image), None, "{image}");
        }
    }
}
