//! Every key that works here, from the table of intents; a verb that is refused says why.

use crate::{
    app::{
        inbox,
        intent::{Danger, INTENTS, Intent, Row, Scope},
        model::Screen,
    },
    domain::{object::ObjectId, offer::offer_for},
    port::plan::Ask,
    view::{
        footer, measure,
        scene::Scene,
        sheet::Sheet,
        span::{Line, Role},
    },
};

/// Cells of a key and of its title.
const KEY: usize = 9;
const TITLE: usize = 14;

/// Screens of fewer rows show several keys that only look in one line.
const HIGH: usize = 44;
/// Screens of fewer rows show keys beside one another, without their sentences.
const LOW: usize = 22;

pub(super) fn sheet(scene: &Scene<'_>, width: usize) -> Sheet {
    let keys = scene.hint(Intent::Back, "back");
    let lines = if scene.rows < LOW { beside(scene, width) } else { below(scene, width) };
    Sheet::said("keys".to_owned(), lines, keys, width)
}

/// Every key with its title, as many beside one another as fit; what is refused looks so.
fn beside(scene: &Scene<'_>, width: usize) -> Vec<Line> {
    let targets = &scene.targets;
    let is_refused = |row: &Row| {
        row.intent.verb().is_some()
            && (targets.is_empty() || footer::refused(scene.model, row.intent, targets).is_some())
    };
    let shown = INTENTS.iter().filter(|row| row.scope != Scope::Typing && scene.keymap.shown(row.intent).is_some());
    let (acts, looks): (Vec<&Row>, Vec<&Row>) = shown.partition(|row| row.intent.verb().is_some());
    let mut lines = Vec::new();
    for (title, rows) in [(" ACTS", acts), (" LOOKS", looks)] {
        let hint = |row: &Row| {
            let hint = scene.hint(row.intent, row.title);
            if is_refused(row) { hint.stale() } else { hint }
        };
        lines.extend(flows(rows.into_iter().map(hint), &Line::of(Role::Title, title).pad(9), width));
    }
    lines
}

/// Keys beside one another, as many as fit; the first line begins so, and the others where that ends.
fn flows(hints: impl Iterator<Item = Line>, begin: &Line, width: usize) -> Vec<Line> {
    let (mut lines, mut line, mut is_first) = (Vec::new(), begin.clone(), true);
    for hint in hints {
        if !is_first && line.width() + 2 + hint.width() > width {
            lines.push(std::mem::replace(&mut line, Line::new().gap(begin.width())));
            is_first = true;
        }
        line = if is_first { line } else { line.gap(2) }.join(hint);
        is_first = false;
    }
    lines.push(line);
    lines
}

/// Every key with its sentence, one below the other.
fn below(scene: &Scene<'_>, width: usize) -> Vec<Line> {
    let targets = &scene.targets;
    let (here, elsewhere): (Vec<&Row>, Vec<&Row>) = INTENTS
        .iter()
        .filter(|row| row.intent.verb().is_some())
        .partition(|row| targets.first().is_some_and(|target| is_offered(scene, row.intent, target)));
    let mut lines = vec![Line::of(Role::Title, " ACTS: a card says what would be sent, before it is")];
    for row in here {
        let refused = footer::refused(scene.model, row.intent, targets);
        lines.extend(match refused {
            Some(why) => explained(key(scene, row), Role::Warn, &format!("refused: {why}"), width),
            None => explained(key(scene, row), Role::Text, row.doc, width),
        });
    }
    let elsewhere = elsewhere.into_iter().filter(|row| scene.keymap.shown(row.intent).is_some());
    lines.push(flow(scene, Line::of(Role::Dim, " not on this row: "), elsewhere));
    lines.push(Line::new());
    lines.push(Line::of(Role::Title, " LOOKS"));
    let looks = INTENTS.iter().filter(|row| row.danger == Danger::None && row.scope != Scope::Typing);
    let (looks, in_lines): (Vec<&Row>, Vec<&Row>) = looks.partition(|row| works(scene.model.nav.screen(), row.intent));
    let hint = |row: &Row| scene.hint(row.intent, row.title);
    if scene.rows < HIGH {
        lines.extend(flows(looks.into_iter().map(hint), &Line::of(Role::Text, " "), width));
    } else {
        lines.extend(looks.into_iter().map(|row| key(scene, row).and(Role::Text, row.doc)));
    }
    if !in_lines.is_empty() {
        lines.extend(flows(in_lines.into_iter().map(hint), &Line::of(Role::Dim, " among lines: "), width));
    }
    lines
}

