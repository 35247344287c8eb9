//! The tree: an arena of nodes with byte spans, and views into it.

use std::{borrow::Cow, ops::Range};

/// Index of a node in its [`Stream`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub(super) u32);

/// How a scalar is written (YAML 1.2.2, chapters 7.3 and 8.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ScalarStyle {
    /// Without quotes.
    Plain,
    /// `'…'`
    SingleQuoted,
    /// `"…"`
    DoubleQuoted,
    /// `|` block
    Literal,
    /// `>` block
    Folded,
}

impl ScalarStyle {
    /// Whether the scalar is a block scalar (`|` or `>`).
    #[must_use]
    pub fn is_block(self) -> bool {
        matches!(self, Self::Literal | Self::Folded)
    }
}

/// What a node is.
#[derive(Debug, Clone)]
pub enum Kind<'t> {
    /// A scalar with its decoded value.
    Scalar {
        /// The decoded text.
        value: Cow<'t, str>,
        /// How it is written.
        style: ScalarStyle,
    },
    /// A sequence.
    Sequence {
        /// The items, in order.
        items: Vec<NodeId>,
        /// Written as `[…]`.
        flow: bool,
    },
    /// A mapping.
    Mapping {
        /// Keys and values, in order, as written (merge keys are not expanded).
        entries: Vec<(NodeId, NodeId)>,
        /// Written as `{…}`.
        flow: bool,
    },
    /// `*name`: stands for an earlier node of the same document.
    Alias(NodeId),
}

/// A node as it stands in the arena.
#[derive(Debug, Clone)]
pub(super) struct NodeData<'t> {
    pub(super) kind: Kind<'t>,
    pub(super) span: Range<u32>,
    pub(super) parent: Option<NodeId>,
    pub(super) anchored: bool,
    pub(super) tag: Option<Box<str>>,
}

/// One document of a stream.
#[derive(Debug, Clone)]
pub struct Document {
    /// The root node; absent where the document is empty.
    pub(super) root: Option<NodeId>,
    /// The bytes from its `---` (or the start of the text) to the next document.
    pub span: Range<usize>,
}

/// A parsed text: all its documents.
#[derive(Debug, Clone)]
pub struct Stream<'t> {
    pub(super) text: &'t str,
    pub(super) nodes: Vec<NodeData<'t>>,
    pub(super) documents: Vec<Document>,
}

impl<'t> Stream<'t> {
    /// The text that was parsed.
    #[must_use]
    pub fn text(&self) -> &'t str {
        self.text
    }

    /// The documents, in order; empty ones count, so that an index is the user's index.
    #[must_use]
    pub fn documents(&self) -> &[Document] {
        &self.documents
    }

    /// The root of document `index`.
    #[must_use]
    pub fn root(&'t self, index: usize) -> Option<Node<'t>> {
        let id = self.documents.get(index)?.root?;
        Some(Node { stream: self, id })
    }

    /// The roots of all documents with their indices; empty documents are left out.
    pub fn roots(&'t self) -> impl Iterator<Item = (usize, Node<'t>)> {
        self.documents.iter().enumerate().filter_map(|(index, document)| {
            Some((
                index,
                Node {
                    stream: self,
                    id: document.root?,
                },
            ))
        })
    }
}

/// Mappings merged by `<<` nest no deeper than this.
const MERGE_DEPTH: usize = 16;

/// A view of one node. Cheap to copy; aliases are resolved wherever a node is reached through another.
#[derive(Clone, Copy)]
pub struct Node<'t> {
    stream: &'t Stream<'t>,
    id: NodeId,
}

/// A key and its value in a mapping.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'t> {
    /// The key as written.
    pub key: Node<'t>,
    /// The value, aliases resolved.
    pub value: Node<'t>,
}

impl<'t> Node<'t> {
    fn data(self) -> Option<&'t NodeData<'t>> {
        self.stream.nodes.get(self.id.0 as usize)
    }

    fn at(self, id: NodeId) -> Self {
        Node {
            stream: self.stream,
            id,
        }
    }

    /// The node an alias stands for; any other node is itself.
    #[must_use]
    pub fn resolved(self) -> Self {
        match self.data().map(|data| &data.kind) {
            // An anchor is defined by a node that is not an alias itself, so one step is enough.
            Some(Kind::Alias(target)) => self.at(*target),
            _ => self,
        }
    }

    /// The identity of this node in its stream.
    #[must_use]
    pub fn id(self) -> NodeId {
        self.id
    }

    /// The stream this node belongs to.
    #[must_use]
    pub fn stream(self) -> &'t Stream<'t> {
        self.stream
    }

