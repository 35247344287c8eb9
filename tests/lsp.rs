//! The language server, spoken to by a client over real pipes.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "test code"
)]

#[path = "support/editor.rs"]
mod editor;
#[path = "support/tell.rs"]
mod tell;

use std::{fs, path::Path, process::Command};

use editor::{Editor, codes, frame, of_rule, uri};
use proptest::prelude::*;
use serde_json::{Value, json};

/// A Job that tells its proxy to quit. The characters before it count differently in bytes and in UTF-16.
const JOB: &str = "\
apiVersion: batch/v1
kind: Job
metadata:
  name: settle
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: app
          image: example.com/settle
          command: [sh, -c, \"echo 🦀ü; sleep 5; settle; rc=$?; curl -X POST http://localhost:9091/quitquitquit; exit $rc\"]
        - name: sql
          image: gcr.io/cloud-sql-connectors/cloud-sql-proxy:2.14.0
          args: [--quitquitquit, shop:europe-west1:orders]
";

/// The text with the edits of a code action made.
fn edited(text: &str, action: &Value, uri: &str) -> String {
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let offset = |position: &Value| {
        let line = position["line"].as_u64().unwrap() as usize;
        // The edits are of whole lines.
        assert_eq!(position["character"], 0, "{action:#}");
        lines.iter().take(line).map(|line| line.len()).sum::<usize>()
    };
    let mut text = text.to_owned();
    let edits = action["edit"]["changes"][uri].as_array().unwrap();
    for edit in edits.iter().rev() {
        let range = &edit["range"];
        text.replace_range(
            offset(&range["start"])..offset(&range["end"]),
            edit["newText"].as_str().unwrap(),
        );
    }
    text
}

#[test]
fn findings_are_where_the_client_counts() {
    for (encodings, character) in [
        (json!(null), |line: &str, at: usize| {
            line[..at].encode_utf16().count()
        }),
        (json!(["utf-8", "utf-16"]), |_: &str, at: usize| at),
    ] as [(Value, fn(&str, usize) -> usize); 2]
    {
        for text in [JOB.to_owned(), JOB.replace('\n', "\r\n")] {
            let mut editor = Editor::ready(json!({"general": {"positionEncodings": encodings}}));
            let published = editor.open("file:///nowhere/job.yaml", &text);
            assert_eq!(published["version"], 1);
            let quit = of_rule(&published, "quit-endpoint");
            let line = JOB.lines().position(|line| line.contains("curl")).unwrap();
            let content = JOB.lines().nth(line).unwrap();
            let start = character(content, content.find("curl").unwrap());
            assert_eq!(
                quit["range"]["start"],
                json!({"line": line, "character": start}),
                "{quit:#}"
            );
            assert_eq!(quit["range"]["end"]["line"], line);
            assert_eq!(quit["source"], "kubectl-sidecar");
            assert!(
                quit["codeDescription"]["href"]
                    .as_str()
                    .unwrap()
                    .ends_with("quit-endpoint.md")
            );
        }
    }
}

#[test]
fn typing_is_followed_and_not_interrupted() {
    let mut editor = Editor::ready(json!({}));
    let file = "untitled:Untitled-1";
    let published = editor.open(file, JOB);
    let range = of_rule(&published, "quit-endpoint")["range"].clone();
    // The curl becomes another one, letter by letter.
    for (index, letter) in "echo".chars().enumerate() {
        let at = |offset: usize| {
            let character = range["start"]["character"].as_u64().unwrap() as usize + offset;
            json!({"line": range["start"]["line"], "character": character})
        };
        let change = json!({"range": {"start": at(index), "end": at(index + 1)}, "text": letter.to_string()});
        editor.change(file, index as i32 + 2, json!([change]));
    }
    let published = editor.diagnostics(file);
    assert_eq!(published["version"], 5, "four changes are one");
    assert!(!codes(&published).contains(&"quit-endpoint"), "{published:#}");
    editor.change(file, 6, json!([{"text": JOB}]));
    let published = editor.diagnostics(file);
    assert!(codes(&published).contains(&"quit-endpoint"), "{published:#}");
    editor.tell("textDocument/didClose", json!({"textDocument": {"uri": file}}));
    assert_eq!(editor.diagnostics(file)["diagnostics"], json!([]));
}

#[test]
fn hovers_tell_of_the_rule() {
    let capabilities = json!({"textDocument": {"hover": {"contentFormat": ["markdown"]}}});
    let mut editor = Editor::ready(capabilities);
    let file = "file:///nowhere/job.yaml";
    let published = editor.open(file, JOB);
    let position = of_rule(&published, "quit-endpoint")["range"]["start"].clone();
    let at = |position: Value| json!({"textDocument": {"uri": file}, "position": position});
    let hover = editor.ask("textDocument/hover", at(position));
    assert_eq!(hover["result"]["contents"]["kind"], "markdown");
    insta::assert_snapshot!("hover", hover["result"]["contents"]["value"].as_str().unwrap());
    let elsewhere = editor.ask("textDocument/hover", at(json!({"line": 0, "character": 0})));
    assert_eq!(elsewhere["result"], Value::Null);
}

#[test]
fn quick_fixes_are_what_migrate_writes() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("job.yaml");
    for text in [JOB.to_owned(), JOB.replace('\n', "\r\n")] {
        fs::write(&file, &text).unwrap();
        fs::write(directory.path().join(".kubectl-sidecar.yaml"), "target: native\n").unwrap();
        let mut editor = Editor::ready(json!({}));
        let published = editor.open(&uri(&file), &text);
        let quit = of_rule(&published, "quit-endpoint");
        let actions = editor.code_actions(&uri(&file), &quit["range"], None);
        let titles: Vec<&str> = actions
            .iter()
            .map(|action| action["title"].as_str().unwrap())
            .collect();
        assert!(
            titles.contains(&"Replace quit-endpoint by a native sidecar (Kubernetes 1.29 and later)"),
            "{titles:?}"
        );
        let all = editor.code_actions(&uri(&file), &quit["range"], Some("source.fixAll"));
        assert_eq!(all.len(), 1, "{all:#?}");
        let output = Command::new(env!("CARGO_BIN_EXE_kubectl-sidecar"))
            .args(["migrate", "--write", "--quiet"])
            .arg(&file)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let migrated = fs::read_to_string(&file).unwrap();
        assert_ne!(migrated, text);
        assert_eq!(edited(&text, &all[0], &uri(&file)), migrated);
    }
}

