//! Charts and kustomizations in an editor: what renderings show stands in the sources, and the edits are proved.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "test code"
)]

#[path = "support/editor.rs"]
mod editor;
#[allow(unused, reason = "each test binary uses its part of this module")]
#[path = "support/programs.rs"]
mod programs;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use editor::{Editor, codes, of_rule, uri};
use serde_json::{Value, json};

fn copy_all(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => {
                fs::create_dir(&target).unwrap();
                copy_all(&entry.path(), &target);
            }
            false => drop(fs::copy(entry.path(), target).unwrap()),
        }
    }
}

/// A tree of the tests in a directory of its own, with a configuration that says how sidecars are declared.
fn tree(name: &str) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let root = fs::canonicalize(directory.path()).unwrap();
    copy_all(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name),
        &root,
    );
    fs::write(root.join(".kubectl-sidecar.yaml"), "target: native\n").unwrap();
    (directory, root)
}

fn path(program: &str) -> std::ffi::OsString {
    let found = programs::find(program).expect("what `.ci/run` installs");
    let others = std::env::var_os("PATH").unwrap_or_default();
    let paths = std::env::split_paths(&others).chain(found.parent().map(Path::to_owned));
    std::env::join_paths(paths).unwrap()
}

fn editor(root: &Path, program: &str) -> Editor {
    let folders = json!([{"uri": uri(root), "name": "tree"}]);
    Editor::start_with(path(program)).initialized(json!({
        "processId": null, "capabilities": {}, "workspaceFolders": folders,
    }))
}

/// The next diagnostics of a file that have a rule among them.
fn with_rule(editor: &mut Editor, file: &Path, rule: &str) -> Value {
    loop {
        let published = editor.diagnostics(&uri(file));
        if codes(&published).contains(&rule) {
            return published;
        }
    }
}

/// The files with the edits of a code action made.
fn edited(action: &Value) -> BTreeMap<PathBuf, String> {
    let changes = action["edit"]["changes"].as_object().unwrap();
    let file = |uri: &String| PathBuf::from(uri.strip_prefix("file://").unwrap());
    let made = changes.iter().map(|(uri, edits)| {
        let text = fs::read_to_string(file(uri)).unwrap();
        let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
        for edit in edits.as_array().unwrap().iter().rev() {
            let line = |end: &str| edit["range"][end]["line"].as_u64().unwrap() as usize;
            lines.splice(
                line("start")..line("end"),
                [edit["newText"].as_str().unwrap().to_owned()],
            );
        }
        (file(uri), lines.concat())
    });
    made.collect()
}

/// What a code action makes of the files is what `migrate --review` makes of them.
fn is_what_migrate_writes(action: &Value, root: &Path, program: &str) {
    let made = edited(action);
    let output = Command::new(env!("CARGO_BIN_EXE_kubectl-sidecar"))
        .args(["migrate", "--review", "--write", "--quiet", "."])
        .current_dir(root)
        .env("PATH", path(program))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert!(!made.is_empty());
    for (file, text) in made {
        assert_eq!(text, fs::read_to_string(&file).unwrap(), "{}", file.display());
    }
}

/// The base waits for no sidecar of its own: only the sum shows it.
#[test]
fn a_finding_of_kustomizations_stands_in_the_base_and_is_mended_in_all_files() {
    let (_directory, root) = tree("kustomizations/component");
    let job = root.join("base/job.yaml");
    let mut editor = editor(&root, "kustomize");
    let first = editor.open(&uri(&job), &fs::read_to_string(&job).unwrap());
    let message = |published: &Value| of_rule(published, "quit-endpoint")["message"].to_string();
    assert!(!message(&first).contains("stops proxy"), "{first:#}");
    let published = loop {
        let published = with_rule(&mut editor, &job, "quit-endpoint");
        if message(&published).contains("stops proxy") {
            break published;
        }
    };
    let range = of_rule(&published, "quit-endpoint")["range"].clone();
    let actions = editor.code_actions(&uri(&job), &range, None);
    let action = actions
        .iter()
        .find(|action| {
            action["title"]
                .as_str()
                .unwrap()
                .starts_with("Replace all workarounds of ")
        })
        .unwrap_or_else(|| panic!("{actions:#?}"));
    // A file that is another one by now is not edited.
    editor.change(&uri(&job), 2, json!([{"text": "# mine\n"}]));
    let none = editor.code_actions(&uri(&job), &range, None);
    assert!(none.is_empty(), "{none:#?}");
    is_what_migrate_writes(action, &root, "kustomize");
    editor.leave();
}

#[test]
fn a_finding_of_a_chart_stands_in_its_template() {
    let (_directory, root) = tree("charts/snippet");
    let template = root.join("templates/cronjob.yaml");
    let mut editor = editor(&root, "helm");
    editor.open(&uri(&template), &fs::read_to_string(&template).unwrap());
    let (action, _published) = loop {
        let published = editor.diagnostics(&uri(&template));
        let diagnostics = published["diagnostics"].as_array().unwrap().clone();
        let actions = diagnostics
            .iter()
            .flat_map(|diagnostic| editor.code_actions(&uri(&template), &diagnostic["range"], None));
        let found = actions.into_iter().find(|action| {
            action["title"]
                .as_str()
                .unwrap()
                .starts_with("Replace all workarounds of ")
        });
        if let Some(action) = found {
            break (action, published);
        }
    };
    is_what_migrate_writes(&action, &root, "helm");
    editor.leave();
}
