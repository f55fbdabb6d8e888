//! `snapshot`: one screen, drawn once. Opens the view and writes what the painter made; how it is painted is elsewhere.

use std::{
    fs,
    io::{self, Write},
    path::Path,
};

use serde::Serialize;

use crate::{
    app::model::{Model, Overlay, RowKey, Screen},
    cli::{
        args::SnapshotArgs,
        door::Door,
        exit::CliError,
        json, run, target,
        value::{Snapshotted, View},
    },
    domain::time::Timestamp,
};

/// Whoever can draw the model.
pub trait Painter {
    /// The visible screen at the model's size, in this form.
    fn paint(&self, model: &Model, form: Snapshotted) -> Result<String, String>;

    /// The visible screen at the model's size, line by line.
    fn lines(&self, model: &Model) -> Vec<LineOut>;
}

/// `holdshort/snapshot/v1`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Picture {
    /// `holdshort/snapshot/v1`.
    pub schema: &'static str,
    /// What time it is on the screen.
    pub now: Timestamp,
    /// `board`, `pipelines`, `inbox`, `signals`, `release`, `run` or `logs`.
    pub view: &'static str,
    /// The full id of the rollout that `release` or `logs` shows; else `null`.
    pub rollout: Option<String>,
    /// The full id of the run that `run` shows; else `null`.
    pub run: Option<String>,
    /// What lies over it: `help`, `why`, `drift`, `card`, `refused`, `menu`, `palette` or `address`; `null` for nothing.
    pub overlay: Option<&'static str>,
    /// How wide it is.
    pub columns: u16,
    /// How high it is.
    pub rows: u16,
    /// From the top, one a row.
    pub lines: Vec<LineOut>,
}

/// One row of cells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LineOut {
    /// Its text, without blanks at the end.
    pub text: String,
    /// Stretches of one role.
    pub runs: Vec<RunOut>,
}

/// Neighbouring cells of one role.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RunOut {
    /// The first cell, from 0.
    pub column: u16,
    /// How many cells; a wide character takes two.
    pub cells: u16,
    /// The role's name in a theme; `null` for blank cells of the selected row.
    pub role: Option<&'static str>,
    /// Part of the selected row.
    pub selected: bool,
}

/// The visible screen with its roles.
pub fn picture(model: &Model, lines: Vec<LineOut>) -> Picture {
    let view = match model.nav.screen() {
        Screen::Board => "board",
        Screen::Pipelines => "pipelines",
        Screen::Inbox => "inbox",
        Screen::Signals => "signals",
        Screen::Release(_) => "release",
        Screen::Run(_) => "run",
        Screen::Logs { .. } => "logs",
    };
    let object = model.nav.screen().object();
    let rollout = object.filter(|id| model.store.run(id).is_none()).map(ToString::to_string);
    let run = object.filter(|id| model.store.run(id).is_some()).map(ToString::to_string);
    let overlay = model.nav.overlay.as_ref().map(|overlay| match overlay {
        Overlay::Help => "help",
        Overlay::Why(_) => "why",
        Overlay::Drift(_) => "drift",
        Overlay::Card(_) => "card",
        Overlay::Refused(_) => "refused",
        Overlay::Menu(_) => "menu",
        Overlay::Palette(_) => "palette",
        Overlay::Address(_) => "address",
    });
    let (columns, rows) = model.size;
    Picture { schema: "holdshort/snapshot/v1", now: model.now, view, rollout, run, overlay, columns, rows, lines }
}

/// What cannot be drawn, said before anything is asked of any system.
pub fn check(args: &SnapshotArgs) -> Result<(), CliError> {
    if args.format != Snapshotted::Png {
        return Ok(());
    }
    let svg = args.out.as_deref().map_or_else(|| Path::new("screen.svg").to_owned(), |out| out.with_extension("svg"));
    Err(CliError::usage(format!(
        "a PNG takes fonts, which holdshort does not bring and a bastion seldom has: draw --format svg --out {0} and \
         convert it where there are some, e.g. `rsvg-convert -o {1} {0}`",
        svg.display(),
        svg.with_extension("png").display()
    )))
}

/// Makes the view visible at the size that was asked for, as if somebody had gone there.
pub fn open(model: &mut Model, args: &SnapshotArgs) -> Result<(), CliError> {
    model.size = (args.size.columns, args.size.rows);
    match &args.view {
        View::Board => {}
        View::Pipelines => model.nav.open(Screen::Pipelines),
        View::Inbox => model.nav.open(Screen::Inbox),
        View::Signals => model.nav.open(Screen::Signals),
        View::Run(name) => {
            let id = run::resolve(model, name)?;
            if model.store.run(&id).is_none() {
                return Err(CliError::usage(format!(
                    "'{name}' is too old to be listed: it has no screen; `holdshort run` reads it"
                )));
            }
            model.nav.open(Screen::Run(id));
        }
        View::Release(name) | View::Logs(name) => {
            let id = target::release(model, name)?;
            model.nav.selected = Some(RowKey::Rollout(id.clone()));
            model.nav.open(Screen::Release(id.clone()));
            if matches!(args.view, View::Logs(_)) {
                model.nav.open(Screen::Logs { rollout: id });
            }
        }
    }
    Ok(())
}

