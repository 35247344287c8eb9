//! What a text seems to be, told from its bytes alone.
//!
//! A directory holds more than manifests. Only what looks like one is worth a parse, and worth an error when
//! the parse fails.

/// Whether the text has an `apiVersion` and a `kind` key somewhere, in YAML or JSON.
#[must_use]
pub fn looks_like_manifest(text: &[u8]) -> bool {
    has_key(text, b"apiVersion") && has_key(text, b"kind")
}

/// The line (from 1) of the first template action, `{{ … }}`, where the text has one outside comments.
#[must_use]
pub fn first_template_line(text: &str) -> Option<usize> {
    text.lines()
        .position(|line| {
            let code = line.trim_start();
            !code.starts_with('#')
                && code.split_once("{{").is_some_and(|(_, rest)| {
                    rest.contains("}}") || rest.starts_with('-') || rest.starts_with("/*")
                })
        })
        .map(|index| index + 1)
}

/// Whether `key` stands somewhere as a whole word with a colon behind it.
fn has_key(text: &[u8], key: &[u8]) -> bool {
    let Some((first, _)) = key.split_first() else {
        return false;
    };
    let mut rest = text;
    let mut before = b'\n';
    while let Some(at) = rest.iter().position(|byte| byte == first) {
        if let Some(previous) = at.checked_sub(1).and_then(|previous| rest.get(previous)) {
            before = *previous;
        }
        rest = rest.get(at..).unwrap_or_default();
        if let Some(after) = rest.strip_prefix(key)
            && !before.is_ascii_alphanumeric()
            && is_key_end(after)
        {
            return true;
        }
        before = *first;
        rest = rest.get(1..).unwrap_or_default();
    }
    false
}

fn is_key_end(after: &[u8]) -> bool {
    after
        .iter()
        .find(|byte| !matches!(byte, b'"' | b'\'' | b' ' | b'\t'))
        .is_some_and(|byte| *byte == b':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifests_have_both_keys() {
        for text in [
            "apiVersion: v1\nkind: Pod\n",
            "kind: Pod\napiVersion: v1\n",
            r#"{"apiVersion":"v1","kind":"Pod"}"#,
            "- {apiVersion : v1, 'kind' : Pod}",
            "# a comment\n---\r\napiVersion: v1\r\nkind: List\r\n",
        ] {
            assert!(looks_like_manifest(text.as_bytes()), "{text}");
        }
        for text in [
            "",
            "apiVersion: v2\nname: chart\n",
            "image: nginx\nreplicas: 3\n",
            "xapiVersion: v1\nmankind: all\n",
            "the apiVersion and the kind are missing",
            r#"{"name": "package", "version": "1"}"#,
        ] {
            assert!(!looks_like_manifest(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn templates_have_actions_outside_comments() {
        assert_eq!(first_template_line("a: 1\n{{- if .Values.on }}\nb: 2\n"), Some(2));
        assert_eq!(first_template_line("a: {{ .Values.a }}"), Some(1));
        assert_eq!(first_template_line("{{- /*\nlong\n*/ -}}"), Some(1));
        assert_eq!(first_template_line("# use {{ .Values.a }}\na: 1\n"), None);
        assert_eq!(first_template_line("a: {b: {c: 1}}\n"), None);
    }
}
