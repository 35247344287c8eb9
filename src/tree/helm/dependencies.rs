//! The charts that a chart needs: those that lie beside it are read, and those that are not there are left out.

use std::{
    fs,
    path::{Component, Path, PathBuf},
};

use serde_json::Value as Json;

use crate::yaml::{self, Node, Value};

use super::super::{Files, FilesError};

/// Where a chart's dependencies are named: in its own file, or beside it in charts for Helm 2.
const FILES: [&str; 2] = ["Chart.yaml", "requirements.yaml"];

/// What may be read outside of a chart.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Reach<'r> {
    /// Directories that the user has named.
    pub directories: &'r [PathBuf],
    /// Everything may.
    pub allow_outside: bool,
}

impl Reach<'_> {
    /// Whether a file or directory may be read.
    #[must_use]
    pub(crate) fn covers(&self, path: &Path) -> bool {
        let Ok(real) = fs::canonicalize(path) else {
            return false;
        };
        let named = self
            .directories
            .iter()
            .filter_map(|named| fs::canonicalize(named).ok());
        self.allow_outside || named.into_iter().any(|named| real.starts_with(named))
    }
}

/// What was done about the dependencies that are not in `charts/`.
#[derive(Debug, Default)]
pub(super) struct Dependencies {
    /// Charts that lie elsewhere: the directory that stands for each below the chart, and where it is.
    pub(super) beside: Vec<(PathBuf, PathBuf)>,
    /// The names of those that are left out.
    pub(super) missing: Vec<String>,
}

/// The path of a file of a dependency, given with the name that the chart has for it (Helm, `alias`).
pub(super) fn unaliased(files: &Files, path: &Path) -> Option<PathBuf> {
    let mut parts = path.strip_prefix("charts").ok()?.components();
    let alias = parts.next()?.as_os_str().to_str()?;
    FILES.iter().find_map(|file| {
        let stream = yaml::parse(files.text(Path::new(file))?).ok()?;
        let mut declared = stream.root(0)?.get("dependencies")?.items();
        let own = declared.find(|own| own.get("alias").and_then(Node::as_str) == Some(alias))?;
        let name = own.get("name").and_then(Node::as_str)?;
        let found = Path::new("charts").join(name).join(parts.as_path());
        files.text(&found).is_some().then_some(found)
    })
}

/// What the chart calls a chart in a directory below `charts/`: each alias that it has, or its name. A library has none.
pub(super) fn names_of(files: &Files, directory: &str) -> Vec<Option<String>> {
    let of_file = |path: &Path, key: &str| -> Option<String> {
        let stream = yaml::parse(files.text(path)?).ok()?;
        Some(stream.root(0)?.get(key)?.as_str()?.to_owned())
    };
    let chart = Path::new("charts").join(directory).join("Chart.yaml");
    if of_file(&chart, "type").as_deref() == Some("library") {
        return vec![None];
    }
    let name = of_file(&chart, "name").unwrap_or_else(|| directory.to_owned());
    let mut names = Vec::new();
    for file in FILES {
        let Some(Ok(stream)) = files.text(Path::new(file)).map(|text| yaml::parse(text)) else {
            continue;
        };
        let declared = stream.root(0).and_then(|root| root.get("dependencies"));
        let text = |node: Node<'_>, key: &str| node.get(key).and_then(Node::as_str).map(str::to_owned);
        let own = declared.into_iter().flat_map(Node::items);
        let own = own.filter(|own| text(*own, "name").as_deref() == Some(name.as_str()));
        names.extend(own.map(|own| text(own, "alias").or_else(|| text(own, "name"))));
    }
    match names.is_empty() {
        true => vec![Some(name)],
        false => names,
    }
}

/// A dependency as it is declared.
struct Declared {
    name: String,
    repository: String,
}

/// Reads the dependencies of a chart that lie beside it into its files.
///
/// # Errors
/// What can't be read of them.
pub(super) fn read(root: &Path, files: &mut Files, reach: Reach<'_>) -> Result<Dependencies, FilesError> {
    let mut dependencies = Dependencies::default();
    for declared in declared(files) {
        if is_there(files, &declared.name) {
            continue;
        }
        let local = declared
            .repository
            .strip_prefix("file://")
            .map(|path| root.join(path));
        let found = local.filter(|path| path.join("Chart.yaml").is_file() && reach.covers(path));
        let Some(found) = found else {
            if !dependencies.missing.contains(&declared.name) {
                dependencies.missing.push(declared.name);
            }
            continue;
        };
        let below = Path::new("charts").join(&declared.name);
        files.take_in(&below, Files::read(&found)?);
        dependencies.beside.push((below, shortened(&found)));
    }
    Ok(dependencies)
}

