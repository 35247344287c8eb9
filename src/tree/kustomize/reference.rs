//! What a kustomization names: other kustomizations, manifests, patches and files with data.

use std::path::{Component, Path, PathBuf};

use crate::yaml::Node;

/// The names of kustomizations (kustomize, `konfig.RecognizedKustomizationFileNames`).
pub(crate) const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Whether a file is a kustomization by its name.
#[must_use]
pub(crate) fn is_kustomization(path: &Path) -> bool {
    path.file_name()
        .and_then(|name| name.to_str())
        .is_some_and(|name| NAMES.contains(&name))
}

/// A path without `.` and `..`, as its text tells.
pub(super) fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if normal.file_name().is_some() => drop(normal.pop()),
            other => normal.push(other),
        }
    }
    normal
}

/// Hosts that kustomize knows without a scheme, or has known.
const HOSTS: [&str; 4] = ["github.com", "www.github.com", "gitlab.com", "bitbucket.org"];

/// Lists of paths, or of texts in the place of paths.
const LISTS: [&str; 10] = [
    "resources",
    "bases",
    "components",
    "patchesStrategicMerge",
    "configurations",
    "crds",
    "transformers",
    "generators",
    "validators",
    "replacements",
];

/// The lists of what brings objects.
pub(super) const OBJECTS: [&str; 2] = ["resources", "bases"];

/// What makes kustomize render Helm charts, whose objects it adds to the others.
pub(super) const CHARTS: [&str; 4] = [
    "helmCharts",
    "helmChartInflationGenerator",
    "helmGlobals",
    "helmInflationGenerator",
];

/// A path as a kustomization writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) path: String,
    /// Whether it may be a directory with a kustomization in it.
    pub(super) may_be_directory: bool,
    pub(super) is_patch: bool,
    /// Whether it brings objects and changes none: a rendering without it is that of the others.
    pub(super) brings_objects: bool,
}

/// All that a kustomization names.
pub(super) fn references(kustomization: Node<'_>) -> Vec<Reference> {
    let mut found = Vec::new();
    for list in LISTS {
        let may_be_directory = !matches!(
            list,
            "patchesStrategicMerge" | "configurations" | "crds" | "replacements"
        );
        for item in items(kustomization, list) {
            let path = item.as_str().or_else(|| text(item, "path"));
            found.extend(path.filter(|path| !is_inline(path)).map(|path| Reference {
                path: path.to_owned(),
                may_be_directory,
                is_patch: list == "patchesStrategicMerge",
                brings_objects: OBJECTS.contains(&list),
            }));
        }
    }
    let patches = ["patches", "patchesJson6902"]
        .into_iter()
        .flat_map(|list| items(kustomization, list))
        .filter_map(|patch| text(patch, "path"));
    let data = ["configMapGenerator", "secretGenerator"]
        .into_iter()
        .flat_map(|list| items(kustomization, list))
        .flat_map(generator_files);
    let files = patches
        .map(|path| (path.to_owned(), true))
        .chain(data.map(|path| (path, false)));
    found.extend(files.map(|(path, is_patch)| Reference {
        path,
        may_be_directory: false,
        is_patch,
        brings_objects: false,
    }));
    found
}

/// The files that a generator reads.
fn generator_files(generator: Node<'_>) -> Vec<String> {
    let files = items(generator, "files")
        .filter_map(Node::as_str)
        .map(|entry| file_entry(entry).1);
    let variables = items(generator, "envs")
        .filter_map(Node::as_str)
        .chain(text(generator, "env"));
    files.chain(variables).map(str::to_owned).collect()
}

/// The key and the path of an entry of `files`: `key=path`, or a path whose last part is the key.
pub(super) fn file_entry(entry: &str) -> (&str, &str) {
    match entry.split_once('=') {
        Some(both) => both,
        None => (entry.rsplit('/').next().unwrap_or(entry), entry),
    }
}

/// Why a kustomization is not rendered, whatever it refers to.
pub(super) fn refusal(kustomization: Node<'_>) -> Option<&'static str> {
    if kustomization.get("openapi").is_some() {
        return Some("it brings a schema of its own (`openapi`)");
    }
    None
}

/// Whether the configuration of a transformer or generator runs a program of its own.
pub(super) fn runs_a_program(text: &str) -> bool {
    text.contains("config.kubernetes.io/function") || text.contains("kind: HelmChartInflationGenerator")
}

/// Whether a text stands in the place of a path.
pub(super) fn is_inline(text: &str) -> bool {
    text.contains(['\n', '{', '['])
}

/// Whether kustomize would ask the network for it (kustomize, `git.NewRepoSpecFromURL`), or might. It does so before it
/// looks whether there is such a directory.
pub(super) fn is_remote(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    let host = path.split(['/', ':']).next().unwrap_or_default();
    let user = path.split_once('@').map(|(user, _)| user);
    path.contains("://")
        || path.contains("?ref=")
        || path.starts_with("git::")
        || path.starts_with("gh:")
        || user.is_some_and(|user| !user.is_empty() && !user.contains(['/', ':', '.']))
        || (HOSTS.contains(&host) && host.len() < path.len())
}

/// The items of a list.
pub(super) fn items<'t>(node: Node<'t>, key: &str) -> impl Iterator<Item = Node<'t>> + use<'t> {
    node.get(key).into_iter().flat_map(Node::items)
}

/// The text behind a key.
pub(super) fn text<'t>(node: Node<'t>, key: &str) -> Option<&'t str> {
    node.get(key).and_then(Node::as_str)
}
