//! Puts nodes into the arena; shared by the readers of YAML and JSON.

use std::{borrow::Cow, collections::HashSet, ops::Range};

use super::{
    error::ParseError,
    limits::{MAX_DEPTH, MAX_NODES, too_deep, too_many_values},
    tree::{Content, Document, NO_PARENT, NodeData, NodeId, ScalarStyle, Shape, Stream},
};

/// A collection whose end has not come yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Open {
    id: NodeId,
    pub(super) start: usize,
    pub(super) shape: Shape,
    pub(super) mapping: bool,
    /// How many nodes stand directly in it.
    pub(super) children: u32,
}

/// The byte range of a node and where its own bytes start.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) written: usize,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Place {
    /// A node that has nothing before its content.
    pub(super) fn bare(start: usize, end: usize) -> Self {
        Self {
            written: start,
            start,
            end,
        }
    }
}

/// How much there was at some time.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Mark {
    nodes: usize,
    values: usize,
    documents: usize,
    tags: usize,
    irregular: usize,
}

pub(super) struct Builder<'t> {
    text: &'t str,
    nodes: Vec<NodeData>,
    values: Vec<String>,
    documents: Vec<Document>,
    tags: Vec<(NodeId, Box<str>)>,
    irregular: Vec<NodeId>,
    open: Vec<Open>,
}

