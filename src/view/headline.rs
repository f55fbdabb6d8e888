//! "Is it the release?" in words. The screen and `status --json` say the same.

use std::time::Duration;

use crate::{
    app::{
        guard,
        headline::{self, Blame, Cause, GoingBack, Headline},
        intent::Intent,
        model::Model,
        quarantine::Quarantine,
        store::{SourceInfo, SourceState},
    },
    domain::{
        evidence::Verdict,
        item::Noun,
        observed::Freshness,
        rollout::{self, Phase, Rollout, StepKind, Strategy},
        text::counted,
        time,
        verb::Verb,
    },
    judge::{gaps::Gap, rivals::Rival},
    view::{
        Bar, Part, cells, footer, freshness, is_low, measure, number,
        scene::Scene,
        span::{Line, Role},
        way_back,
    },
    words,
};

/// The answer in words: what stands in capitals, about what, and why, a sentence each.
struct Words {
    glyph: &'static str,
    role: Role,
    cause: &'static str,
    what: String,
    why: Vec<String>,
    /// The same without what may be left out where there is little room.
    brief: Option<Vec<String>>,
}

/// The answer as one line of text, the same words as on the board.
pub fn headline_text(model: &Model) -> String {
    let words = said(model, &headline::headline(model));
    let what = if words.what.is_empty() { String::new() } else { format!(" {}", words.what) };
    let why = if words.why.is_empty() { String::new() } else { format!(": {}", words.why.join(" ")) };
    format!("{}{what}{why}", words.cause)
}

/// The block at the top of the board; at most so many lines of reasons.
pub(super) fn block(scene: &Scene<'_>, most: usize) -> Vec<Part> {
    let answer = headline::headline(scene.model);
    let words = said(scene.model, &answer);
    let first = Line::of(words.role, format!(" {} {}", words.glyph, words.cause));
    let first = if words.what.is_empty() {
        first
    } else {
        first.gap(if scene.narrow(70) { 1 } else { 3 }).and(Role::Strong, words.what)
    };
    let mut parts = vec![Part::Line(first.cut(scene.columns))];
    let room = scene.columns.saturating_sub(4);
    let whole = words.why.join(" ");
    let fits = measure::wrap(&whole, room).len() <= most;
    let text = words.brief.filter(|_| !fits).map_or(whole, |brief| brief.join(" "));
    let why = measure::wrap_within(&text, room, most);
    parts.extend(why.into_iter().map(|text| Part::Line(Line::of(Role::Text, format!("   {text}")))));
    if answer.cause == Cause::Release
        && answer.back.is_none()
        && !is_low(scene.rows)
        && let Some(rollout) = answer.rollout.and_then(|id| scene.model.store.rollout(&id))
    {
        parts.push(Part::Bar(ways(scene, rollout)));
    }
    parts
}

/// The way back and the keys that lead there.
fn ways(scene: &Scene<'_>, rollout: &Rollout) -> Bar {
    let selected = scene.selected_rollout().is_some_and(|selected| selected.id == rollout.id);
    let left = Line::of(Role::Text, "   ").join(way_back::line(scene.model, rollout));
    // Keys act on the selected row: they stand here only while that is the one spoken of.
    let refused = footer::refused(scene.model, Intent::Do(Verb::Rollback), std::slice::from_ref(&rollout.id)).is_some();
    let right = if selected && !refused {
        let quarantine = Quarantine::of(&scene.model.actions, rollout);
        let back = quarantine
            .way_back(rollout)
            .arm()
            .map_or_else(|| "roll back".to_owned(), |arm| format!("roll back to {}", arm.tag()));
        scene.hint(Intent::Do(Verb::Rollback), back).gap(3).join(scene.hint(Intent::Why, "why")).gap(1)
    } else {
        Line::new()
    };
    Bar { left, right }
}

