//! No input takes the program down: hostile texts within 512 MiB of memory, and time that grows with the text and not
//! with its square.

#![cfg(unix)]
#![allow(clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

#[macro_use]
#[path = "support/tell.rs"]
mod tell;
#[cfg(target_os = "linux")]
#[path = "limits/many_pods.rs"]
mod many_pods;

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
    time::Duration,
};

/// The memory that any input is given, in KiB of address space.
const MEMORY: u64 = 512 << 10;

/// A pod whose app runs a script, beside a sidecar that it may wait for.
fn pod(script: &str) -> String {
    let mut text = String::from(
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: app\n    image: app\n    \
         command: [sh, -c]\n    args:\n    - |\n",
    );
    for line in script.lines() {
        text += &format!("      {line}\n");
    }
    text + "  - name: pgbouncer\n    image: pgbouncer/pgbouncer\n    ports: [{containerPort: 6432}]\n"
}

const WAIT: &str = "until nc -z localhost 6432; do sleep 1; done";

fn run(directory: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new("sh")
        .args([
            "-c",
            &format!("ulimit -v {MEMORY}; exec timeout 100 \"$@\""),
            "sh",
        ])
        .arg(env!("CARGO_BIN_EXE_kubectl-sidecar"))
        .args(arguments)
        .env("RAYON_NUM_THREADS", "2")
        .current_dir(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let _unread = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

/// What the language server is told when a file is opened, and that it should end.
fn session(text: &str) -> String {
    let messages = [
        serde_json::json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {"capabilities": {}}}),
        serde_json::json!({"jsonrpc": "2.0", "method": "initialized", "params": {}}),
        serde_json::json!({"jsonrpc": "2.0", "method": "textDocument/didOpen", "params": {"textDocument": {
            "uri": "file:///tmp/hostile.yaml", "languageId": "yaml", "version": 1, "text": text}}}),
        serde_json::json!({"jsonrpc": "2.0", "id": 2, "method": "shutdown"}),
        serde_json::json!({"jsonrpc": "2.0", "method": "exit"}),
    ];
    messages
        .iter()
        .map(|message| {
            let body = message.to_string();
            format!("Content-Length: {}\r\n\r\n{body}", body.len())
        })
        .collect()
}

/// Scripts that stand for more than any memory holds, and what else has grown without bound.
fn hostile() -> Vec<(&'static str, String)> {
    let chain = |first: &str, line: &dyn Fn(usize) -> String, count: usize| {
        let lines: Vec<String> = (1..count).map(line).collect();
        format!(
            "{first}\n{}\nuntil nc -z localhost $A{}; do sleep 1; done\nexec app",
            lines.join("\n"),
            count - 1
        )
    };
    let assigned = |i: usize| format!("A{i}=$A{0}$A{0}$A{0}", i - 1);
    let exported = |i: usize| format!("export A{i}=$A{0}$A{0}$A{0}", i - 1);
    let quoted = |i: usize| format!("A{i}=\"${{A{0}}}${{A{0}:-x}}$A{0}\"", i - 1);
    let documents = "cat <<E | nc localhost 6432\n".to_owned() + &"$A11".repeat(500) + "\nE\n";
    let functions: String = (1..60)
        .map(|i| format!("f{i}() {{ f{0}; f{0}; f{0}; }}\n", i - 1))
        .collect();
    vec![
        ("assigned", pod(&chain("A0=x", &assigned, 40))),
        ("exported", pod(&chain("export A0=x", &exported, 40))),
        ("quoted", pod(&chain("A0=x", &quoted, 40))),
        // What a script that stops something does is followed for its success and its failure.
        ("followed", pod(&(chain("A0=x", &assigned, 40) + "\nkill $!p"))),
        (
            "words",
            pod(&format!(
                "A={}\n{WAIT}\nexec app {}",
                "x".repeat(4000),
                "$A ".repeat(60_000)
            )),
        ),
        (
            "here",
            pod(&format!(
                "{}\n{}",
                chain("A0=x", &assigned, 12),
                documents.repeat(50)
            )),
        ),
        (
            "functions",
            pod(&format!("{functions}f0() {{ {WAIT}; }}\nf59\nexec app")),
        ),
        ("waits", pod(&(format!("{WAIT}\n").repeat(1000) + "exec app"))),
        ("mutual", pod("f() { g; g; }\ng() { f; f; }\nf\nexec app")),
        (
            "braces",
            pod(&format!(
                "echo {}\nnc -z localhost {{1..999999999}}",
                "{a,b}".repeat(60)
            )),
        ),
        (
            "eval",
            pod(&format!("A=x\n{}exec app", "eval \"A$A=\\$A\\$A\"\n".repeat(60))),
        ),
        (
            "arithmetic",
            pod(&format!("A=$(( {} 1 ))\nexec app", "9 ** 9 ** ".repeat(2000))),
        ),
        (
            "twice",
            format!("{}x:\n{}", pod(WAIT), "  a: b\n".repeat(200_000)),
        ),
        ("flow", format!("apiVersion: v1\nkind: {}", "[".repeat(1_000_000))),
    ]
}

