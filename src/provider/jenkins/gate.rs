//! What waits on Jenkins: inputs that somebody may answer now, from its wire to our gates.

use crate::{
    domain::{
        gate::{Behind, Eligibility, Gate},
        ids::{Person, SourceName},
        offer::{Offer, Risk},
        text::clean,
        time::Timestamp,
        verb::Verb,
    },
    port::plan::{Facts, fact},
    provider::{
        http::client::part,
        jenkins::{
            address::Address,
            api, fact as own, form,
            normalize::{ANSWERED, MAY_BUILD, OVER, WAITS, facts, over, plain, version_of},
            watched::{Watched, Who},
        },
    },
};

/// Whoever is on the list by no name and no group of theirs.
const NONE_OF_THEM: &str = "you are none of its submitters";
/// What stands between the names of those who may answer.
const AND: char = ',';

/// The facts of a build, and of one of its inputs. One that waits no more while its build goes on was answered.
pub(super) fn input_facts(build: &api::Build, inputs: &[api::Input], input: &str) -> Facts {
    let mut facts = facts(build);
    let waits = inputs.iter().filter_map(|one| one.id.as_deref()).any(|id| part(id) == input);
    let went_on = !over(build) || facts.get(fact::STATUS).is_some_and(|status| status == "succeeded");
    let state = if waits {
        WAITS
    } else if went_on {
        ANSWERED
    } else {
        OVER
    };
    facts.insert(own::INPUT.to_owned(), state.to_owned());
    facts
}

/// An input that waits, of a build of this job. `None` when it has no id, or its build no number: nothing could be sent to it.
pub(super) fn gate(
    source: &SourceName,
    watched: &Watched<'_>,
    (build, input): (&api::Build, &api::Input),
    newer: u32,
    since: Timestamp,
) -> Option<Gate> {
    let (number, id) = (build.number?, input.id.as_deref().filter(|id| !id.is_empty())?);
    let run = Address::run_id(source, watched.job, number);
    let environment = watched.environment(input);
    let eligible = may(input, watched.who);
    let asked = input.message.as_deref().map(plain).filter(|message| !message.is_empty());
    let mut identity = input_facts(build, std::slice::from_ref(input), &part(id));
    // A build may fail in one branch beside an input that waits; what is let through is bound to the input.
    identity.remove(fact::STATUS);
    identity.remove(own::ENDED);
    Some(Gate {
        id: Address::gate_id(&run, id),
        service: watched.service(),
        system: "Jenkins input".to_owned(),
        title: clean(&format!("{} #{number}: {}", watched.pipeline(), asked.unwrap_or_else(|| id.to_owned()))),
        version: Some(version_of(watched, build)),
        since,
        offers: offers(&eligible, environment.risk, input, watched.who),
        environment: environment.name,
        eligible,
        // One is enough, whoever that is.
        approvals: None,
        behind: Behind::Run(run),
        newer_behind: newer,
        live: None,
        url: build.url.as_deref().map(|url| clean(&format!("{}/input/", url.trim_end_matches('/')))),
        identity,
    })
}

/// A gate of which Jenkins does not say now whether it still stands.
pub(super) fn as_it_was(gate: Gate, why: &str) -> Gate {
    let why = format!("it is as it was: {why}");
    let offers = gate.offers.into_iter().map(|offer| Offer { unsure: Some(why.clone()), ..offer }).collect();
    Gate { eligible: Eligibility::Unknown { why: why.clone() }, offers, ..gate }
}

/// May I? Jenkins names those whom an input is for; of the others it lets only administrators through.
fn may(input: &api::Input, who: &Who) -> Eligibility {
    if let Some(why) = who.may_not() {
        return Eligibility::Cannot { why, ask: Vec::new() };
    }
    let list = input.submitter.as_deref().unwrap_or_default();
    let names: Vec<&str> = list.split(AND).map(str::trim).filter(|name| !name.is_empty()).collect();
    if names.is_empty() {
        return Eligibility::Unknown { why: MAY_BUILD.to_owned() };
    }
    if who.administrator || names.iter().any(|name| who.is(name)) {
        return Eligibility::Can;
    }
    let ask: Vec<Person> = names.into_iter().map(Person::new).collect();
    Eligibility::Cannot { why: NONE_OF_THEM.to_owned(), ask }
}

fn offers(eligible: &Eligibility, risk: Risk, input: &api::Input, who: &Who) -> Vec<Offer> {
    let parameters = input.parameters.as_deref().unwrap_or_default();
    let approve = eligible.offer(Verb::Approve, risk).asking(form::fields(parameters));
    let approve = match form::unanswerable(parameters) {
        Some(why) if approve.blocked.is_none() => Offer { blocked: Some(why), unsure: None, ..approve },
        _ => approve,
    };
    // Whoever may cancel builds may say no, too, whomever it is for.
    let reject = match (eligible, who.may_not()) {
        (Eligibility::Cannot { .. }, None) => {
            let why = "it is for others: it takes Job/Cancel to say no, and Jenkins does not say whether you may";
            Offer { unsure: Some(why.to_owned()), ..Offer::open(Verb::Reject, Risk::Medium) }
        }
        (eligible, _) => eligible.offer(Verb::Reject, Risk::Medium),
    };
    vec![approve, reject]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(submitter: &str) -> api::Input {
        api::Input { submitter: Some(submitter.to_owned()), ..api::Input::default() }
    }

    #[test]
    fn whom_an_input_is_for_may_answer_it_and_others_are_told_whom_to_ask() {
        let dana = Who { name: Some("dana".into()), groups: vec!["release".into()], administrator: false };
        assert_eq!(may(&input("lee, Dana"), &dana), Eligibility::Can);
        assert_eq!(may(&input("release"), &dana), Eligibility::Can);
        let why = NONE_OF_THEM.to_owned();
        assert_eq!(may(&input("lee,kim"), &dana), Eligibility::Cannot { why, ask: vec!["lee".into(), "kim".into()] });
        let admin = Who { administrator: true, ..dana.clone() };
        assert_eq!(may(&input("lee"), &admin), Eligibility::Can);
        assert_eq!(may(&input(""), &dana), Eligibility::Unknown { why: MAY_BUILD.into() });
        assert!(matches!(may(&input("dana"), &Who::default()), Eligibility::Cannot { .. }));
    }

    #[test]
    fn an_input_that_waits_no_more_was_answered_where_its_build_goes_on_and_else_ended_with_it() {
        let of = |text: &str, waiting: &[&str]| {
            let build: api::Build = serde_json::from_str(text).unwrap();
            let inputs: Vec<_> =
                waiting.iter().map(|id| api::Input { id: Some((*id).to_owned()), ..api::Input::default() }).collect();
            input_facts(&build, &inputs, "Ship%20it")[own::INPUT].clone()
        };
        assert_eq!(of(r#"{"building": true}"#, &["Ship it"]), WAITS);
        assert_eq!(of(r#"{"building": true}"#, &["Other"]), ANSWERED);
        assert_eq!(of(r#"{"result": "SUCCESS"}"#, &[]), ANSWERED);
        assert_eq!(of(r#"{"result": "ABORTED"}"#, &[]), OVER);
        assert_eq!(of(r#"{"result": "FAILURE"}"#, &[]), OVER);
    }
}
