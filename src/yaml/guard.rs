//! Proves that an edited text says what was meant, before anybody writes it.

use std::ops::Range;

use super::{
    ParseError,
    edit::Edit,
    error::position,
    parse, second_reader,
    tree::Stream,
    value::{Value, ValueError},
};

/// Why an edited text must not be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GuardError {
    /// The text differs from the original outside of the edits.
    #[error(
        "line {line}, column {column} of the edited text: it differs from the original where nothing was to be edited"
    )]
    Bytes {
        /// Line in the edited text, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
    },
    /// The text is no YAML any more.
    #[error("the edited text is not YAML: {0}")]
    Parse(#[from] ParseError),
    /// The edited text can't be compared.
    #[error("the edited text can't be checked: {0}")]
    Value(#[from] ValueError),
    /// Documents came or went.
    #[error("the edited text has {found} documents, but {expected} were intended")]
    Documents {
        /// How many documents were intended.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// A document does not say what was intended.
    #[error("document {document} of the edited text has {found} at `{path}`, but {expected} was intended")]
    Difference {
        /// The document's index, from 0.
        document: usize,
        /// The way to the difference: `spec.containers[0].name`.
        path: String,
        /// What was intended, briefly.
        expected: String,
        /// What is there, briefly.
        found: String,
    },
    /// Another reader takes a document for something else, or not at all.
    #[error(
        "kubectl might not read document {document} as it was meant; a second YAML reader says: {reason}"
    )]
    SecondReader {
        /// The document's index, from 0.
        document: usize,
        /// What the other reader says.
        reason: String,
    },
}

/// Checks that `edited` is `original` with nothing but `edits` made, and that its documents, parsed again, are
/// the `intended` values ([`Value::documents`] of the original, changed independently of the edits). The documents
/// that were edited are read by a second reader too.
///
/// # Errors
/// The first thing that is not so.
pub fn check(
    original: &str,
    edited: &str,
    edits: &[Edit],
    intended: &[Option<Value>],
) -> Result<(), GuardError> {
    checked(original, edited, edits, intended).map(|_| ())
}

/// [`check`] that hands on the tree of the edited text.
pub(crate) fn checked<'e>(
    original: &str,
    edited: &'e str,
    edits: &[Edit],
    intended: &[Option<Value>],
) -> Result<Stream<'e>, GuardError> {
    let new = check_bytes(original, edited, edits)?;
    let stream = parse(edited)?;
    let found = Value::documents(&stream)?;
    if found.len() != intended.len() {
        return Err(GuardError::Documents {
            expected: intended.len(),
            found: found.len(),
        });
    }
    for (document, (intended, found)) in intended.iter().zip(&found).enumerate() {
        let nothing = Value::Null;
        let (intended, found) = (
            intended.as_ref().unwrap_or(&nothing),
            found.as_ref().unwrap_or(&nothing),
        );
        if let Some(difference) = intended.difference(found) {
            return Err(GuardError::Difference {
                document,
                path: difference.path,
                expected: difference.expected,
                found: difference.found,
            });
        }
        let Some(span) = stream.documents().get(document).map(|document| &document.span) else {
            continue;
        };
        if new
            .iter()
            .any(|new| new.start <= span.end && span.start <= new.end)
        {
            let text = edited.get(span.clone()).unwrap_or_default();
            let outcome = match stream.is_json() {
                true => second_reader::agrees_on_json(text, found),
                false => second_reader::agrees(document_of_kubectl(text), found),
            };
            outcome.map_err(|reason| GuardError::SecondReader { document, reason })?;
        }
    }
    Ok(stream)
}

/// The text that kubectl reads of a document: what stands behind its `---`, where a byte order mark may be.
fn document_of_kubectl(text: &str) -> &str {
    match text.strip_prefix("---").and_then(|rest| rest.split_once('\n')) {
        Some((_, rest)) if rest.starts_with('\u{feff}') => rest,
        // Before JSON there may be what YAML has no place for.
        _ => match text.trim_start() {
            json if json.starts_with(['{', '[']) => json,
            _ => text,
        },
    }
}

