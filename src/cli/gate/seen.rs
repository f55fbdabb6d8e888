//! What a gate sees of a release at one moment: how it stands, and why. From the model alone.

use serde::Serialize;
use strum::Display;

use crate::{
    app::{
        cells, guard,
        headline::{self, Cause},
        lineage,
        model::Model,
    },
    cli::{
        exit::{CliError, Exit},
        named, source,
    },
    domain::{
        evidence::Verdict,
        item::Item,
        object::ObjectId,
        observed::Freshness,
        place::Place,
        rollout::{Phase, Rollout},
        version::Version,
    },
    words,
};

/// How a release stands before a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Display)]
#[serde(rename_all = "snake_case")]
pub(super) enum Standing {
    /// No harm; with `--for`, the verb would be let through.
    #[strum(serialize = "GO")]
    Go,
    /// Not decided yet.
    #[strum(serialize = "WAIT")]
    Wait,
    /// The guard would refuse the verb.
    #[strum(serialize = "REFUSED")]
    Refused,
    /// Cannot be judged.
    #[strum(serialize = "NO DATA")]
    NoData,
    /// What it would be judged by cannot be read.
    #[strum(serialize = "UNREAD")]
    Unread,
    /// Evidence of harm.
    #[strum(serialize = "NO-GO")]
    NoGo,
}

impl Standing {
    /// Is there nothing more to wait for?
    pub(super) fn ends(self) -> bool {
        matches!(self, Self::Go | Self::NoGo)
    }

    /// With which code a gate ends on it.
    pub(super) fn exit(self) -> Exit {
        match self {
            Self::Go => Exit::Done,
            Self::Wait => Exit::Wait,
            Self::Refused => Exit::Refused,
            Self::NoData => Exit::NoData,
            Self::Unread => Exit::Unreachable,
            Self::NoGo => Exit::NoGo,
        }
    }
}

/// What is seen.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Seen {
    pub(super) standing: Standing,
    /// What was named, once it is known.
    pub(super) target: Option<ObjectId>,
    /// Whose release, and where it is on its way, or would go.
    pub(super) place: Option<Place>,
    /// What is waited for, as far as that is known.
    pub(super) version: Option<Version>,
    /// Index of the running step, and how many there are.
    pub(super) step: Option<(usize, usize)>,
    /// The new version's share of the traffic as it was reached, percent.
    pub(super) weight: Option<u32>,
    /// Why it stands so.
    pub(super) said: String,
    /// What may make the verdict say less than it seems to.
    pub(super) doubts: Vec<String>,
    /// What whoever asks for the verb takes upon them.
    pub(super) risks: Vec<String>,
    /// Where the service runs in several parts of that environment, how far the version is among them.
    pub(super) cells: Option<String>,
    /// There is nothing that a verdict could be on: it was NO DATA for that, and the guard may know better.
    pub(super) nothing: bool,
}

/// What makes a line worth printing: numbers that grow do not.
pub(super) type Key = (Standing, Option<Version>, Option<(usize, usize)>, Option<u32>);

impl Seen {
    /// That it cannot be read.
    pub(super) fn unread(target: Option<ObjectId>, why: &str) -> Self {
        Self {
            standing: Standing::Unread,
            target,
            place: None,
            version: None,
            step: None,
            weight: None,
            said: why.to_owned(),
            doubts: Vec::new(),
            risks: Vec::new(),
            cells: None,
            nothing: false,
        }
    }

    pub(super) fn key(&self) -> Key {
        (self.standing, self.version.clone(), self.step, self.weight)
    }
}

/// The version that a gate waits for: the one that was named, or the first that it saw on its way. A verdict on another one is
/// none on this.
#[derive(Clone, Debug, Default)]
pub(super) struct Gated {
    expect: Option<String>,
    /// Its hash where it runs (as its engine has it), and what it is called.
    bound: Option<(Option<String>, Option<Version>)>,
    /// It was seen on its way in, not only taken back.
    flew: bool,
}

