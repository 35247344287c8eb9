//! Keeps what was there before it is changed.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::proposal::Proposal;
use crate::{cluster::apply::restorable, yaml::print_json};

/// Writes the object as the server has it to a new file in the directory: `kubectl replace -f` brings it back.
///
/// # Errors
/// What the system says.
pub(super) fn back_up(directory: &Path, proposal: &Proposal) -> io::Result<PathBuf> {
    fs::create_dir_all(directory)?;
    let (path, mut file) = new_file(directory, &proposal.name.replace('/', "_"))?;
    let version = proposal
        .live
        .pointer("/metadata/resourceVersion")
        .and_then(serde_json::Value::as_str)
        .unwrap_or_default();
    let text = format!(
        "# {} at resourceVersion {version}, before kubectl-sidecar changed it. To bring it back: kubectl replace -f FILE\n{}",
        proposal.name,
        print_json(&restorable(&proposal.live))
    );
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    Ok(path)
}

/// A file that was not there before: another backup is never written over.
fn new_file(directory: &Path, name: &str) -> io::Result<(PathBuf, File)> {
    let mut number = 1;
    loop {
        let suffix = if number == 1 {
            String::new()
        } else {
            format!(".{number}")
        };
        let path = directory.join(format!("{name}{suffix}.yaml"));
        let mut options = File::options();
        options.write(true).create_new(true);
        // Values of environment variables may be secrets.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        match options.open(&path) {
            Ok(file) => return Ok((path, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backup_is_never_written_over() {
        let directory = tempfile::tempdir().unwrap();
        let names: Vec<_> = (0..3)
            .map(|_| {
                let (path, _) = new_file(directory.path(), "shop_deployment_web").unwrap();
                path.file_name().unwrap().to_string_lossy().into_owned()
            })
            .collect();
        assert_eq!(
            names,
            [
                "shop_deployment_web.yaml",
                "shop_deployment_web.2.yaml",
                "shop_deployment_web.3.yaml"
            ]
        );
    }
}
