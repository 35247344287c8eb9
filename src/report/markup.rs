//! Text in XML and HTML.

use super::excerpt::visible;

/// `text` for an element or a quoted attribute, without what XML forbids and what would change its direction.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            // `]]>` may not stand in XML either.
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(character),
            '\u{fffe}' | '\u{ffff}' => escaped.push(char::REPLACEMENT_CHARACTER),
            other => escaped.push(visible(other)),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nothing_becomes_markup() {
        assert_eq!(
            escape("<b>&\"x\"'</b>]]>\u{1b}\u{202e}\u{ffff}\n"),
            "&lt;b&gt;&amp;&quot;x&quot;&#39;&lt;/b&gt;]]&gt;␛\u{fffd}\u{fffd}\n"
        );
    }

    proptest! {
        #[test]
        fn whatever_the_text(text in any::<String>()) {
            let escaped = escape(&text);
            prop_assert!(!escaped.contains(['<', '>', '"', '\'']));
            let allowed = |character: char| {
                matches!(character, '\t' | '\n') || (character >= ' ' && !matches!(character, '\u{fffe}' | '\u{ffff}'))
            };
            prop_assert!(escaped.chars().all(allowed));
            // The ampersands are those of entities.
            for rest in escaped.split('&').skip(1) {
                prop_assert!(["amp;", "lt;", "gt;", "quot;", "#39;"].iter().any(|entity| rest.starts_with(entity)));
            }
        }
    }
}
