//! Which settings differ between two environments, name by name: where each is set, by whom and when as far as systems tell. Never what
//! it is.

use crate::{
    app::{
        drift::{self, Drift, Found, Kind, Row},
        intent::Intent,
    },
    domain::{ids::EnvironmentName, object::ObjectId},
    view::{
        measure, number,
        scene::Scene,
        sheet::{Sheet, labelled},
        span::{Line, Role},
    },
};

/// Cells of a name, where one is not longer.
const NAME: usize = 24;

pub(super) fn sheet(scene: &Scene<'_>, id: &ObjectId, width: usize) -> Sheet {
    let keys = scene.hint(Intent::Back, "back");
    let Some(drift) = drift::of(scene.model, id) else {
        let text = "No connection tells which settings it is given, or there is no environment to compare with.";
        let wrapped = measure::wrap(text, width.saturating_sub(2)).into_iter();
        let lines = wrapped.map(|text| Line::of(Role::Unknown, format!(" {text}"))).collect();
        return Sheet::said("settings".to_owned(), lines, keys, width);
    };
    let title = format!("settings: {}, {} against {}", drift.pair.service, drift.pair.here, drift.pair.there);
    Sheet::said(title, lines(scene, &drift, width), keys, width)
}

fn lines(scene: &Scene<'_>, drift: &Drift<'_>, width: usize) -> Vec<Line> {
    let wrapped = |role: Role, text: &str| -> Vec<Line> {
        let lines = measure::wrap(text, width.saturating_sub(2)).into_iter();
        lines.map(|text| Line::of(role, format!(" {text}"))).collect()
    };
    let mut lines = Vec::new();
    if drift.is_empty() {
        lines.extend(wrapped(Role::Unknown, "No system that answered has a setting of it."));
    } else {
        lines.extend(wrapped(Role::Text, &head(scene, drift)));
        lines.push(Line::new());
    }
    for row in &drift.rows {
        lines.extend(self::row(scene, drift, row, width));
    }
    for unknown in &drift.unknown {
        lines.extend(labelled("? unknown", Role::Unknown, unknown, width, usize::MAX));
    }
    lines
}

/// `3 differ, 1 may differ, 12 are the same, 4 cannot be compared; read 02:07`.
fn head(scene: &Scene<'_>, drift: &Drift<'_>) -> String {
    let expected = drift.rows.iter().filter(|row| row.expected).count();
    let mut parts = vec![format!("{} differ", drift.differing().count())];
    if expected > 0 {
        parts.push(format!("{expected} may differ"));
    }
    parts.push(format!("{} are the same", drift.same));
    if drift.hidden() > 0 {
        parts.push(format!("{} cannot be compared", drift.hidden()));
    }
    let read = drift.at.map(|at| format!("; read {}", number::moment(scene.now(), at)));
    let more = if drift.reading { "; more is being read" } else { "" };
    format!("{}{}{more}", parts.join(", "), read.unwrap_or_default())
}

fn row(scene: &Scene<'_>, drift: &Drift<'_>, row: &Row<'_>, width: usize) -> Vec<Line> {
    let (here, there) = (&drift.pair.here, &drift.pair.there);
    let perhaps = if row.unsure { "perhaps " } else { "" };
    let (mark, role, said) = match row.kind {
        _ if row.expected => ("  ", Role::Dim, "may differ".to_owned()),
        Kind::MissingHere => ("▲ ", Role::Warn, format!("{perhaps}not set in {here}")),
        Kind::Differs => ("▲ ", Role::Warn, "differs".to_owned()),
        Kind::MissingThere => ("▲ ", Role::Warn, format!("{perhaps}not set in {there}")),
        Kind::Hidden => ("? ", Role::Unknown, "cannot be compared".to_owned()),
    };
    let name = measure::cut(row.name, width.saturating_sub(30).max(NAME));
    let first = Line::of(role, format!(" {mark}")).and(Role::Strong, format!("{name:<NAME$}  ")).and(role, said);
    let mut lines = vec![first.and(Role::Dim, format!(", {}", row.layer.words()))];
    for (environment, found) in [(here, &row.here), (there, &row.there)] {
        for one in found {
            let text = place(scene, environment, one);
            let wrapped = measure::wrap(&text, width.saturating_sub(5)).into_iter();
            lines.extend(wrapped.map(|text| Line::of(Role::Dim, format!("    {text}"))));
        }
    }
    lines
}

/// `in prod/eu: ConfigMap pay-env, an-editor 03-09 10:00 (eu)`.
fn place(scene: &Scene<'_>, environment: &EnvironmentName, found: &Found<'_>) -> String {
    let setting = found.setting;
    let by = setting.by.as_ref().map(|by| format!(", {by}"));
    let ago = setting
        .changed
        .map(|at| format!("{} {}", if by.is_some() { "" } else { ", changed" }, number::moment(scene.now(), at)));
    let (by, ago) = (by.unwrap_or_default(), ago.unwrap_or_default());
    let at = if found.environment == environment { environment } else { found.environment };
    format!("in {at}: {}{by}{ago} ({})", setting.place, found.source)
}
