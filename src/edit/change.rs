//! Changes to a tree, told without their spelling.
//!
//! The same list of changes is carried out twice, by functions that share nothing: [`edits`] makes splices of
//! the text, [`intend`](super::intention::intend) changes a tree of plain values. The guard compares the two.

use crate::edit::{
    place::{Place, Step},
    spelling::{Spelling, spell_entry, spell_item, spell_list},
};
use crate::yaml::{
    Entry, Node, Stream, Value,
    edit::{self, Edit, EditError},
};

/// Where a new entry goes among those of its mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Position {
    /// Directly behind the entry of this key.
    After(String),
    /// Directly before the entry of this key.
    Before(String),
    /// Behind all others.
    Last,
}

/// A change to one place of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Takes out an entry of a mapping or an item of a sequence.
    Remove(Place),
    /// Gives a scalar another text.
    Text(Place, String),
    /// Gives a list of words other words.
    Words(Place, Vec<String>),
    /// Adds an entry to a mapping, which may be empty.
    Insert {
        /// The mapping.
        mapping: Place,
        /// The new key.
        key: String,
        /// Its value.
        value: Value,
        /// Where it goes.
        position: Position,
    },
    /// Moves an item of one of a mapping's lists to another of its lists, which is made where there is none.
    Move {
        /// The mapping that has both lists.
        mapping: Place,
        /// The key of the list it leaves.
        from: &'static str,
        /// Its index there.
        index: usize,
        /// The key of the list it goes to.
        to: &'static str,
        /// Its index there.
        at: usize,
    },
    /// Adds an item behind the others of a list.
    Append(Place, Value),
    /// Makes a mapping the one item of a list that stands in its place.
    Enlist(Place),
}

/// Why a change can't be made to a text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChangeError {
    /// The text can't be edited that way.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// What was to be changed isn't there.
    #[error("what was to be changed is not where it should be")]
    Lost,
    /// The text around it has an unusual form.
    #[error("{0}")]
    Form(&'static str),
}

/// The edits that make all changes of one round. Places are those of the tree before any of them.
///
/// # Errors
/// A change that can't be written without guessing.
pub(crate) fn edits(stream: &Stream<'_>, changes: &[Change]) -> Result<Vec<Edit>, ChangeError> {
    let mut edits = Vec::new();
    let mut removed = Vec::new();
    for change in changes {
        match change {
            Change::Remove(place) => removed.push(removable(stream, place)?),
            Change::Text(place, text) => {
                let node = place.node(stream).ok_or(ChangeError::Lost)?;
                edits.extend(edit::replace_scalar(node, text)?);
            }
            Change::Words(place, words) => {
                let list = place.node(stream).ok_or(ChangeError::Lost)?;
                edits.push(replace_words(list, words)?);
            }
            Change::Insert {
                mapping,
                key,
                value,
                position,
            } => {
                let mapping = mapping.node(stream).ok_or(ChangeError::Lost)?;
                edits.extend(insert(mapping, key, value, position)?);
            }
            Change::Move {
                mapping,
                from,
                index,
                to,
                at,
            } => {
                let mapping = mapping.node(stream).ok_or(ChangeError::Lost)?;
                edits.extend(move_between(mapping, from, *index, to, *at)?);
            }
            Change::Append(place, value) => {
                let list = place.node(stream).ok_or(ChangeError::Lost)?;
                edits.extend(edit::append(list, &spell_item(value, list))?);
            }
            Change::Enlist(place) => {
                let node = place.node(stream).ok_or(ChangeError::Lost)?;
                edits.extend(enlist(node)?);
            }
        }
    }
    edits.extend(edit::remove(&removed)?);
    // Two insertions below the same scalar may both need its header changed.
    let mut distinct: Vec<Edit> = Vec::new();
    for edit in edits {
        if edit.span.is_empty() || !distinct.contains(&edit) {
            distinct.push(edit);
        }
    }
    Ok(distinct)
}

/// The key or item that stands for a place.
fn removable<'t>(stream: &'t Stream<'t>, place: &Place) -> Result<Node<'t>, ChangeError> {
    let (parent, last) = place.split().ok_or(ChangeError::Lost)?;
    let parent = parent.node(stream).ok_or(ChangeError::Lost)?;
    match last {
        Step::Index(index) => parent.children().nth(*index),
        Step::Key(key) => written_entry(parent, key).map(|entry| entry.key),
    }
    .ok_or(ChangeError::Lost)
}

fn written_entry<'t>(mapping: Node<'t>, key: &str) -> Option<Entry<'t>> {
    mapping
        .written_entries()
        .find(|entry| entry.key.as_str() == Some(key))
}

fn replace_words(list: Node<'_>, words: &[String]) -> Result<Edit, ChangeError> {
    let span = list.span();
    let spelling = Spelling::of(list);
    let has_comment_line = between_items(list)
        .iter()
        .any(|gap| gap.lines().any(|line| line.trim_start().starts_with('#')));
    if !list.is_bracketed() && has_comment_line {
        return Err(ChangeError::Form("a comment stands among the words"));
    }
    Ok(Edit {
        text: spell_list(words, &spelling, list),
        span,
    })
}