#[test]
fn both_forms_are_offered_where_nobody_has_chosen() {
    let versioned = json!({"workspace": {"workspaceEdit": {"documentChanges": true}}});
    let mut editor = Editor::ready(versioned);
    let file = "file:///nowhere/job.yaml";
    let published = editor.open(file, JOB);
    let range = of_rule(&published, "quit-endpoint")["range"].clone();
    let actions = editor.code_actions(file, &range, Some("quickfix"));
    let titles: Vec<&str> = actions
        .iter()
        .map(|action| action["title"].as_str().unwrap())
        .collect();
    assert!(titles.iter().any(|title| title.contains("native")), "{titles:?}");
    assert!(
        titles.iter().any(|title| title.contains("lifecycle.type")),
        "{titles:?}"
    );
    let change = &actions[0]["edit"]["documentChanges"][0];
    assert_eq!(change["textDocument"], json!({"uri": file, "version": 1}));
    assert_eq!(
        editor.code_actions(file, &range, Some("source.fixAll")),
        Vec::<Value>::new(),
        "nothing is chosen for somebody on each save"
    );
    assert_eq!(
        editor.code_actions(file, &range, Some("refactor")),
        Vec::<Value>::new()
    );
}

#[test]
fn configurations_and_suppressions_hold() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("deploy/job.yaml");
    fs::create_dir(file.parent().unwrap()).unwrap();
    fs::write(&file, JOB).unwrap();
    let mut editor = Editor::ready(json!({}));
    assert!(codes(&editor.open(&uri(&file), JOB)).contains(&"quit-endpoint"));

    let silenced = JOB.replace(
        "          command:",
        "          # kubectl-sidecar: ignore[quit-endpoint]\n          command:",
    );
    editor.change(&uri(&file), 2, json!([{"text": silenced}]));
    let published = editor.diagnostics(&uri(&file));
    assert!(!codes(&published).contains(&"quit-endpoint"), "{published:#}");

    let useless = JOB.replace(
        "  name: settle",
        "  name: settle # kubectl-sidecar: ignore[startup-poll]",
    );
    editor.change(&uri(&file), 3, json!([{"text": useless}]));
    let published = editor.diagnostics(&uri(&file));
    let unused = of_rule(&json!({"diagnostics": published["diagnostics"]}), "quit-endpoint").clone();
    assert_eq!(unused["severity"], 2);
    let silent = published["diagnostics"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["message"] == "this suppression of startup-poll silences nothing")
        .unwrap();
    assert_eq!(silent["range"]["start"], json!({"line": 3, "character": 2}));

    let configuration = directory.path().join(".kubectl-sidecar.yaml");
    fs::write(&configuration, "ignores:\n- file: deploy/**\n").unwrap();
    editor.change(&uri(&file), 4, json!([{"text": JOB}]));
    assert_eq!(codes(&editor.diagnostics(&uri(&file))), Vec::<&str>::new());

    fs::write(&configuration, "ignore: [no-such-rule]\n").unwrap();
    editor.tell(
        "textDocument/didSave",
        json!({"textDocument": {"uri": uri(&file)}}),
    );
    let wrong = editor.diagnostics(&uri(&configuration));
    let wrong = &wrong["diagnostics"][0];
    assert_eq!(
        wrong["range"]["start"],
        json!({"line": 0, "character": 9}),
        "{wrong:#}"
    );
    assert!(
        wrong["message"].as_str().unwrap().contains("no-such-rule"),
        "{wrong:#}"
    );
    assert!(
        codes(&editor.diagnostics(&uri(&file))).contains(&"quit-endpoint"),
        "a typo in the configuration is not the end of all findings"
    );

    fs::write(&configuration, "ignore: [quit-endpoint]\n").unwrap();
    editor.tell("workspace/didChangeWatchedFiles", json!({"changes": []}));
    assert_eq!(editor.diagnostics(&uri(&configuration))["diagnostics"], json!([]));
    assert!(!codes(&editor.diagnostics(&uri(&file))).contains(&"quit-endpoint"));
}

