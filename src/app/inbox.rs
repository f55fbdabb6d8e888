//! What waits for a human, over all systems: gates that systems tell of, and rollouts in a pause that only a human ends.

use crate::{
    app::{
        guard,
        lineage::{Lineage, Older},
        model::Model,
        quarantine::{self, Left},
    },
    domain::{
        evidence::Verdict,
        gate::{Approvals, Behind, Eligibility, Gate},
        ids::{EnvironmentName, ServiceName},
        object::ObjectId,
        offer::offer_for,
        rollout::{PauseReason, Phase, Rollout},
        time::Timestamp,
        verb::Verb,
        version::Version,
    },
    port::plan::Ask,
};

/// One thing that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What a verb acts on.
    pub target: ObjectId,
    /// Whose release waits.
    pub service: ServiceName,
    /// Where it would go.
    pub environment: EnvironmentName,
    /// The kind of gate in the system's own words.
    pub system: String,
    /// What is asked.
    pub title: String,
    /// What would be let through.
    pub version: Option<Version>,
    /// Since when, where it is known.
    pub since: Option<Timestamp>,
    /// May I, as far as its system goes?
    pub eligible: Eligibility,
    /// Why holdshort itself would refuse now to let it through, where its system would not.
    pub refused: Option<String>,
    /// How many must say yes, and who has, where the system counts.
    pub approvals: Option<Approvals>,
    /// The verdict on what would be let through, and on what moves where it would go: the worst of them, where any is judged.
    pub verdict: Option<Verdict>,
    /// Newer ones that wait behind it.
    pub newer_behind: u32,
    /// What is live where it would go, where that is newer.
    pub older: Option<Older>,
    /// Who left this version where it would go, for cause.
    pub left: Option<Left>,
}

/// Everything that waits, oldest first.
pub fn items(model: &Model) -> Vec<Item> {
    let gates = model.store.gates().map(|gate| Item {
        target: gate.id.clone(),
        service: gate.service.clone(),
        environment: gate.environment.clone(),
        system: gate.system.clone(),
        title: gate.title.clone(),
        version: gate.version.clone(),
        since: Some(gate.since),
        eligible: if model.session.read_only { looking_only() } else { gate.eligible.clone() },
        refused: refused(model, gate),
        approvals: gate.approvals.clone(),
        verdict: Lineage::flying(&model.store, gate)
            .filter_map(|rollout| model.verdict(&rollout.id))
            .max_by_key(|verdict| verdict.severity()),
        newer_behind: gate.newer_behind,
        older: model.lineage.older_than_live(&model.store, &gate.id),
        left: gate.version.as_ref().and_then(|version| quarantine::comes_again(model, &gate.place(), version)),
    });
    let pauses = model.store.rollouts().filter(|rollout| waits(rollout)).map(|rollout| item_of(model, rollout));
    let mut items: Vec<Item> = gates.chain(pauses).collect();
    items.sort_by(|a, b| (a.since, &a.target).cmp(&(b.since, &b.target)));
    items
}

/// What an ask means: rerun and cancel on a gate mean the run behind it; approve and reject on a run mean the gate that it waits at,
/// where that is one, and approve on a rollout means the verb that lets it through.
pub fn meant(model: &Model, ask: Ask) -> Ask {
    if let Some(rollout) = model.store.rollout(&ask.target).filter(|_| ask.verb == Verb::Approve) {
        return Ask { verb: let_through(rollout), ..ask };
    }
    if let Some(gate) = model.store.gate(&ask.target).filter(|_| ask.verb == Verb::Approve) {
        // What somebody holds is let through by ending that.
        let held = offer_for(&gate.offers, Verb::Approve).is_none() && offer_for(&gate.offers, Verb::Resume).is_some();
        return if held { Ask { verb: Verb::Resume, ..ask } } else { ask };
    }
    if matches!(ask.verb, Verb::Approve | Verb::Reject) && model.store.run(&ask.target).is_some() {
        let mut gates =
            model.store.gates().filter(|gate| matches!(&gate.behind, Behind::Run(run) if *run == ask.target));
        return match (gates.next(), gates.next()) {
            (Some(gate), None) => Ask { target: gate.id.clone(), ..ask },
            _ => ask,
        };
    }
    let (Verb::Rerun | Verb::Cancel | Verb::Dispatch) = ask.verb else { return ask };
    match model.store.gate(&ask.target).map(|gate| &gate.behind) {
        Some(Behind::Run(run)) => Ask { target: run.clone(), ..ask },
        Some(Behind::Rollout(_)) | None => ask,
    }
}

