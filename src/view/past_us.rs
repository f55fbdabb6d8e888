//! What others did to releases past us: just now, beside the answer; and all that is known of it, on the release.

use crate::{
    app::past_us::{self, Act},
    domain::{hand::By, rollout::Rollout},
    view::{
        Part, number,
        scene::Scene,
        span::{Line, Role},
    },
};

/// Lines of it that a release keeps; the others are counted.
const MOST: usize = 4;

/// What was done under our eyes just now, at most so many lines, the newest first.
pub(super) fn recent(scene: &Scene<'_>, most: usize) -> Vec<Part> {
    let line = |(rollout, act): (&Rollout, &Act)| {
        let said = act.said_of(scene.now());
        let line = Line::of(Role::Warn, " ▲ ").and(Role::Strong, rollout.service.to_string());
        Part::Line(line.and(Role::Warn, format!(" {said}")).cut(scene.columns))
    };
    past_us::just_now(scene.model).into_iter().take(most).map(line).collect()
}

/// The newest of what was done to a release under our eyes just now.
pub(super) fn newest(scene: &Scene<'_>, rollout: &Rollout) -> Option<Part> {
    let act = past_us::just_now_on(scene.model, &rollout.id).next()?;
    let words = format!(" ▲ PAST US  {}", act.said_of(scene.now()));
    Some(Part::Line(Line::of(Role::Warn, words).cut(scene.columns)))
}

/// All that is known of it, the newest first.
pub(super) fn all(scene: &Scene<'_>, rollout: &Rollout) -> Vec<Line> {
    let acts: Vec<Act> = past_us::on(scene.model, rollout).into_iter().filter(Act::is_on_it).collect();
    let line = |act: &Act| {
        let at = act.at().map_or_else(|| "?".to_owned(), |at| number::moment(scene.now(), at));
        let by = match &act.hand.by {
            By::NotTold => ", by whom is not told".to_owned(),
            by => format!(" {by}"),
        };
        let seen = if act.hand.at.is_none() && act.seen.is_some() { ", seen then" } else { "" };
        let last = if act.hand.whole { ", which wrote last then" } else { "" };
        Line::of(Role::Dim, format!("{at:<7}"))
            .and(Role::Warn, act.hand.did.words())
            .and(Role::Text, by)
            .and(Role::Dim, format!("{seen}{last}"))
    };
    let mut lines: Vec<Line> = acts.iter().take(MOST).map(line).collect();
    if acts.len() > MOST {
        lines.push(Line::of(Role::Dim, format!("and {} more before", acts.len() - MOST)));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::past_us::Seen,
        domain::hand::{Did, Hand},
        view::sample,
    };

    #[test]
    fn an_act_past_us_stands_beside_the_answer_and_with_its_release() {
        let (keymap, mut model) = (sample::keymap(), sample::board(120, 36));
        let rollout = model.store.rollouts().find(|rollout| rollout.service.as_str() == "payments").unwrap().clone();
        let act = |did, by, ago| {
            let at = model.now - chrono::TimeDelta::seconds(ago);
            Act { hand: Hand { did, by, at: None, whole: false }, seen: Some(Seen { after: at, at, in_flight: true }) }
        };
        let acts =
            vec![act(Did::Paused, By::Client("kubectl-patch".to_owned()), 30), act(Did::Resumed, By::NotTold, 20)];
        let clock = |ago| number::clock(model.now - chrono::TimeDelta::seconds(ago));
        let (paused, resumed) = (clock(30), clock(20));
        model.past_us.insert(rollout.id.clone(), acts);
        let scene = Scene::new(&model, &keymap);
        let said = |part: &Part| if let Part::Line(line) = part { line.plain() } else { String::new() };
        let beside: Vec<String> = recent(&scene, 2).iter().map(said).collect();
        let expected = [
            format!(" ▲ payments resumed at {resumed}, not with holdshort, its system does not note by whom"),
            format!(" ▲ payments paused with kubectl-patch at {paused}, not with holdshort"),
        ];
        assert_eq!(beside, expected);
        let newest = newest(&scene, &rollout).map(|part| said(&part));
        let expected =
            format!(" ▲ PAST US  resumed at {resumed}, not with holdshort, its system does not note by whom");
        assert_eq!(newest, Some(expected));
        let all: Vec<String> = all(&scene, &rollout).iter().map(Line::plain).collect();
        assert!(all[0].ends_with("resumed, by whom is not told, seen then"), "{all:?}");
        assert!(all[1].ends_with("paused with kubectl-patch, seen then"), "{all:?}");
    }
}