/// Does a key that only looks do something on this screen? Some are for lines alone, and where there are none they would only say so.
fn works(screen: &Screen, intent: Intent) -> bool {
    match intent {
        Intent::FindNext | Intent::FindBefore | Intent::Follow | Intent::Level => {
            matches!(screen, Screen::Logs { .. } | Screen::Run(_))
        }
        Intent::Side => matches!(screen, Screen::Logs { .. }),
        _ => true,
    }
}

/// A key with all of what there is to say to it, in as many lines as that takes: half a reason is none.
fn explained(key: Line, role: Role, said: &str, width: usize) -> Vec<Line> {
    let begin = key.width();
    let mut words = measure::wrap(said, width.saturating_sub(begin)).into_iter();
    let first = key.and(role, words.next().unwrap_or_default());
    [first].into_iter().chain(words.map(|words| Line::new().gap(begin).and(role, words))).collect()
}

fn key(scene: &Scene<'_>, row: &Row) -> Line {
    let chord = scene.keymap.shown(row.intent).map(|chord| chord.to_string()).unwrap_or_default();
    Line::of(Role::Text, " ")
        .join(Line::of(Role::Key, measure::cut(&chord, KEY)).pad(KEY))
        .join(Line::of(Role::Strong, row.title).pad(TITLE))
}

/// Several keys in one line.
fn flow<'a>(scene: &Scene<'_>, begin: Line, rows: impl Iterator<Item = &'a Row>) -> Line {
    rows.fold(begin, |line, row| line.join(scene.hint(row.intent, row.title)).gap(2))
}

/// Does the engine have this verb at all?
fn is_offered(scene: &Scene<'_>, intent: Intent, target: &ObjectId) -> bool {
    let Some(verb) = intent.verb() else { return false };
    // Rerun and cancel on a gate mean the run behind it.
    let target = &inbox::meant(scene.model, Ask::new(verb, target.clone())).target;
    let store = &scene.model.store;
    let rollout = store.rollout(target).map(|rollout| &rollout.offers);
    let offers = rollout
        .or_else(|| store.gate(target).map(|gate| &gate.offers))
        .or_else(|| store.run(target).map(|run| &run.offers));
    offers.is_some_and(|offers| offer_for(offers, verb).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::offer::Offer, view::sample};

    #[test]
    fn why_a_verb_is_refused_stands_there_to_its_last_word() {
        let (keymap, mut model) = (sample::keymap(), sample::board(80, 24));
        let why = "the ReplicaSet of the stable version is not seen, so there is no template to put back; abort takes the \
                   traffic off the new one at once";
        let mut rollout = sample::payments();
        for offer in &mut rollout.offers {
            *offer = Offer { blocked: Some(why.to_owned()), ..offer.clone() };
        }
        let at = model.now;
        let part = crate::port::inventory::Part::whole(rollout.id.family.clone(), [rollout.clone()]);
        crate::app::sample::hears(
            &mut model,
            (rollout.id.source.as_str(), rollout.id.family.as_str()),
            at,
            Ok(vec![part]),
        );
        let lines = below(&Scene::new(&model, &keymap), 72);
        assert!(lines.iter().all(|line| line.width() <= 72), "{lines:?}");
        let said: Vec<String> = lines.iter().map(|line| line.plain().trim().to_owned()).collect();
        assert!(said.join(" ").contains(&format!("refused: {why}")), "{said:#?}");
    }
}
