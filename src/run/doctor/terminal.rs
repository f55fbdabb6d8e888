//! Can the cockpit be drawn where this was started? What a terminal can show is `run::paint`'s to say; here it is said to people.

use std::{
    collections::BTreeMap,
    io::{self, IsTerminal},
};

use crate::{
    app::drawn::LEAST,
    cli::args::Globals,
    port::examine::{Finding, Grade},
    run::paint,
    theme::Glyphs,
};

/// What of a terminal decides it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Terminal {
    /// Its columns and rows; `None` where there is none.
    pub(super) size: Option<(u16, u16)>,
    /// `TERM`; empty where nothing says it.
    pub(super) kind: String,
    /// Only ASCII can be shown there.
    pub(super) ascii: bool,
}

impl Terminal {
    /// The one that this was started in. Where only what is printed goes elsewhere (`doctor | less`), there is one all the same.
    pub(super) fn here(globals: &Globals, environment: &BTreeMap<String, String>) -> Self {
        let there = io::stdin().is_terminal() || io::stdout().is_terminal() || io::stderr().is_terminal();
        Self {
            size: if there { crossterm::terminal::size().ok() } else { None },
            kind: environment.get("TERM").cloned().unwrap_or_default(),
            ascii: paint::glyphs(globals, environment, true) == Glyphs::Ascii,
        }
    }
}

/// Whether it can, and what mends it.
pub(super) fn drawn(terminal: &Terminal) -> Finding {
    let limited = |said: String, way: &str| Finding::of(Grade::Limited, "terminal", said, way);
    let Some((columns, rows)) = terminal.size else {
        let way = "`ssh -t HOST holdshort`, or -it where a container is entered; `holdshort status` and every other command need none";
        return limited("there is none here: the cockpit cannot be drawn".to_owned(), way);
    };
    if matches!(terminal.kind.as_str(), "" | "dumb") {
        let said = format!("TERM is '{}': it says of no screen that could be drawn", terminal.kind);
        return limited(said, "TERM=xterm-256color where it is one; `holdshort status` needs none");
    }
    if columns < LEAST.0 || rows < LEAST.1 {
        let said = format!("{columns}x{rows}: below {}x{} keys send nothing", LEAST.0, LEAST.1);
        return limited(said, "make it larger: 80x24 is what the screens are made for");
    }
    let signs = if terminal.ascii { "drawn in ASCII, as its locale or TERM asks for" } else { "drawn with all signs" };
    Finding::good("terminal", format!("{columns}x{rows}, {}, {signs}", terminal.kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_that_is_none_dumb_or_too_small_says_so_and_what_mends_it() {
        let of = |size, kind: &str| {
            let found = drawn(&Terminal { size, kind: kind.to_owned(), ascii: true });
            (found.grade, found.said, found.way.is_some())
        };
        let table = [
            (None, "xterm", Grade::Limited, "there is none here: the cockpit cannot be drawn"),
            (Some((80, 24)), "dumb", Grade::Limited, "TERM is 'dumb': it says of no screen that could be drawn"),
            (Some((80, 10)), "xterm", Grade::Limited, "80x10: below 60x12 keys send nothing"),
            (Some((80, 24)), "linux", Grade::Good, "80x24, linux, drawn in ASCII, as its locale or TERM asks for"),
        ];
        for (size, kind, grade, said) in table {
            assert_eq!(of(size, kind), (grade, said.to_owned(), grade != Grade::Good), "{size:?} {kind}");
        }
    }
}
