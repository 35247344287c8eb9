//! `krew-manifest.yaml` and `release/build`: what krew asks of a manifest, and the archive installed by krew.
//!
//! krew's rules: `internal/index/validation` and `cmd/validate-krew-manifest` of kubernetes-sigs/krew, and what
//! reviewers of krew-index ask for.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "test code"
)]

#[allow(dead_code, reason = "its main belongs to the release script")]
#[path = "../release/documents.rs"]
mod documents;
#[path = "support/programs.rs"]
mod programs;
#[path = "support/tell.rs"]
mod tell;

use std::{
    collections::{BTreeSet, HashSet},
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_yaml::Value;

/// The target whose archive holds the real binary here.
const LINUX: &str = "x86_64-unknown-linux-musl";

const OTHERS: [&str; 5] = [
    "aarch64-unknown-linux-musl",
    "x86_64-apple-darwin",
    "aarch64-apple-darwin",
    "x86_64-pc-windows-msvc",
    "aarch64-pc-windows-msvc",
];

/// krew's own judge of manifests.
const VALIDATOR: &str = "validate-krew-manifest";

/// Runs the release script; `None` where there is no Python.
fn release(arguments: &[&str]) -> Option<Output> {
    let has_python = Command::new("python3").arg("--version").output().is_ok();
    if !has_python {
        tell::skip("python3", "there is no python3");
        return None;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new("python3");
    command.arg(root.join("release/build")).args(arguments);
    Some(command.output().unwrap())
}

/// Packs what was built for these tests already, which is quicker than a release build.
fn pack(target: &str, binary: &str, directory: &Path) -> Option<()> {
    let pages = tempfile::tempdir().unwrap();
    documents::write(pages.path()).unwrap();
    let output = release(&[
        "--binary",
        binary,
        "--documents",
        pages.path().to_str().unwrap(),
        "--directory",
        directory.to_str().unwrap(),
        target,
    ])?;
    assert!(output.status.success(), "{output:?}");
    Some(())
}

fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The names in an archive.
fn names(archive: &Path) -> BTreeSet<String> {
    let listed = if archive.extension().unwrap() == "zip" {
        let script = "import sys, zipfile; print('\\n'.join(zipfile.ZipFile(sys.argv[1]).namelist()))";
        succeed(Command::new("python3").args(["-c", script]).arg(archive))
    } else {
        succeed(Command::new("tar").arg("tzf").arg(archive))
    };
    listed.lines().map(str::to_owned).collect()
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key]
        .as_str()
        .unwrap_or_else(|| panic!("no {key} in {value:?}"))
}

#[test]
fn the_manifest_is_one_that_krew_takes() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    // The binaries of other systems can't be built here; the manifest does not look into them.
    let stand_in = directory.join("stand-in");
    fs::write(&stand_in, "of another system").unwrap();
    for target in [LINUX].iter().chain(&OTHERS) {
        if pack(target, stand_in.to_str().unwrap(), directory).is_none() {
            return;
        }
    }
    let text = fs::read_to_string(directory.join("krew-manifest.yaml")).unwrap();
    let manifest: Value = serde_yaml::from_str(&text).unwrap();
    check_plugin(&manifest);
    for platform in manifest["spec"]["platforms"].as_sequence().unwrap() {
        check_archive(platform, directory);
    }
    if let Some(validator) = programs::find(VALIDATOR) {
        validate(&validator, &text);
    }
}

