//! Whole frames: as text with a grid of looks beside it, in three sizes and modes; and at any size at all.

use std::collections::BTreeMap;

use ratatui::{
    buffer::{Buffer, Cell},
    layout::Rect,
    style::{Color, Modifier},
};

use crate::{
    theme::{Depth, Glyphs, Theme},
    ui,
    view::{Extent, View, sample, span::Role},
};

/// A terminal of the three that are looked at.
#[derive(Clone, Copy)]
struct Terminal {
    name: &'static str,
    size: (u16, u16),
    depth: Depth,
    glyphs: Glyphs,
}

const TERMINALS: [Terminal; 3] = [
    Terminal { name: "120x36", size: (120, 36), depth: Depth::True, glyphs: Glyphs::Unicode },
    Terminal { name: "80x24-ascii", size: (80, 24), depth: Depth::None, glyphs: Glyphs::Ascii },
    Terminal { name: "200x50", size: (200, 50), depth: Depth::True, glyphs: Glyphs::Unicode },
];

fn draw(view: &View, theme: &Theme, area: Rect) -> Buffer {
    let mut buffer = Buffer::empty(area);
    ui::draw(view, theme, area, &mut buffer);
    buffer
}

fn screen(view: &View, terminal: Terminal) -> Buffer {
    let theme = Theme::named("dark", terminal.depth, terminal.glyphs).unwrap();
    draw(view, &theme, Rect::new(0, 0, terminal.size.0, terminal.size.1))
}

/// The frame as text, and below it the same grid with a letter for each look, and what each letter stands for.
fn styled(buffer: &Buffer) -> String {
    let mut letters: BTreeMap<String, char> = BTreeMap::new();
    let mut looks = String::new();
    for row in ui::text::rows(buffer) {
        let mut line = String::new();
        for (_, cell) in row {
            let look = describe(cell);
            let next = (b'a' + u8::try_from(letters.len()).unwrap()) as char;
            line.push(if look.is_empty() { ' ' } else { *letters.entry(look).or_insert(next) });
        }
        looks.push_str(line.trim_end());
        looks.push('\n');
    }
    let mut legend: Vec<(char, String)> = letters.into_iter().map(|(look, letter)| (letter, look)).collect();
    legend.sort();
    let legend: Vec<String> = legend.iter().map(|(letter, look)| format!("{letter} {look}")).collect();
    format!("{}\n{looks}\n{}\n", ui::text::plain(buffer), legend.join("\n"))
}

fn describe(cell: &Cell) -> String {
    let mut words = Vec::new();
    if cell.fg != Color::Reset && cell.symbol() != " " {
        words.push(cell.fg.to_string());
    }
    if cell.bg != Color::Reset {
        words.push(format!("on {}", cell.bg));
    }
    let blank = cell.symbol() == " " && !cell.modifier.contains(Modifier::REVERSED);
    if !cell.modifier.is_empty() && !blank {
        words.push(format!("{:?}", cell.modifier));
    }
    words.join(" ")
}

/// The frames that are looked at on a wide screen.
const WIDE: [&str; 5] = ["board", "release", "release-cells", "inbox", "card-forward"];

#[test]
fn every_screen_looks_as_it_was_approved() {
    for terminal in TERMINALS {
        let wide = terminal.size.0 > 120;
        for (name, view) in sample::frames(terminal.size.0, terminal.size.1) {
            // What differs on a wide screen is how much is shown, so the screens themselves are enough there.
            if wide && !WIDE.contains(&name) {
                continue;
            }
            let buffer = screen(&view, terminal);
            insta::assert_snapshot!(format!("{name}-{}", terminal.name), styled(&buffer));
        }
    }
}

#[test]
fn in_ascii_every_cell_is_ascii_and_without_colour_no_cell_has_one() {
    let terminal = TERMINALS[1];
    for (name, view) in sample::frames(terminal.size.0, terminal.size.1) {
        let buffer = screen(&view, terminal);
        for cell in buffer.content() {
            assert!(cell.symbol().is_ascii(), "{name}: {}", cell.symbol());
            assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset), "{name}");
        }
    }
}

#[test]
fn what_is_filtered_is_said_in_the_title_and_a_line_is_shown_with_those_around_it() {
    for terminal in &TERMINALS[..2] {
        let (columns, rows) = terminal.size;
        for (name, view) in
            [("logs-filtered", sample::filtered(columns, rows)), ("logs-around", sample::around(columns, rows))]
        {
            insta::assert_snapshot!(format!("{name}-{}", terminal.name), styled(&screen(&view, *terminal)));
        }
    }
}

