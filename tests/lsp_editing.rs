//! What the language server knows of its editor's user and of rules' names: settings, comments that silence,
//! completion, the whole workspace. Spoken to by a client over real pipes.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "test code"
)]

#[path = "support/editor.rs"]
mod editor;

use std::{fs, path::Path, process::Command};

use editor::{Editor, codes, of_rule, uri};
use serde_json::{Value, json};

/// A Job with a wait that has a fix.
const JOB: &str = include_str!("../examples/job-with-proxy.yaml");

/// A client that counts bytes.
fn bytes() -> Value {
    json!({"general": {"positionEncodings": ["utf-8"]}})
}

fn titles(actions: &[Value]) -> Vec<&str> {
    actions
        .iter()
        .map(|action| action["title"].as_str().unwrap())
        .collect()
}

/// The text with the edits of an action made, whose positions count bytes.
fn edited(text: &str, action: &Value, uri: &str) -> String {
    let offset = |position: &Value| {
        let line = position["line"].as_u64().unwrap() as usize;
        let before: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
        before + position["character"].as_u64().unwrap() as usize
    };
    let mut made = text.to_owned();
    for edit in action["edit"]["changes"][uri].as_array().unwrap().iter().rev() {
        let range = offset(&edit["range"]["start"])..offset(&edit["range"]["end"]);
        made.replace_range(range, edit["newText"].as_str().unwrap());
    }
    made
}

/// The position of a byte, for a client that counts bytes.
fn position(text: &str, at: usize) -> Value {
    let before = &text[..at];
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    json!({"line": before.matches('\n').count(), "character": at - line_start})
}

/// Every finding of the rules' cases that has no other fix can be ignored where it is; nothing else changes.
#[test]
fn what_has_no_fix_can_be_ignored_here() {
    let mut offered = 0;
    let mut without = Vec::new();
    let mut editor = Editor::ready(bytes());
    for text in cases() {
        let file = "file:///nowhere/case.yaml";
        let published = editor.open(file, &text);
        for diagnostic in published["diagnostics"].as_array().unwrap() {
            let Some(rule) = diagnostic["code"].as_str() else {
                continue;
            };
            let actions = editor.code_actions(file, &diagnostic["range"], None);
            let title = format!("Ignore {rule} here");
            let has_own = |action: &&Value| action["diagnostics"][0] == *diagnostic;
            let Some(ignore) = actions
                .iter()
                .filter(has_own)
                .find(|action| action["title"] == title)
            else {
                if actions.iter().all(|action| !has_own(&action)) {
                    without.push(format!("{rule}: {text}"));
                }
                continue;
            };
            let made = edited(&text, ignore, file);
            assert!(
                made.contains(&format!("# kubectl-sidecar: ignore[{rule}] TODO: say why")),
                "{made}"
            );
            editor.change(file, 2, json!([{"text": made}]));
            let after = editor.diagnostics(file);
            let count = |published: &Value| codes(published).iter().filter(|code| **code == rule).count();
            assert!(count(&after) < count(&published), "{rule}: {made}\n{after:#}");
            assert!(
                after["diagnostics"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .all(|one| one["code"].is_string()),
                "nothing is unused: {made}\n{after:#}"
            );
            editor.change(file, 3, json!([{"text": text}]));
            editor.diagnostics(file);
            offered += 1;
        }
        editor.tell("textDocument/didClose", json!({"textDocument": {"uri": file}}));
        editor.diagnostics(file);
    }
    assert!(offered > 10, "{offered}");
    assert!(
        without.len() * 20 < offered,
        "{} of {offered}: {without:#?}",
        without.len()
    );
}

/// Some manifests of the rules' cases.
fn cases() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    files.sort();
    let files: Vec<_> = files.iter().step_by(4).take(30).collect();
    assert!(files.len() > 10);
    files
        .iter()
        .map(|file| fs::read_to_string(file).unwrap())
        .collect()
}

