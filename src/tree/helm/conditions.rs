//! The conditions that a line of a template stands in.

use super::lines::Line;

/// A condition or loop that is open somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Condition {
    /// The line that opens it, from 0.
    pub(super) line: usize,
    /// The place is behind an `else` of it.
    pub(super) is_else: bool,
}

/// Those that are open where a line begins, the outermost first. A `define` is none.
pub(super) fn around(lines: &[Line], at: usize) -> Vec<Condition> {
    let mut open: Vec<Option<Condition>> = Vec::new();
    for (number, line) in lines.iter().enumerate().take(at) {
        let within = line.opens.min(line.closes);
        for _ in within..line.closes {
            open.pop();
        }
        if line.has_else
            && within == line.closes
            && let Some(Some(last)) = open.last_mut()
        {
            last.is_else = true;
        }
        for _ in within..line.opens {
            open.push((!line.is_define).then_some(Condition {
                line: number,
                is_else: false,
            }));
        }
    }
    open.into_iter().flatten().collect()
}

/// What the only action of a line asks: the pipeline of an `if`, `with` or `range`.
pub(super) fn expression(line: &str) -> Option<&str> {
    let action = line.trim().strip_prefix("{{")?.strip_suffix("}}")?;
    let action = action.strip_prefix('-').unwrap_or(action);
    let action = action.strip_suffix('-').unwrap_or(action).trim();
    let (word, rest) = action.split_once(char::is_whitespace)?;
    let rest = match rest.split_once(":=") {
        Some((names, rest)) if names.trim_start().starts_with('$') => rest,
        _ => rest,
    };
    let is_one = matches!(word, "if" | "with" | "range") && !rest.contains("}}");
    is_one.then(|| rest.trim())
}

/// What the first action of a line asks that opens and ends a condition: `{{ if .a }}x{{ end }}`.
pub(super) fn expression_within(line: &str) -> Option<&str> {
    let from = line.get(line.find("{{")?..)?;
    let (first, rest) = from.split_at_checked(from.find("}}")? + 2)?;
    expression(first).filter(|_| rest.contains("end"))
}

/// Whether a line opens a loop.
pub(super) fn is_loop(line: &str) -> bool {
    let action = line.trim().trim_start_matches('{').trim_start_matches('-');
    action.trim_start().starts_with("range")
}

/// An `if` for what any of these conditions asks.
pub(super) fn opening(margin: usize, asked: &[String]) -> String {
    let blank = " ".repeat(margin);
    let grouped = |asked: &String| match asked.contains(char::is_whitespace) {
        true => format!("({asked})"),
        false => asked.clone(),
    };
    match asked {
        [one] => format!("{blank}{{{{- if {one} }}}}"),
        all => {
            let all: Vec<String> = all.iter().map(grouped).collect();
            format!("{blank}{{{{- if or {} }}}}", all.join(" "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::lines::lines_of, *};

    #[test]
    fn a_line_knows_what_is_open_above_it() {
        let lines = lines_of(
            "{{- define \"x\" }}\n{{- if .a }}\n{{ if .b }}y{{ end }}\nz\n{{- else }}\nv\n{{- end }}\nw\n{{- end }}",
        );
        let open = |is_else| [Condition { line: 1, is_else }];
        assert_eq!(around(&lines, 3), open(false));
        assert_eq!(around(&lines, 5), open(true));
        assert_eq!(around(&lines, 7), []);
    }

    #[test]
    fn what_a_condition_asks_is_known() {
        assert_eq!(expression("  {{- if and .a .b }}"), Some("and .a .b"));
        assert_eq!(expression("{{ range $k, $v := .Values.x -}}"), Some(".Values.x"));
        assert_eq!(expression("{{- else }}"), None);
        assert_eq!(expression("{{ if .a }}b{{ end }}"), None);
        assert_eq!(expression_within("x {{ if .a }}b{{ end }}"), Some(".a"));
        assert_eq!(
            opening(2, &["and .a .b".to_owned(), ".c".to_owned()]),
            "  {{- if or (and .a .b) .c }}"
        );
    }
}
