//! One row is enough: what a row says of a quit endpoint is known to scripts, hooks, text signs and guards alike.

use std::sync::Arc;

use crate::{
    catalogue::{Catalogue, KnownSidecar, quit},
    lint::{Options, lint_source},
    pod::Settings,
    source::SourceFile,
    template,
};

/// The names of the rules that find something in a text.
fn found(text: &str) -> Vec<&'static str> {
    let options = Options {
        settings: Settings::default(),
        catalogue: Arc::new(Catalogue::built_in().clone()),
    };
    let source = Arc::new(SourceFile {
        name: "x.yaml".to_owned(),
        text: text.into(),
    });
    let outcome = lint_source(&source, &[], &options);
    assert!(outcome.errors.is_empty(), "{text}");
    outcome.findings.iter().map(|finding| finding.rule.name).collect()
}

fn image_of(known: &KnownSidecar) -> String {
    known.images[0].replace('*', "x")
}

/// Each quit endpoint over HTTP, with its row.
fn endpoints() -> impl Iterator<Item = (&'static KnownSidecar, u16, &'static str)> {
    let entries = Catalogue::built_in().entries();
    entries.flat_map(|known| {
        let endpoints = known.quit.iter();
        endpoints.filter_map(move |endpoint| Some((&**known, endpoint.port, endpoint.path.as_deref()?)))
    })
}

#[test]
fn a_quit_endpoint_of_a_row_is_found_in_a_script() {
    for (known, port, path) in endpoints() {
        let image = image_of(known);
        let job = |arguments: &str| {
            format!(
                "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: x}}\nspec:\n  template:\n    spec:\n      restartPolicy: Never\n      containers:\n      - name: app\n        image: example.com/app:1\n        command: [sh, -c, '/app/run; rc=$?; curl -X POST http://127.0.0.1:{port}{path}; exit $rc']\n      - name: side\n        image: {image:?}\n{arguments}"
            )
        };
        let arguments = known
            .quit_flag
            .as_deref()
            .map(|flag| format!("        args: [--{flag}]\n"));
        let text = job(arguments.as_deref().unwrap_or_default());
        assert!(found(&text).contains(&"quit-endpoint"), "{text}");
        // Without the flag that opens it, nobody answers there.
        if arguments.is_some() {
            assert!(found(&job("")).contains(&"broken-workaround"), "{known:?}");
        }
    }
}

#[test]
fn a_quit_endpoint_of_a_row_is_found_in_a_hook_and_in_bare_text() {
    for (known, port, path) in endpoints() {
        let image = image_of(known);
        if quit::says_it(path) {
            let text = format!(
                "apiVersion: v1\nkind: Pod\nmetadata: {{name: x}}\nspec:\n  containers:\n  - name: app\n    image: example.com/app:1\n    lifecycle: {{preStop: {{httpGet: {{path: {path}, port: {port}}}}}}}\n  - name: side\n    image: {image:?}\n"
            );
            assert!(found(&text).contains(&"quit-endpoint"), "{text}");
        }
        let source = Arc::new(SourceFile {
            name: "x.tpl".to_owned(),
            text: format!("{{{{ if }}}}\n  curl http://localhost:{port}{path}\n").into(),
        });
        let signs = template::signs(&source);
        assert!(
            signs.iter().any(|sign| sign.rule.name == "quit-endpoint"),
            "{port}{path}"
        );
    }
}
