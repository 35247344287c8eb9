//! Go template actions (`{{ … }}`) replaced by filler of the same length.

/// What stands for an action: a word to YAML, and a value that nobody knows to a shell.
const FILLER: char = '~';

/// The text as a person should see it: fillers are actions again.
#[must_use]
pub fn unmasked(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("~~~~") {
        shown.push_str(rest.get(..start).unwrap_or_default());
        shown.push_str("{{…}}");
        rest = rest.get(start..).unwrap_or_default().trim_start_matches(FILLER);
    }
    shown.push_str(rest);
    shown
}

/// Whether the text has Go template actions. `{{` starts a flow mapping in a flow mapping too, which no
/// manifest has.
#[must_use]
pub fn is_go_template(text: &str) -> bool {
    text.contains("{{")
}

/// The text with every action masked, byte for byte as long as before: an action that shares its line with
/// other text becomes a word, a line of actions alone becomes as many empty lines as it has bytes.
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
            b'\n' | b'\r' => '\n',
            // Blanks in front of a block scalar's text would count as its indentation; empty lines never do.
            _ if blank => '\n',
            _ => FILLER,
        });
    }
}

/// A line that held actions only (`{{- end }}{{- if .a }}`) must not leave words behind.
fn blank_action_lines(text: &str, masked: &str) -> String {
    let mut blanked = String::with_capacity(masked.len());
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let range = at..at + line.len();
        at = range.end;
        if line.contains("{{") && line.contains("}}") && without_actions(line).trim().is_empty() {
            blanked.extend(std::iter::repeat_n('\n', line.len()));
        } else {
            blanked.push_str(masked.get(range).unwrap_or_default());
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
    fn names_are_shown_with_their_actions() {
        assert_eq!(
            unmasked("Job ~~~~~~~~-migrate of ~~~~"),
            "Job {{…}}-migrate of {{…}}"
        );
        assert_eq!(unmasked("~/x"), "~/x");
    }

    #[test]
    fn keeps_every_byte_in_its_place() {
        let empty = |count: usize| "\n".repeat(count);
        for (text, expected) in [
            ("a: {{ .b }}\n", "a: ~~~~~~~~\n".to_owned()),
            (
                "{{- if .a }}\nb: c\n{{- end }}\n",
                format!("{}b: c\n{}", empty(13), empty(11)),
            ),
            (
                "  {{- end }}{{ if .b }}\r\nc: d\r\n",
                format!("{}c: d\r\n", empty(25)),
            ),
            (
                "a: \"{{ .b }}:{{ .c }}\"\n",
                "a: \"~~~~~~~~:~~~~~~~~\"\n".to_owned(),
            ),
            ("{{/* a\n b */}}\nc: d\n", format!("{}c: d\n", empty(15))),
            ("é: {{ \"é\" }}\n", "é: ~~~~~~~~~~\n".to_owned()),
            ("a: {{ unclosed\n", format!("a: {}", empty(12))),
        ] {
            let masked = mask(text);
            assert_eq!(masked, expected);
            assert_eq!(masked.len(), text.len());
        }
    }
}
