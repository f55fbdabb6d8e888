//! Of which requests the error query can tell that they failed. Where it asks for a label that their series do not carry, or
//! where their failures stand in another label, it finds none: such errors are unknown, not zero.
//!
//! What the queries ask for is read from their templates. How much of a version's traffic cannot be told is counted by the
//! query for the request rate: it is asked by the labels in question too, which takes no request of its own.

use std::collections::{BTreeMap, BTreeSet};

use promql_parser::{
    label::{MatchOp, Matcher},
    parser::{Expr, LabelModifier, VectorSelector, parse},
};

use crate::{
    domain::{signal::Uncounted, text},
    provider::prometheus::{
        presets::{Preset, fill},
        request::BOUND,
        widen,
    },
};

/// Labels that hold the outcome of a gRPC call, whose HTTP status is 200 whatever happened.
const GRPC_STATUS: [&str; 6] = [
    "grpc_response_status",
    "grpc_status",
    "grpc_status_code",
    "grpc_code",
    "rpc_grpc_status_code",
    "rpc_response_status_code",
];
/// The label in which Istio says what was spoken.
const PROTOCOL: &str = "request_protocol";
/// Codes of failures as HTTP labels have them: a matcher of one of these asks for HTTP's outcome.
const HTTP_FAILURES: [&str; 5] = ["500", "503", "5", "5xx", "5XX"];
const HTTP_SUCCESSES: [&str; 3] = ["200", "2", "2xx"];
/// Longer templates are not looked into.
const LONGEST: usize = 16 * 1024;
/// Labels of a request that are named.
const NAMED: usize = 6;

/// What the error query asks for, and how requests are asked for so that it shows whom it cannot tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failures {
    asked: Vec<Asked>,
    /// The template of the request rate, split by the labels in question too.
    pub(super) rate: String,
    /// A template that gives the labels of one series for each version.
    pub(super) look: String,
    service: String,
    version: String,
}

/// What one selector of the error query asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Asked {
    /// A series without these is none that it could find.
    needs: BTreeSet<String>,
    /// Labels that only failures carry: their absence says that nothing failed.
    marks: BTreeSet<String>,
    /// It asks for a status as HTTP has it.
    http: bool,
}

impl Asked {
    fn is_grpc(&self) -> bool {
        self.needs.iter().chain(&self.marks).any(|label| GRPC_STATUS.contains(&label.as_str()))
    }

    fn tells(&self, labels: &BTreeMap<String, String>) -> bool {
        let carries = |label: &String| labels.get(label).is_some_and(|value| !value.is_empty());
        self.needs.iter().all(carries) && (!self.needs.is_empty() || self.marks.iter().any(carries))
    }
}

impl Failures {
    /// What a preset's error query asks for; `None` where that does not show from its text, and where every series can be
    /// told.
    pub(super) fn of(preset: &Preset) -> Option<Self> {
        let counted = preset.requests_total.as_deref().zip(preset.errors_total.as_deref());
        let (requests, errors) = counted.unwrap_or((&preset.rate, &preset.error_ratio));
        let mut known = selectors(requests)?;
        known.extend(selectors(&preset.rate)?);
        let mut asked: Vec<Asked> = Vec::new();
        for failed in selectors(errors)?.iter().filter(|failed| !known.contains(failed)) {
            // Of another metric's labels the requests say nothing.
            let all = known.iter().filter(|all| all.name == failed.name).min_by_key(|all| own(failed, all).count())?;
            let one = asked_by(own(failed, all).filter(|it| it.name != preset.version_label));
            if !asked.contains(&one) {
                asked.push(one);
            }
        }
        // Whoever asks only for what failures carry has an answer for every series.
        if asked.is_empty() || asked.iter().all(|one| one.needs.is_empty()) {
            return None;
        }
        let mut labels: BTreeSet<&str> =
            asked.iter().flat_map(|one| one.needs.iter().chain(&one.marks)).map(String::as_str).collect();
        if asked.iter().any(|one| one.http) {
            labels.extend(GRPC_STATUS.iter().chain([&PROTOCOL]));
        }
        let widened = widen::sum(&preset.rate, &labels)?;
        is_a_sum_by(&widened.wider, &labels).then(|| Self {
            asked,
            rate: widened.wider,
            look: widened.one_each,
            service: preset.service_label.clone(),
            version: preset.version_label.clone(),
        })
    }

