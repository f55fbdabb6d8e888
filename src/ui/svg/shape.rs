//! Signs as shapes: box drawing, blocks, braille dots, and the few symbols that fonts draw each in their own way.

use std::fmt::Write;

use crate::ui::svg::{HEIGHT, WIDTH};

/// Strokes, in user units.
const LIGHT: f64 = 1.2;
const HEAVY: f64 = 3.0;

/// The shape of a sign whose cell begins there; `None` where letters are drawn as text.
pub(super) fn shape(symbol: &str, x: f64, y: f64) -> Option<String> {
    let mut chars = symbol.chars();
    let (c, None) = (chars.next()?, chars.next()) else { return None };
    if let dots @ 0x2800..=0x28ff = u32::from(c) {
        return Some(braille(dots - 0x2800, x, y));
    }
    arms(c).map(|arms| lines(arms, x, y)).or_else(|| block(c, x, y)).or_else(|| sign(c, x, y))
}

/// Which arms of a cell a box character has (up, down, left, right), and whether they are heavy.
fn arms(c: char) -> Option<([bool; 4], bool)> {
    let from = |arms: &str, heavy| {
        let has = |arm| arms.contains(arm);
        Some(([has('u'), has('d'), has('l'), has('r')], heavy))
    };
    match c {
        '─' => from("lr", false),
        '━' => from("lr", true),
        '│' => from("ud", false),
        '┃' => from("ud", true),
        '┌' | '╭' => from("dr", false),
        '┏' => from("dr", true),
        '┐' | '╮' => from("dl", false),
        '┓' => from("dl", true),
        '└' | '╰' => from("ur", false),
        '┗' => from("ur", true),
        '┘' | '╯' => from("ul", false),
        '┛' => from("ul", true),
        '┤' => from("udl", false),
        '├' => from("udr", false),
        '┴' => from("ulr", false),
        '┬' => from("dlr", false),
        '┼' => from("udlr", false),
        _ => None,
    }
}

fn lines(([up, down, left, right], heavy): ([bool; 4], bool), x: f64, y: f64) -> String {
    let (middle, centre) = (x + WIDTH / 2.0, y + HEIGHT / 2.0);
    let stroke = if heavy { HEAVY } else { LIGHT };
    // Heavy arms reach past the middle, so that corners have no notch.
    let past = if heavy { stroke / 2.0 } else { 0.0 };
    let mut path = String::new();
    for (has, from, to) in [
        (up, (middle, y), (middle, centre + past)),
        (down, (middle, centre - past), (middle, y + HEIGHT)),
        (left, (x, centre), (middle + past, centre)),
        (right, (middle - past, centre), (x + WIDTH, centre)),
    ] {
        if has {
            // Writing to a string cannot fail.
            let _ = write!(path, "M{} {}L{} {}", from.0, from.1, to.0, to.1);
        }
    }
    format!("<path d=\"{path}\" stroke-width=\"{stroke}\" fill=\"none\"/>")
}

fn block(c: char, x: f64, y: f64) -> Option<String> {
    let filled = |x: f64, y: f64, width: f64, height: f64, opacity: f64| {
        let opacity = if opacity < 1.0 { format!(" opacity=\"{opacity}\"") } else { String::new() };
        Some(format!("<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" stroke=\"none\"{opacity}/>"))
    };
    match c {
        // Lower than the cell, so that bars of neighbouring rows do not grow together.
        '█' => filled(x, y + 4.0, WIDTH, HEIGHT - 8.0, 1.0),
        '░' => filled(x, y + 4.0, WIDTH, HEIGHT - 8.0, 0.35),
        '▁'..='▇' => {
            let height = (HEIGHT - 8.0) * f64::from(u32::from(c) - u32::from('▁') + 1) / 8.0;
            filled(x, y + HEIGHT - 4.0 - height, WIDTH - 1.0, height, 1.0)
        }
        '▉'..='▎' => {
            let share = f64::from(7 - (u32::from(c) - u32::from('▉'))) / 8.0;
            filled(x, y + 4.0, WIDTH * share, HEIGHT - 8.0, 1.0)
        }
        '▏' => filled(x, y + 2.0, 2.0, HEIGHT - 4.0, 1.0),
        '╎' => Some(format!(
            "<path d=\"M{0} {1}V{2}\" stroke-width=\"{LIGHT}\" stroke-dasharray=\"3 3\" fill=\"none\"/>",
            x + WIDTH / 2.0,
            y + 1.5,
            y + HEIGHT
        )),
        _ => None,
    }
}