fn said(model: &Model, answer: &Headline) -> Words {
    let rollout = answer.rollout.as_ref().and_then(|id| model.store.rollout(id));
    match (answer.cause, rollout) {
        (Cause::Release, Some(rollout)) if let Some(returned) = &answer.returned => {
            let why = std::iter::once(format!("{returned}.")).chain(reasons(model, answer, rollout, false)).collect();
            let cause = "BACK AFTER IT WAS LEFT";
            Words { glyph: "✖", role: Role::Bad, cause, what: named(model, rollout), why, brief: None }
        }
        (Cause::Release | Cause::None, Some(rollout)) if let Some(back) = &answer.back => {
            returning(model, answer, rollout, back)
        }
        (Cause::Release, Some(rollout)) => release(model, answer, rollout),
        (Cause::Unknown, rollout) => unknown(model, rollout, answer.back.as_ref()),
        (Cause::Release | Cause::None, _) => none(model),
    }
}

/// It is known, and somebody goes back from it: what is left of it, until nothing is.
fn returning(model: &Model, answer: &Headline, rollout: &Rollout, back: &GoingBack) -> Words {
    let mut why = Vec::new();
    if answer.cause == Cause::Release
        && model.verdict(&rollout.id) == Some(Verdict::NoGo)
        && let Some(judgement) = model.judgements.get(&rollout.id)
    {
        why.push(format!("{}.", words::reason(judgement)));
    }
    why.extend(pods_left(back));
    if rollout.aborted_in_spec {
        why.push(format!("The spec still holds {}.", back.from));
    }
    why.extend(engine_words(rollout));
    why.extend(unseen(model).filter(|state| state.source == rollout.id.source).map(|it| format!("{}.", describe(&it))));
    let what = format!("{} {} → {}, {}", called(model, rollout), back.from, back.to, left(back));
    Words { glyph: "▲", role: Role::Warn, cause: "GOING BACK", what, why, brief: None }
}

/// `11 % left`: what is left of a version that somebody goes back from.
fn left(back: &GoingBack) -> String {
    match (back.serves, back.share, back.pods) {
        (true, Some(share), _) if share > 0 => format!("{share} % left"),
        (true, Some(_), Some(pods)) => format!("{} left", counted(pods, "pod")),
        (true, ..) => "? % left".to_owned(),
        (false, _, Some(pods)) if pods > 0 => format!("no traffic left, {} left", counted(pods, "pod")),
        (false, ..) => "no traffic left".to_owned(),
    }
}

/// `4 pods of 2 still run.`
fn pods_left(back: &GoingBack) -> Option<String> {
    match back.pods {
        Some(0) => None,
        Some(1) => Some(format!("1 pod of {} still runs.", back.from)),
        Some(pods) => Some(format!("{pods} pods of {} still run.", back.from)),
        None => Some(format!("Whether pods of {} still run is not known.", back.from)),
    }
}

fn release(model: &Model, answer: &Headline, rollout: &Rollout) -> Words {
    let cause = match model.judgements.get(&rollout.id).map(headline::blame) {
        Some(Blame::OnePod) => "LIKELY ONE POD, NOT THE RELEASE",
        Some(Blame::Open) => "PERHAPS THE RELEASE",
        Some(Blame::Release) | None => "LIKELY THE RELEASE",
    };
    let [why, brief] = [true, false].map(|whole| reasons(model, answer, rollout, whole));
    Words { glyph: "✖", role: Role::Bad, cause, what: named(model, rollout), why, brief: Some(brief) }
}

