//! What is said about a source that could not be read or understood.

use std::fmt;

/// Why a source could not be read or understood, in one line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct SourceError {
    /// The source, as the user would write it.
    pub file: String,
    /// Line, from 1.
    pub line: Option<usize>,
    /// Column in characters, from 1.
    pub column: Option<usize>,
    /// What is wrong and what to do about it, in one sentence.
    pub message: String,
    /// The kind of problem.
    pub kind: SourceErrorKind,
}

/// The kinds of problems with a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SourceErrorKind {
    /// It could not be opened or read.
    Unreadable,
    /// It is no regular file: a FIFO, a device, a socket.
    NotAFile,
    /// It is larger than [`super::MAXIMUM_SIZE`].
    TooLarge,
    /// It is not UTF-8.
    Encoding,
    /// It is a template, which is not YAML until it was rendered.
    Template,
    /// It is not YAML.
    Syntax,
    /// It could not be rendered by kustomize.
    Rendering,
    /// A comment or annotation that should silence a rule does not say which.
    Suppression,
}

impl SourceError {
    /// An error about the whole source.
    #[must_use]
    pub fn new(file: impl Into<String>, kind: SourceErrorKind, message: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            line: None,
            column: None,
            message: message.into(),
            kind,
        }
    }

    /// Whether the source is a template, which is YAML once it is rendered.
    #[must_use]
    pub fn is_about_template(&self) -> bool {
        self.kind == SourceErrorKind::Template
    }

    /// The same error at a place.
    #[must_use]
    pub fn at(mut self, line: usize, column: Option<usize>) -> Self {
        self.line = Some(line);
        self.column = column;
        self
    }

    /// The error of a text that is a Helm template.
    #[must_use]
    pub fn template(file: impl Into<String>, line: usize) -> Self {
        Self::new(
            file,
            SourceErrorKind::Template,
            "looks like a Helm template, which is not YAML until it is rendered: \
             helm template CHART | kubectl sidecar lint -",
        )
        .at(line, None)
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(formatter, ":{line}")?;
            if let Some(column) = self.column {
                write!(formatter, ":{column}")?;
            }
        }
        write!(formatter, ": {}", self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_names_the_place_as_far_as_it_is_known() {
        let error = SourceError::new(
            "a.yaml",
            SourceErrorKind::Syntax,
            "mapping values are not allowed",
        );
        assert_eq!(error.to_string(), "a.yaml: mapping values are not allowed");
        assert_eq!(
            error.clone().at(3, Some(7)).to_string(),
            "a.yaml:3:7: mapping values are not allowed"
        );
        assert_eq!(
            error.at(3, None).to_string(),
            "a.yaml:3: mapping values are not allowed"
        );
    }
}
