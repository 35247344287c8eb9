//! Leaves out of a text what keeps it from being read.

use std::ops::Range;

use crate::{
    template::{self, Reading},
    yaml,
};

/// How often one source is mended by leaving something out.
const MENDINGS: usize = 16;

/// Blanks what keeps a text from being read: lines with actions of the template that it is a reading of, branches of
/// its conditions, else whole documents. What was blanked; `None` where nothing can be read.
pub(super) fn mend(text: &mut String, template: Option<(&str, &Reading)>) -> Option<Vec<template::Unknown>> {
    let mut left_out = Vec::new();
    // Documents that were read once need not be read again to find the next one that is broken.
    let mut from = 0;
    for _ in 0..MENDINGS {
        let Err(error) = yaml::parse(text.get(from..)?) else {
            return Some(left_out);
        };
        let offset = from + error.offset;
        let part = template.and_then(|(template, reading)| {
            let has_text = |part: &Range<usize>| {
                let inner = text.get(part.clone());
                inner.is_some_and(|inner| !inner.trim().is_empty() && !inner.contains("ontainers:"))
            };
            action_line(text, template, offset).or_else(|| reading.branch_around(offset, has_text))
        });
        let is_part = part.is_some();
        let broken = part.unwrap_or_else(|| document_around(text, offset));
        if broken.is_empty() || broken.len() == text.len() {
            return None;
        }
        if !is_part {
            from = broken.end;
        }
        blank(text, &broken)?;
        left_out.push(template::Unknown {
            span: broken,
            key: None,
        });
    }
    None
}

fn blank(text: &mut String, span: &Range<usize>) -> Option<()> {
    let blank: String = text
        .get(span.clone())?
        .bytes()
        .map(|byte| {
            if matches!(byte, b'\n' | b'\r') {
                char::from(byte)
            } else {
                ' '
            }
        })
        .collect();
    text.replace_range(span.clone(), &blank);
    Some(())
}

/// The line at `offset`, or the last one with text before it, where an action of the template stands in it.
fn action_line(text: &str, template: &str, offset: usize) -> Option<Range<usize>> {
    let here = line_around(template, offset);
    let mut before = here.clone();
    while text.get(before.clone())?.trim().is_empty() || before == here {
        before = line_around(template, before.start.checked_sub(1)?);
    }
    [here, before].into_iter().find(|line| {
        has_action(template, line) && text.get(line.clone()).is_some_and(|line| !line.trim().is_empty())
    })
}

pub(super) fn has_action(template: &str, line: &Range<usize>) -> bool {
    template
        .get(line.clone())
        .is_some_and(|line| line.contains("{{") || line.contains("}}"))
}

/// The bytes of the line around `offset`, its line break included.
pub(super) fn line_around(text: &str, offset: usize) -> Range<usize> {
    let offset = offset.min(text.len());
    let start = text
        .as_bytes()
        .get(..offset)
        .and_then(|before| before.iter().rposition(|byte| *byte == b'\n'))
        .map_or(0, |line_break| line_break + 1);
    let end = text
        .as_bytes()
        .get(offset..)
        .and_then(|rest| rest.iter().position(|byte| *byte == b'\n'))
        .map_or(text.len(), |line_break| offset + line_break + 1);
    start..end
}

/// The bytes between the `---` lines around `offset`.
fn document_around(text: &str, offset: usize) -> Range<usize> {
    let mut start = 0;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.starts_with("---") {
            if at >= offset && at > start {
                return start..at;
            }
            start = at + line.len();
        }
        at += line.len();
    }
    start..text.len()
}
