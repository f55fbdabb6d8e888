//! `doctor`: what keeps this configuration from working here, connection by connection, and what mends it. As text for people and as
//! `holdshort/doctor/v1` for scripts. What was found out is handed in; nothing is asked here.

use std::io::Write;

use clap::Args;
use serde::Serialize;

use crate::{
    cli::{
        exit::{CliError, Exit},
        json,
        table::Layout,
    },
    domain::time::Timestamp,
    port::examine::{Finding, Grade},
};

/// `doctor`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct DoctorArgs {
    /// Print the least rights that are needed, to look and to act, as their systems take them; asks nobody
    #[arg(long, conflicts_with = "json")]
    pub rbac: bool,
    /// As JSON (`holdshort/doctor/v1`)
    #[arg(long)]
    pub json: bool,
}

/// `holdshort/doctor/v1`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Doctor {
    /// `holdshort/doctor/v1`.
    pub schema: &'static str,
    /// When this was so.
    pub now: Timestamp,
    /// Each connection, by name.
    pub connections: Vec<Examined>,
    /// What is found on this machine.
    pub here: Vec<Finding>,
    /// The exit code: 1 where anything is broken.
    pub exit: u8,
}

/// One connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Examined {
    /// Its name.
    pub name: String,
    /// The kind of system.
    pub system: String,
    /// What was found, in the order in which it was looked for.
    pub findings: Vec<Finding>,
}

impl Doctor {
    /// All that was found.
    pub fn of(now: Timestamp, connections: Vec<Examined>, here: Vec<Finding>) -> Self {
        let found = connections.iter().flat_map(|one| &one.findings).chain(&here);
        let exit = if found.map(|one| one.grade).max() == Some(Grade::Broken) { Exit::Failed } else { Exit::Done };
        Self { schema: "holdshort/doctor/v1", now, connections, here, exit: exit.code() }
    }

    fn ended(&self) -> Exit {
        if self.exit == Exit::Failed.code() { Exit::Failed } else { Exit::Done }
    }
}

/// Prints what was found. What is broken ends it with 1, whoever reads.
pub fn print(doctor: &Doctor, as_json: bool, layout: Layout, out: &mut dyn Write) -> Result<Exit, CliError> {
    doctor.ended().whoever_reads(if as_json { json::print(doctor, out) } else { text(doctor, layout, out) })
}

fn text(doctor: &Doctor, layout: Layout, out: &mut dyn Write) -> Result<(), CliError> {
    let here = [("this machine".to_owned(), doctor.here.as_slice())];
    let connections = doctor.connections.iter().map(|one| (format!("{} ({})", one.name, one.system), &*one.findings));
    for (whose, findings) in connections.chain(here) {
        match layout {
            Layout::Columns => below(&whose, findings, out)?,
            Layout::Lines => beside(&whose, findings, out)?,
        }
    }
    let all = || doctor.connections.iter().flat_map(|one| &one.findings).chain(&doctor.here);
    let count = |grade| all().filter(|one| one.grade == grade).count();
    let (broken, limited, unknown) = (count(Grade::Broken), count(Grade::Limited), count(Grade::Unknown));
    writeln!(out, "{broken} broken, {limited} limited, {unknown} not known")?;
    Ok(())
}

/// What was found of a connection below its name, and what mends it below that.
fn below(whose: &str, findings: &[Finding], out: &mut dyn Write) -> Result<(), CliError> {
    writeln!(out, "{whose}")?;
    let width = findings.iter().map(|one| one.about.chars().count()).max().unwrap_or_default();
    for one in findings {
        writeln!(out, "  {:<8} {:<width$}  {}", word(one.grade), one.about, one.said)?;
        if let Some(way) = &one.way {
            writeln!(out, "  {:<8} {:<width$}  mend it: {way}", "", "")?;
        }
    }
    Ok(())
}

