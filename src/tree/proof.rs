//! Proofs by rendering again: edited files have to render to what was wanted, object by object.

mod probing;

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    workload::objects_of,
    yaml::{self, Value},
};

use super::{Files, ProgramError, Renderer, Rendering, Wanted, Way};
use probing::{Found, Probed, probe};

/// Files that render to what was wanted, in every way.
#[derive(Debug)]
pub(crate) struct Proved {
    /// The edited files.
    pub files: Files,
    /// The further ways that they hold in.
    pub probes: Vec<Way>,
    /// What two renderings of the original do not have in common, and is not compared: objects with paths.
    pub random: Vec<String>,
}

/// Why nothing is edited where no renderer says more.
pub(super) const UNFOUND: &str = "what it comes from is not found in the files";

/// Why edits are not made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unproved {
    /// The way back is not known.
    #[error("{0}")]
    NoWay(String),
    /// The edited files don't render.
    #[error("edited, it is not rendered with {way}: {error}")]
    Unrendered {
        /// The way.
        way: String,
        /// Why.
        error: ProgramError,
    },
    /// They change an object that is to stay as it is.
    #[error(
        "{object} is written in the same place, and is to stay as it is: with {way}, {path} would be {found} and no longer {expected}"
    )]
    Shared {
        /// The way.
        way: String,
        /// The object's kind and name.
        object: String,
        /// The way to the value in it.
        path: String,
        /// What it has to stay, briefly.
        expected: String,
        /// What it would be, briefly.
        found: String,
    },
    /// They may render to something else with values that nobody has shown.
    #[error("{0}")]
    Unseen(String),
    /// They render to something else.
    #[error(
        "edited, it would render to something else with {way}: {object}: {path} is {found} and should be {expected}"
    )]
    Different {
        /// The way.
        way: String,
        /// The object's kind and name.
        object: String,
        /// The way to the value in it.
        path: String,
        /// What it should be, briefly.
        expected: String,
        /// What it would be, briefly.
        found: String,
        /// With values that nobody is known to have: with those at hand it would be right.
        is_probe: bool,
    },
}

impl Unproved {
    fn is_of_probe(&self) -> bool {
        matches!(self, Self::Different { is_probe: true, .. } | Self::Unseen(_))
    }

    /// How near the edit came to what is wanted: the nearest one's reason says most.
    fn nearness(&self) -> usize {
        match self {
            Self::NoWay(_) => 0,
            Self::Unrendered { .. } => 1,
            Self::Different { is_probe: false, .. } => 2,
            Self::Shared { .. } => 3,
            Self::Different { is_probe: true, .. } => 4,
            Self::Unseen(_) => 5,
        }
    }
}

/// What is wanted of a rendering: the text that a migration makes of it, and others that do as well.
pub(crate) type Migrate<'m> = &'m mut dyn FnMut(&Rendering) -> Vec<String>;

/// Edits a tree so that it renders to what is wanted, and renders it again to see that it does. The ways that nothing
/// is wanted of have to render to what they did: `wanted` names all of them. What the tree renders to in further ways,
/// which nobody uses, has to be what `migrate` makes of them.
///
/// # Errors
/// There is no such edit, or none that holds.
pub(crate) fn prove(
    tree: &dyn Renderer,
    wanted: &[Wanted<'_>],
    migrate: Migrate<'_>,
) -> Result<Proved, Unproved> {
    let mut nearest: Option<Unproved> = None;
    let mut probed = Probed::new();
    for files in tree.candidates(wanted).map_err(Unproved::NoWay)? {
        let held = holds(tree, &files, wanted).and_then(|(random, found)| {
            let probes = probe(tree, &files, &found, migrate, &mut probed)?;
            match tree.unseen_use(&files, wanted, &probes) {
                Some(reason) => Err(Unproved::Unseen(reason)),
                None => Ok((random, probes)),
            }
        });
        match held {
            Ok((random, probes)) => {
                return Ok(Proved {
                    files,
                    probes,
                    random,
                });
            }
            Err(reason) => {
                let is_nearer = |known: &Unproved| reason.nearness() > known.nearness();
                if nearest.as_ref().is_none_or(is_nearer) {
                    nearest = Some(reason);
                }
            }
        }
    }
    let nearest = nearest.unwrap_or_else(|| Unproved::NoWay(UNFOUND.to_owned()));
    match tree.hindrance(wanted) {
        Some(hindrance) if !nearest.is_of_probe() => Err(Unproved::NoWay(hindrance)),
        _ => Err(nearest),
    }
}

/// Whether the files render to what is wanted: what is not compared, and what they render to.
fn holds<'w>(
    tree: &dyn Renderer,
    files: &Files,
    wanted: &'w [Wanted<'w>],
) -> Result<(Vec<String>, Vec<Found<'w>>), Unproved> {
    let mut all_random = BTreeSet::new();
    let mut all_found = Vec::new();
    for one in wanted {
        let rendered = rendered(tree, files, &one.rendering.way)?;
        let found = tree.named_as(&one.text, rendered.source.text.to_string());
        let (differences, random) = compared(tree, one.rendering, &one.text, &found);
        all_random.extend(
            random
                .iter()
                .map(|random| format!("{}: {}", random.object, random.path)),
        );
        if let Some(difference) = differences.first() {
            let staying = staying(&one.rendering.source.text, &one.text, &differences);
            return Err(match staying {
                Some(shared) => shared.clone().of_another(&one.rendering.way),
                None => difference.clone().with(&one.rendering.way),
            });
        }
        all_found.push(Found {
            wanted: one,
            text: found,
        });
    }
    Ok((all_random.into_iter().collect(), all_found))
}

