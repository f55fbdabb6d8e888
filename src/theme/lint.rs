//! What is wrong with a theme that can be read: names nobody uses, states that look alike, text that cannot be seen.

use ratatui::style::Color;

use crate::theme::{ROLES, ThemeFile, depth::rgb_of_256};

/// The least contrast of text with its background (WCAG 2.2, level AA for text).
const LEAST_CONTRAST: f64 = 4.5;
/// States that must never be taken for one another.
const STATES: [&str; 4] = ["status.good", "status.warn", "status.bad", "status.unknown"];
/// Roles that carry words and must be readable.
const READ: [&str; 9] =
    ["text", "text.dim", "accent", "canary", "stable", "status.good", "status.warn", "status.bad", "status.unknown"];

/// Every fault, each as a sentence; empty when there is none.
pub fn lint(theme: &ThemeFile) -> Vec<String> {
    let mut faults: Vec<String> = theme
        .looks
        .keys()
        .filter(|role| !ROLES.contains(&role.as_str()))
        .map(|role| format!("nothing has the role '{role}'"))
        .collect();
    if !theme.looks.contains_key("text") {
        faults.push("there is no role 'text', which every other falls back to".to_owned());
    }
    states(theme, &mut faults);
    contrast(theme, &mut faults);
    sixteen(theme, &mut faults);
    faults
}

/// Which sixteen colours a terminal has nobody knows but its owner; but what is called light or white is nowhere read on a light ground, and
/// black nowhere on a dark one.
fn sixteen(theme: &ThemeFile, faults: &mut Vec<String>) {
    let is_light = luminance(theme.canvas.1) > 0.5;
    let lost: &[Color] = if is_light {
        &[Color::White, Color::LightYellow, Color::LightCyan, Color::LightGreen]
    } else {
        &[Color::Black]
    };
    for role in READ {
        let (text, back) = theme.look(role).sixteen;
        if let Some(text) = text.filter(|text| back.is_none() && lost.contains(text)) {
            let ground = if is_light { "light" } else { "dark" };
            faults.push(format!("'{role}' is {text} of sixteen, which cannot be read on a {ground} ground"));
        }
    }
}

fn states(theme: &ThemeFile, faults: &mut Vec<String>) {
    for role in STATES {
        if theme.look(role).sixteen.0.is_none() {
            faults.push(format!("'{role}' does not say its colour of sixteen (fg16)"));
        }
    }
    for (index, one) in STATES.iter().enumerate() {
        for other in STATES.iter().skip(index + 1) {
            let (a, b) = (theme.look(one), theme.look(other));
            if a.sixteen == b.sixteen && a.sixteen.0.is_some() {
                faults.push(format!("'{one}' and '{other}' have the same colour of sixteen"));
            }
            if a.full == b.full {
                faults.push(format!("'{one}' and '{other}' have the same colour"));
            }
        }
    }
}

fn contrast(theme: &ThemeFile, faults: &mut Vec<String>) {
    for role in READ {
        let (text, back) = theme.look(role).full;
        let found = contrast_of(text.unwrap_or(theme.canvas.0), back.unwrap_or(theme.canvas.1));
        if found < LEAST_CONTRAST {
            faults.push(format!(
                "'{role}' has a contrast of {found:.1} with its background, {LEAST_CONTRAST} is the least"
            ));
        }
    }
}

/// Contrast ratio, 1 to 21 (WCAG 2.2).
fn contrast_of(one: Color, other: Color) -> f64 {
    let (a, b) = (luminance(one), luminance(other));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

/// Relative luminance, 0 to 1 (WCAG 2.2).
fn luminance(color: Color) -> f64 {
    let (red, green, blue) = match color {
        Color::Rgb(r, g, b) => (r, g, b),
        Color::Indexed(index) => rgb_of_256(index),
        _ => (255, 255, 255),
    };
    let linear = |channel: u8| {
        let share = f64::from(channel) / 255.0;
        if share <= 0.040_45 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_is_named() {
        let theme: ThemeFile = "name = 'x'\nforeground = '#ffffff'\nbackground = '#000000'\n\
             [palette]\nred = '#ff6060'\nink = '#101010'\n[roles]\n\
             statsu = {}\naccent = { fg = 'ink' }\n\
             'status.good' = { fg = 'red', fg16 = 'red' }\n'status.bad' = { fg = 'red', fg16 = 'red' }\n\
             'status.warn' = { fg16 = 'yellow' }\n"
            .parse()
            .unwrap();
        assert_eq!(
            lint(&theme),
            [
                "nothing has the role 'statsu'",
                "there is no role 'text', which every other falls back to",
                "'status.unknown' does not say its colour of sixteen (fg16)",
                "'status.good' and 'status.bad' have the same colour of sixteen",
                "'status.good' and 'status.bad' have the same colour",
                "'status.warn' and 'status.unknown' have the same colour",
                "'accent' has a contrast of 1.1 with its background, 4.5 is the least",
            ]
        );
    }

    #[test]
    fn of_sixteen_colours_none_is_taken_that_is_as_light_or_as_dark_as_the_ground() {
        let of = |ground: &str, colour: &str| {
            let theme = format!(
                "name = 'x'\nforeground = '#777777'\nbackground = '{ground}'\n[roles]\ntext = {{ fg16 = '{colour}' }}\n"
            );
            let faults = lint(&theme.parse().unwrap());
            faults.into_iter().filter(|fault| fault.starts_with("'text' is") && fault.ends_with(" ground")).count()
        };
        assert_eq!(of("#ffffff", "light-yellow"), 1);
        assert_eq!((of("#ffffff", "blue"), of("#101010", "light-yellow"), of("#101010", "black")), (0, 0, 1));
    }

    #[test]
    fn black_on_white_has_the_greatest_contrast() {
        assert!((contrast_of(Color::Rgb(0, 0, 0), Color::Rgb(255, 255, 255)) - 21.0).abs() < 1e-9);
    }
}
