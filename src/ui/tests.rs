//! Whole frames: as text with a grid of looks beside it, in three sizes and modes; and at any size at all.

use std::collections::BTreeMap;

use ratatui::{
    buffer::{Buffer, Cell},
    layout::Rect,
    style::{Color, Modifier},
};

use crate::{
    app::{
        card::Card,
        guard::Refusal,
        model::{Model, Overlay, Screen},
        msg::Msg,
        update::update,
    },
    domain::{rollout::Engine, verb::Verb},
    port::{facet::Change, record::Stage},
    theme::{Depth, Glyphs, Theme},
    ui,
    view::{sample, view},
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

fn draw(model: &Model, theme: &Theme, area: Rect) -> Buffer {
    let mut buffer = Buffer::empty(area);
    ui::draw(&view(model, &sample::keymap()), theme, area, &mut buffer);
    buffer
}

fn screen(model: &Model, terminal: Terminal) -> (Buffer, Theme) {
    let theme = Theme::named("dark", terminal.depth, terminal.glyphs).unwrap();
    (draw(model, &theme, Rect::new(0, 0, terminal.size.0, terminal.size.1)), theme)
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

fn opened(mut model: Model, screen: Screen) -> Model {
    model.nav.open(screen);
    model
}

fn refusal() -> Refusal {
    Refusal {
        verb: Verb::Promote,
        what: "payments in prod/eu".into(),
        reasons: vec![
            "verdict NO-GO: 3.1 % against 0.2 % on stable, n 29,800, ratio 15 (13–18)".into(),
            "kubernetes-eu is failing: last good answer 12 s ago; no answer within 4 s".into(),
        ],
        ways: vec!["roll back or abort".into(), "hold it where it is and find the cause".into()],
        changed: false,
    }
}

fn forward() -> Card {
    let mut card = Card::new(sample::ask(Verb::Promote), sample::plan(Verb::Promote));
    "a1b".chars().for_each(|c| card.typed(c));
    card
}

fn back() -> Card {
    let mut card = Card::new(sample::ask(Verb::Rollback), sample::plan(Verb::Rollback));
    card.typed('1');
    card
}

fn moved() -> Card {
    Card { moved: Some("moved 1.42.0 (a1b2c3d) → 1.42.1 (c3d4e5f), approval void".into()), ..forward() }
}

fn rolled_back(mut model: Model) -> Model {
    let stages = vec![
        Stage::Recorded,
        Stage::Accepted { call: 0, said: "200 OK".into() },
        Stage::Moving { said: "25 % → 0 %".into() },
        Stage::Done { said: "12 of 12 pods, verified".into() },
    ];
    update(&mut model, Msg::Recorded(Box::new(sample::record(stages))));
    model
}

fn filtering(mut model: Model) -> Model {
    model.nav.filtering = true;
    model.nav.filter = "pay".into();
    model
}

/// The frames that are looked at on a wide screen.
const WIDE: [&str; 4] = ["board", "release", "inbox", "card-forward"];

/// Every screen and overlay, by name.
fn frames(columns: u16, rows: u16) -> Vec<(&'static str, Model)> {
    let board = || sample::board(columns, rows);
    let release = || opened(board(), Screen::Release(sample::payments().id));
    vec![
        ("board", board()),
        ("board-unseen", sample::unseen(columns, rows)),
        ("board-hung", sample::hung(columns, rows)),
        ("board-crowded", sample::crowded(columns, rows, 500)),
        ("board-after", rolled_back(board())),
        ("board-filtering", filtering(board())),
        ("release", release()),
        ("release-hung", opened(sample::hung(columns, rows), Screen::Release(sample::payments().id))),
        ("inbox", opened(board(), Screen::Inbox)),
        ("inbox-empty", opened(sample::unseen(columns, rows), Screen::Inbox)),
        ("card-forward", sample::under(release(), Overlay::Card(Box::new(forward())))),
        ("card-back", sample::under(board(), Overlay::Card(Box::new(back())))),
        ("card-moved", sample::under(release(), Overlay::Card(Box::new(moved())))),
        ("refused", sample::under(board(), Overlay::Refused(refusal()))),
        ("why", sample::under(board(), Overlay::Why(sample::payments().id))),
        ("help", sample::under(board(), Overlay::Help)),
    ]
}

#[test]
fn every_screen_looks_as_it_was_approved() {
    for terminal in TERMINALS {
        let wide = terminal.size.0 > 120;
        for (name, model) in frames(terminal.size.0, terminal.size.1) {
            // What differs on a wide screen is how much is shown, so the screens themselves are enough there.
            if wide && !WIDE.contains(&name) {
                continue;
            }
            let (buffer, _) = screen(&model, terminal);
            insta::assert_snapshot!(format!("{name}-{}", terminal.name), styled(&buffer));
        }
    }
}

#[test]
fn in_ascii_every_cell_is_ascii_and_without_colour_no_cell_has_one() {
    let terminal = TERMINALS[1];
    for (name, model) in frames(terminal.size.0, terminal.size.1) {
        let (buffer, _) = screen(&model, terminal);
        for cell in buffer.content() {
            assert!(cell.symbol().is_ascii(), "{name}: {}", cell.symbol());
            assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset), "{name}");
        }
    }
}

