//! What was seen last and is kept for the next start: whether it can be shown, or why it is left alone.

use std::collections::BTreeMap;

use crate::{
    cli::args::Globals,
    port::examine::{Finding, Grade},
    run::ground::Ground,
};

/// Nothing where none is kept.
pub(super) fn seen(ground: &Ground, globals: &Globals, environment: &BTreeMap<String, String>) -> Option<Finding> {
    let cache = ground.cache(globals, environment)?;
    let file = cache.file();
    let shown = file.display();
    match cache.read(ground.clock.now()) {
        Ok(scopes) if scopes.is_empty() => None,
        Ok(scopes) => {
            let count: usize = scopes.iter().map(|scope| scope.items.len()).sum();
            let objects = if count == 1 { "1 object is".to_owned() } else { format!("{count} objects are") };
            Some(Finding::good("cache", format!("{objects} shown at the next start, as it was: {shown}")))
        }
        Err(why) => {
            let said = format!("what was seen last is left alone: {shown}: {why}");
            Some(Finding::of(Grade::Limited, "cache", said, "remove the file: it is made anew"))
        }
    }
}
