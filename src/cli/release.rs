//! Releases as `status --json` lists them: each version of a service that is somewhere or on its way, with its road, and what of it is
//! older than what is live.

use serde::Serialize;

use crate::{
    app::{
        lineage::{Evidence, Older, Release, Spot, Standing},
        model::Model,
    },
    domain::{
        ids::ServiceName,
        object::ObjectId,
        pipeline::{Run, RunStatus},
    },
};

/// A version of a service, and its road.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReleaseOut {
    /// Of which service.
    pub service: String,
    /// The tag; its release number, where any of its names is one.
    pub version: String,
    /// The commit that it was built from, where a system tells.
    pub commit: Option<String>,
    /// Its digest, where a system tells.
    pub digest: Option<String>,
    /// The runs that built or deployed it, oldest first.
    pub runs: Vec<RunRef>,
    /// The ids of the gates that it waits at.
    pub gates: Vec<String>,
    /// Where it is.
    pub places: Vec<PlaceOut>,
    /// Where what waits or runs of it would replace something newer.
    pub older_than_live: Vec<OlderOut>,
}

/// A run of a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RunRef {
    /// Its full id.
    pub id: String,
    /// Where it is.
    pub status: RunStatus,
}

/// A place that a version is at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlaceOut {
    /// Where.
    pub environment: String,
    /// The id of the rollout.
    pub rollout: String,
    /// `serves`, `yields` (it serves, and another version is on its way in), `arrives`, `taken_back`.
    pub standing: &'static str,
}

/// Something that is older than what is live where it goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OlderOut {
    /// The id of the gate or run that would bring it there.
    pub id: String,
    /// Where.
    pub environment: String,
    /// The version that is live there, `TAG (COMMIT)`.
    pub live: String,
    /// The number of the run that built that later; `null` where its release number says that it is newer.
    pub run: Option<u64>,
}

/// Every release that is somewhere or on its way, of one service or of all.
pub(super) fn all(model: &Model, wanted: impl Fn(&ServiceName) -> bool) -> Vec<ReleaseOut> {
    let current = model.lineage.all().filter(|release| wanted(&release.service));
    current.filter(|release| release.is_current(&model.store)).map(|release| one(model, release)).collect()
}

fn one(model: &Model, release: &Release) -> ReleaseOut {
    let (lineage, store) = (&model.lineage, &model.store);
    let of_gates = release.gates.iter().filter_map(|id| Some((id, lineage.older_than_live(store, id)?)));
    let of_runs = release.runs.iter().filter_map(|id| Some((id, lineage.overtaken(store, id)?)));
    let run = |run: &Run| RunRef { id: run.id.to_string(), status: run.status };
    ReleaseOut {
        service: release.service.to_string(),
        version: release.version.tag.clone(),
        commit: release.version.commit.clone(),
        digest: release.version.digest.clone(),
        runs: release.runs.iter().filter_map(|id| store.run(id)).map(run).collect(),
        gates: release.gates.iter().map(ToString::to_string).collect(),
        places: release.spots.iter().map(place).collect(),
        older_than_live: of_gates.chain(of_runs).map(|(id, older)| OlderOut::of(id, &older)).collect(),
    }
}

fn place(spot: &Spot) -> PlaceOut {
    let standing = match spot.standing {
        Standing::Serves => "serves",
        Standing::Yields => "yields",
        Standing::Arrives => "arrives",
        Standing::TakenBack => "taken_back",
    };
    PlaceOut { environment: spot.environment.to_string(), rollout: spot.rollout.to_string(), standing }
}

impl OlderOut {
    pub(super) fn of(id: &ObjectId, older: &Older) -> Self {
        let run = match older.by {
            Evidence::Run(number) => Some(number),
            Evidence::Number => None,
        };
        Self { id: id.to_string(), environment: older.environment.to_string(), live: older.live.to_string(), run }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::sample;

    #[test]
    fn a_release_says_its_runs_its_gates_and_where_it_is() {
        let model = sample::model();
        let shown: Vec<_> = all(&model, |_| true)
            .into_iter()
            .map(|one| {
                let places: Vec<_> =
                    one.places.iter().map(|place| format!("{} {}", place.environment, place.standing)).collect();
                (one.service, one.version, one.runs.len(), one.gates.len(), places.join(", "))
            })
            .collect();
        let expected = [
            ("ledger", "main", 1, 1, ""),
            ("payments", "1.42.0", 0, 0, "prod/eu arrives, prod/us arrives"),
            ("payments", "1.41.3", 0, 0, "prod/eu yields, prod/us yields"),
        ];
        let expected = expected.map(|(service, version, runs, gates, places)| {
            (service.to_owned(), version.to_owned(), runs, gates, places.to_owned())
        });
        assert_eq!(shown, expected);
        assert_eq!(all(&model, |service| service.as_str() == "nobody"), []);
    }
}
