//! Where a job, a build, an input or a queue item is: our ids, taken apart, and their paths on the wire.
//! `run/shop/gateway/812`, `gate/shop/gateway/812/Deploy`, `queue/599`.

use crate::{
    domain::{
        ids::SourceName,
        object::{Family, ObjectId},
        observed::FaultKind,
    },
    port::error::ProviderError,
    provider::http::client::part,
};

/// The family of what waits to become a build. No inventory tells of it: acts watch it.
pub(super) const QUEUE: &str = "queue";

/// A build, and perhaps one of its inputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// The job's full name: its folders and itself. The name of a branch is as Jenkins has it, `feature%2Flogin`.
    pub(super) job: String,
    pub(super) build: u64,
    /// The input's id as it stands in a path.
    pub(super) input: Option<String>,
}

impl Address {
    /// The address behind an id of ours.
    pub(super) fn of(target: &ObjectId) -> Result<Self, ProviderError> {
        Self::parse(target).ok_or_else(|| {
            let text = format!(
                "'{target}' is nothing on Jenkins: expected {0}/run/FOLDER/JOB/NUMBER or {0}/gate/FOLDER/JOB/NUMBER/INPUT",
                target.source
            );
            ProviderError::new(FaultKind::Missing, text)
        })
    }

    pub(super) fn parse(target: &ObjectId) -> Option<Self> {
        let (path, input) = if target.family == Family::gate() {
            let (path, input) = target.path.rsplit_once('/')?;
            (path, Some(input.to_owned()).filter(|input| is_encoded(input))?.into())
        } else if target.family == Family::run() {
            (target.path.as_str(), None)
        } else {
            return None;
        };
        let (job, build) = path.rsplit_once('/')?;
        let build = build.parse().ok().filter(|number: &u64| number.to_string() == build)?;
        is_job(job).then(|| Self { job: job.to_owned(), build, input })
    }

    pub(super) fn run_id(source: &SourceName, job: &str, build: u64) -> ObjectId {
        ObjectId::new(source, Family::run(), format!("{job}/{build}"))
    }

    /// The id of an input of a run; `input` is its own id.
    pub(super) fn gate_id(run: &ObjectId, input: &str) -> ObjectId {
        ObjectId::new(&run.source, Family::gate(), format!("{}/{}", run.path, part(input)))
    }

    /// The number of a queue item.
    pub(super) fn queue_item(target: &ObjectId) -> Option<u64> {
        (target.family.as_str() == QUEUE).then(|| target.path.parse().ok()).flatten()
    }

    /// `shop/gateway build 812`.
    pub(super) fn said(&self) -> String {
        format!("{} build {}", self.job, self.build)
    }

    /// The path of the build.
    pub(super) fn path(&self) -> String {
        format!("{}/{}", job_path(&self.job), self.build)
    }
}

/// The path of a job or folder by its full name; empty for the top.
pub(super) fn job_path(job: &str) -> String {
    let names = job.split('/').filter(|name| !name.is_empty());
    names.fold(String::new(), |path, name| path + "/job/" + &part(name))
}

/// The full name of the job, and the number, that an address of a build names: `http://ci/job/shop/job/gateway/54/`.
pub(super) fn of_url(url: &str) -> Option<Address> {
    let (_, path) = url.split_once("/job/")?;
    let (path, build) = path.trim_end_matches('/').rsplit_once('/')?;
    let all: Option<Vec<String>> = path.split("/job/").map(decoded).collect();
    let job = all?.join("/");
    let build = build.parse().ok()?;
    is_job(&job).then_some(Address { job, build, input: None })
}

/// May this be the full name of a job? What leads out of a folder is none.
fn is_job(job: &str) -> bool {
    job.split('/').all(|name| !name.is_empty() && name != "." && name != "..")
}

/// Could [`part`] have written this?
fn is_encoded(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte))
        && is_job(text)
}

/// Undoes the percent-encoding of one part of a path.
fn decoded(part: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(part.len());
    let mut rest = part.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let hex = [rest.next()?, rest.next()?];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&hex).ok()?, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_an_input_and_a_queue_item_are_found_again_by_their_ids() {
        let run = Address::run_id(&"ci".into(), "shop/gateway", 812);
        let gate = Address::gate_id(&run, "Ship to/prod");
        let at =
            |input: Option<&str>| Address { job: "shop/gateway".into(), build: 812, input: input.map(str::to_owned) };
        assert_eq!((run.to_string().as_str(), Address::of(&run)), ("ci/run/shop/gateway/812", Ok(at(None))));
        assert_eq!(gate.to_string(), "ci/gate/shop/gateway/812/Ship%20to%2Fprod");
        assert_eq!(Address::of(&gate), Ok(at(Some("Ship%20to%2Fprod"))));
        assert_eq!(
            (at(None).said(), at(None).path()),
            ("shop/gateway build 812".into(), "/job/shop/job/gateway/812".into())
        );
        assert_eq!(Address::queue_item(&ObjectId::new(&"ci".into(), QUEUE, "599")), Some(599));
    }

    #[test]
    fn a_branch_is_encoded_twice_and_a_job_may_lie_at_the_top() {
        assert_eq!(job_path("shop/cart/feature%2Flogin"), "/job/shop/job/cart/job/feature%252Flogin");
        assert_eq!((job_path("deploy"), job_path("")), ("/job/deploy".into(), String::new()));
        let url = "http://ci.test/jenkins/job/shop/job/cart/job/feature%252Flogin/7/";
        let at = Address { job: "shop/cart/feature%2Flogin".into(), build: 7, input: None };
        assert_eq!((of_url(url), of_url("http://ci.test/job/shop/")), (Some(at), None));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for (family, path) in [
            ("run", ""),
            ("run", "812"),
            ("run", "/812"),
            ("run", "shop/../812"),
            ("run", "shop//gateway/812"),
            ("run", "shop/gateway/0812"),
            ("run", "shop/gateway/x"),
            ("gate", "shop/gateway/812"),
            ("gate", "shop/gateway/812/"),
            ("gate", "shop/gateway/812/.."),
            ("gate", "shop/gateway/812/a b"),
            ("queue", "599"),
        ] {
            let id = ObjectId::new(&"ci".into(), family, path);
            assert_eq!(Address::parse(&id), None, "{id}");
        }
        let error = Address::of(&ObjectId::new(&"ci".into(), "run", "shop")).unwrap_err();
        assert_eq!(
            error.text,
            "'ci/run/shop' is nothing on Jenkins: expected ci/run/FOLDER/JOB/NUMBER or ci/gate/FOLDER/JOB/NUMBER/INPUT"
        );
    }
}