/// The repository's own manifest is what a release of this version will have, but for the sums.
#[test]
fn the_repository_s_manifest_is_of_this_version() {
    let committed = include_str!("../krew-manifest.yaml");
    let manifest: Value = serde_yaml::from_str(committed).unwrap();
    check_plugin(&manifest);
    let directory = tempfile::tempdir().unwrap();
    let archive = directory.path().join("stand-in");
    fs::write(&archive, "no program").unwrap();
    for target in [LINUX].iter().chain(&OTHERS) {
        if pack(target, archive.to_str().unwrap(), directory.path()).is_none() {
            return;
        }
    }
    let released = fs::read_to_string(directory.path().join("krew-manifest.yaml")).unwrap();
    let without_sums = |text: &str| {
        let lines = text.lines().skip_while(|line| line.starts_with('#'));
        let lines = lines.filter(|line| !line.trim_start().starts_with("sha256:"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(
        without_sums(committed),
        without_sums(&released),
        "run release/build --manifest"
    );
    if let Some(validator) = programs::find(VALIDATOR) {
        validate(&validator, committed);
    } else {
        tell::skip(VALIDATOR, &format!("there is no {VALIDATOR}"));
    }
}

/// krew's own check of a manifest, as krew-index runs it.
fn validate(validator: &Path, manifest: &str) {
    let directory = tempfile::tempdir().unwrap();
    // The file must be called as the plugin is.
    let file = directory.path().join("sidecar.yaml");
    fs::write(&file, manifest).unwrap();
    succeed(
        Command::new(validator)
            .arg("-skip-install")
            .arg("-manifest")
            .arg(&file),
    );
}

/// What krew and its reviewers ask of a manifest, whatever its archives are.
fn check_plugin(manifest: &Value) {
    assert_eq!(
        text(manifest, "apiVersion"),
        "krew.googlecontainertools.github.com/v1alpha2"
    );
    assert_eq!(text(manifest, "kind"), "Plugin");
    let name = text(&manifest["metadata"], "name");
    assert!(
        !name.is_empty()
            && name
                .chars()
                .all(|one| one.is_ascii_lowercase() || one.is_ascii_digit() || one == '-'),
        "{name}"
    );
    assert!(!name.starts_with("kube"), "{name}: krew's naming guide");
    assert!(
        !["con", "prn", "aux", "nul", "com1", "lpt1"].contains(&name),
        "{name} is a device of Windows"
    );

    let spec = &manifest["spec"];
    assert_eq!(text(spec, "version"), concat!("v", env!("CARGO_PKG_VERSION")));
    let short = text(spec, "shortDescription");
    assert!(
        !short.is_empty() && short.len() <= 50 && !short.contains('\n') && !short.ends_with('.'),
        "{short}"
    );
    for line in [text(spec, "description"), text(spec, "caveats")]
        .iter()
        .flat_map(|text| text.lines())
    {
        assert!(line.chars().count() <= 80, "{line}");
    }
    assert!(text(spec, "homepage").starts_with("https://github.com/"));

    let platforms = spec["platforms"].as_sequence().unwrap();
    let mut selected = HashSet::new();
    for platform in platforms {
        check_platform(platform);
        let labels = platform["selector"]["matchLabels"].as_mapping().unwrap();
        assert_eq!(
            labels.len(),
            2,
            "selectors with both labels overlap only where they are the same"
        );
        let label = |key| text(&platform["selector"]["matchLabels"], key).to_owned();
        assert!(
            selected.insert((label("os"), label("arch"))),
            "{platform:?} is there twice"
        );
    }
    let expected = ["linux", "darwin", "windows"]
        .iter()
        .flat_map(|os| ["amd64", "arm64"].map(|arch| ((*os).to_owned(), arch.to_owned())));
    assert_eq!(selected, expected.collect());
}

fn check_platform(platform: &Value) {
    let uri = text(platform, "uri");
    let file = uri.rsplit('/').next().unwrap();
    assert!(
        uri.starts_with("https://") && (file.ends_with(".tar.gz") || file.ends_with(".zip")),
        "{uri}"
    );
    let sum = text(platform, "sha256");
    assert!(
        sum.len() == 64 && sum.chars().all(|one| matches!(one, '0'..='9' | 'a'..='f')),
        "{sum}"
    );
    assert!(
        platform.get("files").is_none(),
        "krew extracts everything, the LICENSE too"
    );
}

/// The archive of a platform is what the manifest says, and has what belongs into it.
fn check_archive(platform: &Value, directory: &Path) {
    let file = text(platform, "uri").rsplit('/').next().unwrap();
    let sum = text(platform, "sha256");
    let archive = directory.join(file);
    let real = succeed(Command::new("sha256sum").arg(&archive));
    assert_eq!(real.split(' ').next().unwrap(), sum, "{file}");
    let sums = fs::read_to_string(directory.join("SHA256SUMS")).unwrap();
    assert!(sums.contains(&format!("{sum}  {file}\n")), "{sums}");
    let names = names(&archive);
    for needed in [
        text(platform, "bin"),
        "LICENSE",
        "man/kubectl-sidecar.1",
        "completions/kubectl-sidecar.bash",
    ] {
        assert!(names.contains(needed), "{file} has no {needed}: {names:?}");
    }
}

#[test]
fn the_linux_archive_installs_with_krew() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    let dist = root.join("dist");
    if pack(LINUX, env!("CARGO_BIN_EXE_kubectl-sidecar"), &dist).is_none() {
        return;
    }
    let Some(krew) = programs::find("krew") else {
        tell::skip("krew", "there is no krew");
        return;
    };
    let manifest = dist.join("krew-manifest.yaml");
    let plugin: Value = serde_yaml::from_str(&fs::read_to_string(&manifest).unwrap()).unwrap();
    let name = text(&plugin["metadata"], "name");
    let platform = &plugin["spec"]["platforms"][0];
    let archive = dist.join(text(platform, "uri").rsplit('/').next().unwrap());
    // krew takes the platform of this machine, and the archive is packed as one of amd64.
    succeed(
        Command::new(krew)
            .arg("install")
            .args([
                format!("--manifest={}", manifest.display()),
                format!("--archive={}", archive.display()),
            ])
            .env("KREW_ROOT", root.join("krew"))
            .env("KREW_OS", "linux")
            .env("KREW_ARCH", "amd64")
            .env("KREW_NO_UPGRADE_CHECK", "1"),
    );

    let path = format!(
        "{}:{}",
        root.join("krew/bin").display(),
        std::env::var("PATH").unwrap()
    );
    let kubectl = |arguments: &[&str]| {
        Command::new("kubectl")
            .args(arguments)
            .env("PATH", &path)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
    };
    let Ok(linted) = kubectl(&[name, "lint", "--no-config", "examples/job-with-proxy.yaml"]) else {
        tell::skip("kubectl", "there is no kubectl");
        return;
    };
    let printed = String::from_utf8(linted.stdout).unwrap();
    assert_eq!(linted.status.code(), Some(1), "{printed}");
    assert!(printed.contains("quit-endpoint"), "{printed}");
    let help = kubectl(&[name, "lint", "-h"]).unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    assert!(help.contains(&format!("Usage: kubectl {name} lint")), "{help}");
}

#[test]
fn what_cannot_be_built_here_is_said() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path().to_str().unwrap();
    if cfg!(target_os = "macos") {
        return;
    }
    let Some(output) = release(&["--directory", directory, "aarch64-apple-darwin"]) else {
        return;
    };
    assert!(!output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said.lines().last(), Some("aarch64-apple-darwin: needs macOS"));
}
