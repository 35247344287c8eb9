//! Names of rules where they may be written: in comments and annotations that silence, and in the configuration.

use std::ops::Range;

use gen_lsp_types::Hover;
use serde_json::{Value, json};

use super::{hover, position::Places};
use crate::{
    rules::{Family, RULES, RuleInfo},
    suppress::{Choice, takes_names},
};

/// The keys of the configuration whose values are names.
const KEYS: [&str; 3] = ["select", "ignore", "rules"];

/// The name that a byte is in or behind, which may be empty; nothing where no name can stand.
pub(super) fn name_at(text: &str, at: usize, is_configuration: bool) -> Option<Range<usize>> {
    let line_start = text.get(..at)?.rfind('\n').map_or(0, |end| end + 1);
    let before = text.get(line_start..at)?;
    if !(takes_names(before) || is_configuration && under_key(text, line_start, before)) {
        return None;
    }
    let is_of_name = |character: char| character.is_ascii_lowercase() || character == '-';
    let start = at - (before.len() - before.trim_end_matches(is_of_name).len());
    let rest = text.get(at..)?;
    let end = at + (rest.len() - rest.trim_start_matches(is_of_name).len());
    // The dash of a list is none of the name.
    let dashes = text.get(start..end)?;
    Some(start + (dashes.len() - dashes.trim_start_matches('-').len())..end)
}

/// Whether a place of the configuration is the value of such a key, on its line or in the list below it.
fn under_key(text: &str, line_start: usize, before: &str) -> bool {
    let is_key = |line: &str| {
        let line = line.trim_start().trim_start_matches("- ").trim_start();
        let key = line.split_once(':').map(|(key, _)| key);
        key.is_some_and(|key| KEYS.contains(&key))
    };
    if is_key(before) {
        return true;
    }
    if !before.trim_start().starts_with('-') {
        return false;
    }
    let indent = |line: &str| line.len() - line.trim_start().len();
    let own = indent(before);
    let above = text.get(..line_start).unwrap_or_default().lines().rev();
    above
        .filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
        .find(|line| {
            let is_item = line.trim_start().starts_with('-');
            indent(line) < own || (indent(line) == own && !is_item)
        })
        .is_some_and(is_key)
}

/// What a name means.
pub(super) fn hover(text: &str, name: Range<usize>, places: &Places<'_>, markdown: bool) -> Option<Hover> {
    let choice = Choice::parse(text.get(name.clone())?, RULES).ok()?;
    let text = match choice {
        Choice::Rule(rule) => format!(
            "**{}**: {}\n\n{}\n\n{}",
            rule.name,
            rule.summary,
            rule.why.trim(),
            rule.url()
        ),
        Choice::Family(family) => {
            let rules = rules_of(family).map(|rule| format!("\n- {}: {}", rule.name, rule.summary));
            format!(
                "**{}**: these rules\n{}",
                family.name(),
                rules.collect::<String>()
            )
        }
    };
    Some(hover::of_text(text, places.range(&name), markdown))
}

/// Every rule and family, in the place of a name. The client leaves out those that don't fit what was typed.
pub(super) fn completions(name: Range<usize>, places: &Places<'_>) -> Vec<Value> {
    /// `CompletionItemKind.Value` and `.Module`.
    const RULE: u8 = 12;
    const FAMILY: u8 = 9;
    let range = places.range(&name);
    let item = |name: &str, kind: u8, detail: &str| {
        json!({
            "label": name,
            "kind": kind,
            "detail": detail,
            "textEdit": {"range": range, "newText": name},
        })
    };
    let rules = RULES.iter().map(|rule| item(rule.name, RULE, rule.summary));
    let families = Family::ALL.into_iter().map(|family| {
        let rules: Vec<&str> = rules_of(family).map(|rule| rule.name).collect();
        item(family.name(), FAMILY, &rules.join(", "))
    });
    rules.chain(families).collect()
}

fn rules_of(family: Family) -> impl Iterator<Item = &'static RuleInfo> {
    RULES.iter().copied().filter(move |rule| rule.family == family)
}
