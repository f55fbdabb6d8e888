//! The title line of a list: what this is, how much there is, the time.

use crate::{
    app::{
        board,
        headline::{self, Cause},
        model::Screen,
    },
    domain::{observed::Freshness, pipeline::RunStatus},
    view::{
        Bar, measure, number,
        scene::{Scene, Told},
        span::{Line, Role},
    },
};

/// ` holdshort   demo     12 services   4 in flight   3 wait for you     02:07:41`.
pub(super) fn bar(scene: &Scene<'_>, screen: &'static str) -> Bar {
    let profile = scene.model.session.profile.as_str();
    let bare = place(scene, profile, screen);
    let program = Line::of(Role::Strong, " holdshort");
    let named = if bare.is_empty() { program } else { program.gap(1).join(bare.clone()) };
    let mut counts = counts(scene);
    loop {
        let right = right(scene, &counts);
        let room = scene.columns.saturating_sub(right.width() + 2);
        // Where one is says more than the program's name and than all counts but the last, which says what waits.
        if let Some(left) = [&named, &bare].into_iter().find(|left| left.width() <= room) {
            return Bar { left: left.clone(), right };
        }
        if counts.len() > 1 {
            counts.remove(0);
            continue;
        }
        // That nothing can be sent says more than the end of a long profile.
        let short = measure::cut(profile, (measure::width(profile) + room).saturating_sub(bare.width()));
        return Bar { left: place(scene, &short, screen), right };
    }
}

/// The counts, then the time.
fn right(scene: &Scene<'_>, counts: &[Line]) -> Line {
    let gap = if scene.narrow(70) { 2 } else { 3 };
    counts.iter().fold(Line::new(), |line, count| line.join(count.clone()).gap(gap)).join(clock(scene))
}

/// Which profile, where there is one, which screen, and whether verbs are refused.
fn place(scene: &Scene<'_>, profile: &str, screen: &'static str) -> Line {
    let mut line = if profile.is_empty() { Line::new() } else { Line::of(Role::Accent, format!(" {profile}")) };
    if !screen.is_empty() {
        line = line.and(Role::Dim, if profile.is_empty() { " " } else { " › " }).and(Role::Strong, screen);
    }
    if scene.model.session.read_only {
        line = line.gap(2).and(Role::Warn, "READ-ONLY");
    }
    line
}

/// How much there is, in words; the last is what waits, and the first the first to leave.
fn counts(scene: &Scene<'_>) -> Vec<Line> {
    let (flights, steady) = scene.counts;
    // On the narrowest screens where one is says more than whole words.
    let narrow = scene.narrow(70);
    let unknown = matches!(scene.told, Told::Never | Told::Nobody);
    let wait = match scene.waits_for_me {
        // What does harm waits for a human, whoever's gate is open.
        0 if let harm @ 1.. = harmful(scene) => {
            // A release: where gates are listed, too, it is none of them.
            let bare = scene.narrow(100) && !matches!(scene.model.nav.screen(), Screen::Inbox);
            let (one, many) = if bare { ("", "") } else { (" release", " releases") };
            Line::of(Role::Bad, if harm == 1 { format!("1{one} needs you") } else { format!("{harm}{many} need you") })
        }
        // That nothing is known to wait is not that nothing waits.
        0 if unknown && narrow => Line::of(Role::Unknown, "? wait"),
        0 if unknown => Line::of(Role::Unknown, "what waits is not known"),
        0 if scene.waits_for_others > 0 => Line::of(Role::Dim, format!("{} for others", scene.waits_for_others)),
        0 if scene.told == Told::Before => {
            Line::of(Role::Unknown, if narrow { "none known" } else { "nothing known waits" })
        }
        0 if narrow => Line::of(Role::Dim, "none wait"),
        0 => Line::of(Role::Dim, "nothing waits for you"),
        many if narrow => Line::of(Role::Accent, format!("{many} wait")),
        1 => Line::of(Role::Accent, "1 waits for you"),
        many => Line::of(Role::Accent, format!("{many} wait for you")),
    };
    let mut counts = match scene.model.nav.screen() {
        Screen::Inbox => Vec::new(),
        Screen::Pipelines => runs(scene),
        // What could not be read is not none.
        _ if unknown => Vec::new(),
        _ => {
            let steady = Line::of(Role::Dim, format!("{steady} steady"));
            let flying = Line::of(Role::Text, format!("{flights} in flight"));
            if scene.narrow(100) { vec![flying] } else { vec![steady, flying] }
        }
    };
    counts.push(wait);
    counts
}

/// How many releases in flight do harm.
pub(super) fn harmful(scene: &Scene<'_>) -> usize {
    let flying = board::in_flight(scene.model);
    flying.iter().filter(|rollout| headline::cause_of(scene.model, rollout) == Cause::Release).count()
}

