//! The keys around a line, as far as indentation tells them.

/// The open keys of a text that is read line by line, outermost first, with their columns.
#[derive(Debug, Default)]
pub(super) struct Outline {
    keys: Vec<(usize, String)>,
    /// Whether the value of the last key is still to come.
    awaits_value: bool,
}

impl Outline {
    /// Takes in a line that is no part of a block scalar.
    pub(super) fn take_in(&mut self, line: &str) {
        self.awaits_value = false;
        if line.starts_with("---") {
            self.keys.clear();
            return;
        }
        let mut column = column_of(line);
        let mut text = line.trim();
        while let Some(item) = text.strip_prefix("- ").or_else(|| (text == "-").then_some("")) {
            self.keys.retain(|(open, _)| *open <= column);
            let inner = item.trim_start();
            column += text.len() - inner.len();
            text = inner;
        }
        let Some((key, rest)) = text.split_once(':') else {
            return;
        };
        if rest.is_empty() || rest.starts_with([' ', '\t', '\n']) {
            self.keys.retain(|(open, _)| *open < column);
            self.awaits_value = rest.trim().is_empty();
            self.keys
                .push((column, key.trim().trim_matches(['"', '\'']).to_owned()));
        }
    }

    /// The innermost key that something at a column stands under. A list may begin at its key's own column.
    pub(super) fn key_left_of(&self, column: usize) -> Option<&str> {
        if let Some((_, key)) = self
            .keys
            .last()
            .filter(|(open, _)| self.awaits_value && *open == column)
        {
            return Some(key);
        }
        let key = self.keys.iter().rev().find(|(open, _)| *open < column)?;
        Some(&key.1)
    }

    /// The key of the list whose dashes stand at a column.
    pub(super) fn key_of_item(&self, dash: usize) -> Option<&str> {
        let key = self.keys.iter().rev().find(|(open, _)| *open <= dash)?;
        Some(&key.1)
    }
}

/// The column of a line's text.
pub(super) fn column_of(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '\t']).len()
}

/// The column that the lines of a block scalar are right of, if the line opens one.
pub(super) fn opens_block_scalar(line: &str) -> Option<usize> {
    let code = match line.find(" #") {
        Some(comment) => line.get(..comment).unwrap_or_default(),
        None => line,
    };
    let code = code.trim_end();
    let (before, indicator) = code.rsplit_once([' ', '\t'])?;
    let mut marks = indicator.chars();
    if !matches!(marks.next(), Some('|' | '>'))
        || !marks.all(|mark| mark.is_ascii_digit() || matches!(mark, '-' | '+'))
    {
        return None;
    }
    let before = before.trim_end();
    if before.ends_with(':') {
        let mut column = column_of(before);
        let mut text = before.trim_start();
        while let Some(item) = text.strip_prefix("- ") {
            let inner = item.trim_start();
            column += text.len() - inner.len();
            text = inner;
        }
        Some(column)
    } else {
        before.ends_with('-').then(|| before.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn block_scalars_are_opened_by_their_indicator() {
        for (line, expected) in [
            ("  a: |\n", Some(2)),
            ("  - a: >-\n", Some(4)),
            ("  - |2 # a script\n", Some(2)),
            ("  a: b | c\n", None),
            ("  a: \"|\"\n", None),
            ("a: b\n", None),
        ] {
            assert_eq!(opens_block_scalar(line), expected, "{line}");
        }
    }

    #[test]
    fn keys_are_known_by_their_columns() {
        let mut outline = Outline::default();
        for line in ["spec:", "  containers:", "  - name: a", "    args:"] {
            outline.take_in(line);
        }
        assert_eq!(outline.key_left_of(6), Some("args"));
        // The items of a list may stand where its key does.
        assert_eq!(outline.key_left_of(4), Some("args"));
        assert_eq!(outline.key_left_of(3), Some("containers"));
        assert_eq!(outline.key_of_item(2), Some("containers"));
        assert_eq!(outline.key_left_of(2), Some("spec"));
    }
}
