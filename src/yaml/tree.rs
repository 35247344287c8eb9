//! The tree: an arena of nodes with byte spans.
//!
//! Nodes stand in the arena in written order, and each knows where its last descendant ends. So children need
//! no lists of their own: the first child follows its parent, the next sibling follows the subtree.

use std::ops::Range;

use super::node::Node;

/// Index of a node in its [`Stream`]. Ids grow in written order.
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

    /// The part of a scalar's span without its quotes.
    pub(super) fn unquoted(self, span: Range<usize>) -> Range<usize> {
        match self {
            Self::SingleQuoted | Self::DoubleQuoted => span.start + 1..span.end.saturating_sub(1),
            _ => span,
        }
    }
}

/// What a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind<'t> {
    /// A scalar with its decoded value.
    Scalar {
        /// The decoded text.
        value: &'t str,
        /// How it is written.
        style: ScalarStyle,
    },
    /// A sequence; [`Node::items`] and [`Node::children`] give its items.
    Sequence {
        /// Written as `[…]`.
        flow: bool,
    },
    /// A mapping; [`Node::entries`] and [`Node::written_entries`] give its entries.
    Mapping {
        /// Written as `{…}`, or without braces as the only pair of an item in `[…]`.
        flow: bool,
    },
    /// `*name`: stands for an earlier node of the same document, or for one it stands in.
    Alias(NodeId),
}

/// How a collection is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// By indentation.
    Block,
    /// In brackets or braces.
    Flow,
    /// `[key: value]`: a mapping in a flow sequence that needs no braces.
    Pair,
}

/// What a node holds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Content {
    /// A scalar whose value is spelled by the bytes of its span, without its quotes.
    Verbatim(ScalarStyle),
    /// A scalar with the value of this index in [`Stream::values`].
    Decoded(ScalarStyle, u32),
    Sequence(Shape),
    Mapping(Shape),
    Alias(NodeId),
}

/// The parent of a root.
pub(super) const NO_PARENT: u32 = u32::MAX;

/// A node as it stands in the arena. Small, because writing them is most of what the tree costs.
#[derive(Debug, Clone)]
pub(super) struct NodeData {
    pub(super) content: Content,
    /// The first byte that is the node's own: its first property, its block header, its content.
    pub(super) written: u32,
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) parent: u32,
    /// The id behind the last descendant's.
    pub(super) next: u32,
    pub(super) anchored: bool,
    pub(super) tagged: bool,
    /// An alias stands for it.
    pub(super) aliased: bool,
    /// A mapping in which a key stands twice, or that has a merge key: not each of its entries counts.
    pub(super) irregular: bool,
}

/// One document of a stream.
#[derive(Debug, Clone)]
pub struct Document {
    /// The root node; absent where the document is empty.
    pub(super) root: Option<NodeId>,
    /// The bytes of the document. The spans of a stream's documents follow one another without gaps: the
    /// first starts with the text, each other one with its `---`, or with its directives or content where
    /// the one before was closed by `...`.
    pub span: Range<usize>,
}

/// A parsed text: all its documents.
#[derive(Debug, Clone)]
pub struct Stream<'t> {
    pub(super) text: &'t str,
    pub(super) nodes: Vec<NodeData>,
    /// The values of scalars that are not written verbatim.
    pub(super) values: Vec<String>,
    pub(super) documents: Vec<Document>,
    /// The tags of the nodes that have one, ordered by node.
    pub(super) tags: Vec<(NodeId, Box<str>)>,
    /// The mappings of which not each written entry counts, in written order.
    pub(super) irregular: Vec<NodeId>,
    /// Whether the text was read as JSON.
    pub(super) json: bool,
}

impl<'t> Stream<'t> {
    /// The text that was parsed.
    #[must_use]
    pub fn text(&self) -> &'t str {
        self.text
    }

    /// Whether the text is JSON, which kubectl reads as such.
    pub(super) fn is_json(&self) -> bool {
        self.json
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
        Some(Node::new(self, id))
    }

    /// The roots of all documents with their indices; empty documents are left out.
    pub fn roots(&'t self) -> impl Iterator<Item = (usize, Node<'t>)> {
        self.documents
            .iter()
            .enumerate()
            .filter_map(|(index, document)| Some((index, Node::new(self, document.root?))))
    }

    /// Whether a mapping has a merge key, or a key that stands twice, so that not each written entry counts.
    #[must_use]
    pub fn has_irregular_mappings(&self) -> bool {
        !self.irregular.is_empty()
    }

    /// How many nodes were written in all documents, keys included.
    #[must_use]
    pub fn node_count(&self) -> usize {
        self.nodes.len()
    }

    /// The node of an id that came from this stream.
    #[must_use]
    pub fn node(&'t self, id: NodeId) -> Option<Node<'t>> {
        self.nodes.get(id.0 as usize).map(|_| Node::new(self, id))
    }
}
