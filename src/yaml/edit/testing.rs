//! Shared by the tests of edits.

use super::{
    super::{Node, Stream, parse},
    Edit, EditError, apply,
};

/// A node by its path: keys, and numbers for items; `key` as the last part of `a/key!` gives the key itself.
pub(super) fn at<'t>(stream: &'t Stream<'t>, path: &str) -> Node<'t> {
    let (path, wants_key) = match path.strip_suffix('!') {
        Some(path) => (path, true),
        None => (path, false),
    };
    let mut node = stream.roots().next().unwrap().1;
    let mut key = node;
    for part in path.split('/').filter(|part| !part.is_empty()) {
        if let Ok(index) = part.parse::<usize>() {
            node = node.children().nth(index).unwrap();
        } else {
            let entry = node
                .entry(part)
                .unwrap_or_else(|| panic!("no {part} in {node:?}"));
            key = entry.key;
            node = entry.written_value();
        }
    }
    if wants_key { key } else { node }
}

/// Edits `text`, also with CRLF, and gives what it becomes.
#[track_caller]
pub(super) fn edited(text: &str, edit: impl Fn(&Stream<'_>) -> Result<Vec<Edit>, EditError>) -> String {
    let run = |text: &str| {
        let stream = parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        let edits = edit(&stream).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        let new = apply(text, &edits).unwrap_or_else(|error| panic!("{text:?}: {error} {edits:?}"));
        parse(&new).unwrap_or_else(|error| panic!("{new}\n{error}"));
        new
    };
    let result = run(text);
    if !text.contains('\n') {
        return result;
    }
    let windows = run(&text.replace('\n', "\r\n"));
    assert_eq!(windows, result.replace('\n', "\r\n"), "with CRLF");
    result
}
