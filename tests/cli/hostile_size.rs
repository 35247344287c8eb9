//! Manifests that are well formed and far too much of something: bounded work, one clear line, and the other
//! files are linted. A run that is not bounded does not end here within the patience of CI.

use std::fmt::Write;

use super::{CLEAN, Output, Project};

/// Lints a hostile file beside a clean one.
fn beside_clean(hostile: &str) -> Output {
    let output = Project::new()
        .file("clean.yaml", CLEAN)
        .file("hostile.yaml", hostile)
        .run(&["lint", "hostile.yaml", "clean.yaml"]);
    assert!(
        output.stdout.contains(" in ") || output.stdout.contains(" file"),
        "{output}"
    );
    output
}

/// The file is refused in one line.
fn refused(hostile: &str, expected: &str) {
    let output = beside_clean(hostile);
    assert_eq!(output.code, Some(3), "{output}");
    assert_eq!(output.stderr.lines().count(), 1, "{output}");
    assert!(output.stderr.contains(expected), "{output}");
}

/// A pod whose containers are written by `container`.
fn pod(containers: usize, container: impl Fn(usize) -> String) -> String {
    let mut text = String::from("apiVersion: v1\nkind: Pod\nmetadata: {name: many}\nspec:\n  containers:\n");
    (0..containers).for_each(|index| text += &container(index));
    text
}

/// A pod that runs a script.
fn script(text: &str) -> String {
    let mut manifest = pod(1, |_| {
        "    - name: app\n      image: app\n      command: [sh, -c]\n      args:\n        - |\n".to_owned()
    });
    for line in text.lines() {
        writeln!(manifest, "          {line}").unwrap();
    }
    manifest
}

#[test]
fn alias_bombs_are_not_expanded() {
    let mut bomb = String::from("apiVersion: v1\nkind: Pod\na0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    let mut containers = String::from("c0: &c0 {name: a, image: b}\n");
    for level in 1..40 {
        let aliases = |name: char| vec![format!("*{name}{}", level - 1); 9].join(", ");
        writeln!(bomb, "a{level}: &a{level} [{}]", aliases('a')).unwrap();
        writeln!(containers, "c{level}: &c{level} [{}]", aliases('c')).unwrap();
    }
    let output = beside_clean(&format!("{bomb}{containers}spec:\n  containers: *c39\n"));
    assert_eq!(output.code, Some(0), "{output}");
}

#[test]
fn deep_nesting_is_refused() {
    let block: String = (0..10_000)
        .map(|depth| format!("{}a:\n", " ".repeat(depth)))
        .collect();
    refused(&block, "nested here");
    refused(&format!("kind: {}", "[".repeat(10_000)), "nested here");
    refused(
        &format!("kind: {}{}", "{a: ".repeat(10_000), "}".repeat(10_000)),
        "nested here",
    );
}

#[test]
fn a_pod_of_a_thousand_containers_is_left_out() {
    let large = pod(1000, |index| format!("    - {{name: c{index}, image: i}}\n"));
    refused(&large, "hostile.yaml:5:3: a pod with 1000 containers is left out");
}

#[test]
fn containers_that_all_talk_to_each_other_are_linted() {
    let busy = pod(200, |index| {
        format!(
            "    - name: c{index}\n      image: i\n      ports: [{{containerPort: {}}}]\n      \
             command: [sh, -c, 'until nc -z localhost {}; do sleep 1; done; touch /s/{index}; \
             until [ -f /s/{} ]; do sleep 1; done; pkill c{}']\n      \
             volumeMounts: [{{name: s, mountPath: /s}}]\n",
            1000 + index,
            1001 + index,
            index + 1,
            index + 2,
        )
    });
    let output = beside_clean(&format!("{busy}  volumes: [{{name: s, emptyDir: {{}}}}]\n"));
    assert_eq!(output.code, Some(1), "{output}");
    assert_eq!(output.stderr, "", "{output}");
}

#[test]
fn many_documents_are_linted() {
    let output = beside_clean(&format!("{CLEAN}---\n").repeat(3000));
    assert_eq!(output.code, Some(0), "{output}");
    let broken = format!("{CLEAN}---\nbroken: [\n---\n").repeat(3000);
    refused(&broken, "hostile.yaml:");
}

#[test]
fn nasty_scripts_are_bounded() {
    for piece in [
        "$((",
        "(",
        "`",
        "${a:-",
        "$(",
        "case x in a) ",
        "'\n",
        "\"$(\n",
        "cat <<E\nx\n",
        "if a; then\n",
        "a | ",
        "a && ",
        "while ! nc -z localhost 80; do sleep 1; done\n",
        "eval 'sh -c \"eval x\"'\n",
    ] {
        let output = beside_clean(&script(&piece.repeat(60_000 / piece.len())));
        // Whatever the shell makes of it, the manifest is in order.
        assert!(matches!(output.code, Some(0 | 1)), "{piece:?}: {output}");
    }
}

#[test]
fn shared_scripts_are_found_among_many() {
    let mut project = Project::new();
    for index in 0..300 {
        let config_map = format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: scripts-{index}}}\ndata:\n  run.sh: |\n    \
             until nc -z localhost 5432; do sleep 1; done\n    exec /app\n"
        );
        let mut user = pod(1, |_| {
            "    - name: app\n      image: app\n      command: [sh, /scripts/run.sh]\n      \
             volumeMounts: [{name: scripts, mountPath: /scripts}]\n    \
             - {name: db, image: postgres, ports: [{containerPort: 5432}]}\n"
                .to_owned()
        });
        writeln!(
            user,
            "  volumes:\n    - {{name: scripts, configMap: {{name: scripts-{index}}}}}"
        )
        .unwrap();
        project = project
            .file(&format!("maps/{index}.yaml"), config_map)
            .file(&format!("pods/{index}.yaml"), user);
    }
    let output = project.run(&["lint", "-q", "-o", "concise", "."]);
    for index in 0..300 {
        assert!(
            output.stdout.contains(&format!("./maps/{index}.yaml:6:5: ")),
            "{index}: {output}"
        );
    }
}
