//! A backend that spends few bytes: an idle screen over a slow line is a clock and some ages, and should cost no more.
//!
//! What it leaves out that ratatui's own sends with every frame: the reset of every attribute at its end, attributes that
//! have not changed or that a blank does not show, and the row of a cell on the row of the last one. Of two orders, row by row and
//! look by look, it takes the one that costs less. It never asks the terminal anything.

use std::io::{self, Write};

use ratatui::{
    backend::{Backend, ClearType, WindowSize},
    buffer::Cell,
    layout::{Position, Size},
    style::{Color, Modifier},
};

use crate::term::{
    escape::{BeginLink, EndLink},
    painter::Links,
};

/// What is told to the terminal of attributes, with their codes (ECMA-48, SGR).
const ATTRIBUTES: [(Modifier, u8); 5] = [
    (Modifier::BOLD, 1),
    (Modifier::DIM, 2),
    (Modifier::ITALIC, 3),
    (Modifier::UNDERLINED, 4),
    (Modifier::REVERSED, 7),
];

/// How the terminal draws the next character.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Look {
    text: Color,
    back: Color,
    attributes: Modifier,
}

impl Look {
    fn of(cell: &Cell) -> Self {
        let known = ATTRIBUTES.iter().fold(Modifier::empty(), |all, (one, _)| all | *one);
        Self { text: cell.fg, back: cell.bg, attributes: cell.modifier & known }
    }

    /// Does a blank look the same in it as in no look at all?
    fn hides_nothing(self) -> bool {
        self.back == Color::Reset && !self.attributes.intersects(Modifier::UNDERLINED | Modifier::REVERSED)
    }

    /// The shortest way from one look to another that needs no memory of which code undoes which.
    fn change(self, to: Self) -> String {
        if self == to {
            return String::new();
        }
        if to == Self::default() {
            return "\x1b[m".to_owned();
        }
        let mut codes: Vec<String> = Vec::new();
        let from = if to.attributes.contains(self.attributes) {
            self
        } else {
            codes.push("0".to_owned());
            Self::default()
        };
        let added =
            ATTRIBUTES.iter().filter(|(one, _)| to.attributes.contains(*one) && !from.attributes.contains(*one));
        codes.extend(added.map(|(_, code)| code.to_string()));
        if from.text != to.text {
            codes.push(color(to.text, 30));
        }
        if from.back != to.back {
            codes.push(color(to.back, 40));
        }
        format!("\x1b[{}m", codes.join(";"))
    }
}

/// A colour as parameters; `base` is 30 for text and 40 for the background.
fn color(color: Color, base: u8) -> String {
    let of_sixteen = |index: u8| if index < 8 { (base + index).to_string() } else { (base + 52 + index).to_string() };
    match color {
        Color::Reset => (base + 9).to_string(),
        Color::Rgb(r, g, b) => format!("{};2;{r};{g};{b}", base + 8),
        Color::Indexed(index) => format!("{};5;{index}", base + 8),
        Color::Black => of_sixteen(0),
        Color::Red => of_sixteen(1),
        Color::Green => of_sixteen(2),
        Color::Yellow => of_sixteen(3),
        Color::Blue => of_sixteen(4),
        Color::Magenta => of_sixteen(5),
        Color::Cyan => of_sixteen(6),
        Color::Gray => of_sixteen(7),
        Color::DarkGray => of_sixteen(8),
        Color::LightRed => of_sixteen(9),
        Color::LightGreen => of_sixteen(10),
        Color::LightYellow => of_sixteen(11),
        Color::LightBlue => of_sixteen(12),
        Color::LightMagenta => of_sixteen(13),
        Color::LightCyan => of_sixteen(14),
        Color::White => of_sixteen(15),
    }
}

/// Draws on a writer.
#[derive(Debug)]
pub struct Compact<W> {
    writer: W,
    look: Look,
    /// Where cells lead that are drawn as a link.
    address: Option<String>,
}

impl<W: Write> Compact<W> {
    /// On this writer. The terminal's look is not known: [`Backend::clear`] comes before the first cell.
    pub fn new(writer: W) -> Self {
        Self { writer, look: Look::default(), address: None }
    }

    /// The cells in this order as bytes, and the look that the terminal has then.
    fn encode(&self, cells: &[(u16, u16, &Cell)]) -> (String, Look) {
        let (mut out, mut look) = (String::new(), self.look);
        let mut last: Option<Position> = None;
        for (x, y, cell) in cells.iter().copied() {
            match last {
                Some(last) if last.y == y && last.x.checked_add(1) == Some(x) => {}
                Some(last) if last.y == y => out.extend([format!("\x1b[{}G", u32::from(x) + 1)]),
                _ => out.extend([format!("\x1b[{};{}H", u32::from(y) + 1, u32::from(x) + 1)]),
            }
            last = Some(Position { x, y });
            if !(is_blank(cell) && look.hides_nothing()) {
                out.push_str(&look.change(Look::of(cell)));
                look = Look::of(cell);
            }
            match self.address.as_ref().filter(|_| cell.underline_color != Color::Reset) {
                // Cell by cell: a frame begins anywhere, and there are few of them.
                Some(address) => {
                    out.extend([BeginLink(address.clone()).to_string(), cell.symbol().to_owned(), EndLink.to_string()]);
                }
                None => out.push_str(cell.symbol()),
            }
        }
        (out, look)
    }

