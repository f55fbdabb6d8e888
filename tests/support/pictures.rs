//! The pictures of `screenshots/`: which there are, and how each is made. One table for the example that writes them and for
//! the test that finds the stale ones.

use std::{fs, io, path::Path, time::Duration};

use holdshort::{
    run::demo_cockpit,
    theme::{Depth, Glyphs, Theme},
    ui, view,
};
use ratatui::{buffer::Buffer, layout::Rect};

const WIDE: (u16, u16) = (120, 36);
const SMALL: (u16, u16) = (80, 24);

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

/// Every picture.
pub(crate) const PICTURES: &[Picture] = &[
    picture("board", "bad-canary", ""),
    picture("release", "bad-canary", "Enter"),
    picture("why", "bad-canary", "w"),
    picture("confirm", "bad-canary", "r"),
    picture("refused", "bad-canary", "p"),
    Picture { then: Duration::from_secs(40), ..picture("rolled-back", "bad-canary", "Enter r 1 Enter") },
    picture("inbox", "waiting-approval", "i"),
    picture("help", "bad-canary", "?"),
    picture("low-traffic", "low-traffic", "Enter"),
    picture("low-traffic-refused", "low-traffic", "p"),
    picture("simpson-board", "simpson", ""),
    picture("simpson-release", "simpson", "Enter"),
    picture("bad-pod-why", "bad-pod", "w"),
    picture("slow-canary-release", "slow-canary", "Enter"),
    picture("no-canary-traffic-board", "no-canary-traffic", ""),
    Picture { then: Duration::from_secs(50), ..picture("hung-api", "hung-api", "") },
    Picture { look: Look::Theme("light"), ..picture("board-light", "bad-canary", "") },
    Picture { look: Look::Theme("colour-blind"), ..picture("release-colour-blind", "bad-canary", "Enter") },
    Picture { size: SMALL, look: Look::Ascii, ..picture("board-80x24-ascii", "bad-canary", "") },
    Picture { size: SMALL, ..picture("release-80x24", "bad-canary", "Enter") },
    Picture { size: SMALL, look: Look::Ascii, ..picture("confirm-80x24-ascii", "bad-canary", "r") },
];

impl Picture {
    /// Flies the scenario with the keys and draws the screen as SVG. The same bytes every time.
    pub(crate) fn draw(&self) -> Result<String, String> {
        let said = |why: &dyn std::fmt::Display| format!("{}: {why}", self.name);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        let runtime = runtime.map_err(|why| said(&why))?;
        runtime.block_on(async {
            let mut demo = demo_cockpit(self.scenario, self.size).await.map_err(|why| said(&why))?;
            let cockpit = &mut demo.cockpit;
            cockpit.press(self.keys).await.map_err(|why| said(&why))?;
            if !self.then.is_zero() {
                cockpit.pass(self.then).await;
            }
            let theme = self.look.theme().ok_or_else(|| said(&"its theme does not exist"))?;
            let area = Rect::new(0, 0, self.size.0, self.size.1);
            let mut buffer = Buffer::empty(area);
            ui::draw(&view::view(cockpit.model(), cockpit.keymap()), &theme, area, &mut buffer);
            Ok(ui::svg::svg(&buffer, &theme))
        })
    }

    /// The name of its file.
    pub(crate) fn file(&self) -> String {
        format!("{}.svg", self.name)
    }
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
    for picture in PICTURES {
        if fs::read_to_string(folder.join(picture.file())).ok() != Some(picture.draw()?) {
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