/// `52 runs   3 running   2 failed`, `1 run`: of all there are, whatever the filter.
fn runs(scene: &Scene<'_>) -> Vec<Line> {
    let count = |status| scene.model.store.runs().filter(|run| run.status == status).count();
    let (all, running, failed) =
        (scene.model.store.runs().count(), count(RunStatus::Running), count(RunStatus::Failed));
    let role = if failed > 0 { Role::Bad } else { Role::Dim };
    let noun = if all == 1 { "run" } else { "runs" };
    vec![
        Line::of(Role::Text, format!("{all} {noun}")),
        Line::of(Role::Text, format!("{running} running")),
        Line::of(role, format!("{failed} failed")),
    ]
}

/// The time, and whether what is shown can be trusted as a whole.
pub(super) fn clock(scene: &Scene<'_>) -> Line {
    let old = scene.sources.iter().filter(|state| state.freshness != Freshness::Live).count();
    let line = Line::of(Role::Text, number::clock(scene.now())).gap(2);
    match old {
        0 if !scene.sources.iter().all(crate::app::store::SourceState::is_whole) => line.and(Role::Warn, "incomplete "),
        0 => line.and(Role::Good, "all live "),
        _ => line.and(Role::Warn, format!("{old} not live ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::{model::Model, sample::hears},
        domain::{evidence::Verdict, object::Family},
        port::inventory::Part,
        view::sample,
    };

    /// The left side for a profile at a width.
    fn left(profile: &str, read_only: bool, columns: u16) -> String {
        let mut model = sample::board(columns, 24);
        (model.session.profile, model.session.read_only) = (profile.to_owned(), read_only);
        let keymap = sample::keymap();
        let bar = bar(&Scene::new(&model, &keymap), "");
        assert!(bar.left.width() + 2 + bar.right.width() <= usize::from(columns), "{bar:?}");
        bar.left.spans.iter().map(|span| span.text.as_ref()).collect()
    }

    #[test]
    fn while_a_part_of_a_source_cannot_be_read_it_is_not_said_that_all_is_live() {
        let mut model = sample::board(120, 36);
        let said = |model: &Model| clock(&Scene::new(model, &sample::keymap())).plain();
        assert!(said(&model).ends_with("all live "), "{}", said(&model));
        let refused = Ok(vec![Part::unread(Family::gate(), vec!["it may not be read".into()])]);
        let now = model.now;
        hears(&mut model, ("github", "gate"), now, refused);
        assert!(said(&model).ends_with("incomplete "), "{}", said(&model));
    }

    #[test]
    fn while_a_source_never_answered_it_is_not_said_that_nothing_waits() {
        let keymap = sample::keymap();
        let said = |columns| {
            let model = sample::unseen(columns, 24);
            bar(&Scene::new(&model, &keymap), "").right.plain()
        };
        assert!(said(120).contains("what waits is not known"), "{}", said(120));
        assert!(said(60).contains("? wait") && !said(60).contains("none"), "{}", said(60));
    }

    #[test]
    fn above_a_release_that_does_harm_it_is_not_said_that_nothing_waits_for_you() {
        let keymap = sample::keymap();
        let mut model = sample::board(120, 36);
        let said = |model: &Model| {
            let scene = Scene { waits_for_me: 0, ..Scene::new(model, &keymap) };
            bar(&scene, "").right.plain()
        };
        assert!(said(&model).contains("1 release needs you"), "{}", said(&model));
        model.judgements.values_mut().for_each(|judgement| judgement.verdict = Verdict::Go);
        assert!(!said(&model).contains("needs you"), "{}", said(&model));
    }

    #[test]
    fn where_one_is_is_whole_before_anything_is_counted_and_what_waits_leaves_last() {
        let keymap = sample::keymap();
        let said = |columns: u16| {
            let mut model = sample::board(columns, 24);
            model.session.profile = "demo fleet".to_owned();
            model.nav.open(Screen::Pipelines);
            let bar = bar(&Scene::new(&model, &keymap), "pipelines");
            let counted = bar.right.plain();
            (bar.left.plain(), ["runs", "running", "failed", "wait"].map(|word| counted.contains(word)))
        };
        assert_eq!(said(120), (" holdshort  demo fleet › pipelines".to_owned(), [true; 4]));
        assert_eq!(said(80), (" demo fleet › pipelines".to_owned(), [false, false, true, true]));
        assert_eq!(said(60), (" demo fleet › pipelines".to_owned(), [false, false, false, true]));
    }

    #[test]
    fn a_narrow_screen_leaves_out_the_programs_name_before_it_cuts_the_profile() {
        assert_eq!(left("demo waiting-approval", false, 120), " holdshort  demo waiting-approval");
        assert_eq!(left("demo waiting-approval", false, 80), " demo waiting-approval");
        assert_eq!(left("prod", true, 80), " holdshort  prod  READ-ONLY");
        assert_eq!((left("", false, 80), left("", true, 80)), (" holdshort".into(), " holdshort   READ-ONLY".into()));
        assert_eq!(left("the-profile-of-the-whole-company", true, 80), " the-profile-of-the-whole-company  READ-ONLY");
        assert_eq!(left("the-profile-of-the-whole-company", true, 60), " the-profile-o…  READ-ONLY");
    }
}
