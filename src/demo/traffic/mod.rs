//! What the services of the world were asked and how they answered: one story, drawn once from the seed, that every system
//! which measures, logs or traces tells in its own form.
//!
//! `spec` is the scenario's side, `shape` how much there is and how versions behave under it, `noise` the chance. Who serves
//! is told by the systems that run services; nobody is asked from here.

mod lines;
mod noise;
mod serving;
mod shape;
pub mod spec;

use chrono::DateTime;

pub use self::{
    lines::Line,
    serving::{Arm, Serving},
    shape::BOUNDS,
};
use self::{
    noise::Noise,
    shape::Shape,
    spec::{Behaviour, LineSpec, Signal, TrafficSpec},
};
use crate::domain::time::Timestamp;

/// Milliseconds of one interval: what is served in it is told at its end.
pub const INTERVAL: i64 = 15_000;

/// How many requests ended in each class of response times; the last is the one beyond all [`BOUNDS`].
pub type Classes = [f64; BOUNDS.len() + 1];

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// Well.
    Success,
    /// Not.
    Failure,
}

/// The requests of one pod in one interval that came from one region and ended in one way.
#[derive(Clone, Debug, PartialEq)]
pub struct Requests<'a> {
    /// Where they came from; nothing where the scenario does not say.
    pub region: &'a str,
    /// How they ended.
    pub outcome: Outcome,
    /// How many, by response time.
    pub by_time: Classes,
}

/// One pod in one interval.
#[derive(Clone, Debug)]
pub struct Served<'a> {
    /// Whose pod it is.
    pub service: &'a Serving,
    /// Which version it runs.
    pub arm: &'a Arm,
    /// Its name.
    pub pod: &'a str,
    /// What it was asked; nothing where the scenario sends it nothing.
    pub requests: Vec<Requests<'a>>,
    /// What nobody measures of it.
    pub absent: &'a [Signal],
    /// The world's seed, and the end of the interval: what its lines follow from.
    from: (u64, i64),
    /// What it writes for its requests.
    writes: &'a [LineSpec],
}

/// The traffic of all services.
#[derive(Clone, Debug)]
pub struct Traffic {
    seed: u64,
    shapes: Vec<Shape>,
}

/// What each pod of a version has to serve in one interval.
#[derive(Clone, Debug)]
struct Load {
    /// How many requests are expected.
    requests: f64,
    /// The row of the scenario that holds, and how much fails now.
    row: Behaviour,
    /// The share of the response times in each class.
    shares: Classes,
    /// What is written for them.
    writes: Vec<LineSpec>,
}

impl Traffic {
    /// Traffic that nobody has served yet. The rates are those at `start`.
    pub fn new(seed: u64, specs: &[TrafficSpec], start: Timestamp) -> Self {
        Self { seed, shapes: specs.iter().map(|spec| Shape::new(spec.clone(), start)).collect() }
    }

    /// The first end of an interval after `now`: every 15 s on the clock's quarter minutes.
    pub fn next(now: Timestamp) -> Timestamp {
        let interval = now.timestamp_millis().div_euclid(INTERVAL) + 1;
        DateTime::from_timestamp_millis(interval * INTERVAL).unwrap_or(Timestamp::MAX_UTC)
    }

