//! What of the model is on screen, and how keys come in: nothing is sent that was not seen, and nothing by keys that no hand
//! pressed one by one.

use serde::{Deserialize, Serialize};

use crate::app::model::{Model, Overlay};

/// The least size that screens are made for, columns and rows.
pub const LEAST: (u16, u16) = (60, 12);

/// How much a frame showed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    /// No frame since the start, or since the terminal got another size.
    #[default]
    Nothing,
    /// Only that the terminal is too small.
    TooSmall,
    /// The screen, but not all of the card on it that must be seen before it is sent.
    Cut {
        /// So many columns would be enough.
        columns: u16,
        /// So many rows would be enough.
        rows: u16,
    },
    /// The screen, and these lines of what lies over it: from the first up to, not including, the second, of so many. Of a
    /// card they are what there is to read; what confirms it stands below them, whole. Where nothing lies over the screen,
    /// these lines of its own text.
    Part {
        /// The first line, from 0.
        from: usize,
        /// The line after the last one.
        to: usize,
        /// How many there are.
        of: usize,
    },
    /// The screen, and all of the card on it that must be seen; and these lines of what it says besides, as in
    /// [`Extent::Part`].
    Rest {
        /// The first line, from 0.
        from: usize,
        /// The line after the last one.
        to: usize,
        /// How many there are.
        of: usize,
    },
    /// The screen, and all of the card on it that must be seen.
    Whole,
}

impl Extent {
    /// The lines that are shown of a text that is longer than its place, and how many it has.
    pub fn lines(self) -> Option<(usize, usize, usize)> {
        match self {
            Self::Part { from, to, of } | Self::Rest { from, to, of } => Some((from, to, of)),
            Self::Nothing | Self::TooSmall | Self::Cut { .. } | Self::Whole => None,
        }
    }
}

/// What the newest frame showed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drawn {
    /// How much.
    pub extent: Extent,
    /// The revision of the card on it.
    pub card: Option<u64>,
}

impl Drawn {
    /// What a frame of the model as it is tells.
    pub fn of(model: &Model, extent: Extent) -> Self {
        Self { extent, card: model.card().map(|card| card.revision) }
    }

    /// What a frame tells where there is no terminal that could cut anything.
    pub fn whole(model: &Model) -> Self {
        let fits = model.size.0 >= LEAST.0 && model.size.1 >= LEAST.1;
        Self::of(model, if fits { Extent::Whole } else { Extent::TooSmall })
    }
}

/// How a key came in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Press {
    /// One by one, as a hand presses them.
    #[default]
    Hand,
    /// With the one before it, faster than a hand: pasted text, or what waited on a slow line.
    Burst,
    /// The one before it, held down or pressed again at once.
    Held,
}

impl Model {
    /// The open card.
    pub fn card(&self) -> Option<&crate::app::card::Card> {
        match &self.nav.overlay {
            Some(Overlay::Card(card)) => Some(card),
            _ => None,
        }
    }

    /// Why no key may act now, as a sentence; `None` when what must be seen can be seen.
    pub fn blind(&self) -> Option<String> {
        match (self.drawn.extent, self.card()) {
            (Extent::Nothing, _) => Some("the screen is not drawn yet; nothing was sent".to_owned()),
            (Extent::TooSmall, _) => {
                let (columns, rows) = LEAST;
                Some(format!("the terminal is too small: make it {columns} columns and {rows} rows; nothing was sent"))
            }
            (Extent::Cut { columns, rows }, Some(_)) => Some(self.too_small_for_card(columns, rows)),
            _ => None,
        }
    }

    fn too_small_for_card(&self, columns: u16, rows: u16) -> String {
        let least = if columns > self.size.0 { format!("{columns} columns") } else { format!("{rows} rows") };
        format!("the card does not fit: make the terminal at least {least}; nothing was sent")
    }

    /// Is there anything on the card that no frame has shown yet, because the screen has no room for all of it at once?
    pub fn is_card_unread(&self) -> bool {
        match (self.drawn.extent, self.card()) {
            (Extent::Part { of, .. }, Some(card)) => card.read < of,
            _ => false,
        }
    }

    /// Is there a card that the newest frame does not show as it is?
    pub fn is_card_unseen(&self) -> bool {
        self.card().is_some_and(|card| self.drawn.card != Some(card.revision))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::effect::Effect,
        app::{
            intent::Intent,
            msg::Msg,
            sample::{answer, ask, blind, draft, go, payments, see, seeing, types},
            update::update,
        },
        domain::verb::Verb,
    };

    fn frame(model: &mut Model, extent: Extent) {
        let drawn = Drawn::of(model, extent);
        update(model, Msg::Drawn(drawn));
    }

