//! JSON as `kubectl get -o yaml` prints it: block style throughout, texts of several lines as such.

use serde_json::Value;

use super::edit::{is_block_text, write_scalar};

/// How much deeper what is in something stands.
const STEP: usize = 2;

/// The value as a YAML document. Every reader of YAML 1.1 and 1.2 reads the same value back.
#[must_use]
pub fn print_json(value: &Value) -> String {
    let mut text = String::new();
    if is_collection(value) {
        write_lines(value, 0, &mut text);
    } else {
        write_behind(value, STEP, &mut text);
        text.remove(0);
    }
    text
}

/// Whether it takes lines of its own.
fn is_collection(value: &Value) -> bool {
    match value {
        Value::Object(entries) => !entries.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    }
}

/// A collection on lines of its own.
fn write_lines(value: &Value, column: usize, text: &mut String) {
    let indentation = " ".repeat(column);
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                text.push_str(&indentation);
                text.push_str(&write_scalar(key, false));
                text.push(':');
                match value {
                    Value::Array(items) if !items.is_empty() => {
                        text.push('\n');
                        write_lines(value, column, text);
                    }
                    _ if is_collection(value) => {
                        text.push('\n');
                        write_lines(value, column + STEP, text);
                    }
                    _ => write_behind(value, column + STEP, text),
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                text.push_str(&indentation);
                text.push('-');
                if is_collection(item) {
                    // The first line stands behind the dash.
                    let mut lines = String::new();
                    write_lines(item, column + STEP, &mut lines);
                    text.push(' ');
                    text.push_str(lines.trim_start_matches(' '));
                } else {
                    write_behind(item, column + STEP, text);
                }
            }
        }
        _ => {}
    }
}

/// What stands behind a key or a dash, to the end of its last line.
fn write_behind(value: &Value, column: usize, text: &mut String) {
    text.push(' ');
    match value {
        Value::Null => text.push_str("null"),
        Value::Object(_) => text.push_str("{}"),
        Value::Array(_) => text.push_str("[]"),
        Value::String(string) => return write_string(string, column, text),
        other => text.push_str(&other.to_string()),
    }
    text.push('\n');
}

fn write_string(string: &str, column: usize, text: &mut String) {
    let body = string.trim_end_matches('\n');
    if !string.contains('\n') || !is_block_text(body) {
        text.push_str(&write_scalar(string, false));
        text.push('\n');
        return;
    }
    let trailing = string.len() - body.len();
    text.push_str(match trailing {
        0 => "|-",
        1 => "|",
        _ => "|+",
    });
    text.push('\n');
    for line in body.split('\n') {
        if !line.is_empty() {
            text.push_str(&" ".repeat(column));
            text.push_str(line);
        }
        text.push('\n');
    }
    text.push_str(&"\n".repeat(trailing.saturating_sub(1)));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::yaml;

    fn read(text: &str) -> Option<Value> {
        yaml::Value::of(yaml::parse(text).ok()?.root(0)?).ok()?.to_json()
    }

    fn strings() -> impl Strategy<Value = String> {
        let traps = vec![
            "",
            "y",
            "n",
            "on",
            "OFF",
            "null",
            "~",
            "1",
            "0755",
            "0x1F",
            "1:30",
            "1e3",
            ".5",
            "1_000",
            "=",
            "<<",
            "2024-01-01",
            "-",
            "- a",
            "a: b",
            "a #b",
            "#a",
            "*a",
            "|",
            "%a",
            "@a",
            "a\nb\n",
            "a\nb",
            "\n",
            "a\n\n",
            " a\n b\n",
            "a \nb\n",
            "a\tb\n",
            "\ta\nb",
            "a > b\n\n  c\n",
            "---\na\n",
            "a\n---\nb",
            "\u{feff}a\n",
            "\u{85}",
            "\u{2028}a\nb",
            "a\r\nb\r\n",
            "'",
            "\"",
            "? a",
            ": a",
            "a:",
            "true",
            ".inf",
            "+1",
            "0o7",
        ];
        prop_oneof![
            prop::sample::select(traps).prop_map(str::to_owned),
            "[ -~]{0,12}",
            "([ -~]{0,6}\n){1,3}[ -~]{0,6}",
            any::<String>(),
        ]
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            strings().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::btree_map(strings(), inner, 0..4)
                    .prop_map(|entries| Value::Object(entries.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn it_is_read_back_as_it_was(value in values()) {
            let text = print_json(&value);
            prop_assert_eq!(read(&text), Some(value), "{}", text);
        }
    }

    #[test]
    fn it_looks_like_what_kubectl_prints() {
        let object = json!({
            "kind": "Pod",
            "spec": {
                "containers": [
                    {"args": ["-c", "set -e\nexec app\n"], "name": "y", "resources": {}, "ports": []},
                    {"name": "proxy", "securityContext": null, "uid": 1000},
                ],
                "nested": [["a", "b"], []],
            },
        });
        assert_eq!(
            print_json(&object),
            "kind: Pod\n\
             spec:\n  containers:\n  - args:\n    - -c\n    - |\n      set -e\n      exec app\n    name: \"y\"\n    \
             ports: []\n    resources: {}\n  - name: proxy\n    securityContext: null\n    uid: 1000\n  nested:\n  - - a\n    - b\n  - []\n"
        );
    }
}
