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
    let offers = model.nav.overlay.is_none() && scene.selected.is_some();
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
    if scene.model.nav.overlay.is_some() {
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
    let Some(target) = scene.selected.as_ref().map(RowKey::target) else { return Vec::new() };
    let of_gate = |gate: &Gate| {
        let offered = |intent: &Intent| intent.verb().is_some_and(|verb| offer_for(&gate.offers, verb).is_some());
        [Verb::Approve, Verb::Reject, Verb::Resume].map(Intent::Do).into_iter().filter(offered).collect()
    };
    let intents: Vec<Intent> = match scene.selected_rollout() {
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
    takes_over.into_iter().chain(intents.iter().map(|intent| verb(scene, *intent, &target))).collect()
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
fn verb(scene: &Scene<'_>, intent: Intent, target: &ObjectId) -> Vec<Line> {
    let title = intent.row().title;
    match refused(scene.model, intent, target) {
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

/// Why a verb will not run, where it will not.
pub(super) fn refused(model: &Model, intent: Intent, target: &ObjectId) -> Option<String> {
    let verb = intent.verb()?;
    let ask = Ask::new(verb, target.clone());
    guard::ask(model, ask).err().map(|refusal| refusal.reasons.join("; "))
}

/// Does the visible screen have anything to act on?
pub(super) fn target(scene: &Scene<'_>) -> Option<ObjectId> {
    scene.selected.as_ref().map(RowKey::target)
}