/// Dots as in the Unicode block: bits 0 to 2 the left three, 3 to 5 the right three, 6 and 7 the lowest.
fn braille(dots: u32, x: f64, y: f64) -> String {
    const PLACES: [(f64, f64); 8] =
        [(0.0, 0.0), (0.0, 1.0), (0.0, 2.0), (1.0, 0.0), (1.0, 1.0), (1.0, 2.0), (0.0, 3.0), (1.0, 3.0)];
    let mut shape = String::new();
    for (bit, (across, down)) in PLACES.iter().enumerate() {
        if dots & (1 << bit) != 0 {
            let (cx, cy) = (x + WIDTH * (0.25 + 0.5 * across), y + HEIGHT * (0.125 + 0.25 * down));
            // Writing to a string cannot fail.
            let _ = write!(shape, "<circle cx=\"{cx}\" cy=\"{cy}\" r=\"1.6\" stroke=\"none\"/>");
        }
    }
    shape
}

fn sign(c: char, x: f64, y: f64) -> Option<String> {
    let (cx, cy) = (x + WIDTH / 2.0, y + HEIGHT / 2.0);
    let stroked = |path: String, stroke: f64| {
        Some(format!(
            "<path d=\"{path}\" stroke-width=\"{stroke}\" stroke-linecap=\"round\" stroke-linejoin=\"round\" fill=\"none\"/>"
        ))
    };
    let filled = |path: String| Some(format!("<path d=\"{path}\" stroke=\"none\"/>"));
    let at = |dx: f64, dy: f64| format!("{} {}", cx + dx, cy + dy);
    match c {
        '✖' => stroked(format!("M{}L{}M{}L{}", at(-3.2, -3.2), at(3.2, 3.2), at(-3.2, 3.2), at(3.2, -3.2)), 2.4),
        '✔' => stroked(format!("M{}L{}L{}", at(-3.4, 0.4), at(-0.8, 3.4), at(3.8, -4.2)), 2.2),
        '●' => Some(format!("<circle cx=\"{cx}\" cy=\"{cy}\" r=\"3.8\" stroke=\"none\"/>")),
        '○' => Some(format!("<circle cx=\"{cx}\" cy=\"{cy}\" r=\"3.4\" stroke-width=\"1.5\" fill=\"none\"/>")),
        '◌' => Some(format!(
            "<circle cx=\"{cx}\" cy=\"{cy}\" r=\"3.4\" stroke-width=\"1.2\" stroke-dasharray=\"2 2\" fill=\"none\"/>"
        )),
        '◷' => {
            let hands = format!("M{}L{}L{}", at(0.0, -3.6), at(0.0, 0.0), at(3.2, 0.0));
            stroked(hands, 1.2).map(|hands| {
                format!("<circle cx=\"{cx}\" cy=\"{cy}\" r=\"3.9\" stroke-width=\"1.2\" fill=\"none\"/>{hands}")
            })
        }
        '▲' => filled(format!("M{}L{}L{}Z", at(0.0, -4.2), at(4.2, 3.4), at(-4.2, 3.4))),
        '▼' => filled(format!("M{}L{}L{}Z", at(0.0, 4.2), at(4.2, -3.4), at(-4.2, -3.4))),
        '→' => stroked(
            format!("M{}L{}M{}L{}L{}", at(-4.0, 0.0), at(4.0, 0.0), at(1.2, -2.8), at(4.0, 0.0), at(1.2, 2.8)),
            1.4,
        ),
        '›' => stroked(format!("M{}L{}L{}", at(-1.6, -3.6), at(1.8, 0.0), at(-1.6, 3.6)), 1.8),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_blocks_dots_and_signs_have_shapes_and_letters_have_none() {
        for symbol in [
            "─", "┏", "╯", "┤", "█", "░", "▏", "╎", "⣿", "✖", "✔", "◷", "●", "○", "◌", "▁", "▇", "▌", "▎", "▲", "▼",
            "→", "›",
        ] {
            assert!(shape(symbol, 0.0, 0.0).is_some(), "{symbol}");
        }
        for symbol in ["a", "%", "支", "é", " ", ""] {
            assert_eq!(shape(symbol, 0.0, 0.0), None, "{symbol}");
        }
    }

    #[test]
    fn a_braille_cell_has_a_dot_for_each_bit() {
        assert_eq!(shape("⣿", 0.0, 0.0).unwrap().matches("<circle").count(), 8);
        assert_eq!(shape("⠁", 0.0, 0.0).unwrap(), "<circle cx=\"2.25\" cy=\"2.5\" r=\"1.6\" stroke=\"none\"/>");
    }
}
