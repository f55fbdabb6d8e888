//! Sentences as people write them: every screen of every scenario, what it becomes when somebody goes back or aborts, and what `status`
//! and `inbox` print of it, looked through for what only programs write: `1 pods`, `a error`, the same word twice, `true`, moves from a number to
//! the same number. What is found is mended where the sentence is made, not here.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]

use std::{collections::BTreeSet, time::Duration};

use holdshort::{
    app::{
        drawn::{Drawn, Extent},
        msg::Msg,
    },
    cli::{inbox, status, table::Layout},
    demo::scenario::Scenario,
    run::{Demo, demo_cockpit},
    theme::{Depth, Glyphs, Theme},
    ui, view,
};
use ratatui::{buffer::Buffer, layout::Rect};
use regex::Regex;
use serde_json::Value;

/// So wide that few sentences are broken over lines.
const SIZE: (u16, u16) = (220, 60);
/// What is pressed on each screen, and left again with Esc.
const LOOKS: [&str; 21] = [
    "", "2", "2 Enter", "3", "4", "?", "w", "Space", "Enter", "l", "a", "r", "p", "s", "P", "h", "u", "R", "T", "3 y",
    "3 x",
];
/// What is sent by hand, where it may be; then time passes.
const FLIGHTS: [&str; 2] = ["Enter r 1 Enter", "Enter a 1 Enter"];
/// What is looked at of every row but the first, and how many rows that are.
const EACH: [&str; 3] = ["Enter", "w", "Space"];
const ROWS: usize = 4;
/// Where somebody goes back: on the others it says the same.
const FLOWN: [&str; 3] = ["bad-canary", "fleet", "low-traffic"];

/// What nobody writes, and what is allowed all the same.
struct Forms {
    forms: Vec<(&'static str, Regex)>,
    percent: Regex,
}

impl Forms {
    fn new() -> Self {
        let nouns = "approvals|attempts|builds|calls|canaries|clusters|commits|connections|days|environments|errors|events|failures|files|\
                     gates|hours|intervals|items|jobs|keys|kinds|lines|minutes|namespaces|objects|people|pods|points|records|replicas|\
                     repositories|requests|reviewers|revisions|rollouts|rows|rules|runs|seconds|series|services|settings|signals|\
                     sources|steps|targets|templates|times|versions|windows|words";
        let form = |name, pattern: &str| (name, Regex::new(pattern).unwrap());
        Self {
            forms: vec![
                form("one of several", &format!(r"(?:^|[^\w.,:/·#×-])1 (?:{nouns})\b")),
                // `a` is a key, too: `a abort`.
                form(
                    "a before a vowel",
                    r"\b[Aa] (?:[Aa]rgo|e[a-tv-z][a-z]*|i[a-z]+|o[a-mo-z][a-z]*|a[a-rt-z][a-z]+|u(?:n[a-hj-z]|p)[a-z]*)\b",
                ),
                form("an before a consonant", r"\b[Aa]n (?:[bcdfgjklmnpqrtvwxyz][a-z]+)\b"),
                form("a word of a program", r"\b[a-z]+ (?:true|false|null)(?:[\s.,;]|$)|Some\("),
                form("a state for an adverb", r"[a-z] is never(?:[.,;:]|$)"),
                form("stray punctuation", r"[a-z] [,;.](?: |$)|,,|;;|: :|\(\)"),
            ],
            percent: Regex::new(r"(\d+(?:\.\d+)?) % (?:to|→) (\d+(?:\.\d+)?) %").unwrap(),
        }
    }

    /// What is wrong with a line, each with what it says there.
    fn faults(&self, line: &str) -> Vec<String> {
        let mut faults: Vec<String> = Vec::new();
        for (name, form) in &self.forms {
            let found = form.find_iter(line).map(|found| found.as_str().trim().to_owned());
            faults.extend(found.filter(|found| !is_allowed(found, line)).map(|found| format!("{name}: {found}")));
        }
        let moves = self.percent.captures_iter(line).filter(|found| found[1] == found[2]);
        faults.extend(moves.map(|found| format!("no move at all: {}", &found[0])));
        let words: Vec<&str> = line.split(' ').collect();
        let twice = words.windows(2).filter(|pair| pair[0] == pair[1] && pair[0].len() > 1);
        let twice = twice.filter(|pair| pair[0].chars().all(char::is_alphabetic));
        faults.extend(twice.map(|pair| format!("a word twice: {} {}", pair[0], pair[1])));
        faults
    }
}

/// Keys and menus, where a number or a letter is pressed.
fn is_allowed(found: &str, line: &str) -> bool {
    (found.ends_with("1 errors") && line.contains("Reason"))
        || ["a abort", "a about"].iter().any(|key| found.eq_ignore_ascii_case(key))
}

/// All that was said, and where.
struct Said(Vec<(String, String)>);

impl Said {
    fn screen(&mut self, demo: &mut Demo, at: &str) {
        let area = Rect::new(0, 0, SIZE.0, SIZE.1);
        let theme = Theme::named("dark", Depth::None, Glyphs::Unicode).unwrap();
        let mut buffer = Buffer::empty(area);
        let extent = ui::draw(&view::view(demo.cockpit.model(), demo.cockpit.keymap()), &theme, area, &mut buffer);
        self.0.extend(ui::text::plain(&buffer).lines().map(|line| (at.to_owned(), line.to_owned())));
        seen(demo, extent);
    }