impl<'t> Builder<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            // A manifest has a value for every 13 bytes or so.
            nodes: Vec::with_capacity(text.len() / 12),
            values: Vec::new(),
            documents: Vec::new(),
            tags: Vec::new(),
            irregular: Vec::new(),
            open: Vec::new(),
        }
    }

    pub(super) fn finish(mut self) -> Stream<'t> {
        let ends: Vec<usize> = self
            .documents
            .iter()
            .skip(1)
            .map(|document| document.span.start)
            .chain([self.text.len()])
            .collect();
        for (document, end) in self.documents.iter_mut().zip(ends) {
            document.span.end = end;
        }
        if let Some(first) = self.documents.first_mut() {
            first.span.start = 0;
        }
        // They were closed from the inside out.
        self.irregular.sort_unstable();
        Stream {
            text: self.text,
            nodes: self.nodes,
            values: self.values,
            documents: self.documents,
            tags: self.tags,
            irregular: self.irregular,
            json: false,
        }
    }

    pub(super) fn mark(&self) -> Mark {
        Mark {
            nodes: self.nodes.len(),
            values: self.values.len(),
            documents: self.documents.len(),
            tags: self.tags.len(),
            irregular: self.irregular.len(),
        }
    }

    /// Forgets what came after the mark, which was between two documents.
    pub(super) fn roll_back(&mut self, mark: &Mark) {
        self.nodes.truncate(mark.nodes);
        self.values.truncate(mark.values);
        self.documents.truncate(mark.documents);
        self.tags.truncate(mark.tags);
        self.irregular.truncate(mark.irregular);
        self.open.clear();
    }

    /// The written places of the scalars after the mark.
    pub(super) fn scalars(&self, mark: Mark) -> impl Iterator<Item = Range<usize>> {
        let nodes = self.nodes.get(mark.nodes..).unwrap_or_default();
        nodes
            .iter()
            .filter(|node| matches!(node.content, Content::Verbatim(_) | Content::Decoded(..)))
            .map(|node| node.written as usize..node.end as usize)
    }

    pub(super) fn start_document(&mut self, start: usize) {
        self.documents.push(Document {
            root: None,
            span: start..start,
        });
    }

    /// The innermost collection that is still open.
    pub(super) fn innermost(&self) -> Option<Open> {
        self.open.last().copied()
    }

    /// Adds a scalar; its value is kept only where the text does not spell it.
    pub(super) fn scalar(
        &mut self,
        value: Cow<'_, str>,
        style: ScalarStyle,
        place: Place,
    ) -> Result<NodeId, ParseError> {
        let content = if self.text.get(style.unquoted(place.start..place.end)) == Some(value.as_ref()) {
            Content::Verbatim(style)
        } else {
            let index = self.values.len() as u32;
            self.values.push(value.into_owned());
            Content::Decoded(style, index)
        };
        self.add(content, place)
    }

    pub(super) fn alias(&mut self, target: NodeId, place: Place) -> Result<NodeId, ParseError> {
        if let Some(node) = self.nodes.get_mut(target.0 as usize) {
            node.aliased = true;
        }
        self.add(Content::Alias(target), place)
    }

    pub(super) fn open(&mut self, mapping: bool, shape: Shape, place: Place) -> Result<NodeId, ParseError> {
        if self.open.len() >= MAX_DEPTH {
            return Err(too_deep(self.text, place.start));
        }
        let content = if mapping {
            Content::Mapping(shape)
        } else {
            Content::Sequence(shape)
        };
        let id = self.add(content, place)?;
        self.open.push(Open {
            id,
            start: place.start,
            shape,
            mapping,
            children: 0,
        });
        Ok(id)
    }

    /// Closes the innermost collection. Gives where a merge key has a value that can't be merged.
    pub(super) fn close(&mut self, end: usize) -> Option<usize> {
        let next = self.nodes.len() as u32;
        let open = self.open.pop()?;
        let irregular = open.mapping && self.is_irregular(open.id, next);
        if let Some(node) = self.nodes.get_mut(open.id.0 as usize) {
            node.end = (end as u32).max(node.start);
            node.next = next;
            node.irregular = irregular;
        }
        if irregular {
            self.irregular.push(open.id);
            self.wrong_merge(open.id, next)
        } else {
            None
        }
    }

    /// Where a plain `<<` in a mapping has a value that is neither a mapping nor a list of mappings.
    fn wrong_merge(&self, mapping: NodeId, end: u32) -> Option<usize> {
        let node = |at: u32| self.nodes.get(at as usize);
        let is_mapping = |at: u32| match node(at).map(|node| node.content) {
            Some(Content::Mapping(_)) => true,
            Some(Content::Alias(target)) => {
                matches!(node(target.0).map(|node| node.content), Some(Content::Mapping(_)))
            }
            _ => false,
        };
        let mut at = mapping.0 + 1;
        while at < end {
            let (key, value) = (node(at)?, node(node(at)?.next)?);
            let is_merge = matches!(key.content, Content::Verbatim(ScalarStyle::Plain))
                && self.text_of(key) == Some("<<");
            let value_at = key.next;
            let can_merge = match value.content {
                Content::Sequence(_) => {
                    let mut item = value_at + 1;
                    let mut all = true;
                    while item < value.next && all {
                        all = is_mapping(item);
                        item = node(item)?.next;
                    }
                    all
                }
                _ => is_mapping(value_at),
            };
            if is_merge && !can_merge {
                return Some(value.start as usize);
            }
            at = value.next;
        }
        None
    }

    /// Whether a mapping with the nodes up to `end` has a merge key, or a key that stands twice.
    fn is_irregular(&self, mapping: NodeId, end: u32) -> bool {
        // Nearly all mappings are small and have keys that this tells apart; the others are looked at closely.
        let mut seen = [0_u64; 4];
        let mut suspicious = false;
        for key in self.keys(mapping, end) {
            let bytes = key.as_bytes();
            let byte = |at: usize| bytes.get(at).copied().map_or(0, usize::from);
            let middle = byte(bytes.len() / 2);
            let hash = bytes.len() * 31 + byte(0) * 7 + middle * 13 + byte(bytes.len().saturating_sub(1)) * 3;
            let bit = 1_u64 << (hash % 64);
            if let Some(word) = seen.get_mut(hash / 64 % 4) {
                suspicious |= *word & bit != 0 || key == "<<";
                *word |= bit;
            }
        }
        if !suspicious {
            return false;
        }
        let mut keys = HashSet::new();
        self.keys(mapping, end)
            .any(|key| key == "<<" || !keys.insert(key))
    }

    /// The texts of a mapping's keys that are scalars.
    fn keys(&self, mapping: NodeId, end: u32) -> impl Iterator<Item = &str> {
        let mut at = mapping.0 + 1;
        std::iter::from_fn(move || {
            let key = (at < end).then(|| self.nodes.get(at as usize)).flatten()?;
            at = self.nodes.get(key.next as usize).map_or(end, |value| value.next);
            Some(self.text_of(key))
        })
        .flatten()
    }

    fn text_of(&self, node: &NodeData) -> Option<&str> {
        match node.content {
            Content::Verbatim(style) => self
                .text
                .get(style.unquoted(node.start as usize..node.end as usize)),
            Content::Decoded(_, index) => self.values.get(index as usize).map(String::as_str),
            Content::Alias(target) => self
                .nodes
                .get(target.0 as usize)
                .filter(|node| !matches!(node.content, Content::Alias(_)))
                .and_then(|node| self.text_of(node)),
            Content::Sequence(_) | Content::Mapping(_) => None,
        }
    }

    pub(super) fn properties(&mut self, id: NodeId, anchored: bool, tag: Option<Box<str>>) {
        if let Some(node) = self.nodes.get_mut(id.0 as usize) {
            node.anchored = anchored;
            node.tagged = tag.is_some();
        }
        if let Some(tag) = tag {
            self.tags.push((id, tag));
        }
    }

    fn add(&mut self, content: Content, place: Place) -> Result<NodeId, ParseError> {
        let index = self.nodes.len();
        if index >= MAX_NODES {
            return Err(too_many_values(self.text, place.start));
        }
        let id = NodeId(index as u32);
        let parent = match self.open.last_mut() {
            Some(open) => {
                open.children += 1;
                open.id.0
            }
            None => {
                if let Some(document) = self.documents.last_mut() {
                    document.root = Some(id);
                }
                NO_PARENT
            }
        };
        self.nodes.push(NodeData {
            content,
            written: place.written as u32,
            start: place.start as u32,
            end: place.end as u32,
            parent,
            next: id.0 + 1,
            anchored: false,
            tagged: false,
            aliased: false,
            irregular: false,
        });
        Ok(id)
    }
}
