//! The objects that a patch or a replacement is for.

use super::{layers::Layered, reference::text};
use crate::yaml::Node;

/// Whether a selector (`target`, `select`) means an object. Where it can't be told, it does: an edit that rests on it
/// is proved or taken back.
pub(super) fn selects(selector: Node<'_>, object: &Layered) -> bool {
    let is = |key: &str, value: &str| text(selector, key).is_none_or(|wanted| matches(wanted, value));
    let is_named =
        text(selector, "name").is_none_or(|wanted| object.names.iter().any(|name| matches(wanted, name)));
    let is_labelled = text(selector, "labelSelector").is_none_or(|wanted| has_labels(wanted, object));
    is("kind", &object.kind) && is_named && is_labelled
}

/// Whether an anchored regular expression means a text. Of expressions only `.*` is understood.
fn matches(expression: &str, text: &str) -> bool {
    let expression = expression.trim_start_matches('^').trim_end_matches('$');
    if let Some((before, after)) = expression.split_once(".*") {
        return text.len() >= before.len()
            && text.starts_with(before)
            && (is_expression(after) || text.ends_with(after));
    }
    expression.is_empty() || is_expression(expression) || expression == text
}

fn is_expression(text: &str) -> bool {
    text.contains(['*', '+', '?', '|', '(', '[', '\\', '{'])
}

/// Whether an object has the labels of `a=b,c==d`.
fn has_labels(selector: &str, object: &Layered) -> bool {
    selector.split(',').all(|part| match part.split_once('=') {
        Some((key, value)) if !key.ends_with('!') && !part.contains(['(', ')']) => {
            let value = value.trim_start_matches('=').trim();
            let labels = object
                .state
                .get("metadata")
                .and_then(|metadata| metadata.get("labels"));
            labels
                .and_then(|labels| labels.get(key.trim()))
                .is_some_and(|own| own.is_string(value))
        }
        _ => true,
    })
}
