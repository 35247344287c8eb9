//! Any text: no panic, and a tree whose invariants hold. Edits of it are refused or give YAML again that says
//! what was meant.
#![no_main]

use kubectl_sidecar::yaml::{
    Kind, Node, Value, edit, guard, invariants, parse,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let stream = match parse(text) {
        Ok(stream) => stream,
        Err(error) => {
            assert!(text.is_char_boundary(error.offset), "{error}");
            return;
        }
    };
    if let Err(broken) = invariants::check(&stream) {
        panic!("{broken}");
    }
    // Reads must end, whatever the aliases do.
    for (_, root) in stream.roots() {
        for node in root.walk().take(200) {
            let _ = node.entries();
            let _ = (node.get("a"), node.path(&["a", "a"]), node.as_str(), node.as_i64());
        }
    }
    check_edits(text, &stream, usize::from(data.first().copied().unwrap_or_default()));
});

/// Replaces one scalar; the value must be the new one and all else as before.
fn check_edits(text: &str, stream: &kubectl_sidecar::yaml::Stream<'_>, choice: usize) {
    let scalars: Vec<Node<'_>> = stream
        .roots()
        .flat_map(|(_, root)| root.walk())
        .filter(|node| matches!(node.kind(), Kind::Scalar { .. }) && node.tag().is_none())
        .collect();
    let Some(node) = scalars.get(choice % scalars.len().max(1)) else { return };
    let Ok(edits) = edit::replace_scalar(*node, "8080: x") else { return };
    let Ok(edited) = edit::apply(text, &edits) else {
        panic!("edits do not fit: {edits:?}");
    };
    // It may be refused, but the refusal must not panic either.
    if let Ok(intended) = Value::documents(stream) {
        let _ = guard::check(text, &edited, &edits, &intended);
    }
    for node in scalars.iter().take(20) {
        let _ = edit::remove(&[*node]).map(|edits| edit::apply(text, &edits));
        let _ = edit::extract(*node);
        let _ = edit::insert_after(*node, "- x");
        let _ = edit::insert_before(*node, "x: y");
    }
}
