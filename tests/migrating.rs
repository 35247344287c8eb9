//! The pairs of `docs/migrating.md` are what the binary makes, and generated pods keep what is promised.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
};

use kubectl_sidecar::{
    lint,
    migrate::Form,
    pod::Settings,
    roles::Catalogue,
    rules::Severity,
    source::SourceFile,
    yaml::{Value, parse},
};
use migrated::migrated;
use proptest::prelude::*;

#[path = "support/migrated.rs"]
mod migrated;
#[path = "support/tell.rs"]
mod tell;

/// The YAML block behind a comment such as `<!-- before: istio review -->`, with the comment's words.
fn blocks(text: &str, which: &str) -> Vec<(String, String)> {
    text.split("<!-- ")
        .filter_map(|part| part.strip_prefix(which)?.strip_prefix(": "))
        .map(|part| {
            let (words, rest) = part.split_once(" -->\n```yaml\n").unwrap();
            let (block, _) = rest.split_once("```").unwrap();
            (words.to_owned(), block.to_owned())
        })
        .collect()
}

fn run(arguments: &[&str], input: &str) -> (String, String, Option<i32>) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_kubectl-sidecar"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    (
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
        output.status.code(),
    )
}

#[test]
fn the_guides_pairs_are_true() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/migrating.md");
    let guide = fs::read_to_string(guide).unwrap();
    let (before, after) = (blocks(&guide, "before"), blocks(&guide, "after"));
    assert_eq!(before.len(), after.len());
    assert!(before.len() >= 4);
    for ((name, before), (_, after)) in before.iter().zip(&after) {
        let target = match name.contains("annotation") {
            true => "annotation",
            false => "native",
        };
        let mut arguments = vec!["migrate", "--target", target, "--no-config", "-"];
        if name.contains("review") {
            arguments.push("--review");
        }
        let (out, errors, code) = run(&arguments, before);
        assert_eq!(out, *after, "{name}\n{errors}");
        assert_eq!(code, Some(0), "{name}");
    }
}

#[test]
fn the_first_form_is_said_to_run_nowhere_and_becomes_what_runs() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/migrating.md");
    let guide = fs::read_to_string(guide).unwrap();
    let (_, before) = blocks(&guide, "before").remove(0);
    let (first, errors, _) = run(&["migrate", "--no-config", "-"], &before);
    assert!(first.contains("type: Sidecar") && !first.contains("initContainers"));
    assert_eq!(errors.matches("No released Kubernetes").count(), 1);
    assert!(errors.contains("migrate --target native -o yaml -"), "{errors}");
    let (second, ..) = run(&["migrate", "--no-config", "--target", "native", "-"], &first);
    assert!(second.contains("restartPolicy: Always") && second.contains("startupProbe"));
    assert!(!second.contains("type: Sidecar"), "{second}");
}

#[test]
fn a_file_is_changed_only_when_asked_for() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/migrating.md");
    let (_, before) = blocks(&fs::read_to_string(guide).unwrap(), "before").remove(0);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.yaml");
    fs::write(&file, &before).unwrap();
    let name = file.to_str().unwrap();
    let (diff, _, code) = run(&["migrate", "--target", "native", name], "");
    assert!(diff.contains("+          restartPolicy: Always\n"), "{diff}");
    assert_eq!((code, fs::read_to_string(&file).unwrap()), (Some(0), before));
    assert_eq!(
        run(&["migrate", "--target", "native", "--check", name], "").2,
        Some(1)
    );
    assert_eq!(
        run(&["migrate", "--target", "native", "--write", name], "").2,
        Some(0)
    );
    assert!(fs::read_to_string(&file).unwrap().contains("initContainers:"));
    assert_eq!(
        run(&["migrate", "--target", "native", "--check", name], "").2,
        Some(0)
    );
    let old = run(
        &[
            "migrate",
            "--target",
            "native",
            "--kubernetes-version",
            "1.28",
            name,
        ],
        "",
    );
    assert_eq!(old.2, Some(2));
}

