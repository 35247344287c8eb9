//! Events of saphyr-parser into the tree.

use std::{borrow::Cow, collections::HashMap, ops::Range};

use saphyr_parser::{Event, Parser, ScalarStyle as SaphyrStyle, Span, Tag};

use super::tree::{Document, Kind, NodeData, NodeId, ScalarStyle, Stream};

/// Why a text is not YAML.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct ParseError {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Byte offset in the text.
    pub offset: usize,
    /// What the parser says.
    pub message: String,
}

/// Parses all documents of `text`.
///
/// # Errors
/// The first place where `text` is not YAML.
pub fn parse(text: &str) -> Result<Stream<'_>, ParseError> {
    Builder::new(text).run()
}

struct Builder<'t> {
    text: &'t str,
    offsets: Vec<u32>,
    nodes: Vec<NodeData<'t>>,
    documents: Vec<Document>,
    open: Vec<NodeId>,
    pending_key: Vec<Option<NodeId>>,
    anchors: HashMap<usize, NodeId>,
}

impl<'t> Builder<'t> {
    fn new(text: &'t str) -> Self {
        let mut offsets: Vec<u32> = if text.is_ascii() {
            Vec::new()
        } else {
            text.char_indices().map(|(offset, _)| offset as u32).collect()
        };
        if !offsets.is_empty() {
            offsets.push(text.len() as u32);
        }
        Self {
            text,
            offsets,
            nodes: Vec::new(),
            documents: Vec::new(),
            open: Vec::new(),
            pending_key: Vec::new(),
            anchors: HashMap::new(),
        }
    }

    fn byte(&self, character: usize) -> u32 {
        if self.offsets.is_empty() {
            character.min(self.text.len()) as u32
        } else {
            self.offsets
                .get(character)
                .copied()
                .unwrap_or(self.text.len() as u32)
        }
    }

    fn range(&self, span: &Span) -> Range<u32> {
        self.byte(span.start.index())..self.byte(span.end.index())
    }

    fn run(mut self) -> Result<Stream<'t>, ParseError> {
        let mut parser = Parser::new_from_str(self.text);
        while let Some(next) = parser.next_event() {
            let (event, span) = next.map_err(|error| ParseError {
                line: error.marker().line(),
                column: error.marker().col() + 1,
                offset: self.byte(error.marker().index()) as usize,
                message: error.info().to_owned(),
            })?;
            self.event(event, &span);
        }
        Ok(Stream {
            text: self.text,
            nodes: self.nodes,
            documents: self.documents,
        })
    }

    fn event(&mut self, event: Event<'t>, span: &Span) {
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd => {}
            Event::DocumentStart(_) => {
                self.anchors.clear();
                let start = self.byte(span.start.index()) as usize;
                self.documents.push(Document {
                    root: None,
                    span: start..start,
                });
            }
            Event::DocumentEnd => {
                let end = self.byte(span.end.index()) as usize;
                if let Some(document) = self.documents.last_mut() {
                    document.span.end = end;
                }
            }
            Event::Scalar(value, style, anchor, tag) => {
                let style = match style {
                    SaphyrStyle::Plain => ScalarStyle::Plain,
                    SaphyrStyle::SingleQuoted => ScalarStyle::SingleQuoted,
                    SaphyrStyle::DoubleQuoted => ScalarStyle::DoubleQuoted,
                    SaphyrStyle::Literal => ScalarStyle::Literal,
                    SaphyrStyle::Folded => ScalarStyle::Folded,
                };
                self.add(Kind::Scalar { value, style }, span, anchor, tag);
            }
            Event::Alias(anchor) => {
                if let Some(target) = self.anchors.get(&anchor).copied() {
                    self.add(Kind::Alias(target), span, 0, None);
                }
            }
            Event::SequenceStart(anchor, tag) => {
                let flow = self.starts_with(span, '[');
                let id = self.add(
                    Kind::Sequence {
                        items: Vec::new(),
                        flow,
                    },
                    span,
                    anchor,
                    tag,
                );
                self.open.push(id);
                self.pending_key.push(None);
            }
            Event::MappingStart(anchor, tag) => {
                let flow = self.starts_with(span, '{');
                let id = self.add(
                    Kind::Mapping {
                        entries: Vec::new(),
                        flow,
                    },
                    span,
                    anchor,
                    tag,
                );
                self.open.push(id);
                self.pending_key.push(None);
            }
            Event::SequenceEnd | Event::MappingEnd => {
                self.pending_key.pop();
                if let Some(id) = self.open.pop() {
                    let end = self.byte(span.end.index());
                    if let Some(node) = self.nodes.get_mut(id.0 as usize) {
                        node.span.end = end.max(node.span.start);
                    }
                }
            }
        }
    }

    fn starts_with(&self, span: &Span, bracket: char) -> bool {
        let start = self.byte(span.start.index()) as usize;
        self.text
            .get(start..)
            .is_some_and(|rest| rest.starts_with(bracket))
    }

    fn add(&mut self, kind: Kind<'t>, span: &Span, anchor: usize, tag: Option<Cow<'t, Tag>>) -> NodeId {
        let id = NodeId(self.nodes.len() as u32);
        let parent = self.open.last().copied();
        let tag = tag.map(|tag| format!("{}{}", tag.handle, tag.suffix).into());
        let span = self.range(span);
        self.nodes.push(NodeData {
            kind,
            span,
            parent,
            anchored: anchor != 0,
            tag,
        });
        if anchor != 0 {
            self.anchors.insert(anchor, id);
        }
        match parent {
            Some(parent) => self.attach(parent, id),
            None => {
                if let Some(document) = self.documents.last_mut() {
                    document.root = Some(id);
                }
            }
        }
        id
    }

    fn attach(&mut self, parent: NodeId, child: NodeId) {
        let Some(node) = self.nodes.get_mut(parent.0 as usize) else {
            return;
        };
        match &mut node.kind {
            Kind::Sequence { items, .. } => items.push(child),
            Kind::Mapping { entries, .. } => match self.pending_key.last_mut().and_then(Option::take) {
                Some(key) => entries.push((key, child)),
                None => {
                    if let Some(pending) = self.pending_key.last_mut() {
                        *pending = Some(child);
                    }
                }
            },
            Kind::Scalar { .. } | Kind::Alias(_) => {}
        }
    }
}
