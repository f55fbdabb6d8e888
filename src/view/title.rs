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
    let right = counts(scene).join(clock(scene));
    let room = scene.columns.saturating_sub(right.width() + 2);
    let profile = scene.model.session.profile.as_str();
    let named = Line::of(Role::Strong, " holdshort").gap(1).join(place(scene, profile, screen));
    if named.width() <= room {
        return Bar { left: named, right };
    }
    // Where one is says more than the program's name, and that nothing can be sent more than the end of a long profile.
    let bare = place(scene, profile, screen);
    let short = measure::cut(profile, (measure::width(profile) + room).saturating_sub(bare.width()));
    Bar { left: if bare.width() <= room { bare } else { place(scene, &short, screen) }, right }
}

/// Which profile, which screen, and whether verbs are refused.
fn place(scene: &Scene<'_>, profile: &str, screen: &'static str) -> Line {
    let mut line = Line::of(Role::Accent, format!(" {profile}"));
    if !screen.is_empty() {
        line = line.and(Role::Dim, " › ").and(Role::Strong, screen);
    }
    if scene.model.session.read_only {
        line = line.gap(2).and(Role::Warn, "READ-ONLY");
    }
    line
}

fn counts(scene: &Scene<'_>) -> Line {
    let flights = scene.in_flight;
    // On the narrowest screens where one is says more than whole words.
    let (gap, narrow) = if scene.narrow(70) { (2, true) } else { (3, false) };
    let unknown = matches!(scene.told, Told::Never | Told::Nobody);
    let wait = match scene.waits_for_me {
        // What does harm waits for a human, whoever's gate is open.
        0 if let harm @ 1.. = harmful(scene) => {
            Line::of(Role::Bad, if harm == 1 { "1 needs you".to_owned() } else { format!("{harm} need you") })
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
    if *scene.model.nav.screen() == Screen::Inbox {
        return wait.gap(gap);
    }
    if *scene.model.nav.screen() == Screen::Pipelines {
        return runs(scene, narrow).join(wait).gap(gap);
    }
    let line = Line::of(Role::Text, format!("{flights} in flight")).gap(gap).join(wait).gap(gap);
    if scene.narrow(100) {
        return line;
    }
    Line::of(Role::Dim, format!("{} steady", board::steady(scene.model))).gap(gap).join(line)
}

/// How many releases in flight do harm.
fn harmful(scene: &Scene<'_>) -> usize {
    let flying = board::in_flight(scene.model);
    flying.iter().filter(|rollout| headline::cause_of(scene.model, rollout) == Cause::Release).count()
}

/// `52 runs   3 running   2 failed`: of all there are, whatever the filter.
fn runs(scene: &Scene<'_>, narrow: bool) -> Line {
    let count = |status| scene.model.store.runs().filter(|run| run.status == status).count();
    let (all, running, failed) =
        (scene.model.store.runs().count(), count(RunStatus::Running), count(RunStatus::Failed));
    let line = if narrow { Line::new() } else { Line::of(Role::Text, format!("{all} runs")).gap(3) };
    let line = line.and(Role::Text, format!("{running} running")).gap(3);
    let role = if failed > 0 { Role::Bad } else { Role::Dim };
    line.and(role, format!("{failed} failed")).gap(3)
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
        assert!(said(&model).contains("1 needs you"), "{}", said(&model));
        model.judgements.values_mut().for_each(|judgement| judgement.verdict = Verdict::Go);
        assert!(!said(&model).contains("needs you"), "{}", said(&model));
    }

    #[test]
    fn a_narrow_screen_leaves_out_the_programs_name_before_it_cuts_the_profile() {
        assert_eq!(left("demo waiting-approval", false, 120), " holdshort  demo waiting-approval");
        assert_eq!(left("demo waiting-approval", false, 80), " demo waiting-approval");
        assert_eq!(left("prod", true, 80), " holdshort  prod  READ-ONLY");
        assert_eq!(left("the-profile-of-the-whole-company", true, 80), " the-profile-of-the…  READ-ONLY");
    }
}
