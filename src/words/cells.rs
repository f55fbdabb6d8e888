//! How far a version has come among the cells of a service, and which of them are behind.

use std::time::Duration;

use crate::domain::{
    cell::{Cell, Cells, Standing},
    time::{Timestamp, age},
    version::Version,
};

/// Cells that a sentence names.
const NAMED: usize = 3;

/// `all 3 cells`; `1 of 3 cells: us-east-1 old (1.41.3 since 2 d), eu-west-1 at 25 %`: what is unknown or worst first. Without `now` it
/// says no ages.
pub fn cells(cells: &Cells, version: &Version, now: Option<Timestamp>) -> String {
    let count = cells.count(version);
    if count.is_all() {
        return format!("all {} cells", count.of);
    }
    let mut behind: Vec<(u8, String)> = cells
        .all
        .iter()
        .filter_map(|cell| {
            let standing = cell.standing(version);
            Some((order(&standing)?, format!("{} {}", cells.name(cell), in_cell(&standing, version, now))))
        })
        .collect();
    behind.sort_by_key(|(order, _)| *order);
    let more = behind.len().saturating_sub(NAMED);
    let mut said: Vec<String> = behind.into_iter().take(NAMED).map(|(_, said)| said).collect();
    if more > 0 {
        said.push(format!("{more} more"));
    }
    format!("{} of {} cells: {}", count.has, count.of, said.join(", "))
}

/// `1.42.0 is in 1 of 3 cells: …`; where nobody can say which version that is about, what each of them runs.
pub fn whole(all: &Cells, now: Option<Timestamp>) -> String {
    let Some(version) = all.release() else {
        let each = all.all.iter().map(|cell| format!("{} {}", all.name(cell), runs(cell)));
        return format!("{} cells differ: {}", all.all.len(), each.collect::<Vec<_>>().join(", "));
    };
    format!("{} is in {}", version.tag, cells(all, version, now))
}

/// `1.41.3`, `1.41.3 to 1.42.0`.
fn runs(cell: &Cell) -> String {
    let tag = |version: Option<&Version>| version.map_or_else(|| "?".to_owned(), Version::short_tag);
    match cell.arrives() {
        _ if cell.unread.is_some() || cell.shares.iter().any(|share| share.unknown.is_some()) => "unknown".to_owned(),
        Some(arrives) => format!("{} to {}", tag(cell.serves()), tag(arrives.version.as_ref())),
        None => tag(cell.serves()),
    }
}

/// Which is said first; `None` for what has it.
fn order(standing: &Standing) -> Option<u8> {
    Some(match standing {
        Standing::Has { .. } => return None,
        Standing::Unknown(_) => 0,
        Standing::TakenBack { .. } => 1,
        Standing::Other { .. } => 2,
        Standing::Yields { .. } => 3,
        Standing::Arrives { .. } => 4,
    })
}

/// How a version stands in one cell: `old (1.41.3 since 2 d)`, `at 25 %`, `unknown (us was not read)`.
pub fn in_cell(standing: &Standing, version: &Version, now: Option<Timestamp>) -> String {
    let since = |since: &Option<Timestamp>| {
        let at = now.zip(*since);
        at.map_or_else(String::new, |(now, since)| format!(" since {}", Ago(age(now, since))))
    };
    match standing {
        Standing::Has { since: at } => format!("has it{}", since(at)),
        Standing::Arrives { percent: Some(percent) } => format!("at {percent} %"),
        Standing::Arrives { percent: None } => "on its way, share unknown".to_owned(),
        Standing::Yields { to: Some(to) } => format!("leaves it for {}", to.tag),
        Standing::Yields { to: None } => "leaves it".to_owned(),
        Standing::TakenBack { runs: Some(runs) } => format!("took it back ({} serves)", runs.tag),
        Standing::TakenBack { runs: None } => "took it back".to_owned(),
        Standing::Other { runs, since: at } => {
            let older = runs.numbers().zip(version.numbers()).is_some_and(|(runs, version)| runs < version);
            let name = if runs.tag == version.tag { runs.to_string() } else { runs.tag.clone() };
            if older { format!("old ({name}{})", since(at)) } else { format!("runs {name}{}", since(at)) }
        }
        Standing::Unknown(why) => format!("unknown ({why})"),
    }
}

/// How long ago: `48 s`, `12 min`, `14 h`, `3 d`.
struct Ago(Duration);

impl std::fmt::Display for Ago {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0.as_secs() {
            s @ 0..60 => write!(f, "{s} s"),
            s @ 60..3_600 => write!(f, "{} min", s / 60),
            s @ 3_600..172_800 => write!(f, "{} h", s / 3_600),
            s => write!(f, "{} d", s / 86_400),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;
    use crate::domain::{
        cell::{Arrives, Share},
        object::ObjectId,
    };

    fn at(day: u32, hour: u32) -> Timestamp {
        chrono::Utc.with_ymd_and_hms(2026, 3, day, hour, 0, 0).unwrap()
    }

    fn cell(name: &str, serves: &str, arrives: Option<(&str, u32)>, unknown: Option<&str>) -> Cell {
        let share = Share {
            rollout: ObjectId::new(&"k".into(), "deployment", "shop/payments"),
            serves: Some(Version::tagged(serves)),
            since: Some(at(8, 2)),
            arrives: arrives.map(|(tag, percent)| Arrives {
                version: Some(Version::tagged(tag)),
                percent: Some(percent),
                taken_back: false,
            }),
            left: Vec::new(),
            unknown: unknown.map(str::to_owned),
        };
        Cell { environment: name.into(), wave: None, shares: vec![share], unread: None }
    }

    fn said(all: Vec<Cell>) -> String {
        whole(&Cells { service: "payments".into(), all }, Some(at(10, 2)))
    }

    #[test]
    fn all_of_them_are_said_to_have_it_only_where_each_was_read_and_has_it() {
        let eu = || cell("prod/eu", "2.0.0", None, None);
        assert_eq!(said(vec![eu(), cell("prod/us", "2.0.0", None, None)]), "2.0.0 is in all 2 cells");
        assert_eq!(
            said(vec![eu(), cell("prod/us", "2.0.0", None, Some("k was not read"))]),
            "2.0.0 is in 1 of 2 cells: us unknown (k was not read)"
        );
    }

    #[test]
    fn those_that_are_behind_are_named_the_worst_first_and_the_rest_counted() {
        let all = vec![
            cell("prod/a", "2.0.0", None, None),
            cell("prod/b", "1.0.0", Some(("2.0.0", 25)), None),
            cell("prod/c", "1.0.0", None, None),
            cell("prod/d", "1.0.0", None, Some("k was not read")),
            cell("prod/e", "1.0.0", None, None),
        ];
        assert_eq!(
            said(all),
            "2.0.0 is in 1 of 5 cells: d unknown (k was not read), c old (1.0.0 since 2 d), e old (1.0.0 since 2 d), 1 more"
        );
    }

    #[test]
    fn where_nobody_can_say_which_is_newer_each_is_said() {
        let named = |name: &str, tag: &str| {
            let mut cell = cell(name, tag, None, None);
            cell.shares[0].since = None;
            cell
        };
        assert_eq!(said(vec![named("prod/a", "blue"), named("prod/b", "green")]), "2 cells differ: a blue, b green");
    }
}
