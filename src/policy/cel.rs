//! Pieces of CEL, the language of admission policies' expressions.

/// A string. JSON's spelling is one of CEL's.
pub(super) fn string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A list of strings.
pub(super) fn list<'s>(words: impl IntoIterator<Item = &'s str>) -> String {
    let words: Vec<String> = words.into_iter().map(string).collect();
    format!("[{}]", words.join(", "))
}

/// A regular expression: a raw string, so that its backslashes stand once.
pub(super) fn pattern(regex: &str) -> String {
    if !regex.contains('"') {
        format!("r\"{regex}\"")
    } else if !regex.contains('\'') {
        format!("r'{regex}'")
    } else {
        string(regex)
    }
}
