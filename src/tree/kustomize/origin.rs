//! From bytes of a rendering to the piece that wrote them.

use std::ops::Range;

use super::{
    generator::{Datum, datum},
    hash::without_hash,
    layers::{Form, Layered, Piece, Unit, text_of},
    leg::{Leg, legs_to, node_at},
};
use crate::{
    edit,
    tree::{Files, Place},
    yaml::{self, Node, ScalarMap, Stream},
};

/// Where bytes of a rendering come from.
pub(super) fn of(files: &Files, objects: &[Layered], text: &str, span: &Range<usize>) -> Option<Place> {
    let stream = yaml::parse(text).ok()?;
    let holds = |node: Node<'_>| {
        let own = node.written_span();
        own.start <= span.start && span.end <= own.end
    };
    let (_, root) = stream.roots().find(|(document, _)| {
        stream
            .documents()
            .get(*document)
            .is_some_and(|document| document.span.contains(&span.start))
    })?;
    let object = objects.get(index_of(objects, root)?)?;
    let node = root.walk().filter(|node| holds(*node)).last().unwrap_or(root);
    let entry = node
        .written_entries()
        .find(|entry| entry.key.span().start == span.start && entry.written_value().span().end == span.end);
    let node = entry.map_or(node, |entry| entry.written_value());
    let mut legs = legs_to(root, node)?;
    let mut wanted = match entry {
        Some(_) => Wanted::Entry,
        None if is_key(node) => Wanted::Key,
        None => part(node, span).map_or(Wanted::Node, Wanted::Part),
    };
    loop {
        let found = pieces_for(object, &legs, node)
            .into_iter()
            .find_map(|piece| place_in(files, piece, &legs, &wanted));
        if found.is_some() {
            return found;
        }
        wanted = Wanted::Key;
        legs.pop()?;
    }
}

/// The place of the object that begins around a byte of a rendering.
pub(super) fn whole(files: &Files, objects: &[Layered], text: &str, offset: usize) -> Option<Place> {
    let stream = yaml::parse(text).ok()?;
    let (_, root) = stream.roots().find(|(document, _)| {
        let documents = stream.documents();
        documents
            .get(*document)
            .is_some_and(|document| document.span.contains(&offset))
    })?;
    let object = objects.get(index_of(objects, root)?)?;
    place_in(files, object.pieces.first()?, &[], &Wanted::Key)
}

/// The object of a rendering among those that the kustomizations tell.
pub(super) fn index_of(objects: &[Layered], root: Node<'_>) -> Option<usize> {
    let text = |keys: &[&str]| root.path(keys).and_then(Node::as_str);
    let (kind, name) = (text(&["kind"])?, text(&["metadata", "name"])?);
    let namespace = text(&["metadata", "namespace"]);
    let generated = without_hash(name).filter(|_| kind == "ConfigMap");
    let is = |object: &Layered| {
        object.kind == kind
            && (object.name() == name || (object.is_generated() && Some(object.name()) == generated))
    };
    let in_namespace = objects
        .iter()
        .position(|object| is(object) && object.namespace.as_deref() == namespace);
    let named = in_namespace.or_else(|| objects.iter().position(is));
    named.or_else(|| only_one(objects, kind, name))
}

/// The only object whose name may have become this one by what is not read here, such as a transformer of its own.
fn only_one(objects: &[Layered], kind: &str, name: &str) -> Option<usize> {
    let may_be = |object: &Layered| object.kind == kind && name.contains(object.name());
    let mut found = objects.iter().enumerate().filter(|(_, object)| may_be(object));
    let (index, _) = found.next()?;
    found.next().is_none().then_some(index)
}

/// What is wanted of a node.
enum Wanted {
    /// Its key.
    Key,
    /// Its key and what it holds.
    Entry,
    /// All that it holds.
    Node,
    /// Bytes of its decoded text.
    Part(Range<usize>),
}

fn is_key(node: Node<'_>) -> bool {
    node.parent()
        .is_some_and(|parent| parent.written_entries().any(|entry| entry.key == node))
}