    /// What the commands print, and every sentence of what they give to scripts.
    fn commands(&mut self, demo: &Demo, at: &str) {
        let model = demo.cockpit.model();
        for as_json in [false, true] {
            let (mut listed, mut waiting) = (Vec::new(), Vec::new());
            let manner = status::Manner { as_json, judging: false, layout: Layout::default() };
            status::print(model, None, manner, view::headline_text, &mut listed).unwrap();
            inbox::print(model, as_json, &mut waiting).unwrap();
            for (command, bytes) in [("status", listed), ("inbox", waiting)] {
                let at = format!("{at} {command}");
                let text = String::from_utf8(bytes).unwrap();
                if as_json {
                    let mut sentences = Vec::new();
                    texts(&serde_json::from_str(&text).unwrap(), &mut sentences);
                    // These stand for themselves: no columns, so no gaps.
                    let gaps = sentences.iter().filter(|text| text.contains("  ")).map(|text| format!("{text} ,"));
                    self.0.extend(gaps.chain(sentences.iter().cloned()).map(|text| (at.clone(), text)));
                } else {
                    self.0.extend(text.lines().map(|line| (at.clone(), line.to_owned())));
                }
            }
        }
    }
}

/// Every text within.
fn texts(value: &Value, all: &mut Vec<String>) {
    match value {
        Value::String(text) => all.push(text.clone()),
        Value::Array(values) => values.iter().for_each(|value| texts(value, all)),
        Value::Object(values) => values.values().for_each(|value| texts(value, all)),
        _ => {}
    }
}

/// Tells the model what a frame showed, as a terminal does.
fn seen(demo: &mut Demo, extent: Extent) {
    let drawn = Drawn::of(demo.cockpit.model(), extent);
    demo.cockpit.feed(Msg::Drawn(drawn));
}

async fn looked_at(scenario: &str) -> Said {
    let mut said = Said(Vec::new());
    let mut demo = demo_cockpit(scenario, SIZE).await.unwrap();
    said.commands(&demo, scenario);
    for row in 0..ROWS {
        for look in if row == 0 { LOOKS.as_slice() } else { &EACH } {
            let keys = format!("1 {}{look}", "j ".repeat(row));
            demo.cockpit.press(keys.trim()).await.unwrap();
            said.screen(&mut demo, &format!("{scenario} [{keys}]"));
            demo.cockpit.press("Esc Esc Esc").await.unwrap();
        }
    }
    for keys in FLIGHTS.into_iter().filter(|_| FLOWN.contains(&scenario)) {
        let mut demo = demo_cockpit(scenario, SIZE).await.unwrap();
        for key in keys.split(' ') {
            demo.cockpit.press(key).await.unwrap();
            said.screen(&mut demo, &format!("{scenario} [{keys}]"));
        }
        for seconds in [1, 9, 50, 240] {
            demo.cockpit.pass(Duration::from_secs(seconds)).await;
            said.screen(&mut demo, &format!("{scenario} [{keys}] +{seconds} s"));
        }
        for look in ["Esc Esc Esc", "w", "Esc Space", "Esc r", "Esc a", "Esc 3"] {
            demo.cockpit.press(look).await.unwrap();
            said.screen(&mut demo, &format!("{scenario} [{keys}] then [{look}]"));
        }
        said.commands(&demo, &format!("{scenario} [{keys}]"));
    }
    said
}

#[test]
fn every_screen_of_every_scenario_speaks_as_people_do() {
    let forms = Forms::new();
    let mut faults = BTreeSet::new();
    let names: Vec<String> = Scenario::list().into_iter().map(|(name, _)| name.to_owned()).collect();
    // Each is a world of its own; they fly side by side.
    std::thread::scope(|scope| {
        let flights: Vec<_> = names
            .chunks(names.len().div_ceil(2))
            .map(|names| {
                scope.spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
                    let runtime = runtime.unwrap();
                    names.iter().flat_map(|name| runtime.block_on(looked_at(name)).0).collect::<Vec<_>>()
                })
            })
            .collect();
        for (at, line) in flights.into_iter().flat_map(|flight| flight.join().unwrap()) {
            for fault in forms.faults(&line) {
                // Once for each sentence, wherever else it stands.
                if faults.iter().all(|(known, _): &(String, String)| *known != fault) {
                    faults.insert((fault, format!("{at}: {}", line.trim())));
                }
            }
        }
    });
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn bad_forms_are_found_and_good_ones_are_not() {
    let forms = Forms::new();
    for bad in [
        "leaving out 1 steps",
        "only 1 pods of 4",
        "a Argo Rollouts object",
        "a error of its own",
        "an rollout",
        "paused by a person true",
        "prometheus is never",
        "traffic moves 25 % to 25 %",
        "the the version",
        "it waits ; then",
    ] {
        assert_eq!(forms.faults(bad).len(), 1, "{bad}: {:?}", forms.faults(bad));
    }
    for good in [
        "leaving out 1 step",
        "1.41.1 pods",
        "11 pods",
        "a abort   p promote",
        "a user of one",
        "an hour",
        "a usual name",
        "25 % to 50 %",
        "data that is never taken for held",
        "Reason  1 errors  2 latency",
        "shop  shop",
    ] {
        assert_eq!(forms.faults(good), [] as [&str; 0], "{good}");
    }
}