impl Gated {
    pub(super) fn of(expect: Option<&str>) -> Self {
        Self { expect: expect.map(str::to_owned), ..Self::default() }
    }

    /// Is this version the one? The first that fits is, from then on. Another one is the end, before there was one as well: it is
    /// on its way now, and may be for hours. Of which version it is may not be known yet, which is said.
    fn takes(&mut self, hash: Option<&str>, version: Option<&Version>) -> Result<Option<String>, CliError> {
        if let Some((bound, of)) = &self.bound {
            let same_hash = bound.is_some() && bound.as_deref() == hash;
            let same = of.as_ref().zip(version).is_some_and(|(one, other)| one.is_same(other) || one == other);
            if same_hash || same {
                return Ok(None);
            }
            let (was, is) = (called(of.as_ref()), called(version));
            return Err(CliError::new(Exit::Changed, format!("moved: {was} was waited for, and {is} is there now")));
        }
        if let Some(name) = &self.expect {
            match version {
                Some(version) if version.is_bound_by(name) => {}
                Some(version) if version.is_called(name) => {
                    let why = format!("{name} holds another commit with each push: name {version} by its commit");
                    return Err(CliError::usage(why));
                }
                Some(version) => {
                    let moved = || {
                        let why = format!("{version} is on its way, not {name}: another version is there");
                        CliError::new(Exit::Changed, why)
                    };
                    return Err(named::too_short(Some(version), name).unwrap_or_else(moved));
                }
                None => {
                    return Ok(Some(format!("{} is on its way: whether it is {name} cannot be told", called(version))));
                }
            }
        }
        self.bound = Some((hash.map(str::to_owned), version.cloned()));
        Ok(None)
    }

    fn is_bound(&self) -> bool {
        self.bound.is_some()
    }

    /// May this version be the one that was named? What is not known may be, and where none was named any is.
    fn may_be(&self, version: Option<&Version>) -> bool {
        self.expect.as_ref().zip(version).is_none_or(|(name, version)| version.is_called(name))
    }

    fn version(&self) -> Option<&Version> {
        self.bound.as_ref()?.1.as_ref()
    }
}

fn called(version: Option<&Version>) -> String {
    version.map_or_else(|| "a version of unknown name".to_owned(), ToString::to_string)
}

/// Looks at what was named. The error ends the gate: it is another version by now, or gone.
pub(super) fn look(model: &Model, target: &ObjectId, gated: &mut Gated) -> Result<Seen, CliError> {
    let seen = of_it(model, target, gated)?;
    // A verdict is on one cell: how it stands in its siblings is said beside it.
    let all = seen.place.as_ref().and_then(|place| cells::of(model, &place.service, &place.environment));
    let cells = all.zip(seen.version.as_ref()).map(|(all, version)| words::cells::cells(&all, version, None));
    Ok(Seen { cells, ..seen })
}

fn of_it(model: &Model, target: &ObjectId, gated: &mut Gated) -> Result<Seen, CliError> {
    match model.store.item(target) {
        Some(Item::Rollout(rollout)) => rolled(model, rollout, gated),
        Some(_) => on_its_road(model, target, gated),
        None => {
            let state = model.store.target_state(target, model.now);
            match state.filter(|state| state.freshness == Freshness::Live) {
                Some(_) => {
                    let why = format!("{target} is gone: it was opened or ended meanwhile");
                    Err(CliError::new(Exit::Changed, why))
                }
                None => Ok(Seen::unread(Some(target.clone()), &format!("{} cannot be read", target.source))),
            }
        }
    }
}

