//! Templates as they are read.

use super::*;
use crate::yaml::{self, Value};

/// What each reading says, as JSON, a document after another.
fn read(text: &str) -> Vec<String> {
    readings(text)
        .iter()
        .map(|reading| {
            assert_eq!(reading.text.len(), text.len(), "{text}");
            let stream = yaml::parse(&reading.text)
                .unwrap_or_else(|error| panic!("{error}\n{text}\n{}", reading.text));
            let documents: Vec<String> = Value::documents(&stream)
                .unwrap()
                .iter()
                .flatten()
                .filter_map(Value::to_json)
                .filter(|json| !json.is_null())
                .map(|json| unmasked(&json.to_string()))
                .collect();
            documents.join(" ")
        })
        .collect()
}

#[test]
fn idioms_of_charts_are_read() {
    for (text, expected) in [
        // What a key includes may have more keys behind it.
        (
            "a: {{- include \"x\" . | nindent 2 }}\n  b: c\n",
            r#"{"a":{"b":"c"}}"#,
        ),
        (
            "a: {{ include \"x\" . | nindent 2 }}\nb: c\n",
            r#"{"a":null,"b":"c"}"#,
        ),
        ("a: {{ include \"x\" . }}\n  b: c\n", r#"{"a":{"b":"c"}}"#),
        (
            "a:\n  {{- toYaml .x | nindent 2 }}\n  b: c\n",
            r#"{"a":{"b":"c"}}"#,
        ),
        ("a:\n{{ toYaml .x | indent 2 }}\n  b: c\n", r#"{"a":{"b":"c"}}"#),
        // Items that are brought are no items that are seen.
        (
            "containers:\n  - name: a\n    image: b\n  {{- range .c }}\n  - {{ toYaml . | nindent 4 | trim }}\n  {{- end }}\n",
            r#"{"containers":[{"image":"b","name":"a"}]}"#,
        ),
        (
            "containers:\n- {{ include \"x\" . }}\n- name: a\n",
            r#"{"containers":[{"name":"a"}]}"#,
        ),
        (
            "args:\n- {{ .a }}\n- {{ include \"x\" . }}\n- b\n",
            r#"{"args":["{{…}}","{{…}}","b"]}"#,
        ),
        (
            "list:\n- {{- include \"x\" . | nindent 2 }}\n  b: c\n",
            r#"{"list":[{"b":"c"}]}"#,
        ),
        // Conditions within a line.
        (
            "a:\n  {{ if .x }}b: c{{ end }}\n  {{- if .y }}d: {{ .z }}{{- end }}\n  e: f\n",
            r#"{"a":{"b":"c","d":"{{…}}","e":"f"}}"#,
        ),
        ("{{ if .x }}- a{{ end }}\n- b\n", r#"["a","b"]"#),
        (
            "a: {{ if .x }}b{{ else }}c{{ end }}\n",
            r#"{"a":"b{{…}}"} {"a":"{{…}}c{{…}}"}"#,
        ),
        ("a: {{ with .x }}{{ . }}{{ end }} # why\n", r#"{"a":"{{…}}"}"#),
        ("{{ end }} # of all\na: b\n", r#"{"a":"b"}"#),
        ("{{ .key }}: a\n", r#"{"{{…}}":"a"}"#),
        (
            "a: \"{{ .b | default \"c\" }}:{{ .d }}\"\n",
            r#"{"a":"{{…}}:{{…}}"}"#,
        ),
        // Definitions are texts of their own.
        (
            "{{- define \"x\" -}}\na: b\n{{- end }}\n{{ define \"y\" }}\na: c\n{{ end -}}\n",
            r#"{"a":"b"} {"a":"c"}"#,
        ),
        (
            "{{- define \"x\" -}}\na: |\n  b\n{{- end -}}\n{{- define \"y\" -}}\n{{- if .a -}}\nc: d\n{{- end -}}\n{{- end -}}\n",
            "{\"a\":\"b\\n\"} {\"c\":\"d\"}",
        ),
        // Actions over several lines.
        (
            "a: {{ include \"x\" (dict\n  \"b\" \"c\"\n) }}\nd: e\n",
            r#"{"a":"{{…}}","d":"e"}"#,
        ),
        (
            "a: {{ include \"x\" (dict\n  \"b\" \"c\"\n) | nindent 2 }}\nd: e\n",
            r#"{"a":null,"d":"e"}"#,
        ),
        (
            "a: {{ .b }}:{{ .c\n  | default .d }}\ne: f\n",
            r#"{"a":"{{…}}:{{…}}","e":"f"}"#,
        ),
        (
            "a: \"{{ include \"x\" (dict\n  \"b\" \"c\") }}-y\"\n",
            r#"{"a":"{{…}}-y"}"#,
        ),
        ("{{/* a: {{ b }}\n}} */}}\nc: d\n", r#"{"c":"d"}"#),
        // Scripts.
        (
            "a: |\n  {{- if .x }}\n  b\n  {{- end }}\n  {{ include \"x\" . }}\n  c {{ if .y }}-d {{ end }}e\n",
            "{\"a\":\"\\n\\n\\nb\\n\\n\\n{{…}}\\nc -d e\\n\"}",
        ),
        (
            "a: |\n  b \\\n    {{- if .x }}\n    -c \\\n    {{- end }}\n    -d\n{{ include \"x\" . | indent 2 }}\ne: f\n",
            "{\"a\":\"b \\\\\\n -c \\\\\\n -d\\n\",\"e\":\"f\"}",
        ),
        ("a: |\n  b: {{ .c }}\n   d\n", "{\"a\":\"b: {{…}}\\n d\\n\"}"),
    ] {
        // Blanks and line breaks that take the place of actions say nothing.
        let plain = |text: &str| {
            let mut text = text.replace("\\n", "\n");
            while text.contains("\n\n") || text.contains("  ") {
                text = text.replace("\n\n", "\n").replace("  ", " ");
            }
            text
        };
        assert_eq!(plain(&read(text).join(" ")), plain(expected), "{text}");
    }
}

#[test]
fn branches_that_exclude_each_other_are_never_in_one_reading() {
    let text = "{{- if .native }}\ninitContainers:\n{{- else }}\ncontainers:\n{{- end }}\n- name: a\n{{- if .native \
                }}\n  restartPolicy: Always\n{{- end }}\n  image: a\n{{- if .native }}\ncontainers:\n{{- end }}\n- \
                name: b\n";
    assert_eq!(
        read(text),
        [
            r#"{"containers":[{"name":"b"}],"initContainers":[{"image":"a","name":"a","restartPolicy":"Always"}]}"#,
            r#"{"containers":[{"image":"a","name":"a"},{"name":"b"}]}"#,
        ]
    );
}

#[test]
fn places_are_those_of_the_template() {
    let text = "a:\n  {{ if .x }}b: c{{ end }}\n  d: e\n";
    let reading = readings(text).into_iter().next().unwrap();
    for word in ["b: c", "d: e"] {
        let here = reading.text.find(word).unwrap();
        let there = reading.in_template(&(here..here + word.len()));
        assert_eq!(text.get(there), Some(word));
    }
}

#[test]
fn what_may_be_brought_is_known_by_the_key_it_stands_under() {
    let pod = |lines: &str| format!("spec:\n  containers:\n  - name: a\n    image: b\n{lines}");
    for (lines, expected) in [
        ("    resources: {{- toYaml .x | nindent 6 }}\n", false),
        ("    {{- toYaml .x | nindent 4 }}\n", true),
        ("    env:\n    {{- toYaml .x | nindent 4 }}\n", true),
        (
            "    securityContext:\n      {{- toYaml .x | nindent 6 }}\n",
            false,
        ),
        ("{{ include \"x\" . | indent 2 }}\n", true),
        ("    command: {{- toYaml .x | nindent 4 }}\n", true),
        (
            "  {{- if .y }}\n  volumes:\n  {{- toYaml .x | nindent 2 }}\n  {{- end }}\n",
            false,
        ),
        ("    args:\n    - |\n      {{ include \"x\" . }}\n", true),
        ("", false),
    ] {
        let text = pod(lines);
        let reading = readings(&text).into_iter().next().unwrap();
        assert_eq!(reading.may_bring(&(0..text.len())), expected, "{text}");
    }
}

#[test]
fn any_text_is_read_without_harm() {
    for text in [
        "",
        "{{",
        "}}",
        "{{ end }}{{ end }}{{ else }}",
        "{{ if }}{{ if }}",
        "a: {{ if x }}é{{ else }}ü\n{{ end }}é\n",
        "é{{ if x }}\r\n{{ else }}ü: {{ é }}\r\n{{ end }}\r\n",
        "{{ define \"x\" }}a{{ end }}b",
        "- {{ a\n}} - {{ b }}\n",
        "- {{ toYaml é }}\n",
        "{{/* unclosed",
        "{{ \"unclosed }}\na: b\n",
        "a: |{{ b }}\n  c\n",
    ] {
        for reading in readings(text) {
            assert_eq!(reading.text.len(), text.len(), "{text}");
        }
    }
}
