//! The pieces that a rendered object is made of, read in the order in which kustomize applies them: resources,
//! components, generators, patches, names (kustomize, `KustTarget.accumulateTarget` and
//! `configureBuiltinTransformers`).

use std::path::{Path, PathBuf};

use super::{
    leg::{Leg, value_leg},
    merge::{merge, operate},
    pointer::{resolve, tokens},
    reference::{NAMES, is_inline, items, normal, text},
    target::selects,
};
use crate::{
    edit::Place,
    tree::{Files, Way},
    workload,
    yaml::{self, Node, Value},
};

/// Kustomizations nest no deeper than this.
const MOST_DEPTH: usize = 32;

/// A text of YAML: a file's, or that of a patch within a kustomization.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Unit {
    pub(super) path: PathBuf,
    /// The scalar that holds the text, where it is not the file's own.
    pub(super) inline: Option<Place>,
}

/// A part of the sources that says something about an object.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub(super) unit: Unit,
    pub(super) form: Form,
    /// The patch's entry in its kustomization.
    pub(super) entry: Option<(PathBuf, Place)>,
    /// The kustomization's file that brings it.
    pub(super) kustomization: PathBuf,
}

impl Piece {
    /// Whether both are the same bytes, whatever they say about their objects.
    pub(super) fn is_same_text(&self, other: &Self) -> bool {
        self.unit == other.unit
            && match (&self.form, &other.form) {
                // What it points at is another thing in each object.
                (Form::Operations(_), Form::Operations(_)) => true,
                (one, other) => one == other,
            }
    }
}

/// How a piece says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Form {
    /// A resource, or a strategic merge patch: an object.
    Object(Place),
    /// A JSON patch.
    Operations(Vec<Operation>),
    /// An entry of `configMapGenerator`.
    Generator(Place),
}

/// An operation of a JSON patch, with what it points at in the object that it is applied to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Operation {
    pub(super) place: Place,
    /// `add`, `replace`, `remove`, …
    pub(super) name: String,
    /// The way to what it writes; nothing where that is not known.
    pub(super) legs: Option<Vec<Leg>>,
}

/// An object of a rendering with the pieces that it is made of, the resource first.
#[derive(Debug, Clone)]
pub(super) struct Layered {
    pub(super) kind: String,
    /// All names that it has had, the last one last.
    pub(super) names: Vec<String>,
    pub(super) namespace: Option<String>,
    pub(super) pieces: Vec<Piece>,
    /// What it is so far.
    pub(super) state: Value,
}

impl Layered {
    pub(super) fn name(&self) -> &str {
        self.names.last().map_or("", String::as_str)
    }
}

/// The text of a unit, as it is in files.
pub(super) fn text_of(files: &Files, unit: &Unit) -> Option<String> {
    let text = files.text(&unit.path)?;
    let Some(place) = &unit.inline else {
        return Some(text.to_string());
    };
    let stream = yaml::parse(text).ok()?;
    place.node(&stream)?.as_str().map(str::to_owned)
}

/// The objects of a way.
pub(super) fn objects(files: &Files, way: &Way) -> Vec<Layered> {
    let mut objects = Vec::new();
    if let Some(directory) = way.paths.first() {
        Reader { files }.kustomization(directory, &mut objects, MOST_DEPTH);
    }
    objects
}

/// The file that makes a directory of a tree a kustomization.
pub(super) fn file_in(files: &Files, directory: &Path) -> Option<PathBuf> {
    NAMES
        .iter()
        .map(|name| directory.join(name))
        .find(|path| files.text(path).is_some())
}

struct Reader<'f> {
    files: &'f Files,
}

