//! A screen after some keys, each pressed after a frame of the one before: as a person meets a card.

use crate::{
    app::{
        drawn::Drawn,
        msg::Msg,
        sample::{answer, gated, ship},
        update::update,
    },
    view::{View, sample::keymap, view},
};

/// On the row of a gate that asks for everything that there is to ask for; its system drafts at once whatever is asked.
pub(crate) fn filled_in(size: (u16, u16), keys: &str) -> View {
    let keymap = keymap();
    let mut model = gated(ship());
    model.size = size;
    for key in keys.split(' ') {
        let drawn = Drawn::of(&model, view(&model, &keymap).extent);
        update(&mut model, Msg::Drawn(drawn));
        let msg = keymap.message(&model, key.parse().unwrap());
        let effects = update(&mut model, msg);
        assert_eq!(answer(&mut model, effects), []);
    }
    view(&model, &keymap)
}