/// Why it is the release, a sentence each; what rules others out with its numbers only where all of it is asked for.
fn reasons(model: &Model, answer: &Headline, rollout: &Rollout, whole: bool) -> Vec<String> {
    let mut why = Vec::new();
    if let Some(judgement) = model.judgements.get(&rollout.id) {
        // How old it is stands before all else: what follows is as old.
        let old = model.old_harm(&rollout.id).as_ref().map(|old| format!(", {}", words::how_old(old)));
        why.push(format!("{}{}.", words::reason(judgement), old.unwrap_or_default()));
        why.extend(goes_on(model, rollout));
        why.extend(judgement.doubts.first().map(|doubt| format!("Doubt: {}.", words::doubt(doubt))));
    }
    if let Some(onset) = answer.onset {
        let at = number::moment(model.now, onset.at);
        why.push(match onset.after_step {
            Some((step, span)) => format!("Began {} after step {step}, {at}.", number::age(rounded(span))),
            None => format!("Began {at}."),
        });
    }
    why.extend(rivals(model, answer, rollout, whole));
    // Only what this answer rests on: whether something else answers does not change it.
    let metrics = model.store.signals(rollout).map(|(source, _)| source);
    let rests_on = |state: &SourceState| state.source == rollout.id.source || Some(&state.source) == metrics;
    why.extend(unseen(model).filter(rests_on).map(|state| format!("{}.", describe(&state))));
    why
}

/// That a pause ends with nobody doing anything, and where that leads: whoever reads it knows how long they have.
fn goes_on(model: &Model, rollout: &Rollout) -> Option<String> {
    let until = rollout.pause.filter(|_| rollout.phase == Phase::Paused && !rollout.held)?.until?;
    let left = time::until(model.now, until);
    let next = rollout.steps.get(rollout.step.map_or(0, |step| step + 1));
    // What else it may have to wait for in between is not foretold.
    let to = match next.map(|step| step.kind) {
        Some(StepKind::SetWeight(weight)) => format!(" to {} %", rollout.weight.percent(weight)),
        None => " to 100 %".to_owned(),
        Some(_) => String::new(),
    };
    (!left.is_zero()).then(|| format!("Goes on{to} by itself in {}.", number::age(left)))
}

/// What else it could be, and is not; and what else moved, where that cannot be ruled out.
fn rivals(model: &Model, answer: &Headline, rollout: &Rollout, whole: bool) -> Vec<String> {
    let judgement = model.judgements.get(&rollout.id);
    let rivals = judgement.map(|judgement| judgement.ruled_out.as_slice()).unwrap_or_default();
    let said = if whole { words::rival } else { |rival: &Rival| words::rival_kind(rival).to_owned() };
    let mut out: Vec<String> = rivals.iter().map(said).collect();
    // Behind the same callers at the same time, what another service does to one version it does to both.
    let shared = rivals.iter().any(|rival| matches!(rival, Rival::Shared { .. }));
    let mut all = Vec::new();
    match moved(model, answer) {
        Some(_) if shared && !whole => out.push("other rollouts".to_owned()),
        Some(moved) if shared => out.push(format!("other rollouts ({moved}: stable would show it)")),
        Some(moved) => all.push(format!("Also moved: {moved}.")),
        None => {}
    }
    if !out.is_empty() {
        all.insert(0, format!("Ruled out: {}.", out.join(", ")));
    }
    all
}

/// `checkout 2.9.0 at 01:47 and 2 more`: the rollout that moved last before the trouble stands for all.
fn moved(model: &Model, answer: &Headline) -> Option<String> {
    let (id, at) = answer.moved.iter().max_by_key(|(_, at)| *at)?;
    let other = model.store.rollout(id)?;
    let version = other.canary.as_ref().map(|version| version.tag.as_str()).unwrap_or_default();
    let more = match answer.moved.len() {
        1 => String::new(),
        all => format!(" and {} more", all - 1),
    };
    Some(format!("{} {version} at {}{more}", other.service, number::moment(model.now, *at)))
}

/// To the whole minute: since when is known to the interval only.
fn rounded(span: Duration) -> Duration {
    let minutes = (span.as_secs() + 30) / 60;
    if minutes == 0 { span } else { Duration::from_mins(minutes) }
}

