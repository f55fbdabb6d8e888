//! What was not on screen is not sent: small terminals, cards that are cut off, and a filter that hides rows but no answer.

use holdshort::{app::msg::Msg, theme::Depth, theme::Glyphs};

use crate::{LEAST, Look, WIDE, mutations, open, pass, press, says, screen};

/// One row less than a screen needs.
const TOO_LOW: Look = Look { size: (80, 11), depth: Depth::True, glyphs: Glyphs::Unicode };

#[tokio::test(start_paused = true)]
async fn on_the_least_terminal_the_bad_canary_is_seen_and_rolled_back_with_three_keys() {
    let mut demo = open("bad-canary", LEAST).await;
    says(&demo, LEAST, &["LIKELY THE RELEASE payments 1.42.0 (a1b2c3d), canary 25 %", "eu-west-1", "25", "NO-GO"]);
    press(&mut demo, "r").await;
    let card = ["prod/eu-west-1 roll back payments", "1.42.0 (a1b2c3d) → 1.41.3 (9f8e7d6)", "25 % → 0 %", "5 other"];
    says(&demo, LEAST, &card);
    press(&mut demo, "1 Enter").await;
    pass(&mut demo, 20).await;
    says(&demo, LEAST, &["roll back payments", "DONE", "WATCHING"]);
    assert_eq!(mutations(&demo).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn on_a_terminal_that_is_too_small_no_key_acts_and_the_card_that_was_open_waits() {
    let mut demo = open("bad-canary", TOO_LOW).await;
    press(&mut demo, "r 1 Enter a 1 Enter").await;
    pass(&mut demo, 20).await;
    assert_eq!((mutations(&demo), demo.cockpit.model().nav.overlay.clone()), (Vec::new(), None));
    says(&demo, TOO_LOW, &["too small: 60x12 needed", "nothing is sent; q leaves"]);

    demo.cockpit.feed(Msg::Resized(120, 36));
    press(&mut demo, "r 1").await;
    demo.cockpit.feed(Msg::Resized(80, 11));
    press(&mut demo, "Enter").await;
    let notice = demo.cockpit.model().notice.clone().unwrap().text;
    assert_eq!(notice, "the terminal is too small: make it 60 columns and 12 rows; nothing was sent");
    pass(&mut demo, 20).await;
    assert_eq!(mutations(&demo), []);
    demo.cockpit.feed(Msg::Resized(120, 36));
    says(&demo, WIDE, &["Enter sends it"]);
    press(&mut demo, "Enter").await;
    pass(&mut demo, 20).await;
    says(&demo, WIDE, &["roll back payments", "DONE"]);
}

#[tokio::test(start_paused = true)]
async fn a_resize_and_enter_before_the_next_frame_send_nothing() {
    let mut demo = open("bad-canary", WIDE).await;
    press(&mut demo, "r 1").await;
    demo.cockpit.feed(Msg::Resized(100, 30));
    demo.cockpit.key("Enter".parse().unwrap());
    pass(&mut demo, 20).await;
    assert_eq!(mutations(&demo), []);
}

#[tokio::test(start_paused = true)]
async fn a_filter_hides_rows_and_neither_the_answer_nor_what_it_counts() {
    let mut demo = open("bad-canary", WIDE).await;
    let top = |shown: &str| shown.lines().take(6).map(str::to_owned).collect::<Vec<_>>();
    let before = top(&screen(&demo, WIDE));
    press(&mut demo, "/ n o n e Enter").await;
    says(&demo, WIDE, &["no row contains 'none'", "LIKELY THE RELEASE payments", "1 in flight"]);
    let keys = |line: &String| line.split("   r roll back").next().unwrap_or_default().trim_end().to_owned();
    let after = top(&screen(&demo, WIDE));
    assert_eq!(after.iter().map(keys).collect::<Vec<_>>(), before.iter().map(keys).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn whatever_lies_over_a_screen_is_moved_to_its_end_and_back_by_keys_on_the_least_terminal() {
    // ` … lines 1 to 4 of 9: PageDown and PageUp move`
    let lines = |shown: &str| -> Option<(usize, usize, usize)> {
        let numbers = shown.split("… lines ").nth(1)?;
        let numbers: Vec<usize> = numbers.split([' ', ':']).filter_map(|word| word.parse().ok()).take(3).collect();
        Some((*numbers.first()?, *numbers.get(1)?, *numbers.get(2)?))
    };
    for (scenario, keys) in [("bad-canary", "?"), ("bad-canary", "w"), ("bad-pod", "w"), ("drift", "3 D")] {
        let mut demo = open(scenario, LEAST).await;
        let (before, last) = keys.rsplit_once(' ').unwrap_or(("", keys));
        press(&mut demo, before).await;
        pass(&mut demo, 5).await;
        press(&mut demo, last).await;
        let (first, to, all) =
            lines(&screen(&demo, LEAST)).unwrap_or_else(|| panic!("{keys}: {}", screen(&demo, LEAST)));
        assert!(first == 1 && to < all, "{keys}: {}", screen(&demo, LEAST));
        for _ in 0..all {
            press(&mut demo, "PageDown").await;
        }
        assert!(lines(&screen(&demo, LEAST)).is_some_and(|(_, to, of)| to == of), "{keys}: {}", screen(&demo, LEAST));
        for _ in 0..all {
            press(&mut demo, "PageUp").await;
        }
        assert_eq!(lines(&screen(&demo, LEAST)), Some((first, to, all)), "{keys}");
    }
}
