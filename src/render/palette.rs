//! Colours, by meaning.

use owo_colors::Style;

use crate::plan::Verb;

/// How text is laid out and coloured. The caller finds out what the terminal can do; nothing here asks it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Palette {
    /// Whether escape sequences may be written. When false, not a single escape byte appears.
    pub color: bool,
    /// The terminal's width in columns; `None` where there is no terminal, and then nothing is wrapped.
    pub width: Option<usize>,
}

impl Palette {
    /// No colour, no width: for files, pipes and tests.
    pub const PLAIN: Self = Self { color: false, width: None };

    /// The text in a tone. The text must be free of control characters already.
    pub fn paint(self, tone: Tone, text: &str) -> String {
        if !self.color || tone == Tone::Plain || text.is_empty() {
            return text.to_owned();
        }
        tone.style().style(text).to_string()
    }

    /// The width for which columns are laid out; wide enough for a pull request's log where there is no terminal.
    pub(super) fn layout_width(self) -> usize {
        self.width.unwrap_or(120).clamp(60, 160)
    }
}

/// What a piece of text means; the palette turns it into a colour.
///
/// Only the sixteen colours of the terminal's own theme are used, and neither white nor black, so that the text can
/// be read on dark and on light backgrounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// The terminal's own colour.
    Plain,
    /// What the eye should find first.
    Strong,
    /// Places, arrows, causes: what supports the rest.
    Dim,
    /// Something new.
    Create,
    /// Something changes.
    Update,
    /// Something goes.
    Delete,
    /// Something goes and comes back under another name.
    Replace,
    /// Something is taken over.
    Adopt,
    /// A record is dropped.
    Forget,
    /// Something blocks the way, or failed.
    Conflict,
    /// A number of things that go: as loud as the terminal can be.
    Danger,
    /// Worth a second look: drift, help, protection.
    Notice,
    /// All is well.
    Good,
    /// The part of a new text that differs from the old one.
    AddedPart,
    /// The part of an old text that differs from the new one.
    RemovedPart,
}

impl Tone {
    /// The tone of a verb.
    pub fn of(verb: Verb) -> Self {
        match verb {
            Verb::Conflict => Self::Conflict,
            Verb::Delete => Self::Delete,
            Verb::Replace => Self::Replace,
            Verb::Adopt => Self::Adopt,
            Verb::Create => Self::Create,
            Verb::Update => Self::Update,
            Verb::Forget => Self::Forget,
        }
    }

    fn style(self) -> Style {
        let style = Style::new();
        match self {
            Self::Plain => style,
            Self::Strong => style.bold(),
            Self::Dim | Self::Forget => style.dimmed(),
            Self::Create => style.green(),
            Self::Update => style.yellow(),
            Self::Delete => style.red(),
            Self::Replace => style.magenta(),
            Self::Adopt | Self::Notice => style.cyan(),
            Self::Conflict | Self::Danger => style.red().bold(),
            Self::Good => style.green().bold(),
            Self::AddedPart => style.green().bold().underline(),
            Self::RemovedPart => style.red().bold().underline(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_colour_there_is_no_escape_byte() {
        let painted = Palette::PLAIN.paint(Tone::Danger, "x");
        assert_eq!(painted, "x");
    }

    #[test]
    fn with_colour_the_text_is_wrapped_and_reset() {
        let palette = Palette { color: true, width: None };
        assert_eq!(palette.paint(Tone::Create, "x"), "\u{1b}[32mx\u{1b}[0m");
    }
}
