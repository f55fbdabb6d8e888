//! What an order of waves says of where a verb goes.

use super::cells::in_cell;
use crate::{
    domain::{cell::Standing, evidence::Verdict, time::Timestamp},
    policy::{Ahead, Behind},
};

/// The setting that says it.
const SETTING: &str = "policy.waves";

/// Why what comes first is not done, a sentence: `prod/eu-north-1 comes before it (policy.waves), and 1.42.0 is at 25 % there`.
pub(super) fn ahead(ahead: &Ahead, moment: impl Fn(Timestamp) -> String) -> String {
    let first = format!("{} comes before it ({SETTING})", ahead.environment);
    if ahead.why == Behind::AtOnce {
        return format!("it leads to {} as a whole, which is several waves ({SETTING})", ahead.environment);
    }
    let Some(version) = &ahead.version else {
        return format!("NO DATA: {first}, and which version this is, is not known");
    };
    let tag = &version.tag;
    match &ahead.why {
        Behind::Stands(Standing::Unknown(why)) => format!("NO DATA: {first}, and what runs there is not known: {why}"),
        Behind::Stands(standing @ Standing::Arrives { .. }) => {
            format!("{first}, and {tag} is {} there", in_cell(standing, version, None))
        }
        Behind::Stands(standing) => format!("{first}, and does not have {tag}: {}", in_cell(standing, version, None)),
        Behind::Verdict(Verdict::NoData) => format!("{first}, and whether {tag} is well there is not known: NO DATA"),
        Behind::Verdict(word) => format!("{first}, and {tag} came through there as {}", word.words()),
        Behind::Soaks { until } => format!("{first}, and {tag} soaks there until {}", moment(*until)),
        Behind::SinceWhen | Behind::AtOnce => {
            format!("NO DATA: {first}, and since when {tag} is there is not known")
        }
    }
}

/// What to do about it.
pub(super) fn way(ahead: &Ahead, moment: impl Fn(Timestamp) -> String) -> String {
    let tag = ahead.version.as_ref().map_or("it", |version| version.tag.as_str());
    let place = &ahead.environment;
    match &ahead.why {
        Behind::Stands(Standing::Unknown(_)) | Behind::SinceWhen => {
            format!("look at {place} first: what is not known there counts as not done")
        }
        Behind::Stands(Standing::TakenBack { .. }) => {
            format!("find out why {tag} was taken back in {place} before it goes anywhere else")
        }
        Behind::Stands(_) => format!("bring {tag} to {place} first"),
        Behind::Verdict(_) => format!("find out how {tag} does in {place} first"),
        Behind::Soaks { until } => format!("wait until {}", moment(*until)),
        Behind::AtOnce => "let through each wave by itself, where its system can".to_owned(),
    }
}