#[test]
fn hostile_texts_stay_within_512_megabytes() {
    for (name, text) in hostile() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("a.yaml"), &text).unwrap();
        for arguments in [
            ["lint", "-q", "."].as_slice(),
            &["migrate", "--review", "--write", "."],
        ] {
            let output = run(directory.path(), arguments, "");
            let said = String::from_utf8_lossy(&output.stderr)
                .chars()
                .take(2000)
                .collect::<String>();
            assert!(
                matches!(output.status.code(), Some(0 | 1 | 3)),
                "{name} {arguments:?}: {:?}\n{said}",
                output.status
            );
        }
        if text.len() < 1 << 20 {
            let output = run(directory.path(), &["lsp"], &session(&text));
            let said = String::from_utf8_lossy(&output.stderr)
                .chars()
                .take(2000)
                .collect::<String>();
            assert_eq!(output.status.code(), Some(0), "{name} lsp: {said}");
        }
    }
}

/// Globs and depths in a configuration that a repository brings along.
#[test]
fn hostile_configurations_are_an_error_line() {
    let deep = |count: usize| format!("{}b{}", "{a,".repeat(count), "}".repeat(count));
    for (configuration, expected) in [
        (
            format!("ignores:\n- name: '{}'\n", deep(150)),
            "nested too deeply or too long",
        ),
        (
            format!("ignores:\n- file: '{}'\n", deep(2000)),
            "nested too deeply or too long",
        ),
        (
            format!("sidecars:\n- {{name: x, images: ['{}']}}\n", deep(150)),
            "nested too deeply or too long",
        ),
        (format!("select: {}", "[".repeat(20_000)), "nested here"),
        (
            format!("select: [{}]\n", "startup, ".repeat(1_000_000)),
            "larger than 4 MiB",
        ),
    ] {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("a.yaml"), pod(WAIT)).unwrap();
        fs::write(directory.path().join(".kubectl-sidecar.yaml"), configuration).unwrap();
        let output = run(directory.path(), &["lint", "."], "");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(
            said.contains(expected) && said.lines().count() == 1 && said.len() < 500,
            "{said}"
        );
    }
}

/// Something of which an input may hold many, and how many at first.
type Dimension = (&'static str, usize, fn(usize) -> Vec<(&'static str, String)>);

/// A script of so many lines before its wait. Of one with more than 4,000 commands nothing is read.
fn scripted(n: usize, line: impl Fn(usize) -> String) -> Vec<(&'static str, String)> {
    let lines: Vec<String> = (0..n).map(line).collect();
    vec![("a.yaml", pod(&format!("{}\n{WAIT}\nexec app", lines.join("\n"))))]
}

