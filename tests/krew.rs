//! `release/build`: what krew asks of a manifest, and the archive installed as krew installs it.
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
#[path = "support/tell.rs"]
mod tell;

use std::{
    collections::{BTreeSet, HashSet},
    fs,
    os::unix::fs::symlink,
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
    let manifest = fs::read_to_string(directory.join("krew-manifest.yaml")).unwrap();
    let manifest: Value = serde_yaml::from_str(&manifest).unwrap();
    assert_eq!(
        text(&manifest, "apiVersion"),
        "krew.googlecontainertools.github.com/v1alpha2"
    );
    assert_eq!(text(&manifest, "kind"), "Plugin");
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
        check_platform(platform, directory);
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

fn check_platform(platform: &Value, directory: &Path) {
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
    assert!(
        platform.get("files").is_none(),
        "krew extracts everything, the LICENSE too"
    );
}

#[test]
fn the_linux_archive_runs_where_krew_puts_it() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    let dist = root.join("dist");
    if pack(LINUX, env!("CARGO_BIN_EXE_kubectl-sidecar"), &dist).is_none() {
        return;
    }
    let manifest: Value =
        serde_yaml::from_str(&fs::read_to_string(dist.join("krew-manifest.yaml")).unwrap()).unwrap();
    let (name, spec) = (text(&manifest["metadata"], "name"), &manifest["spec"]);
    let platform = &spec["platforms"][0];
    let archive = dist.join(text(platform, "uri").rsplit('/').next().unwrap());
    // ~/.krew/store/NAME/VERSION/… and a link to it in ~/.krew/bin, with - as _.
    let store = root.join("store").join(name).join(text(spec, "version"));
    let bin = root.join("bin");
    fs::create_dir_all(&store).unwrap();
    fs::create_dir_all(&bin).unwrap();
    succeed(Command::new("tar").arg("xzf").arg(&archive).arg("-C").arg(&store));
    let link = bin.join(format!("kubectl-{}", name.replace('-', "_")));
    symlink(store.join(text(platform, "bin")), link).unwrap();

    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
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
