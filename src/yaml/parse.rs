//! Events of saphyr-parser into the tree.
//!
//! The parser's spans are not those of the written values (see the tests): it counts characters, its block
//! scalars start behind their header and end late, its quoted scalars include what follows on the line, and
//! empty values, indentless sequences and the ends of block collections stand at the next token. So each
//! place is worked out here, from the end of the value before (the cursor) where the event's span is no help.

use std::{borrow::Cow, collections::HashMap};

use saphyr_parser::{Event, Parser, ScalarStyle as SaphyrStyle, Span, Tag};

use super::{
    builder::{Builder, Place},
    decode::block_start,
    error::{ParseError, Reason},
    json, lenient,
    lex::Lexer,
    limits,
    offsets::Offsets,
    tree::{NodeId, ScalarStyle, Shape, Stream},
};

/// Parses all documents of `text`: YAML, or JSON values one after another as kubectl accepts them.
///
/// Spans are byte offsets in `text`, also behind a byte order mark.
///
/// # Errors
/// The first place where `text` is not YAML, and texts beyond [`MAX_TEXT`](super::MAX_TEXT),
/// [`MAX_DEPTH`](super::MAX_DEPTH) or [`MAX_NODES`](super::MAX_NODES).
pub fn parse(text: &str) -> Result<Stream<'_>, ParseError> {
    let ascii = text.is_ascii();
    let may_be_json = json::looks_like_json(text);
    limits::check_text(text, ascii, may_be_json)?;
    if may_be_json {
        if let Some(stream) = json::parse(text)? {
            return Ok(stream);
        }
        limits::check_text(text, ascii, false)?;
    }
    limits::check_density(text)?;
    let error = match Reader::new(text, ascii).run() {
        Err(error) if error.reason == Reason::Syntax => error,
        result => return result,
    };
    let indented = lenient::indented(text);
    let read = indented.as_ref().and_then(|indented| {
        let stream = Reader::new(&indented.text, ascii).run().ok()?;
        Some(indented.rebased(stream, text))
    });
    read.ok_or(error)
}

struct Reader<'t> {
    text: &'t str,
    lexer: Lexer<'t>,
    offsets: Offsets<'t>,
    builder: Builder<'t>,
    anchors: HashMap<usize, NodeId>,
    /// Everything before this byte is read; the next node's own indicator (`-`, `:`, `?`, `,`) is not, nor
    /// is anything else that leads to it.
    cursor: usize,
    /// Whether the document before was closed by `...`.
    closed: bool,
}

impl<'t> Reader<'t> {
    fn new(text: &'t str, ascii: bool) -> Self {
        Self {
            text,
            lexer: Lexer::new(text),
            offsets: Offsets::new(text, ascii),
            builder: Builder::new(text),
            anchors: HashMap::new(),
            cursor: 0,
            closed: false,
        }
    }