#[test]
fn unused_suppressions_are_removed() {
    let file = "file:///nowhere/pod.yaml";
    let pod = |annotations: &str, before: &str, behind: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: p\n{annotations}spec:\n{before}  containers:{behind}\n  - name: app\n    image: example.com/app\n"
        )
    };
    let clean = pod("", "", "");
    let annotated = |annotations: &str| pod(&format!("  annotations:\n    team: a\n{annotations}"), "", "");
    for (text, rule, expected) in [
        (
            pod("", "  # kubectl-sidecar: ignore[startup-poll] until May\n", ""),
            "startup-poll",
            clean.clone(),
        ),
        (
            pod("", "", " # kubectl-sidecar: ignore[startup]"),
            "startup",
            clean.clone(),
        ),
        (
            pod(
                "",
                "  # kubectl-sidecar: ignore[startup-poll, quit-endpoint] both\n",
                "",
            ),
            "startup-poll",
            pod("", "  # kubectl-sidecar: ignore[quit-endpoint] both\n", ""),
        ),
        (
            annotated("    kubectl-sidecar/ignore: startup-poll,quit-endpoint\n"),
            "quit-endpoint",
            annotated("    kubectl-sidecar/ignore: startup-poll\n"),
        ),
        (
            annotated("    kubectl-sidecar/ignore: \"startup-poll\"\n"),
            "startup-poll",
            annotated(""),
        ),
    ] {
        for text in [text.clone(), text.replace('\n', "\r\n")] {
            let mut editor = Editor::ready(bytes());
            let published = editor.open(file, &text);
            let unused = published["diagnostics"].as_array().unwrap();
            let unused = unused
                .iter()
                .find(|one| one["message"].as_str().unwrap().contains(&format!(" {rule} ")))
                .unwrap_or_else(|| panic!("{text}{published:#}"));
            let actions = editor.code_actions(file, &unused["range"], Some("quickfix"));
            let title = format!("Remove the unused suppression of {rule}");
            let remove = actions.iter().find(|action| action["title"] == title);
            let remove = remove.unwrap_or_else(|| panic!("{text}{actions:#?}"));
            assert_eq!(remove["isPreferred"], true);
            assert_eq!(edited(&text, remove, file).replace('\r', ""), expected);
        }
    }
}

#[test]
fn settings_of_the_editor_go_before_the_configuration() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("job.yaml");
    fs::write(&file, JOB).unwrap();
    fs::write(
        directory.path().join(".kubectl-sidecar.yaml"),
        "target: lifecycle\n",
    )
    .unwrap();
    let file = uri(&file);

    let mut editor = Editor::ready(bytes());
    let published = editor.open(&file, JOB);
    let range = of_rule(&published, "quit-endpoint")["range"].clone();
    let actions = editor.code_actions(&file, &range, None);
    assert!(titles(&actions)[0].contains("lifecycle.type"), "{actions:#?}");

    let options = json!({"target": "native", "rules": ["quit-endpoint"], "review": true});
    let mut editor = Editor::ready_with(json!({"capabilities": bytes(), "initializationOptions": options}));
    let published = editor.open(&file, JOB);
    assert!(
        codes(&published).iter().all(|code| *code == "quit-endpoint"),
        "{published:#}"
    );
    let actions = editor.code_actions(&file, &range, Some("quickfix"));
    assert!(titles(&actions)[0].contains("native"), "{actions:#?}");
    let all = editor.code_actions(&file, &range, Some("source.fixAll.kubectl-sidecar"));
    assert_eq!(all[0]["kind"], "source.fixAll.kubectl-sidecar", "{all:#?}");
    assert_eq!(
        editor.code_actions(&file, &range, Some("source.fixAll.other")),
        Vec::<Value>::new()
    );

    editor.tell(
        "workspace/didChangeConfiguration",
        json!({"settings": {"kubectl-sidecar": {"rules": ["startup"]}}}),
    );
    let published = editor.diagnostics(&file);
    assert!(
        codes(&published).iter().all(|code| code.starts_with("startup")),
        "{published:#}"
    );
    editor.tell(
        "workspace/didChangeConfiguration",
        json!({"settings": {"rules": ["no-such"]}}),
    );
    let message = editor.wait(|message| message["method"] == "window/showMessage");
    assert!(
        message["params"]["message"].as_str().unwrap().contains("no-such"),
        "{message:#}"
    );
}

