//! Keys that stand in a condition with all that is theirs: what joins them must not depend on that condition.

use super::{
    conditions::expression,
    lines::{Line, lines_of},
};

/// A key with its contents, alone in a condition:
///
/// ```text
/// {{- with .Values.initContainers }}
/// initContainers:
///   {{- toYaml . | nindent 8 }}
/// {{- end }}
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Held {
    /// The line that opens the condition, from 0.
    pub(super) open: usize,
    /// The key's line.
    pub(super) key: usize,
    /// The line that ends the condition.
    pub(super) end: usize,
}

impl Held {
    /// What the condition asks.
    pub(super) fn condition<'t>(&self, texts: &[&'t str]) -> Option<&'t str> {
        expression(texts.get(self.open)?)
    }

    /// The key with its colon and its margin, and what stands behind it in its line.
    pub(super) fn key_and_rest<'t>(&self, texts: &[&'t str]) -> Option<(&'t str, &'t str)> {
        let line = texts.get(self.key)?;
        line.split_at_checked(line.find(':')? + 1)
    }
}

/// The key that something new belongs to which is to stand beside the line `at`: one that is held there already, or the
/// one of that name which may be there with other values.
pub(super) fn held_at(text: &str, at: usize, after: bool, new: &str) -> Option<Held> {
    let lines = lines_of(text);
    let texts: Vec<&str> = text.split('\n').collect();
    let place = at + usize::from(after);
    let key = new.trim_end().strip_suffix(':').map(str::trim);
    let column = indentation(new);
    let mut found = (0..texts.len()).filter_map(|open| held(&texts, &lines, open));
    found.find(|held| {
        let own = texts.get(held.key).map_or(0, |line| indentation(line));
        let is_near = match key {
            // One that is new: the same key may come of the condition beside it.
            Some(key) => {
                let is_same = held
                    .key_and_rest(&texts)
                    .is_some_and(|(own, _)| own.trim().strip_suffix(':') == Some(key));
                is_same && own == column && same_mapping(&texts, &lines, held, place, column)
            }
            None => {
                let gap = texts
                    .get(held.end + 1..place.max(held.end + 1))
                    .unwrap_or_default();
                let is_joined = held.open < place && gap.iter().all(|line| line.trim().is_empty());
                let is_item = new.trim_start().starts_with("- ");
                is_joined && (column > own || (is_item && column == own))
            }
        };
        is_near && lines.get(held.open).map(|line| line.define) == lines.get(at).map(|line| line.define)
    })
}

/// Whether nothing between a held key and a place ends the mapping that the key is in.
fn same_mapping(texts: &[&str], lines: &[Line], held: &Held, place: usize, column: usize) -> bool {
    let between = held.end.min(place)..held.open.max(place);
    between.into_iter().all(|number| {
        let is_literal = lines.get(number).is_some_and(|line| line.is_literal);
        let text = texts.get(number).copied().unwrap_or_default();
        !is_literal
            || text.trim_start().starts_with('#')
            || (indentation(text) >= column && !text.starts_with("---"))
    })
}

/// The key that the condition opened in a line holds, and nothing else.
fn held(texts: &[&str], lines: &[Line], open: usize) -> Option<Held> {
    let line = lines.get(open)?;
    if !line.is_control() || (line.opens, line.closes) != (1, 0) || line.is_define {
        return None;
    }
    expression(texts.get(open)?)?;
    let key = open + 1;
    let own = texts.get(key)?;
    let (name, rest) = own.trim_start().split_once(':')?;
    let is_key = lines.get(key)?.is_literal && !name.is_empty() && !name.contains([' ', '{', '"', '#']);
    if !is_key || !(rest.trim().is_empty() || rest.trim_start().starts_with("{{-")) {
        return None;
    }
    let mut depth = 1usize;
    let mut end = open + 1;
    loop {
        let line = lines.get(end)?;
        if depth == 1 && line.has_else {
            return None;
        }
        depth = (depth + line.opens).checked_sub(line.closes)?;
        if depth == 0 {
            break;
        }
        end += 1;
    }
    let column = indentation(own);
    let is_theirs = |number: usize| {
        let text = texts.get(number).copied().unwrap_or_default();
        let is_literal = lines.get(number).is_some_and(|line| line.is_literal);
        let own = indentation(text);
        !is_literal || own > column || (own == column && text.trim_start().starts_with("- "))
    };
    let is_alone = (key + 1..end).all(is_theirs) && lines.get(end)?.is_control();
    is_alone.then_some(Held { open, key, end })
}

/// How far in a line stands.
pub(super) fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "spec:\n  {{- with .Values.init }}\n  initContainers:\n    {{- toYaml . | nindent 4 }}\n  {{- end }}\n  containers:\n    - name: app\n";

    #[test]
    fn a_key_that_a_condition_holds_is_found() {
        let expected = Some(Held {
            open: 1,
            key: 2,
            end: 4,
        });
        assert_eq!(held_at(TEXT, 5, false, "  initContainers:"), expected);
        assert_eq!(held_at(TEXT, 5, false, "    - name: proxy"), expected);
        assert_eq!(held_at(TEXT, 5, false, "  volumes:"), None);
        assert_eq!(held_at(TEXT, 6, true, "    - name: proxy"), None);
    }

    #[test]
    fn a_key_of_another_mapping_is_another_one() {
        let text = format!("a:\n{TEXT}b:\n{TEXT}");
        let found = held_at(&text, 14, false, "  initContainers:").unwrap();
        assert_eq!(found.open, 10);
    }

    #[test]
    fn a_condition_around_more_than_one_key_holds_none() {
        let text = TEXT.replace("  {{- end }}\n", "  other: 1\n  {{- end }}\n");
        assert_eq!(held_at(&text, 6, false, "  initContainers:"), None);
    }
}
