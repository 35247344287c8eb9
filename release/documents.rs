//! What a release's archives hold beside the program: man pages and completion scripts.
//!
//! `release/build` runs it: `cargo run --example documents DIRECTORY`.

use std::{
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use kubectl_sidecar::cli::{command, completion_scripts};

fn main() -> Result<(), Box<dyn Error>> {
    let directory = env::args_os().nth(1).ok_or("name a directory to write to")?;
    write(&PathBuf::from(directory))
}

/// Writes all of them to a directory.
pub(crate) fn write(directory: &Path) -> Result<(), Box<dyn Error>> {
    let man = directory.join("man");
    fs::create_dir_all(&man)?;
    clap_mangen::generate_to(command(), &man)?;
    let completions = directory.join("completions");
    fs::create_dir_all(&completions)?;
    for (name, script) in completion_scripts()? {
        fs::write(completions.join(name), script)?;
    }
    Ok(())
}
