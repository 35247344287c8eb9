//! Go template actions (`{{ … }}`) replaced by filler of the same length.

/// Whether the text has Go template actions. `{{` starts a flow mapping in a flow mapping too, which no
/// manifest has.
#[must_use]
pub fn is_go_template(text: &str) -> bool {
    text.contains("{{")
}

/// The text with every action masked, byte for byte as long as before: an action that shares its line with
/// other text becomes a word, a line of actions alone becomes blank. Line breaks stay.
#[must_use]
pub fn mask(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("{{") {
        let (before, action) = rest.split_at(start);
        masked.push_str(before);
        let end = action.find("}}").map_or(action.len(), |end| end + 2);
        let (action, after) = action.split_at(end);
        fill(action, alone(before, after) || action.contains('\n'), &mut masked);
        rest = after;
    }
    masked.push_str(rest);
    blank_action_lines(text, &masked)
}

/// Whether nothing else stands on the action's line on its left or right.
fn alone(before: &str, after: &str) -> bool {
    let left = before.rsplit('\n').next().unwrap_or_default();
    let right = after.split('\n').next().unwrap_or_default();
    left.trim().is_empty() && right.trim().is_empty()
}

fn fill(action: &str, blank: bool, masked: &mut String) {
    for byte in action.bytes() {
        masked.push(match byte {
            b'\n' => '\n',
            b'\r' => '\r',
            _ if blank => ' ',
            _ => 'x',
        });
    }
}

/// A line that held actions only (`{{- end }}{{- if .a }}`) must not leave words behind.
fn blank_action_lines(text: &str, masked: &str) -> String {
    let mut blanked = String::with_capacity(masked.len());
    let mut at = 0;
    for line in masked.split_inclusive('\n') {
        let original = text.get(at..at + line.len()).unwrap_or_default();
        at += line.len();
        if original.contains("{{") && original.contains("}}") && without_actions(original).trim().is_empty() {
            blanked.extend(line.chars().map(|character| match character {
                '\n' | '\r' => character,
                _ => ' ',
            }));
        } else {
            blanked.push_str(line);
        }
    }
    blanked
}

fn without_actions(line: &str) -> String {
    let mut kept = String::new();
    let mut rest = line;
    while let Some(start) = rest.find("{{") {
        let (before, action) = rest.split_at(start);
        kept.push_str(before);
        rest = action
            .find("}}")
            .and_then(|end| action.get(end + 2..))
            .unwrap_or_default();
    }
    kept.push_str(rest);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_every_byte_in_its_place() {
        for (text, expected) in [
            ("a: {{ .b }}\n", "a: xxxxxxxx\n"),
            (
                "{{- if .a }}\nb: c\n{{- end }}\n",
                "            \nb: c\n          \n",
            ),
            (
                "  {{- end }}{{ if .b }}\r\nc: d\r\n",
                "                       \r\nc: d\r\n",
            ),
            ("a: \"{{ .b }}:{{ .c }}\"\n", "a: \"xxxxxxxx:xxxxxxxx\"\n"),
            ("{{/* a\n b */}}\nc: d\n", "      \n       \nc: d\n"),
            ("é: {{ \"é\" }}\n", "é: xxxxxxxxxx\n"),
            ("a: {{ unclosed\n", "a:            \n"),
        ] {
            let masked = mask(text);
            assert_eq!(masked, expected);
            assert_eq!(masked.len(), text.len());
        }
    }
}
