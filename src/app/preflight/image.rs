//! What registries told of the images that a version is made of.

use super::Outlook;
use crate::{
    app::{model::Model, store::preflights::Answer},
    domain::{
        ids::SourceName,
        preflight::{About, Check, Grade, Image, Kept, Preflight},
        text::counted,
    },
    port::lookup::Topic,
};

/// Fewer tags than this, and the next clean-up may take the one that is needed.
const FEW: usize = 5;
/// Digits of a digest that are shown.
const SHORT: usize = 12;

/// Whoever may know what is kept of images.
pub(super) fn registries(model: &Model) -> impl Iterator<Item = &SourceName> {
    model.session.sources.iter().filter(|info| info.answers.contains(&Topic::Image)).map(|info| &info.name)
}

/// Is it kept by somebody else?
pub(super) fn is_elsewhere(answer: &Answer<Kept>) -> bool {
    matches!((&answer.last, &answer.fault), (Some(Kept::Elsewhere), None))
}

/// What of the images is to be known where the version would run.
pub(super) fn checks(model: &Model, outlook: &mut Outlook<'_>, told: &Preflight) {
    let runs = outlook.arm.pods.is_some_and(|pods| pods.ready > 0);
    for image in &told.images {
        let (mut kept, mut reading) = (None, false);
        for source in registries(model) {
            match model.store.preflights.image(source, &image.name) {
                None => reading = true,
                Some(answer) if is_elsewhere(answer) => {}
                Some(answer) => {
                    outlook.at = outlook.at.into_iter().chain([answer.read]).min();
                    kept = Some(answer);
                }
            }
        }
        match kept {
            Some(answer) => outlook.checks.extend(graded(model, image, told.to_start, answer)),
            None if reading => outlook.reading = true,
            // What runs was pulled once; what has to be pulled first may be gone.
            None if told.to_start > 0 && !runs => {
                let words =
                    format!("whether {} can still be pulled is not known: no connection asks its registry", image.name);
                outlook.checks.push(
                    Check::new(About::Image, Grade::Unknown, words).mended_by("name the registry in [connections]"),
                );
            }
            None => {}
        }
    }
}

/// What a registry's answer comes to.
fn graded(model: &Model, image: &Image, to_start: u32, answer: &Answer<Kept>) -> Vec<Check> {
    let name = &image.name;
    let check = |grade, words: String| super::aged(model, Check::new(About::Image, grade, words), answer.read);
    match (&answer.last, &answer.fault) {
        (None, fault) => {
            let why = fault.as_ref().map(|fault| format!(": {}", fault.text)).unwrap_or_default();
            vec![check(Grade::Unknown, format!("whether {name} can be pulled is not known{why}"))]
        }
        (Some(Kept::Elsewhere), _) => Vec::new(),
        (Some(Kept::Gone), _) if to_start > 0 => {
            let pods = counted(to_start, "pod");
            vec![
                check(Grade::Red, format!("the image {name} is gone, and {pods} would have to start"))
                    .mended_by("push it again"),
            ]
        }
        (Some(Kept::Gone), _) => {
            vec![
                check(Grade::Amber, format!("the image {name} is gone: a pod that must start anew cannot"))
                    .mended_by("push it again"),
            ]
        }
        (Some(Kept::There { digest, tags }), _) => {
            let mut all = vec![match moved(image, digest.as_deref()) {
                Some(words) => check(Grade::Amber, words),
                None => check(Grade::Good, format!("the image {name} is there")),
            }];
            all.extend(match tags {
                Ok(tags) if *tags < FEW => {
                    let only = if *tags == 1 { "1 tag is".to_owned() } else { format!("{tags} tags are") };
                    Some(check(Grade::Amber, format!("only {only} kept beside {name}: a clean-up may take it")))
                }
                Ok(_) => None,
                Err(why) => {
                    Some(check(Grade::Unknown, format!("how many tags are kept beside {name} is not known: {why}")))
                }
            });
            all
        }
    }
}

/// That the name stands for another image than the one that runs, where both are known.
fn moved(image: &Image, now: Option<&str>) -> Option<String> {
    let (runs, now) = (image.runs.as_deref()?, now?);
    let short = |digest: &str| digest.trim_start_matches("sha256:").chars().take(SHORT).collect::<String>();
    (!runs.eq_ignore_ascii_case(now)).then(|| {
        format!(
            "{} stands for another image now ({} → {}): a pod that starts anew runs that",
            image.name,
            short(runs),
            short(now)
        )
    })
}
