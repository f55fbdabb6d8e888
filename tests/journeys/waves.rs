//! F16: one release across three cells in two waves. What comes first is done first, done on one cell is not done, and going back waits for
//! nothing.

use holdshort::{
    app::{model::RowKey, rows},
    port::record::RecordId,
    run::Demo,
};

use crate::{LEAST, SMALL, WIDE, mutations, open, pass, press, says, screen};

/// Goes to the row of payments in a cell.
async fn at(demo: &mut Demo, cell: &str) {
    press(demo, "g").await;
    for _ in 0..6 {
        let here = rows::target(demo.cockpit.model());
        let place = here.and_then(|id| demo.cockpit.model().store.rollout(&id).map(|one| one.environment.to_string()));
        if place.is_some_and(|place| place.ends_with(cell)) {
            return;
        }
        press(demo, "j").await;
    }
    panic!("no row for {cell}:\n{}", screen(demo, WIDE));
}

#[tokio::test(start_paused = true)]
async fn the_board_and_the_release_say_in_how_many_cells_it_is_and_which_are_behind() {
    for look in [WIDE, SMALL] {
        let mut demo = open("waves", look).await;
        says(&demo, look, &["1.42.0 is in 0 of 3 cells: us-east-1 old (1.41.3 since 2 d), "]);
        at(&mut demo, "eu-north-1").await;
        press(&mut demo, "Enter").await;
        says(&demo, look, &["0 of 3 cells", "eu-north-1 50 %", "eu-west-1 25 %", "us-east-1 1.41.3"]);
    }
    let mut demo = open("waves", LEAST).await;
    at(&mut demo, "eu-north-1").await;
    press(&mut demo, "Enter").await;
    says(&demo, LEAST, &["0 of 3 cells"]);
}

#[tokio::test(start_paused = true)]
async fn the_second_wave_waits_for_the_first_to_be_done_and_to_soak_and_done_on_one_cell_says_so() {
    let mut demo = open("waves", WIDE).await;
    at(&mut demo, "eu-west-1").await;
    press(&mut demo, "p").await;
    says(
        &demo,
        WIDE,
        &[
            "prod/eu-north-1 comes before it (policy.waves), and 1.42.0 is at 50 % there",
            "bring 1.42.0 to prod/eu-north-1 first",
        ],
    );
    press(&mut demo, "Esc").await;
    assert_eq!(mutations(&demo), []);
    at(&mut demo, "eu-north-1").await;
    press(&mut demo, "P a 1 b 2 Enter").await;
    pass(&mut demo, 40).await;
    assert_eq!(mutations(&demo).len(), 1, "{}", screen(&demo, WIDE));
    let record = demo.ledger.get(RecordId(1)).unwrap().unwrap();
    assert!(record.end().is_some_and(|end| format!("{:?}", end.stage).starts_with("Done")), "{:?}", record.entries);
    says(&demo, WIDE, &["payments 1.42.0 is in 1 of 3 cells: us-east-1 old (1.41.3 since 2 d), eu-west-1 at 25 %"]);
    at(&mut demo, "eu-west-1").await;
    press(&mut demo, "p").await;
    says(&demo, WIDE, &["prod/eu-north-1 comes before it (policy.waves), and 1.42.0 soaks there until 14:1"]);
    press(&mut demo, "Esc").await;
    pass(&mut demo, 600).await;
    press(&mut demo, "p").await;
    says(&demo, WIDE, &["what comes before it (policy.waves) is done: prod/eu-north-1"]);
    press(&mut demo, "a 1 b 2 Enter").await;
    pass(&mut demo, 5).await;
    assert_eq!(mutations(&demo).len(), 2, "{}", screen(&demo, WIDE));
}

#[tokio::test(start_paused = true)]
async fn going_back_waits_for_no_wave_and_for_no_cell() {
    let mut demo = open("waves", WIDE).await;
    at(&mut demo, "eu-west-1").await;
    press(&mut demo, "a 1 Enter").await;
    pass(&mut demo, 30).await;
    assert_eq!(mutations(&demo).len(), 1, "{}", screen(&demo, WIDE));
    let target = rows::selected(demo.cockpit.model());
    assert!(matches!(target, Some(RowKey::Rollout(_))), "{target:?}");
}

#[tokio::test(start_paused = true)]
async fn going_back_on_several_cells_sends_each_of_them_although_the_first_one_stops_for_a_human() {
    let mut demo = open("waves", WIDE).await;
    for (cell, seconds) in [("eu-north-1", 720), ("eu-west-1", 120)] {
        at(&mut demo, cell).await;
        press(&mut demo, "P a 1 b 2 Enter").await;
        pass(&mut demo, seconds).await;
    }
    assert_eq!(mutations(&demo).len(), 2, "{}", screen(&demo, WIDE));
    for cell in ["eu-north-1", "eu-west-1"] {
        at(&mut demo, cell).await;
        press(&mut demo, "m").await;
    }
    press(&mut demo, "r").await;
    says(&demo, WIDE, &["each at once, and none waits for another"]);
    press(&mut demo, "1 Enter").await;
    pass(&mut demo, 60).await;
    assert_eq!(mutations(&demo).len(), 4, "{}", screen(&demo, WIDE));
    let record = demo.ledger.get(RecordId(3)).unwrap().unwrap();
    let end = record.end().unwrap_or_else(|| panic!("{:?}", record.entries));
    let said = end.stage.said();
    assert!(matches!(end.stage, holdshort::port::record::Stage::Rests { .. }), "{:?}", record.entries);
    assert!(said.starts_with("0 of 2 done; payments in prod/eu-north-1: not done yet: "), "{said}");
    assert!(said.contains("; payments in prod/eu-west-1: not done yet: "), "{said}");
    says(&demo, WIDE, &["roll back payments in eu-north-1, eu-west-1"]);
}

#[tokio::test(start_paused = true)]
async fn a_cell_that_is_back_already_is_left_out_by_the_key_of_the_verb_and_the_others_go() {
    let mut demo = open("waves", WIDE).await;
    at(&mut demo, "eu-north-1").await;
    press(&mut demo, "r 1 Enter").await;
    pass(&mut demo, 40).await;
    assert_eq!(mutations(&demo).len(), 1, "{}", screen(&demo, WIDE));
    says(&demo, WIDE, &["payments 1.42.0 is in 0 of 3 cells: eu-north-1 took it back (1.41.3 serves)"]);
    for cell in ["eu-north-1", "eu-west-1"] {
        at(&mut demo, cell).await;
        press(&mut demo, "m").await;
    }
    press(&mut demo, "r").await;
    says(&demo, WIDE, &["payments in prod/eu-north-1: ", "goes on with the other one"]);
    press(&mut demo, "r 1 Enter").await;
    pass(&mut demo, 40).await;
    assert_eq!(mutations(&demo).len(), 2, "{}", screen(&demo, WIDE));
}
