//! Changes of a text: a comment that silences a finding is added, a suppression that silences nothing is removed.

use std::{ops::Range, sync::Arc};

use super::{Choice, InSources, Scope, Suppression, annotation, comment};
use crate::{
    rules::{Finding, RuleInfo},
    source::{Lines, SourceFile},
    template, yaml,
};

/// What stands where the reason belongs, until somebody gives one.
const PLACE_OF_REASON: &str = "TODO: say why";

/// Other text in the place of some bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextChange {
    /// The bytes.
    pub span: Range<usize>,
    /// What takes their place.
    pub text: String,
}

impl TextChange {
    fn made(&self, text: &str) -> String {
        let mut made = text.to_owned();
        made.replace_range(self.span.clone(), &self.text);
        made
    }
}

/// The comment that silences a finding of a source, with a place for the reason: above the finding's line, above the
/// script that it is in, or behind its line. `None` where no comment can stand, as in JSON, and where the text would
/// mean something else with it.
#[must_use]
pub fn ignore_here(
    finding: &Finding,
    source: &Arc<SourceFile>,
    rules: &[&'static RuleInfo],
) -> Option<TextChange> {
    let start = finding
        .primary()
        .filter(|primary| primary.source.name == source.name)?
        .span
        .start;
    if source.text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    let before = values(&source.text)?;
    let lines = Lines::new(&source.text);
    let line = lines.position(start).line;
    let above_script = line_of_header(&source.text, &lines, start).map(|line| above(&lines, line, finding));
    [
        Some(above(&lines, line, finding)),
        above_script,
        Some(behind(&lines, line, finding)),
    ]
    .into_iter()
    .flatten()
    .find(|change| {
        let made = change.made(&source.text);
        values(&made).as_ref() == Some(&before) && silences(change, start, finding, source, rules, made)
    })
}

/// The text without a suppression that stands in it. `None` where it can't be taken out on its own.
#[must_use]
pub fn without(
    suppression: &Suppression,
    source: &SourceFile,
    rules: &[&'static RuleInfo],
) -> Option<TextChange> {
    let lines = Lines::new(&source.text);
    let number = suppression.line?;
    let bytes = lines.line(number);
    let line = source.text.get(bytes.clone())?;
    let is_meant =
        |name: &str| Choice::parse(name, rules).is_ok_and(|choice| choice.name() == suppression.rule);
    let list = list_of_comment(line).or_else(|| list_of_annotation(line))?;
    let names: Vec<&str> = line
        .get(list.clone())?
        .split([',', ' '])
        .filter(|name| !name.is_empty())
        .collect();
    let left: Vec<&str> = names.iter().copied().filter(|name| !is_meant(name)).collect();
    if left.len() == names.len() {
        return None;
    }
    if !left.is_empty() {
        return Some(TextChange {
            span: bytes.start + list.start..bytes.start + list.end,
            text: left.join(", "),
        });
    }
    let comment = list_of_comment(line).and(line.get(..list.start)?.rfind('#'));
    match comment {
        Some(comment) if !line.get(..comment)?.trim().is_empty() => {
            let kept = line.get(..comment)?.trim_end().len();
            Some(TextChange {
                span: bytes.start + kept..bytes.end,
                text: String::new(),
            })
        }
        None if !has_sibling(&lines, number) => None,
        _ => Some(TextChange {
            span: bytes.start..next_line(&lines, number),
            text: String::new(),
        }),
    }
}

/// A comment on a line of its own above a line, as far in as that.
fn above(lines: &Lines<'_>, line: usize, finding: &Finding) -> TextChange {
    let bytes = lines.line(line);
    let content = lines.text().get(bytes.clone()).unwrap_or_default();
    let unmarked = content.trim_start_matches(comment::BYTE_ORDER_MARK);
    let start = bytes.start + (content.len() - unmarked.len());
    let indent = unmarked.get(..unmarked.len() - unmarked.trim_start().len());
    TextChange {
        span: start..start,
        text: format!(
            "{}{}{}",
            indent.unwrap_or_default(),
            comment_for(finding),
            line_break(lines.text())
        ),
    }
}

/// A comment behind the content of a line.
fn behind(lines: &Lines<'_>, line: usize, finding: &Finding) -> TextChange {
    let bytes = lines.line(line);
    let content = lines.text().get(bytes.clone()).unwrap_or_default();
    let end = bytes.start + content.trim_end().len();
    TextChange {
        span: end..end,
        text: format!(" {}", comment_for(finding)),
    }
}

fn comment_for(finding: &Finding) -> String {
    format!(
        "# {} {}[{}] {PLACE_OF_REASON}",
        comment::MARK,
        comment::VERB,
        finding.rule.name
    )
}

fn line_break(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

/// The values of a text's documents; of a template, those of its first reading.
fn values(text: &str) -> Option<Vec<yaml::Value>> {
    with_stream(text, |stream| {
        stream
            .roots()
            .map(|(_, root)| yaml::Value::of(root).ok())
            .collect::<Option<Vec<_>>>()
    })?
}

fn with_stream<R>(text: &str, read: impl Fn(&yaml::Stream<'_>) -> R) -> Option<R> {
    if let Ok(stream) = yaml::parse(text) {
        return Some(read(&stream));
    }
    let masked = template::readings(text).into_iter().next()?;
    yaml::parse(&masked.text).ok().map(|stream| read(&stream))
}

/// The line with the `|` or `>` of the block scalar that a byte is in.
fn line_of_header(text: &str, lines: &Lines<'_>, at: usize) -> Option<usize> {
    with_stream(text, |stream| {
        let scalar = stream.roots().flat_map(|(_, root)| root.walk()).find(|node| {
            node.span().contains(&at) && node.style().is_some_and(yaml::ScalarStyle::is_block)
        })?;
        let before = text.get(..scalar.span().start)?.trim_end();
        Some(lines.position(before.len().saturating_sub(1)).line)
    })?
}

/// Whether the changed text has a suppression of its own that silences the finding.
fn silences(
    change: &TextChange,
    start: usize,
    finding: &Finding,
    source: &SourceFile,
    rules: &[&'static RuleInfo],
    made: String,
) -> bool {
    let moved = if change.span.start <= start {
        start + change.text.len()
    } else {
        start
    };
    let made = Arc::new(SourceFile {
        name: source.name.clone(),
        text: made.into(),
    });
    let collected = InSources::collect(&[made], rules);
    collected
        .sources
        .iter()
        .flat_map(|(_, written)| written)
        .any(|written| {
            let is_there = matches!(&written.scope, Scope::Lines(bytes) if bytes.contains(&moved));
            is_there && written.choice.covers(finding.rule)
        })
}

/// Where the names stand in a line with a comment that silences.
fn list_of_comment(line: &str) -> Option<Range<usize>> {
    let mark = line.find(comment::MARK)? + comment::MARK.len();
    let start = mark + line.get(mark..)?.find('[')? + 1;
    let end = start + line.get(start..)?.find(']')?;
    Some(start..end)
}

/// Where the names stand in a line with an annotation that silences.
fn list_of_annotation(line: &str) -> Option<Range<usize>> {
    let key = line.find(annotation::KEY)? + annotation::KEY.len();
    let value = key + line.get(key..)?.find(':')? + 1;
    let is_outside = |character: char| character.is_whitespace() || "\"'".contains(character);
    let rest = line.get(value..)?;
    let start = value + (rest.len() - rest.trim_start_matches(is_outside).len());
    let end = value + rest.trim_end_matches(is_outside).len();
    // What follows the list in a flow mapping is not its own.
    let is_list = line
        .get(start..end)?
        .chars()
        .all(|character| character.is_ascii_lowercase() || "-, ".contains(character));
    is_list.then_some(start..end)
}

/// Whether a neighbouring line is as far in: a mapping whose only entry is removed would be none.
fn has_sibling(lines: &Lines<'_>, line: usize) -> bool {
    let indent = |line: usize| {
        let content = lines.text().get(lines.line(line)).unwrap_or_default();
        (!content.trim().is_empty()).then(|| content.len() - content.trim_start().len())
    };
    let own = indent(line);
    [line.checked_sub(1), Some(line + 1)]
        .into_iter()
        .flatten()
        .any(|neighbour| neighbour > 0 && indent(neighbour) == own)
}

/// The first byte behind a line and its line break.
fn next_line(lines: &Lines<'_>, line: usize) -> usize {
    let bytes = lines.line(line);
    match lines.line(line + 1).start {
        start if start > bytes.end => start,
        _ => lines.text().len(),
    }
}
