//! The conditions that a line of a template stands in.

use super::lines::Line;

/// A condition or loop that is open somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Condition {
    /// The line that opens it, from 0.
    pub(super) line: usize,
}

/// Those that are open where a line begins, the outermost first. A `define` is none.
pub(super) fn around(lines: &[Line], at: usize) -> Vec<Condition> {
    let mut open: Vec<Option<Condition>> = Vec::new();
    for (number, line) in lines.iter().enumerate().take(at) {
        let within = line.opens.min(line.closes);
        for _ in within..line.closes {
            open.pop();
        }
        for _ in within..line.opens {
            open.push((!line.is_define).then_some(Condition { line: number }));
        }
    }
    open.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::{super::lines::lines_of, *};

    #[test]
    fn a_line_knows_what_is_open_above_it() {
        let lines = lines_of(
            "{{- define \"x\" }}\n{{- if .a }}\n{{ if .b }}y{{ end }}\nz\n{{- end }}\nw\n{{- end }}",
        );
        assert_eq!(around(&lines, 3), [Condition { line: 1 }]);
        assert_eq!(around(&lines, 5), []);
    }
}