/// Files for helm, in which a chart does not name the dependencies that are not there: it would render nothing.
pub(super) fn without(files: &Files, missing: &[String]) -> Files {
    let mut files = files.clone();
    for name in FILES.iter().filter(|_| !missing.is_empty()) {
        let path = Path::new(name);
        if let Some(text) = files.text(path).and_then(|text| without_missing(text, missing)) {
            files.put(path.to_owned(), text);
        }
    }
    files
}

/// A file of dependencies without those that are missing, as JSON, which is YAML.
fn without_missing(text: &str, missing: &[String]) -> Option<String> {
    let stream = yaml::parse(text).ok()?;
    let document = Value::of(stream.root(0)?).ok()?.effective();
    let mut chart = document.to_json()?;
    let list = chart.get_mut("dependencies")?.as_array_mut()?;
    let is_missing = |dependency: &Json| {
        let name = dependency.get("name").and_then(Json::as_str);
        name.is_some_and(|name| missing.iter().any(|missing| missing == name))
    };
    list.retain(|dependency| !is_missing(dependency));
    Some(chart.to_string())
}

fn declared(files: &Files) -> Vec<Declared> {
    let mut all = Vec::new();
    for name in FILES {
        let Some(Ok(stream)) = files.text(Path::new(name)).map(|text| yaml::parse(text)) else {
            continue;
        };
        let list = stream.root(0).and_then(|root| root.get("dependencies"));
        let text = |node: Node<'_>, key: &str| {
            let value = node.get(key).and_then(Node::as_str);
            value.map(str::to_owned)
        };
        all.extend(list.into_iter().flat_map(Node::items).filter_map(|node| {
            Some(Declared {
                name: text(node, "name")?,
                repository: text(node, "repository").unwrap_or_default(),
            })
        }));
    }
    all
}

/// Whether `charts/` holds a chart of this name, unpacked or packed.
fn is_there(files: &Files, name: &str) -> bool {
    files.paths().any(|path| {
        let mut parts = path.iter().filter_map(|part| part.to_str());
        let (Some("charts"), Some(own), next, None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return false;
        };
        match next {
            None => own
                .strip_prefix(name)
                .is_some_and(|rest| rest.starts_with('-') && own.ends_with(".tgz")),
            Some("Chart.yaml") => own == name || is_called(files, path, name),
            Some(_) => false,
        }
    })
}

fn is_called(files: &Files, chart: &Path, name: &str) -> bool {
    let Some(Ok(stream)) = files.text(chart).map(|text| yaml::parse(text)) else {
        return false;
    };
    let own = stream
        .root(0)
        .and_then(|root| root.get("name"))
        .and_then(Node::as_str);
    own == Some(name)
}

/// A path without steps up and down again, where it leads to the same file then.
#[must_use]
pub(crate) fn shortened(path: &Path) -> PathBuf {
    let short = lexical(path);
    let is_same = fs::canonicalize(&short).ok() == fs::canonicalize(path).ok();
    if is_same { short } else { path.to_owned() }
}

/// `charts/shop/../common`: `charts/common`.
fn lexical(path: &Path) -> PathBuf {
    let mut short = PathBuf::new();
    for part in path.components() {
        let is_name = matches!(short.components().next_back(), Some(Component::Normal(_)));
        match part {
            Component::ParentDir if is_name => {
                short.pop();
            }
            Component::CurDir => {}
            part => short.push(part),
        }
    }
    match short.as_os_str().is_empty() {
        true => PathBuf::from("."),
        false => short,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_not_named() {
        let mut files = Files::default();
        files.put(
            "Chart.yaml".into(),
            "name: a\ndependencies:\n- {name: here, repository: x}\n- {name: packed, repository: x}\n- {name: gone, repository: x}\n",
        );
        files.put("charts/other/Chart.yaml".into(), "name: here\n");
        files.put("charts/packed-1.0.0.tgz".into(), "");
        let missing = read(Path::new("."), &mut files, Reach::default())
            .unwrap()
            .missing;
        assert_eq!(missing, ["gone"]);
        let left = without(&files, &missing);
        let chart = left.text(Path::new("Chart.yaml")).unwrap();
        assert!(chart.contains("packed") && !chart.contains("gone"), "{chart}");
    }

    #[test]
    fn a_way_up_and_down_is_short() {
        assert_eq!(
            lexical(Path::new("charts/shop/../common")),
            Path::new("charts/common")
        );
        assert_eq!(lexical(Path::new("./../common/.")), Path::new("../common"));
    }
}
