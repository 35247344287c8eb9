//! The baseline: findings that were there when somebody decided to look at new ones only.
//!
//! Keyed by rule, object, container and file, not by line, so that it survives edits. How often each was found
//! is counted: one more than in the baseline is reported.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{Identity, Silenced, Suppression};
use crate::{rules::Finding, source::plain};

/// The version of the file's form.
const VERSION: u32 = 1;

/// The findings of a baseline file.
#[derive(Debug)]
pub struct Baseline {
    path: PathBuf,
    entries: Vec<Entry>,
    /// How many findings of each entry were met.
    met: Vec<usize>,
    /// What it has silenced.
    pub silenced: Vec<Silenced>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    version: u32,
    findings: Vec<Entry>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    #[serde(flatten)]
    key: Identity,
    count: usize,
}

/// A baseline could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum BaselineError {
    /// It could not be read.
    #[error(
        "{path}: the baseline cannot be read: {}; --write-baseline makes one",
        plain(source)
    )]
    Read {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
    /// It is no baseline.
    #[error("{path}:{line}:{column}: this is no baseline: {message}; --write-baseline makes a new one")]
    Malformed {
        /// The file.
        path: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What is wrong with it.
        message: String,
    },
    /// It is of a later version of this program.
    #[error("{path}: this baseline has version {version}, and this program knows version {VERSION} only")]
    Version {
        /// The file.
        path: String,
        /// Its version.
        version: u32,
    },
    /// It could not be written.
    #[error("{path}: the baseline cannot be written: {}", plain(source))]
    Write {
        /// The file.
        path: String,
        /// Why.
        source: io::Error,
    },
}

impl Baseline {
    /// Reads a baseline.
    ///
    /// # Errors
    /// It can't be read, or is none.
    pub fn read(path: &Path) -> Result<Self, BaselineError> {
        let name = path.display().to_string();
        let text = fs::read_to_string(path).map_err(|source| BaselineError::Read {
            path: name.clone(),
            source,
        })?;
        let form: Form = serde_json::from_str(&text).map_err(|error| BaselineError::Malformed {
            path: name.clone(),
            line: error.line(),
            column: error.column(),
            message: without_position(&error.to_string()).to_owned(),
        })?;
        if form.version != VERSION {
            return Err(BaselineError::Version {
                path: name,
                version: form.version,
            });
        }
        Ok(Self {
            path: path.to_owned(),
            met: vec![0; form.findings.len()],
            entries: form.findings,
            silenced: Vec::new(),
        })
    }

    /// Writes `findings` as the baseline.
    ///
    /// # Errors
    /// The file can't be written.
    pub fn write(path: &Path, findings: &[Finding]) -> Result<(), BaselineError> {
        let mut counts: BTreeMap<Identity, usize> = BTreeMap::new();
        for finding in findings {
            *counts.entry(identity(finding, path)).or_default() += 1;
        }
        let form = Form {
            version: VERSION,
            findings: counts
                .into_iter()
                .map(|(key, count)| Entry { key, count })
                .collect(),
        };
        let failed = |source| BaselineError::Write {
            path: path.display().to_string(),
            source,
        };
        let mut text = serde_json::to_string_pretty(&form).map_err(|error| failed(error.into()))?;
        text.push('\n');
        fs::write(path, text).map_err(failed)
    }

    /// The findings that are not in the baseline, or not as often.
    #[must_use]
    pub fn apply(&mut self, findings: Vec<Finding>) -> Vec<Finding> {
        let index: BTreeMap<Identity, usize> = self
            .entries
            .iter()
            .enumerate()
            .map(|(at, entry)| (entry.key.clone(), at))
            .collect();
        let mut left = Vec::with_capacity(findings.len());
        for finding in findings {
            let at = index.get(&identity(&finding, &self.path)).copied();
            let known = at.and_then(|at| Some((self.entries.get(at)?, self.met.get_mut(at)?)));
            match known {
                Some((entry, met)) if *met < entry.count => {
                    *met += 1;
                    self.silenced.push(Silenced {
                        finding,
                        by: entry.suppression(&self.path, true),
                        in_source: false,
                    });
                }
                _ => left.push(finding),
            }
        }
        left
    }

    /// One suppression an entry, those aside whose file was not looked at, as `was_read` says of a path. One that was
    /// met less often than it says is not used up.
    pub fn suppressions(&self, was_read: &dyn Fn(&Path) -> bool) -> Vec<Suppression> {
        let directory = match self.path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let directory = fs::canonicalize(directory).unwrap_or_else(|_| directory.to_owned());
        self.entries
            .iter()
            .zip(&self.met)
            .filter(|(entry, met)| **met > 0 || was_read(&directory.join(entry.key.file())))
            .map(|(entry, met)| entry.suppression(&self.path, *met >= entry.count))
            .collect()
    }
}

impl Entry {
    fn suppression(&self, baseline: &Path, used: bool) -> Suppression {
        Suppression {
            file: baseline.display().to_string(),
            line: None,
            rule: self.key.rule().to_owned(),
            reason: Some(format!("in the baseline: {}", self.key.describe())),
            used,
        }
    }
}

/// The identity of a finding, its file named from the baseline's directory.
fn identity(finding: &Finding, baseline: &Path) -> Identity {
    let file = finding
        .primary()
        .map_or("", |primary| primary.source.name.as_str());
    Identity::of(finding, relative(file, baseline))
}

/// The path from the baseline's directory, so that the baseline holds wherever the run starts.
fn relative(file: &str, baseline: &Path) -> String {
    let directory = match baseline.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => return file.to_owned(),
    };
    let path = match (fs::canonicalize(file), fs::canonicalize(directory)) {
        (Ok(file), Ok(directory)) => file.strip_prefix(directory).map(Path::to_owned).ok(),
        _ => None,
    };
    path.unwrap_or_else(|| PathBuf::from(file))
        .to_string_lossy()
        .replace('\\', "/")
}

/// serde_json ends its messages with the position, which we name ourselves.
fn without_position(message: &str) -> &str {
    message
        .rsplit_once(" at line ")
        .map_or(message, |(message, _)| message)
}