    /// What the node is, as written (an alias is an alias).
    #[must_use]
    pub fn kind(self) -> &'t Kind<'t> {
        const NOTHING: &Kind<'static> = &Kind::Scalar {
            value: Cow::Borrowed(""),
            style: ScalarStyle::Plain,
        };
        self.data().map_or(NOTHING, |data| &data.kind)
    }

    /// The bytes of the text this node was written with: for a block collection from its first key or dash
    /// to the end of its last leaf, for a block scalar its content lines without the header.
    #[must_use]
    pub fn span(self) -> Range<usize> {
        self.data()
            .map_or(0..0, |data| data.span.start as usize..data.span.end as usize)
    }

    /// The bytes as written.
    #[must_use]
    pub fn raw(self) -> &'t str {
        self.stream.text.get(self.span()).unwrap_or_default()
    }

    /// The collection this node is a key, value or item of, as written.
    #[must_use]
    pub fn parent(self) -> Option<Self> {
        self.data()?.parent.map(|id| self.at(id))
    }

    /// Whether an anchor (`&name`) is defined here.
    #[must_use]
    pub fn is_anchored(self) -> bool {
        self.data().is_some_and(|data| data.anchored)
    }

    /// The tag as written, if any.
    #[must_use]
    pub fn tag(self) -> Option<&'t str> {
        self.data()?.tag.as_deref()
    }

    /// How a scalar is written.
    #[must_use]
    pub fn style(self) -> Option<ScalarStyle> {
        match self.kind() {
            Kind::Scalar { style, .. } => Some(*style),
            _ => None,
        }
    }

    /// The text of a scalar that is not null, whatever its type.
    #[must_use]
    pub fn as_str(self) -> Option<&'t str> {
        match self.resolved().kind() {
            Kind::Scalar { value, .. } if !self.is_null() => Some(value),
            _ => None,
        }
    }

    /// Whether the node is a plain null (`null`, `~` or nothing).
    #[must_use]
    pub fn is_null(self) -> bool {
        match self.resolved().kind() {
            Kind::Scalar {
                value,
                style: ScalarStyle::Plain,
            } => {
                matches!(value.as_ref(), "" | "~" | "null" | "Null" | "NULL")
            }
            _ => false,
        }
    }

    /// A boolean, as YAML 1.1 readers (kubectl) and 1.2 readers agree to read it.
    #[must_use]
    pub fn as_bool(self) -> Option<bool> {
        match self.resolved().kind() {
            Kind::Scalar {
                value,
                style: ScalarStyle::Plain,
            } => match value.as_ref() {
                "true" | "True" | "TRUE" => Some(true),
                "false" | "False" | "FALSE" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    /// A decimal integer.
    #[must_use]
    pub fn as_i64(self) -> Option<i64> {
        match self.resolved().kind() {
            Kind::Scalar {
                value,
                style: ScalarStyle::Plain,
            } => value.parse().ok(),
            _ => None,
        }
    }

    /// The items of a sequence, aliases resolved; nothing for any other node.
    pub fn items(self) -> impl Iterator<Item = Node<'t>> {
        let items: &'t [NodeId] = match self.resolved().kind() {
            Kind::Sequence { items, .. } => items,
            _ => &[],
        };
        items.iter().map(move |id| self.at(*id).resolved())
    }

    /// Whether this is a sequence.
    #[must_use]
    pub fn is_sequence(self) -> bool {
        matches!(self.resolved().kind(), Kind::Sequence { .. })
    }

    /// Whether this is a mapping.
    #[must_use]
    pub fn is_mapping(self) -> bool {
        matches!(self.resolved().kind(), Kind::Mapping { .. })
    }

    /// The entries of a mapping in written order, those merged by `<<` after its own; nothing for any other
    /// node. A key that stands twice is listed twice.
    #[must_use]
    pub fn entries(self) -> Vec<Entry<'t>> {
        let mut entries = Vec::new();
        self.collect_entries(MERGE_DEPTH, &mut entries);
        entries
    }

    fn collect_entries(self, depth: usize, into: &mut Vec<Entry<'t>>) {
        let Kind::Mapping { entries, .. } = self.resolved().kind() else {
            return;
        };
        let mut merged = Vec::new();
        for (key, value) in entries {
            let entry = Entry {
                key: self.at(*key),
                value: self.at(*value).resolved(),
            };
            if entry.key.is_merge_key() {
                merged.push(entry.value);
            } else {
                into.push(entry);
            }
        }
        if depth == 0 {
            return;
        }
        for node in merged {
            if node.is_sequence() {
                node.items()
                    .for_each(|item| item.collect_entries(depth - 1, into));
            } else {
                node.collect_entries(depth - 1, into);
            }
        }
    }

    fn is_merge_key(self) -> bool {
        matches!(self.kind(), Kind::Scalar { value, style: ScalarStyle::Plain } if value == "<<")
    }

    /// The entry of `key` in a mapping: its own before a merged one.
    #[must_use]
    pub fn entry(self, key: &str) -> Option<Entry<'t>> {
        self.find_entry(key, MERGE_DEPTH)
    }

    fn find_entry(self, key: &str, depth: usize) -> Option<Entry<'t>> {
        let Kind::Mapping { entries, .. } = self.resolved().kind() else {
            return None;
        };
        let own = entries.iter().find_map(|(name, value)| {
            let name = self.at(*name);
            matches!(name.kind(), Kind::Scalar { value, .. } if value == key).then(|| Entry {
                key: name,
                value: self.at(*value).resolved(),
            })
        });
        if own.is_some() || depth == 0 {
            return own;
        }
        entries
            .iter()
            .filter(|(name, _)| self.at(*name).is_merge_key())
            .find_map(|(_, value)| {
                let merged = self.at(*value).resolved();
                if merged.is_sequence() {
                    merged.items().find_map(|item| item.find_entry(key, depth - 1))
                } else {
                    merged.find_entry(key, depth - 1)
                }
            })
    }

    /// The value of `key` in a mapping, aliases resolved.
    #[must_use]
    pub fn get(self, key: &str) -> Option<Node<'t>> {
        self.entry(key).map(|entry| entry.value)
    }

    /// The value found by following `keys` through nested mappings.
    #[must_use]
    pub fn path(self, keys: &[&str]) -> Option<Node<'t>> {
        keys.iter().try_fold(self, |node, key| node.get(key))
    }
}

impl PartialEq for Node<'_> {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(
            std::ptr::from_ref(self.stream).cast::<()>(),
            std::ptr::from_ref(other.stream).cast(),
        ) && self.id == other.id
    }
}

impl std::fmt::Debug for Node<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Node({}, {:?})", self.id.0, self.raw())
    }
}