/// What waits before it goes somewhere is judged by where it is already.
fn on_its_road(model: &Model, target: &ObjectId, gated: &mut Gated) -> Result<Seen, CliError> {
    let release = model.lineage.release(&model.store, target);
    let environment = model.store.gate(target).map(|gate| gate.environment.clone());
    let service = model.store.item(target).map(|item| item.service().clone());
    let place = service.map(|service| Place::of(&service, &environment.unwrap_or_else(|| "".into())));
    let version = release.map(|release| &release.version);
    let nothing = |said: String| Seen {
        standing: Standing::NoData,
        place: place.clone(),
        version: version.cloned(),
        said,
        nothing: true,
        ..Seen::unread(Some(target.clone()), "")
    };
    if let Some(another) = gated.takes(None, version)? {
        return Ok(Seen { nothing: false, ..nothing(another) });
    }
    let arrives =
        |spot: &&lineage::Spot| matches!(spot.standing, lineage::Standing::Arrives | lineage::Standing::TakenBack);
    let spots = release.into_iter().flat_map(|release| &release.spots).filter(arrives);
    let rollouts = spots.filter_map(|spot| model.store.rollout(&spot.rollout));
    let worst = rollouts.map(|rollout| judged(model, rollout)).max_by_key(|seen| seen.standing);
    let seen =
        worst.unwrap_or_else(|| nothing("it is on its way nowhere yet: there is nothing to judge it by".to_owned()));
    Ok(Seen { target: Some(target.clone()), ..seen })
}

/// A rollout: the version that is on its way in, if it is the one that is waited for.
fn rolled(model: &Model, rollout: &Rollout, gated: &mut Gated) -> Result<Seen, CliError> {
    let moves = rollout.identity.canary_hash != rollout.identity.stable_hash;
    let nothing = |said: String| Seen {
        standing: Standing::NoData,
        version: rollout.stable.clone(),
        said,
        nothing: true,
        ..shown(rollout)
    };
    if !moves {
        return at_rest(model, rollout, gated, nothing);
    }
    let aborted = rollout.phase == Phase::Aborted;
    if aborted && !gated.is_bound() && !gated.may_be(rollout.canary.as_ref()) {
        // What was taken back is on its way nowhere: the one that is expected may still come.
        let (gone, name) = (called(rollout.canary.as_ref()), gated.expect.clone().unwrap_or_default());
        return Ok(Seen { nothing: false, ..nothing(format!("{gone} was taken back; {name} is not on its way yet")) });
    }
    if let Some(another) = gated.takes(Some(&rollout.identity.canary_hash), rollout.canary.as_ref())? {
        return Ok(Seen { nothing: false, version: rollout.canary.clone(), ..nothing(another) });
    }
    let seen = judged(model, rollout);
    if aborted && gated.flew && seen.standing != Standing::NoGo {
        let why = format!("{} was taken back in {}", called(gated.version()), rollout.environment);
        return Err(CliError::new(Exit::Changed, why));
    }
    gated.flew |= !aborted;
    Ok(seen)
}

/// Nothing is on its way in: it has arrived, was taken out, or has not come yet.
fn at_rest(
    model: &Model,
    rollout: &Rollout,
    gated: &mut Gated,
    nothing: impl Fn(String) -> Seen,
) -> Result<Seen, CliError> {
    if let Some(why) = silent(model, rollout) {
        return Ok(Seen { said: why, ..shown(rollout) });
    }
    let serves = called(rollout.stable.as_ref());
    if let Some(name) = gated.expect.clone().filter(|_| !gated.is_bound()) {
        let said = match &rollout.stable {
            Some(stable) if stable.is_called(&name) => format!("{serves} serves: how it came in was not seen"),
            _ => format!("{name} is not on its way: {serves} serves"),
        };
        return Ok(Seen { nothing: false, ..nothing(said) });
    }
    if !gated.is_bound() {
        return Ok(nothing(format!("nothing is on its way: {serves} serves")));
    }
    gated.takes(Some(&rollout.identity.stable_hash), rollout.stable.as_ref())?;
    let verdict = model.arrivals.get(&rollout.id).and_then(|arrival| arrival.verdict);
    let standing = match verdict {
        Some(Verdict::NoGo) => Standing::NoGo,
        Some(Verdict::Go) => Standing::Go,
        Some(Verdict::Wait | Verdict::NoData) | None => Standing::NoData,
    };
    let said = match standing {
        Standing::NoData => format!("{serves} serves all traffic: it came in before it was decided"),
        _ => format!("{serves} serves all traffic: that was the last verdict on its way"),
    };
    Ok(Seen { standing, nothing: false, ..nothing(said) })
}