impl Reader<'_> {
    /// Adds a kustomization's objects to those that it is applied to: none, but for a component.
    fn kustomization(&self, directory: &Path, objects: &mut Vec<Layered>, depth: usize) {
        let Some(depth) = depth.checked_sub(1) else { return };
        let Some(file) = file_in(self.files, directory) else {
            return;
        };
        let Some(stream) = self.files.text(&file).and_then(|text| yaml::parse(text).ok()) else {
            return;
        };
        let Some(root) = stream.root(0) else { return };
        let paths = |list: &'static str| items(root, list).filter_map(Node::as_str);
        for path in paths("resources").chain(paths("bases")) {
            let path = normal(&directory.join(path));
            if self.files.text(&path).is_some() {
                self.resource(&path, &file, objects);
            } else {
                let mut own = Vec::new();
                self.kustomization(&path, &mut own, depth);
                objects.extend(own);
            }
        }
        for path in paths("components") {
            self.kustomization(&normal(&directory.join(path)), objects, depth);
        }
        for generator in items(root, "configMapGenerator") {
            generate(&file, generator, objects);
        }
        self.patches("patchesStrategicMerge", root, &file, objects);
        self.patches("patches", root, &file, objects);
        if let Some(namespace) = text(root, "namespace") {
            for object in &mut *objects {
                object.namespace = Some(namespace.to_owned());
            }
        }
        rename(root, objects);
        self.patches("patchesJson6902", root, &file, objects);
    }

    fn resource(&self, path: &Path, kustomization: &Path, objects: &mut Vec<Layered>) {
        let Some(stream) = self.files.text(path).and_then(|text| yaml::parse(text).ok()) else {
            return;
        };
        for object in workload::objects_of(&stream) {
            let (Some(place), Ok(state)) = (Place::of(object.node), Value::of(object.node)) else {
                continue;
            };
            objects.push(Layered {
                kind: object.reference.kind,
                names: vec![object.reference.name],
                namespace: object.reference.namespace,
                pieces: vec![Piece {
                    unit: Unit {
                        path: path.to_owned(),
                        inline: None,
                    },
                    form: Form::Object(place),
                    entry: None,
                    kustomization: kustomization.to_owned(),
                }],
                state: state.effective(),
            });
        }
    }

    fn patches(&self, list: &'static str, root: Node<'_>, file: &Path, objects: &mut [Layered]) {
        for item in items(root, list) {
            let Some(unit) = unit(item, file) else { continue };
            let Some(text) = text_of(self.files, &unit) else {
                continue;
            };
            let Ok(stream) = yaml::parse(&text) else { continue };
            let target = item.get("target");
            let entry = Place::of(item).map(|place| (file.to_owned(), place));
            for (_, patch) in stream.roots() {
                apply(patch, target, (&unit, entry.as_ref(), file), objects);
            }
        }
    }
}

/// Whether a patch names the objects that it is for, and none of them is there.
pub(super) fn is_for_none(files: &Files, item: Node<'_>, kustomization: &Path, objects: &[Layered]) -> bool {
    let text = unit(item, kustomization).and_then(|unit| text_of(files, &unit));
    let Some(text) = text.filter(|_| item.get("target").is_none()) else {
        return false;
    };
    let Ok(stream) = yaml::parse(&text) else {
        return false;
    };
    let mut patches = stream.roots().map(|(_, patch)| patch).peekable();
    patches.peek().is_some()
        && patches.all(|patch| patch.is_mapping() && !objects.iter().any(|object| is_named(patch, object)))
}

/// Whether a strategic merge patch names an object.
fn is_named(patch: Node<'_>, object: &Layered) -> bool {
    let own_name = patch.path(&["metadata", "name"]).and_then(Node::as_str);
    text(patch, "kind") == Some(&object.kind)
        && object.names.iter().any(|name| Some(name.as_str()) == own_name)
}

/// Where the text of a patch stands.
fn unit(item: Node<'_>, file: &Path) -> Option<Unit> {
    let inline = item
        .get("patch")
        .or_else(|| Some(item).filter(|item| item.as_str().is_some_and(is_inline)));
    if let Some(inline) = inline {
        return Some(Unit {
            path: file.to_owned(),
            inline: Some(Place::of(inline)?),
        });
    }
    let path = item.as_str().or_else(|| text(item, "path"))?;
    let directory = file.parent().unwrap_or(Path::new(""));
    Some(Unit {
        path: normal(&directory.join(path)),
        inline: None,
    })
}

/// Puts a patch on the objects that it is for.
fn apply(
    patch: Node<'_>,
    target: Option<Node<'_>>,
    (unit, entry, kustomization): (&Unit, Option<&(PathBuf, Place)>, &Path),
    objects: &mut [Layered],
) {
    let Some(place) = Place::of(patch) else { return };
    for object in objects {
        let is_meant = match target {
            Some(target) => selects(target, object),
            None => is_named(patch, object),
        };
        if !is_meant {
            continue;
        }
        let form = match patch.is_sequence() {
            true => Form::Operations(operations(patch, &mut object.state)),
            false => {
                if let Ok(value) = Value::of(patch) {
                    merge_patch(&mut object.state, &value.effective());
                }
                Form::Object(place.clone())
            }
        };
        object.pieces.push(Piece {
            unit: unit.clone(),
            form,
            entry: entry.cloned(),
            kustomization: kustomization.to_owned(),
        });
    }
}