/// A service whose name is two hundred columns of CJK, and an event with no end.
fn endless(columns: u16, rows: u16) -> Model {
    let mut model = sample::board(columns, rows);
    let mut rollout = sample::payments();
    rollout.service = "支付".repeat(50).as_str().into();
    rollout.events[0].message = "very ".repeat(200);
    rollout.steps = (0..60).map(|_| rollout.steps[0].clone()).collect();
    let change = Ok(Change::One(Box::new(rollout)));
    let (source, engine) = ("kubernetes-eu".into(), Engine::ArgoRollouts);
    update(&mut model, Msg::Rollouts { source, engine, at: sample::now(), change });
    model
}

#[test]
fn a_name_without_end_stays_in_its_column() {
    for terminal in TERMINALS {
        let model = endless(terminal.size.0, terminal.size.1);
        let plain = ui::text::plain(&screen(&model, terminal).0);
        let row = plain.lines().find(|line| line.contains("1.42.0") && line.contains("5/60")).unwrap();
        assert!(row.contains("NO DATA"), "{row}");
    }
}

#[test]
fn below_the_least_size_it_says_which_size_is_needed() {
    for (columns, rows) in [(79, 24), (80, 23), (20, 5)] {
        let theme = Theme::named("dark", Depth::None, Glyphs::Ascii).unwrap();
        let buffer = draw(&sample::board(columns, rows), &theme, Rect::new(0, 0, columns, rows));
        let said: String = ui::text::plain(&buffer).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!("too small: 80x24 needed".starts_with(&said) && said.len() >= 19, "{said}");
    }
}

#[test]
fn every_role_of_the_views_is_one_of_the_theme() {
    for role in crate::view::span::Role::ALL {
        assert!(crate::theme::ROLES.contains(&role.name()), "{role:?}");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(40))]

    #[test]
    fn no_size_is_a_panic(columns in 0_u16..=250, rows in 0_u16..=80, other in 0_u16..=250, which in 0_usize..16, ascii: bool) {
        let glyphs = if ascii { Glyphs::Ascii } else { Glyphs::Unicode };
        let theme = Theme::named("light", Depth::Ansi16, glyphs).unwrap();
        let (_, mut model) = frames(columns, rows).swap_remove(which);
        draw(&model, &theme, Rect::new(0, 0, columns, rows));
        // The terminal was resized and the model does not know it yet.
        draw(&model, &theme, Rect::new(0, 0, other, rows));
        model.nav.open(Screen::Release(sample::payments().id));
        let buffer = draw(&endless(columns, rows), &theme, Rect::new(0, 0, columns, rows));
        proptest::prop_assert!(ui::svg::svg(&buffer, &theme).ends_with("</svg>\n"));
    }
}