    fn press(model: &mut Model, intent: Intent) -> Vec<Effect> {
        update(model, Msg::Intent(intent))
    }

    /// A card to roll back, with a reason, of which the newest frame showed so much.
    fn card(extent: Extent) -> Model {
        let mut model = seeing(vec![payments()]);
        assert_eq!(press(&mut model, Intent::Do(Verb::Rollback)), [Effect::Draft(ask(Verb::Rollback))]);
        update(
            &mut model,
            Msg::Drafted {
                ask: ask(Verb::Rollback),
                draft: Box::new(Ok(draft(&payments(), Verb::Rollback))),
                then: Vec::new(),
            },
        );
        frame(&mut model, Extent::Whole);
        types(&mut model, "1");
        frame(&mut model, extent);
        model
    }

    fn said(model: &Model) -> &str {
        model.notice.as_ref().map(|notice| notice.text.as_str()).unwrap_or_default()
    }

    #[test]
    fn enter_sends_only_a_card_that_was_on_screen_whole_as_it_is() {
        assert_eq!(press(&mut card(Extent::Whole), Intent::Send).len(), 1);
        let table = [
            (Extent::Nothing, "the screen is not drawn yet; nothing was sent"),
            (Extent::TooSmall, "the terminal is too small: make it 60 columns and 12 rows; nothing was sent"),
            (
                Extent::Cut { columns: 60, rows: 40 },
                "the card does not fit: make the terminal at least 40 rows; nothing was sent",
            ),
            (
                Extent::Cut { columns: 130, rows: 12 },
                "the card does not fit: make the terminal at least 130 columns; nothing was sent",
            ),
        ];
        for (extent, words) in table {
            let mut model = card(extent);
            assert_eq!((press(&mut model, Intent::Send), said(&model)), (Vec::new(), words));
            assert!(model.card().is_some(), "the card stays");
            frame(&mut model, Extent::Whole);
            assert_eq!(press(&mut model, Intent::Send).len(), 1, "once it is seen it is sent");
        }
    }

    #[test]
    fn a_card_that_is_too_long_for_the_screen_is_sent_once_all_of_it_was_shown() {
        let mut model = card(Extent::Part { from: 0, to: 4, of: 9 });
        assert_eq!(press(&mut model, Intent::Send), []);
        assert_eq!(said(&model), "read it to its end first, PageDown shows the rest; nothing was sent");
        press(&mut model, Intent::PageDown);
        assert_eq!(model.nav.scroll, 3, "a line of what was read stays");
        frame(&mut model, Extent::Part { from: 5, to: 9, of: 9 });
        assert_eq!(press(&mut model, Intent::Send), [], "a line between was never shown");
        frame(&mut model, Extent::Part { from: 3, to: 7, of: 9 });
        frame(&mut model, Extent::Part { from: 5, to: 9, of: 9 });
        types(&mut model, "2");
        frame(&mut model, Extent::Part { from: 5, to: 9, of: 9 });
        assert_eq!(press(&mut model, Intent::Send).len(), 1, "what was chosen meanwhile is no reason to read it again");
    }

    #[test]
    fn what_changes_on_a_card_that_was_read_must_be_read_again() {
        let mut model = card(Extent::Part { from: 0, to: 9, of: 9 });
        let asked = model.card().unwrap().ask.clone();
        let mut warned = draft(&payments(), Verb::Rollback);
        warned.notes = vec!["autosync is on".to_owned()];
        update(&mut model, Msg::Drafted { ask: asked, draft: Box::new(Ok(warned)), then: Vec::new() });
        frame(&mut model, Extent::Part { from: 5, to: 9, of: 10 });
        assert_eq!(press(&mut model, Intent::Send), []);

        let mut narrower = card(Extent::Part { from: 0, to: 9, of: 9 });
        update(&mut narrower, Msg::Resized(70, 14));
        frame(&mut narrower, Extent::Part { from: 5, to: 9, of: 12 });
        assert_eq!(press(&mut narrower, Intent::Send), [], "its lines are others now");
    }

    #[test]
    fn a_card_that_changed_since_the_frame_is_not_sent_before_the_next_one() {
        let mut model = card(Extent::Whole);
        types(&mut model, "2");
        assert_eq!(press(&mut model, Intent::Send), []);
        assert_eq!(said(&model), "this card is not on screen yet as it is: look again; nothing was sent");
        frame(&mut model, Extent::Whole);
        assert_eq!(press(&mut model, Intent::Send).len(), 1);
    }

    #[test]
    fn another_card_is_not_taken_for_the_one_that_was_drawn() {
        let mut model = card(Extent::Whole);
        press(&mut model, Intent::Back);
        press(&mut model, Intent::Do(Verb::Abort));
        let drafted = Msg::Drafted {
            ask: ask(Verb::Abort),
            draft: Box::new(Ok(draft(&payments(), Verb::Abort))),
            then: Vec::new(),
        };
        update(&mut model, drafted);
        types(&mut model, "1");
        assert_eq!(press(&mut model, Intent::Send), []);
    }

