//! The AnalysisRuns of a Rollout: made for a step or for the background, watched, ended when nobody needs them any more
//! (`rollout/analysis.go`).

use serde_json::{Value, json};

use super::super::super::json;
use super::super::super::kind::Kind;
use super::super::super::store::Key;
use super::super::{analysis, is_owned_by, owner_reference};
use super::state::{Analysis, RunStatus};
use super::{INCONCLUSIVE, PAUSE_STEP, Sync};

/// For what a run is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Step(i64),
    Background,
}

impl Sync<'_> {
    pub(super) fn reconcile_analysis(&mut self) {
        let unwanted = self.old.is_promoted()
            || self.is_aborted()
            || self.old.promote_full
            || self.is_fast_rollback()
            || self.old.stable_rs.is_empty();
        let step = self.run_named(self.old.canary.current_step_analysis_run_status.as_ref());
        let background = self.run_named(self.old.canary.current_background_analysis_run_status.as_ref());
        if !unwanted {
            self.step_run = self.reconcile_step_run(step);
            self.background_run = self.reconcile_background_run(background);
        }
        self.end_other_runs();
        self.tell_changes();
    }

    fn run_named(&self, status: Option<&RunStatus>) -> Option<RunStatus> {
        let key = Key::new(Kind::AnalysisRun, &self.key.namespace, &status?.name);
        let run = self.plane.store.get(&key)?;
        Some(RunStatus {
            name: key.name,
            status: json::text(run, "/status/phase").to_owned(),
            message: json::text(run, "/status/message").to_owned(),
        })
    }

    fn reconcile_step_run(&mut self, current: Option<RunStatus>) -> Option<RunStatus> {
        if !self.old.pause_conditions.is_empty() || self.old.abort {
            return current;
        }
        let index = self.old.current_step_index.unwrap_or_default();
        let analysis = self.canary.step(index)?.analysis.clone()?;
        let base = self.run_name(Purpose::Step(index));
        let of_this_step = |run: &RunStatus| run.name.strip_prefix(&base).is_some_and(|rest| !rest.starts_with('-'));
        let current = current.filter(of_this_step);
        if self.needs_new_run(current.as_ref()) {
            return self.create_run(&analysis, Purpose::Step(index));
        }
        self.judge(current.as_ref(), "Step-based analysis phase error/failed");
        current
    }

    fn reconcile_background_run(&mut self, current: Option<RunStatus>) -> Option<RunStatus> {
        let analysis = self.canary.analysis.clone().filter(|analysis| !analysis.templates.is_empty())?;
        let index = self.old.current_step_index;
        if index.is_some_and(|index| index < analysis.starting_step.unwrap_or_default()) {
            return None;
        }
        if self.old.pause(INCONCLUSIVE).is_some() {
            return current;
        }
        if self.needs_new_run(current.as_ref()) {
            return self.create_run(&analysis, Purpose::Background);
        }
        self.judge(current.as_ref(), "Background analysis phase error/failed");
        current
    }

    fn needs_new_run(&self, current: Option<&RunStatus>) -> bool {
        let Some(current) = current else { return true };
        if self.old.controller_pause && self.old.pause(PAUSE_STEP).is_none() {
            return current.status == "Inconclusive";
        }
        self.old.aborted_at.is_some()
    }

    fn judge(&mut self, run: Option<&RunStatus>, words: &str) {
        let Some(run) = run else { return };
        match run.status.as_str() {
            "Inconclusive" => self.pauses.add.push(INCONCLUSIVE),
            "Error" | "Failed" if run.message.is_empty() => self.pauses.abort = Some(words.to_owned()),
            "Error" | "Failed" => self.pauses.abort = Some(format!("{words}: {}", run.message)),
            _ => {}
        }
    }

    fn run_name(&self, purpose: Purpose) -> String {
        let hash = self.new_set.as_ref().map_or("", |set| &set.hash);
        let name = format!("{}-{hash}-{}", self.key.name, self.revision());
        match purpose {
            Purpose::Step(index) => format!("{name}-{index}"),
            Purpose::Background => name,
        }
    }

    fn create_run(&mut self, analysis: &Analysis, purpose: Purpose) -> Option<RunStatus> {
        let base = self.run_name(purpose);
        let free =
            |name: &String| self.plane.store.get(&Key::new(Kind::AnalysisRun, &self.key.namespace, name)).is_none();
        let names = std::iter::once(base.clone()).chain((1..).map(|number| format!("{base}.{number}")));
        let name = names.take(1000).find(free)?;
        let hash = self.new_set.as_ref()?.hash.clone();
        let mut labels = self.spec.selector.get("matchLabels").cloned().unwrap_or_else(|| json!({}));
        let map = json::object(&mut labels);
        map.insert("rollouts-pod-template-hash".to_owned(), hash.into());
        match purpose {
            Purpose::Step(index) => {
                map.insert("rollout-type".to_owned(), "Step".into());
                map.insert("step-index".to_owned(), index.to_string().into());
            }
            Purpose::Background => {
                map.insert("rollout-type".to_owned(), "Background".into());
            }
        }
        let templates: Vec<&str> = analysis.templates.iter().map(|t| t.template_name.as_str()).collect();
        let key = Key::new(Kind::AnalysisRun, &self.key.namespace, &name);
        let mut spec = json!({"metrics": self.plane.metrics(&templates)});
        if let Some(args) = analysis.args.clone() {
            json::object(&mut spec).insert("args".to_owned(), args);
        }
        let run = json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisRun",
            "metadata": {
                "name": name, "namespace": key.namespace, "uid": self.plane.seed.uid(&["run", &key.namespace, &name]),
                "generation": 1, "creationTimestamp": json::stamp(self.now), "labels": labels,
                "annotations": {"rollout.argoproj.io/revision": self.revision().to_string()},
                "ownerReferences": owner_reference(&self.object),
            },
            "spec": spec,
            "status": {"phase": "", "runSummary": {}},
        });
        self.plane.put(self.now, &key, run);
        analysis::begin(self.plane, self.now, &key);
        Some(RunStatus { name, ..RunStatus::default() })
    }

    fn own_runs(&self) -> Vec<(Key, std::sync::Arc<Value>)> {
        let uid = json::text(&self.object, "/metadata/uid");
        let start = format!("{}-", self.key.name);
        let mut runs = self.plane.store.starting(Kind::AnalysisRun, &self.key.namespace, &start);
        runs.retain(|(_, run)| is_owned_by(run, uid));
        runs
    }

    fn end_other_runs(&mut self) {
        for (key, run) in self.own_runs() {
            let current = [&self.step_run, &self.background_run];
            let is_current = current.into_iter().flatten().any(|current| current.name == key.name);
            let over = analysis::is_over(json::text(&run, "/status/phase"));
            if is_current || over || run.pointer("/spec/terminate").is_some() {
                continue;
            }
            let mut run = (*run).clone();
            json::child(&mut run, "spec").insert("terminate".to_owned(), true.into());
            self.plane.put(self.now, &key, run);
        }
    }

    pub(super) fn delete_runs_of(&mut self, hash: &str) {
        for (key, run) in self.own_runs() {
            if json::label(&run, "rollouts-pod-template-hash") == Some(hash) {
                self.plane.remove(self.now, &key);
            }
        }
    }

    fn tell_changes(&mut self) {
        let old = &self.old.canary;
        let pairs = [
            ("Step", old.current_step_analysis_run_status.clone(), self.step_run.clone()),
            ("Background", old.current_background_analysis_run_status.clone(), self.background_run.clone()),
        ];
        for (kind, before, now) in pairs {
            let Some(now) = now.filter(|now| !now.status.is_empty()) else { continue };
            let before = match before {
                Some(before) if before.name == now.name => before.status,
                Some(_) => continue,
                None => "NoPreviousStatus".to_owned(),
            };
            if before == now.status {
                continue;
            }
            let warning = matches!(now.status.as_str(), "Failed" | "Error");
            let message =
                format!("{kind} Analysis Run '{}' Status New: '{}' Previous: '{before}'", now.name, now.status);
            self.say(warning, &format!("AnalysisRun{}", now.status), &message);
        }
    }
}