    /// Why it cannot be told of requests with these labels whether they failed; `None` where it can.
    pub(super) fn cannot_tell(&self, labels: &BTreeMap<String, String>) -> Option<Uncounted> {
        let asked = || self.asked.iter().flat_map(|one| one.needs.iter().cloned()).collect::<BTreeSet<_>>();
        let carries = |label: &str| labels.get(label).is_some_and(|value| !value.is_empty());
        let mut tell = self.asked.iter().filter(|one| one.tells(labels)).peekable();
        if tell.peek().is_none() {
            let lacks = asked().into_iter().filter(|label| !carries(label)).collect();
            return Some(Uncounted::Lacks { lacks, carries: Vec::new() });
        }
        let status = GRPC_STATUS.into_iter().find(|label| carries(label));
        let speaks = labels.get(PROTOCOL).is_some_and(|protocol| protocol == "grpc");
        let told = self.asked.iter().any(Asked::is_grpc) || tell.any(|one| !one.http);
        ((status.is_some() || speaks) && !told).then(|| Uncounted::Grpc {
            asked: asked().into_iter().collect(),
            status: status.unwrap_or("another label").to_owned(),
        })
    }

    /// Matchers of the series that lack what is asked for, beginning with a comma.
    pub(super) fn lacking(lacks: &BTreeSet<String>) -> String {
        lacks.iter().fold(String::new(), |all, label| all + "," + label + "=\"\"")
    }

    /// The labels of a series that may hold its outcome: those that sound like it first, without those that say whose it is.
    pub(super) fn carried(&self, labels: &BTreeMap<String, String>) -> Vec<String> {
        let whose = [self.service.as_str(), &self.version, BOUND, "__name__"];
        let mut carried: Vec<String> = labels
            .iter()
            .filter(|(label, value)| !value.is_empty() && !whose.contains(&label.as_str()))
            .map(|(label, _)| text::clean(label))
            .collect();
        let sounds =
            |label: &String| ["status", "code", "outcome", "error", "result"].iter().any(|w| label.contains(w));
        carried.sort_by_key(|label| !sounds(label));
        carried.truncate(NAMED);
        carried
    }
}

/// A metric's selector, without the hole for services.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Selector {
    name: String,
    matchers: Vec<Matcher>,
}

/// The matchers that a selector has and the other has not.
fn own<'a>(one: &'a Selector, other: &'a Selector) -> impl Iterator<Item = &'a Matcher> {
    one.matchers.iter().filter(|matcher| !other.matchers.contains(matcher))
}

fn asked_by<'a>(matchers: impl Iterator<Item = &'a Matcher>) -> Asked {
    let mut asked = Asked::default();
    for matcher in matchers {
        let positive = matches!(matcher.op, MatchOp::Equal | MatchOp::Re(_));
        let (any, none) = (positive && matcher.is_match("anything at all"), matcher.is_match(""));
        // `=~"5.."` and `!~"2.."` mean a status that is there; `!=""` and `!~"0|"` name the series without one themselves,
        // and `=~"5..|"` takes them for failed.
        if !any && positive != none {
            asked.needs.insert(matcher.name.clone());
        } else if !none {
            asked.marks.insert(matcher.name.clone());
        }
        let finds = |codes: &[&str]| codes.iter().any(|code| matcher.is_match(code));
        asked.http |= !any && finds(&HTTP_FAILURES) && !HTTP_SUCCESSES.iter().all(|code| matcher.is_match(code));
    }
    asked
}

