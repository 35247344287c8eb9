mod facts;
mod quits;
mod runs;
mod steps;
mod waits;

use std::hint::black_box;

use super::ScriptBehaviour;
use crate::shell::{Dialect, Script, Span, Variable, parse};

fn script(text: &str) -> Script {
    parse(text, Dialect::Posix).unwrap_or_else(|| panic!("not understood: {text}"))
}

fn environment(name: &str) -> Variable {
    (name == "PROXY_HOST").then(|| "127.0.0.1".to_owned()).into()
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

/// What is exponential in a script's length does not come back from these.
#[test]
fn long_scripts_end() {
    for unit in [
        "sleep 1; ",
        "curl localhost:1/quitquitquit; ",
        "app; curl localhost:1/shutdown; rc=$?; exit $rc; ",
        "[ -f /x ] && kill $P; ",
        "until [ -f /x ]; do sleep 1; done; kill $P; ",
        "f() { f; g; }; g() { f; f; g; }; f; ",
        "trap f EXIT; a & ",
        "if [ -f /x ]; then kill 1; fi; ",
        "{ { { a; }; }; }; ",
    ] {
        let text = unit.repeat(3000 / unit.matches(';').count().max(1));
        with(&text, |behaviour| {
            black_box((
                behaviour.waits(),
                behaviour.quits(),
                behaviour.kills(),
                behaviour.sleeps(),
            ));
            black_box((behaviour.markers(), behaviour.traps(), behaviour.background()));
        });
    }
}
