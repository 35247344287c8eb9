//! Reads kubeconfigs, but for those that kube panics on.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use kube::config::{Kubeconfig, KubeconfigError};

/// The kubeconfig of that path; without one those that kubectl reads.
pub(super) fn read(path: Option<&Path>) -> Result<Kubeconfig, KubeconfigError> {
    check(path)?;
    path.map_or_else(Kubeconfig::read, Kubeconfig::read_from)
}

/// Whether kube can read what [`read`] would.
pub(super) fn check(path: Option<&Path>) -> Result<(), KubeconfigError> {
    let paths = match (path, std::env::var_os("KUBECONFIG")) {
        (Some(path), _) => vec![path.to_owned()],
        (None, Some(named)) if !named.is_empty() => std::env::split_paths(&named).collect(),
        (None, _) => std::env::home_dir()
            .map(|home| home.join(".kube/config"))
            .into_iter()
            .collect(),
    };
    match paths.into_iter().find(|path| ends_within_a_character(path)) {
        Some(path) => Err(ends_early(path)),
        None => Ok(()),
    }
}

fn ends_early(path: PathBuf) -> KubeconfigError {
    let reason = "it is UTF-16 and ends within a character";
    KubeconfigError::ReadConfig(io::Error::new(io::ErrorKind::InvalidData, reason), path)
}

/// A pipe can't be read twice, so only files are looked at.
fn ends_within_a_character(path: &Path) -> bool {
    let is_odd =
        fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && !metadata.len().is_multiple_of(2));
    let mut mark = [0; 2];
    is_odd
        && File::open(path).is_ok_and(|mut file| file.read_exact(&mut mark).is_ok())
        && matches!(mark, [0xFE, 0xFF] | [0xFF, 0xFE])
}