/// Draws what is visible to the file that was named, else to `out`.
pub fn print<W: Write>(
    model: &Model,
    args: &SnapshotArgs,
    painter: &dyn Painter,
    out: &mut Door<W>,
) -> Result<(), CliError> {
    let mut text = if args.format == Snapshotted::Json {
        let mut text = Vec::new();
        json::print(&picture(model, painter.lines(model)), &mut text)?;
        String::from_utf8_lossy(&text).into_owned()
    } else {
        painter.paint(model, args.format).map_err(CliError::failed)?
    };
    if !text.ends_with('\n') {
        text.push('\n');
    }
    match &args.out {
        Some(path) => write_file(path, &text),
        None => Ok(out.write_coloured(&text)?),
    }
}

fn write_file(path: &Path, text: &str) -> Result<(), CliError> {
    let failed = |e: io::Error| CliError::failed(format!("cannot write {}: {e}", path.display()));
    Door::new(fs::File::create(path).map_err(failed)?).write_coloured(text).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{args::Command, parse, sample};

    fn args(line: &str) -> SnapshotArgs {
        match parse(line.split(' ')).unwrap().command {
            Some(Command::Snapshot(args)) => args,
            other => panic!("{other:?}"),
        }
    }

    struct Names;

    impl Painter for Names {
        fn paint(&self, model: &Model, form: Snapshotted) -> Result<String, String> {
            Ok(format!("{:?} {:?} {form:?}", model.nav.screen(), model.size))
        }

        fn lines(&self, _: &Model) -> Vec<LineOut> {
            let run = RunOut { column: 1, cells: 2, role: Some("text.strong"), selected: false };
            vec![LineOut { text: " ok".to_owned(), runs: vec![run] }]
        }
    }

    #[test]
    fn the_view_that_was_asked_for_is_drawn_at_its_size_to_the_file_that_was_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("inbox.svg");
        let args = args(&format!("holdshort snapshot --view inbox --size 80x24 --format svg --out {}", path.display()));
        let mut model = sample::model();
        open(&mut model, &args).unwrap();
        let mut out = Door::new(Vec::new());
        print(&model, &args, &Names, &mut out).unwrap();
        assert_eq!(
            (out.into_inner(), fs::read_to_string(path).unwrap()),
            (Vec::new(), "Inbox (80, 24) Svg\n".to_owned())
        );
    }

    #[test]
    fn json_says_what_is_shown_and_the_role_of_each_stretch_of_cells() {
        let args = args("holdshort snapshot --view release:payments@prod/eu --size 80x24 --format json");
        let mut model = sample::model();
        open(&mut model, &args).unwrap();
        let mut out = Door::new(Vec::new());
        print(&model, &args, &Names, &mut out).unwrap();
        assert_eq!(
            serde_json::from_slice::<serde_json::Value>(&out.into_inner()).unwrap(),
            serde_json::json!({
                "schema": "holdshort/snapshot/v1",
                "now": "2026-03-10T02:07:00Z",
                "view": "release",
                "rollout": "eu/argo_rollouts/shop/payments",
                "run": null,
                "overlay": null,
                "columns": 80,
                "rows": 24,
                "lines": [{
                    "text": " ok",
                    "runs": [{"column": 1, "cells": 2, "role": "text.strong", "selected": false}],
                }],
            })
        );
    }

    #[test]
    fn a_png_is_refused_with_the_two_commands_that_make_one() {
        let error = check(&args("holdshort snapshot --format png --out board.png")).unwrap_err();
        assert_eq!(
            error,
            CliError::usage(
                "a PNG takes fonts, which holdshort does not bring and a bastion seldom has: draw --format svg --out \
                 board.svg and convert it where there are some, e.g. `rsvg-convert -o board.png board.svg`"
            )
        );
        assert_eq!(check(&args("holdshort snapshot --format svg")), Ok(()));
    }

    #[test]
    fn a_release_is_opened_by_name_and_an_ambiguous_one_lists_the_candidates() {
        let mut model = sample::model();
        open(&mut model, &args("holdshort snapshot --view release:payments@prod/eu")).unwrap();
        assert_eq!(model.nav.screen(), &Screen::Release(sample::payments("eu")));
        open(&mut model, &args(&format!("holdshort snapshot --view logs:{}", sample::payments("us")))).unwrap();
        assert_eq!(model.nav.screen(), &Screen::Logs { rollout: sample::payments("us") });
        let refused = |view: &str| {
            let error = open(&mut sample::model(), &args(&format!("holdshort snapshot --view {view}"))).unwrap_err();
            error.text().lines().next().unwrap_or_default().to_owned()
        };
        assert_eq!(refused("release:payments"), "'payments' is more than one thing to show; name one:");
        assert_eq!(refused("logs:nosuch"), "there is no 'nosuch' to show; there is:");
    }
}