#[test]
fn where_nothing_measures_no_empty_chart_is_drawn_and_what_is_missing_is_said_in_its_place() {
    for terminal in TERMINALS {
        let plain = ui::text::plain(&screen(&sample::unmeasured(terminal.size.0, terminal.size.1), terminal));
        let said = plain.lines().find(|line| line.starts_with(" SIGNALS")).unwrap_or_else(|| panic!("{plain}"));
        assert!(said.contains("no metrics are connected"), "{plain}");
        assert!(!plain.contains("p99") && plain.contains(" PODS"), "{plain}");
    }
}

#[test]
fn a_name_without_end_stays_in_its_column() {
    for terminal in TERMINALS {
        let view = sample::endless(terminal.size.0, terminal.size.1);
        let plain = ui::text::plain(&screen(&view, terminal));
        let row = plain.lines().find(|line| line.contains("1.42.0") && line.contains("5/60")).unwrap();
        assert!(row.contains("NO DATA"), "{row}");
    }
}

#[test]
fn below_the_least_size_it_says_which_size_is_needed_and_that_nothing_is_sent() {
    let theme = Theme::named("dark", Depth::None, Glyphs::Ascii).unwrap();
    for (columns, rows) in [(59, 24), (60, 11), (40, 10), (20, 5), (20, 1)] {
        let mut buffer = Buffer::empty(Rect::new(0, 0, columns, rows));
        let extent = ui::draw(&sample::frames(columns, rows)[0].1, &theme, buffer.area, &mut buffer);
        let said: String = ui::text::plain(&buffer).split_whitespace().collect::<Vec<_>>().join(" ");
        let whole = "too small: 60x12 needed nothing is sent; q leaves";
        assert!(rows == 1 || columns < 30 || said == whole, "{said}");
        assert!(said.starts_with("too small: 60x12") && extent == Extent::TooSmall, "{said}");
    }
}

#[test]
fn every_screen_is_drawn_at_every_size_from_the_least_one_on_and_names_what_it_is_about() {
    let theme = Theme::named("dark", Depth::None, Glyphs::Ascii).unwrap();
    let about = [
        ("board", "payments"),
        ("board-crowded", "payments"),
        ("release", "payments"),
        ("inbox", "ledger"),
        ("card-forward", "promote payments"),
        ("card-back", "roll back payments"),
        ("why", "why: payments"),
        ("help", "roll back"),
        ("refused", "refused"),
    ];
    for (columns, rows) in [(60, 12), (60, 40), (80, 23), (80, 12), (100, 16), (200, 12), (200, 60)] {
        for (name, view) in sample::frames(columns, rows) {
            let mut buffer = Buffer::empty(Rect::new(0, 0, columns, rows));
            let extent = ui::draw(&view, &theme, buffer.area, &mut buffer);
            let plain = ui::text::plain(&buffer);
            // What goes back is there whole; whatever else is too long says which part of it this is.
            let said = plain.contains("~ lines 1 to ") || plain.contains(" more below");
            let part = matches!(extent, Extent::Part { from: 0, .. }) && said;
            let seen = matches!(extent, Extent::Whole | Extent::Rest { from: 0, .. });
            assert!(seen || (part && name != "card-back"), "{name} at {columns}x{rows}:\n{plain}");
            for (_, words) in about.iter().filter(|(about, _)| *about == name) {
                assert!(plain.contains(words), "{words} in {name} at {columns}x{rows}:\n{plain}");
            }
        }
    }
}

#[test]
fn errors_stand_on_a_board_of_any_width_with_their_window_or_not_at_all() {
    let theme = Theme::named("dark", Depth::None, Glyphs::Ascii).unwrap();
    let (mut with, mut without) = (0, 0);
    for columns in 60..=200 {
        let plain = ui::text::plain(&draw(&sample::frames(columns, 36)[0].1, &theme, Rect::new(0, 0, columns, 36)));
        let heading = plain.lines().find(|line| line.starts_with("   RELEASES")).unwrap_or_else(|| panic!("{plain}"));
        let has = |title: &str| heading.split(' ').any(|word| word == title);
        assert_eq!(has("canary"), has("since"), "{columns}: {heading}");
        assert!(!has("stable") || has("since"), "{columns}: {heading}");
        if has("since") { with += 1 } else { without += 1 }
    }
    assert!(with > 0 && without < with, "{with} with, {without} without");
}

