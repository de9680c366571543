//! Colours for a terminal, apart from the text: [`Style::Plain`] adds nothing at all.

use anstyle::{AnsiColor, Color, Style as Ansi};
use std::borrow::Cow;

/// Whether text is for a file or for a terminal.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Style {
    /// The text alone.
    #[default]
    Plain,
    /// With ANSI escapes.
    Ansi,
}

/// What a piece of text is, for its colour.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// The head of a table.
    Heading,
    /// What is there for orientation only.
    Dim,
    /// What went wrong.
    Bad,
    /// What would have gone well.
    Good,
}

impl Style {
    /// The text with the escapes of its role around it; trailing spaces stay outside.
    pub fn paint(self, role: Role, text: &str) -> Cow<'_, str> {
        if self == Style::Plain || text.is_empty() {
            return Cow::Borrowed(text);
        }
        let colour = |c| Ansi::new().fg_color(Some(Color::Ansi(c)));
        let ansi = match role {
            Role::Heading => Ansi::new().bold(),
            Role::Dim => Ansi::new().dimmed(),
            Role::Bad => colour(AnsiColor::Red).bold(),
            Role::Good => colour(AnsiColor::Green),
        };
        let (shown, padding) = text.split_at(text.trim_end().len());
        Cow::Owned(format!("{ansi}{shown}{ansi:#}{padding}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_is_untouched_and_ansi_closes_what_it_opens() {
        assert_eq!(Style::Plain.paint(Role::Bad, "x "), "x ");
        assert_eq!(Style::Ansi.paint(Role::Heading, "x "), "\u{1b}[1mx\u{1b}[0m ");
    }
}
