//! The few characters of a source that a report shows around its locations.
//!
//! A source may be large, a line of it may be as long as the whole, and it may hold characters that steer a
//! terminal. An excerpt has none of that, and knows where its spans went.

use std::{borrow::Cow, ops::Range};

use crate::source::{Lines, character_start};

/// As many lines stay before and behind each end of a span.
const LINES_AROUND: usize = 6;

/// As many bytes of a line stay before and behind each end of a span.
const BYTES_AROUND: usize = 400;

/// Some lines of a source with spans in them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Excerpt {
    /// The lines; those that nothing points at are empty.
    pub(crate) text: String,
    /// The number of the first line.
    pub(crate) first_line: usize,
    /// The spans in `text`, in the given order.
    pub(crate) spans: Vec<Range<usize>>,
}

impl Excerpt {
    /// The excerpt around `spans`.
    pub(crate) fn new(lines: &Lines<'_>, spans: impl IntoIterator<Item = Range<usize>>) -> Self {
        let spans: Vec<Range<usize>> = spans.into_iter().map(|span| within(lines.text(), span)).collect();
        let mut ends: Vec<usize> = spans.iter().flat_map(|span| [span.start, span.end]).collect();
        ends.sort_unstable();
        ends.dedup();
        let numbers: Vec<usize> = ends.iter().map(|end| lines.position(*end).line).collect();
        let first_line = numbers.first().copied().unwrap_or(1);
        let last_line = numbers.last().copied().unwrap_or(1);

        let mut copy = Copy {
            ends: &ends,
            moved: Vec::with_capacity(ends.len()),
            text: String::new(),
        };
        let mut near = numbers.iter().copied().peekable();
        for number in first_line..=last_line {
            // The line numbers of the ends are sorted, as are the lines.
            while near.peek().is_some_and(|near| near + LINES_AROUND < number) {
                near.next();
            }
            if near.peek().is_some_and(|near| *near <= number + LINES_AROUND) {
                copy.line(lines.text(), lines.line(number));
            }
            copy.text.push('\n');
        }
        let moved = |end: usize| {
            ends.binary_search(&end)
                .ok()
                .and_then(|index| copy.moved.get(index).copied())
                .unwrap_or(copy.text.len())
        };
        let spans = spans
            .iter()
            .map(|span| moved(span.start)..moved(span.end).max(moved(span.start)))
            .collect();
        Self {
            text: copy.text,
            first_line,
            spans,
        }
    }
}

/// The span on character boundaries of the text and without the white space at its end, which may reach into
/// the next line.
pub(super) fn within(text: &str, span: Range<usize>) -> Range<usize> {
    let start = character_start(text, span.start);
    let end = character_start(text, span.end).max(start);
    let content = text.get(start..end).unwrap_or_default().trim_end();
    start..start + content.len()
}

struct Copy<'a> {
    /// The ends of all spans, sorted.
    ends: &'a [usize],
    /// Where those copied so far are now.
    moved: Vec<usize>,
    text: String,
}

impl Copy<'_> {
    fn line(&mut self, source: &str, line: Range<usize>) {
        let mut at = line.start;
        while at < line.end {
            let next = self.ends.get(self.moved.len()).copied();
            // Both what follows the last end and what precedes the next one stay.
            let last = self
                .moved
                .len()
                .checked_sub(1)
                .and_then(|last| self.ends.get(last));
            let keep_until = match last {
                Some(last) if *last >= line.start => last.saturating_add(BYTES_AROUND),
                _ => line.start + BYTES_AROUND,
            };
            let keep_from = match next {
                Some(next) if next <= line.end => character_start(source, next.saturating_sub(BYTES_AROUND)),
                _ => usize::MAX,
            };
            if at >= keep_until && at < keep_from {
                self.text.push('…');
                at = keep_from.min(line.end);
                continue;
            }
            self.mark(at);
            let Some(character) = source.get(at..).and_then(|rest| rest.chars().next()) else {
                break;
            };
            self.text.push(visible(character));
            at += character.len_utf8();
        }
        self.mark(line.end);
    }

    /// Notes where the ends up to `at` are now.
    fn mark(&mut self, at: usize) {
        while self.ends.get(self.moved.len()).is_some_and(|end| *end <= at) {
            self.moved.push(self.text.len());
        }
    }
}

