//! Deploy freezes: times in which nothing is to be deployed, between two moments that come again and again, written as cron has them
//! (docs.gitlab.com/user/project/releases/#prevent-unintentional-releases-by-setting-a-deploy-freeze). GitLab tells pipelines of them
//! and refuses nothing itself; whether it is one now is ours to find out.

use chrono::{Datelike, Duration, NaiveDate, NaiveDateTime};

use crate::{
    domain::{text::clean, time::Timestamp},
    provider::gitlab::api,
};

/// So far back a freeze may have begun.
const LONGEST_DAYS: i64 = 366;

/// Whether something may be deployed now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Frozen {
    No,
    /// Until this moment.
    Until(Timestamp),
    /// It cannot be told, and why.
    Unknown(String),
}

/// Is one of these in force?
pub(super) fn frozen(freezes: &[api::FreezePeriod], now: Timestamp) -> Frozen {
    let mut all = Frozen::No;
    for freeze in freezes {
        all = match (all, one(freeze, now)) {
            (Frozen::Until(one), Frozen::Until(other)) => Frozen::Until(one.max(other)),
            (until @ Frozen::Until(_), _) | (_, until @ Frozen::Until(_)) => until,
            (unknown @ Frozen::Unknown(_), _) => unknown,
            (Frozen::No, other) => other,
        };
    }
    all
}

/// As GitLab has it: it is in force from the last begin on, until the end that comes first after that.
fn one(freeze: &api::FreezePeriod, now: Timestamp) -> Frozen {
    let zone = freeze.cron_timezone.as_deref().unwrap_or("UTC");
    if !["UTC", "Etc/UTC", ""].contains(&zone) {
        return Frozen::Unknown(format!(
            "it has a deploy freeze in the time zone '{}', which is not reckoned with here",
            clean(zone)
        ));
    }
    let read = |written: &Option<String>| written.as_deref().and_then(Cron::read);
    let (Some(begin), Some(end)) = (read(&freeze.freeze_start), read(&freeze.freeze_end)) else {
        return Frozen::Unknown("it has a deploy freeze whose begin or end cannot be read".to_owned());
    };
    let now_there = now.naive_utc();
    let until = begin.last(now_there).and_then(|begun| end.next(begun)).filter(|until| *until > now_there);
    until.map_or(Frozen::No, |until| Frozen::Until(until.and_utc()))
}

/// `0 23 * * 5`: minute, hour, day of the month, month, day of the week.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Cron {
    minutes: Vec<u32>,
    hours: Vec<u32>,
    days: Option<Vec<u32>>,
    months: Vec<u32>,
    weekdays: Option<Vec<u32>>,
}

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

impl Cron {
    fn read(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = parts.as_slice() else { return None };
        let weekdays = field(weekdays, 0, 7, &WEEKDAYS, 0)?;
        Some(Self {
            minutes: field(minutes, 0, 59, &[], 0)?.unwrap_or_else(|| (0..60).collect()),
            hours: field(hours, 0, 23, &[], 0)?.unwrap_or_else(|| (0..24).collect()),
            days: field(days, 1, 31, &[], 0)?,
            months: field(months, 1, 12, &MONTHS, 1)?.unwrap_or_else(|| (1..13).collect()),
            // Sunday is 0 and 7.
            weekdays: weekdays.map(|all| all.into_iter().map(|day| day % 7).collect()),
        })
    }

    /// Where both days are given, one of them is enough.
    fn is_on(&self, day: NaiveDate) -> bool {
        let of_month = self.days.as_ref().map(|days| days.contains(&day.day()));
        let of_week = self.weekdays.as_ref().map(|days| days.contains(&day.weekday().num_days_from_sunday()));
        let is_day = match (of_month, of_week) {
            (Some(one), Some(other)) => one || other,
            (one, other) => one.or(other).unwrap_or(true),
        };
        is_day && self.months.contains(&day.month())
    }

    fn moments(&self, day: NaiveDate) -> impl Iterator<Item = NaiveDateTime> + '_ {
        let minutes = self.hours.iter().flat_map(|hour| self.minutes.iter().map(move |minute| (*hour, *minute)));
        let is_on = self.is_on(day);
        minutes.filter(move |_| is_on).filter_map(move |(hour, minute)| day.and_hms_opt(hour, minute, 0))
    }

    /// The last moment not after this.
    fn last(&self, at: NaiveDateTime) -> Option<NaiveDateTime> {
        let mut days = (0..=LONGEST_DAYS).filter_map(|back| at.date().checked_sub_signed(Duration::days(back)));
        days.find_map(|day| self.moments(day).filter(|moment| *moment <= at).max())
    }

    /// The first moment after this.
    fn next(&self, at: NaiveDateTime) -> Option<NaiveDateTime> {
        let mut days = (0..=LONGEST_DAYS).filter_map(|on| at.date().checked_add_signed(Duration::days(on)));
        days.find_map(|day| self.moments(day).filter(|moment| *moment > at).min())
    }
}

