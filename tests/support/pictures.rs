//! The pictures of `screenshots/`: which there are, and how each is made. One table for the example that writes them and for
//! the test that finds the stale ones.

use std::{collections::BTreeMap, fs, io, path::Path, sync::OnceLock, time::Duration};

use holdshort::{
    app::msg::Msg,
    run::{Demo, demo_cockpit},
    runtime::cockpit::Cockpit,
    theme::{Depth, Glyphs, Theme},
    ui, view,
};
use ratatui::{buffer::Buffer, layout::Rect};

const WIDE: (u16, u16) = (120, 36);
const SMALL: (u16, u16) = (80, 24);
const LARGE: (u16, u16) = (200, 60);
/// The scenario that is for people to look at.
const FLEET: &str = "fleet";

/// How a terminal shows it.
#[derive(Clone, Copy)]
pub(crate) enum Look {
    /// All colours and signs, in the theme of this name.
    Theme(&'static str),
    /// ASCII, without colour.
    Ascii,
}

/// One picture.
#[derive(Clone, Copy)]
pub(crate) struct Picture {
    /// Its file, without `.svg`.
    pub(crate) name: &'static str,
    scenario: &'static str,
    size: (u16, u16),
    look: Look,
    keys: &'static str,
    /// How much of the world's time passes after the last key.
    then: Duration,
}

const fn picture(name: &'static str, scenario: &'static str, keys: &'static str) -> Picture {
    Picture { name, scenario, size: WIDE, look: Look::Theme("dark"), keys, then: Duration::ZERO }
}

/// The same in the smallest usual terminal, in ASCII and without colours.
const fn small(name: &'static str, scenario: &'static str, keys: &'static str) -> Picture {
    Picture { size: SMALL, look: Look::Ascii, ..picture(name, scenario, keys) }
}

/// The same in a terminal that fills a screen.
const fn large(name: &'static str, scenario: &'static str, keys: &'static str) -> Picture {
    Picture { size: LARGE, ..picture(name, scenario, keys) }
}

/// Every picture: each screen of the fleet in three sizes, then what only other scenarios and looks show.
pub(crate) const PICTURES: &[Picture] = &[
    picture("board", FLEET, ""),
    small("board-80x24-ascii", FLEET, ""),
    large("board-200x60", FLEET, ""),
    picture("release", FLEET, "Enter"),
    small("release-80x24-ascii", FLEET, "Enter"),
    large("release-200x60", FLEET, "Enter"),
    picture("logs", FLEET, "l"),
    small("logs-80x24-ascii", FLEET, "l"),
    large("logs-200x60", FLEET, "l"),
    picture("pipelines", FLEET, "2"),
    small("pipelines-80x24-ascii", FLEET, "2"),
    large("pipelines-200x60", FLEET, "2"),
    picture("run", FLEET, "2 Enter"),
    small("run-80x24-ascii", FLEET, "2 Enter"),
    large("run-200x60", FLEET, "2 Enter"),
    picture("inbox", FLEET, "3"),
    small("inbox-80x24-ascii", FLEET, "3"),
    large("inbox-200x60", FLEET, "3"),
    picture("signals", FLEET, "4"),
    small("signals-80x24-ascii", FLEET, "4"),
    large("signals-200x60", FLEET, "4"),
    picture("why", FLEET, "w"),
    small("why-80x24-ascii", FLEET, "w"),
    large("why-200x60", FLEET, "w"),
    picture("confirm", FLEET, "r"),
    small("confirm-80x24-ascii", FLEET, "r"),
    large("confirm-200x60", FLEET, "r"),
    picture("refused", FLEET, "p"),
    small("refused-80x24-ascii", FLEET, "p"),
    large("refused-200x60", FLEET, "p"),
    picture("menu", FLEET, "Space"),
    small("menu-80x24-ascii", FLEET, "Space"),
    large("menu-200x60", FLEET, "Space"),
    picture("help", FLEET, "?"),
    small("help-80x24-ascii", FLEET, "?"),
    large("help-200x60", FLEET, "?"),
    Picture { then: Duration::from_secs(40), ..picture("rolled-back", FLEET, "Enter r 1 Enter") },
    Picture { look: Look::Theme("light"), ..picture("board-light", FLEET, "") },
    Picture { look: Look::Theme("colour-blind"), ..picture("release-colour-blind", FLEET, "Enter") },
    Picture { size: SMALL, ..picture("release-80x24", FLEET, "Enter") },
    picture("one-canary", "bad-canary", ""),
    picture("approval", "waiting-approval", "3"),
    picture("low-traffic", "low-traffic", "Enter"),
    picture("low-traffic-refused", "low-traffic", "p"),
    picture("simpson-board", "simpson", ""),
    picture("simpson-release", "simpson", "Enter"),
    picture("bad-pod-why", "bad-pod", "w"),
    picture("slow-canary-release", "slow-canary", "Enter"),
    picture("no-canary-traffic-board", "no-canary-traffic", ""),
    Picture { then: Duration::from_secs(50), ..picture("hung-api", "hung-api", "") },
];

impl Picture {
    /// Presses the keys on a cockpit of its scenario and draws the screen as SVG. The same bytes every time.
    async fn draw(&self, cockpit: &mut Cockpit) -> Result<String, String> {
        cockpit.feed(Msg::Resized(self.size.0, self.size.1));
        cockpit.press(self.keys).await.map_err(|why| self.said(&why))?;
        if !self.then.is_zero() {
            cockpit.pass(self.then).await;
        }
        let theme = self.look.theme().ok_or_else(|| self.said(&"its theme does not exist"))?;
        let area = Rect::new(0, 0, self.size.0, self.size.1);
        let mut buffer = Buffer::empty(area);
        ui::draw(&view::view(cockpit.model(), cockpit.keymap()), &theme, area, &mut buffer);
        Ok(ui::svg::svg(&buffer, &theme))
    }