    /// The same cells look by look, the look that the terminal has first, so that it need not be said; a blank with the cell before it.
    fn by_looks<'a>(&self, cells: &[(u16, u16, &'a Cell)]) -> Vec<(u16, u16, &'a Cell)> {
        let mut looks = vec![self.look];
        let mut place = |look: Look| {
            looks.iter().position(|known| *known == look).unwrap_or_else(|| {
                looks.push(look);
                looks.len() - 1
            })
        };
        let mut before: Option<(u16, u16, usize)> = None;
        let mut keyed: Vec<(usize, (u16, u16, &Cell))> = Vec::with_capacity(cells.len());
        for (x, y, cell) in cells.iter().copied() {
            let beside = before.filter(|(last, row, _)| *row == y && last.checked_add(1) == Some(x));
            let key = match beside {
                Some((_, _, key)) if is_blank(cell) => key,
                _ => place(Look::of(cell)),
            };
            before = Some((x, y, key));
            keyed.push((key, (x, y, cell)));
        }
        keyed.sort_by_key(|(key, _)| *key);
        keyed.into_iter().map(|(_, cell)| cell).collect()
    }
}

/// Shows a cell nothing, whatever the colour of its text?
pub(super) fn is_blank(cell: &Cell) -> bool {
    cell.symbol() == " " && Look::of(cell).hides_nothing() && cell.underline_color == Color::Reset
}

impl<W: Write> Links for Compact<W> {
    fn link(&mut self, address: Option<&str>) {
        self.address = address.map(str::to_owned);
    }
}

impl<W: Write> Backend for Compact<W> {
    type Error = io::Error;

