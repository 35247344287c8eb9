//! Tells the program which commit it is made of, and the linker what a release leaves out.

use std::{env, ffi::OsStr, fs, path::Path, process::Command};

/// Where `cargo package` writes the commit of what is on crates.io.
const PACKAGED: &str = ".cargo_vcs_info.json";

/// What keeps the tables for unwinding out of a binary: a tenth of it.
const NO_UNWINDING: &str = "release/no-unwinding.ld";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    leave_out_of_releases();
    watch(PACKAGED);
    // A debug build would have to be made anew after every commit to say the truth.
    let commit = packaged().or_else(|| {
        (env::var("PROFILE").as_deref() == Ok("release"))
            .then(checked_out)
            .flatten()
    });
    let version = env::var("CARGO_PKG_VERSION").unwrap_or_default();
    match commit {
        Some(commit) => {
            println!("cargo:rustc-env=KUBECTL_SIDECAR_VERSION={version} ({commit})");
            println!("cargo:rustc-env=KUBECTL_SIDECAR_COMMIT={commit}");
        }
        None => println!("cargo:rustc-env=KUBECTL_SIDECAR_VERSION={version}"),
    }
}

/// What makes a release for Linux smaller; the linkers of others know none of it.
fn leave_out_of_releases() {
    let is_linux = env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux");
    let output = env::var_os("OUT_DIR").unwrap_or_default();
    // A directory of that name may be above a debug build, which unwinds.
    let is_dist = env::var("PROFILE").as_deref() == Ok("release")
        && Path::new(&output).iter().any(|part| part == OsStr::new("dist"));
    if !is_linux || !is_dist {
        return;
    }
    // Where a panic aborts, the standard library's functions bring tables along that nobody reads.
    let directory = env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
    println!("cargo:rustc-link-arg-bins=-Wl,-T,{directory}/{NO_UNWINDING}");
    println!("cargo:rerun-if-changed={NO_UNWINDING}");
    if reads_packed_relocations() {
        println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}

/// Whether the C library of the target reads packed relocations, 4 % of a binary otherwise: musl since 1.2.4, which is
/// older than Rust's own, and glibc since 2.36 (https://sourceware.org/glibc/wiki/Release/2.36).
fn reads_packed_relocations() -> bool {
    match env::var("CARGO_CFG_TARGET_ENV").as_deref() {
        Ok("musl") => true,
        Ok("gnu") if env::var("HOST") == env::var("TARGET") => {
            glibc().is_some_and(|version| version >= (2, 36))
        }
        _ => false,
    }
}

/// The version of this machine's glibc: `glibc 2.41`.
fn glibc() -> Option<(u32, u32)> {
    let output = Command::new("getconf").arg("GNU_LIBC_VERSION").output().ok()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let (major, minor) = said.trim().rsplit(' ').next()?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// The commit of a crate from crates.io: `{"git": {"sha1": "…"}, …}`.
fn packaged() -> Option<String> {
    let text = fs::read_to_string(PACKAGED).ok()?;
    let (_, rest) = text.split_once("\"sha1\"")?;
    rest.split('"').nth(1).map(str::to_owned)
}

/// The commit of a clone, marked where files differ from it.
fn checked_out() -> Option<String> {
    // Inside of another repository, as where dependencies are kept in one, the commit would be that one's.
    if !git(&["rev-parse", "--show-prefix"])?.is_empty() {
        return None;
    }
    for name in ["HEAD", "index", "packed-refs"] {
        watch(&git(&["rev-parse", "--git-path", name])?);
    }
    if let Some(branch) = git(&["symbolic-ref", "--quiet", "HEAD"]) {
        watch(&git(&["rev-parse", "--git-path", &branch])?);
    }
    for path in ["src", "Cargo.toml", "Cargo.lock"] {
        watch(path);
    }
    let commit = git(&["rev-parse", "HEAD"])?;
    let changes = git(&["status", "--porcelain", "--untracked-files=no"])?;
    Some(if changes.is_empty() {
        commit
    } else {
        format!("{commit}-dirty")
    })
}

/// A path that is not there would have this run at every build.
fn watch(path: &str) {
    if fs::exists(path).unwrap_or_default() {
        println!("cargo:rerun-if-changed={path}");
    }
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    output
        .status
        .success()
        .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