fn rendered(tree: &dyn Renderer, files: &Files, way: &Way) -> Result<Rendering, Unproved> {
    tree.render(files, way).map_err(|error| Unproved::Unrendered {
        way: way.name.clone(),
        error,
    })
}

/// What differs from what is wanted of a rendering, and what differs by itself, which says nothing about an edit.
fn compared(
    tree: &dyn Renderer,
    rendering: &Rendering,
    expected: &str,
    found: &str,
) -> (Vec<Difference>, Vec<Difference>) {
    let all = differences(expected, found, &BTreeSet::new());
    if all.is_empty() {
        return (all, Vec::new());
    }
    let original = &rendering.source.text;
    let Some(again) = tree.render_again(&rendering.way) else {
        return (all, Vec::new());
    };
    let kinds = kinds_with_random_names(original, &again.source.text);
    let random = differences(original, &again.source.text, &kinds);
    let is_random = |difference: &Difference| {
        let is_same =
            |random: &Difference| (&random.object, &random.path) == (&difference.object, &difference.path);
        random.iter().any(is_same)
    };
    let mut all = differences(expected, found, &kinds);
    all.retain(|difference| !is_random(difference));
    (all, random)
}

/// The kinds of objects whose names differ between two renderings of the same.
fn kinds_with_random_names(one: &str, other: &str) -> BTreeSet<String> {
    let (Some(one), Some(other)) = (objects(one), objects(other)) else {
        return BTreeSet::new();
    };
    let gone = one.keys().filter(|key| !other.contains_key(*key));
    gone.map(|key| kind_of(key).to_owned()).collect()
}

fn kind_of(key: &str) -> &str {
    key.split(' ').next().unwrap_or_default()
}

/// Gives the objects of these kinds that have no counterpart the names that these have, in their order.
fn rename(expected: &Objects, found: &mut Objects, kinds: &BTreeSet<String>) {
    for kind in kinds {
        let is_own = |key: &&String| kind_of(key) == kind;
        let missing: Vec<String> = expected
            .keys()
            .filter(|key| is_own(key) && !found.contains_key(*key))
            .cloned()
            .collect();
        let others: Vec<String> = found
            .keys()
            .filter(|key| is_own(key) && !expected.contains_key(*key))
            .cloned()
            .collect();
        for (name, own) in missing.into_iter().zip(others) {
            if let Some(object) = found.remove(&own) {
                found.insert(name, object);
            }
        }
    }
}

/// One value that differs between two renderings.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Difference {
    object: String,
    path: String,
    expected: String,
    found: String,
}

impl Difference {
    fn with(self, way: &Way) -> Unproved {
        Unproved::Different {
            way: way.name.clone(),
            object: self.object,
            path: self.path,
            expected: self.expected,
            found: self.found,
            is_probe: way.probe.is_some(),
        }
    }

    fn of_another(self, way: &Way) -> Unproved {
        Unproved::Shared {
            way: way.name.clone(),
            object: self.object,
            path: self.path,
            expected: self.expected,
            found: self.found,
        }
    }
}

/// The first difference, where all of them are in objects that are there and that nothing is wanted of.
fn staying<'d>(original: &str, wanted: &str, differences: &'d [Difference]) -> Option<&'d Difference> {
    let known = objects(original)?;
    let changed = self::differences(original, wanted, &BTreeSet::new());
    let stays = |own: &Difference| {
        known.contains_key(&own.object) && !changed.iter().any(|other| other.object == own.object)
    };
    differences.first().filter(|_| differences.iter().all(stays))
}

