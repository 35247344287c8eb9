//! Events of saphyr-parser into the tree.
//!
//! The parser's spans are not those of the written values (see the tests): it counts characters, its block
//! scalars start behind their header and end late, its quoted scalars include what follows on the line, and
//! empty values, indentless sequences and the ends of block collections stand at the next token. So each
//! place is worked out here, from the end of the value before (the cursor) where the event's span is no help.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::Range,
};

use memchr::memchr;
use saphyr_parser::{Event, Parser, ScalarStyle as SaphyrStyle, Span, Tag};

use super::{
    builder::{Builder, Mark, Place},
    error::{ParseError, Reason},
    lex::Lexer,
    offsets::Offsets,
    tree::{NodeId, ScalarStyle, Shape, Stream},
};

/// Why a text can't be read.
pub(super) enum Failure {
    /// What the parser says of a place.
    Scan {
        /// The byte it means.
        offset: usize,
        info: String,
    },
    /// Anything else.
    Other(ParseError),
}

impl From<ParseError> for Failure {
    fn from(error: ParseError) -> Self {
        Self::Other(error)
    }
}

/// Builds the tree of a text from events.
pub(super) struct Reader<'t> {
    pub(super) text: &'t str,
    /// Whether a tab stands anywhere in the text.
    pub(super) has_tab: bool,
    pub(super) lexer: Lexer<'t>,
    offsets: Offsets<'t>,
    pub(super) builder: Builder<'t>,
    anchors: HashMap<usize, NodeId>,
    /// Everything before this byte is read; the next node's own indicator (`-`, `:`, `?`, `,`) is not, nor
    /// is anything else that leads to it.
    pub(super) cursor: usize,
    /// Whether the document before was closed by `...`.
    closed: bool,
    /// How things stood before the document that is being read.
    document: State,
    /// Quoted scalars of which the parser sees a filler: end by start.
    filled: BTreeMap<usize, usize>,
    /// Dashes of which the parser sees another letter.
    dashes: BTreeSet<usize>,
}

