//! Text with the role it plays. Roles are names; how they look is a theme's business.

use std::borrow::Cow;

use crate::view::measure;

/// The role that a piece of text plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Ordinary text.
    Text,
    /// Labels, units, what may be overlooked.
    Dim,
    /// What the eye should find first.
    Strong,
    /// The heading of a section.
    Title,
    /// The one accent.
    Accent,
    /// A key to press.
    Key,
    /// Old: not confirmed lately.
    Stale,
    /// Evidence of safety.
    Good,
    /// Look at this when you can.
    Warn,
    /// A human is needed.
    Bad,
    /// Not known.
    Unknown,
    /// The version on its way in.
    Canary,
    /// The version that served before.
    Stable,
    /// Moves production forward.
    Forward,
    /// Goes back to what ran before.
    Backward,
    /// An address: a terminal that can makes a link of it.
    Link,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 16] = [
        Self::Text,
        Self::Dim,
        Self::Strong,
        Self::Title,
        Self::Accent,
        Self::Key,
        Self::Stale,
        Self::Good,
        Self::Warn,
        Self::Bad,
        Self::Unknown,
        Self::Canary,
        Self::Stable,
        Self::Forward,
        Self::Backward,
        Self::Link,
    ];

    /// Its name in a theme.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Dim => "text.dim",
            Self::Strong => "text.strong",
            Self::Title => "title",
            Self::Accent => "accent",
            Self::Key => "key",
            Self::Stale => "stale",
            Self::Good => "status.good",
            Self::Warn => "status.warn",
            Self::Bad => "status.bad",
            Self::Unknown => "status.unknown",
            Self::Canary => "canary",
            Self::Stable => "stable",
            Self::Forward => "danger.forward",
            Self::Backward => "danger.back",
            Self::Link => "accent.link",
        }
    }
}

/// A piece of text and its role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The text; one line.
    pub text: Cow<'static, str>,
    /// What it is.
    pub role: Role,
}

/// Pieces side by side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// From left to right.
    pub spans: Vec<Span>,
}

impl Line {
    /// Nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// One piece.
    pub fn of(role: Role, text: impl Into<Cow<'static, str>>) -> Self {
        Self::new().and(role, text)
    }

    /// With one more piece at its end.
    #[must_use]
    pub fn and(mut self, role: Role, text: impl Into<Cow<'static, str>>) -> Self {
        self.push(role, text);
        self
    }

    /// With this many blanks at its end.
    #[must_use]
    pub fn gap(self, blanks: usize) -> Self {
        self.and(Role::Text, " ".repeat(blanks))
    }

    /// With another line at its end.
    #[must_use]
    pub fn join(mut self, other: Self) -> Self {
        self.spans.extend(other.spans);
        self
    }

    /// Adds a piece.
    pub fn push(&mut self, role: Role, text: impl Into<Cow<'static, str>>) {
        let text = text.into();
        if !text.is_empty() {
            self.spans.push(Span { text, role });
        }
    }

    /// How many cells it takes.
    pub fn width(&self) -> usize {
        self.spans.iter().map(|span| measure::width(&span.text)).sum()
    }

    /// Is there nothing in it?
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The same, cut to so many cells; what is cut ends with an ellipsis.
    #[must_use]
    pub fn cut(self, width: usize) -> Self {
        if self.width() <= width {
            return self;
        }
        let mut kept = Self::new();
        let mut left = width;
        for span in self.spans {
            let takes = measure::width(&span.text);
            if takes < left {
                left -= takes;
                kept.spans.push(span);
            } else {
                // Something follows or is cut here: one cell must stay for the ellipsis.
                kept.push(span.role, measure::cut_marked(&span.text, left));
                break;
            }
        }
        kept
    }

    /// The same, filled or cut to exactly so many cells.
    #[must_use]
    pub fn pad(self, width: usize) -> Self {
        let takes = self.width();
        if takes > width { self.cut(width) } else { self.gap(width - takes) }
    }

    /// The same, old: every piece that is not a status itself looks stale.
    #[must_use]
    pub fn stale(mut self) -> Self {
        for span in &mut self.spans {
            span.role = Role::Stale;
        }
        self
    }

    /// The text alone.
    pub fn plain(&self) -> String {
        self.spans.iter().map(|span| span.text.as_ref()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_with_an_ellipsis_and_never_wider_than_asked() {
        let line = || Line::of(Role::Strong, "payments").and(Role::Dim, " eu");
        assert_eq!(line().cut(11).plain(), "payments eu");
        assert_eq!(line().cut(10).plain(), "payments …");
        assert_eq!(line().cut(8).plain(), "payment…");
        assert_eq!(line().cut(1).plain(), "…");
        assert_eq!(line().cut(0).plain(), "");
        assert_eq!(Line::of(Role::Text, "支付宝").cut(4).plain(), "支…");
        assert_eq!(line().pad(13).plain(), "payments eu  ");
    }

    #[test]
    fn every_role_is_listed_once() {
        let names: std::collections::BTreeSet<_> = Role::ALL.iter().map(|role| role.name()).collect();
        assert_eq!(names.len(), Role::ALL.len());
    }
}
