//! The branches of a template's conditions, of which only one is rendered.

use crate::rules::Finding;

/// Whether two places of a finding can't be rendered together: one stands in front of the `{{ else }}` of a
/// condition, the other one behind it.
#[must_use]
pub fn stands_in_two_branches(text: &str, finding: &Finding) -> bool {
    let mut places: Vec<usize> = finding
        .locations
        .iter()
        .map(|location| location.span.start)
        .collect();
    places.sort_unstable();
    places.iter().enumerate().any(|(index, first)| {
        places
            .iter()
            .skip(index + 1)
            .any(|second| exclude_each_other(text, *first, *second))
    })
}

/// Whether the condition that is open at `first` has come to another branch at `second`.
fn exclude_each_other(text: &str, first: usize, second: usize) -> bool {
    let mut rest = text.get(first..second).unwrap_or_default();
    let mut depth = 0_i32;
    // The depth of the condition around `first` whose branch was left.
    let mut left: Option<i32> = None;
    let mut outermost = 0;
    while let Some(start) = rest.find("{{") {
        let action = rest.get(start + 2..).unwrap_or_default();
        let word = action
            .trim_start_matches('-')
            .split_whitespace()
            .next()
            .unwrap_or_default();
        match word.trim_end_matches(['-', '}']) {
            "if" | "with" | "range" | "define" | "block" => depth += 1,
            "else" if depth == outermost => left = left.or(Some(depth)),
            "end" => {
                depth -= 1;
                outermost = outermost.min(depth);
                left = left.filter(|left| *left <= depth);
            }
            _ => {}
        }
        rest = action;
    }
    left.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_branches_from_what_follows_them() {
        for (text, expected) in [
            ("{{ if .a }}A{{ else }}B{{ end }}", true),
            ("{{- if .a }}\nA\n{{- else if .b }}\nB\n{{- end }}", true),
            ("{{ if .a }}A{{ else }}x{{ end }}B", false),
            ("{{ if .a }}A{{ end }}{{ if .b }}B{{ end }}", false),
            ("A{{ if .a }}x{{ else }}B{{ end }}", false),
            ("{{ if .a }}{{ with .b }}A{{ end }}{{ else }}B{{ end }}", true),
            ("A {{ .else }} B", false),
        ] {
            let places = text.find('A').zip(text.rfind('B')).unwrap();
            assert_eq!(exclude_each_other(text, places.0, places.1), expected, "{text}");
        }
    }
}