#[test]
fn a_resource_list_stays_one_and_gets_results() {
    let list = "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n- apiVersion: batch/v1\n  kind: Job\n  metadata: {name: a}\n  spec:\n    template:\n      spec:\n        restartPolicy: Never\n        containers:\n        - {name: app, image: app, command: [/app]}\n        - {name: filebeat, image: elastic/filebeat}\n";
    let (out, errors, code) = run(&["migrate", "--target", "native", "--no-config", "-"], list);
    assert_eq!(code, Some(0), "{errors}");
    assert!(out.starts_with("apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n"));
    assert!(
        out.contains("initContainers:") && out.contains("\nresults:\n"),
        "{out}"
    );
}

/// The rest of a file of the corpus, where it is there.
fn corpus(folder: &str, number: &str) -> Option<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../shared/corpus")
        .join(folder);
    let file = fs::read_dir(folder).ok()?.filter_map(Result::ok).find(|file| {
        file.file_name()
            .to_string_lossy()
            .starts_with(&format!("{number}-"))
    })?;
    fs::read_to_string(file.path()).ok()
}

/// What stays of an object when everything that its authors changed besides is left out.
fn comparable(text: &str) -> Value {
    fn without(value: &mut Value, path: &str) {
        match value {
            Value::Sequence(items) => items.iter_mut().for_each(|item| without(item, path)),
            Value::Mapping(entries) => {
                // The app's image and command, the proxy's version and its flag for the quit endpoint.
                entries.retain(|(key, _)| {
                    let key = format!("{path}.{key:?}");
                    !(key.contains("ontainers") && (key.contains("\"image\"") || key.contains("\"command\"")))
                });
                for (key, value) in entries.iter_mut() {
                    without(value, &format!("{path}.{key:?}"));
                }
                entries.sort_by_key(|(key, _)| format!("{key:?}"));
            }
            _ => {}
        }
        if let Value::Sequence(items) = value {
            items.retain(|item| *item != Value::string("--quitquitquit"));
        }
    }
    let mut value = Value::of(parse(text).unwrap().root(0).unwrap()).unwrap();
    without(&mut value, "");
    value
}

#[test]
fn a_job_of_the_corpus_becomes_what_its_authors_made_of_it() {
    let (Some(before), Some(after)) = (corpus("positive", "001"), corpus("negative", "101")) else {
        tell::skip("corpus", "001 or 101 of the corpus is not beside the project");
        return;
    };
    let (made, said, code) = run(&["migrate", "--target", "native", "--no-config", "-"], &before);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(comparable(&made), comparable(&after), "{said}\n{made}");
    // Its quit call is an argument of the app, which a person has to look at.
    assert!(said.contains("it never runs"), "{said}");
}

#[test]
fn a_diff_is_coloured_where_colour_is_asked_for() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/migrating.md");
    let (_, before) = blocks(&fs::read_to_string(guide).unwrap(), "before").remove(0);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("a.yaml");
    fs::write(&file, &before).unwrap();
    let name = file.to_str().unwrap();
    let (plain, ..) = run(&["migrate", "--target", "native", "--color", "never", name], "");
    let (coloured, ..) = run(&["migrate", "--target", "native", "--color", "always", name], "");
    assert!(!plain.contains('\u{1b}'));
    for line in [
        "\u{1b}[1m--- a",
        "\u{1b}[36m@@",
        "\u{1b}[32m+          restartPolicy: Always",
        "\u{1b}[31m-      containers:\u{1b}[0m\n",
    ] {
        assert!(coloured.contains(line), "{line:?}: {coloured:?}");
    }
    let uncoloured: String = coloured
        .split('\u{1b}')
        .map(|part| {
            part.split_once('m')
                .filter(|(code, _)| code.starts_with('['))
                .map_or(part, |(_, rest)| rest)
        })
        .collect();
    assert_eq!(uncoloured, plain);
}

