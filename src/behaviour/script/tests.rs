mod facts;
mod quits;
mod steps;
mod waits;

use super::{ScriptBehaviour, may_matter};
use crate::shell::{Dialect, Script, Span, parse};

fn script(text: &str) -> Script {
    parse(text, Dialect::Posix).unwrap_or_else(|| panic!("not understood: {text}"))
}

fn environment(name: &str) -> Option<String> {
    (name == "PROXY_HOST").then(|| "127.0.0.1".to_owned())
}

/// Reads a script; its facts hold the texts of their spans only.
fn with<T>(text: &str, read: impl FnOnce(&ScriptBehaviour) -> T) -> T {
    let script = script(text);
    read(&ScriptBehaviour::new(&script, &environment, false))
}

fn at<'t>(text: &'t str, span: &Span) -> &'t str {
    text.get(span.clone()).unwrap_or("<out of bounds>")
}

/// The text without a part of it.
fn without(text: &str, span: &Span) -> String {
    let mut rest = text.to_owned();
    rest.replace_range(span.clone(), "");
    rest
}

#[test]
fn scripts_without_such_words_need_no_look() {
    for text in [
        "",
        "exec /app --port 8080",
        "python manage.py migrate && echo done",
        "java -jar app.jar",
    ] {
        assert!(!may_matter(text), "{text}");
    }
    for text in [
        "sleep 5; app",
        "app; curl x",
        "trap x EXIT",
        "app > f",
        "until a; do b; done",
        "docker ps; nc x 1",
    ] {
        assert!(may_matter(text), "{text}");
    }
}
