//! Views of the tree's nodes.

use std::ops::Range;

use super::lex::Lexer;
use super::tree::{Content, Kind, NO_PARENT, NodeData, NodeId, ScalarStyle, Shape, Stream};

/// A view of one node. Cheap to copy; aliases are resolved wherever a node is reached through another, unless
/// the method says that it gives nodes as written.
///
/// Aliases are references into the same tree and nothing is ever expanded, but a chain of `get`s or `items`
/// through aliases may go in circles (`&a [*a]`) or reach a node on very many ways. To visit everything, use
/// [`Node::walk`], which meets each written node once.
#[derive(Clone, Copy)]
pub struct Node<'t> {
    stream: &'t Stream<'t>,
    id: NodeId,
}

impl<'t> Node<'t> {
    pub(super) fn new(stream: &'t Stream<'t>, id: NodeId) -> Self {
        Self { stream, id }
    }

    pub(super) fn data(self) -> Option<&'t NodeData> {
        self.stream.nodes.get(self.id.0 as usize)
    }

    fn at(self, id: NodeId) -> Self {
        Self::new(self.stream, id)
    }

    /// The node an alias stands for; any other node is itself.
    #[must_use]
    pub fn resolved(self) -> Self {
        match self.data().map(|data| data.content) {
            // An anchor is defined by a node that is not an alias itself, so one step is enough.
            Some(Content::Alias(target)) => self.at(target),
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
    pub fn kind(self) -> Kind<'t> {
        match self.data().map(|data| data.content) {
            Some(Content::Verbatim(style)) => Kind::Scalar {
                value: self.verbatim(style),
                style,
            },
            Some(Content::Decoded(style, index)) => Kind::Scalar {
                value: self.stream.values.get(index as usize).map_or("", String::as_str),
                style,
            },
            Some(Content::Sequence(shape)) => Kind::Sequence {
                flow: shape != Shape::Block,
            },
            Some(Content::Mapping(shape)) => Kind::Mapping {
                flow: shape != Shape::Block,
            },
            Some(Content::Alias(target)) => Kind::Alias(target),
            None => Kind::Scalar {
                value: "",
                style: ScalarStyle::Plain,
            },
        }
    }

    /// The bytes that spell a scalar's value.
    #[inline]
    pub(super) fn verbatim(self, style: ScalarStyle) -> &'t str {
        self.stream
            .text
            .get(style.unquoted(self.span()))
            .unwrap_or_default()
    }

    /// The bytes of the text that hold the node's content, without its properties (`&anchor`, `!tag`):
    ///
    /// * a plain scalar from its first to its last character; quoted scalars and flow collections with their
    ///   quotes and brackets;
    /// * a block scalar from the first character of its first content line (behind the indentation) to the end
    ///   of its last content line, without the header, the line break there and blank lines around;
    /// * a block collection from its first key (with that key's properties) or its first dash to the end of
    ///   its last leaf;
    /// * nothing (an empty null), as an empty range behind the `:`, `-`, `?` or property that it follows.
    ///
    /// A node's span lies in its parent's [`written_span`](Node::written_span).
    #[must_use]
    pub fn span(self) -> Range<usize> {
        self.data()
            .map_or(0..0, |data| data.start as usize..data.end as usize)
    }

    /// [`span`](Node::span) with what stands before it and belongs to it: properties and the header of a
    /// block scalar.
    #[must_use]
    pub fn written_span(self) -> Range<usize> {
        self.data()
            .map_or(0..0, |data| data.written as usize..data.end as usize)
    }

    /// Where the node starts behind its properties: for a block scalar at its header, else as its span.
    pub(super) fn content_start(self) -> usize {
        let Some(data) = self.data() else { return 0 };
        let written = data.written as usize;
        if !self.style().is_some_and(ScalarStyle::is_block) {
            return data.start as usize;
        }
        let lexer = Lexer::new(self.stream.text);
        let properties = usize::from(data.anchored) + usize::from(data.tagged);
        lexer.skip_gap(lexer.properties_end(written, properties))
    }

    /// The bytes of [`span`](Node::span) as written.
    #[must_use]
    pub fn raw(self) -> &'t str {
        self.stream.text.get(self.span()).unwrap_or_default()
    }

    /// The collection this node is a key, value or item of, as written.
    #[must_use]
    pub fn parent(self) -> Option<Self> {
        let parent = self.data()?.parent;
        (parent != NO_PARENT).then(|| self.at(NodeId(parent)))
    }

    /// Whether an anchor (`&name`) is defined here.
    #[must_use]
    pub fn is_anchored(self) -> bool {
        self.data().is_some_and(|data| data.anchored)
    }

    /// Whether an alias (`*name`) stands for this node, so that a change here is one in several places.
    #[must_use]
    pub fn is_aliased(self) -> bool {
        self.data().is_some_and(|data| data.aliased)
    }

    /// The tag in full, if any: `!local`, and `tag:yaml.org,2002:str` for `!!str`.
    #[must_use]
    pub fn tag(self) -> Option<&'t str> {
        if !self.data()?.tagged {
            return None;
        }
        let tags = &self.stream.tags;
        let index = tags.binary_search_by_key(&self.id, |(id, _)| *id).ok()?;
        tags.get(index).map(|(_, tag)| tag.as_ref())
    }

    /// Whether this is an alias (`*name`).
    #[must_use]
    pub fn is_alias(self) -> bool {
        matches!(self.data().map(|data| data.content), Some(Content::Alias(_)))
    }

    /// Whether this is a collection in brackets or braces (as written; not the bare pair of `[a: b]`).
    #[must_use]
    pub fn is_bracketed(self) -> bool {
        matches!(
            self.data().map(|data| data.content),
            Some(Content::Sequence(Shape::Flow) | Content::Mapping(Shape::Flow))
        )
    }

    /// How a scalar is written.
    #[must_use]
    pub fn style(self) -> Option<ScalarStyle> {
        match self.kind() {
            Kind::Scalar { style, .. } => Some(style),
            _ => None,
        }
    }

    /// The text of a scalar that is not null, whatever its type.
    #[must_use]
    pub fn as_str(self) -> Option<&'t str> {
        let node = self.resolved();
        match node.kind() {
            Kind::Scalar {
                value,
                style: ScalarStyle::Plain,
            } if is_null_text(value) && !node.data().is_some_and(|data| data.tagged) => None,
            Kind::Scalar { value, .. } => Some(value),
            _ => None,
        }
    }

    /// The text of a plain scalar without a tag: one whose type its text decides.
    fn plain(self) -> Option<&'t str> {
        let node = self.resolved();
        match node.kind() {
            Kind::Scalar {
                value,
                style: ScalarStyle::Plain,
            } if !node.data().is_some_and(|data| data.tagged) => Some(value),
            _ => None,
        }
    }

    /// Whether the node is a plain null (`null`, `~` or nothing).
    #[must_use]
    pub fn is_null(self) -> bool {
        self.plain().is_some_and(is_null_text)
    }

    /// A boolean, as kubectl reads it: YAML 1.1 has `yes`, `on` and `y` too.
    #[must_use]
    pub fn as_bool(self) -> Option<bool> {
        match self.plain()? {
            "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "y" | "Y" => Some(true),
            "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" | "n" | "N" => {
                Some(false)
            }
            _ => None,
        }
    }

    /// A decimal integer. A text with leading zeros is none: YAML 1.1 readers take it as octal.
    #[must_use]
    pub fn as_i64(self) -> Option<i64> {
        let text = self.plain()?;
        let digits = text.trim_start_matches(['+', '-']);
        if digits.len() > 1 && digits.starts_with('0') {
            return None;
        }
        text.parse().ok()
    }

    /// The items of a sequence, aliases resolved; nothing for any other node.
    pub fn items(self) -> impl Iterator<Item = Node<'t>> {
        let node = self.resolved();
        let children = if node.is_sequence() {
            node.children()
        } else {
            node.no_children()
        };
        children.map(Node::resolved)
    }

    /// The nodes directly in this one, as written: items, or keys and values in turn; nothing for a scalar or
    /// an alias.
    #[must_use]
    pub fn children(self) -> Children<'t> {
        Children {
            stream: self.stream,
            next: self.id.0.saturating_add(1),
            end: self.data().map_or(0, |data| data.next),
        }
    }

    pub(super) fn no_children(self) -> Children<'t> {
        Children {
            stream: self.stream,
            next: 0,
            end: 0,
        }
    }

    /// The next node in the same collection, as written: of a key it is its value.
    #[must_use]
    pub fn next_sibling(self) -> Option<Self> {
        let end = self.parent()?.data()?.next;
        let next = self.data()?.next;
        (next < end).then(|| self.at(NodeId(next)))
    }

    /// This node and all that is written in it, in written order. Aliases are given as such and not followed,
    /// so each written node comes once.
    pub fn walk(self) -> impl Iterator<Item = Node<'t>> {
        let end = self.data().map_or(self.id.0, |data| data.next);
        (self.id.0..end).map(move |id| self.at(NodeId(id)))
    }

    /// Whether this is a sequence.
    #[must_use]
    pub fn is_sequence(self) -> bool {
        matches!(
            self.resolved().data().map(|data| data.content),
            Some(Content::Sequence(_))
        )
    }

    /// Whether this is a mapping.
    #[must_use]
    pub fn is_mapping(self) -> bool {
        matches!(
            self.resolved().data().map(|data| data.content),
            Some(Content::Mapping(_))
        )
    }

    /// The value found by following `keys` through nested mappings.
    #[must_use]
    pub fn path(self, keys: &[&str]) -> Option<Node<'t>> {
        keys.iter().try_fold(self, |node, key| node.get(key))
    }
}

/// Whether a plain scalar of this text is a null.
fn is_null_text(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

/// The nodes directly in another, as written (see [`Node::children`]).
#[derive(Clone)]
pub struct Children<'t> {
    stream: &'t Stream<'t>,
    next: u32,
    end: u32,
}

impl<'t> Iterator for Children<'t> {
    type Item = Node<'t>;

    fn next(&mut self) -> Option<Node<'t>> {
        if self.next >= self.end {
            return None;
        }
        let node = Node::new(self.stream, NodeId(self.next));
        self.next = node.data()?.next;
        Some(node)
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
