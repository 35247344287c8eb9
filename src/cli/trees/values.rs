//! The files of values that charts are rendered with, as options and configurations name them.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use super::TreeArguments;
use crate::{
    cli::{Error, configuration::Configurations, lint::usage},
    tree::{Reach, ValuesFile, shortened},
};

/// The files of values that a chart is rendered with: those of the options, and of the configuration. Those of an
/// option belong to the chart that one of them is in, or to the only one of `charts`.
pub(super) fn values_of(
    root: &Path,
    (charts, directories): (&[(PathBuf, usize)], &[PathBuf]),
    arguments: &TreeArguments,
    configurations: &Configurations,
    group: usize,
    used: &mut BTreeSet<usize>,
) -> Result<Vec<Vec<ValuesFile>>, Error> {
    let mut all = Vec::new();
    let only = only_one(charts, directories);
    let real = fs::canonicalize(root).unwrap_or_else(|_| root.to_owned());
    for (index, option) in arguments.values.iter().enumerate() {
        if let Some(file) = option.split(',').find(|file| !Path::new(file).is_file()) {
            return Err(Error::Usage(format!("--values {file}: no such file")));
        }
        let reach = Reach {
            directories: &[],
            allow_outside: arguments.allow_outside,
        };
        let files: Option<Vec<ValuesFile>> = option
            .split(',')
            .map(|file| values_file(Path::new(file), &real, reach))
            .collect();
        let Some(files) = files else { continue };
        let is_own = files.iter().any(|file| matches!(file, ValuesFile::Own(_)));
        if is_own || only == Some(root) {
            all.push(files);
            used.insert(index);
        }
    }
    let Some(loaded) = configurations.loaded.get(group) else {
        return Ok(all);
    };
    let within = [loaded.directory.clone()];
    let reach = Reach {
        directories: &within,
        allow_outside: arguments.allow_outside,
    };
    for chart in &loaded.configuration.charts {
        let named = loaded.directory.join(&chart.path);
        if fs::canonicalize(&named).ok().as_deref() != Some(real.as_path()) {
            continue;
        }
        for files in &chart.values {
            let found: Option<Vec<ValuesFile>> = files
                .iter()
                .map(|file| values_file(&named.join(file), &real, reach))
                .collect();
            all.push(found.ok_or_else(|| {
                usage(format!(
                    "the configuration names values of the chart {} that are neither in it nor beside the configuration: {}",
                    chart.path,
                    files.join(", ")
                ))
            })?);
        }
    }
    Ok(all)
}

/// The chart that files from elsewhere are for: the only one, or the only one whose own directory is among those that
/// were named.
fn only_one<'c>(charts: &'c [(PathBuf, usize)], directories: &[PathBuf]) -> Option<&'c Path> {
    let is_named = |root: &Path| directories.iter().any(|directory| directory == root);
    let mut named = charts
        .iter()
        .map(|(root, _)| root.as_path())
        .filter(|root| is_named(root));
    match (charts, named.next(), named.next()) {
        ([(only, _)], ..) => Some(only),
        (_, Some(only), None) => Some(only),
        _ => None,
    }
}

/// A file of values: the chart's, or another one where it may be read.
fn values_file(path: &Path, chart: &Path, reach: Reach<'_>) -> Option<ValuesFile> {
    let real = fs::canonicalize(path).ok()?;
    if let Ok(below) = real.strip_prefix(chart) {
        return Some(ValuesFile::Own(below.to_owned()));
    }
    reach.covers(path).then(|| ValuesFile::Outside(shortened(path)))
}
