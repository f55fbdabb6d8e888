//! `docs/pipelines.md`: what each CI system is told for each verb, made of what its provider offers, declares and drafts over the world
//! that the suite acts on. `UPDATE=1 cargo test --test contract pipelines` writes it anew.

use std::{collections::BTreeMap, fmt::Write as _};

use holdshort::domain::{item::Item, object::Family, offer::Offer, text::one_line, verb::Verb};

use super::{BUILDKITE, CIRCLECI, CODEPIPELINE, Case, FLOW, GITHUB, GITLAB, JENKINS, Stage, ask};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/pipelines.md");

const HEAD: &str = "# Pipelines: what each system is told

Made by a test of what the providers declare, with objects of the built-in world in the addresses: `UPDATE=1 cargo test --test
contract pipelines` writes it anew. A call that stands here for a verb is all that this verb can send; the executor refuses any
other. What a card asks for has a `*` where it must be answered. AWS takes an operation by a header: here it stands as service and
operation. Least privilege, settings and what is read stand in the page of each system.
";

/// The verbs that people look for in any of them.
const USUAL: [Verb; 9] = [
    Verb::Approve,
    Verb::Reject,
    Verb::Pause,
    Verb::Resume,
    Verb::Cancel,
    Verb::Rerun,
    Verb::Play,
    Verb::Dispatch,
    Verb::Rollback,
];

const SYSTEMS: [(&str, &str, Case); 7] = [
    ("Apsara DevOps Flow", "flow", FLOW),
    ("AWS CodePipeline", "codepipeline", CODEPIPELINE),
    ("Buildkite", "buildkite", BUILDKITE),
    ("CircleCI", "circleci", CIRCLECI),
    ("GitHub Actions", "github", GITHUB),
    ("GitLab CI/CD", "gitlab", GITLAB),
    ("Jenkins", "jenkins", JENKINS),
];

/// A cell: one line, and no bar that would begin another one.
fn cell(text: &str) -> String {
    one_line(text).replace('|', "\\|")
}

/// Every verb that an object offers, once for each kind of object: where one can be had open, that one.
fn offers(items: &[Item]) -> BTreeMap<(Family, &'static str), (Verb, &Item, &Offer)> {
    let mut all: BTreeMap<_, (Verb, &Item, &Offer)> = BTreeMap::new();
    for item in items {
        for offer in item.offers() {
            let key = (item.id().family.clone(), offer.verb.words());
            let known = all.entry(key).or_insert((offer.verb, item, offer));
            if known.2.blocked.is_some() && offer.blocked.is_none() {
                *known = (offer.verb, item, offer);
            }
        }
    }
    all
}

async fn section(name: &str, page: &str, case: Case) -> String {
    let stage = Stage::new(case).await;
    let items = stage.items().await;
    let offers = offers(&items);
    let mut text = format!(
        "\n## [{name}]({page}.md)\n\n| of | verb | call | asks for | not known before | way back |\n|---|---|---|---|---|---|\n"
    );
    for ((family, words), (verb, item, offer)) in &offers {
        let shapes = stage.inventory().shapes(item.id(), *verb);
        let calls: Vec<String> =
            shapes.iter().map(|shape| format!("`{} {}`", shape.method, cell(&shape.path))).collect();
        let fields: Vec<String> =
            offer.form.iter().map(|field| cell(&field.label) + if field.required { "*" } else { "" }).collect();
        let drafted = stage.inventory().draft(item, &ask(item, *verb));
        let back = drafted.map_or_else(|_| String::new(), |draft| cell(&draft.undo));
        let calls =
            if calls.is_empty() { offer.blocked.as_deref().map_or_else(String::new, cell) } else { calls.join("<br>") };
        let unsure = offer.unsure.as_deref().map_or_else(String::new, cell);
        let _ = writeln!(text, "| {family} | {words} | {calls} | {} | {unsure} | {back} |", fields.join(", "));
    }
    let offered = |verb: &Verb| offers.values().any(|(known, ..)| known == verb);
    let never: Vec<&str> = USUAL.into_iter().filter(|verb| !offered(verb)).map(Verb::words).collect();
    if !never.is_empty() {
        let _ = writeln!(text, "\nIt has no {}.", never.join(", no "));
    }
    text
}

#[tokio::test(start_paused = true)]
async fn the_page_of_pipelines_says_what_each_system_is_told_for_each_verb() {
    let mut expected = HEAD.to_owned();
    for (name, page, case) in SYSTEMS {
        expected += &section(name, page, case).await;
    }
    if std::env::vars().any(|(name, _)| name == "UPDATE") {
        std::fs::write(PAGE, &expected).unwrap();
    }
    let written = std::fs::read_to_string(PAGE).unwrap_or_default();
    let differs = expected.lines().zip(written.lines()).find(|(expected, written)| expected != written);
    assert_eq!(differs, None, "`UPDATE=1 cargo test --test contract pipelines` writes it anew");
    assert_eq!(written.len(), expected.len(), "`UPDATE=1 cargo test --test contract pipelines` writes it anew");
}
