//! JSON pointers (RFC 6901), and the fields of an object that they point at.

use super::leg::{Leg, identity, list_of, value_leg};
use crate::yaml::Value;

/// The tokens of a pointer, decoded.
pub(super) fn tokens(pointer: &str) -> Vec<String> {
    let tokens = pointer.split('/').skip(1);
    tokens
        .map(|token| token.replace("~1", "/").replace("~0", "~"))
        .collect()
}

/// A pointer of tokens.
pub(super) fn written(tokens: &[String]) -> String {
    let mut pointer = String::new();
    for token in tokens {
        pointer.push('/');
        pointer.push_str(&token.replace('~', "~0").replace('/', "~1"));
    }
    pointer
}

/// The index that a token stands for in a list of `length`; `-` is behind the last item.
pub(super) fn last_index(token: &str, length: usize) -> Option<usize> {
    match token {
        "-" => Some(length),
        token => token.parse().ok(),
    }
}

/// The way to what `tokens` point at in an object.
pub(super) fn resolve(object: &Value, tokens: &[String]) -> Option<Vec<Leg>> {
    let mut legs = Vec::new();
    let mut at = object;
    for token in tokens {
        at = match at {
            Value::Sequence(items) => {
                let index = token.parse().ok()?;
                let item = items.get(index)?;
                legs.push(value_leg(list_of(&legs), index, item));
                item
            }
            other => {
                legs.push(Leg::Key(token.clone()));
                other.get(token)?
            }
        };
    }
    Some(legs)
}

/// The tokens that point at the end of a way.
pub(super) fn locate(object: &Value, legs: &[Leg]) -> Option<Vec<String>> {
    let mut tokens = Vec::new();
    let mut at = object;
    for leg in legs {
        at = match (leg, at) {
            (Leg::Key(key), _) => {
                tokens.push(key.clone());
                at.get(key)?
            }
            (Leg::Index(index), Value::Sequence(items)) => {
                tokens.push(index.to_string());
                items.get(*index)?
            }
            (Leg::Item { key, value }, Value::Sequence(items)) => {
                let index = items
                    .iter()
                    .position(|item| item.get(key).and_then(identity).as_ref() == Some(value))?;
                tokens.push(index.to_string());
                items.get(index)?
            }
            _ => return None,
        };
    }
    Some(tokens)
}