/// Walks both texts side by side, and gives the places of the new text that were edited. It does not use
/// [`apply`](super::edit::apply), so that it can disagree with it.
fn check_bytes(original: &str, edited: &str, edits: &[Edit]) -> Result<Vec<Range<usize>>, GuardError> {
    let mut ordered: Vec<&Edit> = edits.iter().collect();
    ordered.sort_by_key(|edit| (edit.span.start, edit.span.end));
    let mut rest = edited;
    let mut at = 0;
    let mut expect = |part: Option<&str>| {
        let place = edited.len() - rest.len();
        match part.and_then(|part| rest.strip_prefix(part)) {
            Some(after) => {
                rest = after;
                Ok(place..edited.len() - rest.len())
            }
            None => {
                let common = part
                    .unwrap_or_default()
                    .bytes()
                    .zip(rest.bytes())
                    .take_while(|(left, right)| left == right)
                    .count();
                let (line, column) = position(edited, place + common);
                Err(GuardError::Bytes { line, column })
            }
        }
    };
    let mut new = Vec::new();
    for edit in ordered {
        expect(original.get(at..edit.span.start))?;
        new.push(expect(Some(&edit.text))?);
        at = edit.span.end;
    }
    expect(original.get(at..))?;
    if rest.is_empty() {
        Ok(new)
    } else {
        let (line, column) = position(edited, edited.len() - rest.len());
        Err(GuardError::Bytes { line, column })
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            edit::{Edit, apply},
            parse,
            value::Value,
        },
        GuardError, check,
    };

    const ORIGINAL: &str = "a: 1 # é\nb: 2\n---\nc: 3\n";

    fn intended(change: impl Fn(&mut Value)) -> Vec<Option<Value>> {
        let mut documents = Value::documents(&parse(ORIGINAL).unwrap()).unwrap();
        change(documents[0].as_mut().unwrap());
        documents
    }

    #[test]
    fn lets_pass_what_was_meant() {
        let edits = [Edit::remove(10..15)];
        let edited = apply(ORIGINAL, &edits).unwrap();
        let meant = intended(|root| {
            root.remove("b");
        });
        assert_eq!(check(ORIGINAL, &edited, &edits, &meant), Ok(()));
    }

    #[test]
    fn refuses_other_values() {
        let edits = [Edit {
            span: 13..14,
            text: "'2'".into(),
        }];
        let edited = apply(ORIGINAL, &edits).unwrap();
        let error = check(ORIGINAL, &edited, &edits, &intended(|_| ())).unwrap_err();
        let text = "document 0 of the edited text has \"2\" at `b`, but 2 was intended";
        assert_eq!(error.to_string(), text);
    }

    /// Both readers are asked, of what was edited.
    #[test]
    fn refuses_what_a_second_reader_takes_for_something_else() {
        let original = "a: [b]\n---\nc: {d: e}\n";
        let deep = format!("{}f{}", "[".repeat(200), "]".repeat(200));
        let edits = [Edit {
            span: 4..5,
            text: deep,
        }];
        let edited = apply(original, &edits).unwrap();
        let meant = Value::documents(&parse(&edited).unwrap()).unwrap();
        let error = check(original, &edited, &edits, &meant).unwrap_err();
        assert!(
            matches!(&error, GuardError::SecondReader { document: 0, reason } if reason.contains("recursion")),
            "{error}"
        );
        assert_eq!(check(&edited, &edited, &[], &meant), Ok(()), "nothing was edited");
    }

    #[test]
    fn refuses_other_bytes() {
        for edited in [
            "a: 1 # e\nb: 2\n---\nc: 3\n",
            "a: 1 # é\nb: 2\n---\nc: 3\n\n",
            "a: 1 # é\nb: 2\n---\nc: 3",
        ] {
            let error = check(ORIGINAL, edited, &[], &intended(|_| ())).unwrap_err();
            assert!(matches!(error, GuardError::Bytes { .. }), "{edited:?}");
        }
        let overlap = [Edit::remove(0..3), Edit::remove(2..4)];
        assert!(check(ORIGINAL, ORIGINAL, &overlap, &intended(|_| ())).is_err());
    }

    #[test]
    fn refuses_broken_texts_and_other_documents() {
        let edits = [Edit::insert(3, "b: ")];
        let edited = apply(ORIGINAL, &edits).unwrap();
        let error = check(ORIGINAL, &edited, &edits, &intended(|_| ())).unwrap_err();
        assert!(matches!(error, GuardError::Parse(_)), "{error}");
        let edits = [Edit::insert(0, "---\n---\n")];
        let edited = apply(ORIGINAL, &edits).unwrap();
        let error = check(ORIGINAL, &edited, &edits, &intended(|_| ())).unwrap_err();
        assert_eq!(
            error,
            GuardError::Documents {
                expected: 2,
                found: 3
            }
        );
    }
}
