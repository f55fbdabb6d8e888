//! Model to pictures: the same view and theme for the terminal, for `snapshot` and for `replay`.

use std::collections::BTreeMap;

use ratatui::{buffer::Buffer, layout::Rect};

use crate::{
    app::{drawn::Extent, model::Model},
    cli::{
        args::Globals,
        color,
        exit::CliError,
        snapshot::{LineOut, Painter, RunOut},
        value::Snapshotted,
    },
    config::schema::Config,
    keymap::Keymap,
    theme::{self, Depth, Glyphs, Theme, ThemeFile, lint::lint},
    ui, view,
};

/// Whatever the flags, the environment and the configuration say of colours and glyphs.
pub(super) fn theme(
    globals: &Globals,
    config: Option<&Config>,
    environment: &BTreeMap<String, String>,
    is_terminal: bool,
) -> Result<Theme, CliError> {
    let depth = depth(globals, environment, is_terminal);
    let glyphs = glyphs(globals, environment, is_terminal);
    let name = chosen(globals, config).unwrap_or(if says_light(environment) == Some(true) { LIGHT } else { DARK });
    Theme::named(name, depth, glyphs).ok_or_else(|| no_theme(name))
}

/// That no theme is called so.
pub(super) fn no_theme(name: &str) -> CliError {
    CliError::usage(format!("there is no theme '{name}': `holdshort themes list` shows them"))
}

/// The theme of a picture in a file: whoever looks at it does so elsewhere, so this terminal and its locale say nothing of it. In colour
/// and with all signs, unless a flag or `NO_COLOR` says otherwise.
pub(super) fn pictured(
    globals: &Globals,
    config: Option<&Config>,
    environment: &BTreeMap<String, String>,
) -> Result<Theme, CliError> {
    let mut elsewhere = environment.clone();
    let here = ["TERM", "COLORTERM", "COLORFGBG", "CLICOLOR", "LC_ALL", "LC_CTYPE", "LANG"];
    elsewhere.retain(|name, _| !here.contains(&name.as_str()));
    elsewhere.insert("TERM".to_owned(), "xterm-direct".to_owned());
    theme(globals, config, &elsewhere, true)
}

/// The theme that somebody chose: by a flag, in the environment, in the configuration.
fn chosen<'a>(globals: &'a Globals, config: Option<&'a Config>) -> Option<&'a str> {
    globals.theme.as_deref().filter(|name| !name.is_empty()).or_else(|| config?.theme.as_deref())
}

/// What the cockpit is drawn with.
pub(super) struct Dress {
    /// From the first frame on.
    pub(super) theme: Theme,
    /// From the moment on at which the terminal says that it is light; `None` where it need not be asked.
    pub(super) light: Option<Theme>,
}

/// As [`theme()`], for a terminal that may be asked: where nobody chose one and its environment does not say what it looks like.
pub(super) fn dress(
    globals: &Globals,
    config: Option<&Config>,
    environment: &BTreeMap<String, String>,
) -> Result<Dress, CliError> {
    let theme = theme(globals, config, environment, true)?;
    let (depth, glyphs) = (depth(globals, environment, true), theme.glyphs);
    let open = chosen(globals, config).is_none() && says_light(environment).is_none() && depth != Depth::None;
    // The Linux console has no answer and takes some of the question for a command of its own.
    let asked = open && environment.get("TERM").is_some_and(|term| !term.starts_with("linux"));
    Ok(Dress { theme, light: if asked { Theme::named(LIGHT, depth, glyphs) } else { None } })
}

/// The themes where nobody chose one.
const DARK: &str = "dark";
const LIGHT: &str = "light";

/// Does the terminal's environment say that its background is light? Some do, as two or three numbers of the sixteen colours, the
/// last of them the background's (`COLORFGBG=0;15`). `None` where it says nothing.
fn says_light(environment: &BTreeMap<String, String>) -> Option<bool> {
    let last: u8 = environment.get("COLORFGBG")?.rsplit(';').next()?.parse().ok()?;
    Some(matches!(last, 7 | 15))
}