    fn run(mut self) -> Result<Stream<'t>, ParseError> {
        let mut parser = Parser::new_from_str(self.text);
        while let Some(next) = parser.next_event() {
            match next {
                Ok((event, span)) => self.event(event, &span)?,
                Err(error) => {
                    let offset = self.offsets.byte(error.marker().index());
                    return Err(ParseError::from_scanner(self.text, offset, error.info()));
                }
            }
        }
        Ok(self.builder.finish())
    }

    fn event(&mut self, event: Event<'t>, span: &Span) -> Result<(), ParseError> {
        match event {
            Event::Nothing | Event::StreamStart | Event::StreamEnd => {}
            Event::DocumentStart(explicit) => self.document_start(explicit, span),
            Event::DocumentEnd => {
                self.closed = !span.is_empty() && self.lexer.at(self.start(span)) == b'.';
                if self.closed {
                    self.cursor = self.offsets.byte(span.end.index());
                }
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
                self.builder.close(self.cursor);
            }
        }
        Ok(())
    }

    fn start(&mut self, span: &Span) -> usize {
        self.offsets.byte(span.start.index())
    }

    fn document_start(&mut self, explicit: bool, span: &Span) {
        self.anchors.clear();
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
    }

    /// The `---` behind the cursor, with only directives before it.
    fn find_marker(&self) -> usize {
        let mut at = self.lexer.skip_gap(self.cursor);
        while self.lexer.at(at) == b'%' {
            at = self.lexer.skip_gap(self.lexer.line_end(at));
        }
        at
    }

    /// Where the next node may start: behind the indicator that introduces it.
    fn after_indicator(&self) -> usize {
        let Some(open) = self.builder.innermost() else {
            return self.cursor;
        };
        let mut at = self.cursor;
        if open.mapping && open.children % 2 == 1 {
            return self.after_optional(at, b':');
        }
        if open.shape == Shape::Flow && open.children > 0 {
            at = self.after_optional(at, b',');
        }
        if open.mapping {
            let next = self.lexer.skip_gap(at);
            if self.lexer.at(next) == b'?' && self.lexer.ends_indicator(next + 1) {
                return next + 1;
            }
            // An empty key stands where its `:` is.
            return if self.lexer.at(next) == b':' { next } else { at };
        }
        if open.shape == Shape::Block {
            at = self.after_optional(at, b'-');
        }
        at
    }

    fn after_optional(&self, at: usize, indicator: u8) -> usize {
        let next = self.lexer.skip_gap(at);
        if self.lexer.at(next) == indicator {
            next + 1
        } else {
            at
        }
    }

    fn scalar(
        &mut self,
        value: Cow<'t, str>,
        style: SaphyrStyle,
        anchor: usize,
        tag: Option<Cow<'t, Tag>>,
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
                (written, before, before)
            }
            ScalarStyle::Plain => (written, self.content_start(before, properties), raw_end),
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => {
                let start = self.content_start(before, properties);
                (written, start, self.quoted_end(start, raw_end, &value))
            }
            ScalarStyle::Literal | ScalarStyle::Folded => {
                let header = self.lexer.skip_gap(before);
                let (start, end) = self.block_content(header, raw_end, &value);
                (if properties > 0 { written } else { header }, start, end)
            }
        };
        let id = self.builder.scalar(value, style, Place { written, start, end })?;
        self.cursor = end;
        self.add_properties(id, anchor, tag);
        Ok(())
    }

    fn content_start(&self, before: usize, properties: usize) -> usize {
        if properties > 0 {
            self.lexer.skip_gap(before)
        } else {
            before
        }
    }

    /// The end of a quoted scalar, whose span goes on to the end of its line.
    fn quoted_end(&self, start: usize, raw_end: usize, value: &str) -> usize {
        let as_long = raw_end == start + value.len() + 2;
        if as_long && self.text.get(start + 1..raw_end - 1) == Some(value) {
            raw_end
        } else {
            self.lexer.quoted_end(start)
        }
    }

    /// The content of a block scalar: from the first line that has any, behind its indentation, to the end of
    /// the last line with more than blanks. Without content it is empty and stands behind the header.
    fn block_content(&self, header: usize, raw_end: usize, value: &str) -> (usize, usize) {
        let lexer = self.lexer;
        if value.bytes().all(|byte| byte == b'\n') {
            let end = lexer.header_end(header);
            return (end, end);
        }
        let (line, indentation) = block_start(lexer, header, value);
        let start = line + indentation;
        let mut end = raw_end.max(start);
        while end > start && (lexer.is_blank(end - 1) || lexer.is_break(end - 1)) {
            end -= 1;
        }
        (start, lexer.line_end(end))
    }

    fn collection(
        &mut self,
        mapping: bool,
        anchor: usize,
        tag: Option<Cow<'t, Tag>>,
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

    fn add_properties(&mut self, id: NodeId, anchor: usize, tag: Option<Cow<'t, Tag>>) {
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