#[test]
fn open_config_maps_are_read_instead_of_their_files() {
    let map = |command: &str| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: scripts\ndata:\n  run.sh: |\n    settle\n    {command}\n"
        )
    };
    let job = JOB.replace(
        "[sh, -c, \"echo 🦀ü; sleep 5; settle; rc=$?; curl -X POST http://localhost:9091/quitquitquit; exit $rc\"]",
        "[sh, /scripts/run.sh]\n          volumeMounts: [{name: scripts, mountPath: /scripts}]",
    ) + "      volumes: [{name: scripts, configMap: {name: scripts}}]\n";
    let directory = tempfile::tempdir().unwrap();
    let (job_file, map_file) = (
        directory.path().join("job.yaml"),
        directory.path().join("scripts.yaml"),
    );
    fs::write(&job_file, &job).unwrap();
    fs::write(&map_file, map("curl -X POST http://localhost:9091/quitquitquit")).unwrap();

    let mut editor = Editor::ready(json!({}));
    let published = editor.open(&uri(&job_file), &job);
    let quit = of_rule(&published, "quit-endpoint");
    let elsewhere = quit["relatedInformation"].as_array().unwrap();
    assert!(
        elsewhere
            .iter()
            .any(|place| place["location"]["uri"] == uri(&map_file)),
        "the script of the file beside it: {quit:#}"
    );

    let published = editor.open(&uri(&map_file), &map("true"));
    assert_eq!(codes(&published), Vec::<&str>::new());
    let published = editor.diagnostics(&uri(&job_file));
    assert!(
        !codes(&published).contains(&"quit-endpoint"),
        "the buffer has none: {published:#}"
    );

    let range = json!({"start": {"line": 7, "character": 4}, "end": {"line": 7, "character": 8}});
    let text = "curl -X POST http://localhost:9091/quitquitquit";
    editor.change(&uri(&map_file), 2, json!([{"range": range, "text": text}]));
    let published = editor.diagnostics(&uri(&map_file));
    let quit = of_rule(&published, "quit-endpoint");
    assert_eq!(
        quit["range"]["start"], range["start"],
        "where the script is, once that is open"
    );
}