    #[test]
    fn what_only_ages_on_a_card_does_not_void_the_frame_that_showed_it() {
        let mut model = card(Extent::Whole);
        let mut moved = draft(&payments(), Verb::Rollback);
        moved.effect = "20 % → 0 %".to_owned();
        let asked = model.card().unwrap().ask.clone();
        update(&mut model, Msg::Drafted { ask: asked, draft: Box::new(Ok(moved)), then: Vec::new() });
        assert_eq!(press(&mut model, Intent::Send).len(), 1, "a weight that moves must not lock the way back");
    }

    #[test]
    fn before_the_first_frame_and_after_a_resize_only_leaving_works() {
        let mut model = blind();
        model.drawn = Drawn::default();
        see(&mut model, crate::app::sample::now(), vec![payments()]);
        for intent in [Intent::Do(Verb::Rollback), Intent::Do(Verb::Abort), Intent::Open, Intent::Down, Intent::Help] {
            assert_eq!(press(&mut model, intent), [], "{intent}");
            assert_eq!(model.nav.overlay, None, "{intent}");
        }
        assert_eq!(press(&mut model, Intent::Quit), [Effect::Quit]);
        frame(&mut model, Extent::Whole);
        update(&mut model, Msg::Resized(120, 36));
        assert_eq!(press(&mut model, Intent::Do(Verb::Rollback)), []);
        frame(&mut model, Extent::Whole);
        assert_eq!(press(&mut model, Intent::Do(Verb::Rollback)).len(), 1);
    }

    #[test]
    fn under_a_card_that_cannot_be_seen_nothing_is_typed_and_escape_and_quit_work() {
        let mut model = card(Extent::TooSmall);
        assert!(!model.is_typing(), "q is the key that leaves, not a letter");
        update(&mut model, Msg::Typed('3'));
        assert_eq!(model.card().unwrap().reason, Some(0));
        press(&mut model, Intent::Back);
        assert_eq!(model.nav.overlay, None);
    }

    #[test]
    fn keys_that_came_faster_than_a_hand_open_nothing_and_send_nothing() {
        for came in [Press::Burst, Press::Held] {
            let mut model = card(Extent::Whole);
            update(&mut model, Msg::Press(came));
            frame(&mut model, Extent::Whole);
            assert_eq!(press(&mut model, Intent::Send), [], "{came:?}");
            assert!(said(&model).ends_with("nothing was sent"), "{}", said(&model));
        }
        let mut model = seeing(vec![payments()]);
        update(&mut model, Msg::Press(Press::Burst));
        assert_eq!(press(&mut model, Intent::Do(Verb::Rollback)), []);
        update(&mut model, Msg::Press(Press::Hand));
        assert_eq!(press(&mut model, Intent::Do(Verb::Rollback)).len(), 1);
    }

    #[test]
    fn what_a_paste_typed_on_a_card_is_taken_back_with_its_first_key() {
        let mut model = card(Extent::Whole);
        // `2` and what follows at once are one paste: the first of it came like a key of a hand.
        types(&mut model, "2");
        let effects = update(&mut model, Msg::Press(Press::Burst));
        assert_eq!(answer(&mut model, effects), []);
        assert_eq!(model.card().unwrap().reason, Some(0), "the reason that a hand chose stands again");
        update(&mut model, Msg::Typed('3'));
        assert_eq!(model.card().unwrap().reason, Some(0));
    }

    #[test]
    fn a_read_back_counts_only_key_by_key() {
        let mut model = seeing(vec![payments()]);
        go(&mut model);
        press(&mut model, Intent::Do(Verb::Promote));
        let drafted = Msg::Drafted {
            ask: ask(Verb::Promote),
            draft: Box::new(Ok(draft(&payments(), Verb::Promote))),
            then: Vec::new(),
        };
        update(&mut model, drafted);
        frame(&mut model, Extent::Whole);
        update(&mut model, Msg::Typed('a'));
        update(&mut model, Msg::Press(Press::Burst));
        for c in "1b2".chars() {
            update(&mut model, Msg::Typed(c));
        }
        frame(&mut model, Extent::Whole);
        assert_eq!((press(&mut model, Intent::Send), model.card().unwrap().typed.as_str()), (Vec::new(), ""));
        update(&mut model, Msg::Press(Press::Hand));
        for c in "a1b2".chars() {
            update(&mut model, Msg::Typed(c));
        }
        frame(&mut model, Extent::Whole);
        assert_eq!(press(&mut model, Intent::Send).len(), 1);
    }
}