/// Merges what a strategic merge patch says but the names that it finds its object by.
pub(super) fn merge_patch(state: &mut Value, patch: &Value) {
    let mut patch = patch.clone();
    patch.remove("kind");
    patch.remove("apiVersion");
    if let Some(metadata) = patch.get_mut("metadata") {
        metadata.remove("name");
    }
    merge(state, &patch);
}

/// The operations of a JSON patch, each with the way that it points at; carries them out on the state.
fn operations(patch: Node<'_>, state: &mut Value) -> Vec<Operation> {
    let mut found = Vec::new();
    for operation in patch.items() {
        let (Some(name), Some(pointer), Some(place)) = (
            text(operation, "op"),
            text(operation, "path"),
            Place::of(operation),
        ) else {
            continue;
        };
        let value = operand(operation, name, state);
        let legs = written_legs(state, name, &tokens(pointer), value.as_ref());
        found.push(Operation {
            place,
            name: name.to_owned(),
            legs,
        });
        carry_out(state, name, &tokens(pointer), value);
    }
    found
}

/// What an operation writes. A `move` takes it out of where it was.
pub(super) fn operand(operation: Node<'_>, name: &str, state: &mut Value) -> Option<Value> {
    if !matches!(name, "move" | "copy") {
        return operation.get("value").and_then(|value| Value::of(value).ok());
    }
    let from = tokens(text(operation, "from")?);
    let value = super::leg::value_at(state, &resolve(state, &from)?).cloned();
    if name == "move" {
        carry_out(state, "remove", &from, None);
    }
    value
}

/// The way to what an operation writes.
fn written_legs(state: &Value, name: &str, tokens: &[String], value: Option<&Value>) -> Option<Vec<Leg>> {
    let (last, parents) = tokens.split_last()?;
    let mut legs = resolve(state, parents)?;
    let parent = super::leg::value_at(state, &legs)?;
    match (parent, name) {
        (Value::Sequence(items), "add" | "move" | "copy") => {
            let index = super::pointer::last_index(last, items.len())?;
            let leg = value_leg(super::leg::list_of(&legs), index, value?);
            legs.push(leg);
            Some(legs)
        }
        (Value::Sequence(_), _) => resolve(state, tokens),
        _ => {
            legs.push(Leg::Key(last.clone()));
            Some(legs)
        }
    }
}

/// Carries an operation out on the state.
pub(super) fn carry_out(state: &mut Value, name: &str, tokens: &[String], value: Option<Value>) {
    let Some((last, parents)) = tokens.split_last() else {
        return;
    };
    if let Some(legs) = resolve(state, parents) {
        operate(state, name, &legs, last, value);
    }
}

/// Adds a generated ConfigMap, or a piece to one that is there.
fn generate(file: &Path, generator: Node<'_>, objects: &mut Vec<Layered>) {
    let (Some(name), Some(place)) = (text(generator, "name"), Place::of(generator)) else {
        return;
    };
    let piece = Piece {
        unit: Unit {
            path: file.to_owned(),
            inline: None,
        },
        form: Form::Generator(place),
        entry: None,
        kustomization: file.to_owned(),
    };
    let adds = matches!(text(generator, "behavior"), Some("merge" | "replace"));
    let there = objects
        .iter_mut()
        .find(|object| adds && object.kind == "ConfigMap" && object.names.iter().any(|own| own == name));
    match there {
        Some(object) => object.pieces.push(piece),
        None => objects.push(Layered {
            kind: "ConfigMap".to_owned(),
            names: vec![name.to_owned()],
            namespace: text(generator, "namespace").map(str::to_owned),
            pieces: vec![piece],
            state: Value::Mapping(Vec::new()),
        }),
    }
}

/// `namePrefix` and `nameSuffix`.
fn rename(root: Node<'_>, objects: &mut [Layered]) {
    let affix = |key: &str| text(root, key).unwrap_or_default();
    let (prefix, suffix) = (affix("namePrefix"), affix("nameSuffix"));
    if prefix.is_empty() && suffix.is_empty() {
        return;
    }
    for object in objects {
        // kustomize, `PrefixTransformer`: what is known by its name everywhere keeps it.
        if matches!(
            object.kind.as_str(),
            "CustomResourceDefinition" | "APIService" | "Namespace"
        ) {
            continue;
        }
        let name = format!("{prefix}{}{suffix}", object.name());
        object.names.push(name);
    }
}
