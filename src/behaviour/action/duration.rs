//! Lengths of time: `5`, `1m`, `infinity`.

use crate::shell::{Word, limits_time};

use super::argument::Argument;

/// The limit of the innermost `timeout` among the words before a command.
pub(super) fn time_limit(prefixes: &[Word]) -> Option<f64> {
    let position = prefixes.iter().rposition(|word| limits_time(&word.raw))?;
    prefixes
        .iter()
        .skip(position + 1)
        .filter_map(Word::literal)
        .find_map(|word| duration(&word))
}

/// `5`, `0.5`, `1m`, `2h`, `infinity`
pub(super) fn duration(text: &str) -> Option<f64> {
    if matches!(text, "infinity" | "inf") {
        return Some(f64::INFINITY);
    }
    let (number, unit) = match text.strip_suffix("ms") {
        Some(number) => (number, 0.001),
        None => match text.char_indices().next_back()? {
            (end, 's') => (text.get(..end)?, 1.0),
            (end, 'm') => (text.get(..end)?, 60.0),
            (end, 'h') => (text.get(..end)?, 3600.0),
            (end, 'd') => (text.get(..end)?, 86_400.0),
            _ => (text, 1.0),
        },
    };
    let is_number = number.starts_with(|first: char| first.is_ascii_digit() || first == '.');
    is_number
        .then(|| number.parse::<f64>().ok())
        .flatten()
        .map(|number| number * unit)
}

pub(super) fn duration_sum(arguments: &[Argument]) -> Option<f64> {
    if arguments.is_empty() {
        return None;
    }
    arguments
        .iter()
        .map(|argument| argument.known().and_then(duration))
        .sum()
}
