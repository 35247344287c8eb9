//! Where a node stands in its stream, so that it is found again once the text was edited.

use crate::yaml::{Kind, Node, Stream, Value};

/// What stands behind an anchor belongs to several places at once.
pub(crate) const SHARED: &str =
    "it is written with an anchor or alias, so that a change would reach other places too";

/// A key is not guessed at.
pub(crate) const TWICE: &str = "a key on the way to it stands twice in its mapping";

/// One step from a collection to what it holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// The value of a key.
    Key(String),
    /// An item of a sequence.
    Index(usize),
}

/// The way from a document's root to a node, through nothing but what is written there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Index of the document in its stream.
    pub document: usize,
    /// The steps from the root.
    pub steps: Vec<Step>,
}

impl Place {
    /// The place of a node; nothing where it is reached through an alias, because a change there would change
    /// every place that uses it, or through a key that its mapping has twice.
    #[must_use]
    pub fn of(node: Node<'_>) -> Option<Self> {
        let mut steps = Vec::new();
        let mut at = node;
        if at.is_aliased() || at.is_alias() {
            return None;
        }
        while let Some(parent) = at.parent() {
            if parent.is_aliased() {
                return None;
            }
            let mut before = None;
            let mut children = parent.children().enumerate();
            let index = loop {
                let (index, child) = children.next()?;
                if child == at {
                    break index;
                }
                before = Some(child);
            };
            steps.push(match parent.kind() {
                Kind::Sequence { .. } => Step::Index(index),
                Kind::Mapping { .. } => {
                    let key = before?;
                    if stands_twice(key, parent) {
                        return None;
                    }
                    Step::Key(key.as_str()?.to_owned())
                }
                _ => return None,
            });
            at = parent;
        }
        steps.reverse();
        let stream = node.stream();
        let document = stream
            .roots()
            .find(|(_, root)| *root == at)
            .map(|(document, _)| document)?;
        Some(Self { document, steps })
    }

    /// Whether a key on the way to a node stands twice in its mapping.
    pub(crate) fn is_ambiguous(node: Node<'_>) -> bool {
        let mut at = node;
        while let Some(parent) = at.parent() {
            let entry = parent.written_entries().find(|entry| entry.written_value() == at);
            if entry.is_some_and(|entry| stands_twice(entry.key, parent)) {
                return true;
            }
            at = parent;
        }
        false
    }

    /// The place behind a further key.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        self.with(Step::Key(key.to_owned()))
    }

    /// The place of an item.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        self.with(Step::Index(index))
    }

    fn with(&self, step: Step) -> Self {
        let mut steps = self.steps.clone();
        steps.push(step);
        Self {
            document: self.document,
            steps,
        }
    }

    /// The collection that holds this place, and the last step to it.
    #[must_use]
    pub fn split(&self) -> Option<(Self, &Step)> {
        let (last, steps) = self.steps.split_last()?;
        Some((
            Self {
                document: self.document,
                steps: steps.to_vec(),
            },
            last,
        ))
    }

    /// The node at this place, as written.
    #[must_use]
    pub fn node<'t>(&self, stream: &'t Stream<'t>) -> Option<Node<'t>> {
        self.steps
            .iter()
            .try_fold(stream.root(self.document)?, |node, step| match step {
                Step::Key(key) => node
                    .written_entries()
                    .find(|entry| entry.key.as_str() == Some(key))
                    .map(|entry| entry.written_value()),
                Step::Index(index) => node.children().nth(*index),
            })
    }

    /// The value at this place.
    pub fn value<'v>(&self, documents: &'v mut [Option<Value>]) -> Option<&'v mut Value> {
        let root = documents.get_mut(self.document)?.as_mut()?;
        self.steps.iter().try_fold(root, |value, step| match step {
            Step::Key(key) => value.get_mut(key),
            Step::Index(index) => value.items_mut()?.get_mut(*index),
        })
    }
}

/// Whether a mapping has a key twice. Readers disagree on which of the two counts.
pub(crate) fn stands_twice(key: Node<'_>, mapping: Node<'_>) -> bool {
    mapping
        .written_entries()
        .any(|entry| entry.key != key && entry.key.as_str() == key.as_str())
}

/// The place of a node that is to be changed.
pub(crate) fn place(node: Node<'_>) -> Result<Place, String> {
    Place::of(node).ok_or_else(|| {
        match Place::is_ambiguous(node) {
            true => TWICE,
            false => SHARED,
        }
        .to_owned()
    })
}

/// Whether an alias somewhere else stands for a node, or for something in it.
pub(crate) fn is_used_elsewhere(node: Node<'_>) -> bool {
    let aliased: Vec<_> = node
        .walk()
        .filter(|part| part.is_aliased())
        .map(Node::id)
        .collect();
    let span = node.written_span();
    !aliased.is_empty()
        && node
            .stream()
            .roots()
            .flat_map(|(_, root)| root.walk())
            .any(|other| {
                let is_inside = span.contains(&other.written_span().start);
                matches!(other.kind(), Kind::Alias(target) if !is_inside && aliased.contains(&target))
            })
}
