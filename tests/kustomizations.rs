//! Kustomizations on the real binary, rendered by the real kustomize: findings stand in the sources, and edited sources
//! render to what migrate makes of the first rendering.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

#[allow(unused, reason = "each test binary uses its part of this module")]
#[path = "support/programs.rs"]
mod programs;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde::Deserialize;
use serde_json::Value;

fn kustomize() -> PathBuf {
    programs::find("kustomize").expect("kustomize, which `.ci/run` installs")
}

/// A copy of a tree of `tests/kustomizations`.
fn copy(name: &str) -> tempfile::TempDir {
    let from = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/kustomizations")
        .join(name);
    let directory = tempfile::tempdir().unwrap();
    copy_all(&from, directory.path());
    directory
}

fn copy_all(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            fs::create_dir(&target).unwrap();
            copy_all(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn run(directory: &Path, arguments: &[&str]) -> Output {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let paths = std::env::split_paths(&path).chain(kustomize().parent().map(Path::to_owned));
    Command::new(env!("CARGO_BIN_EXE_kubectl-sidecar"))
        .args(arguments)
        .current_dir(directory)
        .env("PATH", std::env::join_paths(paths).unwrap())
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn build(directory: &Path) -> String {
    let output = Command::new(kustomize())
        .arg("build")
        .arg(directory)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

const MIGRATE: [&str; 4] = ["migrate", "--review", "--target", "native"];

/// The objects of a text, by kind and name.
fn objects(text: &str) -> BTreeMap<String, Value> {
    let documents = serde_yaml::Deserializer::from_str(text);
    let objects = documents.map(|document| Value::deserialize(document).unwrap());
    objects
        .map(|mut object| {
            // kustomize leaves an empty list behind, which says nothing.
            let spec = object
                .pointer_mut("/spec/template/spec")
                .and_then(Value::as_object_mut);
            if let Some(spec) = spec {
                spec.retain(|key, list| key != "initContainers" || *list != Value::Array(Vec::new()));
            }
            (
                format!("{} {}", object["kind"], object["metadata"]["name"]),
                object,
            )
        })
        .collect()
}

/// The build's generated names without their hashes.
fn without_hash(text: &str) -> String {
    let mut text = text.to_owned();
    while let Some(at) = text.find("scripts-prod-") {
        text.replace_range(at + 12..at + 23, "");
    }
    text
}

/// Migrates a tree and holds each way's build against what migrate makes of the old one.
fn migrated(name: &str, ways: &[&str]) -> tempfile::TempDir {
    migrated_by(&MIGRATE, name, ways)
}

fn migrated_by(migrate: &[&str], name: &str, ways: &[&str]) -> tempfile::TempDir {
    let tree = copy(name);
    let wanted: Vec<String> = ways
        .iter()
        .map(|way| {
            let beside = tempfile::tempdir().unwrap();
            fs::write(beside.path().join("old.yaml"), build(&tree.path().join(way))).unwrap();
            let output = run(beside.path(), &[migrate, &["-o", "yaml", "old.yaml"]].concat());
            text(&output.stdout)
        })
        .collect();
    let output = run(tree.path(), &[migrate, &["--write", "."]].concat());
    let said = text(&output.stderr);
    assert!(said.contains("proved by rendering"), "{said}");
    for (way, wanted) in ways.iter().zip(&wanted) {
        let found = without_hash(&build(&tree.path().join(way)));
        assert_eq!(objects(&without_hash(wanted)), objects(&found), "{way}");
    }
    let again = run(tree.path(), &[migrate, &["."]].concat());
    assert_eq!(text(&again.stdout), "", "a second run changes nothing");
    tree
}

fn lint(name: &str) -> String {
    let tree = copy(name);
    text(&run(tree.path(), &["lint", "--color", "never", "."]).stdout)
}

#[test]
fn a_base_its_patches_and_their_paths_change_together() {
    assert!(lint("overlays").contains("--> ./base/job.yaml:19:11"));
    let tree = migrated("overlays", &["overlays/dev", "overlays/prod"]);
    let read = |path: &str| fs::read_to_string(tree.path().join(path)).unwrap();
    assert!(read("overlays/prod/proxy.yaml").contains(
        "initContainers:\n      - name: proxy\n        resources: {requests: {cpu: 100m}}   # more\n"
    ));
    assert!(read("overlays/prod/kustomization.yaml").contains("/containers/0/env"));
    assert!(read("base/job.yaml").starts_with("# The nightly report.\n"));
}

#[test]
fn a_generated_script_is_edited_in_its_file_and_replacements_follow() {
    assert!(
        lint("generator").contains("base/run.sh:5:1"),
        "{}",
        lint("generator")
    );
    let tree = migrated("generator", &["prod"]);
    let script = fs::read_to_string(tree.path().join("base/run.sh")).unwrap();
    assert!(script.starts_with("#!/bin/sh\n# Writes the export.\n") && !script.contains("quitquitquit"));
    let overlay = fs::read_to_string(tree.path().join("prod/kustomization.yaml")).unwrap();
    assert!(overlay.contains("spec.initContainers.[name=proxy].args.1"));
}

#[test]
fn what_only_the_sum_shows_is_found_and_moved_in_the_component() {
    assert!(
        lint("component").contains("--> ./base/job.yaml:18:"),
        "{}",
        lint("component")
    );
    let tree = migrated("component", &["prod"]);
    let component = fs::read_to_string(tree.path().join("proxy/kustomization.yaml")).unwrap();
    assert!(
        component.contains("# The proxy of the database.")
            && component.contains("/spec/template/spec/initContainers\n")
            && component.contains("        - name: 'proxy'   # as the base calls it\n")
            && component
                .contains("          # Its memory.\n\n          resources: {limits: {memory: \"64Mi\"}}"),
        "{component}"
    );
}

/// Who has no sidecar keeps the script: the overlay with the sidecar says otherwise, for itself.
#[test]
fn what_one_overlay_alone_wants_is_written_there() {
    let tree = migrated("one-overlay", &["dev", "prod"]);
    let read = |path: &str| fs::read_to_string(tree.path().join(path)).unwrap();
    assert!(read("base/job.yaml").contains("quitquitquit"));
    assert_eq!(
        read("dev/kustomization.yaml"),
        "resources: [../base]\nnamePrefix: dev-\n"
    );
    let prod = read("prod/kustomization.yaml");
    assert!(
        prod.starts_with("resources: [../base]\npatches:\n- path: proxy.yaml   # the database\n- target:\n")
            && prod.contains("path: /spec/template/spec/containers/0/command\n      value: [load, --all]"),
        "{prod}"
    );
    assert!(read("prod/proxy.yaml").contains("initContainers:\n      - name: proxy\n"));
}

/// A script is a patch's, too, with the line end that it has.
#[test]
fn a_script_that_one_overlay_alone_wants_is_written_there() {
    let tree = migrated("one-script", &["plain", "proxied"]);
    let read = |path: &str| fs::read_to_string(tree.path().join(path)).unwrap();
    assert!(read("base/all.yaml").contains("until curl"));
    let own = read("proxied/kustomization.yaml");
    assert!(own.contains("path: /data/run.sh"), "{own}");
}

/// Annotations that kustomize makes stay beside the new one, and two new entries may end one patch.
#[test]
fn the_annotation_of_a_sidecar_stands_where_one_overlay_has_it() {
    let annotate = ["migrate", "--target", "annotation", "--review"];
    let tree = migrated_by(&annotate, "annotated", &["plain", "proxied"]);
    let read = |path: &str| fs::read_to_string(tree.path().join(path)).unwrap();
    let own = read("proxied/kustomization.yaml");
    assert!(own.contains("/annotations/kubectl-sidecar~1sidecars"), "{own}");
    let tree = migrated_by(&annotate, "ends", &["plain", "pooled"]);
    let pool = fs::read_to_string(tree.path().join("pooled/pool.yaml")).unwrap();
    assert!(
        pool.contains("kubectl-sidecar/sidecars: pgbouncer") && pool.contains("readinessProbe:"),
        "{pool}"
    );
}

/// Of two workloads with a component's sidecar one has no workaround: it stays as it is.
#[test]
fn a_workload_that_shares_a_patch_with_others_gets_one_of_its_own() {
    let tree = migrated("shared-component", &["prod"]);
    let component = fs::read_to_string(tree.path().join("proxy/kustomization.yaml")).unwrap();
    assert!(
        component.contains("path: /spec/template/spec/containers/-")
            && component.contains("    kind: Job\n    name: seed\n")
            && component.contains("op: move\n      from: /spec/template/spec/containers/1\n"),
        "{component}"
    );
    // In another order the build fails, and edits no other container.
    assert!(
        component.contains("op: test\n      path: /spec/template/spec/containers/1/name\n"),
        "{component}"
    );
    let said = text(&run(tree.path(), &["lint", "-q", "-o", "concise", "."]).stdout);
    assert_eq!(said, "", "what was moved by a patch is understood");
}

#[test]
fn a_patch_that_takes_the_sidecar_out_follows_it() {
    let tree = migrated("deleted", &["dev", "prod"]);
    let patch = fs::read_to_string(tree.path().join("dev/without.yaml")).unwrap();
    assert!(
        patch.contains("initContainers:\n      - name: proxy\n        $patch: delete\n      containers:\n"),
        "{patch}"
    );
}

/// kustomize puts the items of a patch first: those that stand before the sidecar are named.
#[test]
fn a_sidecar_of_a_patch_stands_behind_the_init_containers_of_its_base() {
    let tree = migrated("init-order", &["prod"]);
    let patch = fs::read_to_string(tree.path().join("prod/proxy.yaml")).unwrap();
    assert!(
        patch.contains("initContainers:\n      - name: fetch\n      - name: proxy\n        image: "),
        "{patch}"
    );
}

#[test]
fn replacements_that_count_containers_count_anew() {
    let tree = migrated("counted", &["prod"]);
    let kustomization = fs::read_to_string(tree.path().join("base/kustomization.yaml")).unwrap();
    assert!(
        kustomization.contains("[spec.template.spec.initContainers.0.args.1]")
            && kustomization.contains("[spec.template.spec.containers.0.image]"),
        "{kustomization}"
    );
}

/// A container leaves a list that an operation writes, for a list of its own.
#[test]
fn a_list_that_an_operation_writes_loses_its_sidecar() {
    let tree = migrated("whole-list", &["prod"]);
    let patch = fs::read_to_string(tree.path().join("prod/containers.yaml")).unwrap();
    assert!(
        patch.contains("image: registry.example.com/labels:2   # the printer's\n")
            && patch.contains("path: /spec/template/spec/initContainers\n"),
        "{patch}"
    );
    let tree = migrated("whole-spec", &["prod"]);
    let patch = fs::read_to_string(tree.path().join("prod/kustomization.yaml")).unwrap();
    assert!(
        patch.contains("        initContainers:\n        - name: proxy\n"),
        "{patch}"
    );
}

/// A path to all containers reaches the one that is an init container now, and no longer one that has not the field.
#[test]
fn replacements_in_all_containers_follow_the_one_that_moves() {
    let tree = migrated("all-containers", &["prod"]);
    let kustomization = fs::read_to_string(tree.path().join("base/kustomization.yaml")).unwrap();
    assert!(
        kustomization.contains("- spec.template.spec.containers.*.env.[name=ZONE].value\n")
            && kustomization
                .contains("- \"spec.template.spec.initContainers.[name=proxy].env.[name=ZONE].value\"\n")
            && kustomization
                .contains("- spec.template.spec.initContainers.[name=proxy].resources.limits.memory\n")
            && !kustomization.contains("containers.*.resources"),
        "{kustomization}"
    );
}

/// What a URL or a chart brings changes no other object.
#[test]
fn what_comes_from_elsewhere_is_left_out_and_named() {
    let said = text(&run(copy("elsewhere").path(), &["lint", "."]).stderr);
    assert!(
        said.contains(
            "prod: rendered without https://manifests.example.com/crds.yaml: the network is not asked"
        ) && said.contains("stage: rendered without its Helm charts: the network is not asked"),
        "{said}"
    );
    assert!(
        !said.contains("cannot be rendered"),
        "a patch of what is left out is, too: {said}"
    );
    let tree = migrated("elsewhere", &["dev"]);
    let prod = fs::read_to_string(tree.path().join("prod/kustomization.yaml")).unwrap();
    assert!(prod.contains("- https://manifests.example.com/crds.yaml   # of the operator\n"));
}

#[test]
fn a_new_annotation_stands_where_the_old_one_stood() {
    let tree = migrated("hold", &["prod"]);
    let read = |path: &str| fs::read_to_string(tree.path().join(path)).unwrap();
    assert!(!read("base/web.yaml").contains("annotations"));
    assert!(read("prod/kustomization.yaml").ends_with("sidecar.istio.io/nativeSidecar: \"true\"\n"));
}

#[test]
fn a_patch_of_what_lies_outside_is_no_workload() {
    let tree = copy("overlays");
    let output = run(
        tree.path(),
        &["migrate", "--review", "--target", "native", "overlays/prod"],
    );
    assert_eq!(text(&output.stdout), "");
    assert!(
        text(&output.stderr).contains("--allow-outside"),
        "{}",
        text(&output.stderr)
    );
}

/// One tree of several in a directory: its files are not looked at by themselves beside their renderings.
#[test]
fn a_finding_is_told_once_wherever_the_tree_stands() {
    let directory = tempfile::tempdir().unwrap();
    for name in ["generator", "component"] {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kustomizations");
        fs::create_dir(directory.path().join(name)).unwrap();
        copy_all(&from.join(name), &directory.path().join(name));
    }
    let output = run(directory.path(), &["lint", "-q", "-o", "concise", "."]);
    let said = text(&output.stdout);
    assert!(
        said.contains("./generator/base/run.sh:5:1: warning[quit-endpoint]"),
        "{said}"
    );
    assert!(!said.contains("job-never-completes"), "{said}");
    assert_eq!(said.matches("component/base/job.yaml:18:").count(), 1, "{said}");
}

/// A tree is the same one, and is edited once, whatever it is called.
#[test]
fn a_tree_may_be_named_from_anywhere() {
    let tree = copy("overlays");
    let beside = tempfile::tempdir().unwrap();
    let absolute = tree.path().display().to_string();
    for (from, named) in [
        (tree.path().join("overlays"), ".."),
        (beside.path().to_owned(), &absolute),
        (tree.path().parent().unwrap().to_owned(), &absolute),
    ] {
        let output = run(&from, &[&MIGRATE[..], &[named]].concat());
        let said = text(&output.stdout);
        assert_eq!(said.matches("+++ ").count(), 3, "{named}: {said}");
        let told = text(&output.stderr);
        assert!(told.contains("proved by rendering"), "{named}: {told}");
        assert!(!told.contains("the patch in"), "{named}: {told}");
        let said = text(&run(&from, &["lint", "-q", "-o", "concise", named]).stdout);
        assert_eq!(said.matches("quit-endpoint").count(), 1, "{named}: {said}");
        assert!(said.starts_with(&format!("{named}/base/job.yaml:")), "{said}");
    }
}

/// All files with what they hold.
fn snapshot(directory: &Path) -> BTreeMap<PathBuf, String> {
    let mut all = BTreeMap::new();
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let entry = entry.unwrap();
            match entry.file_type().unwrap().is_dir() {
                true => open.push(entry.path()),
                false => drop(all.insert(entry.path(), fs::read_to_string(entry.path()).unwrap_or_default())),
            }
        }
    }
    all
}

#[test]
fn what_lies_outside_is_not_written() {
    let tree = copy("overlays");
    let before = snapshot(tree.path());
    let arguments = ["--write", "--allow-outside", "overlays/prod"];
    let output = run(tree.path(), &[&MIGRATE[..], &arguments].concat());
    let said = text(&output.stderr);
    assert!(
        said.contains("base/job.yaml lies outside of what was named"),
        "{said}"
    );
    assert_eq!(snapshot(tree.path()), before);
    // It is read, and findings stand in it.
    let said = text(
        &run(
            tree.path(),
            &["lint", "-o", "concise", "--allow-outside", "overlays/prod"],
        )
        .stdout,
    );
    assert!(said.contains("base/job.yaml:19:11"), "{said}");
}

/// What two directories have above them was not named with them.
#[test]
fn two_directories_are_not_what_is_between_them() {
    let tree = copy("overlays");
    let both = ["overlays/dev", "overlays/prod"];
    let said = text(&run(tree.path(), &[&["lint"], &both[..]].concat()).stderr);
    assert_eq!(said.matches("--allow-outside").count(), 2, "{said}");
    let output = run(tree.path(), &[&MIGRATE[..], &["base"], &both[..]].concat());
    assert!(text(&output.stderr).contains("proved by rendering"));
}

#[cfg(unix)]
#[test]
fn no_link_leads_out_of_a_tree() {
    use std::os::unix::fs::symlink;
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "SECRET").unwrap();
    type Change<'c> = &'c dyn Fn(&Path);
    let cases: [(&str, Change<'_>); 5] = [
        ("job.yaml", &|tree| {
            fs::rename(tree.join("base/job.yaml"), outside.path().join("job.yaml")).unwrap();
            symlink(outside.path().join("job.yaml"), tree.join("base/job.yaml")).unwrap();
        }),
        ("base/kustomization.yaml", &|tree| {
            let there = outside.path().join("kustomization.yaml");
            fs::rename(tree.join("base/kustomization.yaml"), &there).unwrap();
            symlink(there, tree.join("base/kustomization.yaml")).unwrap();
        }),
        ("../../base", &|tree| {
            fs::rename(tree.join("base"), outside.path().join("base")).unwrap();
            symlink(outside.path().join("base"), tree.join("base")).unwrap();
        }),
        ("link", &|tree| {
            symlink(outside.path().join("secret"), tree.join("base/link")).unwrap();
            let text = "resources: [job.yaml]\nconfigMapGenerator: [{name: a, files: [link]}]\n";
            fs::write(tree.join("base/kustomization.yaml"), text).unwrap();
        }),
        ("../../..", &|tree| {
            fs::write(tree.join("base/kustomization.yaml"), "resources: [../../..]\n").unwrap();
        }),
    ];
    for (named, change) in cases {
        let tree = copy("overlays");
        change(tree.path());
        let said = text(&run(tree.path(), &["lint", "."]).stderr);
        let refused = format!("refers to {named}, outside of what was named");
        assert_eq!(said.matches(&refused).count(), 2, "{named}: {said}");
    }
}

/// Who edits the file behind a link edits what others may use.
#[cfg(unix)]
#[test]
fn what_is_reached_through_a_link_stays() {
    let tree = copy("overlays");
    fs::create_dir(tree.path().join("shared")).unwrap();
    fs::rename(
        tree.path().join("base/job.yaml"),
        tree.path().join("shared/job.yaml"),
    )
    .unwrap();
    fs::write(
        tree.path().join("shared/kustomization.yaml"),
        "resources: [job.yaml]\n",
    )
    .unwrap();
    std::os::unix::fs::symlink("../shared/job.yaml", tree.path().join("base/job.yaml")).unwrap();
    let before = snapshot(tree.path());
    let said = text(&run(tree.path(), &[&MIGRATE[..], &["--write", "."]].concat()).stderr);
    assert!(
        said.contains("is reached through a link, base/job.yaml"),
        "{said}"
    );
    assert_eq!(snapshot(tree.path()), before);
}

/// Opened, it would be waited for without an end.
#[cfg(unix)]
#[test]
fn a_fifo_is_not_opened() {
    let tree = copy("overlays");
    let made = Command::new("mkfifo").arg(tree.path().join("base/pipe")).status();
    assert!(made.unwrap().success());
    fs::write(
        tree.path().join("base/kustomization.yaml"),
        "resources: [job.yaml, pipe]\n",
    )
    .unwrap();
    let said = text(&run(tree.path(), &["lint", "."]).stderr);
    assert_eq!(
        said.matches("refers to pipe, which is no regular file").count(),
        2,
        "{said}"
    );
}

/// kustomize looks for a repository before it looks for a directory.
#[test]
fn a_directory_that_is_called_like_a_repository_is_not_asked_for() {
    for name in ["GitHub.com/a/b", "git@example.com:a/b", "gh:a/b"] {
        let tree = copy("overlays");
        let there = tree.path().join("base").join(name);
        fs::create_dir_all(&there).unwrap();
        fs::write(there.join("kustomization.yaml"), "resources: []\n").unwrap();
        fs::write(
            tree.path().join("base/kustomization.yaml"),
            format!("resources: ['{name}']\n"),
        )
        .unwrap();
        let said = text(&run(tree.path(), &["lint", "."]).stderr);
        assert_eq!(
            said.matches("the network is not asked").count(),
            2,
            "{name}: {said}"
        );
    }
}

const DEPLOYMENT: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      initContainers:
      - {name: setup, image: setup}
      containers:
      - name: filebeat
        image: elastic/filebeat
        ports: [{containerPort: 5066}]
      - name: app
        image: app
        command: [/app]
";

/// Migrates a Deployment with an overlay of these files; what is said, and the files behind it. Without a proof they
/// are as they were.
fn with_overlay(files: &[(&str, &str)]) -> (String, BTreeMap<PathBuf, String>) {
    let tree = tempfile::tempdir().unwrap();
    for directory in ["base", "prod"] {
        fs::create_dir(tree.path().join(directory)).unwrap();
    }
    let base = [
        ("base/kustomization.yaml", "resources: [web.yaml]\n"),
        ("base/web.yaml", DEPLOYMENT),
    ];
    for (name, text) in base.iter().chain(files) {
        fs::write(tree.path().join(name), text).unwrap();
    }
    let before = snapshot(tree.path());
    let said = text(&run(tree.path(), &[&MIGRATE[..], &["--write", "."]].concat()).stderr);
    let after = snapshot(tree.path());
    assert_eq!(
        before == after,
        !said.contains(".: proved by rendering"),
        "{said}"
    );
    let below = |path: PathBuf| path.strip_prefix(tree.path()).unwrap().to_owned();
    (
        said,
        after
            .into_iter()
            .map(|(path, text)| (below(path), text))
            .collect(),
    )
}

/// Of a patch that says no more than what goes, the kustomization's entry goes too; a file is left to its owner.
#[test]
fn no_patch_is_left_with_its_name_alone() {
    let patch = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    spec:\n      containers:\n      - name: filebeat\n        lifecycle: {preStop: {exec: {command: [sleep, '15']}}}\n";
    let inline = patch.replace('\n', "\n    ");
    let inline = format!(
        "resources: [../base]\npatches:\n- patch: |\n    {}\n",
        inline.trim_end()
    );
    let (said, files) = with_overlay(&[("prod/kustomization.yaml", &inline)]);
    assert_eq!(
        files[Path::new("prod/kustomization.yaml")],
        "resources: [../base]\n",
        "{said}"
    );
    let named = "resources: [../base]\npatches: [{path: patch.yaml}]\n";
    let (said, _) = with_overlay(&[("prod/kustomization.yaml", named), ("prod/patch.yaml", patch)]);
    assert!(said.contains("left of the patch prod/patch.yaml"), "{said}");
}

/// An annotation goes into the patch that writes all of them, in the place of the one that it writes now.
#[test]
fn what_a_patch_writes_over_is_not_where_a_new_field_goes() {
    let overlay = "resources: [../base]\npatches:\n- target: {kind: Deployment}\n  patch: |-\n    - op: add\n      path: /spec/template/metadata/annotations\n      value:\n        # The mesh.\n        proxy.istio.io/config: '{ \"holdApplicationUntilProxyStarts\": true }'\n";
    let (said, files) = with_overlay(&[("prod/kustomization.yaml", overlay)]);
    assert!(
        said.contains("istio-proxy is injected as a native sidecar"),
        "{said}"
    );
    let text = &files[Path::new("prod/kustomization.yaml")];
    assert!(
        text.contains("sidecar.istio.io/nativeSidecar: \"true\""),
        "{text}"
    );
    assert!(!text.contains("holdApplicationUntilProxyStarts"), "{text}");
}

/// Whoever waits sees how many are rendered.
#[test]
fn renderings_are_counted_on_a_terminal() {
    let Some(script) = programs::find("script") else {
        return;
    };
    let tree = copy("overlays");
    let slow = tree.path().join("bin");
    fs::create_dir(&slow).unwrap();
    let kubectl = slow.join("kubectl");
    fs::write(&kubectl, "#!/bin/sh\nsleep 2\nprintf 'kind: List\\n'\n").unwrap();
    #[cfg(unix)]
    fs::set_permissions(&kubectl, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let output = Command::new(script)
        .args([
            "-qec",
            &format!("'{}' lint .", env!("CARGO_BIN_EXE_kubectl-sidecar")),
        ])
        .arg("/dev/null")
        .current_dir(tree.path())
        .env("PATH", format!("{}:/usr/bin:/bin", slow.display()))
        .env("TERM", "xterm")
        .output()
        .unwrap();
    let said = text(&output.stdout);
    assert!(said.contains("0/2 charts and kustomizations"), "{said}");
}