/// `text` in one line without anything that steers a terminal.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if text
        .chars()
        .all(|character| visible(character) == character && character != '\t')
    {
        return Cow::Borrowed(text);
    }
    Cow::Owned(
        text.chars()
            .map(|character| {
                if character == '\t' {
                    ' '
                } else {
                    visible(character)
                }
            })
            .collect(),
    )
}

/// A character that stands for one that should not reach a terminal.
pub(crate) fn visible(character: char) -> char {
    match character {
        '\t' => '\t',
        '\0'..='\x1f' => char::from_u32(0x2400 + u32::from(character)).unwrap_or(char::REPLACEMENT_CHARACTER),
        '\x7f' => '\u{2421}',
        // The second set of control characters, line and paragraph separators, marks of writing direction.
        '\u{80}'..='\u{9f}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}'
        | '\u{61c}'
        // Letters that nothing shows, and what can hide some: blanks without width, selectors of variants.
        | '\u{ad}'
        | '\u{200b}'
        | '\u{2060}'..='\u{2064}'
        | '\u{206a}'..='\u{206f}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e01ef}' => char::REPLACEMENT_CHARACTER,
        // Takes no room, and would be one column too many.
        '\u{feff}' => ' ',
        _ => character,
    }
}

#[cfg(test)]
#[allow(clippy::single_range_in_vec_init)]
mod tests {
    use super::*;

    fn excerpt<const N: usize>(text: &str, spans: [Range<usize>; N]) -> Excerpt {
        Excerpt::new(&Lines::new(text), spans)
    }

    fn shown<const N: usize>(text: &str, spans: [Range<usize>; N]) -> Vec<String> {
        let excerpt = excerpt(text, spans);
        excerpt
            .spans
            .into_iter()
            .map(|span| excerpt.text[span].to_owned())
            .collect()
    }

    #[test]
    fn spans_keep_their_text() {
        let text = "a: 1\nbé: two words\r\nc: |\r\n  x\r\n  y\r\nd: 4\r\n";
        let two = text.find("two").unwrap();
        let x = text.find('x').unwrap();
        let d = text.find("d:").unwrap();
        assert_eq!(
            shown(text, [two..two + 3, x..d, two..two, text.len()..text.len() + 5]),
            ["two", "x\n  y", "", ""]
        );
        assert_eq!(excerpt(text, [two..two + 3]).first_line, 2);
        assert_eq!(excerpt(text, [two..two + 3]).text, "bé: two words\n");
    }

    #[test]
    fn lines_that_nothing_points_at_are_empty() {
        let text: String = (1..=1000).map(|number| format!("line {number}\n")).collect();
        let first = text.find("line 10\n").unwrap();
        let last = text.find("line 900\n").unwrap();
        let excerpt = excerpt(&text, [first..first + 4, last..last + 4]);
        assert_eq!(excerpt.first_line, 10);
        let lines: Vec<&str> = excerpt.text.lines().collect();
        assert_eq!(lines.len(), 891);
        assert_eq!(lines[6], "line 16");
        assert!(lines[7..884].iter().all(|line| line.is_empty()));
        assert_eq!(lines[884], "line 894");
        assert_eq!(lines[890], "line 900");
    }

    #[test]
    fn long_lines_are_cut() {
        let text = format!("{}HERE{}", "é".repeat(500_000), "x".repeat(500_000));
        let here = text.find("HERE").unwrap();
        let cut = excerpt(&text, [here..here + 4]);
        assert!(cut.text.len() < 2000, "{}", cut.text.len());
        assert_eq!(&cut.text[cut.spans[0].clone()], "HERE");
        let whole = excerpt(&text, [0..text.len()]);
        assert!(whole.text.len() < 2000, "{}", whole.text.len());
        assert_eq!(whole.spans[0], 0..whole.text.len() - 1);
    }

    #[test]
    fn nothing_steers_the_terminal() {
        let text = "a: \u{1b}[31mred\u{9b}0m\u{202e}\0 END\n";
        let end = text.find("END").unwrap();
        let excerpt = excerpt(text, [end..end + 3]);
        assert_eq!(excerpt.text, "a: ␛[31mred\u{fffd}0m\u{fffd}␀ END\n");
        assert_eq!(&excerpt.text[excerpt.spans[0].clone()], "END");
        assert_eq!(printable("a\u{1b}[0m\nb\tc"), "a␛[0m␊b c");
        assert_eq!(printable("a\u{e0001}\u{e0041}"), "a\u{fffd}\u{fffd}");
    }
}