#[cfg(unix)]
#[test]
fn a_written_file_keeps_its_mode_its_owner_and_the_link_to_it() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/migrating.md");
    let (_, before) = blocks(&fs::read_to_string(guide).unwrap(), "before").remove(0);
    let directory = tempfile::tempdir().unwrap();
    let (file, link) = (
        directory.path().join("real.yaml"),
        directory.path().join("link.yaml"),
    );
    fs::write(&file, &before).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    // Only root may give files away.
    let given_away = chown(&file, Some(12345), Some(54321)).is_ok();
    symlink("real.yaml", &link).unwrap();
    let (_, said, code) = run(
        &["migrate", "--target", "native", "--write", link.to_str().unwrap()],
        "",
    );
    assert_eq!(code, Some(0), "{said}");
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(
        fs::read_to_string(&file)
            .unwrap()
            .contains("restartPolicy: Always")
    );
    let metadata = fs::metadata(&file).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o640);
    if given_away {
        assert_eq!((metadata.uid(), metadata.gid()), (12345, 54321));
    } else {
        tell::skip("root", "only root can give a file to somebody else");
    }
    assert_eq!(
        fs::read_dir(directory.path()).unwrap().count(),
        2,
        "nothing is left behind"
    );
    // What can't be written is an error, and stays as it was.
    let nowhere = directory.path().join("nowhere.yaml");
    symlink("/dev/null/nothing", &nowhere).unwrap();
    let (_, _, code) = run(
        &[
            "migrate",
            "--target",
            "native",
            "--write",
            nowhere.to_str().unwrap(),
        ],
        "",
    );
    assert_eq!(code, Some(3));
}

#[test]
fn effective_requests_are_shown_where_they_change() {
    let text = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: a}\nspec:\n  template:\n    spec:\n      restartPolicy: Never\n      initContainers:\n      - name: redirect\n        image: istio/proxyv2\n      - {name: setup, image: setup, resources: {requests: {memory: 1Gi}, limits: {cpu: '2'}}}\n      containers:\n      - {name: app, image: app, command: [/app]}\n      - {name: istio-proxy, image: proxy, resources: {requests: {memory: 128Mi}, limits: {cpu: 500m}}}\n";
    let text = text.replace("redirect", "istio-init").replace(
        "name: istio-proxy, image: proxy",
        "name: kuma-dp, image: kumahq/kuma-dp",
    );
    let (_, said, _) = run(&["migrate", "--target", "native", "--no-config", "-"], &text);
    assert!(
        said.contains(
            "the pod's effective resources change: limits.cpu 2 → 2500m, requests.memory 1Gi → 1152Mi"
        ),
        "{said}"
    );
    let (_, said, _) = run(
        &["migrate", "--target", "native", "--no-config", "-"],
        &text.replace("istio-init", "other"),
    );
    assert!(said.contains("declared") && !said.contains("effective"), "{said}");
}

/// Rules whose findings are gone once nothing was refused.
const REMOVED: [&str; 8] = [
    "startup-poll",
    "startup-sleep",
    "quit-endpoint",
    "marker-file",
    "shared-pid-kill",
    "job-never-completes",
    "sidecar-prestop-delay",
    "leftover-workaround",
];

/// The rules that find something in a text.
fn findings(text: &str) -> Vec<String> {
    let source = Arc::new(SourceFile {
        name: "a.yaml".into(),
        text: text.into(),
    });
    let options = lint::Options {
        settings: Settings::default(),
        catalogue: Arc::new(Catalogue::built_in().clone()),
    };
    let outcome = lint::lint_source(&source, &[], &options);
    // What an info says is a person's to decide.
    let found = outcome.findings.iter();
    let found = found.filter(|finding| finding.severity >= Severity::Warning);
    found.map(|finding| finding.rule.name.to_owned()).collect()
}

/// What an app's script may do before and after its work.
fn script() -> impl Strategy<Value = String> {
    let before = prop::sample::select(vec![
        "",
        "sleep 5\n",
        "# wait\nuntil nc -z localhost 6432; do sleep 1; done\n",
        "while ! curl -sf http://localhost:9901/ready; do\n  sleep 2\ndone\n",
        "set -e\n",
        "trap 'touch /work/done' EXIT\n",
        "echo starting\n",
    ]);
    let work = prop::sample::select(vec![
        "/app --x\n",
        "/app \"$URL\" | tee /log\n",
        "exec /app\n",
        "/app 'on' n 8080\n",
    ]);
    let after = prop::sample::select(vec![
        "",
        "code=$?\ncurl -X POST localhost:9901/quitquitquit\nexit $code\n",
        "touch /work/done\n",
        "pkill pgbouncer\n",
        "curl -X POST localhost:9901/quitquitquit || true\n",
    ]);
    (before, work, after).prop_map(|(before, work, after)| format!("{before}{work}{after}"))
}