/// How things stand between two documents.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct State {
    mark: Mark,
    /// Where the document before ends.
    pub(super) cursor: usize,
    closed: bool,
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t str, ascii: bool) -> Self {
        Self {
            text,
            has_tab: memchr(b'\t', text.as_bytes()).is_some(),
            lexer: Lexer::new(text),
            offsets: Offsets::new(text, ascii),
            builder: Builder::new(text),
            anchors: HashMap::new(),
            cursor: 0,
            closed: false,
            document: State::default(),
            filled: BTreeMap::new(),
            dashes: BTreeSet::new(),
        }
    }

    pub(super) fn finish(self) -> Stream<'t> {
        self.builder.finish()
    }

    /// Reads what the text holds from `base` on; `yaml` is that, or something with its characters at the same
    /// places.
    pub(super) fn read(&mut self, yaml: &str, base: usize) -> Result<(), Failure> {
        self.offsets.start_at(base);
        let mut parser = Parser::new_from_str(yaml);
        while let Some(next) = parser.next_event() {
            match next {
                Ok((event, span)) => self.event(event, &span)?,
                Err(error) => {
                    return Err(Failure::Scan {
                        offset: self.offsets.byte(error.marker().index()),
                        info: error.info().to_owned(),
                    });
                }
            }
        }
        Ok(())
    }

    /// How things stood before the document that is being read, or between the last one and the next.
    pub(super) fn between_documents(&self) -> State {
        self.document
    }

    /// Forgets what was read since then. The quoted scalars that start at the keys of `filled` will come with
    /// other content than the text has.
    pub(super) fn roll_back(&mut self, to: State, filled: BTreeMap<usize, usize>, dashes: BTreeSet<usize>) {
        self.builder.roll_back(&to.mark);
        self.cursor = to.cursor;
        self.closed = to.closed;
        self.document = to;
        self.filled = filled;
        self.dashes = dashes;
    }

    /// Ends the document that was read alone before the next one, which starts at `end` with its marker.
    pub(super) fn end_document(&mut self, end: usize) {
        self.filled.clear();
        self.dashes.clear();
        if self.lexer.at(end) == b'.' {
            self.closed = true;
            self.cursor = end + 3;
        } else {
            self.cursor = end;
        }
        self.document = self.state();
    }

    /// The written places of the scalars since then.
    pub(super) fn scalars(&self, since: State) -> impl Iterator<Item = Range<usize>> {
        self.builder.scalars(since.mark)
    }

    fn state(&self) -> State {
        State {
            mark: self.builder.mark(),
            cursor: self.cursor,
            closed: self.closed,
        }
    }

    fn event(&mut self, event: Event<'_>, span: &Span) -> Result<(), ParseError> {
        if matches!(
            event,
            Event::Scalar(..) | Event::Alias(_) | Event::SequenceStart(..) | Event::MappingStart(..)
        ) {
            self.expect_comma()?;
        }
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd => {}
            Event::DocumentStart(explicit) => self.document_start(explicit, span)?,
            Event::DocumentEnd => {
                self.closed = !span.is_empty() && self.lexer.at(self.start(span)) == b'.';
                if self.closed {
                    self.cursor = self.offsets.byte(span.end.index());
                }
                self.document = self.state();
            }
            Event::Scalar(value, style, anchor, tag) => self.scalar(value, style, anchor, tag, span)?,
            Event::Alias(anchor) => {
                let place = Place::bare(self.start(span), self.offsets.byte(span.end.index()));
                // The parser keeps anchors from one document to the next; YAML does not.
                let Some(target) = self.anchors.get(&anchor).copied() else {
                    return Err(ParseError::undefined_alias(self.text, place.start));
                };
                self.builder.alias(target, place)?;
                self.cursor = place.end;
            }
            Event::SequenceStart(anchor, tag) => self.collection(false, anchor, tag, span)?,
            Event::MappingStart(anchor, tag) => self.collection(true, anchor, tag, span)?,
            Event::SequenceEnd | Event::MappingEnd => {
                if self
                    .builder
                    .innermost()
                    .is_some_and(|open| open.shape == Shape::Flow)
                {
                    let end = self.start(span);
                    // After a trailing comma, a mapping's end event has the comma's span.
                    let bracket = match self.lexer.at(end) {
                        b',' => self.lexer.skip_gap(end + 1),
                        _ => end,
                    };
                    self.cursor = bracket + 1;
                }
                if let Some(at) = self.builder.close(self.cursor) {
                    let message = "a merge key (`<<`) takes a mapping or a list of mappings";
                    return Err(ParseError::new(self.text, at, Reason::Syntax, message));
                }
            }
        }
        Ok(())
    }

    fn start(&mut self, span: &Span) -> usize {
        self.offsets.byte(span.start.index())
    }

    fn document_start(&mut self, explicit: bool, span: &Span) -> Result<(), ParseError> {
        self.anchors.clear();
        if self.closed && !explicit {
            let at = self.lexer.skip_gap(self.cursor);
            let message =
                "kubectl reads nothing between `...` and the next `---`; put `---` before this document";
            return Err(ParseError::new(self.text, at, Reason::Syntax, message));
        }
        let content = if explicit {
            let mut marker = self.start(span);
            if !self
                .text
                .get(marker..)
                .is_some_and(|rest| rest.starts_with("---"))
            {
                marker = self.find_marker();
                self.offsets.resynchronise(span.start.index(), marker);
            }
            marker
        } else {
            self.cursor
        };
        let start = if self.closed {
            self.lexer.after_break(self.lexer.line_end(self.cursor))
        } else {
            content
        };
        self.builder.start_document(start);
        self.cursor = if explicit { content + 3 } else { content };
        Ok(())
    }

    fn scalar(
        &mut self,
        mut value: Cow<'_, str>,
        style: SaphyrStyle,
        anchor: usize,
        tag: Option<Cow<'_, Tag>>,
        span: &Span,
    ) -> Result<(), ParseError> {
        let properties = usize::from(anchor != 0) + usize::from(tag.is_some());
        let style = own_style(style);
        let empty = style == ScalarStyle::Plain && value.is_empty();
        // Where the node starts; for an empty or a block scalar only if it has properties.
        let written = if properties > 0 || !(empty || style.is_block()) {
            self.start(span)
        } else {
            self.after_indicator()
        };
        self.check_indentation(written)?;
        self.check_anchor(written, properties)?;
        let is_merge =
            |tag: &Tag| tag.is_yaml_core_schema() && tag.suffix == "merge" && style == ScalarStyle::Plain;
        if value == "<<" && tag.as_deref().is_some_and(|tag| !is_merge(tag)) {
            let message = "a merge key (`<<`) has no tag but `!!merge`";
            return Err(ParseError::new(self.text, written, Reason::Syntax, message));
        }
        let before = if properties > 0 {
            self.lexer.properties_end(written, properties)
        } else {
            written
        };
        let raw_end = self.offsets.byte(span.end.index());
        let (written, start, end) = match style {
            ScalarStyle::Plain if empty => {
                if self.builder.innermost().is_none() && properties == 0 {
                    // A document of nothing.
                    return Ok(());
                }
                let is_key_in_list = self
                    .builder
                    .innermost()
                    .is_some_and(|open| open.shape == Shape::Pair && open.children == 0);
                if is_key_in_list {
                    let message = "kubectl reads no `:` without a key in [ ]";
                    return Err(ParseError::new(self.text, before, Reason::Syntax, message));
                }
                (written, before, before)
            }
            ScalarStyle::Plain => {
                let start = self.content_start(before, properties);
                self.check_plain_in_flow(start..raw_end)?;
                if self.dashes.range(start..raw_end).next().is_some() {
                    value = self.filled_value(start..raw_end, style)?.into();
                }
                (written, start, raw_end)
            }
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => {
                let start = self.content_start(before, properties);
                let end = self.quoted_end(start, raw_end, &value);
                if self.filled.contains_key(&start) {
                    value = self.filled_value(start..end, style)?.into();
                }
                (written, start, end)
            }
            ScalarStyle::Literal | ScalarStyle::Folded => {
                let header = self.lexer.skip_gap(before);
                if self.is_in_flow() {
                    let message = "a block scalar can't stand in [ ] or { }; put the value in quotes";
                    return Err(ParseError::new(self.text, header, Reason::Syntax, message));
                }
                if self.ends_with_added_break(header, raw_end, &value) {
                    value.to_mut().pop();
                }
                let (start, end) = self.block_content(header, raw_end, &value);
                (if properties > 0 { written } else { header }, start, end)
            }
        };
        self.check_key_in_flow(start..end)?;
        let id = self.builder.scalar(value, style, Place { written, start, end })?;
        self.cursor = end;
        self.add_properties(id, anchor, tag);
        Ok(())
    }

    fn collection(
        &mut self,
        mapping: bool,
        anchor: usize,
        tag: Option<Cow<'_, Tag>>,
        span: &Span,
    ) -> Result<(), ParseError> {
        let properties = usize::from(anchor != 0) + usize::from(tag.is_some());
        let written = self.start(span);
        let mut start = if properties > 0 {
            self.lexer
                .skip_gap(self.lexer.properties_end(written, properties))
        } else {
            written
        };
        let bracket = if mapping { b'{' } else { b'[' };
        let shape = if self.lexer.at(start) == bracket && self.offsets.byte(span.end.index()) > start {
            Shape::Flow
        } else if self
            .builder
            .innermost()
            .is_some_and(|open| open.shape != Shape::Block)
        {
            Shape::Pair
        } else {
            Shape::Block
        };
        if mapping && shape == Shape::Flow && self.is_template_expression(start) {
            return Err(ParseError::template(self.text, start));
        }
        if shape == Shape::Block && !mapping && properties == 0 {
            // The span of an indentless sequence is that of its first item.
            let dash = self.lexer.skip_gap(self.after_indicator());
            if self.lexer.at(dash) == b'-' {
                start = dash;
            }
        }
        let written = if properties > 0 { written } else { start };
        self.check_indentation(written)?;
        self.check_anchor(written, properties)?;
        let place = Place {
            written,
            start,
            end: start,
        };
        let id = self.builder.open(mapping, shape, place)?;
        self.cursor = if shape == Shape::Flow { start + 1 } else { start };
        self.add_properties(id, anchor, tag);
        Ok(())
    }

    /// Whether the brace at `start` is the second one of `{{`. Strictly, `{{ .Values.name }}` is YAML: a
    /// mapping whose key is a mapping. No reader of manifests takes that, so it was meant for a template.
    fn is_template_expression(&self, start: usize) -> bool {
        let is_first_key = self
            .builder
            .innermost()
            .is_some_and(|open| open.mapping && open.shape == Shape::Flow && open.children == 0);
        is_first_key && self.cursor == start
    }

    fn add_properties(&mut self, id: NodeId, anchor: usize, tag: Option<Cow<'_, Tag>>) {
        if anchor == 0 && tag.is_none() {
            return;
        }
        if anchor != 0 {
            self.anchors.insert(anchor, id);
        }
        let tag = tag.map(|tag| format!("{}{}", tag.handle, tag.suffix).into_boxed_str());
        self.builder.properties(id, anchor != 0, tag);
    }
}

fn own_style(style: SaphyrStyle) -> ScalarStyle {
    match style {
        SaphyrStyle::Plain => ScalarStyle::Plain,
        SaphyrStyle::SingleQuoted => ScalarStyle::SingleQuoted,
        SaphyrStyle::DoubleQuoted => ScalarStyle::DoubleQuoted,
        SaphyrStyle::Literal => ScalarStyle::Literal,
        SaphyrStyle::Folded => ScalarStyle::Folded,
    }
}
