//! What differs between two texts, line by line.

use std::{fmt::Write, ops::Range};

use imara_diff::{Algorithm, Diff, InternedInput};

/// Lines around a change that are shown with it, as `diff -u` does.
const CONTEXT: usize = 3;

/// Lines of one text that take the place of lines of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hunk {
    /// The lines that go, from 0.
    pub before: Range<usize>,
    /// The lines that come, from 0.
    pub after: Range<usize>,
}

/// The lines of a text, each with its line break.
pub(crate) fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// The changes that make `after` of `before`, in their order.
#[must_use]
pub(crate) fn hunks(before: &str, after: &str) -> Vec<Hunk> {
    let input = InternedInput::new(before, after);
    let mut diff = Diff::compute(Algorithm::Histogram, &input);
    diff.postprocess_lines(&input);
    let lines = |range: Range<u32>| range.start as usize..range.end as usize;
    diff.hunks()
        .map(|hunk| Hunk {
            before: lines(hunk.before),
            after: lines(hunk.after),
        })
        .collect()
}

/// A unified diff, as patch and git read it; empty where nothing differs.
#[must_use]
pub(crate) fn unified(before: &str, after: &str, before_name: &str, after_name: &str) -> String {
    let hunks = hunks(before, after);
    let (before, after) = (lines(before), lines(after));
    let mut text = String::new();
    for group in hunks.chunk_by(|one, next| next.before.start - one.before.end <= 2 * CONTEXT) {
        if text.is_empty() {
            text = format!("--- {before_name}\n+++ {after_name}\n");
        }
        write_group(group, &before, &after, &mut text);
    }
    text
}

/// Changes that are so close that their context is one.
fn write_group(group: &[Hunk], before: &[&str], after: &[&str], text: &mut String) {
    let (Some(first), Some(last)) = (group.first(), group.last()) else {
        return;
    };
    let leading = first.before.start.min(CONTEXT);
    let trailing = (before.len() - last.before.end).min(CONTEXT);
    let removed = first.before.start - leading..last.before.end + trailing;
    let added = first.after.start - leading..last.after.end + trailing;
    // A String takes everything.
    let _written = writeln!(text, "@@ -{} +{} @@", place(&removed), place(&added));
    let mut at = removed.start;
    for hunk in group {
        write_lines(' ', before, at..hunk.before.start, text);
        write_lines('-', before, hunk.before.clone(), text);
        write_lines('+', after, hunk.after.clone(), text);
        at = hunk.before.end;
    }
    write_lines(' ', before, at..removed.end, text);
}

fn write_lines(mark: char, lines: &[&str], range: Range<usize>, text: &mut String) {
    for line in lines.get(range).unwrap_or_default() {
        text.push(mark);
        text.push_str(line);
        if !line.ends_with('\n') {
            text.push_str("\n\\ No newline at end of file\n");
        }
    }
}

/// Lines as a header counts them: from 1, and where there are none, the line before.
fn place(lines: &Range<usize>) -> String {
    match lines.len() {
        0 => format!("{},0", lines.start),
        1 => (lines.start + 1).to_string(),
        length => format!("{},{length}", lines.start + 1),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Makes the changes that a unified diff of texts with whole lines tells of.
    fn patched(before: &str, diff: &str) -> String {
        let old = lines(before);
        let (mut new, mut at) = (String::new(), 0);
        for line in diff.split_inclusive('\n').skip(2) {
            let (mark, rest) = line.split_at(1);
            match mark {
                "@" => {
                    let place = rest.split(['-', ' ']).nth(2).unwrap();
                    let (start, length) = place.split_once(',').unwrap_or((place, "1"));
                    let start: usize = start.parse().unwrap();
                    let start = if length == "0" { start } else { start - 1 };
                    new += &old[at..start].concat();
                    at = start;
                }
                "+" => new += rest,
                _ => {
                    assert_eq!(old[at], rest);
                    at += 1;
                    if mark == " " {
                        new += rest;
                    }
                }
            }
        }
        new + &old[at..].concat()
    }

    proptest! {
        #[test]
        fn a_diff_says_how_to_make_the_other_text(
            before in "([ab]{0,2}\\n){0,30}",
            after in "([abc]{0,2}\\n){0,30}",
        ) {
            prop_assert_eq!(patched(&before, &unified(&before, &after, "a", "b")), after);
        }
    }

    #[test]
    fn a_diff_looks_as_patch_wants_it() {
        let before = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12";
        let after = "1\n2\n3\n4\nV\n6\n7\n8\n9\n10\n11\n12\n";
        assert_eq!(
            unified(before, after, "a/x", "b/x"),
            "--- a/x\n+++ b/x\n@@ -2,11 +2,11 @@\n 2\n 3\n 4\n-5\n+V\n 6\n 7\n 8\n 9\n 10\n 11\n-12\n\\ No newline at end of file\n+12\n"
        );
        assert_eq!(unified("", "a\n", "a", "b"), "--- a\n+++ b\n@@ -0,0 +1 @@\n+a\n");
        assert_eq!(unified("same\n", "same\n", "a", "b"), "");
    }

    #[test]
    fn line_breaks_are_part_of_lines() {
        assert_eq!(
            hunks("a\r\nb\n", "a\nb\n"),
            [Hunk {
                before: 0..1,
                after: 0..1
            }]
        );
    }
}