/// The same for whoever hears it: each line says what it is of.
fn beside(whose: &str, findings: &[Finding], out: &mut dyn Write) -> Result<(), CliError> {
    for one in findings {
        let way = one.way.as_ref().map(|way| format!("; mend it: {way}")).unwrap_or_default();
        writeln!(out, "{whose}: {}: {}: {}{way}", one.about, word(one.grade), one.said)?;
    }
    Ok(())
}

fn word(grade: Grade) -> &'static str {
    match grade {
        Grade::Good => "good",
        Grade::Unknown => "unknown",
        Grade::Limited => "limited",
        Grade::Broken => "BROKEN",
    }
}

/// Prints the least rights of each connection that has such a text: name, to look, to act.
pub fn rights(all: &[(String, String, String)], out: &mut dyn Write) -> Result<Exit, CliError> {
    if all.is_empty() {
        return Err(CliError::usage("no connection is of a system whose rights can be written down"));
    }
    for (name, look, act) in all {
        out.write_all(format!("# {name}: to look only\n{look}# {name}: to look and to act\n{act}").as_bytes())?;
    }
    Ok(Exit::Done)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::cli::sample;

    fn doctor(grade: Grade) -> Doctor {
        let findings = vec![
            Finding::good("reached", "it answers"),
            Finding::of(grade, "rights to act", "you may not patch things", "a rule"),
        ];
        let connections = vec![Examined { name: "eu".into(), system: "cluster".into(), findings }];
        Doctor::of(sample::at(0), connections, vec![Finding::good("journal", "can be written")])
    }

    fn said(grade: Grade, as_json: bool) -> (Exit, String) {
        let mut out = Vec::new();
        let exit = print(&doctor(grade), as_json, Layout::Columns, &mut out).unwrap();
        (exit, String::from_utf8(out).unwrap())
    }

    #[test]
    fn what_is_broken_ends_with_1_and_what_is_only_limited_or_not_known_with_0() {
        for (grade, exit) in [(Grade::Good, 0), (Grade::Unknown, 0), (Grade::Limited, 0), (Grade::Broken, 1)]
            .map(|(grade, code)| (grade, code))
        {
            assert_eq!(said(grade, false).0.code(), exit, "{grade:?}");
        }
        assert_eq!(print(&doctor(Grade::Broken), true, Layout::Columns, &mut sample::Closed), Ok(Exit::Failed));
    }

    #[test]
    fn each_finding_is_a_line_and_what_mends_it_stands_below() {
        let expected = "eu (cluster)\
                        \n  good     reached        it answers\
                        \n  BROKEN   rights to act  you may not patch things\
                        \n                          mend it: a rule\
                        \nthis machine\
                        \n  good     journal  can be written\
                        \n1 broken, 0 limited, 0 not known\n";
        assert_eq!(said(Grade::Broken, false).1, expected);
    }

    #[test]
    fn where_lines_are_asked_for_each_says_what_it_is_of() {
        let mut out = Vec::new();
        print(&doctor(Grade::Broken), false, Layout::Lines, &mut out).unwrap();
        let expected = "eu (cluster): reached: good: it answers\
                        \neu (cluster): rights to act: BROKEN: you may not patch things; mend it: a rule\
                        \nthis machine: journal: good: can be written\
                        \n1 broken, 0 limited, 0 not known\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    #[test]
    fn the_json_says_the_same() {
        let read: Value = serde_json::from_str(&said(Grade::Limited, true).1).unwrap();
        let expected = json!({
            "schema": "holdshort/doctor/v1", "now": "2026-03-10T02:07:00Z", "exit": 0,
            "connections": [{"name": "eu", "system": "cluster", "findings": [
                {"about": "reached", "grade": "good", "said": "it answers", "way": null},
                {"about": "rights to act", "grade": "limited", "said": "you may not patch things", "way": "a rule"},
            ]}],
            "here": [{"about": "journal", "grade": "good", "said": "can be written", "way": null}],
        });
        assert_eq!(read, expected);
    }
}
