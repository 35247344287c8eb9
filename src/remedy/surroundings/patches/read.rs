//! Finds the patches of an input.

use std::{
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use crate::remedy::surroundings::patches::{
    Patch, Reach, Target,
    overlay::{is_overlay, overlay},
};
use crate::{
    edit::place::Place,
    roles::DECLARATION_ANNOTATION,
    source::SourceFile,
    workload::WorkloadKind,
    yaml::{self, Node, Stream},
};

/// All patches of an input: kustomizations with their JSON patches and overlays, and overlays by themselves.
pub(crate) fn patches(streams: &[(Arc<SourceFile>, Stream<'_>)]) -> Vec<Patch> {
    let mut found = Vec::new();
    for (source, stream) in streams {
        let holder = Holder {
            source: Arc::clone(source),
            inline: None,
        };
        for (_, root) in stream.roots().filter(|(_, root)| is_kustomization(source, *root)) {
            kustomization(root, streams, &holder, &mut found);
        }
        for object in crate::workload::objects_of(stream) {
            if WorkloadKind::of(&object.reference) != WorkloadKind::Custom && is_overlay(object.node) {
                overlay(object.node, None, &holder, &mut found);
            }
        }
    }
    let mut distinct: Vec<Patch> = Vec::new();
    for patch in found {
        if !distinct.contains(&patch) {
            distinct.push(patch);
        }
    }
    distinct
}

/// Whether a document is a kustomization, which may say so by nothing but its file's name.
pub(crate) fn is_kustomization(source: &SourceFile, root: Node<'_>) -> bool {
    match root.get("kind").and_then(Node::as_str) {
        Some(kind) => matches!(kind, "Kustomization" | "Component"),
        None => Path::new(&source.name)
            .file_stem()
            .is_some_and(|stem| stem.eq_ignore_ascii_case("kustomization")),
    }
}

/// Where the text of a patch stands.
#[derive(Debug, Clone)]
pub(crate) struct Holder {
    pub(crate) source: Arc<SourceFile>,
    pub(crate) inline: Option<Place>,
}

fn kustomization(
    kustomization: Node<'_>,
    streams: &[(Arc<SourceFile>, Stream<'_>)],
    holder: &Holder,
    found: &mut Vec<Patch>,
) {
    for list in ["patches", "patchesJson6902", "patchesStrategicMerge"] {
        for item in items(kustomization, list) {
            let target = item.get("target").map(target);
            if let Some(inline) = item.get("patch").or(item.as_str().map(|_| item))
                && inline
                    .as_str()
                    .is_some_and(|text| text.contains(['\n', '{', '[']))
            {
                let holder = Holder {
                    source: Arc::clone(&holder.source),
                    inline: Place::of(inline),
                };
                if let Some(Ok(stream)) = inline.as_str().map(yaml::parse) {
                    stream_of_patches(&stream, target, &holder, found);
                }
                continue;
            }
            let Some(path) = item.get("path").and_then(Node::as_str).or(item.as_str()) else {
                continue;
            };
            let file = beside(&holder.source.name, path);
            let read = streams
                .iter()
                .find(|(source, _)| normal(Path::new(&source.name)) == file);
            match (read, target) {
                (Some((source, stream)), target) => {
                    let holder = Holder {
                        source: Arc::clone(source),
                        inline: None,
                    };
                    stream_of_patches(stream, target, &holder, found);
                }
                (None, Some(target)) => found.push(Patch {
                    name: format!("the patch {}", file.display()),
                    target,
                    reach: Reach::Unread,
                    source: Arc::clone(&holder.source),
                    inline: None,
                }),
                // An overlay names its object itself; one that is not in the input is not asked for.
                (None, None) => {}
            }
        }
    }
    replacements(kustomization, holder, found);
}

/// `replacements[].targets[]`, which name fields by their way.
fn replacements(kustomization: Node<'_>, holder: &Holder, found: &mut Vec<Patch>) {
    let targets = items(kustomization, "replacements").flat_map(|replacement| items(replacement, "targets"));
    for wanted in targets {
        for path in items(wanted, "fieldPaths").filter_map(Node::as_str) {
            if path.contains("ontainers.") {
                found.push(Patch {
                    name: format!("the replacement of {path}"),
                    target: wanted.get("select").map(target).unwrap_or_default(),
                    reach: Reach::Replacement(path.to_owned()),
                    source: Arc::clone(&holder.source),
                    inline: None,
                });
            }
        }
    }
}

fn items<'t>(node: Node<'t>, key: &str) -> impl Iterator<Item = Node<'t>> {
    node.get(key).into_iter().flat_map(Node::items)
}

fn target(node: Node<'_>) -> Target {
    let text = |key: &str| node.get(key).and_then(Node::as_str).map(str::to_owned);
    Target {
        kind: text("kind"),
        name: text("name"),
        selects: ["labelSelector", "annotationSelector"]
            .iter()
            .any(|key| node.get(key).is_some()),
    }
}

/// A JSON patch, or overlays.
fn stream_of_patches(stream: &Stream<'_>, target: Option<Target>, holder: &Holder, found: &mut Vec<Patch>) {
    for (_, root) in stream.roots() {
        if root.is_sequence() {
            let target = target.clone().unwrap_or_default();
            root.items()
                .for_each(|operation| json_operation(operation, &target, holder, found));
        } else {
            overlay(root, target.as_ref(), holder, found);
        }
    }
}

/// An operation of a JSON patch (RFC 6902).
fn json_operation(operation: Node<'_>, target: &Target, holder: &Holder, found: &mut Vec<Patch>) {
    for key in ["path", "from"] {
        let Some(node) = operation.get(key) else { continue };
        let path = node.as_str().unwrap_or_default();
        if key == "path" && reaches_annotations(path, target) {
            found.push(Patch {
                name: format!("the JSON patch of {path}"),
                target: target.clone(),
                reach: Reach::Annotations(None),
                source: Arc::clone(&holder.source),
                inline: holder.inline.clone(),
            });
        }
        let mut parts = path
            .split('/')
            .skip_while(|part| !matches!(*part, "containers" | "initContainers"));
        let (Some(list), Some(place)) = (parts.next(), Place::of(node)) else {
            continue;
        };
        let index = parts.next().and_then(|index| index.parse().ok());
        let field = parts.next().filter(|_| key == "path" && index.is_some());
        found.push(Patch {
            name: format!("the JSON patch of {path}"),
            target: target.clone(),
            reach: Reach::Operation {
                list: list.to_owned(),
                index,
                field: field.map(str::to_owned),
                path: place,
            },
            source: Arc::clone(&holder.source),
            inline: holder.inline.clone(),
        });
    }
}

/// Whether an operation at a path replaces a pod's annotations, or the one that declares sidecars: `add` at a path
/// that is there replaces it (RFC 6902, 4.1).
fn reaches_annotations(path: &str, target: &Target) -> bool {
    let declaration = DECLARATION_ANNOTATION.replace('/', "~1");
    let path = path.strip_suffix(&format!("/{declaration}")).unwrap_or(path);
    match target.kind.as_deref() {
        Some("Pod") => matches!(path, "/metadata" | "/metadata/annotations"),
        _ => path.ends_with("/template/metadata") || path.ends_with("/template/metadata/annotations"),
    }
}

/// A path as a kustomization writes it, from where the kustomization stands.
fn beside(kustomization: &str, path: &str) -> PathBuf {
    let directory = Path::new(kustomization).parent().unwrap_or(Path::new(""));
    normal(&directory.join(path))
}

/// A path without `.` and `..`, as far as its text tells.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if normal.file_name().is_some() => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_beside_the_kustomization() {
        assert_eq!(
            beside("a/b/kustomization.yaml", "../c/./p.yaml"),
            Path::new("a/c/p.yaml")
        );
        assert_eq!(beside("kustomization.yaml", "../p.yaml"), Path::new("../p.yaml"));
        assert_eq!(beside("<stdin>", "p.yaml"), Path::new("p.yaml"));
    }

    #[test]
    fn patches_are_found_by_index_and_name() {
        let text = "kind: Kustomization\npatches:\n- target: {kind: Deployment, name: web}\n  patch: |\n    - {op: replace, path: /spec/template/spec/containers/1/image, value: x}\n- {path: other.yaml, target: {kind: Job}}\nreplacements:\n- targets:\n  - {select: {kind: Job}, fieldPaths: [spec.template.spec.containers.0.image]}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    spec:\n      containers:\n      - {name: proxy, resources: {}}\n";
        let source = Arc::new(SourceFile {
            name: "a.yaml".into(),
            text: text.into(),
        });
        let stream = yaml::parse(&source.text).unwrap();
        let found = patches(&[(Arc::clone(&source), stream)]);
        let reaches: Vec<_> = found
            .iter()
            .map(|patch| match &patch.reach {
                Reach::Operation {
                    list, index, field, ..
                } => format!("{list} {index:?} {field:?}"),
                Reach::Entry {
                    container,
                    list,
                    fields,
                    ..
                } => format!("{list} {container} {fields:?}"),
                Reach::Replacement(path) => path.clone(),
                Reach::Annotations(_) => "annotations".to_owned(),
                Reach::Unread => "unread".to_owned(),
            })
            .collect();
        assert_eq!(
            reaches,
            [
                "containers Some(1) Some(\"image\")",
                "unread",
                "spec.template.spec.containers.0.image",
                "containers proxy [\"resources\"]"
            ]
        );
    }
}