/// All selectors of a template; `None` where it cannot be read.
fn selectors(template: &str) -> Option<Vec<Selector>> {
    let mut all = Vec::new();
    collect(&read(template)?, &mut all);
    Some(all)
}

/// Reads a template with its holes filled by something. What is no number of a duration panics inside the parser.
fn read(template: &str) -> Option<Expr> {
    let filled = fill(template, "5m", "");
    if filled.len() > LONGEST {
        return None;
    }
    std::panic::catch_unwind(|| parse(&filled)).ok()?.ok()
}

fn collect(expr: &Expr, all: &mut Vec<Selector>) {
    match expr {
        Expr::VectorSelector(selector) => all.extend(selector_of(selector)),
        Expr::MatrixSelector(matrix) => all.extend(selector_of(&matrix.vs)),
        Expr::Aggregate(aggregate) => collect(&aggregate.expr, all),
        Expr::Unary(unary) => collect(&unary.expr, all),
        Expr::Binary(binary) => {
            collect(&binary.lhs, all);
            collect(&binary.rhs, all);
        }
        Expr::Paren(paren) => collect(&paren.expr, all),
        Expr::Subquery(subquery) => collect(&subquery.expr, all),
        Expr::Call(call) => call.args.args.iter().for_each(|arg| collect(arg, all)),
        Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {}
    }
}

fn selector_of(selector: &VectorSelector) -> Option<Selector> {
    let named = selector.matchers.matchers.iter().find(|matcher| matcher.name == "__name__").map(|it| it.value.clone());
    let name = selector.name.clone().or(named)?;
    let matchers = selector.matchers.matchers.iter().filter(|matcher| matcher.name != "__name__").cloned().collect();
    Some(Selector { name, matchers })
}

