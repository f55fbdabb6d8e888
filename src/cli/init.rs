//! `init`: writes a configuration of what was found on this machine. What was found is handed in; here it is told, asked about and
//! written, never over one that is there.

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
};

use clap::Args;

use crate::{
    cli::{
        exit::{CliError, Exit},
        verb::Prompt,
    },
    config::draft::Draft,
    domain::text::clean,
};

/// `init`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct InitArgs {
    /// Ask nothing: take all that was found and can be reached
    #[arg(long, short)]
    pub yes: bool,
    /// Write over a configuration that is there
    #[arg(long)]
    pub force: bool,
}

/// Refuses where there is one already: before anything is asked or looked for.
pub fn must_be_new(path: &Path, args: &InitArgs) -> Result<(), CliError> {
    if args.force || !path.exists() {
        return Ok(());
    }
    let text = format!(
        "{} is there already and stays as it is: `holdshort config check` reads it, --force writes over it, and \
         `--config FILE init` writes another one",
        path.display()
    );
    Err(CliError::usage(text))
}

/// Asks which of what was found is wanted. Nothing is asked with `--yes`; where nobody sits there, that is needed.
pub fn ask(draft: &mut Draft, args: &InitArgs, prompt: Option<Prompt<'_>>) -> Result<(), CliError> {
    if args.yes {
        return Ok(());
    }
    let Some(prompt) = prompt else {
        return Err(CliError::usage("nobody is here to ask: add --yes to take all that is found; nothing was written"));
    };
    for one in draft.connections.iter_mut().filter(|one| one.off.is_none()) {
        let said = prompt(&format!("{}: look at it as connections.{}? [Y/n] ", clean(&one.about), clean(&one.name)))?;
        if matches!(said.trim().to_lowercase().as_str(), "n" | "no") {
            one.off = Some("not wanted".to_owned());
        }
    }
    Ok(())
}

/// Tells what was found and what was not.
pub fn tell(draft: &Draft, err: &mut dyn Write) -> Result<(), CliError> {
    for one in &draft.connections {
        match &one.off {
            None => writeln!(err, "found    {}: {}", one.name, one.about)?,
            Some(why) => writeln!(err, "left out {}: {}: {why}", one.name, one.about)?,
        }
        for note in &one.notes {
            writeln!(err, "         {note}")?;
        }
    }
    for missing in &draft.missing {
        writeln!(err, "missing  {}", missing.lines().next().unwrap_or_default())?;
    }
    Ok(())
}

/// Writes the file by `begin`, which lets nobody else write it, and says what to do next.
pub fn write(
    draft: &Draft,
    path: &Path,
    begin: fn(&Path) -> std::io::Result<File>,
    out: &mut dyn Write,
) -> Result<Exit, CliError> {
    let failed = |why: std::io::Error| CliError::failed(format!("{} cannot be written: {why}", path.display()));
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    begin(path).and_then(|mut file| file.write_all(draft.text().as_bytes())).map_err(failed)?;
    let exit = if draft.connects() { Exit::Done } else { Exit::Failed };
    let next = if draft.connects() {
        "next: `holdshort doctor`, then `holdshort`"
    } else {
        "no connection was found that can be reached: write one there, as it says, or mend the way and `holdshort init --force` looks \
         again; `holdshort demo` needs none"
    };
    let said = writeln!(out, "wrote {}", path.display()).and_then(|()| writeln!(out, "{next}"));
    exit.whoever_reads(said.map_err(CliError::from))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::draft::Drafted;

    fn found() -> Draft {
        let one = |name: &str| Drafted::new(name, "kind", format!("The context {name}"));
        Draft { connections: vec![one("eu"), one("us")], missing: vec!["Metrics: none\nmore".into()] }
    }

    #[test]
    fn whoever_sits_there_is_asked_for_each_and_a_script_must_say_yes() {
        let (mut draft, mut answers) = (found(), vec!["", "n\n"].into_iter());
        let mut says = |_: &str| Ok(answers.next().unwrap_or_default().to_owned());
        ask(&mut draft, &InitArgs::default(), Some(&mut says)).unwrap();
        let off: Vec<bool> = draft.connections.iter().map(|one| one.off.is_some()).collect();
        assert_eq!(off, [false, true]);
        let error = ask(&mut found(), &InitArgs::default(), None).unwrap_err();
        assert_eq!((error.exit, error.text().contains("--yes")), (Exit::Usage, true));
        assert_eq!(ask(&mut found(), &InitArgs { yes: true, force: false }, None), Ok(()));
    }

    #[test]
    fn what_is_there_stays_as_it_is_unless_it_is_forced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/config.toml");
        let args = InitArgs { yes: true, force: false };
        assert_eq!(must_be_new(&path, &args), Ok(()));
        let mut out = Vec::new();
        let begin: fn(&Path) -> std::io::Result<File> = |path| File::create(path);
        assert_eq!(write(&found(), &path, begin, &mut out), Ok(Exit::Done));
        assert!(String::from_utf8(out).unwrap().contains("next: `holdshort doctor`"));
        let error = must_be_new(&path, &args).unwrap_err();
        assert_eq!((error.exit, error.text().contains("--force")), (Exit::Usage, true));
        assert_eq!(must_be_new(&path, &InitArgs { force: true, ..args }), Ok(()));
    }

    #[test]
    fn where_nothing_can_be_reached_it_ends_with_1_and_says_what_was_missing() {
        let folder = tempfile::tempdir().unwrap();
        let mut draft = found();
        draft.connections.iter_mut().for_each(|one| one.off = Some("connection refused".into()));
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let path = folder.path().join("config.toml");
        assert_eq!(write(&draft, &path, |path| File::create(path), &mut out), Ok(Exit::Failed));
        tell(&draft, &mut err).unwrap();
        let said = String::from_utf8(err).unwrap();
        assert!(said.contains("left out eu: The context eu: connection refused\n"), "{said}");
        assert!(said.ends_with("missing  Metrics: none\n"), "{said}");
    }
}
