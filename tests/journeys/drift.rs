//! F6: one artifact, and settings that differ where it goes. Found by name, said before approval, never what they are.

use crate::{SMALL, WIDE, mutations, open, pass, press, says, screen};

/// The seven that differ, what of them is missing where, and the two that nobody shows.
const SEVEN: [&str; 7] = ["FEATURE_X", "RETRIES", "BANNER", "CACHE_TTL", "POOL_SIZE", "ZONE", "MODE"];

#[tokio::test(start_paused = true)]
async fn a_card_says_that_the_artifact_is_the_same_and_how_many_settings_differ() {
    for look in [WIDE, SMALL] {
        let mut demo = open("drift", look).await;
        press(&mut demo, "i").await;
        pass(&mut demo, 5).await;
        says(&demo, look, &["same artifact, 7 settings differ from staging"]);
        press(&mut demo, "y").await;
        says(&demo, look, &["approve payments", "same artifact, 7 settings differ from staging"]);
        press(&mut demo, "Esc").await;
        assert_eq!(mutations(&demo), []);
    }
}

#[tokio::test(start_paused = true)]
async fn one_key_lists_each_of_them_with_where_it_is_set_and_by_whom() {
    let mut demo = open("drift", WIDE).await;
    press(&mut demo, "i").await;
    pass(&mut demo, 5).await;
    press(&mut demo, "D").await;
    let mut shown = screen(&demo, WIDE);
    for _ in 0..6 {
        press(&mut demo, "PageDown").await;
        shown.push_str(&screen(&demo, WIDE));
    }
    for name in SEVEN {
        assert!(shown.contains(name), "{name}: {shown}");
    }
    let said = [
        "settings: payments, prod against staging",
        "7 differ",
        "not set in prod",
        "not set in staging",
        "cannot be compared",
        "ConfigMap payments-env, kubectl-edit",
        "variable of the environment",
    ];
    let words = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    for text in said {
        assert!(words.contains(text), "{text}: {shown}");
    }
    for value in ["careful", "fast", "maintenance", "300"] {
        assert!(!shown.contains(value), "{value}: {shown}");
    }
    press(&mut demo, "Esc").await;
    says(&demo, WIDE, &["WAITS FOR A HUMAN"]);
}

#[tokio::test(start_paused = true)]
async fn a_row_that_goes_nowhere_others_come_before_says_so() {
    let mut demo = open("waiting-approval", WIDE).await;
    press(&mut demo, "i D").await;
    says(&demo, WIDE, &["there is no environment to compare its settings with"]);
}
