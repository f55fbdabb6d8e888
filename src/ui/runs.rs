//! A frame as text with the roles of its cells: what a script reads, and what does not change when a theme does.

use ratatui::{
    buffer::{Buffer, Cell},
    layout::Rect,
};

use crate::{
    theme::{Glyphs, Theme},
    ui::{draw, text::rows},
    view::{View, measure},
};

/// One row of cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its text, without blanks at the end.
    pub text: String,
    /// Stretches of one role, from left to right. Cells between them play none: they are blank.
    pub runs: Vec<Run>,
}

/// Neighbouring cells of one role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The first cell, from 0.
    pub column: u16,
    /// How many cells.
    pub cells: u16,
    /// The role's name in a theme; `None` for blank cells that are part of the selected row.
    pub role: Option<&'static str>,
    /// Part of the selected row.
    pub selected: bool,
}

/// Draws a frame and reads the roles back from it.
pub fn runs(view: &View, glyphs: Glyphs, size: (u16, u16)) -> Vec<Row> {
    let (theme, area) = (Theme::of_roles(glyphs), Rect::new(0, 0, size.0, size.1));
    let mut buffer = Buffer::empty(area);
    draw(view, &theme, area, &mut buffer);
    rows(&buffer).map(|cells| row(&cells)).collect()
}

fn row(cells: &[(u16, &Cell)]) -> Row {
    let text: String = cells.iter().map(|(_, cell)| cell.symbol()).collect();
    let mut runs: Vec<Run> = Vec::new();
    for (column, cell) in cells {
        let (role, selected) = Theme::roles_of(cell.fg, cell.bg);
        let width = u16::try_from(measure::width(cell.symbol()).max(1)).unwrap_or(1);
        if role.is_none() && !selected {
            continue;
        }
        match runs.last_mut() {
            Some(last) if last.column + last.cells == *column && (last.role, last.selected) == (role, selected) => {
                last.cells += width;
            }
            _ => runs.push(Run { column: *column, cells: width, role, selected }),
        }
    }
    Row { text: text.trim_end().to_owned(), runs }
}

#[cfg(test)]
mod tests {
    use ratatui::buffer::Buffer;

    use super::*;

    #[test]
    fn cells_of_one_role_are_one_run_and_a_wide_character_counts_two() {
        let theme = Theme::of_roles(Glyphs::Unicode);
        let mut buffer = Buffer::empty(Rect::new(0, 0, 12, 1));
        buffer.set_string(0, 0, "支付", theme.style("status.bad"));
        buffer.set_string(4, 0, " ok", theme.style("text"));
        buffer.set_style(Rect::new(6, 0, 3, 1), theme.style("selection"));
        let cells = rows(&buffer).next().unwrap();
        let run = |column, cells, role, selected| Run { column, cells, role, selected };
        assert_eq!(
            row(&cells),
            Row {
                text: "支付 ok".to_owned(),
                runs: vec![
                    run(0, 4, Some("status.bad"), false),
                    run(4, 2, Some("text"), false),
                    run(6, 1, Some("text"), true),
                    run(7, 2, None, true),
                ],
            }
        );
    }
}
