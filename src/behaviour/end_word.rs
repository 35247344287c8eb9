//! Words that say that somebody is ended.

const ENDS: [&str; 7] = ["shutdown", "stop", "quit", "exit", "terminate", "kill", "halt"];

/// Whether a part of a text says so. `billing.stop-sale` is a topic, `admin.Control/Shutdown` a call.
pub(crate) fn says_an_end(text: &str) -> bool {
    has_end(text, |letter| {
        !(letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_'))
    })
}

/// The same for the parts between other signs.
pub(crate) fn has_end(text: &str, separates: impl Fn(char) -> bool) -> bool {
    text.split(separates)
        .any(|part| ENDS.iter().any(|end| part.eq_ignore_ascii_case(end)))
}
