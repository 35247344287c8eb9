//! Where things stand in the text of a configuration, for messages about them.

use super::ConfigurationError;
use crate::{source::Lines, suppress::suggestion, yaml};

/// Where things stand in the text of a configuration.
pub(super) struct Places<'a> {
    name: &'a str,
    lines: Lines<'a>,
    root: Option<yaml::Node<'a>>,
}

impl<'a> Places<'a> {
    pub(super) fn new(text: &'a str, name: &'a str) -> Self {
        Self {
            name,
            lines: Lines::new(text),
            root: None,
        }
    }

    /// The same text, once its tree is there.
    pub(super) fn of(self, root: Option<yaml::Node<'a>>) -> Self {
        Self { root, ..self }
    }

    /// The lines on which the items of a list start.
    pub(super) fn lines_of(&self, key: &str) -> Vec<usize> {
        let items = self
            .root
            .and_then(|root| root.get(key))
            .into_iter()
            .flat_map(yaml::Node::items);
        items
            .map(|item| self.lines.position(item.span().start).line)
            .collect()
    }

    pub(super) fn position(&self, keys: &[&str], index: Option<usize>) -> (usize, usize) {
        let node = self.root.and_then(|root| root.path(keys));
        let node = match index {
            Some(index) => node.and_then(|node| node.items().nth(index)),
            None => node,
        };
        let offset = node.map(|node| node.span().start);
        let position = self.lines.position(offset.unwrap_or_default());
        (position.line, position.column)
    }

    pub(super) fn wrong(
        &self,
        keys: &[&str],
        index: Option<usize>,
        error: &dyn std::fmt::Display,
    ) -> ConfigurationError {
        let (line, column) = self.position(keys, index);
        self.error(line, column, error.to_string())
    }

    pub(super) fn malformed(&self, error: &serde_yaml::Error) -> ConfigurationError {
        let (line, column) = error
            .location()
            .map_or((1, 1), |location| (location.line(), location.column()));
        let mut message = error.to_string();
        // The position is named in front already.
        if let Some((before, _)) = message.rsplit_once(" at line ") {
            message.truncate(before.len());
        }
        // serde says: unknown field `a`, expected one of `b`, `c`
        let mut quoted = message.split('`').skip(1).step_by(2);
        if message.contains("unknown field") || message.contains("unknown variant") {
            let written = quoted.next().unwrap_or_default();
            if let Some(meant) = suggestion(written, quoted) {
                let (before, _) = message.split_once(", expected").unwrap_or((&message, ""));
                message = format!("{before}; did you mean `{meant}`?");
            }
        }
        self.error(line, column, message)
    }

    pub(super) fn error(&self, line: usize, column: usize, message: String) -> ConfigurationError {
        ConfigurationError::Wrong {
            path: self.name.to_owned(),
            line,
            column,
            message,
        }
    }
}