#[test]
fn what_is_said_in_one_line_is_drawn_on_the_lowest_terminal_too() {
    let theme = Theme::named("dark", Depth::None, Glyphs::Ascii).unwrap();
    for (columns, rows) in [(60, 12), (100, 12)] {
        let view = sample::unjudged(columns, rows);
        let text = ui::text::plain(&draw(&view, &theme, Rect::new(0, 0, columns, rows)));
        let words: String = text.split(['|', '\n']).map(str::trim).collect::<Vec<_>>().join(" ");
        assert!(words.contains("why: payments") && words.contains("nothing is judged."), "{text}");
    }
}

#[test]
fn a_frame_of_another_size_than_the_terminal_counts_as_nothing_seen() {
    let theme = Theme::named("dark", Depth::None, Glyphs::Ascii).unwrap();
    let mut buffer = Buffer::empty(Rect::new(0, 0, 100, 30));
    let (_, view) = sample::frames(80, 24).swap_remove(0);
    assert_eq!(ui::draw(&view, &theme, buffer.area, &mut buffer), Extent::Nothing);
}

#[test]
fn every_role_of_the_views_is_one_of_the_theme() {
    for role in Role::ALL {
        assert!(crate::theme::ROLES.contains(&role.name()), "{role:?}");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(40))]

    #[test]
    fn no_size_is_a_panic(columns in 0_u16..=250, rows in 0_u16..=80, other in 0_u16..=250, which in 0_usize..21, ascii: bool) {
        let glyphs = if ascii { Glyphs::Ascii } else { Glyphs::Unicode };
        let theme = Theme::named("light", Depth::Ansi16, glyphs).unwrap();
        let (_, view) = sample::frames(columns, rows).swap_remove(which);
        draw(&view, &theme, Rect::new(0, 0, columns, rows));
        // The terminal was resized and the model does not know it yet.
        draw(&view, &theme, Rect::new(0, 0, other, rows));
        let buffer = draw(&sample::endless(columns, rows), &theme, Rect::new(0, 0, columns, rows));
        proptest::prop_assert!(ui::svg::svg(&buffer, &theme).ends_with("</svg>\n"));
    }
}

/// The screen after these keys, on the row of a gate that asks for everything there is to ask for.
fn filled_in(terminal: Terminal, keys: &str) -> String {
    ui::text::plain(&screen(&sample::filled_in(terminal.size, keys), terminal))
}

#[test]
fn a_card_that_asks_for_something_is_filled_in_by_keys_on_every_terminal() {
    for terminal in TERMINALS {
        let text = filled_in(terminal, "y");
        assert!(text.contains("Release note") && text.contains("must be filled in"), "{text}");
        assert!(text.contains("stands in the change log"), "{text}");
        let text = filled_in(terminal, "y v 1 Tab Right Tab Space Tab 4 2 Tab");
        let shown = |words: &str| {
            let ascii = words.replace('●', "*");
            assert!(text.contains(words) || text.contains(&ascii), "'{words}' at {}:\n{text}", terminal.name);
        };
        let all = ["v1", "  blue  ● green", "● yes", "set, not shown", "ships with note=v1, place=green, drain=true"];
        for words in all {
            shown(words);
        }
        shown("Enter sends it");
        assert!(!text.contains("42"), "{text}");
    }
}

#[test]
fn a_menu_says_of_each_verb_its_key_and_why_it_is_refused_on_every_terminal() {
    for terminal in TERMINALS {
        let text = filled_in(terminal, "Space j");
        for words in ["what can be done: shop ship #7", "y", "approve", "play", "refused: it runs already"] {
            assert!(text.contains(words), "'{words}' at {}:\n{text}", terminal.name);
        }
        let text = filled_in(terminal, "Space Enter");
        assert!(text.contains("prod  approve shop") && text.contains("must be filled in"), "{text}");
    }
}

#[test]
fn on_the_least_terminal_the_end_of_what_is_long_is_reached_by_keys() {
    let least = Terminal { name: "60x12", size: (60, 12), depth: Depth::True, glyphs: Glyphs::Unicode };
    let text = filled_in(least, "?");
    assert!(text.contains("… lines 1 to "), "{text}");
    let text = filled_in(least, "? PageDown PageDown PageDown PageDown PageDown PageDown");
    let (_, end) = text.split_once("… lines ").unwrap_or_else(|| panic!("{text}"));
    let numbers: Vec<&str> = end.split([' ', ':']).collect();
    assert_eq!(numbers[2], numbers[4], "the last line is there: {text}");
}
