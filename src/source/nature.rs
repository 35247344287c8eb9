//! What a text seems to be, told from its bytes alone.
//!
//! A directory holds more than manifests. Only what looks like one is worth a parse, and worth an error when
//! the parse fails.

use memchr::memchr3_iter;

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

/// Words with which statements of Jinja, Terraform and ERB begin, and what closes one.
const STATEMENTS: [(&str, &str); 3] = [("{%", "%}"), ("%{", "}"), ("<%", "%>")];

/// The line (from 1) of the first statement of a text template by itself: `{% if … %}`, `%{ for … ~}`, `<% end %>`. No YAML
/// has such a line.
#[must_use]
pub fn first_statement_line(text: &str) -> Option<usize> {
    let is_statement = |line: &str| {
        let line = line.trim();
        STATEMENTS
            .iter()
            .any(|(open, close)| line.starts_with(open) && line.ends_with(close))
    };
    text.lines().position(is_statement).map(|index| index + 1)
}

/// The line (from 1) of the first comment that a text template reads: ytt's `#@ if …`, also behind a key, and the
/// statements that Jinja, Go and ERB templates put behind a `#`. To YAML it is a comment, so all branches of a
/// condition stand in the text at once.
#[must_use]
pub fn first_template_comment_line(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let is_sign = |at: usize| {
        let sign = (bytes.get(at), bytes.get(at + 1));
        matches!(
            sign,
            (Some(b'#'), Some(b'@' | b'%')) | (Some(b'{'), Some(b'{' | b'%')) | (Some(b'<'), Some(b'%'))
        )
    };
    if !memchr3_iter(b'#', b'{', b'<', bytes).any(is_sign) {
        return None;
    }
    text.lines().position(is_template_comment).map(|index| index + 1)
}

/// What ytt reads behind `#@`, beside code that stands behind a blank (ytt's language reference).
const YTT_ANNOTATIONS: [&str; 5] = ["overlay/", "data/", "yaml/", "schema/", "library/"];

/// Words with which a branch of a Go template goes on or ends: a comment with one is no example of an action.
const GO_BRANCHES: [&str; 5] = ["if ", "else", "end", "range ", "with "];

fn is_template_comment(line: &str) -> bool {
    let is_ytt = |rest: &str| {
        let is_code = rest.starts_with(' ') && !rest.trim().is_empty();
        is_code || YTT_ANNOTATIONS.iter().any(|name| rest.starts_with(name))
    };
    let code = line.trim_start();
    let Some(comment) = code.strip_prefix('#') else {
        return code.split_once(" #@").is_some_and(|(_, rest)| is_ytt(rest));
    };
    if let Some(rest) = comment.strip_prefix('@') {
        return is_ytt(rest);
    }
    let words = comment.trim_start_matches(['#', ' ']);
    if let Some(action) = words.strip_prefix("{{") {
        let action = action.trim_start_matches(['-', ' ']);
        return GO_BRANCHES.iter().any(|word| action.starts_with(word));
    }
    let is_statement = |open: &str, close: &str| words.starts_with(open) && words.contains(close);
    is_statement("{%", "%}") || is_statement("<%", "%>") || comment.starts_with("% ")
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

    #[test]
    fn statements_of_text_templates_stand_alone() {
        for text in [
            "{% for a in b %}",
            "  {%- endif -%}",
            "%{ if on ~}",
            "%{~ endfor }",
            "<% end %>",
        ] {
            assert_eq!(
                first_statement_line(&format!("a: 1\n{text}\n")),
                Some(2),
                "{text}"
            );
        }
        for text in ["a: '{% b %}'", "%YAML 1.2", "{a: 1}", "# {% if on %}", "{%"] {
            assert_eq!(first_statement_line(text), None, "{text}");
        }
    }

    #[test]
    fn comments_of_text_templates_are_told_from_others() {
        for text in [
            "#@ if data.values.on:",
            "a: #@ data.values.a",
            "#@overlay/match by=\"name\"",
            "  #@ end",
            "# {% if on %}",
            "#{%- endif %}",
            "## {{- if .Values.on }}",
            "# {{ end }}",
            "# <% if on %>",
            "#% if on",
        ] {
            assert_eq!(
                first_template_comment_line(&format!("b: 1\n{text}\n")),
                Some(2),
                "{text}"
            );
        }
        for text in [
            "## @param image.tag the tag",
            "# @schema type:string",
            "#@",
            "#@param image",
            "# as with {% raw %} in the handbook",
            "# image: {{ .Values.image }}",
            "# {{ .Values.image }} is the image",
            "#100% if busy",
            "a: \"b#@ c\"",
            "a: {b: c}",
        ] {
            assert_eq!(first_template_comment_line(text), None, "{text}");
        }
    }
}