fn sidecar() -> impl Strategy<Value = String> {
    let image = prop::sample::select(vec![
        ("pgbouncer", "edoburu/pgbouncer:1", 6432),
        ("envoy", "envoyproxy/envoy:v1", 9901),
        ("filebeat", "elastic/filebeat:8", 5066),
    ]);
    let hook = prop::sample::select(vec![
        "",
        "    lifecycle: {preStop: {exec: {command: [sleep, '9']}}} # stay\n",
        "    lifecycle:\n      postStart:\n        exec: {command: [sh, -c, 'sleep 3']}\n      preStop:\n        sleep: {seconds: 9}\n",
        "    readinessProbe: {tcpSocket: {port: 6432}}\n",
        "    command: [sh, -c, \"/bin/x & p=$!; while [ ! -f /work/done ]; do sleep 1; done; kill $p\"]\n",
        "    command:\n    - sh\n    - -c\n    - |\n      trap '' TERM\n      /bin/x\n",
    ]);
    let mount = prop::sample::select(vec!["", "    volumeMounts: [{name: work, mountPath: /work}]\n"]);
    (image, hook, mount).prop_map(|((name, image, port), hook, mount)| {
        format!("  # about {name}\n  - name: {name}\n    image: {image}\n    ports:\n    - containerPort: {port}\n{hook}{mount}")
    })
}

fn pod() -> impl Strategy<Value = String> {
    let policy = prop::sample::select(vec!["Never", "OnFailure", "Always"]);
    let init = prop::sample::select(vec![
        "",
        "  initContainers:\n  - {name: setup, image: busybox}\n",
        "  initContainers: []\n",
    ]);
    let order = (any::<bool>(), any::<bool>());
    let ending = (any::<bool>(), any::<bool>());
    (script(), sidecar(), policy, init, order, ending).prop_map(
        |(script, sidecar, policy, init, (sidecar_first, volumes_first), (windows, unended))| {
            let script = script.replace('\n', "\n      ");
            let mount = "    volumeMounts: [{name: work, mountPath: /work}]\n";
            let arguments = format!("    args:\n    - |\n      {}\n", script.trim_end());
            let rest = if sidecar_first {
                format!("{mount}{arguments}")
            } else {
                format!("{arguments}{mount}")
            };
            let app = format!(
                "  - name: app # the app\n    image: app:1\n    env: [{{name: URL, value: x}}]\n    command: [\"sh\", \"-c\"]\n{rest}"
            );
            let containers = if sidecar_first {
                format!("  containers:\n{sidecar}{app}")
            } else {
                format!("  containers:\n{app}{sidecar}")
            };
            let volumes = "  volumes: [{name: work, emptyDir: {}}]\n";
            let rest = if volumes_first {
                format!("{volumes}{containers}")
            } else {
                format!("{containers}{volumes}")
            };
            let mut text = format!(
                "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\nspec:\n  restartPolicy: {policy}\n  shareProcessNamespace: true\n{init}{rest}"
            );
            if unended {
                text.pop();
            }
            if windows { text.replace('\n', "\r\n") } else { text }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn generated_pods_keep_what_is_promised(text in pod()) {
        for form in [Form::Native, Form::Lifecycle, Form::Annotation] {
            for review in [false, true] {
                let once = migrated(&text, form, review);
                prop_assert_eq!(&once.failures, &[]);
                let twice = migrated(&once.text, form, review);
                prop_assert_eq!(&twice.text, &once.text);
                if text.contains("\r\n") {
                    prop_assert!(!once.text.replace("\r\n", "").contains('\n'));
                }
                if review && once.plans.iter().all(|plan| plan.refusals.is_empty()) {
                    let left = findings(&once.text);
                    prop_assert!(
                        !left.iter().any(|rule| REMOVED.contains(&rule.as_str())),
                        "{:?} {:?}\n{}", form, left, once.text
                    );
                }
                // No comment is made up.
                for comment in once.text.lines().filter_map(|line| line.split_once("# ")) {
                    prop_assert!(text.contains(comment.1), "{}", comment.1);
                }
            }
        }
    }
}