    /// Tells what was served in the interval that ends now. Times only grow, one call an interval.
    pub fn tell(&mut self, now: Timestamp, serving: &[Serving], mut listen: impl FnMut(&[Served<'_>])) {
        let interval = now.timestamp_millis().div_euclid(INTERVAL);
        let loads: Vec<Vec<Option<Load>>> = serving.iter().map(|service| self.loads(now, interval, service)).collect();
        let mut served = Vec::new();
        for (service, loads) in serving.iter().zip(&loads) {
            for (arm, load) in service.arms.iter().zip(loads) {
                for (index, pod) in arm.pods.iter().enumerate() {
                    let mut noise = Noise::new(self.seed, &[&service.cell, &service.namespace, pod], interval);
                    let requests = load.as_ref().map(|load| load.draw(index == 0, &mut noise)).unwrap_or_default();
                    let absent = load.as_ref().map_or(&[][..], |load| load.row.absent.as_slice());
                    let writes = load.as_ref().map_or(&[][..], |load| load.writes.as_slice());
                    served.push(Served { service, arm, pod, requests, absent, from: (self.seed, interval), writes });
                }
            }
        }
        listen(&served);
    }

    /// What each version has to serve; `None` where nobody sends it anything by the scenario.
    fn loads(&mut self, now: Timestamp, interval: i64, service: &Serving) -> Vec<Option<Load>> {
        let shape = self.shapes.iter_mut().find(|shape| {
            let spec = &shape.spec;
            (&spec.cell, &spec.namespace, &spec.service) == (&service.cell, &service.namespace, &service.service)
        });
        let Some(shape) = shape else { return vec![None; service.arms.len()] };
        let (seed, rate, common) = (self.seed, shape.rate(now), shape.spec.lines.clone());
        let rows: Vec<Option<Behaviour>> =
            service.arms.iter().map(|arm| shape.behaviour(now, &arm.version, arm.share).cloned()).collect();
        let arrives = arrivals(&service.arms, &rows);
        let load = |((arm, row), share): ((&Arm, Option<Behaviour>), f64)| {
            let mut row = row?;
            if let Some(error_ratio) = burst(seed, &row, interval, service, arm) {
                row.error_ratio = error_ratio;
            }
            let requests = rate * share * (INTERVAL as f64 / 1000.0) / arm.pods.len().max(1) as f64;
            Some(Load { requests, shares: shape::buckets(&row), writes: lines::written(&common, &row.lines), row })
        };
        service.arms.iter().zip(rows).zip(arrives).map(load).collect()
    }
}

impl Load {
    /// Draws what one pod serves. Splitting a Poisson variable gives independent ones: one draw for each region, outcome and
    /// class.
    fn draw(&self, first: bool, noise: &mut Noise) -> Vec<Requests<'_>> {
        let row = &self.row;
        let of_pod = row.first_pod_error_ratio.filter(|_| first).unwrap_or(row.error_ratio);
        let everywhere = row.regions.is_empty().then_some(("", 1.0, of_pod));
        let regions =
            row.regions.iter().map(|region| (&*region.name, region.share, region.error_ratio.unwrap_or(of_pod)));
        let mut drawn = Vec::new();
        for (region, share, error_ratio) in everywhere.into_iter().chain(regions) {
            let requests = self.requests * share;
            for (outcome, ratio) in [(Outcome::Success, 1.0 - error_ratio), (Outcome::Failure, error_ratio)] {
                let by_time = self.shares.map(|share| noise.poisson(requests * ratio * share));
                drawn.push(Requests { region, outcome, by_time });
            }
        }
        drawn
    }
}

/// How much a version fails in a burst, where it has one now.
fn burst(seed: u64, row: &Behaviour, interval: i64, service: &Serving, arm: &Arm) -> Option<f64> {
    let bursts = row.bursts.as_ref()?;
    let expected = (INTERVAL as f64 / 1000.0) / bursts.every.as_secs_f64().max(1.0);
    let what = [service.cell.as_str(), &service.namespace, &service.service, &arm.version, "bursts"];
    (Noise::new(seed, &what, interval).poisson(expected) > 0.0).then_some(bursts.error_ratio)
}

/// The share of the traffic that really arrives at each version: what a router keeps from one, the others get.
fn arrivals(arms: &[Arm], rows: &[Option<Behaviour>]) -> Vec<f64> {
    let reaches = |row: &Option<Behaviour>| row.as_ref().map_or(1.0, |row| row.reaches);
    let arrives: Vec<f64> = arms.iter().zip(rows).map(|(arm, row)| arm.share * reaches(row)).collect();
    let total: f64 = arrives.iter().sum();
    if total <= 0.0 || rows.iter().all(|row| reaches(row) >= 1.0) {
        return arms.iter().map(|arm| arm.share).collect();
    }
    arrives.into_iter().map(|share| share / total).collect()
}