    fn draw<'a, I>(&mut self, content: I) -> io::Result<()>
    where
        I: Iterator<Item = (u16, u16, &'a Cell)>,
    {
        let cells: Vec<(u16, u16, &Cell)> = content.collect();
        let orders = [self.encode(&cells), self.encode(&self.by_looks(&cells))];
        let Some((bytes, look)) = orders.into_iter().min_by_key(|(bytes, _)| bytes.len()) else { return Ok(()) };
        self.look = look;
        self.writer.write_all(bytes.as_bytes())
    }

    fn hide_cursor(&mut self) -> io::Result<()> {
        self.writer.write_all(b"\x1b[?25l")
    }

    fn show_cursor(&mut self) -> io::Result<()> {
        self.writer.write_all(b"\x1b[?25h")
    }

    fn get_cursor_position(&mut self) -> io::Result<Position> {
        Err(io::Error::other("the terminal is never asked where its cursor is"))
    }

    fn set_cursor_position<P: Into<Position>>(&mut self, position: P) -> io::Result<()> {
        let Position { x, y } = position.into();
        write!(self.writer, "\x1b[{};{}H", u32::from(y) + 1, u32::from(x) + 1)
    }

    fn clear(&mut self) -> io::Result<()> {
        self.clear_region(ClearType::All)
    }

    fn clear_region(&mut self, region: ClearType) -> io::Result<()> {
        // A terminal fills what it clears with the background that is set.
        self.look = Look::default();
        let code = match region {
            ClearType::All => "2J",
            ClearType::AfterCursor => "J",
            ClearType::BeforeCursor => "1J",
            ClearType::CurrentLine => "2K",
            ClearType::UntilNewLine => "K",
        };
        write!(self.writer, "\x1b[m\x1b[{code}")
    }

    fn size(&self) -> io::Result<Size> {
        let (width, height) = crossterm::terminal::size()?;
        Ok(Size { width, height })
    }

    fn window_size(&mut self) -> io::Result<WindowSize> {
        Ok(WindowSize { columns_rows: self.size()?, pixels: Size::default() })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

#[cfg(test)]
mod tests {
    use ratatui::style::Style;

    use super::*;

    fn drawn(compact: &mut Compact<Vec<u8>>, cells: &[(u16, u16, &str, Style)]) -> String {
        let cells: Vec<(u16, u16, Cell)> = cells
            .iter()
            .map(|(x, y, symbol, style)| {
                let mut cell = Cell::default();
                cell.set_symbol(symbol).set_style(*style);
                (*x, *y, cell)
            })
            .collect();
        compact.draw(cells.iter().map(|(x, y, cell)| (*x, *y, cell))).unwrap();
        String::from_utf8(std::mem::take(&mut compact.writer)).unwrap()
    }

    #[test]
    fn a_look_is_said_once_and_stays_for_the_next_frame() {
        let (plain, bold) = (Style::new(), Style::new().fg(Color::Rgb(1, 2, 3)).add_modifier(Modifier::BOLD));
        let mut compact = Compact::new(Vec::new());
        let first =
            drawn(&mut compact, &[(0, 0, "a", bold), (1, 0, "b", bold), (5, 0, "c", plain), (7, 0, "d", plain)]);
        assert_eq!(first, "\x1b[1;6Hc\x1b[8Gd\x1b[1G\x1b[1;38;2;1;2;3mab");
        let next = drawn(&mut compact, &[(5, 0, "e", plain), (2, 1, "f", bold)]);
        assert_eq!(next, "\x1b[2;3Hf\x1b[1;6H\x1b[me");
    }

    #[test]
    fn a_blank_costs_no_look_and_a_frame_is_drawn_in_the_order_that_costs_less() {
        let (plain, red) = (Style::new(), Style::new().fg(Color::Rgb(255, 0, 0)));
        let mut compact = Compact::new(Vec::new());
        let one = drawn(&mut compact, &[(0, 0, "a", red), (1, 0, " ", plain), (2, 0, "b", red)]);
        assert_eq!(one, "\x1b[1;1H\x1b[38;2;255;0;0ma b");
        // Row by row each look would be said twice.
        let cells: Vec<_> = (0..40).map(|x| (x, x / 20, "x", if x % 20 < 10 { plain } else { red })).collect();
        let both = drawn(&mut compact, &cells);
        assert_eq!((both.matches("38;2").count(), both.matches("\x1b[m").count()), (0, 1), "{both:?}");
        let under = Style::new().add_modifier(Modifier::REVERSED);
        let bar = drawn(&mut compact, &[(0, 0, " ", under), (1, 0, " ", plain)]);
        assert!(bar.contains("7m") && bar.ends_with("\x1b[m "), "a blank that shows is drawn as it looks: {bar:?}");
    }

    #[test]
    fn an_attribute_that_goes_takes_the_others_along_and_what_is_cleared_has_no_colour() {
        let on = |bg| Style::new().fg(Color::LightRed).bg(bg).add_modifier(Modifier::UNDERLINED);
        let mut compact = Compact::new(Vec::new());
        let more = drawn(&mut compact, &[(0, 0, "a", on(Color::Blue)), (1, 0, "b", on(Color::Indexed(9)))]);
        assert_eq!(more, "\x1b[1;1H\x1b[4;91;44ma\x1b[48;5;9mb");
        let less = drawn(&mut compact, &[(3, 0, "c", Style::new().fg(Color::LightRed))]);
        assert_eq!(less, "\x1b[1;4H\x1b[0;91mc");
        compact.clear().unwrap();
        assert_eq!(String::from_utf8(std::mem::take(&mut compact.writer)).unwrap(), "\x1b[m\x1b[2J");
        assert_eq!(drawn(&mut compact, &[(0, 0, "d", Style::new())]), "\x1b[1;1Hd");
    }

    #[test]
    fn a_terminal_that_is_drawn_on_shows_what_ratatuis_own_backend_would_show() {
        use ratatui::{backend::CrosstermBackend, buffer::Buffer, layout::Rect};
        let area = Rect::new(0, 0, 24, 3);
        let styles = [
            Style::new(),
            Style::new().fg(Color::Red).add_modifier(Modifier::BOLD),
            Style::new().bg(Color::Rgb(9, 8, 7)).add_modifier(Modifier::REVERSED),
            Style::new().fg(Color::Indexed(200)).add_modifier(Modifier::BOLD | Modifier::DIM),
        ];
        let mut frames = vec![Buffer::empty(area)];
        for (frame, words) in ["支付 pays 12 s", "支付 pays 13 s ─┤", "x"].iter().enumerate() {
            let mut buffer = Buffer::empty(area);
            for (row, style) in (0_u16..3).zip(styles.iter().cycle().skip(frame)) {
                buffer.set_string(row * 2, row, words, *style);
            }
            frames.push(buffer);
        }
        let mut written = Vec::new();
        let (mut ours, mut theirs) = (Compact::new(Vec::new()), CrosstermBackend::new(&mut written));
        for pair in frames.windows(2) {
            let changes = pair[0].diff(&pair[1]);
            ours.draw(changes.iter().copied()).unwrap();
            theirs.draw(changes.into_iter()).unwrap();
        }
        let shown = |bytes: &[u8]| {
            let size = |cells| std::num::NonZero::new(cells).unwrap();
            let mut parser = vt100::Parser::new(size(3), size(24), 0);
            parser.process(bytes);
            // Of a blank nobody sees which colour its text would have.
            let cell = |row, column| {
                let cell = parser.screen().cell(row, column).unwrap();
                let blank = cell.contents().trim().is_empty() && !cell.inverse() && !cell.underline();
                let text = (!blank).then(|| (cell.fgcolor(), cell.bold(), cell.dim()));
                (cell.contents().to_owned(), text, cell.bgcolor(), cell.inverse(), cell.underline())
            };
            (0..3)
                .flat_map(|row| (0..24).map(move |column| (row, column)))
                .map(|(row, column)| cell(row, column))
                .collect::<Vec<_>>()
        };
        assert_eq!(shown(&ours.writer), shown(&written));
        assert!(ours.writer.len() < written.len());
    }
}
