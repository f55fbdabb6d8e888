//! What CodePipeline says itself when it refuses, as a sentence with the way out; what every service of AWS says is in `provider::aws`.

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
        "InvalidApprovalTokenException" => (
            FaultKind::Rejected,
            "the approval does not wait any more as it did: somebody answered it, a newer execution took its place, or its time ran out; \
             look again, and where it ended without an answer rerun its stage, which asks anew",
        ),
        "ApprovalAlreadyCompletedException" => (FaultKind::Rejected, "somebody has answered this approval already"),
        "StageNotRetryableException" => (
            FaultKind::Rejected,
            "the stage cannot be tried again: nothing in it failed, or the pipeline was changed since; start it anew",
        ),
        "NotLatestPipelineExecutionException" => {
            (FaultKind::Rejected, "a newer execution is in the stage: rerun that one, or start the pipeline")
        }
        "UnableToRollbackStageException" => (
            FaultKind::Rejected,
            "the stage cannot go back there: it runs, or the execution it would go to is itself a rollback or never succeeded in it",
        ),
        "PipelineExecutionOutdatedException" => (
            FaultKind::Rejected,
            "the pipeline was changed since that execution: only one of the pipeline as it is now can be gone back to",
        ),
        "PipelineExecutionNotStoppableException" => {
            (FaultKind::Rejected, "the execution has ended, or cannot be stopped")
        }
        "DuplicatedStopRequestException" => {
            (FaultKind::Rejected, "it is being stopped already, and waits for what runs: to wait no longer, abandon it")
        }
        "ConcurrentPipelineExecutionsLimitExceededException" => (
            FaultKind::RateLimited,
            "as many executions run as CodePipeline allows at once: wait for one to end, or stop one",
        ),
        "PipelineNotFoundException" => (
            FaultKind::Missing,
            "there is no such pipeline in this account and region: check its name, the region and who we are",
        ),
        "PipelineExecutionNotFoundException" => (FaultKind::Missing, "there is no such execution"),
        "StageNotFoundException" | "ActionNotFoundException" => {
            (FaultKind::Missing, "the pipeline has no such stage or action any more: it was changed")
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
    fn an_expired_token_has_a_sentence_with_the_way_out_and_what_it_does_not_say_itself_all_of_aws_says() {
        let of = |name: &str| {
            let body = format!(r#"{{"__type":"{name}","message":"m"}}"#);
            words(&Response::builder().status(400).body(Bytes::from(body)).unwrap(), "a:B", Timestamp::UNIX_EPOCH)
                .unwrap()
        };
        let expired = of("InvalidApprovalTokenException");
        assert_eq!(expired.kind, FaultKind::Rejected);
        assert!(expired.text.ends_with("rerun its stage, which asks anew"), "{}", expired.text);
        assert_eq!(of("ValidationException").text, "it refuses: m");
        // A limit of executions is none of requests: nobody has to wait before asking again.
        assert_eq!(of("ConcurrentPipelineExecutionsLimitExceededException").pause, None);
    }
}
