//! What of an input was not, or not wholly, looked at, without a fault of the input.

use std::fmt;

/// What was not, or not wholly, looked at of a source, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// The source, as the user would write it.
    pub file: String,
    /// The line that shows why, from 1.
    pub line: Option<usize>,
    /// Why.
    pub kind: NoteKind,
    /// The same in one sentence.
    pub message: String,
}

/// Why something was not looked at. Those of templates come in the order in which ever less was understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoteKind {
    /// A template, read without rendering it.
    Template,
    /// A template of which some lines or documents could not be read without rendering it.
    TemplateInPart,
    /// A template that was searched for known words only.
    TemplateSearched,
    /// A chart that helm does not render, or not in one of its ways.
    Unrendered,
    /// The configuration excludes it.
    Excluded,
    /// It could not be read, and the configuration ignores it.
    Ignored,
    /// Beside a file that was named there are more files than are read with it.
    Neighbours,
    /// A link that leads to nothing.
    DeadLink,
}

impl NoteKind {
    /// Its name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Template => "template",
            Self::TemplateInPart => "template-in-part",
            Self::TemplateSearched => "template-searched",
            Self::Unrendered => "unrendered",
            Self::Excluded => "excluded",
            Self::Ignored => "ignored",
            Self::Neighbours => "neighbours",
            Self::DeadLink => "dead-link",
        }
    }

    /// Whether it is about a template that was not rendered.
    #[must_use]
    pub fn is_template(self) -> bool {
        self <= Self::TemplateSearched
    }

    /// Whether findings may have been missed, though nobody asked for that.
    #[must_use]
    pub fn leaves_doubt(self) -> bool {
        self.is_template() || matches!(self, Self::Ignored | Self::Unrendered)
    }
}

impl Note {
    /// A note about a source.
    #[must_use]
    pub fn new(file: impl Into<String>, kind: NoteKind, message: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            line: None,
            kind,
            message: message.into(),
        }
    }

    /// The note about a template whose first action stands in this line.
    #[must_use]
    pub fn about_template(file: impl Into<String>, line: usize, kind: NoteKind) -> Self {
        let how = match kind {
            NoteKind::TemplateInPart => "a template, of which a part could not be read without rendering it",
            NoteKind::TemplateSearched => {
                "a template that could only be searched for known words without rendering it"
            }
            _ => "a template that was read without rendering it",
        };
        Self {
            line: Some(line),
            ..Self::new(file, kind, how)
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(formatter, ":{line}")?;
        }
        write!(formatter, ": {}", self.message)
    }
}