/// One fix of a finding may be made without being chosen: the safe one in the only form that is wanted.
#[test]
fn the_fix_in_the_configured_form_is_preferred() {
    let file = "file:///nowhere/job.yaml";
    for (target, preferred) in [(json!("native"), json!(true)), (json!(null), json!(null))] {
        let options = json!({"target": target});
        let mut editor =
            Editor::ready_with(json!({"capabilities": bytes(), "initializationOptions": options}));
        let published = editor.open(file, JOB);
        let range = of_rule(&published, "quit-endpoint")["range"].clone();
        let actions = editor.code_actions(file, &range, None);
        let safe = actions
            .iter()
            .find(|action| {
                action["title"]
                    .as_str()
                    .unwrap()
                    .starts_with("Replace quit-endpoint")
            })
            .unwrap();
        let is_safe = !safe["title"].as_str().unwrap().contains("look at it");
        assert_eq!(
            safe["isPreferred"],
            if is_safe { preferred } else { json!(null) },
            "{safe:#}"
        );
    }
}

#[test]
fn settings_are_asked_for_and_files_are_watched() {
    let capabilities = json!({"workspace": {
        "configuration": true, "didChangeWatchedFiles": {"dynamicRegistration": true},
    }});
    let mut editor = Editor::ready(capabilities);
    let watch = editor.wait(|message| message["method"] == "client/registerCapability");
    let watchers = &watch["params"]["registrations"][0]["registerOptions"]["watchers"];
    assert_eq!(
        watchers[0]["globPattern"], "**/.kubectl-sidecar.yaml",
        "{watch:#}"
    );
    let settings = editor.wait(|message| message["method"] == "workspace/configuration");
    assert_eq!(settings["params"]["items"][0]["section"], "kubectl-sidecar");
    let published = editor.open("file:///nowhere/job.yaml", JOB);
    assert!(codes(&published).contains(&"quit-endpoint"));
    editor.answer(&settings, json!([{"rules": ["startup-poll"]}]));
    let published = editor.diagnostics("file:///nowhere/job.yaml");
    assert!(!codes(&published).contains(&"quit-endpoint"), "{published:#}");
}

#[test]
fn a_workspace_is_checked_as_a_whole_where_it_is_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    fs::create_dir(path("deploy")).unwrap();
    fs::create_dir(path("old")).unwrap();
    for name in ["deploy/a.yaml", "deploy/b.yaml", "old/c.yaml"] {
        fs::write(path(name), JOB).unwrap();
    }
    fs::write(path(".kubectl-sidecar.yaml"), "exclude: [old]\n").unwrap();
    let folders = json!([{"uri": uri(directory.path()), "name": "w"}]);
    let mut editor = Editor::ready_with(json!({
        "capabilities": {"textDocument": {"diagnostic": {}}},
        "workspaceFolders": folders,
    }));
    let item = json!({"uri": uri(&path("deploy/a.yaml")), "languageId": "yaml", "version": 7, "text": ""});
    editor.tell("textDocument/didOpen", json!({"textDocument": item}));
    let answer = editor.ask("workspace/diagnostic", json!({"previousResultIds": []}));
    let items = answer["result"]["items"].as_array().unwrap();
    let of = |name: &str| items.iter().find(|item| item["uri"] == uri(&path(name)));
    assert!(of("old/c.yaml").is_none(), "{answer:#}");
    let closed = &of("deploy/b.yaml").unwrap();
    assert_eq!(closed["version"], Value::Null);
    assert!(
        closed["items"]
            .as_array()
            .unwrap()
            .iter()
            .any(|one| one["code"] == "quit-endpoint")
    );
    let open = &of("deploy/a.yaml").unwrap();
    assert_eq!(
        (&open["version"], &open["items"]),
        (&json!(7), &json!([])),
        "the buffer is empty"
    );
    let own = json!({"textDocument": {"uri": uri(&path("deploy/a.yaml"))}});
    let answer = editor.ask("textDocument/diagnostic", own);
    assert_eq!(answer["result"], json!({"kind": "full", "items": []}));

    fs::write(path(".kubectl-sidecar.yaml"), "exclude: [old]\nselct: []\n").unwrap();
    let answer = editor.ask("workspace/diagnostic", json!({"previousResultIds": []}));
    let items = answer["result"]["items"].as_array().unwrap();
    let wrong = items
        .iter()
        .find(|item| item["uri"] == uri(&path(".kubectl-sidecar.yaml")))
        .unwrap_or_else(|| panic!("{answer:#}"));
    assert_eq!(
        wrong["items"][0]["range"]["start"],
        json!({"line": 1, "character": 0})
    );
}

