//! Files, directories, standard input, kustomizations.

use super::{BROKEN, CLEAN, Project, complained};

/// A project in which every file is broken, so that each one that is read is complained about.
fn tree() -> Project {
    Project::new()
        .file("b.yaml", BROKEN)
        .file("a.yml", BROKEN)
        .file("c.json", BROKEN)
        .file("notes.txt", BROKEN)
        .file("deep/er/d.yaml", BROKEN)
        .file(".hidden/e.yaml", BROKEN)
        .file(".git/HEAD", "ref: refs/heads/main\n")
        .file(".gitignore", "ignored/\n")
        .file("ignored/f.yaml", BROKEN)
        .file("values.yaml", "a: {{ broken\n")
        .file("package.json", "{broken")
        .file("Chart.yaml", "apiVersion: v2\nname: x\n")
}

#[test]
fn directories_are_searched_as_git_sees_them() {
    let project = tree();
    assert_eq!(
        complained(&project.run(&["lint", "."])),
        [
            "./.hidden/e.yaml",
            "./a.yml",
            "./b.yaml",
            "./c.json",
            "./deep/er/d.yaml"
        ]
    );
    assert_eq!(
        complained(&project.run(&["lint", "deep", "b.yaml"])),
        ["deep/er/d.yaml", "b.yaml"],
        "the order of the arguments is kept"
    );
    let without_git = Project::new()
        .file(".gitignore", "ignored/\n")
        .file("ignored/f.yaml", BROKEN)
        .file("g.yaml", BROKEN);
    assert_eq!(complained(&without_git.run(&["lint", "."])), ["./g.yaml"]);
}

#[test]
fn filenames_are_taken_as_kubectl_takes_them() {
    let project = tree();
    assert_eq!(
        complained(&project.run(&["lint", "-f", "."])),
        ["./a.yml", "./b.yaml", "./c.json"]
    );
    assert_eq!(
        complained(&project.run(&["lint", "-R", "-f", "."])),
        [
            "./.hidden/e.yaml",
            "./a.yml",
            "./b.yaml",
            "./c.json",
            "./deep/er/d.yaml",
            "./ignored/f.yaml"
        ]
    );
    assert_eq!(
        complained(&project.run(&["lint", "-f", "b.yaml,c.json", "-f", "a.yml"])),
        ["b.yaml", "c.json", "a.yml"]
    );
    assert_eq!(
        complained(&project.run(&["lint", "--filename=*.y*ml"])),
        ["a.yml", "b.yaml", "values.yaml"]
    );
}

#[test]
fn named_files_are_read_whatever_they_are_called() {
    let project = tree();
    assert_eq!(complained(&project.run(&["lint", "notes.txt"])), ["notes.txt"]);
    assert_eq!(
        complained(&project.run(&["lint", "ignored/f.yaml"])),
        ["ignored/f.yaml"]
    );
}

#[test]
fn a_file_is_linted_once() {
    let project = Project::new().file("a.yaml", CLEAN);
    let output = project.run(&["lint", "a.yaml", ".", "./a.yaml", "-f", "a.yaml"]);
    assert!(output.stdout.ends_with("in 1 file\n"), "{output}");
    let output = project.command(&["lint", "-", "-"]).stdin(CLEAN).run(&project);
    assert!(output.stdout.ends_with("in 1 file\n"), "{output}");
}

#[test]
fn standard_input_is_a_source() {
    let project = Project::new();
    let output = project.command(&["lint", "-"]).stdin(BROKEN).run(&project);
    assert_eq!(output.code, Some(3));
    assert!(output.stderr.starts_with("error: <stdin>:"), "{output}");
    let output = project.command(&["lint", "-f", "-"]).stdin(CLEAN).run(&project);
    assert_eq!(output.code, Some(0), "{output}");
}

#[test]
fn a_path_that_names_nothing_is_an_error() {
    let project = Project::new()
        .file("a.yaml", CLEAN)
        .file("empty/readme.txt", "")
        .file("deep/er/a.yaml", CLEAN);
    for (arguments, message) in [
        (&["lint", "nope"][..], "error: nope: no such file or directory\n"),
        (
            &["lint", "empty", "a.yaml"],
            "error: empty: no .yaml, .yml or .json file in this directory or below it that git does not ignore\n",
        ),
        (
            &["lint", "-f", "deep"],
            "error: deep: no .yaml, .yml or .json file in this directory; -R searches below it too\n",
        ),
        (
            &["lint", "-f", "x*.yaml"],
            "error: x*.yaml: the pattern matches no file\n",
        ),
    ] {
        let output = project.run(arguments);
        assert_eq!(output.stderr, message);
        assert_eq!(output.code, Some(2), "{output}");
    }
}

#[test]
fn what_is_no_manifest_is_skipped_in_directories() {
    let project = Project::new()
        .file("a.yaml", CLEAN)
        .file("kustomization.yaml", "resources: [a.yaml]\n")
        .file("Chart.yaml", "apiVersion: v2\nname: chart\nversion: 1.0.0\n")
        .file("values.yaml", "image: {{ not yaml\n")
        .file("package.json", "{\"name\": \"x\"")
        .file("latin.yaml", b"name: caf\xe9\n")
        .file(".kubectl-sidecar.yaml", "failOn: never\n");
    let output = project.run(&["lint", "."]);
    assert_eq!(output.code, Some(0), "{output}");
    assert!(output.stdout.ends_with("in 1 file\n"), "{output}");
}

