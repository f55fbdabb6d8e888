//! What pods write for the requests that they serve: lines that tell the story of the counts, drawn from the same seed. They are made
//! when somebody wants them, and drawing them changes nothing of what was served.

use std::borrow::Cow;

use super::{
    BOUNDS, INTERVAL, Outcome, Served,
    noise::Noise,
    spec::{LineSpec, Occasion},
};

/// A line that a pod wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// When, in nanoseconds since 1970.
    pub at: i64,
    /// How bad it says it is.
    pub level: &'a str,
    /// What it says.
    pub text: String,
    /// The trace of the request.
    pub trace: String,
}

/// What is written for the requests of a version: the service's lines and its own. Where nobody says what failures write, they
/// write that they failed.
pub(super) fn written(service: &[LineSpec], version: &[LineSpec]) -> Vec<LineSpec> {
    let says = |on| version.iter().any(|line| line.on == on && line.share >= 1.0);
    // A version that says itself what each of them writes does not write what the service usually does.
    let usual_ones = service.iter().filter(|line| line.share < 1.0 || !says(line.on));
    let mut all: Vec<LineSpec> = version.iter().chain(usual_ones).cloned().collect();
    let usual = |on, share, level: &str, text: &str| {
        let (level, text) = (level.to_owned(), text.to_owned());
        LineSpec { on, share, level, text, ms: None }
    };
    if !all.iter().any(|line| line.on == Occasion::Failure && line.share >= 1.0) {
        all.push(usual(Occasion::Failure, 1.0, "error", "request {id} failed with 500 after {ms} ms"));
    }
    all.push(usual(Occasion::Success, 0.01, "info", "request {id} served in {ms} ms"));
    all
}

impl Served<'_> {
    /// What it wrote in the interval, in order of time.
    pub fn lines(&self) -> Vec<Line<'_>> {
        let (seed, interval) = self.from;
        let what = [self.service.cell.as_str(), &self.service.namespace, self.pod, "lines"];
        let mut noise = Noise::new(seed, &what, interval);
        let begin = (interval - 1) * INTERVAL;
        let mut all = Vec::new();
        for requests in &self.requests {
            let mut below = 0.0;
            for (class, count) in requests.by_time.iter().enumerate() {
                let above = BOUNDS.get(class).copied().unwrap_or(below * 1.5);
                for spec in self.writes.iter().filter(|spec| spec.is_for(requests.outcome)) {
                    // All of them are exactly as many as there were.
                    let lines = if spec.share < 1.0 { noise.poisson(count * spec.share).min(*count) } else { *count };
                    for _ in 0..whole(lines) {
                        let took = below + (above - below) * noise.uniform();
                        all.push(spec.line(begin, took, &mut noise));
                    }
                }
                below = above;
            }
        }
        all.sort_by(|one, other| (one.at, &one.text).cmp(&(other.at, &other.text)));
        all
    }
}

impl LineSpec {
    fn is_for(&self, outcome: Outcome) -> bool {
        match self.on {
            Occasion::Success => outcome == Outcome::Success,
            Occasion::Failure => outcome == Outcome::Failure,
            Occasion::Request => true,
        }
    }

    /// One line of a request that took so many seconds.
    fn line(&self, begin: i64, took: f64, noise: &mut Noise) -> Line<'_> {
        let at = begin * 1_000_000 + whole(noise.uniform() * INTERVAL as f64 * 1_000_000.0);
        let ms = match self.ms {
            Some([from, to]) => f64::from(from) + (f64::from(to) - f64::from(from)) * noise.uniform(),
            None => took * 1000.0,
        };
        let mut text = Cow::Borrowed(self.text.as_str());
        for (mark, number) in [("{ms}", whole(ms).max(1)), ("{n}", whole(noise.uniform() * 10_000.0))] {
            if text.contains(mark) {
                text = text.replace(mark, &number.to_string()).into();
            }
        }
        if text.contains("{id}") {
            text = text.replace("{id}", &format!("{:08x}", noise.next() >> 32)).into();
        }
        let trace = format!("{:016x}{:016x}", noise.next(), noise.next());
        Line { at, level: &self.level, text: text.into_owned(), trace }
    }
}

/// The number without what stands behind its point.
#[expect(clippy::cast_possible_truncation, reason = "counts, milliseconds and nanoseconds of an interval")]
fn whole(number: f64) -> i64 {
    number as i64
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;
    use crate::demo::traffic::{Arm, Serving, Traffic, spec::TrafficSpec};

    fn spec(lines: &str) -> TrafficSpec {
        let text = format!(
            "cell = 'eu'\nnamespace = 'shop'\nservice = 'payments'\nrps = 96\n[[behaviour]]\nerror_ratio = 0.2\nmedian = '90ms'\np99 = '260ms'\n{lines}"
        );
        toml::from_str(&text).unwrap()
    }

    /// Level, text and time.
    type Written = Vec<(String, String, i64)>;

    /// The lines of one interval, and the counts beside them.
    fn told(lines: &str) -> (Written, Vec<(Outcome, f64)>) {
        let arm =
            Arm { version: "1.42.0".into(), hash: "c0".into(), share: 1.0, pods: vec!["p-0".into(), "p-1".into()] };
        let serving =
            Serving { cell: "eu".into(), namespace: "shop".into(), service: "payments".into(), arms: vec![arm] };
        let now = chrono::Utc.timestamp_opt(1_773_107_160, 0).unwrap();
        let mut traffic = Traffic::new(5, &[spec(lines)], now);
        let (mut lines, mut counts) = (Vec::new(), Vec::new());
        traffic.tell(now, &[serving], |served| {
            for pod in served {
                lines.extend(pod.lines().into_iter().map(|line| (line.level.to_owned(), line.text, line.at)));
                counts.extend(pod.requests.iter().map(|one| (one.outcome, one.by_time.iter().sum())));
            }
        });
        (lines, counts)
    }

    #[test]
    fn every_failure_has_its_line_and_lines_change_nothing_of_the_counts() {
        let vault = "lines = [{ on = 'failure', level = 'error', text = 'card vault timeout after {ms} ms', ms = [3000, 3040] }]";
        let (lines, counts) = told(vault);
        let failed: f64 = counts.iter().filter(|(outcome, _)| *outcome == Outcome::Failure).map(|(_, n)| n).sum();
        let vault = |text: &str| text.starts_with("card vault timeout after 30") && text.ends_with(" ms");
        let written = lines.iter().filter(|(level, text, _)| level == "error" && vault(text)).count();
        assert!(failed > 100.0 && (written as f64 - failed).abs() < 0.5, "{written} of {failed}");
        assert_eq!(told(""), told(""), "the same seed, the same lines");
        assert_eq!(counts, told("").1);
    }

    #[test]
    fn lines_lie_in_their_interval_and_say_how_long_the_request_took() {
        let (lines, _) = told("");
        let end = 1_773_107_160 * 1_000_000_000;
        assert!(lines.iter().all(|(_, _, at)| (end - INTERVAL * 1_000_000..=end).contains(at)));
        let took = |text: &str| text.rsplit(' ').nth(1).and_then(|ms| ms.parse::<f64>().ok());
        let mean = lines.iter().filter_map(|(_, text, _)| took(text)).sum::<f64>() / lines.len() as f64;
        assert!((60.0..160.0).contains(&mean), "{mean} ms of a median of 90");
    }
}
