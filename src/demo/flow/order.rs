//! A deployment to hosts: its batches one after the other, with a pause between them until somebody lets the next one go.

use std::time::Duration;

use crate::{
    demo::flow::spec::{JobSpec, MachineSpec},
    domain::time::{Timestamp, after},
};

/// One machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Machine {
    pub(super) spec: MachineSpec,
    /// Flow's word for where it is.
    pub(super) word: &'static str,
    pub(super) since: Option<Timestamp>,
    pub(super) at: Option<Timestamp>,
    until: Option<Timestamp>,
}

/// A deploy order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) id: u64,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
    /// The batch that it is at, and how many there are.
    pub(super) batch: u64,
    pub(super) batches: u64,
    /// Flow's word for where it is.
    pub(super) word: &'static str,
    pub(super) machines: Vec<Machine>,
    takes: Duration,
    through: bool,
    moved: bool,
}

impl Order {
    /// As it begins; the machine that is called as its `trouble` fails at first, too.
    pub(super) fn new(id: u64, job: &JobSpec, now: Timestamp, (through, trouble): (bool, Option<&str>)) -> Self {
        let machine = |spec: &MachineSpec| {
            let fails = spec.fails || trouble == Some(spec.sn.as_str());
            let spec = MachineSpec { fails, ..spec.clone() };
            Machine { spec, word: "Pending", since: None, at: None, until: None }
        };
        let machines: Vec<Machine> = job.machines.iter().map(machine).collect();
        let batches = machines.iter().map(|machine| machine.spec.batch).max().unwrap_or(1);
        let (batch, takes) = (1, job.takes);
        let (created, updated) = (now, now);
        let mut order =
            Self { id, created, updated, batch, batches, word: "Running", machines, takes, through, moved: true };
        order.begin(now);
        order
    }

    /// The machines of the batch that it is at begin.
    fn begin(&mut self, now: Timestamp) {
        (self.word, self.updated, self.moved) = ("Running", now, true);
        let (batch, until) = (self.batch, after(now, self.takes));
        for machine in self.machines.iter_mut().filter(|machine| machine.spec.batch == batch) {
            (machine.word, machine.since, machine.until) = ("Running", Some(now), Some(until));
        }
    }

    pub(super) fn next(&self) -> Option<Timestamp> {
        self.machines.iter().filter_map(|machine| machine.until).min()
    }

    /// Has anything of it moved since this was asked last?
    pub(super) fn has_moved(&mut self) -> bool {
        std::mem::take(&mut self.moved)
    }

    /// Moves what is due; true once it is over. One that is `stopped` is so after its first batch.
    pub(super) fn advance(&mut self, now: Timestamp, stopped: bool) -> bool {
        while let Some(due) = self.next().filter(|due| *due <= now) {
            self.moved = true;
            for machine in self.machines.iter_mut().filter(|machine| machine.until == Some(due)) {
                let word = if machine.spec.fails { "Failed" } else { "Success" };
                (machine.word, machine.at, machine.until) = (word, Some(due), None);
            }
            self.go_on(due, stopped);
        }
        self.ended().is_some()
    }

    /// Goes on where the batch that it is at is done.
    fn go_on(&mut self, now: Timestamp, stopped: bool) {
        let done = |machine: &Machine| matches!(machine.word, "Success" | "Skipped");
        let batch = self.batch;
        if !self.machines.iter().filter(|machine| machine.spec.batch == batch).all(done) {
            return;
        }
        (self.updated, self.moved) = (now, true);
        match () {
            () if self.batch >= self.batches => self.word = "Success",
            () if stopped => drop(self.stop(now)),
            () if self.through => {
                self.batch += 1;
                self.begin(now);
            }
            () => self.word = "Waiting",
        }
    }

    /// When and how it ended.
    pub(super) fn ended(&self) -> Option<(Timestamp, &'static str)> {
        match self.word {
            "Success" => Some((self.updated, "SUCCESS")),
            "Cancelled" => Some((self.updated, "CANCELED")),
            _ => None,
        }
    }

    /// Lets the next batch go; false where it does not wait for that.
    pub(super) fn resume(&mut self, now: Timestamp) -> bool {
        if self.word != "Waiting" {
            return false;
        }
        self.batch += 1;
        self.begin(now);
        true
    }

    /// Stops it; false where it is over.
    pub(super) fn stop(&mut self, now: Timestamp) -> bool {
        if self.ended().is_some() {
            return false;
        }
        (self.word, self.updated, self.moved) = ("Cancelled", now, true);
        for machine in self.machines.iter_mut().filter(|machine| matches!(machine.word, "Pending" | "Running")) {
            (machine.word, machine.until, machine.at) = ("Cancelled", None, Some(now));
        }
        true
    }

    /// Deploys once more to a machine that failed, or leaves it out; false where that cannot be.
    pub(super) fn machine(&mut self, now: Timestamp, sn: &str, skip: bool) -> bool {
        let until = after(now, self.takes);
        let mut failed = self.machines.iter_mut().filter(|machine| machine.word == "Failed");
        let Some(machine) = failed.find(|machine| machine.spec.sn == sn) else { return false };
        if skip {
            (machine.word, machine.at) = ("Skipped", Some(now));
            self.go_on(now, false);
        } else {
            (machine.word, machine.since, machine.until, machine.at) = ("Running", Some(now), Some(until), None);
            machine.spec.fails = false;
        }
        self.moved = true;
        true
    }
}
