//! `judge`: judges cases that are handed in, one answer a line, in order. The judges are `judge`'s; here are their cases and
//! answers in JSON (`docs/judge.md`).

mod aca;
pub mod args;
mod case;
mod input;
mod kayenta;
mod sequential;
mod wire;
mod words;

use std::{
    fs,
    io::{self, BufWriter, Read, Write},
    path::Path,
};

use crate::{
    cli::{
        exit::{CliError, Exit},
        json,
        judge::{args::JudgeArgs, case::Answer, input::Cases},
    },
    domain::text::one_line,
};

/// What every answer is.
const SCHEMA: &str = "holdshort/judge/v1";
/// Answers are gathered up to this size, in bytes, unless the next case must be waited for.
const GATHERED: usize = 1 << 16;

/// Judges what the arguments name, or standard input. Exit code 0 if every case was answered, 2 if any was malformed.
pub fn run(args: &JudgeArgs, stdin: &mut dyn Read, out: &mut dyn Write, err: &mut dyn Write) -> Result<Exit, CliError> {
    let mut printer = Printer { json: args.json, out: BufWriter::with_capacity(GATHERED, out), cases: 0, malformed: 0 };
    match (args.kayenta.as_slice(), args.file.as_deref()) {
        ([config, pairs], _) => files(config, pairs, &mut printer, err)?,
        (_, Some(file)) if file != Path::new("-") => {
            let opened = fs::File::open(file).map_err(|why| unreadable(file, &why))?;
            stream(opened, &file.display().to_string(), &mut printer)?;
        }
        _ => stream(stdin, "standard input", &mut printer)?,
    }
    printer.out.flush()?;
    let (cases, malformed) = (printer.cases, printer.malformed);
    if cases == 0 {
        // Nobody may take silence for consent.
        writeln!(err, "holdshort: there was no case to judge")?;
        return Ok(Exit::NoData);
    }
    if malformed == 0 {
        return Ok(Exit::Done);
    }
    let which = if cases == 1 { "the case is".to_owned() } else { format!("{malformed} of {cases} cases are") };
    Err(CliError::usage(format!("{which} malformed: the answer says where")))
}

/// Answers each case as it comes.
fn stream(input: impl Read, named: &str, printer: &mut Printer<'_>) -> Result<(), CliError> {
    let mut cases = Cases::of(input);
    let unreadable = |why: io::Error| CliError::usage(format!("cannot read {named}: {why}"));
    while let Some((line, text)) = cases.next().map_err(unreadable)? {
        let answer = Answer::to(text, line);
        printer.print(&answer, line)?;
        if cases.must_wait() {
            printer.out.flush()?;
        }
    }
    Ok(())
}

/// Answers the one case in Kayenta's two files.
fn files(config: &Path, pairs: &Path, printer: &mut Printer<'_>, err: &mut dyn Write) -> Result<(), CliError> {
    let text = |file: &Path| fs::read(file).map_err(|why| unreadable(file, &why));
    let (config_text, pairs_text) = (text(config)?, text(pairs)?);
    let (config, pairs) = (config.display().to_string(), pairs.display().to_string());
    let answer = match kayenta::judged((&config, &config_text), (&pairs, &pairs_text)) {
        Ok(judged) => {
            for warning in judged.warnings {
                writeln!(err, "holdshort: {warning}")?;
            }
            Answer::Aca(Box::new(judged.answer))
        }
        Err(wrong) => Answer::malformed(None, 1, &wrong),
    };
    printer.print(&answer, 1)
}

fn unreadable(file: &Path, why: &io::Error) -> CliError {
    CliError::usage(format!("cannot read {}: {why}", file.display()))
}

/// Prints answers and counts them.
struct Printer<'a> {
    json: bool,
    out: BufWriter<&'a mut dyn Write>,
    cases: u64,
    malformed: u64,
}

impl Printer<'_> {
    fn print(&mut self, answer: &Answer, line: u64) -> Result<(), CliError> {
        self.cases += 1;
        self.malformed += u64::from(answer.is_malformed());
        if self.json {
            json::print_line(answer, &mut self.out)?;
        } else {
            // The buffer lies before the door, which then sees bytes and no lines.
            writeln!(self.out, "{}", one_line(&answer.words(line)))?;
        }
        Ok(())
    }
}