/// The part of a scalar's text that bytes stand for; nothing where it is all of it.
fn part(node: Node<'_>, span: &Range<usize>) -> Option<Range<usize>> {
    node.style()?;
    if node.span() == *span {
        return None;
    }
    let map = ScalarMap::new(node);
    let start = map.decoded_offset(span.start)?;
    let end = map.decoded_offset(span.end).unwrap_or(start);
    Some(start..end.max(start))
}

/// The pieces in the order in which they are asked: of a value the last one counts, and a container stands where it is
/// declared first.
fn pieces_for<'o>(object: &'o Layered, legs: &[Leg], node: Node<'_>) -> Vec<&'o Piece> {
    let identifies = matches!(legs, [.., Leg::Item { key, .. }, Leg::Key(last)] if key == last);
    let declares = identifies || legs.is_empty() || (node.is_mapping() && !is_key(node));
    match declares {
        true => object.pieces.iter().collect(),
        false => object.pieces.iter().rev().collect(),
    }
}

/// The place of a field in one piece.
fn place_in(files: &Files, piece: &Piece, legs: &[Leg], wanted: &Wanted) -> Option<Place> {
    let text = text_of(files, &piece.unit)?;
    let stream = yaml::parse(&text).ok()?;
    if let Form::Generator(place) = &piece.form {
        return generated(files, &stream, place, &piece.unit, legs, wanted);
    }
    let node = piece.node(&stream, legs)?;
    let span = span_of(node, wanted, 0);
    in_file(files, &piece.unit, span)
}

/// The bytes of a node that are wanted. `before` bytes of its decoded text are not part of what is told.
fn span_of(node: Node<'_>, wanted: &Wanted, before: usize) -> Range<usize> {
    let key = node.parent().and_then(|parent| {
        parent
            .written_entries()
            .find(|entry| entry.written_value() == node)
    });
    match (wanted, key) {
        (Wanted::Key, Some(entry)) => entry.key.span(),
        (Wanted::Entry, Some(entry)) => entry.key.span().start..node.span().end,
        (Wanted::Part(part), _) if node.style().is_some() => {
            ScalarMap::new(node).raw_range(part.start + before..part.end + before)
        }
        _ => node.span(),
    }
}

/// The place in a file of bytes of a unit's text.
fn in_file(files: &Files, unit: &Unit, span: Range<usize>) -> Option<Place> {
    let span = match &unit.inline {
        None => span,
        Some(place) => {
            let text = files.text(&unit.path)?;
            let stream = yaml::parse(text).ok()?;
            ScalarMap::new(place.node(&stream)?).raw_range(span)
        }
    };
    Some(Place {
        path: unit.path.clone(),
        span,
    })
}

/// The place of what a generator puts behind a key.
fn generated(
    files: &Files,
    stream: &Stream<'_>,
    generator: &edit::Place,
    unit: &Unit,
    legs: &[Leg],
    wanted: &Wanted,
) -> Option<Place> {
    let [Leg::Key(data), Leg::Key(key)] = legs else {
        return legs.is_empty().then(|| {
            let node = generator.node(stream)?;
            in_file(files, unit, node.span())
        })?;
    };
    if data != "data" {
        return None;
    }
    match datum(stream, generator, &unit.path, key)? {
        Datum::File(path) => {
            let length = files.text(&path)?.len();
            let part = match wanted {
                Wanted::Part(part) => part.clone(),
                _ => 0..length,
            };
            Some(Place {
                path,
                span: part.start.min(length)..part.end.min(length),
            })
        }
        Datum::Literal { place, prefix } => {
            let node = place.node(stream)?;
            in_file(files, unit, span_of(node, wanted, prefix))
        }
    }
}

impl Layered {
    pub(super) fn is_generated(&self) -> bool {
        matches!(
            self.pieces.first().map(|piece| &piece.form),
            Some(Form::Generator(_))
        )
    }
}

impl Piece {
    /// The node that this piece has for a field.
    pub(super) fn node<'t>(&self, stream: &'t Stream<'t>, legs: &[Leg]) -> Option<Node<'t>> {
        match &self.form {
            Form::Object(place) => node_at(place.node(stream)?, legs),
            Form::Operations(operations) => operations.iter().rev().find_map(|operation| {
                let rest = legs.strip_prefix(operation.legs.as_deref()?)?;
                node_at(operation.place.node(stream)?.get("value")?, rest)
            }),
            Form::Generator(_) => None,
        }
    }
}