#[test]
fn names_of_rules_are_completed_and_explained() {
    let mut editor = Editor::ready(bytes());
    for (file, text, is_name) in [
        (
            "job.yaml",
            "spec: {} # kubectl-sidecar: ignore[startup-po|] why",
            true,
        ),
        (
            "job.yaml",
            "# kubectl-sidecar: ignore[quit-endpoint, startup-po|\n",
            true,
        ),
        (
            "job.yaml",
            "# kubectl-sidecar: ignore[quit-endpoint] startup-po|\n",
            false,
        ),
        ("job.yaml", "    kubectl-sidecar/ignore: startup-po|\n", true),
        ("job.yaml", "select: [startup-po|]\n", false),
        (".kubectl-sidecar.yaml", "select: [startup-po|]\n", true),
        (
            ".kubectl-sidecar.yaml",
            "ignore:\n- quit-endpoint\n# why\n- startup-po|\n",
            true,
        ),
        (
            ".kubectl-sidecar.yaml",
            "ignores:\n- file: a\n  rules:\n  - startup-po|\n",
            true,
        ),
        (
            ".kubectl-sidecar.yaml",
            "ignores:\n- rules: [startup-po|]\n",
            true,
        ),
        (
            ".kubectl-sidecar.yaml",
            "ignore: []\nexclude:\n- startup-po|\n",
            false,
        ),
    ] {
        let at = text.find('|').unwrap();
        let completed = text.replacen("startup-po|", "startup-poll", 1);
        let typed = text.replacen('|', "", 1);
        let file = format!("file:///nowhere/{file}");
        editor.open(&file, &typed);
        let params = json!({"textDocument": {"uri": file}, "position": position(&typed, at)});
        let answer = editor.ask("textDocument/completion", params.clone());
        let items = answer["result"].as_array().unwrap();
        assert_eq!(!items.is_empty(), is_name, "{text}");
        if let Some(item) = items.iter().find(|item| item["label"] == "startup-poll") {
            let edit = json!({"edit": {"changes": {file.as_str(): [item["textEdit"]]}}});
            assert_eq!(edited(&typed, &edit, &file), completed, "{item:#}");
            assert!(items.iter().any(|item| item["label"] == "startup"));
        }
        editor.change(&file, 2, json!([{"text": completed}]));
        let answer = editor.ask("textDocument/hover", params);
        let said = answer["result"]["contents"]["value"].as_str();
        assert_eq!(
            said.is_some_and(|said| said.contains("**startup-poll**")),
            is_name,
            "{text}"
        );
        editor.tell("textDocument/didClose", json!({"textDocument": {"uri": file}}));
        editor.diagnostics(&file);
    }
}

#[test]
fn what_a_baseline_holds_is_not_shown() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("deploy/job.yaml");
    fs::create_dir(file.parent().unwrap()).unwrap();
    fs::create_dir(directory.path().join(".git")).unwrap();
    fs::write(&file, JOB).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_kubectl-sidecar"))
        .args([
            "lint",
            "deploy",
            "--baseline",
            ".sidecar-baseline.json",
            "--write-baseline",
        ])
        .current_dir(directory.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let mut editor = Editor::ready(bytes());
    let published = editor.open(&uri(&file), JOB);
    assert_eq!(published["diagnostics"], json!([]));
    let twice = JOB.to_owned() + "---\n" + &JOB.replace("name: migrate", "name: another");
    editor.change(&uri(&file), 2, json!([{"text": twice}]));
    let published = editor.diagnostics(&uri(&file));
    assert!(!codes(&published).is_empty());
    let second = JOB.lines().count() as u64;
    let lines = published["diagnostics"].as_array().unwrap();
    assert!(
        lines
            .iter()
            .all(|one| one["range"]["start"]["line"].as_u64().unwrap() > second),
        "{published:#}"
    );
    fs::write(directory.path().join(".sidecar-baseline.json"), "{").unwrap();
    editor.tell("workspace/didChangeWatchedFiles", json!({"changes": []}));
    let wrong = editor.diagnostics(&uri(&directory.path().join(".sidecar-baseline.json")));
    assert!(
        wrong["diagnostics"][0]["message"]
            .as_str()
            .unwrap()
            .contains("baseline"),
        "{wrong:#}"
    );
}
