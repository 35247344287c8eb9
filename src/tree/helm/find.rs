//! Which directories are charts, and how they are used.

use std::path::{Path, PathBuf};

use crate::yaml::{self, Node};

use super::super::Files;

/// The directory in which chart-testing looks for values.
const TEST_VALUES: &str = "ci";

/// The files of values that chart-testing would take.
pub(super) fn test_values(files: &Files) -> impl Iterator<Item = PathBuf> {
    files.texts().filter_map(|(path, _)| {
        let is_there = path.parent() == Some(Path::new(TEST_VALUES));
        let name = path.file_name()?.to_str()?;
        (is_there && name.ends_with("-values.yaml")).then(|| path.to_owned())
    })
}

/// The directories of charts below this one that are downloaded.
pub(super) fn foreign_charts(files: &Files) -> Vec<PathBuf> {
    let Some(Ok(stream)) = files.text(Path::new("Chart.yaml")).map(|text| yaml::parse(text)) else {
        return Vec::new();
    };
    let dependencies = stream.root(0).and_then(|root| root.get("dependencies"));
    let from_elsewhere = |dependency: Node<'_>| {
        let repository = dependency.get("repository")?.as_str()?;
        let name = dependency.get("name")?.as_str()?;
        repository
            .contains("://")
            .then(|| !repository.starts_with("file://"))?
            .then(|| Path::new("charts").join(name))
    };
    dependencies
        .into_iter()
        .flat_map(Node::items)
        .filter_map(from_elsewhere)
        .collect()
}

/// Whether a chart with this `Chart.yaml` can be rendered by itself: a library cannot.
#[must_use]
pub(crate) fn is_rendered_alone(chart: &str) -> bool {
    let Ok(stream) = yaml::parse(chart) else {
        return false;
    };
    let kind = stream
        .root(0)
        .and_then(|root| root.get("type"))
        .and_then(Node::as_str);
    stream.root(0).is_some_and(Node::is_mapping) && kind != Some("library")
}
