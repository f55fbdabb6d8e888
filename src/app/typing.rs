//! What somebody is typing, wherever that is, as far as whole words and lines of it are taken back. What one character does to it is
//! said where it belongs: a filter, a search, the palette, a card.

use crate::{
    app::{
        card::{Card, Focus},
        model::{Model, Overlay},
    },
    domain::form::Kind,
};

/// How many characters go when a word of it is taken back, as in a shell: the blanks at its end, and the word before them.
pub(super) fn word(model: &Model) -> usize {
    let text = text(model);
    let left = text.trim_end().rsplit_once(char::is_whitespace).map_or(0, |(left, _)| left.chars().count() + 1);
    text.chars().count().saturating_sub(left)
}

/// How many characters go when all of it is taken back.
pub(super) fn line(model: &Model) -> usize {
    text(model).chars().count()
}

fn text(model: &Model) -> &str {
    if model.nav.filtering {
        return &model.nav.filter;
    }
    for pane in [&model.look.pane, &model.reading.pane] {
        if pane.typing {
            return &pane.search;
        }
    }
    match &model.nav.overlay {
        Some(Overlay::Palette(palette)) => &palette.typed,
        Some(Overlay::Card(card)) => of_card(card),
        _ => "",
    }
}

fn of_card(card: &Card) -> &str {
    match card.focus() {
        Focus::Field(field) => match field.kind {
            Kind::Text | Kind::Number => card.ask.args.text(&field.name).unwrap_or_default(),
            // Nobody sees what is left of it: it goes as a whole with the first.
            Kind::Secret => "•",
            Kind::Flag | Kind::Choice(_) => "",
        },
        Focus::Words => &card.words,
        Focus::ReadBack => &card.typed,
        Focus::Reason => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::{intent::Intent, msg::Msg, sample, update::update},
        domain::verb::Verb,
        port::plan::Friction,
    };

    fn typed(model: &mut Model, text: &str) {
        for c in text.chars() {
            update(model, Msg::Typed(c));
        }
    }

    #[test]
    fn a_word_and_all_that_was_typed_go_at_once_wherever_somebody_types() {
        let mut model = sample::seeing(vec![sample::payments()]);
        update(&mut model, Msg::Intent(Intent::Filter));
        typed(&mut model, "two words  ");
        update(&mut model, Msg::Intent(Intent::EraseWord));
        assert_eq!(model.nav.filter, "two ");
        typed(&mut model, "größe");
        update(&mut model, Msg::Intent(Intent::EraseWord));
        assert_eq!(model.nav.filter, "two ");
        update(&mut model, Msg::Intent(Intent::HalfUp));
        assert_eq!((model.nav.filter.as_str(), model.nav.filtering), ("", true));
        update(&mut model, Msg::Intent(Intent::EraseWord));
        assert_eq!((model.nav.filter.as_str(), model.nav.filtering), ("", true), "nothing is left to go");
        update(&mut model, Msg::Intent(Intent::Back));
        update(&mut model, Msg::Intent(Intent::Palette));
        typed(&mut model, "roll back");
        update(&mut model, Msg::Intent(Intent::EraseWord));
        let Some(Overlay::Palette(palette)) = &model.nav.overlay else { panic!("{:?}", model.nav.overlay) };
        assert_eq!(palette.typed, "roll ");
    }

    #[test]
    fn what_is_typed_into_a_card_goes_by_words_and_as_a_whole_each_part_by_itself() {
        let mut model = sample::seeing(vec![sample::payments()]);
        let ask = crate::port::plan::Ask::new(Verb::Abort, sample::payments().id);
        let plan = crate::app::guard::plan(&model, &ask, Ok(sample::draft(&sample::payments(), Verb::Abort))).unwrap();
        let mut card = Card::new(ask, plan);
        card.plan.friction = Friction::ReadBackAndReason("two words".to_owned());
        model.nav.overlay = Some(Overlay::Card(Box::new(card)));
        let card = |model: &Model| model.card().unwrap().clone();
        typed(&mut model, "two wor");
        update(&mut model, Msg::Intent(Intent::EraseWord));
        assert_eq!(card(&model).typed, "two ");
        typed(&mut model, "words5it is slow");
        assert_eq!((card(&model).typed.as_str(), card(&model).words.as_str()), ("two words", "it is slow"));
        update(&mut model, Msg::Intent(Intent::EraseWord));
        assert_eq!(card(&model).words, "it is ");
        update(&mut model, Msg::Intent(Intent::HalfUp));
        assert_eq!((card(&model).typed.as_str(), card(&model).words.as_str()), ("two words", ""));
    }
}