/// Is it a run itself that waits, and not a place that it goes to?
pub fn is_run(model: &Model, target: &ObjectId) -> bool {
    model.store.run(target).is_some() || model.store.gate(target).is_some_and(Gate::is_the_run)
}

/// `1 newer waits`, `3 newer wait`; nothing where none does.
pub fn newer_words(item: &Item) -> Option<String> {
    match item.newer_behind {
        0 => None,
        1 => Some("1 newer waits".to_owned()),
        many => Some(format!("{many} newer wait")),
    }
}

/// Does this rollout wait for a human?
pub fn waits(rollout: &Rollout) -> bool {
    rollout.phase == Phase::Paused && rollout.pause.is_some_and(|pause| pause.until.is_none())
}

fn item_of(model: &Model, rollout: &Rollout) -> Item {
    let engine = &rollout.system;
    let pause = rollout.pause;
    let (system, title) = match pause.map(|p| p.reason) {
        Some(PauseReason::Person) => (format!("{engine} hold"), "resume".to_owned()),
        Some(PauseReason::Inconclusive) => (format!("{engine} pause"), "inconclusive analysis".to_owned()),
        _ if let_through(rollout) != Verb::Promote => (engine.clone(), let_through(rollout).words().to_owned()),
        _ => {
            let what =
                rollout.step_words().map_or_else(|| "promote".to_owned(), |step| format!("promote past step {step}"));
            (format!("{engine} pause"), what)
        }
    };
    let eligible = may_i(model, rollout);
    Item {
        target: rollout.id.clone(),
        service: rollout.service.clone(),
        environment: rollout.environment.clone(),
        system,
        title,
        version: rollout.canary.clone(),
        since: pause.and_then(|p| p.since),
        refused: match &eligible {
            Eligibility::Cannot { .. } | Eligibility::Nobody { .. } => None,
            _ => refused_by_us(model, Ask::new(let_through(rollout), rollout.id.clone())),
        },
        eligible,
        approvals: None,
        verdict: model.verdict(&rollout.id),
        newer_behind: 0,
        older: None,
        left: None,
    }
}

/// May I let it through? Never "can" where nobody has said so.
fn may_i(model: &Model, rollout: &Rollout) -> Eligibility {
    let verb = let_through(rollout);
    if model.session.read_only {
        return looking_only();
    }
    let Some(offer) = offer_for(&rollout.offers, verb) else {
        let why = guard::lacks(&rollout.system, verb);
        return Eligibility::Cannot { why, ask: Vec::new() };
    };
    match (&offer.blocked, &offer.unsure) {
        (Some(why), _) => Eligibility::Cannot { why: why.clone(), ask: Vec::new() },
        (None, Some(why)) => Eligibility::Unknown { why: why.clone() },
        (None, None) => Eligibility::Can,
    }
}

/// Why the guard refuses to open a gate that its system would open, where approving is what opens it.
fn refused(model: &Model, gate: &Gate) -> Option<String> {
    let theirs =
        matches!(gate.eligible, Eligibility::Cannot { .. } | Eligibility::Nobody { .. }) || model.session.read_only;
    let approves = offer_for(&gate.offers, Verb::Approve).is_some();
    (!theirs && approves).then(|| refused_by_us(model, Ask::new(Verb::Approve, gate.id.clone())))?
}

fn refused_by_us(model: &Model, ask: Ask) -> Option<String> {
    guard::ask(model, ask).err().map(|refusal| refusal.reasons.join("; "))
}

fn looking_only() -> Eligibility {
    Eligibility::Cannot { why: "this session is read-only".to_owned(), ask: Vec::new() }
}

/// The verb that lets a waiting rollout through: what `approve` means on its row.
pub fn let_through(rollout: &Rollout) -> Verb {
    let has = |verb| offer_for(&rollout.offers, verb).is_some();
    match rollout.pause.map(|pause| pause.reason) {
        Some(PauseReason::Person) => Verb::Resume,
        // What waits for its source to be applied has nothing to promote.
        _ if has(Verb::Sync) && !has(Verb::Promote) => Verb::Sync,
        // What moves all at once has no step to go past.
        _ if has(Verb::PromoteFull) && !has(Verb::Promote) => Verb::PromoteFull,
        _ => Verb::Promote,
    }
}
