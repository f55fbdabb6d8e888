//! `holdshort judge`, run as a user runs it: what goes in, which lines come out, and with which code it ends.

#![expect(clippy::unwrap_used, clippy::string_slice, reason = "a test may fail")]

#[path = "support/program.rs"]
mod program;

use std::{fs, io::Write, process::Stdio, thread};

use serde_json::Value;

struct Ended {
    out: Vec<String>,
    err: String,
    code: i32,
}

impl Ended {
    fn answers(&self) -> Vec<Value> {
        self.out.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

fn judge(args: &[&str], input: &str) -> Ended {
    let mut child = program::holdshort()
        .arg("judge")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    // A case in and its answer out may both be larger than a pipe.
    let writer = thread::spawn(move || stdin.write_all(input.as_bytes()));
    let ended = child.wait_with_output().unwrap();
    let _ = writer.join().unwrap();
    Ended {
        out: String::from_utf8(ended.stdout).unwrap().lines().map(str::to_owned).collect(),
        err: String::from_utf8(ended.stderr).unwrap(),
        code: ended.status.code().unwrap(),
    }
}

const LATENCY: &str = r#"{"method":"aca","name":"latency","metrics":[{"name":"p99","groups":["app"],"control":[10,11,12,10,11,"NaN"],"experiment":[20,21,null,22,20,21],"critical":true}]}"#;
const LATENCY_ANSWER: &str = concat!(
    r#"{"schema":"holdshort/judge/v1","name":"latency","method":"aca","score":0.0,"verdict":"fail","#,
    r#""reason":"a critical metric is high: the canary lies above the baseline, and is critical","#,
    r#""groups":[{"name":"app","score":0.0,"no_data":false}],"metrics":[{"name":"p99","classification":"high","#,
    r#""critical_failure":true,"muted":false,"reason":"the canary lies above the baseline, and is critical","#,
    r#""deviation":1.9259259259259258,"estimate":10.0,"ci_low":8.0,"ci_high":12.0,"#,
    r#""control":{"count":5,"mean":10.8,"std":0.8366600265340756,"min":10.0,"max":12.0},"#,
    r#""experiment":{"count":5,"mean":20.8,"std":0.8366600265340756,"min":20.0,"max":22.0}}]}"#,
);

#[test]
fn a_case_is_answered_on_one_line_whether_it_stands_on_one_or_on_many() {
    let spread = serde_json::to_string_pretty(&serde_json::from_str::<Value>(LATENCY).unwrap()).unwrap();
    for input in [LATENCY, &format!("\n{LATENCY}\r\n"), &spread] {
        let ended = judge(&["--json"], input);
        assert_eq!((ended.out, ended.err.as_str(), ended.code), (vec![LATENCY_ANSWER.to_owned()], "", 0));
    }
    let ended = judge(&["-", "--json"], &format!("{spread}\n{spread}"));
    assert_eq!((ended.out, ended.code), (vec![LATENCY_ANSWER.to_owned(); 2], 0));
}

#[test]
fn without_json_the_verdict_comes_first_and_its_arithmetic_after_it() {
    let given = r#"{"method":"aca","metrics":[{"name":"a","groups":["g"],"classification":"PASS"},{"name":"b\u001b[2J","groups":["h"],"classification":"Nodata_FailMetric"}],"group_weights":{"g":80}}"#;
    let good = r#"{"method":"aca","metrics":[{"groups":["g"],"control":[1,2],"experiment":[2,1],"muted":false}]}"#;
    let ended = judge(&[], &format!("{LATENCY}\n{given}\n{good}\n{{}}"));
    assert_eq!(
        ended.out[..3],
        [
            "NO-GO  latency: score 0: a critical metric is high: the canary lies above the baseline, and is critical \
             (pass from 95, marginal from 75); p99 high (critical) ratio 1.926, shift 10 (8 to 12), 5 against 5 points",
            "MARGINAL  line 2: score 80 (pass from 95, marginal from 75); a pass; b nodata fail metric",
            "GO  line 3: score 100 (pass from 95, marginal from 75); metrics[0] pass ratio 1, 2 against 2 points",
        ]
    );
    assert!(ended.out[3].starts_with("ERROR  line 4: "), "{}", ended.out[3]);
    assert_eq!((ended.out.len(), ended.code), (4, 2));
    assert_eq!(ended.err, "holdshort: 1 of 4 cases are malformed: the answer says where\n");
}

/// A case that is wrong, and what its answer says after the line and the name.
const WRONG: &[(&str, &str)] = &[
    (
        r#"{"method":"aca","name":"n","metrics":[{"groops":[]}]}"#,
        "metrics[0].groops: no such field; there are name, groups, muted, control, experiment, direction, nan_strategy, \
         outliers, critical, must_have_data, effect_size, classification, and x_… for notes of your own",
    ),
    (
        r#"{"method":"aca","name":"n","metrics":[{"direction":"up"}]}"#,
        "metrics[0].direction: unknown variant `up`, expected one of `increase`, `decrease`, `either`",
    ),
    (
        r#"{"method":"aca","name":"n","metrics":[{},{"control":[1,2,"many"]}]}"#,
        r#"metrics[1].control[2]: invalid value: string "many", expected a number, "Infinity" or "-Infinity", or null or "NaN" where it is missing"#,
    ),
    (
        r#"{"method":"aca","name":"n","metrics":[{"classification":"good"}]}"#,
        "metrics[0].classification: `good` is none of pass, high, low, nodata, nodata_fail_metric, error",
    ),
    (
        r#"{"method":"aca","name":"n","metrics":[{"classification":"pass","control":[1]}]}"#,
        "metrics[0].classification: give the points or their classification, not both",
    ),
    (
        r#"{"method":"aca","name":"n","metrics":[{"outliers":{"strategy":"remove","factor":0}}]}"#,
        "metrics[0].outliers.factor: must be more than 0, not 0",
    ),
    (r#"{"method":"aca","name":"n"}"#, "metrics: missing; a case of the method aca is judged by its metrics"),
    (r#"{"method":"aca","name":"n","confidence":1,"metrics":[]}"#, "confidence: must lie between 0 and 1, not 1"),
    (r#"{"method":"aca","name":"n","tolerance":-0.1,"metrics":[]}"#, "tolerance: must be 0 or more, not -0.1"),
    (
        r#"{"method":"aca","name":"n","group_weights":{"g":-1},"metrics":[]}"#,
        "group_weights.g: must be 0 or more, not -1",
    ),
    (
        r#"{"method":"aca","name":"n","thresholds":{"pass":"high"},"metrics":[]}"#,
        r#"thresholds.pass: invalid type: string "high", expected f64"#,
    ),
    (r#"{"method":"aca","name":"n","metrics":[],"metrics":[]}"#, "metrics: stands here twice"),
    (
        r#"{"name":"n","intervals":[{"canary":{"requests":-3}}]}"#,
        "intervals[0].canary.requests: invalid value: integer `-3`, expected a whole number, 0 or more; leave it out or \
         write null where there is no data",
    ),
    (
        r#"{"name":"n","intervals":[{},{"canary":{"requests":3,"errors":0.5}}]}"#,
        "intervals[1].canary.errors: invalid value: floating point `0.5`, expected a whole number, 0 or more; leave it \
         out or write null where there is no data",
    ),
    (
        r#"{"name":"n","intervals":[{"baseline":{"requests":"NaN"}}]}"#,
        r#"intervals[0].baseline.requests: invalid type: string "NaN", expected a whole number, 0 or more; leave it out or write null where there is no data"#,
    ),
    (
        r#"{"name":"n","intervals":[{"canary":{"requests":9,"errors":12},"baseline":null}]}"#,
        "intervals[0].canary.errors: 12 errors of 9 requests",
    ),
    (
        r#"{"name":"n","intervals":[{"baseline":{"requests":NaN}}]}"#,
        r#"intervals[0].baseline.requests: invalid type: string "NaN", expected a whole number, 0 or more; leave it out or write null where there is no data"#,
    ),
    (
        r#"{"name":"n","intervals":[{"baseline":{"requests":-Infinity}}]}"#,
        r#"intervals[0].baseline.requests: invalid type: string "-Infinity", expected a whole number, 0 or more; leave it out or write null where there is no data"#,
    ),
    (
        r#"{"name":"n","intervals":[{"canary":{"requests":9,"buckets":{"0.25":5,"0.1":7}}}]}"#,
        "intervals[0].canary.buckets: 5 within 0.25 s after 7 within 0.1 s; counts are cumulative",
    ),
    (
        r#"{"name":"n","intervals":[{"canary":{"requests":9,"buckets":{"fast":5}}}]}"#,
        "intervals[0].canary.buckets: `fast` is no bound in seconds, such as 0.25 or +Inf",
    ),
    (r#"{"name":"n","alpha_harm":1,"intervals":[]}"#, "alpha_harm: 1 is not a chance between 0 and 1, both excluded"),
    (r#"{"name":"n"}"#, "intervals: missing; write [] where there are none yet"),
    (
        r#"{"name":"n","metrics":[]}"#,
        "metrics: belongs to the method aca, and this case is of the method sequential: set `method`",
    ),
    (
        r#"{"method":"aca","name":"n","metrics":[],"reject":2}"#,
        "reject: belongs to the method sequential, and this case is of the method aca: set `method`",
    ),
];

#[test]
fn a_malformed_case_names_the_field_and_the_line_and_the_others_are_still_answered() {
    for (case, why) in WRONG {
        let ended = judge(&["--json"], &format!("{LATENCY}\n{case}\n{LATENCY}\n"));
        let said: Value = serde_json::from_str(&ended.out[1]).unwrap();
        let expected = serde_json::json!({
            "schema": "holdshort/judge/v1", "name": "n", "line": 2, "error": format!("line 2 (n): {why}"),
        });
        assert_eq!(said, expected, "{case}");
        assert_eq!((ended.out[0].as_str(), ended.out[2].as_str(), ended.code), (LATENCY_ANSWER, LATENCY_ANSWER, 2));
    }
}

/// Intervals in which the canary has so many errors of 1,000 requests, beside 2 of 1,000.
fn stream(errors: u64, intervals: usize) -> String {
    let interval = format!(
        r#"{{"canary":{{"requests":1000,"errors":{errors}}},"baseline":{{"requests":1000,"errors":2}},"stratum":"eu"}}"#
    );
    format!(r#"{{"name":"{errors}","intervals":[{}]}}"#, vec![interval; intervals].join(","))
}

#[test]
fn cases_of_both_methods_may_be_mixed_and_sequential_ones_get_their_verdicts_in_order() {
    let nothing = concat!(
        r#"{"schema":"holdshort/judge/v1","name":null,"method":"sequential","verdict":"no_data","decided_at":null,"#,
        r#""harm":{"e":1.0,"p":1.0},"safe":{"e":1.0,"p":1.0},"ratio":{"estimate":null,"low":null,"high":null},"#,
        r#""events":{"canary":0,"baseline":0,"needed":null},"eta_intervals":null,"doubts":[]}"#,
    );
    let input = [stream(9, 60), LATENCY.to_owned(), stream(2, 400), stream(2, 1), r#"{"intervals":[]}"#.to_owned()];
    let ended = judge(&["--json"], &input.join("\n"));
    assert_eq!((ended.out[1].as_str(), ended.out[4].as_str(), ended.code), (LATENCY_ANSWER, nothing, 0));
    let found: Vec<(Value, Value, bool, Value)> = [0, 2, 3]
        .map(|at| serde_json::from_str::<Value>(&ended.out[at]).unwrap())
        .into_iter()
        .map(|said| {
            let decided = said["decided_at"].is_u64();
            (said["name"].clone(), said["verdict"].clone(), decided, said["events"]["canary"].clone())
        })
        .collect();
    let expected = [("9", "fail", true, 540), ("2", "pass", true, 800), ("2", "undecided", false, 2)];
    assert_eq!(found, expected.map(|(name, verdict, decided, n)| (name.into(), verdict.into(), decided, n.into())));
    let words: Vec<String> = judge(&[], &input.join("\n")).out.iter().map(|line| line[..5].to_owned()).collect();
    assert_eq!(words, ["NO-GO", "NO-GO", "GO  2", "WAIT ", "NO DA"]);
}

#[test]
fn evidence_beyond_what_json_can_hold_is_a_number_still() {
    let case =
        r#"{"intervals":[{"canary":{"requests":100000,"errors":50000},"baseline":{"requests":100000,"errors":5}}]}"#;
    let said: Value = serde_json::from_str(&judge(&["--json"], case).out[0]).unwrap();
    assert_eq!((&said["harm"]["e"], &said["verdict"]), (&Value::from(1e308), &Value::from("fail")));
}

#[test]
fn buckets_may_be_written_in_any_order_and_without_the_last_one() {
    let case = |canary: &str| {
        format!(
            r#"{{"slo_le":0.25,"intervals":[{{"canary":{{"requests":300,"buckets":{{{canary}}}}},"baseline":{{"requests":3000,"buckets":{{"0.1":2500,"0.25":2900,"+Inf":3000}}}}}}]}}"#
        )
    };
    let [ordered, mixed, open] =
        [r#""0.1":250,"0.25":290,"+Inf":300"#, r#""+Inf":300,"0.25":290,"0.1":250"#, r#""0.1":250,"0.25":290"#]
            .map(|canary| judge(&["--json"], &case(canary)).out);
    assert!(ordered[0].contains(r#""events":{"canary":10,"baseline":100,"#), "{}", ordered[0]);
    assert_eq!((&mixed, &open), (&ordered, &ordered));
}

#[test]
fn what_is_no_json_spoils_only_its_own_line() {
    let ended = judge(&["--json"], &format!("{{\"method\":\"aca\",\n{LATENCY}\nnonsense\n[1]\n"));
    assert_eq!(
        (&ended.out[..], ended.code),
        (
            &[
                r#"{"schema":"holdshort/judge/v1","name":null,"line":1,"error":"line 1: not JSON: EOF while parsing a value at line 1, column 16"}"#.to_owned(),
                LATENCY_ANSWER.to_owned(),
                r#"{"schema":"holdshort/judge/v1","name":null,"line":3,"error":"line 3: not JSON: expected ident at line 3, column 2"}"#.to_owned(),
                r#"{"schema":"holdshort/judge/v1","name":null,"line":4,"error":"line 4: invalid type: sequence, expected an object"}"#.to_owned(),
            ][..],
            2
        )
    );
}

#[test]
fn notes_of_ones_own_are_left_out_and_groups_may_have_any_name() {
    let noted = LATENCY
        .replace(r#""groups""#, r#""x_dashboard":{"uid":[1,2]},"groups""#)
        .replace(r#""name":"latency""#, r#""x_run":null,"name":"latency","group_weights":{"x_app":0}"#);
    assert_ne!(noted, LATENCY);
    assert_eq!(judge(&["--json"], &noted).out, [LATENCY_ANSWER]);
}

#[test]
fn nothing_to_judge_is_said_and_a_file_that_cannot_be_read_is_named() {
    let ended = judge(&["--json"], "\n");
    assert_eq!((ended.out.len(), ended.err.as_str(), ended.code), (0, "holdshort: there was no case to judge\n", 5));
    let ended = judge(&["no/such/file"], "");
    assert_eq!(
        (ended.out.len(), ended.err.as_str(), ended.code),
        (0, "holdshort: cannot read no/such/file: No such file or directory (os error 2)\n", 2)
    );
}

const CONFIG: &str = "tests/fixtures/kayenta/canary-config.json";
const PAIRS: &str = "tests/fixtures/kayenta/metric-set-pairs.json";

#[test]
fn kayentas_own_files_are_judged_as_its_judge_does_with_muted_metrics_out_of_the_score() {
    let ended = judge(&["--json", "--kayenta", CONFIG, PAIRS], "");
    let expected = concat!(
        r#"{"schema":"holdshort/judge/v1","name":"two metrics","method":"aca","score":100.0,"verdict":"pass","reason":null,"#,
        r#""groups":[{"name":"pod-group","score":100.0,"no_data":false}],"metrics":[{"name":"Failing metric","#,
        r#""classification":"high","critical_failure":true,"muted":true,"#,
        r#""reason":"the canary lies above the baseline, and is critical","#,
        r#""deviation":10.0,"estimate":22.5,"ci_low":6.0,"ci_high":39.0,"#,
        r#""control":{"count":4,"mean":2.5,"std":1.2909944487358056,"min":1.0,"max":4.0},"#,
        r#""experiment":{"count":4,"mean":25.0,"std":12.909944487358056,"min":10.0,"max":40.0}},"#,
        r#"{"name":"Successful metric","tags":{"zone":"a"},"classification":"pass","critical_failure":false,"#,
        r#""muted":false,"reason":"canary and baseline are identical","deviation":1.0,"estimate":null,"ci_low":null,"#,
        r#""ci_high":null,"control":{"count":3,"mean":2.0,"std":1.0,"min":1.0,"max":3.0},"#,
        r#""experiment":{"count":3,"mean":2.0,"std":1.0,"min":1.0,"max":3.0}}]}"#,
    );
    assert_eq!(ended.out, [expected]);
    assert_eq!(
        (ended.err.as_str(), ended.code),
        (
            "holdshort: tests/fixtures/kayenta/canary-config.json: \
             metrics[1].analysisConfigurations.canary.direction: `Increase` is none of increase, decrease, either: \
             Kayenta takes its default, and so does this\n",
            0
        )
    );
}

#[test]
fn kayentas_infinity_is_a_number_and_its_request_file_a_configuration_with_thresholds_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let written = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let config = r#"{"name":"payments","judge":{"name":"NetflixACAJudge-v1.0"},"metrics":[
        {"name":"errors","groups":["e"],"analysisConfigurations":{"canary":{"direction":"increase","critical":true}}},
        {"name":"hits","groups":["e"],"analysisConfigurations":{"canary":{"direction":"decrease"}}},
        {"name":"p99","groups":["e"],"analysisConfigurations":{"canary":{"direction":"increase"}}}]}"#;
    let pairs = |errors: &str, hits: &str| {
        let pair = |name: &str, values: &str| {
            format!(
                r#"{{"name":"{name}","values":{{"control":[0.01,0.02,0.01,0.015,0.01,0.02],"experiment":[{values}]}}}}"#
            )
        };
        let same = "0.01,0.02,0.01,0.015,0.01,0.02";
        format!("[{},{},{}]", pair("errors", errors), pair("hits", hits), pair("p99", same))
    };
    let same = "0.01,0.02,0.01,0.015,0.01,0.02";
    let infinite = r#""Infinity","Infinity",0.9,"Infinity",0.8,"Infinity""#;
    let (plain, bad) = (written("config.json", config), written("bad.json", &pairs(infinite, same)));
    let ended = judge(&["--json", "--kayenta", &plain, &bad], "");
    let answer = &ended.answers()[0];
    assert_eq!((ended.code, &answer["verdict"], &answer["score"]), (0, &"fail".into(), &0.0.into()), "{answer}");
    let lower = written("low.json", &pairs(same, &[r#""-Infinity""#; 6].join(",")));
    let request = |thresholds: &str| {
        format!(r#"{{"canaryConfig":{config},"executionRequest":{{"scopes":{{}},"thresholds":{thresholds}}}}}"#)
    };
    let verdict = |name: &str, text: &str| {
        let file = written(name, text);
        judge(&["--json", "--kayenta", &file, &lower], "").answers()[0]["verdict"].clone()
    };
    // Two of three metrics pass: 66.7.
    assert_eq!(verdict("plain.json", config), "fail");
    assert_eq!(verdict("low-bar.json", &request(r#"{"pass":60,"marginal":50}"#)), "pass");
    assert_eq!(verdict("high-bar.json", &request(r#"{"pass":90,"marginal":50}"#)), "marginal");
}

#[test]
fn kayentas_files_that_do_not_fit_together_say_where() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let other = write("pairs.json", r#"[{"name":"ram","values":{"control":[],"experiment":[]}}]"#);
    let ended = judge(&["--kayenta", CONFIG, &other], "");
    assert_eq!(ended.out, [format!("ERROR  line 1: {other}: [0].name: `ram` is no metric of {CONFIG}")]);
    assert_eq!((ended.err.lines().count(), ended.code), (1, 2));

    let broken = write("config.json", r#"{"metrics":[{"name":1}]}"#);
    let ended = judge(&["--kayenta", &broken, PAIRS], "");
    assert_eq!(
        ended.out,
        [format!("ERROR  line 1: {broken}: metrics[0].name: invalid type: integer `1`, expected a string")]
    );
    assert_eq!(judge(&["--kayenta", CONFIG], "").code, 2);
}

#[test]
fn every_classifier_and_scorer_vector_of_kayenta_gets_its_answer_through_the_command() {
    let text = fs::read_to_string("tests/fixtures/kayenta/kayenta.json").unwrap();
    let all: Value = serde_json::from_str(&text).unwrap();
    let (mut cases, mut expected) = (Vec::new(), Vec::new());
    for vector in all["classifier"].as_array().unwrap() {
        let params = &vector["params"];
        let (allowed, critical) = (&params["allowed_decrease_increase"], &params["critical_decrease_increase"]);
        cases.push(serde_json::json!({
            "method": "aca", "name": vector["id"], "tolerance": params["tolerance"], "confidence": params["conf_level"],
            "metrics": [{
                "name": vector["metric_name"], "groups": ["g"],
                "control": vector["control"], "experiment": vector["experiment"],
                "direction": vector["direction"], "nan_strategy": vector["nan_strategy"],
                "critical": vector["is_critical"], "must_have_data": vector["must_have_data"],
                "effect_size": {
                    "measure": params["effect_size_measure"],
                    "allowed_decrease": allowed[0], "allowed_increase": allowed[1],
                    "critical_decrease": critical[0], "critical_increase": critical[1],
                },
            }],
        }));
        let class = vector["expected"]["classification"].as_str().unwrap_or("Nodata").to_lowercase();
        expected.push((vector["id"].clone(), Value::from(class)));
    }
    for vector in all["scorer"].as_array().unwrap() {
        cases.push(serde_json::json!({
            "method": "aca", "name": vector["id"],
            "metrics": vector["metrics"], "group_weights": vector["group_weights"],
        }));
        expected.push((vector["id"].clone(), vector["expected"]["summary_score"].clone()));
    }
    let input = cases.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    let ended = judge(&["--json"], &input);
    let found: Vec<(Value, Value)> = ended
        .out
        .iter()
        .map(|line| {
            let answer: Value = serde_json::from_str(line).unwrap();
            let is_score = answer["name"].as_str().unwrap_or_default().starts_with("score");
            let said = if is_score { &answer["score"] } else { &answer["metrics"][0]["classification"] };
            (answer["name"].clone(), said.clone())
        })
        .collect();
    assert_eq!((found, ended.code), (expected, 0));
}

#[test]
fn what_kayenta_writes_for_infinity_is_a_number_beyond_all_others() {
    let of = |points: &str, direction: &str| {
        let case = format!(
            r#"{{"method":"aca","name":"errors","metrics":[{{"name":"e","groups":["app"],"direction":"{direction}","control":[0.01,0.02,0.01,0.015,0.01,0.02],"experiment":{points},"critical":true}}]}}"#
        );
        let ended = judge(&["--json"], &case);
        let answer: Value = serde_json::from_str(ended.out.first().unwrap_or(&ended.err)).unwrap_or_default();
        (answer["verdict"].clone(), answer["score"].clone(), answer["metrics"][0]["classification"].clone())
    };
    let fails = |class: &str| ("fail".into(), 0.0.into(), class.into());
    assert_eq!(of(r#"["Infinity","Infinity",0.9,"Infinity",0.8,"Infinity"]"#, "increase"), fails("high"));
    assert_eq!(of("[Infinity,Infinity,0.9,Infinity,0.8,Infinity]", "increase"), fails("high"));
    assert_eq!(of(r#"["-Infinity","-Infinity",-0.9,"-Infinity",-0.8,"NaN"]"#, "decrease"), fails("low"));
}

#[test]
fn kayentas_files_with_infinities_are_judged() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let config = file(
        "config.json",
        r#"{"name":"payments","judge":{"name":"NetflixACAJudge-v1.0","judgeConfigurations":{}},
            "metrics":[{"name":"errors per success","groups":["errors"],
              "analysisConfigurations":{"canary":{"direction":"increase","critical":true}}}],
            "classifier":{"groupWeights":{"errors":100},"scoreThresholds":{"pass":95,"marginal":75}}}"#,
    );
    let pairs = file(
        "pairs.json",
        r#"[{"name":"errors per success","id":"a","tags":{},"values":{
            "control":[0.01,0.02,0.01,0.015,0.01,0.02],
            "experiment":["Infinity","Infinity",0.9,"Infinity",0.8,"Infinity"]},
            "scopes":{"control":{"startTimeIso":"2026-03-10T01:00:00Z"}}}]"#,
    );
    let ended = judge(&["--json", "--kayenta", &config, &pairs], "");
    let answer: Value = serde_json::from_str(&ended.out[0]).unwrap();
    let metric = &answer["metrics"][0];
    assert_eq!((&answer["score"], &metric["classification"]), (&0.0.into(), &"high".into()), "{answer:#}");
    assert_eq!(metric["critical_failure"], true);
}