#[test]
fn yaml_that_is_no_manifest_is_left_alone() {
    let mut editor = Editor::ready(json!({}));
    let published = editor.open("file:///nowhere/compose.yaml", "services: {app: [\n");
    assert_eq!(published["diagnostics"], json!([]));
    let published = editor.open(
        "file:///nowhere/half.yaml",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: [\n",
    );
    assert_eq!(published["diagnostics"][0]["severity"], 3, "{published:#}");
}

#[test]
fn a_request_can_be_cancelled() {
    let mut editor = Editor::ready(json!({}));
    let file = "file:///nowhere/many.yaml";
    let many = vec![JOB; 300].join("---\n");
    let item = json!({"uri": file, "languageId": "yaml", "version": 1, "text": many});
    let at = json!({"textDocument": {"uri": file}, "position": {"line": 0, "character": 0}});
    // The first one has to wait for the check of a large document; the second is cancelled meanwhile.
    let mut bytes =
        frame(&json!({"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"textDocument": item}}));
    let (first, request) = editor.request("textDocument/hover", at.clone());
    bytes.extend(request);
    let (second, request) = editor.request("textDocument/hover", at);
    bytes.extend(request);
    bytes.extend(frame(
        &json!({"jsonrpc": "2.0", "method": "$/cancelRequest", "params": {"id": second}}),
    ));
    editor.write(&bytes);
    assert_eq!(
        editor.wait(|message| message["id"] == first)["result"],
        Value::Null
    );
    assert_eq!(
        editor.wait(|message| message["id"] == second)["error"]["code"],
        -32800
    );
}

#[test]
fn the_conversation_has_its_order() {
    let mut editor = Editor::start();
    let code = |answer: &Value| answer["error"]["code"].clone();
    assert_eq!(
        code(&editor.ask("textDocument/hover", json!({}))),
        -32002,
        "not initialized"
    );
    let answer = editor.ask("initialize", json!({"capabilities": {}}));
    assert_eq!(answer["result"]["capabilities"]["positionEncoding"], "utf-16");
    assert_eq!(code(&editor.ask("initialize", json!({}))), -32600, "twice");
    assert_eq!(
        code(&editor.ask("textDocument/rename", json!({}))),
        -32601,
        "unknown"
    );
    assert_eq!(
        code(&editor.ask("textDocument/hover", json!({"position": 1}))),
        -32602,
        "wrong"
    );
    editor.tell("$/setTrace", json!({"value": "off"}));
    assert_eq!(editor.ask("shutdown", Value::Null)["result"], Value::Null);
    assert_eq!(
        code(&editor.ask("textDocument/hover", json!({}))),
        -32600,
        "after shutdown"
    );
    editor.tell("exit", Value::Null);
    assert_eq!(editor.leave(), (Some(0), String::new()));
}

#[test]
fn an_exit_without_shutdown_is_abrupt() {
    let mut editor = Editor::ready(json!({}));
    editor.tell("exit", Value::Null);
    assert_eq!(editor.leave(), (Some(1), String::new()));
    let editor = Editor::ready(json!({}));
    assert_eq!(editor.leave(), (Some(1), String::new()), "the client is gone");
}

/// A client that others wrote: pygls, where it is installed (`.ci/requirements.txt`).
#[test]
fn a_real_client_is_served() {
    let has_pygls = Command::new("python3").args(["-c", "import pygls"]).output();
    if !has_pygls.is_ok_and(|output| output.status.success()) {
        tell::skip("pygls", "there is no python3 with pygls");
        return;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new("python3")
        .arg(root.join("tests/lsp_client.py"))
        .arg(env!("CARGO_BIN_EXE_kubectl-sidecar"))
        .arg(root.join("examples/stuck-job.yaml"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let heard: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(heard["server"], "kubectl-sidecar");
    assert_eq!(heard["diagnostics"], json!(["job-never-completes"]));
    assert!(
        heard["hover"]
            .as_str()
            .unwrap()
            .contains("A Job with a long-running sidecar")
    );
    assert_eq!(
        heard["actions"][0],
        "Replace job-never-completes by a native sidecar (Kubernetes 1.29 and later)"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn garbage_ends_the_conversation_or_is_passed_over(
        garbage in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..200),
            "Content-Length: [0-9]{1,25}\r\n\r\n[{}a-z\":,]{0,40}".prop_map(String::into_bytes),
            "(\\{|\\[|\"|null|1|\\}){1,9}".prop_map(|body| format!("Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()),
        ],
        method in "textDocument/(didOpen|didChange|didClose|hover|codeAction)",
        params in prop_oneof![Just(json!(null)), Just(json!([1])), Just(json!({"textDocument": 1})), Just(json!({"textDocument": {"uri": "x"}}))],
    ) {
        let mut editor = Editor::ready(json!({}));
        editor.tell(&method, params);
        editor.write(&garbage);
        let (code, stderr) = editor.leave();
        prop_assert_eq!(code, Some(1));
        prop_assert_eq!(stderr, "");
    }
}