fn dimensions() -> Vec<Dimension> {
    vec![
        ("ignores", 2000, |n| {
            let ignores: String = (0..n)
                .map(|i| format!("- {{name: 'x{i}-*', rules: [startup]}}\n"))
                .collect();
            vec![
                ("a.yaml", pod(WAIT)),
                (".kubectl-sidecar.yaml", format!("ignores:\n{ignores}")),
            ]
        }),
        ("comments", 6000, |n| {
            vec![(
                "a.yaml",
                "# kubectl-sidecar: ignore[startup]\n".repeat(n) + &pod(WAIT),
            )]
        }),
        ("documents with comments", 300, |n| {
            let one = pod(WAIT).replace("    - |", "    # kubectl-sidecar: ignore[startup-poll]\n    - |");
            vec![("a.yaml", vec![one; n].join("---\n"))]
        }),
        ("environment", 2000, |n| {
            let used: String = (0..n).map(|i| format!(" $V{i}")).collect();
            let variables: String = (0..n)
                .map(|i| format!("    - {{name: V{i}, value: x}}\n"))
                .collect();
            let text = pod(&format!("{WAIT}\nexec app{used}"));
            vec![(
                "a.yaml",
                text.replace("    command:", &format!("    env:\n{variables}    command:")),
            )]
        }),
        ("keys", 20_000, |n| {
            let keys: String = (0..n).map(|i| format!("  a{i}: b\n")).collect();
            vec![("a.yaml", pod(WAIT) + "x:\n" + &keys)]
        }),
        ("keys that stand twice", 10_000, |n| {
            vec![("a.yaml", pod(WAIT) + "x:\n" + &"  a: b\n".repeat(n))]
        }),
        ("merge keys", 2000, |n| {
            vec![(
                "a.yaml",
                pod(WAIT) + "x: &x {a: b}\ny:\n" + &"- {<<: *x, c: d}\n".repeat(n),
            )]
        }),
        ("statements of a script", 900, |n| {
            scripted(n, |i| format!("echo {i} >/dev/null"))
        }),
        ("directories of a script", 900, |n| {
            scripted(n, |i| format!("cd /x{i}"))
        }),
        ("conditions of a script", 300, |n| {
            scripted(n, |i| format!("if [ -f /x{i} ]; then echo {i}; fi"))
        }),
        ("traps", 450, |n| {
            scripted(n, |i| format!("trap 'kill $P{i}' TERM"))
        }),
        ("children", 900, |n| scripted(n, |i| format!("worker {i} &"))),
        ("children that are waited for", 250, |n| {
            scripted(n, |i| format!("worker {i} & P{i}=$!\nwait $P{i}"))
        }),
        ("functions that call each other", 300, |n| {
            let call = |i: usize| {
                format!(
                    "f{i}() {{ {}; }}",
                    if i == 0 {
                        "echo".to_owned()
                    } else {
                        format!("f{}", i - 1)
                    }
                )
            };
            let mut files = scripted(n, call);
            files[0].1 = files[0]
                .1
                .replace("exec app", &format!("f{}\n      exec app", n - 1));
            files
        }),
        ("select", 20_000, |n| {
            vec![
                ("a.yaml", pod(WAIT)),
                (
                    ".kubectl-sidecar.yaml",
                    format!("select: [{}startup]\n", "startup, ".repeat(n)),
                ),
            ]
        }),
        // A pod may have 500; one pod takes too little time to be told from noise.
        ("containers", 100, |n| {
            let containers: String = (0..n)
                .map(|i| format!("  - {{name: c{i}, image: i{i}}}\n"))
                .collect();
            vec![("a.yaml", vec![pod(WAIT) + &containers; 20].join("---\n"))]
        }),
        ("documents", 300, |n| {
            vec![("a.yaml", vec![pod(WAIT); n].join("---\n"))]
        }),
    ]
}

/// The processor's time that a run takes, which other processes have no part in: the least of three.
fn time(directory: &Path, arguments: &[&str]) -> Duration {
    let once = || {
        let output = Command::new("sh")
            .args(["-c", "\"$@\" >/dev/null 2>&1; [ $? -le 1 ] && times", "sh"])
            .arg(env!("CARGO_BIN_EXE_kubectl-sidecar"))
            .args(arguments)
            .current_dir(directory)
            .output()
            .unwrap();
        // `0m0.01s 0m0.00s`: user and system of the shell, and on the second line of its children.
        let text = String::from_utf8(output.stdout).unwrap();
        let children = text.lines().nth(1).unwrap();
        let seconds = children.split_whitespace().map(|time| {
            let (minutes, seconds) = time.trim_end_matches('s').split_once('m').unwrap();
            minutes.parse::<f64>().unwrap() * 60.0 + seconds.parse::<f64>().unwrap()
        });
        Duration::from_secs_f64(seconds.sum())
    };
    (0..3).map(|_| once()).min().unwrap()
}

/// Four times as much takes about four times as long, and sixteen times where the square decides.
#[test]
fn time_grows_with_the_text() {
    let empty = tempfile::tempdir().unwrap();
    fs::write(empty.path().join("a.yaml"), pod(WAIT)).unwrap();
    for (name, count, make) in dimensions() {
        for arguments in [
            ["lint", "-q", "."].as_slice(),
            &["migrate", "--review", "-q", "."],
            // Findings, suppressed ones too, and their rewrites.
            &["lint", "-q", "-o", "sarif", "."],
        ] {
            if arguments.contains(&"sarif") && !["comments", "documents"].contains(&name) {
                continue;
            }
            let start = time(empty.path(), arguments);
            let [one, four] = [count, 4 * count].map(|count| {
                let directory = tempfile::tempdir().unwrap();
                for (file, text) in make(count) {
                    fs::write(directory.path().join(file), text).unwrap();
                }
                time(directory.path(), arguments).saturating_sub(start)
            });
            // What takes no time has no growth that could be told from noise.
            let ratio = four.as_secs_f64() / one.as_secs_f64().max(0.05);
            tell!(
                "{name}, {arguments:?}: {count} took {one:?}, {} {four:?}, {ratio:.1} times",
                4 * count
            );
            assert!(ratio < 10.0, "{name} {arguments:?}: {ratio:.1}");
        }
    }
}
