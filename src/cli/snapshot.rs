//! `snapshot`: one screen, drawn once. Opens the view and writes what the painter made; how it is painted is elsewhere.

use std::{fs, io::Write, path::Path};

use crate::{
    app::model::{Model, RowKey, Screen},
    cli::{
        args::SnapshotArgs,
        exit::CliError,
        target,
        value::{Snapshotted, View},
    },
    domain::verb::Verb,
    port::plan::Target,
};

/// Whoever can draw the model.
pub trait Painter {
    /// The visible screen at the model's size, in this form.
    fn paint(&self, model: &Model, form: Snapshotted) -> Result<String, String>;
}

/// Makes the view visible at the size that was asked for, as if somebody had gone there.
pub fn open(model: &mut Model, args: &SnapshotArgs) -> Result<(), CliError> {
    model.size = (args.size.columns, args.size.rows);
    match &args.view {
        View::Board => {}
        View::Inbox => model.nav.open(Screen::Inbox),
        View::Release(name) => {
            // Any verb of rollouts finds the rollout of that name.
            let Target::Rollout(id) = target::resolve(model, Verb::Pause, name)? else {
                return Err(CliError::usage(format!("'{name}' is not a rollout: only those have a release screen")));
            };
            model.nav.selected = Some(RowKey::InFlight(id.clone()));
            model.nav.open(Screen::Release(id));
        }
    }
    Ok(())
}

/// Draws what is visible to the file that was named, else to `out`.
pub fn print(model: &Model, args: &SnapshotArgs, painter: &dyn Painter, out: &mut dyn Write) -> Result<(), CliError> {
    let mut text = painter.paint(model, args.format).map_err(CliError::failed)?;
    if !text.ends_with('\n') {
        text.push('\n');
    }
    match &args.out {
        Some(path) => write_file(path, &text),
        None => Ok(out.write_all(text.as_bytes())?),
    }
}

fn write_file(path: &Path, text: &str) -> Result<(), CliError> {
    fs::write(path, text).map_err(|e| CliError::failed(format!("cannot write {}: {e}", path.display())))
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
    }

    #[test]
    fn the_view_that_was_asked_for_is_drawn_at_its_size_to_the_file_that_was_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("inbox.svg");
        let args = args(&format!("holdshort snapshot --view inbox --size 80x24 --format svg --out {}", path.display()));
        let mut model = sample::model();
        open(&mut model, &args).unwrap();
        let mut out = Vec::new();
        print(&model, &args, &Names, &mut out).unwrap();
        assert_eq!((out, fs::read_to_string(path).unwrap()), (Vec::new(), "Inbox (80, 24) Svg\n".to_owned()));
    }

    #[test]
    fn a_release_is_opened_by_name_and_an_ambiguous_one_lists_the_candidates() {
        let mut model = sample::model();
        open(&mut model, &args("holdshort snapshot --view release:payments@prod/eu")).unwrap();
        assert_eq!(model.nav.screen(), &Screen::Release(sample::payments("eu")));
        let error = open(&mut sample::model(), &args("holdshort snapshot --view release:payments")).unwrap_err();
        assert!(error.text.contains("payments@prod/us"), "{error}");
    }
}
