//! `[ "$rc" -eq 0 ]`, `[[ -n $failed ]]`: tests of what a run knows.

use std::collections::BTreeSet;

use super::state::{State, Status, Value};
use crate::shell::Word;

/// The result of a test, with whether it looked at a failure of the work.
pub(super) fn test(words: &[Word], state: &State, sets: &BTreeSet<String>) -> (Status, bool) {
    let words: Vec<&Word> = words
        .iter()
        .filter(|word| !matches!(word.raw.as_str(), "[" | "]" | "[[" | "]]" | "test"))
        .collect();
    let looks = words
        .iter()
        .any(|word| state.value(word, sets) == Value::Status(Status::Work));
    let (is_negated, words) = match words.as_slice() {
        [first, rest @ ..] if first.raw == "!" && !rest.is_empty() => (true, rest),
        words => (false, words),
    };
    let holds = match words {
        [word] => holds_text(&state.value(word, sets)),
        [operator, word] => {
            let value = state.value(word, sets);
            match operator.raw.as_str() {
                "-n" => holds_text(&value),
                "-z" => holds_text(&value).map(|holds| !holds),
                _ => None,
            }
        }
        [left, operator, right] => {
            let values = (state.value(left, sets), state.value(right, sets));
            compare(&operator.raw, &values.0, &values.1)
        }
        _ => None,
    };
    let status = match holds.map(|holds| holds != is_negated) {
        Some(true) => Status::Zero,
        Some(false) => Status::Other,
        None => Status::Unknown,
    };
    (status, looks)
}

/// Whether one of the patterns of a `case` fits a value.
pub(super) fn fits_one(patterns: &[Word], value: &Value) -> Option<bool> {
    let mut fits = Some(false);
    for pattern in patterns {
        match fits_pattern(pattern, value) {
            Some(true) => return Some(true),
            Some(false) => {}
            None => fits = None,
        }
    }
    fits
}

fn fits_pattern(pattern: &Word, value: &Value) -> Option<bool> {
    if pattern.raw == "*" {
        return Some(true);
    }
    let pattern = pattern
        .literal()
        .filter(|text| !text.contains(['*', '?', '[', '\\']))?;
    match value {
        Value::Text(text) => Some(*text == *pattern),
        Value::Status(Status::Zero) => Some(pattern == "0"),
        // A failure is a number from 1 to 255.
        Value::Status(Status::Work | Status::Other) => match pattern.parse::<u8>() {
            Ok(1..) => None,
            _ => Some(false),
        },
        _ => None,
    }
}

fn holds_text(value: &Value) -> Option<bool> {
    match value {
        Value::Text(text) => Some(!text.is_empty()),
        Value::Status(_) | Value::Child => Some(true),
        Value::Unknown => None,
    }
}

fn compare(operator: &str, left: &Value, right: &Value) -> Option<bool> {
    let number = |value: &Value| match value {
        Value::Text(text) => text.trim().parse::<i64>().ok(),
        Value::Status(Status::Zero) => Some(0),
        _ => None,
    };
    let is_failure = |value: &Value| matches!(value, Value::Status(Status::Work | Status::Other));
    // A failure is a number from 1 to 255.
    let failure_is = |operator: &str, other: i64| match operator {
        "-eq" | "=" | "==" => (other <= 0 || other > 255).then_some(false),
        "-ne" | "!=" => (other <= 0 || other > 255).then_some(true),
        "-gt" => (other <= 0).then_some(true),
        "-ge" => (other <= 1).then_some(true),
        "-lt" => (other <= 1).then_some(false),
        "-le" => (other <= 0).then_some(false),
        _ => None,
    };
    if is_failure(left) {
        return failure_is(operator, number(right)?);
    }
    if is_failure(right) {
        let turned = match operator {
            "-gt" => "-lt",
            "-lt" => "-gt",
            "-ge" => "-le",
            "-le" => "-ge",
            same => same,
        };
        return failure_is(turned, number(left)?);
    }
    if let (Some(left), Some(right)) = (number(left), number(right)) {
        return match operator {
            "-eq" | "=" | "==" => Some(left == right),
            "-ne" | "!=" => Some(left != right),
            "-gt" => Some(left > right),
            "-ge" => Some(left >= right),
            "-lt" => Some(left < right),
            "-le" => Some(left <= right),
            _ => None,
        };
    }
    match (left, right, operator) {
        (Value::Text(left), Value::Text(right), "=" | "==") => Some(left == right),
        (Value::Text(left), Value::Text(right), "!=") => Some(left != right),
        _ => None,
    }
}
