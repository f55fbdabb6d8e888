//! What Lambda and CodeDeploy say themselves when they refuse, as a sentence with the way out; what every service of AWS says is in
//! `provider::aws`.

use crate::{
    domain::{observed::FaultKind, time::Timestamp},
    provider::{
        aws,
        http::client::{Answer, Said},
    },
};

/// What an answer says that is none, to a request that takes this right; `None` where its status says all.
pub(super) fn words(answer: &Answer, right: &str, now: Timestamp) -> Option<Said> {
    let name = aws::code(answer).unwrap_or_default();
    let own = match name.as_str() {
        // The revision that was seen is not the one that is there.
        "PreconditionFailedException" => (FaultKind::Conflict, "the alias was changed since it was read"),
        "ResourceConflictException" => (
            FaultKind::Rejected,
            "another change of the function is under way, or its versions are being made: try again once that is over",
        ),
        "DeploymentAlreadyCompletedException" => {
            (FaultKind::Rejected, "the deployment has ended already: look where the alias is now")
        }
        "DeploymentLimitExceededException" => {
            (FaultKind::Rejected, "another deployment of the group is under way: wait for it, or abort it")
        }
        "DeploymentDoesNotExistException" => (FaultKind::Missing, "there is no such deployment"),
        "ApplicationDoesNotExistException" | "DeploymentGroupDoesNotExistException" => {
            (FaultKind::Missing, "CodeDeploy has no such application or group any more")
        }
        "DeploymentConfigDoesNotExistException" => {
            (FaultKind::Missing, "CodeDeploy has no such way to shift traffic any more")
        }
        _ => return aws::words(answer, right, now),
    };
    Some((own.0, own.1.to_owned()).into())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::Response;

    use super::*;

    #[test]
    fn a_revision_that_moved_on_is_a_conflict_and_what_is_under_way_is_not() {
        let of = |name: &str| {
            let answer = Response::builder().status(412).header("x-amzn-errortype", name);
            let said =
                words(&answer.body(Bytes::from_static(b"{\"Message\":\"m\"}")).unwrap(), "a:B", Timestamp::UNIX_EPOCH);
            said.unwrap().kind
        };
        let names = ["PreconditionFailedException", "ResourceConflictException", "DeploymentDoesNotExistException"];
        assert_eq!(names.map(of), [FaultKind::Conflict, FaultKind::Rejected, FaultKind::Missing]);
    }
}
