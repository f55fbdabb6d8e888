//! The footer: the keys that matter here, and where one is refused, why. What does not fit is in help.

use crate::{
    app::{
        guard,
        intent::Intent,
        model::{Model, RowKey, Screen},
        rows::Section,
        takeover,
    },
    domain::{
        gate::{Behind, Gate},
        object::ObjectId,
        offer::offer_for,
        rollout::{Phase, Rollout},
        time::age,
        verb::Verb,
    },
    port::plan::Ask,
    view::{
        scene::Scene,
        span::{Line, Role},
    },
};

/// For how many seconds something said once stays.
const NOTICE_STAYS: u64 = 8;
/// Between two keys.
const BETWEEN: usize = 3;

/// The line.
pub(super) fn line(scene: &Scene<'_>) -> Line {
    let model = scene.model;
    if model.nav.filtering {
        return filtering(scene);
    }
    let mut line = Line::of(Role::Text, " ");
    if let Some(notice) = model.notice.as_ref().filter(|notice| age(model.now, notice.at).as_secs() < NOTICE_STAYS) {
        line = line.and(Role::Warn, format!("▲ {}", notice.text)).gap(BETWEEN);
    }
    if !model.nav.filter.is_empty() {
        line = line.and(Role::Accent, format!("only '{}'", model.nav.filter)).gap(BETWEEN);
    }
    // While something is typed, `?` is a character.
    let help = if model.is_typing() { Line::new() } else { scene.hint(Intent::Help, "help") };
    let room = scene.columns.saturating_sub(help.width() + 1);
    let (hints, places) = (hints(scene), places(scene));
    let whole: usize = hints.iter().filter_map(|forms| forms.first()).map(|form| form.width() + BETWEEN).sum();
    let all_fit = line.width() + whole <= room;
    for mut forms in hints {
        // Reasons are shortened before keys are left to help.
        let form = if all_fit { forms.drain(..).next() } else { forms.pop() };
        let form = form.unwrap_or_default();
        if line.width() + form.width() + BETWEEN <= room {
            line = line.join(form).gap(BETWEEN);
        }
    }
    // Why something is refused says more than that there is a menu.
    let more = scene.hint(Intent::Menu, Intent::Menu.row().title);
    let typing = model.is_searching();
    let offers = model.nav.overlay.is_none() && scene.selected.is_some() && !typing;
    if offers && line.width() + more.width() + BETWEEN <= room {
        line = line.join(more).gap(BETWEEN);
    }
    for place in places {
        if line.width() + place.width() + BETWEEN <= room {
            line = line.join(place).gap(BETWEEN);
        }
    }
    line.join(help).cut(scene.columns)
}

/// Where else one can go, in what room there is left.
fn places(scene: &Scene<'_>) -> Vec<Line> {
    if scene.model.nav.overlay.is_some() || scene.model.is_searching() {
        return Vec::new();
    }
    let screen = scene.model.nav.screen();
    let all = [
        (Intent::Board, Screen::Board),
        (Intent::Pipelines, Screen::Pipelines),
        (Intent::Inbox, Screen::Inbox),
        (Intent::Signals, Screen::Signals),
    ];
    let others = all.into_iter().filter(|(_, place)| screen.object().is_none() && place != screen);
    let others = others.map(|(intent, _)| scene.hint(intent, intent.row().title));
    others.chain([scene.hint(Intent::Palette, Intent::Palette.row().title)]).collect()
}

fn filtering(scene: &Scene<'_>) -> Line {
    let of = |(section, rows): (Section, Vec<RowKey>)| format!("{} {}", rows.len(), counted(section));
    let counts: Vec<String> = scene.lists.sections().into_iter().map(of).collect();
    let counts = if counts.is_empty() { "no row".to_owned() } else { counts.join(", ") };
    Line::of(Role::Accent, " filter: ")
        .and(Role::Strong, scene.model.nav.filter.clone())
        .and(Role::Accent, "▏")
        .gap(BETWEEN)
        .and(Role::Dim, counts)
        .gap(BETWEEN)
        .join(scene.hint(Intent::Send, "keep"))
        .gap(BETWEEN)
        .join(scene.hint(Intent::Back, "all rows"))
        .cut(scene.columns)
}

/// Keys in the order of their worth, each in its forms, longest first.
fn hints(scene: &Scene<'_>) -> Vec<Vec<Line>> {
    let model = scene.model;
    let plain = |intent: Intent| vec![scene.hint(intent, intent.row().title)];
    let on_object = model.nav.screen().object().is_some();
    if model.nav.overlay.is_some() {
        return vec![plain(Intent::Back)];
    }
    // What is typed now is a text: no verb's key is one.
    if model.is_searching() {
        return vec![vec![scene.hint(Intent::Send, "look for it")], vec![scene.hint(Intent::Back, "look for nothing")]];
    }
    let mut all = Vec::new();
    let opens = scene.selected_rollout().is_some() || matches!(scene.selected, Some(RowKey::Run(_)));
    if !on_object && opens {
        all.push(plain(Intent::Open));
    }
    all.extend(verbs(scene));
    if scene.selected_rollout().is_some() {
        all.push(plain(Intent::Why));
    }
    if !matches!(model.nav.screen(), Screen::Board) {
        all.push(plain(Intent::Back));
    }
    if !on_object {
        all.push(plain(Intent::Filter));
    }
    all
}

/// What a section's rows are called where they are counted.
fn counted(section: Section) -> &'static str {
    match section {
        Section::Releases => "releases",
        Section::Pipelines => "gates and runs",
        Section::Steady => "steady",
        Section::Waiting => "waiting",
        Section::Runs => "runs",
        Section::Signals => "measured",
        Section::Cached => "from cache",
    }
}