/// One field: `*`, numbers, names, ranges and steps, with commas between. `None` within where it is all of them.
#[expect(clippy::option_option, reason = "unreadable, all, or these")]
fn field(text: &str, least: u32, most: u32, names: &[&str], first: u32) -> Option<Option<Vec<u32>>> {
    if text == "*" {
        return Some(None);
    }
    let number = |word: &str| {
        let place = names.iter().position(|name| word.eq_ignore_ascii_case(name));
        let number = place.and_then(|at| u32::try_from(at).ok()).map(|at| at + first).or_else(|| word.parse().ok())?;
        (least..=most).contains(&number).then_some(number)
    };
    let mut all = Vec::new();
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, step.parse::<usize>().ok().filter(|step| *step > 0)?),
            None => (part, 1),
        };
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (least, most),
            Some((from, to)) => (number(from)?, number(to)?),
            None if part.contains('/') => (number(range)?, most),
            None => (number(range)?, number(range)?),
        };
        all.extend((from..=to).step_by(step));
    }
    (!all.is_empty()).then_some(Some(all))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn of(begin: &str, end: &str, zone: Option<&str>, now: &str) -> Frozen {
        let [freeze_start, freeze_end] = [begin, end].map(|text| Some(text.to_owned()));
        frozen(&[api::FreezePeriod { freeze_start, freeze_end, cron_timezone: zone.map(str::to_owned) }], at(now))
    }

    #[test]
    fn a_freeze_is_in_force_from_its_begin_until_the_next_end() {
        // From Friday 23:00 until Monday 8:00; the 13th of March 2026 is a Friday.
        let weekend = |now: &str| of("0 23 * * 5", "0 8 * * 1", Some("UTC"), now);
        let until = Frozen::Until(at("2026-03-16T08:00:00Z"));
        assert_eq!(weekend("2026-03-13T22:59:59Z"), Frozen::No);
        for now in ["2026-03-13T23:00:00Z", "2026-03-14T12:00:00Z", "2026-03-16T07:59:00Z"] {
            assert_eq!(weekend(now), until, "{now}");
        }
        assert_eq!(weekend("2026-03-16T08:00:00Z"), Frozen::No);
        let christmas = |now: &str| of("0 0 20 dec *", "0 0 3 jan *", None, now);
        assert_eq!(christmas("2026-12-31T10:00:00Z"), Frozen::Until(at("2027-01-03T00:00:00Z")));
        assert_eq!(christmas("2027-01-03T10:00:00Z"), Frozen::No);
        let nights = |now: &str| of("*/30 22-23 * * mon-fri", "0 6 * * *", Some(""), now);
        assert_eq!(nights("2026-03-13T22:15:00Z"), Frozen::Until(at("2026-03-14T06:00:00Z")));
    }

    #[test]
    fn what_cannot_be_reckoned_with_is_not_known_and_never_no_freeze() {
        let berlin = of("0 23 * * 5", "0 8 * * 1", Some("Berlin"), "2026-03-14T12:00:00Z");
        let why = "it has a deploy freeze in the time zone 'Berlin', which is not reckoned with here";
        assert_eq!(berlin, Frozen::Unknown(why.to_owned()));
        for odd in ["", "soon", "0 23 * *", "0 24 * * *", "60 * * * *", "5-x * * * *", "*/0 * * * *", "1/ * * * *"] {
            let said = of(odd, "0 8 * * 1", None, "2026-03-14T12:00:00Z");
            assert!(matches!(said, Frozen::Unknown(_)), "{odd}: {said:?}");
        }
    }

    #[test]
    fn of_several_the_longest_counts_and_one_that_is_in_force_before_one_that_is_not_known() {
        let freeze = |begin: &str, end: &str, zone: &str| api::FreezePeriod {
            freeze_start: Some(begin.to_owned()),
            freeze_end: Some(end.to_owned()),
            cron_timezone: Some(zone.to_owned()),
        };
        let all = [
            freeze("0 0 * * *", "0 8 * * *", "Lima"),
            freeze("0 0 * * *", "0 13 * * *", "UTC"),
            freeze("0 1 * * *", "0 15 * * *", "UTC"),
        ];
        assert_eq!(frozen(&all, at("2026-03-14T12:00:00Z")), Frozen::Until(at("2026-03-14T15:00:00Z")));
        assert!(matches!(frozen(&all, at("2026-03-14T16:00:00Z")), Frozen::Unknown(_)));
        assert_eq!(frozen(&[], at("2026-03-14T16:00:00Z")), Frozen::No);
    }
}
