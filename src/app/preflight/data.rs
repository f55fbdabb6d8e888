//! What a version changed that cannot be taken back, as the configuration declares it by paths of its repository.

use crate::{
    app::{
        lineage::{self, Between},
        model::Model,
    },
    domain::{
        preflight::{About, Check, Grade},
        rollout::{Arm, Rollout},
        version::Version,
    },
};

/// Files that a sentence names.
const NAMED: usize = 2;

/// The commits of the version that one would go back to and of the one that is there now, where a forge is to compare them: only of
/// services that declare something.
pub(super) fn between(model: &Model, rollout: &Rollout) -> Option<Between> {
    model.session.files.irreversible.get(&rollout.service)?;
    let hash = super::way_back(model, rollout)?;
    let arm = rollout.arms.iter().find(|arm| arm.hash == hash)?;
    of(model, rollout, arm)
}

fn of(model: &Model, rollout: &Rollout, arm: &Arm) -> Option<Between> {
    lineage::between_versions(model, &rollout.service, arm.version.as_ref()?, rollout.canary.as_ref()?)
}

/// What is known of that; nothing where the service declares nothing.
pub(super) fn declared(model: &Model, rollout: &Rollout, arm: &Arm) -> Option<Check> {
    let patterns = model.session.files.irreversible.get(&rollout.service)?;
    let new = rollout.canary.as_ref().map_or_else(|| "the version that is there".to_owned(), name);
    let (red, unknown) =
        (|words| Check::new(About::Data, Grade::Red, words), |words| Check::new(About::Data, Grade::Unknown, words));
    let Some(between) = of(model, rollout, arm) else {
        let words =
            format!("whether {new} changed what cannot be taken back is not known: no forge can compare both commits");
        return Some(unknown(words));
    };
    Some(match between.answer(&model.store) {
        None => unknown(format!("whether {new} changed what cannot be taken back is being read")),
        Some(Err(fault)) => {
            unknown(format!("whether {new} changed what cannot be taken back is not known: {}", fault.text))
        }
        Some(Ok(changes)) => {
            let files = changes.those(patterns);
            match files.as_slice() {
                [] if changes.all_files => {
                    Check::new(About::Data, Grade::Good, format!("{new} changed nothing that is declared irreversible"))
                }
                [] => unknown(format!(
                    "whether {new} changed what cannot be taken back is not known: not all files are told"
                )),
                files => {
                    let more =
                        if files.len() > NAMED { format!(" and {} more", files.len() - NAMED) } else { String::new() };
                    let named = files.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
                    red(format!("{new} changed what cannot be taken back: {named}{more}"))
                }
            }
        }
    })
}

fn name(version: &Version) -> String {
    version.tag.clone()
}
