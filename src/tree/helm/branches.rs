//! Branches of conditions that no rendering has taken.

use std::{collections::HashSet, ops::Range};

use super::{
    conditions::expression,
    lines::{Line, lines_of},
};

/// A branch of a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Branch {
    /// The line of the condition, from 0.
    pub(super) condition: usize,
    /// The lines in it, from 0.
    pub(super) lines: Range<usize>,
}

/// The outermost branches with text of their own of which no line was `reached`, though some are `marked` and would be.
/// What a condition of them asks is no probe's: `is_probed` tells.
pub(super) fn unreached(
    text: &str,
    marked: &HashSet<usize>,
    reached: &HashSet<usize>,
    is_probed: &dyn Fn(&str) -> bool,
) -> Vec<Branch> {
    let lines = lines_of(text);
    let texts: Vec<&str> = text.split('\n').collect();
    let says_something = |number: &usize| {
        let is_literal = lines.get(*number).is_some_and(|line| line.is_literal);
        let own = texts.get(*number).map_or("", |text| text.trim());
        is_literal && !own.ends_with(':') && !own.starts_with('#')
    };
    let mut found: Vec<Branch> = Vec::new();
    for branch in branches(&lines) {
        let is_probed = texts
            .get(branch.condition)
            .and_then(|line| expression(line))
            .is_some_and(is_probed);
        let own = || branch.lines.clone();
        let is_within = found.iter().any(|outer| outer.lines.contains(&branch.condition));
        if !is_probed
            && !is_within
            && own().any(|number| says_something(&number))
            && own().any(|number| marked.contains(&number))
            && !own().any(|number| reached.contains(&number))
        {
            found.push(branch);
        }
    }
    found
}

/// All branches of conditions that stand in lines of their own, in the order of their first lines.
fn branches(lines: &[Line]) -> Vec<Branch> {
    let mut all = Vec::new();
    let mut open: Vec<Option<Branch>> = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let within = line.opens.min(line.closes);
        for _ in within..line.closes {
            if let Some(Some(branch)) = open.pop() {
                all.push(Branch {
                    lines: branch.lines.start..number,
                    ..branch
                });
            }
        }
        if line.has_else
            && within == 0
            && let Some(Some(branch)) = open.last_mut()
        {
            all.push(Branch {
                lines: branch.lines.start..number,
                ..branch.clone()
            });
            branch.lines.start = number + 1;
        }
        for _ in within..line.opens {
            let is_condition = !line.is_define && line.is_control();
            open.push(is_condition.then_some(Branch {
                condition: number,
                lines: number + 1..number + 1,
            }));
        }
    }
    all.sort_by_key(|branch| (branch.lines.start, std::cmp::Reverse(branch.lines.end)));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "a: 1\n{{- if .Values.x }}\nb: 2\n{{- else }}\nc: 3\n{{- if .y }}\nd: 4\n{{- end }}\n{{- end }}\n{{- with .z }}\ne:\n  {{- toYaml . | nindent 2 }}\n{{- end }}";

    fn found(reached: &[usize], probed: &str) -> Vec<Branch> {
        let marked: HashSet<usize> = [0, 2, 4, 6, 10].into();
        let reached = reached.iter().copied().collect();
        unreached(TEXT, &marked, &reached, &|asked| asked == probed)
    }

    #[test]
    fn the_branch_that_was_not_taken_is_named_once() {
        assert_eq!(
            found(&[0, 2], ""),
            [Branch {
                condition: 1,
                lines: 4..8
            }]
        );
        assert_eq!(
            found(&[0, 2], ".Values.x"),
            [Branch {
                condition: 5,
                lines: 6..7
            }]
        );
        assert_eq!(found(&[0, 2, 4, 6], ""), []);
    }
}
