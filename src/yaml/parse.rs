//! From a text to its documents.

use super::{
    dialect::check_separators,
    error::{ParseError, Reason},
    events::{Failure, Reader},
    json,
    lenient::{Repair, document_end},
    limits,
    tree::Stream,
};

/// Parses all documents of `text`: YAML, or JSON values one after another as kubectl accepts them.
///
/// Spans are byte offsets in `text`, also behind a byte order mark.
///
/// It reads YAML 1.2, and where kubectl's reader is more tolerant in what people do write (the lines of a flow
/// collection or a quoted scalar that are not indented more than their key, a tab behind `key:`), it is too.
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
    check_separators(text)?;
    let mut reader = Reader::new(text, ascii);
    let mut start = 0;
    while let Err(failure) = reader.read(text.get(start..).unwrap_or_default(), start) {
        start = read_leniently(&mut reader, text, failure)?;
    }
    Ok(reader.finish())
}

/// Reads the document that failed once more, as often as something can be repaired, and gives its end.
fn read_leniently(reader: &mut Reader<'_>, text: &str, failure: Failure) -> Result<usize, ParseError> {
    let mut failure = failure;
    let before = reader.between_documents();
    let start = before.cursor;
    let end = match &failure {
        Failure::Scan { offset, .. } => document_end(text, *offset),
        Failure::Other(error) => return Err(error.clone()),
    };
    let mut repair = Repair::new(text, start..end);
    loop {
        match &failure {
            Failure::Scan { offset, info } if !repair.add(*offset, info) => {
                return Err(ParseError::from_scanner(text, *offset, info));
            }
            Failure::Scan { .. } => {}
            Failure::Other(error) => return Err(error.clone()),
        }
        loop {
            reader.roll_back(before, repair.filled(), repair.dashes());
            if let Err(next) = reader.read(&repair.text(), start) {
                failure = next;
                break;
            }
            let changed = reader.scalars(before).find_map(|scalar| repair.touching(scalar));
            match changed {
                None => {
                    reader.end_document(end);
                    return Ok(end);
                }
                Some(place) if repair.is_spent() => {
                    let message = "the lines of this scalar can't be told from those of a flow collection";
                    return Err(ParseError::new(text, place, Reason::Syntax, message));
                }
                Some(_) => {
                    for scalar in reader.scalars(before) {
                        repair.leave_alone(scalar);
                    }
                }
            }
        }
    }
}