fn unknown(model: &Model, rollout: Option<&Rollout>, back: Option<&GoingBack>) -> Words {
    let mut why = Vec::new();
    // Order: what has gone wrong for sure comes before what is only not measured.
    why.extend(back.and_then(pods_left));
    if let Some(rollout) = rollout {
        why.extend(engine_words(rollout));
    }
    if let Some(rollout) = rollout
        && let Some(judgement) = model.judgements.get(&rollout.id)
        && model.verdict(&rollout.id) == Some(Verdict::NoData)
    {
        why.extend(model.outdated(&rollout.id).map(|outdated| format!("{}.", words::outdated(&outdated))));
        // What a source that is spoken of below has never told is no finding.
        let connected = model.session.sources.iter().any(SourceInfo::measures);
        let told = judgement.missing.iter().filter(|it| !connected || !matches!(it.gap, Gap::Unread(_)));
        why.extend(told.map(|missing| format!("{}.", words::missing(missing))));
        let doubt = judgement.doubts.first().filter(|doubt| doubt.is_strong());
        why.extend(doubt.map(|doubt| format!("Doubt: {}.", words::doubt(doubt))));
    }
    // What the engine says of it has been said; the rest keeps it from being called good all the same.
    let blind = rollout.and_then(|rollout| guard::blind_spot(model, rollout)).map(|what| format!("{what}."));
    if let Some(what) = blind.filter(|what| !why.contains(what)) {
        why.push(format!("NO DATA: {what}"));
    }
    let (silent, old): (Vec<SourceState>, Vec<SourceState>) =
        unseen(model).partition(|state| state.freshness == Freshness::Never);
    // The cause leads: what is missing follows from it, and a narrow screen cuts the end.
    why.splice(0..0, old.iter().map(|state| format!("{}.", describe(state))));
    let parts = model.store.sources(model.now).into_iter().filter(|state| state.freshness == Freshness::Live);
    let parts: Vec<String> = parts.flat_map(|state| state.unread).collect();
    if let [first, others @ ..] = parts.as_slice() {
        let more = if others.is_empty() { String::new() } else { format!(" (and {} more)", others.len()) };
        why.push(format!("Not all is seen{more}: {first}."));
    }
    if !silent.is_empty() {
        let names: Vec<&str> = silent.iter().map(|state| state.source.as_str()).collect();
        why.push(format!("No answer yet from {}.", names.join(", ")));
    }
    let nothing_seen = silent.len() == model.store.sources(model.now).len();
    let lacking = !model.store.tells_of(Noun::Rollout);
    let cause = match (nothing_seen, lacking && why.is_empty()) {
        (true, _) => "NOT SEEN YET",
        // Nothing failed: who looks at pipelines only is not told of trouble all day.
        (false, true) => "NO ROLLOUTS ARE CONNECTED",
        (false, false) => "CANNOT TELL WHETHER IT IS THE RELEASE",
    };
    if lacking {
        why.push("No connection tells of rollouts: whether it is the release cannot be seen here.".to_owned());
    }
    let what = match (rollout, back) {
        (Some(rollout), Some(back)) => {
            format!("{} {} → {}, {}", called(model, rollout), back.from, back.to, left(back))
        }
        (rollout, _) => rollout.map(|rollout| named(model, rollout)).unwrap_or_default(),
    };
    Words { glyph: "?", role: Role::Unknown, cause, what, why, brief: None }
}

/// What the engine says of trouble, the pods of theirs, and what is not known.
fn engine_words(rollout: &Rollout) -> Vec<String> {
    let degraded = rollout.message.iter().filter(|_| rollout.phase == Phase::Degraded);
    let unknown = rollout.unknown.iter().map(|unknown| &unknown.what);
    degraded.chain(&rollout.troubles).chain(unknown).map(|text| format!("{}.", text.trim_end_matches('.'))).collect()
}