/// Which characters are drawn: what the terminal can show. A locale that somebody named says so, none at all says nothing; the
/// Linux console has a font of a few hundred signs, and no braille in it.
pub(super) fn glyphs(globals: &Globals, environment: &BTreeMap<String, String>, is_terminal: bool) -> Glyphs {
    let of = |name: &&str| environment.get(*name).map(String::as_str).filter(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(of).map(str::to_ascii_lowercase);
    let narrow = locale.is_some_and(|locale| !locale.contains("utf-8") && !locale.contains("utf8"));
    let ascii = match of(&"TERM") {
        Some("dumb") => true,
        term => is_terminal && (narrow || term.is_some_and(|term| term == "linux" || term.starts_with("linux-"))),
    };
    if globals.ascii || ascii { Glyphs::Ascii } else { Glyphs::Unicode }
}

/// How many colours are used: what the terminal can, and on a slow line no more than are said in few bytes.
fn depth(globals: &Globals, environment: &BTreeMap<String, String>, is_terminal: bool) -> Depth {
    let of = |name: &str| environment.get(name).map(String::as_str);
    if !color::colors(globals.color, environment, is_terminal) {
        return Depth::None;
    }
    let can = Depth::of(None, of("TERM"), of("COLORTERM"));
    if globals.slow { can.min(Depth::Ansi256) } else { can }
}

/// Draws a model into a buffer, and says how much of it there was room for.
pub(super) fn paint(model: &Model, keymap: &Keymap, theme: &Theme, area: Rect, buffer: &mut Buffer) -> Extent {
    ui::draw(&view::view(model, keymap), theme, area, buffer)
}

/// Draws for `snapshot`.
pub(super) struct Pictures {
    pub(super) keymap: Keymap,
    pub(super) theme: Theme,
}

impl Painter for Pictures {
    fn paint(&self, model: &Model, form: Snapshotted) -> Result<String, String> {
        let area = Rect::new(0, 0, model.size.0, model.size.1);
        let mut buffer = Buffer::empty(area);
        paint(model, &self.keymap, &self.theme, area, &mut buffer);
        Ok(match form {
            Snapshotted::Txt => ui::text::plain(&buffer),
            Snapshotted::Ansi => ui::text::ansi(&buffer),
            Snapshotted::Svg => ui::svg::svg(&buffer, &self.theme),
            // `cli::snapshot` neither draws a PNG nor asks for JSON as a drawing.
            Snapshotted::Png | Snapshotted::Json => return Err(format!("{form:?} is not drawn")),
        })
    }

    fn lines(&self, model: &Model) -> Vec<LineOut> {
        let run = |run: ui::runs::Run| RunOut {
            column: run.column,
            cells: run.cells,
            role: run.role,
            selected: run.selected,
        };
        let line = |row: ui::runs::Row| LineOut { text: row.text, runs: row.runs.into_iter().map(run).collect() };
        let rows = ui::runs::runs(&view::view(model, &self.keymap), self.theme.glyphs, model.size);
        rows.into_iter().map(line).collect()
    }
}

/// What a theme that comes with the program says of itself: its first comment.
pub(super) fn about(name: &str) -> String {
    let text = theme::built_in(name).unwrap_or_default();
    text.lines().next().unwrap_or_default().trim_start_matches(['#', ' ']).to_owned()
}

/// What is wrong with a theme, each as a sentence.
pub(super) fn faults(text: &str) -> Vec<String> {
    match text.parse::<ThemeFile>() {
        Ok(file) => lint(&file),
        Err(error) => vec![error.to_string()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::parse;

    #[test]
    fn a_terminal_that_says_it_is_light_gets_the_light_theme_unless_somebody_chose_one() {
        let of = |colors: &str| says_light(&BTreeMap::from([("COLORFGBG".to_owned(), colors.to_owned())]));
        assert_eq!(["0;15", "0;default;15", "8;7"].map(of), [Some(true); 3]);
        assert_eq!(["15;0", "15;default;0"].map(of), [Some(false); 2]);
        assert_eq!(["0;default", ""].map(of), [None; 2]);
        assert_eq!(says_light(&BTreeMap::new()), None);
        assert!([DARK, LIGHT].iter().all(|name| theme::built_in(name).is_some()));
    }

    #[test]
    fn only_a_terminal_of_which_nothing_is_known_is_asked_and_a_chosen_theme_wins() {
        let of = |line: &str, variables: &[(&str, &str)]| {
            let environment = [("TERM", "xterm-256color")].iter().chain(variables);
            let environment = environment.map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
            let dress = dress(&parse(line.split(' ')).unwrap().globals, None, &environment).unwrap();
            let name = theme::names().find(|name| {
                let depth = Depth::of(environment.get("NO_COLOR").map(String::as_str), Some("xterm-256color"), None);
                Theme::named(name, depth, dress.theme.glyphs).as_ref() == Some(&dress.theme)
            });
            (name, dress.light.is_some())
        };
        assert_eq!(of("holdshort", &[]), (Some(DARK), true));
        assert_eq!(of("holdshort", &[("COLORFGBG", "0;15")]), (Some(LIGHT), false));
        assert_eq!(of("holdshort", &[("COLORFGBG", "15;0")]), (Some(DARK), false));
        assert_eq!(of("holdshort --theme light", &[("COLORFGBG", "15;0")]), (Some(LIGHT), false));
        assert_eq!(of("holdshort --theme dark", &[]), (Some(DARK), false));
        assert_eq!(of("holdshort", &[("NO_COLOR", "1")]), (Some(DARK), false));
        assert!(!of("holdshort", &[("TERM", "linux")]).1);
    }

    #[test]
    fn a_picture_is_in_colour_wherever_it_is_drawn_unless_somebody_says_otherwise() {
        let of = |line: &str, variables: &[(&str, &str)]| {
            let environment = variables.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
            pictured(&parse(line.split(' ')).unwrap().globals, None, &environment).unwrap()
        };
        let theme = |name, depth, glyphs| Theme::named(name, depth, glyphs).unwrap();
        let dark = theme(DARK, Depth::True, Glyphs::Unicode);
        assert_eq!(of("holdshort", &[]), dark);
        assert_eq!(of("holdshort", &[("TERM", "dumb"), ("LANG", "C"), ("COLORFGBG", "0;15")]), dark);
        assert_eq!(of("holdshort --theme light", &[]), theme(LIGHT, Depth::True, Glyphs::Unicode));
        let plain = theme(DARK, Depth::None, Glyphs::Unicode);
        assert_eq!([of("holdshort --color never", &[]), of("holdshort", &[("NO_COLOR", "1")])], [plain.clone(), plain]);
        assert_eq!(of("holdshort --ascii", &[]), theme(DARK, Depth::True, Glyphs::Ascii));
    }

    #[test]
    fn a_slow_line_gets_colours_that_are_said_in_few_bytes() {
        let of = |line: &str, colorterm: &str| {
            let environment = [("TERM", "xterm-256color"), ("COLORTERM", colorterm)];
            let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
            let cli = parse(line.split(' ')).unwrap();
            depth(&cli.globals, &environment.into_iter().collect(), true)
        };
        let lines = ["holdshort", "holdshort --slow", "holdshort --slow --color never"];
        assert_eq!(lines.map(|line| of(line, "truecolor")), [Depth::True, Depth::Ansi256, Depth::None]);
        assert_eq!(lines.map(|line| of(line, "")), [Depth::Ansi256, Depth::Ansi256, Depth::None]);
    }

    #[test]
    fn a_terminal_or_a_locale_that_cannot_show_what_is_drawn_gets_ascii() {
        let of = |variables: &[(&str, &str)], is_terminal: bool| {
            let environment = variables.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
            glyphs(&parse(["holdshort"]).unwrap().globals, &environment, is_terminal) == Glyphs::Ascii
        };
        for (variables, ascii) in [
            (&[("LC_ALL", "C"), ("LANG", "en_US.UTF-8")][..], true),
            (&[("LC_ALL", ""), ("LC_CTYPE", "de_DE.ISO-8859-15")], true),
            (&[("LANG", "POSIX")], true),
            (&[("LC_CTYPE", "C.utf8"), ("LANG", "C")], false),
            (&[("LANG", "en_US.UTF-8"), ("TERM", "linux")], true),
            (&[("LANG", "en_US.UTF-8"), ("TERM", "xterm-256color")], false),
            (&[], false),
        ] {
            assert_eq!((of(variables, true), of(variables, false)), (ascii, false), "{variables:?}");
        }
        assert!(of(&[("TERM", "dumb")], false));
    }
}
