//! Actions within a line: what they brought to a rendered one.

/// What one action of a line brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Brought {
    /// The action with its braces.
    pub(super) action: String,
    /// What stands there in the rendering.
    pub(super) text: String,
}

/// Text that is shorter stands anywhere.
const SHORTEST: usize = 2;

/// What the actions of a line brought to the rendered line; nothing where the two can't be laid over one another.
pub(super) fn brought(written: &str, rendered: &str) -> Vec<Brought> {
    let (mut rest, mut source) = (rendered.trim(), written.trim());
    let mut found = Vec::new();
    while let Some(start) = source.find("{{") {
        let (literal, from_action) = source.split_at_checked(start).unwrap_or((source, ""));
        let Some(after) = rest.strip_prefix(literal) else {
            return Vec::new();
        };
        let Some(end) = from_action.find("}}").map(|at| at + 2) else {
            return Vec::new();
        };
        let (action, next) = from_action.split_at_checked(end).unwrap_or((from_action, ""));
        let literal = next.split("{{").next().unwrap_or_default();
        let length = match (literal.is_empty(), next.contains("{{")) {
            // Two actions side by side can't be told apart.
            (true, true) => return Vec::new(),
            (true, false) => Some(after.len()),
            (false, false) => after.strip_suffix(literal).map(str::len),
            (false, true) => after.find(literal),
        };
        let Some((text, after)) = length.and_then(|length| after.split_at_checked(length)) else {
            return Vec::new();
        };
        found.push(Brought {
            action: action.replace("{{-", "{{").replace("-}}", "}}"),
            text: text.to_owned(),
        });
        (rest, source) = (after, next);
    }
    if rest == source { found } else { Vec::new() }
}

/// A line with actions in place of what they have brought elsewhere.
pub(super) fn with_actions(line: &str, known: &[Brought]) -> String {
    let mut sorted: Vec<&Brought> = known
        .iter()
        .filter(|brought| brought.text.len() >= SHORTEST)
        .collect();
    sorted.sort_by_key(|brought| std::cmp::Reverse(brought.text.len()));
    let mut pieces = vec![(line.to_owned(), false)];
    for brought in sorted {
        pieces = pieces
            .into_iter()
            .flat_map(|(text, is_action)| match is_action {
                true => vec![(text, true)],
                false => split(&text, brought),
            })
            .collect();
    }
    pieces.into_iter().map(|(text, _)| text).collect()
}

/// A text around whole words that an action has brought.
fn split(text: &str, brought: &Brought) -> Vec<(String, bool)> {
    let is_word = |sign: Option<char>| sign.is_some_and(|sign| sign.is_alphanumeric() || sign == '_');
    let mut pieces = Vec::new();
    let mut from = 0;
    for (at, found) in text.match_indices(&brought.text) {
        let before = text.get(..at).unwrap_or_default().chars().next_back();
        let after = text.get(at + found.len()..).unwrap_or_default().chars().next();
        let begins = is_word(found.chars().next());
        let ends = is_word(found.chars().next_back());
        if at < from || (begins && is_word(before)) || (ends && is_word(after)) {
            continue;
        }
        pieces.push((text.get(from..at).unwrap_or_default().to_owned(), false));
        pieces.push((brought.action.clone(), true));
        from = at + found.len();
    }
    pieces.push((text.get(from..).unwrap_or_default().to_owned(), false));
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn actions_are_known_by_what_they_bring() {
        let found = brought(
            "  ./run --port={{ .port }} {{ .name | quote }}",
            "      ./run --port=8080 \"shop\"",
        );
        assert_eq!(found.len(), 2);
        assert_eq!(with_actions("- --port=8080", &found), "- --port={{ .port }}");
        assert_eq!(with_actions("- x80801", &found), "- x80801");
        assert_eq!(brought("a: {{ .x }}{{ .y }}", "a: 12"), []);
        assert_eq!(brought("a: {{ .x }}", "b: 1"), []);
    }
}