/// What differs between two texts, where objects of `kinds` have random names.
fn differences(expected: &str, found: &str, kinds: &BTreeSet<String>) -> Vec<Difference> {
    let whole = |expected: &str, found: &str| {
        vec![Difference {
            object: "the whole".to_owned(),
            path: "the text".to_owned(),
            expected: expected.to_owned(),
            found: found.to_owned(),
        }]
    };
    let overwritten = overwritten(found);
    if overwritten.len() > self::overwritten(expected).len() {
        let key = overwritten.last().map_or("a key", String::as_str);
        return whole("one of each key", &format!("{key} twice in one mapping"));
    }
    match (objects(expected), objects(found)) {
        (Some(expected), Some(found)) => differences_of(&expected, found, kinds),
        _ => whole("YAML", "none"),
    }
}

/// What differs between the objects of two texts.
fn differences_of(expected: &Objects, mut found: Objects, kinds: &BTreeSet<String>) -> Vec<Difference> {
    rename(expected, &mut found, kinds);
    let mut all = Vec::new();
    for key in expected
        .keys()
        .chain(found.keys().filter(|key| !expected.contains_key(*key)))
    {
        let mut differing = Comparison {
            object: key,
            found: &mut all,
        };
        differing.compare(expected.get(key), found.get(key), String::new());
    }
    all
}

/// The keys that stand again further down in their mapping: what is above is lost, and no object shows it.
fn overwritten(text: &str) -> Vec<String> {
    let Ok(stream) = yaml::parse(text) else {
        return Vec::new();
    };
    let roots = stream.roots();
    let entries = roots.flat_map(|(_, root)| root.all_overwritten_entries());
    entries
        .map(|entry| entry.key.as_str().unwrap_or_default().to_owned())
        .collect()
}

/// All objects by kind, namespace and name; those with the same by their order.
type Objects = BTreeMap<String, Value>;

/// The objects of a text.
fn objects(text: &str) -> Option<Objects> {
    let stream = yaml::parse(text).ok()?;
    let mut all = BTreeMap::new();
    for object in objects_of(&stream) {
        let reference = &object.reference;
        let namespace = reference
            .namespace
            .as_deref()
            .map(|name| format!("{name}/"))
            .unwrap_or_default();
        let name = format!("{} {namespace}{}", reference.kind, reference.name);
        let mut key = name.clone();
        let mut count = 1;
        while all.contains_key(&key) {
            count += 1;
            key = format!("{name} ({count})");
        }
        all.insert(key, Value::of(object.node).ok()?.effective());
    }
    Some(all)
}

struct Comparison<'c> {
    object: &'c str,
    found: &'c mut Vec<Difference>,
}

impl Comparison<'_> {
    fn compare(&mut self, expected: Option<&Value>, found: Option<&Value>, path: String) {
        match (expected, found) {
            (Some(Value::Mapping(left)), Some(Value::Mapping(right))) => {
                let of = |entries: &[(Value, Value)], key: &Value| {
                    entries
                        .iter()
                        .find(|(own, _)| own == key)
                        .map(|(_, value)| value.clone())
                };
                let keys = left
                    .iter()
                    .chain(right.iter().filter(|(key, _)| of(left, key).is_none()));
                for (key, _) in keys {
                    let path = join(&path, key);
                    if !is_checksum(&path) {
                        self.compare(of(left, key).as_ref(), of(right, key).as_ref(), path);
                    }
                }
            }
            (Some(Value::Sequence(left)), Some(Value::Sequence(right))) if left.len() == right.len() => {
                for (index, (left, right)) in left.iter().zip(right).enumerate() {
                    self.compare(Some(left), Some(right), format!("{path}[{index}]"));
                }
            }
            (expected, found) if expected == found || are_no_init_containers(expected, found, &path) => {}
            (expected, found) => self.found.push(Difference {
                object: self.object.to_owned(),
                path: if path.is_empty() {
                    "all of it".to_owned()
                } else {
                    path
                },
                expected: brief(expected),
                found: brief(found),
            }),
        }
    }
}

fn join(path: &str, key: &Value) -> String {
    let key = match key {
        Value::String(key) => key.clone(),
        key => key.brief(),
    };
    if path.is_empty() {
        key
    } else {
        format!("{path}.{key}")
    }
}

/// An empty list of init containers is none (Kubernetes, `omitempty` of `initContainers`): a renderer leaves one behind
/// where a patch takes the last one out.
fn are_no_init_containers(expected: Option<&Value>, found: Option<&Value>, path: &str) -> bool {
    let is_empty = |value: Option<&Value>| match value {
        None => true,
        Some(value) => *value == Value::Sequence(Vec::new()),
    };
    path.ends_with(".initContainers") && is_empty(expected) && is_empty(found)
}

/// A hash of a template that the chart puts beside what uses it: it changes with the template.
fn is_checksum(path: &str) -> bool {
    path.contains("annotations.checksum/") || path.contains("annotations.checksum-")
}

fn brief(value: Option<&Value>) -> String {
    value.map_or_else(|| "not there".to_owned(), Value::brief)
}

#[cfg(test)]
mod tests;
