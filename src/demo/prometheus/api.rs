//! The HTTP API: which path gives what.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use promql_parser::parser::{Expr, value::ValueType};
use serde_json::{Value as Json, json};

use crate::demo::prometheus::{
    answer,
    params::Params,
    promql::{self, Context, Fail, Value},
    rules::{self, Rule},
    store::{Series, Store},
};

/// Prometheus refuses more points of one series in one answer.
const MOST_POINTS: i64 = 11_000;

/// Answers one request at `now`, in milliseconds.
pub(super) fn respond(store: &Store, rules: &[Rule], now: i64, request: &Request<Bytes>) -> Response<Bytes> {
    let path = request.uri().path().trim_end_matches('/');
    let posts = matches!(path, "/api/v1/query" | "/api/v1/query_range" | "/api/v1/series" | "/api/v1/labels");
    let params = Params::of(request);
    let data = match path {
        "/-/ready" => return answer::plain(StatusCode::OK, "Prometheus Server is Ready.\n"),
        "/-/healthy" => return answer::plain(StatusCode::OK, "Prometheus Server is Healthy.\n"),
        _ if !known(path) => return answer::plain(StatusCode::NOT_FOUND, "404 page not found\n"),
        _ if request.method() != Method::GET && !(posts && request.method() == Method::POST) => {
            return answer::plain(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed\n");
        }
        "/api/v1/query" => query(store, now, &params),
        "/api/v1/query_range" => return query_range(store, &params).unwrap_or_else(|fail| answer::failure(&fail)),
        "/api/v1/series" => series(store, now, &params),
        "/api/v1/labels" => {
            selected(store, now, &params).map(|series| names(series.iter().flat_map(|series| series.labels.keys())))
        }
        "/api/v1/rules" => rules::groups(store, rules, now, params.get("type")),
        "/api/v1/alerts" => Ok(rules::alerts(store, rules, now)),
        "/api/v1/status/buildinfo" => Ok(build_info()),
        _ => label_values(store, now, path, &params),
    };
    match data {
        Ok(data) => answer::success(&data),
        Err(fail) => answer::failure(&fail),
    }
}

fn known(path: &str) -> bool {
    let plain = ["query", "query_range", "series", "labels", "rules", "alerts", "status/buildinfo"];
    path.strip_prefix("/api/v1/").is_some_and(|rest| plain.contains(&rest) || label(path).is_some())
}

/// The name in `/api/v1/label/NAME/values`.
fn label(path: &str) -> Option<&str> {
    let name = path.strip_prefix("/api/v1/label/")?.strip_suffix("/values")?;
    (!name.contains('/')).then_some(name)
}

fn query(store: &Store, now: i64, params: &Params) -> Result<Json, Fail> {
    let at = params.time("time", Some(now))?;
    let expr = promql::parse(params.get("query").unwrap_or_default())?;
    let context = Context { store, moments: &[at] };
    if let Expr::MatrixSelector(selector) = &expr {
        let (series, back, length) = promql::ranges(context, selector)?;
        return Ok(answer::samples(series, at - back - length, at - back));
    }
    Ok(answer::instant(at, promql::evaluate(context, &expr)?))
}

fn query_range(store: &Store, params: &Params) -> Result<Response<Bytes>, Fail> {
    let (start, end) = (params.time("start", None)?, params.time("end", None)?);
    if end < start {
        return Err(Fail::BadData("invalid parameter \"end\": end timestamp must not be before start time".into()));
    }
    let step = params.span("step")?;
    if (end - start) / step > MOST_POINTS {
        return Err(Fail::BadData(
            "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)"
                .into(),
        ));
    }
    let expr = promql::parse(params.get("query").unwrap_or_default())?;
    let kind = match expr.value_type() {
        ValueType::Scalar | ValueType::Vector => None,
        ValueType::Matrix => Some("range vector"),
        ValueType::String => Some("string"),
    };
    if let Some(kind) = kind {
        let text = format!("invalid expression type \"{kind}\" for range query, must be Scalar or instant Vector");
        return Err(Fail::BadData(text));
    }
    let moments: Vec<i64> =
        std::iter::successors(Some(start), |at| at.checked_add(step)).take_while(|at| *at <= end).collect();
    let value = promql::evaluate(Context { store, moments: &moments }, &expr)?;
    Ok(answer::matrix(&moments, value))
}

/// The series that any `match[]` finds, or all of them, with a sample between `start` and `end`.
fn selected<'a>(store: &'a Store, now: i64, params: &Params) -> Result<Vec<&'a Series>, Fail> {
    let (start, end) = (params.time("start", Some(0))?, params.time("end", Some(now))?);
    let mut found: Vec<&Series> = Vec::new();
    let mut selectors = params.all("match[]").peekable();
    if selectors.peek().is_none() {
        found.extend(store.all());
    }
    for text in selectors {
        let wrong = |text: String| Fail::BadData(format!("invalid parameter \"match[]\": {text}"));
        let expr = promql::syntax(text).map_err(|text| wrong(format!("parse error: {text}")))?;
        let Expr::VectorSelector(selector) = expr else {
            return Err(wrong(format!("'{text}' is not a series selector")));
        };
        found.extend(store.select(selector.name.as_deref(), &selector.matchers));
    }
    found.retain(|series| series.range(start, end).next().is_some());
    found.sort_by(|one, two| one.labels.cmp(&two.labels));
    found.dedup_by(|one, two| one.labels == two.labels);
    Ok(found)
}

fn series(store: &Store, now: i64, params: &Params) -> Result<Json, Fail> {
    if params.all("match[]").next().is_none() {
        return Err(Fail::BadData("no match[] parameter provided".into()));
    }
    Ok(selected(store, now, params)?.iter().map(|series| json!(series.labels)).collect())
}

fn label_values(store: &Store, now: i64, path: &str, params: &Params) -> Result<Json, Fail> {
    let name = label(path).unwrap_or_default();
    Ok(names(selected(store, now, params)?.iter().filter_map(|series| series.labels.get(name))))
}

fn names<'a>(texts: impl Iterator<Item = &'a String>) -> Json {
    json!(texts.collect::<BTreeSet<_>>())
}

/// The version whose behaviour this follows.
fn build_info() -> Json {
    json!({
        "version": "2.42.0", "revision": "built-in world", "branch": "", "buildUser": "", "buildDate": "",
        "goVersion": "",
    })
}

/// The value of an expression at the moments, as a vector.
pub(super) fn vector(store: &Store, moments: &[i64], expr: &Expr) -> Result<Vec<promql::Row>, Fail> {
    match promql::evaluate(Context { store, moments }, expr)? {
        Value::Vector(rows) => Ok(rows),
        Value::Scalar(_) | Value::Text(_) => Err(Fail::Execution("a rule must give a vector".into())),
    }
}
