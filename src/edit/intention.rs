//! Changes carried out on plain values: what the text is to mean once it is edited.

use super::{
    change::{Change, ChangeError, Position},
    place::{Place, Step},
};
use crate::yaml::Value;

/// Makes the changes of one round to plain values. Places are those before any of them.
///
/// # Errors
/// A place that isn't there.
pub(crate) fn intend(documents: &mut [Option<Value>], changes: &[Change]) -> Result<(), ChangeError> {
    for change in changes {
        match change {
            Change::Remove(_) => {}
            Change::Text(place, text) => {
                let value = place.value(documents).ok_or(ChangeError::Lost)?;
                *value.untagged_mut() = Value::string(text.clone());
            }
            Change::Words(place, words) => {
                let words = words.iter().map(|word| Value::string(word.clone())).collect();
                let value = place.value(documents).ok_or(ChangeError::Lost)?;
                *value.untagged_mut() = Value::Sequence(words);
            }
            Change::Insert {
                mapping,
                key,
                value,
                position,
            } => {
                let mapping = mapping.value(documents).ok_or(ChangeError::Lost)?;
                intend_entry(mapping, key, value.clone(), position)?;
            }
            Change::Move {
                mapping,
                from,
                index,
                to,
                at,
            } => {
                let mapping = mapping.value(documents).ok_or(ChangeError::Lost)?;
                intend_move(mapping, (from, *index), (to, *at))?;
            }
            Change::Append(place, item) => {
                let list = place.value(documents).and_then(Value::items_mut);
                list.ok_or(ChangeError::Lost)?.push(item.clone());
            }
            Change::Enlist(place) => {
                let value = place.value(documents).ok_or(ChangeError::Lost)?;
                let item = std::mem::replace(value, Value::Null);
                *value = Value::Sequence(vec![item]);
            }
        }
    }
    let mut removed: Vec<&Place> = changes
        .iter()
        .filter_map(|change| match change {
            Change::Remove(place) => Some(place),
            _ => None,
        })
        .collect();
    // From behind, so that the indices before stay true.
    removed.sort();
    removed.dedup();
    for place in removed.into_iter().rev() {
        let (parent, last) = place.split().ok_or(ChangeError::Lost)?;
        let parent = parent.value(documents).ok_or(ChangeError::Lost)?;
        match last {
            Step::Key(key) => parent.remove(key).map(drop),
            Step::Index(index) => parent
                .items_mut()
                .filter(|items| *index < items.len())
                .map(|items| drop(items.remove(*index))),
        }
        .ok_or(ChangeError::Lost)?;
    }
    Ok(())
}

fn intend_entry(
    mapping: &mut Value,
    key: &str,
    value: Value,
    position: &Position,
) -> Result<(), ChangeError> {
    if *mapping == Value::Null {
        *mapping = Value::Mapping(Vec::new());
    }
    let entries = mapping.entries_mut().ok_or(ChangeError::Lost)?;
    let index_of = |name: &str| {
        entries
            .iter()
            .position(|(key, _)| key.is_string(name))
            .ok_or(ChangeError::Lost)
    };
    let at = match position {
        Position::After(name) => index_of(name)? + 1,
        Position::Before(name) => index_of(name)?,
        Position::Last => entries.len(),
    };
    entries.insert(at, (Value::string(key), value));
    Ok(())
}

fn intend_move(mapping: &mut Value, from: (&str, usize), to: (&str, usize)) -> Result<(), ChangeError> {
    let list = mapping
        .get_mut(from.0)
        .and_then(Value::items_mut)
        .filter(|items| from.1 < items.len())
        .ok_or(ChangeError::Lost)?;
    let item = list.remove(from.1);
    match mapping.get_mut(to.0).map(Value::untagged_mut) {
        Some(Value::Sequence(items)) if to.1 <= items.len() => items.insert(to.1, item),
        Some(value @ Value::Null) => *value = Value::Sequence(vec![item]),
        Some(_) => return Err(ChangeError::Lost),
        None => intend_entry(
            mapping,
            to.0,
            Value::Sequence(vec![item]),
            &Position::Before(from.0.to_owned()),
        )?,
    }
    Ok(())
}