fn verbs(scene: &Scene<'_>) -> Vec<Vec<Line>> {
    let Some(target) = scene.targets.first().cloned() else { return Vec::new() };
    let of_gate = |gate: &Gate| {
        let offered = |intent: &Intent| intent.verb().is_some_and(|verb| offer_for(&gate.offers, verb).is_some());
        [Verb::Approve, Verb::Reject, Verb::Resume].map(Intent::Do).into_iter().filter(offered).collect()
    };
    let intents: Vec<Intent> = match scene.model.store.rollout(&target) {
        Some(rollout) => of_rollout(rollout).to_vec(),
        None => match scene.model.store.run(&target) {
            Some(run) => {
                // Where it waits at a gate, its row is a way to that.
                let asks = |gate: &Gate| gate.behind == Behind::Run(run.id.clone());
                let waits: &[Verb] =
                    if scene.model.store.gates().any(asks) { &[Verb::Approve, Verb::Reject] } else { &[] };
                let own = [Verb::Rerun, Verb::Cancel].into_iter();
                let own = own.filter(|verb| offer_for(&run.offers, *verb).is_some());
                waits.iter().copied().chain(own).map(Intent::Do).collect()
            }
            None => scene.model.store.gate(&target).map_or_else(Vec::new, of_gate),
        },
    };
    let actions = &scene.model.actions;
    let mut left = actions.newest_on(&target).into_iter().chain(actions.holding(&target));
    let left = left.find(|action| takeover::is_offered(scene.model, action));
    let takes_over = left.map(|_| vec![scene.hint(Intent::TakeOver, Intent::TakeOver.row().title)]);
    let on = on_marked(scene).map(|words| vec![Line::of(Role::Accent, words)]);
    let verbs = intents.iter().map(|intent| verb(scene, *intent));
    on.into_iter().chain(takes_over).chain(verbs).collect()
}

/// On what a verb acts, where that is not the row one is on: `on payments, the marked one:`, `on the 3 marked:`.
fn on_marked(scene: &Scene<'_>) -> Option<String> {
    match scene.targets.as_slice() {
        [] => None,
        [one] if scene.selected.as_ref().map(RowKey::target).as_ref() == Some(one) => None,
        [one] => {
            let store = &scene.model.store;
            let rollout = store.rollout(one).map(|rollout| rollout.service.to_string());
            let gate = || store.gate(one).map(|gate| gate.service.to_string());
            let run = || store.run(one).map(|run| run.service.to_string());
            let name = rollout.or_else(gate).or_else(run).unwrap_or_else(|| one.to_string());
            Some(format!("on {name}, the marked one:"))
        }
        many => Some(format!("on the {} marked:", many.len())),
    }
}

/// The verbs that fit where a rollout is; all of them are in help.
fn of_rollout(rollout: &Rollout) -> &'static [Intent] {
    let offered = |verb| offer_for(&rollout.offers, verb).is_some();
    match rollout.phase {
        Phase::Aborted => &[Intent::Do(Verb::Rollback), Intent::Do(Verb::Retry)],
        _ if rollout.held => &[Intent::Do(Verb::Rollback), Intent::Do(Verb::Abort), Intent::Do(Verb::Resume)],
        _ if !rollout.in_flight() => &[Intent::Do(Verb::Rollback), Intent::Do(Verb::Restart)],
        _ if !offered(Verb::Abort) => &[Intent::Do(Verb::Rollback), Intent::Do(Verb::Pause)],
        _ => &[Intent::Do(Verb::Rollback), Intent::Do(Verb::Abort), Intent::Do(Verb::Promote), Intent::Do(Verb::Pause)],
    }
}

/// `p promote`, or `p promote: refused, verdict NO-GO` in two lengths.
fn verb(scene: &Scene<'_>, intent: Intent) -> Vec<Line> {
    let title = intent.row().title;
    match refused(scene.model, intent, &scene.targets) {
        None => vec![scene.hint(intent, title)],
        Some(why) => {
            let chord = scene.hint(intent, title).stale();
            // Where it goes on after a colon it explains; a colon in a time ends nothing.
            let short = why.split(": ").next().and_then(|begin| begin.split("; ").next());
            let short = short.unwrap_or_default().to_owned();
            let form = |words: String| chord.clone().and(Role::Dim, words);
            vec![form(format!(": refused, {short}")), form(" refused".to_owned())]
        }
    }
}

/// Why a verb will not run on these in one act, where it will not.
pub(super) fn refused(model: &Model, intent: Intent, targets: &[ObjectId]) -> Option<String> {
    let (verb, (first, then)) = (intent.verb()?, targets.split_first()?);
    let ask = Ask::new(verb, first.clone()).and_then(then.iter().cloned());
    guard::ask(model, ask).err().map(|refusal| refusal.reasons.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{app::rows, view::sample};

    #[test]
    fn keys_are_those_of_what_is_marked_and_say_so_where_it_is_not_the_row_one_is_on() {
        let keymap = sample::keymap();
        let mut model = sample::board(200, 36);
        let rows = rows::rows(&model);
        let (first, second) = (rows[0].clone(), rows[1].clone());
        let said = |model: &Model| line(&Scene::new(model, &keymap)).plain();
        model.nav.selected = Some(second.clone());
        let alone = said(&model);
        assert!(!alone.contains("marked"), "{alone}");
        model.nav.marked = vec![second.target()];
        assert_eq!(said(&model), alone);
        model.nav.marked = vec![first.target()];
        let other = said(&model);
        model.nav.marked = vec![first.target(), second.target()];
        let both = said(&model);
        assert!(other.starts_with(" Enter open   on payments, the marked one:   r roll back   a abort"), "{other}");
        assert!(both.starts_with(" Enter open   on the 2 marked:   r roll back   a abort"), "{both}");
    }
}