/// The text of a list that is none of its items: dashes, brackets, commas, comments.
fn between_items<'t>(list: Node<'t>) -> Vec<&'t str> {
    let text = list.stream().text();
    let mut from = list.span().start;
    let mut gaps = Vec::new();
    for item in list.children() {
        let span = item.written_span();
        gaps.extend(text.get(from..span.start));
        from = span.end;
    }
    gaps.extend(text.get(from..list.span().end));
    gaps
}

/// Whether comments stand among the items of a list.
pub(crate) fn has_comments(list: Node<'_>) -> bool {
    between_items(list).iter().any(|gap| gap.contains('#'))
}

fn insert(
    mapping: Node<'_>,
    key: &str,
    value: &Value,
    position: &Position,
) -> Result<Vec<Edit>, ChangeError> {
    let text = spell_entry(key, value, &Spelling::of(mapping));
    let sibling = |name: &str| {
        written_entry(mapping, name)
            .map(|entry| entry.key)
            .ok_or(ChangeError::Lost)
    };
    Ok(match position {
        Position::After(name) => edit::insert_after(sibling(name)?, &text)?,
        Position::Before(name) => vec![edit::insert_before(sibling(name)?, &text)?],
        Position::Last => edit::append(mapping, &text)?,
    })
}

fn move_between(
    mapping: Node<'_>,
    from: &str,
    index: usize,
    to: &str,
    at: usize,
) -> Result<Vec<Edit>, ChangeError> {
    let source = written_entry(mapping, from).ok_or(ChangeError::Lost)?;
    let item = source
        .written_value()
        .children()
        .nth(index)
        .ok_or(ChangeError::Lost)?;
    let target = written_entry(mapping, to).map(|entry| entry.written_value());
    match target {
        Some(list) if list.children().next().is_some() => match at.checked_sub(1) {
            Some(before) => {
                let before = list.children().nth(before).ok_or(ChangeError::Lost)?;
                Ok(edit::move_item(item, before)?)
            }
            None => {
                let first = list.children().next().ok_or(ChangeError::Lost)?;
                let mut edits = edit::remove(&[item])?;
                edits.push(edit::insert_before(first, &item_text(item, list)?)?);
                Ok(edits)
            }
        },
        Some(list) => {
            let mut edits = edit::remove(&[item])?;
            edits.extend(edit::append(list, &item_text(item, list)?)?);
            Ok(edits)
        }
        None => new_list(source, item, to),
    }
}

/// An item's text for a list in block or flow style.
fn item_text(item: Node<'_>, list: Node<'_>) -> Result<String, ChangeError> {
    let text = edit::extract(item)?;
    let from_flow = item.parent().is_some_and(Node::is_bracketed);
    // An empty list in a block becomes a block.
    let in_flow = list.parent().is_some_and(Node::is_bracketed);
    let has_items = list.children().next().is_some();
    let to_flow = if has_items { list.is_bracketed() } else { in_flow };
    match (from_flow, to_flow) {
        (false, true) => Err(ChangeError::Form(
            "an item in block style can't be moved into [ ]",
        )),
        (true, false) => Ok(format!("- {}", text.replace('\n', "\n  "))),
        _ => Ok(text),
    }
}

/// The list `to` with the item as its only one, before the list that the item leaves.
fn new_list(source: Entry<'_>, item: Node<'_>, to: &str) -> Result<Vec<Edit>, ChangeError> {
    let list = source.written_value();
    let spelling = Spelling::of(source.key.parent().ok_or(ChangeError::Lost)?);
    let text = edit::extract(item)?;
    let key = spelling.key(to);
    let mut edits = edit::remove(&[item])?;
    let new = if list.is_bracketed() {
        format!("{key}: [{text}]")
    } else {
        let column = |offset: usize| {
            let before = list.stream().text().get(..offset).unwrap_or_default();
            offset - before.rfind(['\n', '\r']).map_or(0, |at| at + 1)
        };
        let indentation = column(list.span().start).saturating_sub(column(source.key.span().start));
        let indentation = " ".repeat(indentation);
        let lines: Vec<String> = text
            .split('\n')
            .map(|line| match line {
                "" => String::new(),
                line => format!("{indentation}{line}"),
            })
            .collect();
        format!("{key}:\n{}", lines.join("\n"))
    };
    edits.push(edit::insert_before(source.key, &new)?);
    Ok(edits)
}

/// A dash before a mapping whose lines go to the right, or brackets around one that has its own.
fn enlist(mapping: Node<'_>) -> Result<Vec<Edit>, ChangeError> {
    let span = mapping.span();
    if !mapping.is_mapping() || mapping.written_span() != span {
        return Err(ChangeError::Form(
            "what is to be an item of a list is no plain mapping",
        ));
    }
    if mapping.is_bracketed() {
        return Ok(vec![Edit::insert(span.start, "["), Edit::insert(span.end, "]")]);
    }
    let text = mapping.stream().text();
    let inner = text.get(span.clone()).unwrap_or_default();
    let begins_line = |at: &usize| {
        let rest = inner.get(*at..).unwrap_or_default();
        !rest.trim_start_matches(' ').is_empty() && !rest.starts_with(['\n', '\r'])
    };
    let lines = inner
        .match_indices('\n')
        .map(|(at, _)| at + 1)
        .filter(begins_line);
    let mut edits = vec![Edit::insert(span.start, "- ")];
    edits.extend(lines.map(|at| Edit::insert(span.start + at, "  ")));
    Ok(edits)
}
