//! Which configuration an input has: the one above it, up to the root of its repository.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use super::{ConfigurationError, Loaded};
use crate::source::{CONFIGURATION, Input, Origin};

/// The configurations of a run.
#[derive(Debug)]
pub(in crate::cli) struct Configurations {
    /// All of them; inputs without one have the first.
    pub(in crate::cli) loaded: Vec<Loaded>,
    discover: bool,
    known: HashMap<PathBuf, usize>,
}

impl Configurations {
    /// The configuration `file` for all inputs, or those that are found unless `discover` is false.
    pub(in crate::cli) fn new(file: Option<&Path>, discover: bool) -> Result<Self, ConfigurationError> {
        let first = match file {
            Some(file) => Loaded::read(file)?,
            None => Loaded::none(),
        };
        Ok(Self {
            loaded: vec![first],
            discover: discover && file.is_none(),
            known: HashMap::new(),
        })
    }

    /// The configuration of the current directory: objects have none of their own.
    pub(in crate::cli) fn of_objects(mut self) -> Result<Loaded, ConfigurationError> {
        let here = Input {
            name: String::new(),
            origin: Origin::StandardInput,
        };
        let index = self.of(&here)?;
        Ok(self.loaded.into_iter().nth(index).unwrap_or_else(Loaded::none))
    }

    /// The index of the configuration of an input.
    pub(in crate::cli) fn of(&mut self, input: &Input) -> Result<usize, ConfigurationError> {
        if !self.discover {
            return Ok(0);
        }
        let start = match &input.origin {
            Origin::Kustomization(directory) => directory.clone(),
            Origin::File(path) | Origin::Found(path) => path.parent().map(Path::to_owned).unwrap_or_default(),
            Origin::StandardInput => PathBuf::new(),
        };
        let start = if start.as_os_str().is_empty() {
            PathBuf::from(".")
        } else {
            start
        };
        if let Some(index) = self.known.get(&start) {
            return Ok(*index);
        }
        let mut visited = vec![start.clone()];
        let mut index = 0;
        let absolute = fs::canonicalize(&start).unwrap_or(start);
        for directory in absolute.ancestors() {
            if let Some(known) = self.known.get(directory) {
                index = *known;
                break;
            }
            visited.push(directory.to_owned());
            let candidate = directory.join(CONFIGURATION);
            if candidate.is_file() {
                self.loaded.push(Loaded::read(&shortened(&candidate))?);
                index = self.loaded.len() - 1;
                break;
            }
            // The repository ends here.
            if directory.join(".git").exists() {
                break;
            }
        }
        for directory in visited {
            self.known.insert(directory, index);
        }
        Ok(index)
    }
}

/// The path as people would write it from the current directory.
fn shortened(path: &Path) -> PathBuf {
    std::env::current_dir()
        .and_then(fs::canonicalize)
        .ok()
        .and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned))
        .unwrap_or_else(|| path.to_owned())
}
