//! Answers in the form of Prometheus' HTTP API: numbers as text, times in seconds, errors with their type.

use std::fmt::Write as _;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header::CONTENT_TYPE};
use serde_json::{Number, Value as Json, json};

use crate::demo::prometheus::{
    promql::{Fail, Row, Value},
    store::Series,
};

/// `{"status":"success","data":…}`.
pub(super) fn success(data: &Json) -> Response<Bytes> {
    reply(StatusCode::OK, "application/json", json!({"status": "success", "data": data}).to_string())
}

/// The error with the status that Prometheus gives it.
pub(super) fn failure(fail: &Fail) -> Response<Bytes> {
    let (status, kind) = match fail {
        Fail::BadData(_) => (StatusCode::BAD_REQUEST, "bad_data"),
        Fail::Execution(_) => (StatusCode::UNPROCESSABLE_ENTITY, "execution"),
    };
    let body = json!({"status": "error", "errorType": kind, "error": fail.to_string()});
    reply(status, "application/json", body.to_string())
}

/// Plain text, as Prometheus answers outside its API.
pub(super) fn plain(status: StatusCode, text: &str) -> Response<Bytes> {
    reply(status, "text/plain; charset=utf-8", text.to_owned())
}

fn reply(status: StatusCode, kind: &'static str, body: String) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// The result of an instant query.
pub(super) fn instant(at: i64, value: Value) -> Json {
    match value {
        Value::Scalar(values) => {
            let value = values.first().copied().unwrap_or(f64::NAN);
            json!({"resultType": "scalar", "result": point(at, value)})
        }
        Value::Text(text) => json!({"resultType": "string", "result": [seconds(at), text]}),
        Value::Vector(rows) => {
            let element = |row: Row| {
                let value = row.values.first().copied().flatten()?;
                Some(json!({"metric": row.labels, "value": point(at, value)}))
            };
            let result: Vec<Json> = rows.into_iter().filter_map(element).collect();
            json!({"resultType": "vector", "result": result})
        }
    }
}

/// The result of an instant query for a range of samples.
pub(super) fn samples<'a>(series: impl IntoIterator<Item = &'a Series>, from: i64, to: i64) -> Json {
    let stream = |series: &Series| {
        let values: Vec<Json> = series.range(from, to).map(|(at, value)| point(at, value)).collect();
        (!values.is_empty()).then(|| json!({"metric": series.labels, "values": values}))
    };
    let result: Vec<Json> = series.into_iter().filter_map(stream).collect();
    json!({"resultType": "matrix", "result": result})
}

/// The answer to a range query. It is written as it is made: a day of samples is no tree of values first.
pub(super) fn matrix(moments: &[i64], value: Value) -> Response<Bytes> {
    let mut rows = match value {
        Value::Scalar(values) => {
            vec![Row { labels: std::collections::BTreeMap::new(), values: values.into_iter().map(Some).collect() }]
        }
        Value::Vector(rows) => rows,
        Value::Text(_) => Vec::new(),
    };
    rows.sort_by(|one, two| one.labels.cmp(&two.labels));
    let times: Vec<String> = moments.iter().map(|at| seconds(*at).to_string()).collect();
    let mut body = r#"{"data":{"result":["#.to_owned();
    for (place, row) in rows.iter().enumerate() {
        body.push_str(if place == 0 { r#"{"metric":"# } else { r#",{"metric":"# });
        body.push_str(&json!(row.labels).to_string());
        body.push_str(r#","values":["#);
        let points = times.iter().zip(&row.values).filter_map(|(at, value)| Some((at, (*value)?)));
        for (place, (at, value)) in points.enumerate() {
            let comma = if place == 0 { "" } else { "," };
            // Writing to a text cannot fail.
            let _ = write!(body, "{comma}[{at},\"");
            push_number(&mut body, value);
            body.push_str("\"]");
        }
        body.push_str("]}");
    }
    body.push_str(r#"],"resultType":"matrix"},"status":"success"}"#);
    reply(StatusCode::OK, "application/json", body)
}

fn point(at: i64, value: f64) -> Json {
    json!([seconds(at), number(value)])
}

/// Whole seconds as an integer, others with their milliseconds.
fn seconds(at: i64) -> Json {
    if at % 1000 == 0 {
        return Json::from(at / 1000);
    }
    Number::from_f64(at as f64 / 1000.0).map_or(Json::Null, Json::Number)
}

fn number(value: f64) -> String {
    let mut text = String::new();
    push_number(&mut text, value);
    text
}

/// A value as Go's encoder writes it: shortest digits, with an exponent only where it is very large or small.
fn push_number(text: &mut String, value: f64) {
    let size = value.abs();
    if value.is_nan() {
        text.push_str("NaN");
    } else if value.is_infinite() {
        text.push_str(if value > 0.0 { "+Inf" } else { "-Inf" });
    } else if size != 0.0 && !(1e-6..1e21).contains(&size) {
        text.push_str(&exponent(value));
    } else {
        let _ = write!(text, "{value}");
    }
}

/// `8.33e-02`: Go's `%e`, whose exponent has a sign and two digits.
pub(super) fn exponent(value: f64) -> String {
    let text = format!("{value:e}");
    let Some((digits, exponent)) = text.split_once('e') else { return text };
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
    format!("{digits}e{sign}{exponent:0>2}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_go_writes_them() {
        let table = [
            (0.0, "0"),
            (1.5, "1.5"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (0.000_001, "0.000001"),
            (2.5e-7, "2.5e-07"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Inf"),
        ];
        for (value, text) in table {
            assert_eq!(number(value), text);
        }
        assert_eq!(exponent(1.0 / 12.0), "8.333333333333333e-02");
        assert_eq!((seconds(1500), seconds(2000)), (json!(1.5), json!(2)));
    }
}