/// Does a template still add up, by these labels too, whatever stands around the sum?
fn is_a_sum_by(template: &str, labels: &BTreeSet<&str>) -> bool {
    let Some(mut expr) = read(template) else { return false };
    loop {
        expr = match expr {
            Expr::Paren(paren) => *paren.expr,
            Expr::Call(call) if matches!(call.func.name, "label_replace" | "label_join") => {
                match call.args.args.first() {
                    Some(first) => (**first).clone(),
                    None => return false,
                }
            }
            Expr::Aggregate(aggregate) => {
                let by = |by: &LabelModifier| match by {
                    LabelModifier::Include(by) => labels.iter().all(|label| by.labels.iter().any(|it| it == label)),
                    LabelModifier::Exclude(_) => false,
                };
                return aggregate.op.to_string() == "sum" && aggregate.modifier.as_ref().is_some_and(by);
            }
            _ => return false,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::prometheus::presets;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    fn of(name: &str) -> Failures {
        Failures::of(&presets::named(name).unwrap()).unwrap()
    }

    fn lacks(label: &str) -> Uncounted {
        Uncounted::Lacks { lacks: [label.to_owned()].into(), carries: Vec::new() }
    }

    #[test]
    fn every_built_in_preset_knows_the_label_that_its_errors_stand_in() {
        let table = [
            ("envoy", "envoy_response_code_class", "2"),
            ("istio", "response_code", "200"),
            ("istio-canonical", "response_code", "200"),
            ("linkerd", "classification", "success"),
            ("linkerd-version-label", "classification", "success"),
            ("micrometer-spring", "outcome", "SUCCESS"),
            ("nginx-ingress", "status", "200"),
            ("otel-http", "http_response_status_code", "200"),
            ("otel-http-target-info", "http_response_status_code", "200"),
            ("tempo-spanmetrics", "status_code", "STATUS_CODE_UNSET"),
            ("traefik", "code", "200"),
        ];
        assert_eq!(table.len(), presets::built_in().len());
        for (name, label, success) in table {
            let failures = of(name);
            assert_eq!(failures.cannot_tell(&labels(&[(label, success)])), None, "{name}");
            assert_eq!(failures.cannot_tell(&labels(&[("verb", "GET")])), Some(lacks(label)), "{name}");
            for template in [&failures.rate, &failures.look] {
                let query = fill(template, "1m", ",a=\"b\"");
                promql_parser::parser::parse(&query).unwrap_or_else(|error| panic!("{name}: {error}\n{query}"));
            }
        }
    }

    #[test]
    fn grpc_beside_an_http_status_is_told_only_where_its_own_status_is_asked_for() {
        let call = labels(&[("response_code", "200"), ("request_protocol", "grpc"), ("grpc_response_status", "14")]);
        let elsewhere =
            Uncounted::Grpc { asked: vec!["response_code".to_owned()], status: "grpc_response_status".to_owned() };
        assert_eq!(of("istio").cannot_tell(&call), Some(elsewhere));
        let mut both = presets::named("istio").unwrap();
        let selector = "istio_requests_total{reporter=\"destination\",grpc_response_status!~\"0|\"$SEL}";
        both.errors_total = both.errors_total.map(|http| format!("({http}) or ({selector})"));
        assert_eq!(Failures::of(&both).unwrap().cannot_tell(&call), None);
        assert_eq!(Failures::of(&both).unwrap().cannot_tell(&labels(&[("response_code", "200")])), None);
        // Linkerd classifies calls by both protocols.
        let call = labels(&[("classification", "failure"), ("grpc_status", "14")]);
        assert_eq!(of("linkerd").cannot_tell(&call), None);
    }

    fn custom(rate: &str, errors: &str) -> Preset {
        let rated = |query: &str| format!("sum by (app, version) (rate({query}[$W]))");
        Preset {
            service_label: "app".to_owned(),
            version_label: "version".to_owned(),
            rate: rate.to_owned(),
            error_ratio: format!("{} / {}", rated(errors), rated("hits{$SEL}")),
            requests_total: None,
            errors_total: None,
            ..presets::named("istio").unwrap()
        }
    }

    #[test]
    fn queries_of_ones_own_are_read_as_they_are_written() {
        let all = "sum(rate(hits{job=\"a\"$SEL}[$W])) by (app, version)";
        let needs = |errors: &str| {
            let failures = Failures::of(&custom(all, errors))?;
            Some(failures.asked.iter().flat_map(|one| one.needs.iter().cloned()).collect::<Vec<_>>().join(" "))
        };
        assert_eq!(needs("hits{job=\"a\",code=~\"5..\"$SEL}").as_deref(), Some("code"));
        assert_eq!(needs("hits{job=\"a\",code!~\"2..|3..\"$SEL}").as_deref(), Some("code"), "no code is no success");
        assert_eq!(needs("hits{job=\"a\",ok=\"false\",zone=\"b\"$SEL}").as_deref(), Some("ok zone"));
        assert_eq!(needs("hits{job=\"a\",error!=\"\"$SEL}"), None, "only failures carry it");
        assert_eq!(needs("hits{job=\"a\",error=~\".+\"$SEL}"), None, "the same in other words");
        assert_eq!(needs("hits{job=\"a\",code=~\"5..|\"$SEL}"), None, "no code is a failure");
        assert_eq!(needs("failed_hits{job=\"a\"$SEL}"), None, "another metric's labels are not the requests'");
        assert_eq!(Failures::of(&custom("app:hits:rate5m{a=\"b\"$SEL}", "hits{code=\"5\"$SEL}")), None);
        assert_eq!(Failures::of(&custom("sum(", "hits{code=\"5\"$SEL}")), None);
    }

    #[test]
    fn what_sounds_like_an_outcome_is_named_first() {
        let series = labels(&[
            ("service_name", "a"),
            ("service_version", "1"),
            ("job", "a"),
            ("http_status_code", "503"),
            ("pod", "a-0"),
            ("empty", ""),
        ]);
        assert_eq!(of("otel-http").carried(&series), ["http_status_code", "job", "pod"]);
    }
}
