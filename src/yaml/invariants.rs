//! What must hold for every tree, whatever the text; for tests and the fuzzer.

use super::{Node, ScalarMap, Stream};

/// Checks a stream.
///
/// # Errors
/// The first invariant that is broken.
pub fn check(stream: &Stream<'_>) -> Result<(), String> {
    check_documents(stream)?;
    let mut seen = 0;
    for (index, root) in stream.roots() {
        let document = stream
            .documents()
            .get(index)
            .map(|document| document.span.clone());
        let span = root.written_span();
        let inside = document.is_some_and(|outer| outer.start <= span.start && span.end <= outer.end);
        ensure(inside, || {
            format!("root {root:?} {span:?} lies outside of document {index}")
        })?;
        for node in root.walk() {
            seen += 1;
            check_node(node)?;
        }
    }
    ensure(seen == stream.node_count(), || {
        format!("{seen} of {} nodes can be reached", stream.node_count())
    })
}

fn ensure(holds: bool, message: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(message()) }
}

fn check_documents(stream: &Stream<'_>) -> Result<(), String> {
    let mut end = 0;
    for document in stream.documents() {
        ensure(document.span.start == end && document.span.end >= end, || {
            format!("document {:?} does not follow {end}", document.span)
        })?;
        end = document.span.end;
    }
    ensure(
        stream.documents().is_empty() || end == stream.text().len(),
        || format!("the documents end at {end}"),
    )
}

fn check_node(node: Node<'_>) -> Result<(), String> {
    let (written, span) = (node.written_span(), node.span());
    let text = node.stream().text();
    ensure(
        written.start <= span.start && written.end == span.end && text.get(written.clone()).is_some(),
        || format!("{node:?} has the spans {written:?} and {span:?}"),
    )?;
    ensure(text.get(span.clone()).is_some(), || {
        format!("{node:?} cuts a character: {span:?}")
    })?;
    if let Some(parent) = node.parent() {
        let outer = parent.span();
        ensure(outer.start <= written.start && written.end <= outer.end, || {
            format!("{node:?} {written:?} lies outside of {parent:?} {outer:?}")
        })?;
    }
    if let Some(next) = node.next_sibling() {
        ensure(written.end <= next.written_span().start, || {
            format!("{node:?} {written:?} overlaps {next:?}")
        })?;
    }
    let children = node.children().count();
    ensure(
        !matches!(node.kind(), super::Kind::Mapping { .. }) || children.is_multiple_of(2),
        || format!("{node:?} has a key without value"),
    )?;
    if children == 0 && !node.is_alias() {
        check_map(node)?;
    }
    Ok(())
}

fn check_map(node: Node<'_>) -> Result<(), String> {
    let super::Kind::Scalar { value, .. } = node.kind() else {
        return Ok(());
    };
    let map = ScalarMap::new(node);
    let text = node.stream().text();
    let mut last = 0;
    for (at, character) in value.char_indices() {
        let raw = map.raw_range(at..at + character.len_utf8());
        ensure(text.get(raw.clone()).is_some() && raw.start >= last, || {
            format!("{node:?} maps {at} to {raw:?} after {last}")
        })?;
        if map.is_exact() {
            last = raw.end;
            if raw.len() == character.len_utf8() && !character.is_whitespace() {
                ensure(
                    text.get(raw.clone()) == value.get(at..at + character.len_utf8()),
                    || format!("{node:?} maps {character:?} to other text at {raw:?}"),
                )?;
            }
        }
    }
    Ok(())
}