/// What is seen of a rollout whatever its verdict.
fn shown(rollout: &Rollout) -> Seen {
    Seen {
        place: Some(rollout.place()),
        version: rollout.canary.clone(),
        step: rollout.step.map(|step| (step, rollout.steps.len())),
        weight: rollout.weight.reached(),
        ..Seen::unread(Some(rollout.id.clone()), "")
    }
}

/// The verdict on what is on its way in. Evidence of harm counts whatever else cannot be read.
fn judged(model: &Model, rollout: &Rollout) -> Seen {
    let judgement = model.judgements.get(&rollout.id);
    let (cause, verdict) = (headline::cause_of(model, rollout), guard::standing(model, rollout));
    let old = model.old_harm(&rollout.id).as_ref().map(|old| format!("; {}", words::how_old(old))).unwrap_or_default();
    let reason = || judgement.map(|judgement| format!("{}{old}", words::reason(judgement))).unwrap_or_default();
    let (standing, said) = match (cause, verdict) {
        (_, Some(Verdict::NoGo)) => (Standing::NoGo, reason()),
        (Cause::Release, _) => (Standing::NoGo, "it was taken back for cause, and may still get traffic".to_owned()),
        (Cause::Unknown, _) | (_, Some(Verdict::NoData)) => match unread(model, rollout) {
            Some(why) => (Standing::Unread, why),
            None => (Standing::NoData, blind(model, rollout)),
        },
        (Cause::None, _) if headline::goes_back(model, rollout) => (Standing::Wait, "it is taken back".to_owned()),
        (Cause::None, Some(Verdict::Wait)) => (Standing::Wait, reason()),
        (Cause::None, Some(Verdict::Go)) => (Standing::Go, reason()),
        (Cause::None, None) => {
            let said = "there is no second version to hold it against".to_owned();
            return Seen { standing: Standing::NoData, said, nothing: true, ..shown(rollout) };
        }
    };
    let doubts = judgement.into_iter().flat_map(|judgement| &judgement.doubts).map(words::doubt).collect();
    Seen { standing, said, doubts, ..shown(rollout) }
}

/// Why it cannot be judged.
fn blind(model: &Model, rollout: &Rollout) -> String {
    let judged = || model.judgements.get(&rollout.id).map(words::beside_word);
    let ill = || rollout.troubles.first().cloned().or_else(|| rollout.message.clone());
    guard::blind_spot(model, rollout).or_else(judged).or_else(ill).unwrap_or_else(|| "it cannot be judged".to_owned())
}

/// That what runs cannot be read now.
fn silent(model: &Model, rollout: &Rollout) -> Option<String> {
    let state = model.store.target_state(&rollout.id, model.now)?;
    (state.freshness != Freshness::Live).then(|| source::sentence(&state))
}

/// What of that which the verdict rests on cannot be read now: what runs, and what is measured of it.
fn unread(model: &Model, rollout: &Rollout) -> Option<String> {
    let place = rollout.place();
    let asked: Vec<_> = model.store.asked_of(&place).map(|(source, _)| source.clone()).collect();
    let measured = model.store.sources(model.now).into_iter().filter(|state| asked.contains(&state.source));
    let deaf = measured.filter(|state| state.freshness != Freshness::Live).map(|state| source::sentence(&state));
    let said: Vec<String> = silent(model, rollout).into_iter().chain(deaf).collect();
    (!said.is_empty()).then(|| said.join("; "))
}