    fn said(&self, why: &dyn std::fmt::Display) -> String {
        format!("{}: {why}", self.name)
    }

    /// The name of its file.
    pub(crate) fn file(&self) -> String {
        format!("{}.svg", self.name)
    }
}

/// The text of every picture, in the order of the table; drawn once in a process. One flight of a scenario serves all its pictures,
/// from the board on, but for those in which time passes or something is done.
pub(crate) fn drawn() -> Result<&'static [String], String> {
    static DRAWN: OnceLock<Result<Vec<String>, String>> = OnceLock::new();
    let drawn = DRAWN.get_or_init(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        runtime.map_err(|why| why.to_string())?.block_on(draw_all())
    });
    drawn.as_deref().map_err(Clone::clone)
}

async fn draw_all() -> Result<Vec<String>, String> {
    let mut flights: BTreeMap<&str, Demo> = BTreeMap::new();
    let mut texts = Vec::new();
    for picture in PICTURES {
        let open = async || demo_cockpit(picture.scenario, WIDE).await.map_err(|why| picture.said(&why));
        if !picture.then.is_zero() {
            texts.push(picture.draw(&mut open().await?.cockpit).await?);
            continue;
        }
        if !flights.contains_key(picture.scenario) {
            flights.insert(picture.scenario, open().await?);
        }
        let Some(demo) = flights.get_mut(picture.scenario) else { continue };
        texts.push(picture.draw(&mut demo.cockpit).await?);
        // Out of whatever lies over the screen, and of the screen.
        demo.cockpit.press("Esc Esc Esc").await.map_err(|why| picture.said(&why))?;
    }
    Ok(texts)
}

impl Look {
    fn theme(self) -> Option<Theme> {
        match self {
            Self::Theme(name) => Theme::named(name, Depth::True, Glyphs::Unicode),
            Self::Ascii => Theme::named("dark", Depth::None, Glyphs::Ascii),
        }
    }
}

/// The files in `folder` that are not what the program draws now, or are missing, or belong to no picture; sorted.
pub(crate) fn stale(folder: &Path) -> Result<Vec<String>, String> {
    let mut stale: Vec<String> = Vec::new();
    for (picture, text) in PICTURES.iter().zip(drawn()?) {
        if fs::read_to_string(folder.join(picture.file())).ok().as_ref() != Some(text) {
            stale.push(picture.file());
        }
    }
    let said = |why: io::Error| format!("{}: {why}", folder.display());
    for entry in fs::read_dir(folder).map_err(said)? {
        let name = entry.map_err(said)?.file_name().to_string_lossy().into_owned();
        if !PICTURES.iter().any(|picture| picture.file() == name) {
            stale.push(name);
        }
    }
    stale.sort();
    Ok(stale)
}