fn none(model: &Model) -> Words {
    let flying: Vec<&Rollout> = model.store.rollouts().filter(|rollout| rollout.in_flight()).collect();
    let undecided: Vec<String> = flying
        .iter()
        .filter(|rollout| rollout.phase != Phase::Aborted)
        .filter_map(|rollout| {
            let judgement = model.judgements.get(&rollout.id)?;
            (model.verdict(&rollout.id) == Some(Verdict::Wait))
                .then(|| format!("{}: {}.", called(model, rollout), words::reason(judgement)))
        })
        .collect();
    // A good verdict with a strong doubt is none to be quiet about.
    let doubted = flying.iter().filter(|rollout| rollout.phase != Phase::Aborted).filter_map(|rollout| {
        let doubt = model.judgements.get(&rollout.id)?.doubts.first().filter(|doubt| doubt.is_strong())?;
        Some(format!("Doubt, {}: {}.", called(model, rollout), words::doubt(doubt)))
    });
    let aborted = flying.iter().filter(|rollout| rollout.aborted_in_spec);
    let aborted = aborted.filter_map(|rollout| {
        let version = rollout.canary.as_ref()?;
        let said = if rollout.is_declared() {
            "was taken back, its source still holds it"
        } else {
            "is aborted, the spec still holds it"
        };
        Some(format!("{}: {} {said}.", called(model, rollout), version.tag))
    });
    let cleared = undecided.is_empty();
    let what = match (flying.len(), undecided.len()) {
        (0, _) => "nothing is in flight".to_owned(),
        (flying, 0) => format!("{flying} in flight"),
        (flying, waiting) => format!("{flying} in flight, {waiting} undecided"),
    };
    let (glyph, role) = if cleared { ("✔", Role::Good) } else { ("◷", Role::Strong) };
    Words {
        glyph,
        role,
        cause: "NO RELEASE IN FLIGHT SHOWS HARM",
        what,
        why: worse(model).chain(aborted).chain(doubted).chain(undecided).collect(),
        brief: None,
    }
}

/// What has arrived and does worse than what ran before it.
fn worse(model: &Model) -> impl Iterator<Item = String> {
    let worse = model.watched.iter().filter(|(_, compared)| compared.judgement.verdict == Verdict::NoGo);
    worse.filter_map(|(id, compared)| {
        let rollout = model.store.rollout(id).filter(|rollout| !rollout.in_flight())?;
        let version = rollout.stable.as_ref().map(|version| version.tag.as_str()).unwrap_or_default();
        let said = words::watched(&compared.judgement, &compared.against);
        Some(format!("{} {version}, at 100 %, does {said}.", called(model, rollout)))
    })
}

/// Sources that do not answer, and so cannot speak against anything.
fn unseen(model: &Model) -> impl Iterator<Item = SourceState> {
    model.store.sources(model.now).into_iter().filter(|state| state.freshness != Freshness::Live)
}

fn describe(state: &SourceState) -> String {
    let fault = state.fault.as_ref().map(|fault| format!(": {}", fault.text)).unwrap_or_default();
    format!("{} {}{fault}", state.source, freshness::word(state))
}

/// `payments 1.42.0 (a1b2c3d), canary 25 %`.
pub(super) fn named(model: &Model, rollout: &Rollout) -> String {
    // The version that was measured: right after a roll back the spec asks for the good one already.
    let measured = rollout.side(rollout::Role::Canary).and_then(|arm| arm.version.as_ref());
    let version = measured.or(rollout.canary.as_ref()).map(|version| format!(" {version}")).unwrap_or_default();
    if rollout.strategy == Strategy::Declared {
        return format!("{}{version}", called(model, rollout));
    }
    format!("{}{version}, canary {}", called(model, rollout), weight_words(rollout))
}

/// `payments`; `payments in eu-west-1` where it has other cells.
fn called(model: &Model, rollout: &Rollout) -> String {
    cells::called(model, &rollout.service, &rollout.environment)
}

/// The share of the traffic that the canary gets, in percent; `None` where nobody knows.
pub(super) fn weight_percent(rollout: &Rollout) -> Option<u32> {
    rollout.weight.reached()
}

/// `25 %`, or that it is not known.
pub(super) fn weight_words(rollout: &Rollout) -> String {
    weight_percent(rollout).map_or_else(|| "? %".to_owned(), |percent| format!("{percent} %"))
}

#[cfg(test)]
mod tests;