#[test]
fn templates_of_other_kinds_are_notes() {
    let jinja = "{% for team in teams %}\napiVersion: v1\nkind: Pod\nmetadata: {name: a}\n{% endfor %}\n";
    let terraform = "%{ if on ~}\napiVersion: v1\nkind: Pod\nmetadata: {name: b}\n%{ endif ~}\n";
    let project = Project::new()
        .file("a.yaml", CLEAN)
        .file("jinja.yaml", jinja)
        .file("templates/pod.yaml.tpl", terraform);
    let output = project.run(&["lint", "."]);
    assert_eq!(output.code, Some(0), "{output}");
    assert!(
        output
            .stdout
            .contains("2 files are templates that need rendering"),
        "{output}"
    );
    // What has no statement of a template is an error as before.
    let broken = Project::new().file("a.yaml", BROKEN);
    assert_eq!(broken.run(&["lint", "."]).code, Some(3));
}

#[cfg(unix)]
#[test]
fn links_to_nothing_are_counted() {
    let project = Project::new().file("a.yaml", CLEAN).file("b/c.yaml", CLEAN);
    std::os::unix::fs::symlink("nowhere.yaml", project.path().join("b/dead.yaml")).expect("a link");
    let output = project.run(&["lint", "."]);
    assert_eq!(output.code, Some(0), "{output}");
    assert!(
        output.stdout.contains("1 symbolic link leads to nothing"),
        "{output}"
    );
    // kubectl stops there.
    assert_eq!(project.run(&["lint", "-R", "-f", "."]).code, Some(3));
    assert_eq!(project.run(&["lint", "b/dead.yaml"]).code, Some(3));
}

#[test]
fn templates_are_named_with_the_way_out() {
    let template = "{{- if .Values.on }}\napiVersion: v1\nkind: Pod\nspec:\n  containers: []\n{{- end }}\n";
    let project = Project::new().file("chart/templates/job.yaml", template);
    for path in ["chart", "chart/templates/job.yaml"] {
        let output = project.run(&["lint", path]);
        assert_eq!(output.code, Some(0));
        assert_eq!(
            output.stderr,
            "note: chart/templates: 1 template was read as text\n"
        );
    }
}

#[cfg(unix)]
mod kustomize {
    use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

    use super::{super::CLEAN, Project};

    /// A directory for the PATH with programs in it.
    fn path(project: &Project, programs: &[(&str, &str)]) -> PathBuf {
        let directory = project.path().join("bin");
        fs::create_dir_all(&directory).unwrap();
        for (name, script) in programs {
            let program = directory.join(name);
            fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        }
        directory
    }

    fn project() -> Project {
        Project::new()
            .file("overlay/kustomization.yaml", "resources: []\n")
            .file("rendered", CLEAN)
    }

    #[test]
    fn kubectl_renders() {
        let project = project();
        let path = path(
            &project,
            &[(
                "kubectl",
                r#"echo "a warning of kubectl's" >&2; [ "$*" = "kustomize overlay" ] && while read -r line; do echo "$line"; done < /dev/null; echo '{"kind":"Pod",'"#,
            )],
        );
        let output = project
            .command(&["lint", "-k", "overlay"])
            .env("PATH", path)
            .run(&project);
        assert_eq!(output.code, Some(3), "{output}");
        assert!(output.stderr.contains("a warning of kubectl's\n"), "{output}");
        assert!(output.stderr.contains("error: <kustomize overlay>:"), "{output}");
    }

    #[test]
    fn kustomize_renders_where_there_is_no_kubectl() {
        let project = project();
        let path = path(
            &project,
            &[(
                "kustomize",
                r#"[ "$*" = "build overlay" ] && echo "kind: Namespace""#,
            )],
        );
        let output = project
            .command(&["lint", "-k", "overlay"])
            .env("PATH", path)
            .run(&project);
        assert_eq!(output.code, Some(0), "{output}");
        assert!(output.stdout.ends_with("in 1 file\n"), "{output}");
    }

    #[test]
    fn without_a_renderer_there_is_a_clear_error() {
        let project = project();
        let output = project
            .command(&["lint", "-k", "overlay"])
            .env("PATH", path(&project, &[]))
            .run(&project);
        assert_eq!(output.code, Some(3), "{output}");
        assert_eq!(
            output.stderr,
            "error: <kustomize overlay>: cannot be rendered: neither kubectl nor kustomize is on the PATH\n"
        );
    }

    #[test]
    fn a_failure_to_render_is_passed_on() {
        let project = project();
        let path = path(&project, &[("kubectl", "echo 'no such base' >&2; exit 1")]);
        let output = project
            .command(&["lint", "-k", "overlay"])
            .env("PATH", path)
            .run(&project);
        assert_eq!(output.code, Some(3), "{output}");
        assert_eq!(
            output.stderr,
            "no such base\nerror: <kustomize overlay>: `kubectl kustomize overlay` failed (exit status: 1)\n"
        );
    }
}
