//! Differences that stay, each with its reason.

use kubectl_sidecar::yaml::{PlainType, ScalarStyle, parse};

use super::{Difference, Kubectl};

/// Why a text may be read otherwise than by kubectl; nothing where it may not.
pub(crate) fn reason(difference: &Difference, kubectl: &mut Kubectl) -> Option<String> {
    let ours = difference.our_error.as_deref().unwrap_or_default();
    let theirs = difference.their_error.as_deref().unwrap_or_default();
    let text = difference.text.as_str();
    let reason = if text.trim_start_matches('\u{feff}').contains('\u{feff}') {
        "a byte order mark inside of a text: refused where it does not stand in a value"
    } else if ours.is_empty() && theirs.is_empty() {
        return one_of_several_meanings(text).map(str::to_owned);
    } else if !theirs.is_empty() && text.starts_with('\u{a0}') {
        "a no-break space before a text, which Go takes for a blank"
    } else if !theirs.is_empty() && text.split(['\n', '\r']).any(|line| line.starts_with('%')) {
        "directives, which kubectl cuts off from their document: read"
    } else if theirs.contains("expected node content") && has_empty_key(text) {
        "an empty key in { }: read, and never a manifest"
    } else if (theirs.contains("cannot start any token") || theirs.contains("tab character"))
        && text.contains('\t')
    {
        "a tab where go-yaml allows none: read"
    } else if theirs.contains("alphabetic or numeric") {
        "names of anchors that go-yaml does not know: read"
    } else if theirs.contains("did not find expected key") {
        "an empty key, by indentation: read, and never a manifest"
    } else if !theirs.is_empty() && starts_with_an_end(text) {
        "`...` before anything else: read"
    } else if !theirs.is_empty() && text.len() < 4 {
        "a text of less than four bytes, which kubectl gives up once it is no JSON: read"
    } else if theirs.contains("cannot unmarshal number") {
        "a number in JSON that no float holds: read as a string"
    } else if !theirs.is_empty() && has_collection_as_key(text) {
        "a collection as a key: read, and never a manifest"
    } else if !theirs.is_empty() {
        return None;
    } else if ours.contains("kubectl reads `") || ours.contains("kubectl reads a leading") {
        "`?` and `:` that go-yaml takes for indicators in [ ] and { }: refused, since nobody means that"
    } else if ours.contains("ends a line for kubectl") {
        "line breaks of YAML 1.1 that no editor shows: refused"
    } else if ours.contains("tabs disallowed") {
        "tabs before what stands in [ ] and { }: refused"
    } else if ours.contains("invalid indentation") {
        "a plain scalar in [ ] or { } that goes on with less indentation: refused"
    } else if ours.contains("expected `:` after this mapping key") && text.contains('*') {
        "an alias as a key: YAML 1.2 takes the colon for a part of its name"
    } else if text.trim_start().starts_with(['{', '['])
        && (ours.contains("no key") || ours.contains("has ended here"))
    {
        "a JSON value that goes on as YAML: refused"
    } else if drops_the_rest(text, kubectl) {
        "kubectl drops what stands behind a document's first value without a word: refused"
    } else {
        // We are the stricter ones: nothing is done to such a text, and the error says why.
        return Some(format!(
            "only we refuse: {}",
            ours.rsplit(": ").next().unwrap_or_default()
        ));
    };
    Some(reason.to_owned())
}

/// Whether `...` stands before anything else.
fn starts_with_an_end(text: &str) -> bool {
    let text = text.trim_start_matches('\u{feff}');
    let mut lines = text
        .split(['\n', '\r'])
        .filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'));
    lines.next().is_some_and(|line| line.starts_with("..."))
}

/// Why both read a text, and not the same.
fn one_of_several_meanings(text: &str) -> Option<&'static str> {
    let stream = parse(text).ok()?;
    let nodes = || stream.roots().flat_map(|(_, root)| root.walk());
    if stream
        .roots()
        .any(|(_, root)| root.style().is_some_and(ScalarStyle::is_block))
    {
        return Some(
            "a block scalar as a whole document, of which kubectl reads nothing without indentation",
        );
    }
    if text
        .trim_start_matches('\u{feff}')
        .trim_start_matches([' ', '\n', '\r', '\t'])
        .starts_with('\u{a0}')
    {
        return Some("a no-break space before a text, which Go takes for a blank");
    }
    if text.contains("\r\r") {
        return Some("two CR before a LF, of which Go takes one with the LF");
    }
    let ends_open = !text.ends_with('\n')
        && nodes()
            .last()
            .and_then(|node| node.style())
            .is_some_and(ScalarStyle::is_block);
    if ends_open {
        return Some("a block scalar at the end of a text without a line break, which kubectl adds");
    }
    let has_numbers_for_keys = nodes().any(|node| {
        let types = node
            .entries()
            .into_iter()
            .filter_map(|entry| PlainType::of(entry.key.as_str()?));
        types.count() > 0
    });
    has_numbers_for_keys.then_some("keys of different types that are one string, of which kubectl takes any")
}

fn has_empty_key(text: &str) -> bool {
    parse(text).is_ok_and(|stream| {
        stream
            .roots()
            .flat_map(|(_, root)| root.walk())
            .filter(|node| !node.is_alias())
            .flat_map(|node| node.written_entries().collect::<Vec<_>>())
            .any(|entry| entry.key.span().is_empty())
    })
}

fn has_collection_as_key(text: &str) -> bool {
    parse(text).is_ok_and(|stream| {
        stream
            .roots()
            .flat_map(|(_, root)| root.walk())
            .flat_map(|node| {
                if node.is_alias() {
                    Vec::new()
                } else {
                    node.written_entries().collect()
                }
            })
            .any(|entry| entry.key.is_mapping() || entry.key.is_sequence())
    })
}

/// Whether kubectl reads the same without all from the place of our error to the next document.
fn drops_the_rest(text: &str, kubectl: &mut Kubectl) -> bool {
    let Err(error) = parse(text) else { return false };
    let rest = text.get(error.offset..).unwrap_or_default();
    let next = rest.find("\n---").map_or("", |at| &rest[at..]);
    let without = format!("{}{next}", text.get(..error.offset).unwrap_or_default());
    kubectl.read(&without) == kubectl.read(text)
}
