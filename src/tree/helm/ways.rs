//! What the ways are called in which a chart is rendered, and where files of values stand that are not in it.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::super::Files;

/// The path that stands for a file which is not in the chart, beside the chart's directory.
pub(super) fn stand_in(path: &Path, outside: &mut BTreeMap<PathBuf, PathBuf>, files: &mut Files) -> PathBuf {
    if let Some((known, _)) = outside.iter().find(|(_, own)| *own == path) {
        return known.clone();
    }
    let name = path.file_name().map(PathBuf::from).unwrap_or_default();
    let own = Path::new("../values").join(outside.len().to_string()).join(name);
    // What can't be read is missed where it is asked for.
    if let Ok(read) = Files::of(Path::new(""), [&path.to_owned()], None)
        && let Some(text) = read.text(path)
    {
        files.put(own.clone(), Arc::clone(text));
    }
    outside.insert(own.clone(), path.to_owned());
    own
}

/// A way as users name it.
pub(super) fn name_of(values: &[PathBuf], version: Option<&str>) -> String {
    let files: Vec<String> = values.iter().map(|path| path.display().to_string()).collect();
    let mut name = match files.as_slice() {
        [] => "its own values".to_owned(),
        files => files.join(","),
    };
    if let Some(version) = version {
        name.push_str(&format!(" on Kubernetes {}", version.trim_end_matches(".0")));
    }
    name
}
