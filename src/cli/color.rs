//! Are colours used? The flag, then what the environment says, then what the output is. Pure: the environment comes in.

use std::collections::BTreeMap;

use crate::cli::args::ColorChoice;

/// Decides from the flag, the environment and whether the output is a terminal: `NO_COLOR` (no-color.org),
/// `CLICOLOR_FORCE` and `CLICOLOR` (bixense.com/clicolors), `TERM=dumb`.
pub fn colors(choice: ColorChoice, env: &BTreeMap<String, String>, is_terminal: bool) -> bool {
    let variable = |name: &str| env.get(name).map_or("", String::as_str);
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto if !variable("NO_COLOR").is_empty() => false,
        ColorChoice::Auto if !matches!(variable("CLICOLOR_FORCE"), "" | "0") => true,
        ColorChoice::Auto => is_terminal && variable("TERM") != "dumb" && variable("CLICOLOR") != "0",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_wins_over_the_environment_and_that_over_the_terminal() {
        use ColorChoice::{Always, Auto, Never};
        type Row = (ColorChoice, &'static [(&'static str, &'static str)], bool, bool);
        let table: [Row; 12] = [
            (Auto, &[], true, true),
            (Auto, &[], false, false),
            (Auto, &[("NO_COLOR", "1")], true, false),
            (Auto, &[("NO_COLOR", "")], true, true),
            (Auto, &[("CLICOLOR_FORCE", "1")], false, true),
            (Auto, &[("CLICOLOR_FORCE", "0")], false, false),
            (Auto, &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], true, false),
            (Auto, &[("TERM", "dumb")], true, false),
            (Auto, &[("TERM", "dumb"), ("CLICOLOR_FORCE", "1")], true, true),
            (Auto, &[("CLICOLOR", "0")], true, false),
            (Always, &[("NO_COLOR", "1"), ("TERM", "dumb")], false, true),
            (Never, &[("CLICOLOR_FORCE", "1")], true, false),
        ];
        for (choice, env, is_terminal, expected) in table {
            let map = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            assert_eq!(colors(choice, &map, is_terminal), expected, "{choice:?} {env:?} {is_terminal}");
        }
    }
}
