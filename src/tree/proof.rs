//! Proofs by rendering again: edited files have to render to what was wanted, object by object.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    workload::objects_of,
    yaml::{self, Value},
};

use super::{Files, Probe, ProgramError, Renderer, Rendering, Wanted, Way};

/// Files that render to what was wanted, in every way.
#[derive(Debug)]
pub struct Proved {
    /// The edited files.
    pub files: Files,
    /// How many further ways they hold in.
    pub probes: usize,
    /// What two renderings of the original do not have in common, and is not compared: objects with paths.
    pub random: Vec<String>,
}

/// Why nothing is edited where no renderer says more.
pub(super) const UNFOUND: &str = "what it comes from is not found in the files";

/// Why edits are not made.
#[derive(Debug, thiserror::Error)]
pub enum Unproved {
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
    },
}

/// What is wanted of a rendering: the text that a migration makes of it, and others that do as well.
pub type Migrate<'m> = &'m mut dyn FnMut(&Rendering) -> Vec<String>;

/// Edits a tree so that it renders to what is wanted, and renders it again to see that it does. The ways that nothing
/// is wanted of have to render to what they did: `wanted` names all of them. What the tree renders to in further ways,
/// which nobody uses, has to be what `migrate` makes of them.
///
/// # Errors
/// There is no such edit, or none that holds.
pub fn prove(tree: &dyn Renderer, wanted: &[Wanted<'_>], migrate: Migrate<'_>) -> Result<Proved, Unproved> {
    let mut first = None;
    let mut probed = Probed::new();
    for files in tree.candidates(wanted).map_err(Unproved::NoWay)? {
        let held = holds(tree, &files, wanted);
        let held = held.and_then(|random| Ok((random, probe(tree, &files, migrate, &mut probed)?)));
        match held {
            Ok((random, probes)) => {
                return Ok(Proved {
                    files,
                    probes,
                    random,
                });
            }
            Err(reason) => {
                first.get_or_insert(reason);
            }
        }
    }
    Err(first.unwrap_or_else(|| Unproved::NoWay(UNFOUND.to_owned())))
}

/// Whether the files render to what is wanted.
fn holds(tree: &dyn Renderer, files: &Files, wanted: &[Wanted<'_>]) -> Result<Vec<String>, Unproved> {
    let mut all_random = BTreeSet::new();
    for one in wanted {
        let rendered = rendered(tree, files, &one.rendering.way)?;
        let found = tree.named_as(&one.text, rendered.source.text.to_string());
        let mut differences = differences(&one.text, &found);
        let random = drop_random(tree, one.rendering, &mut differences);
        all_random.extend(
            random
                .iter()
                .map(|random| format!("{}: {}", random.object, random.path)),
        );
        if let Some(difference) = differences.into_iter().next() {
            return Err(difference.with(&one.rendering.way));
        }
    }
    Ok(all_random.into_iter().collect())
}

fn rendered(tree: &dyn Renderer, files: &Files, way: &Way) -> Result<Rendering, Unproved> {
    tree.render(files, way).map_err(|error| Unproved::Unrendered {
        way: way.name.clone(),
        error,
    })
}

/// Takes out what differs by itself, which says nothing about an edit, and returns that.
fn drop_random(
    tree: &dyn Renderer,
    rendering: &Rendering,
    differences: &mut Vec<Difference>,
) -> Vec<Difference> {
    if differences.is_empty() {
        return Vec::new();
    }
    let Ok(again) = tree.render(tree.files(), &rendering.way) else {
        return Vec::new();
    };
    let random = self::differences(&rendering.source.text, &again.source.text);
    let is_random = |difference: &Difference| {
        random
            .iter()
            .any(|random| (&random.object, &random.path) == (&difference.object, &difference.path))
    };
    differences.retain(|difference| !is_random(difference));
    random
}

/// What the original renders to in further ways, and what is wanted of that; nothing where it does not render.
type Probed = BTreeMap<Way, Option<(Rendering, Vec<String>)>>;

/// Whether the files render to what is wanted in the further ways, too; in how many of them.
fn probe(
    tree: &dyn Renderer,
    files: &Files,
    migrate: Migrate<'_>,
    probed: &mut Probed,
) -> Result<usize, Unproved> {
    let mut count = 0;
    for way in tree.probes(files) {
        let known = probed.entry(way.clone()).or_insert_with(|| {
            let original = tree.render(tree.files(), &way).ok()?;
            let wanted = migrate(&original);
            Some((original, wanted))
        });
        // What does not render today need not render tomorrow.
        let Some((original, wanted)) = known else { continue };
        let found = rendered(tree, files, &way)?;
        let mut first = None;
        for text in &*wanted {
            let mut differences = differences(text, &found.source.text);
            drop_random(tree, original, &mut differences);
            if !matches!(way.probe, Some(Probe::Value { is_switch: true, .. })) {
                // Another name or number may hide from the rules what it is.
                let changed = self::differences(&original.source.text, text);
                differences.retain(|own| changed.iter().any(|other| other.object == own.object));
            }
            match differences.into_iter().next() {
                None => {
                    first = None;
                    break;
                }
                Some(difference) => first = first.or(Some(difference)),
            }
        }
        if let Some(difference) = first {
            return Err(difference.with(&way));
        }
        count += 1;
    }
    Ok(count)
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
        }
    }
}

fn differences(expected: &str, found: &str) -> Vec<Difference> {
    let whole = |expected: &str, found: &str| {
        vec![Difference {
            object: "the whole".to_owned(),
            path: "the text".to_owned(),
            expected: expected.to_owned(),
            found: found.to_owned(),
        }]
    };
    let (Some(expected), Some(found)) = (objects(expected), objects(found)) else {
        return whole("YAML", "none");
    };
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

/// All objects by kind, namespace and name; those with the same by their order.
fn objects(text: &str) -> Option<BTreeMap<String, Value>> {
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
            (expected, found) if expected == found => {}
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

/// A hash of a template that the chart puts beside what uses it: it changes with the template.
fn is_checksum(path: &str) -> bool {
    path.contains("annotations.checksum/") || path.contains("annotations.checksum-")
}

fn brief(value: Option<&Value>) -> String {
    value.map_or_else(|| "not there".to_owned(), Value::brief)
}

#[cfg(test)]
mod tests {
    use std::{
        ops::Range,
        path::{Path, PathBuf},
        sync::Arc,
    };

    use super::*;
    use crate::{
        source::SourceFile,
        tree::{Place, Rendering, Way},
    };

    const FIRST: &str = "kind: Job\napiVersion: v1\nmetadata: {name: a}\nspec: {image: a, args: [p, q]}\n";

    /// One file that renders to itself, for each of two ways, and a way back that brings what it is told to.
    struct Copier {
        files: Files,
        ways: Vec<Way>,
        edits: Vec<Files>,
    }

    fn files(text: &str) -> Files {
        let mut files = Files::default();
        files.put(PathBuf::from("a.yaml"), text);
        files
    }

    impl Renderer for Copier {
        fn name(&self) -> &str {
            "copier"
        }

        fn root(&self) -> &Path {
            Path::new(".")
        }

        fn files(&self) -> &Files {
            &self.files
        }

        fn ways(&self) -> &[Way] {
            &self.ways
        }

        fn render(&self, files: &Files, way: &Way) -> Result<Rendering, ProgramError> {
            let text = files.text(Path::new("a.yaml")).unwrap();
            if text.contains("BROKEN") {
                return Err(ProgramError::Missing("copier".to_owned()));
            }
            let text = text.replace("WAY", &way.name);
            Ok(Rendering {
                way: way.clone(),
                source: Arc::new(SourceFile {
                    name: String::new(),
                    text: text.into(),
                }),
            })
        }

        fn origin(&self, _rendering: &Rendering, _span: Range<usize>) -> Option<Place> {
            None
        }

        fn is_rendered(&self, _path: &Path) -> bool {
            true
        }

        fn edited(&self, _wanted: &[Wanted<'_>]) -> Result<Files, String> {
            Err("not asked".to_owned())
        }

        fn candidates(&self, _wanted: &[Wanted<'_>]) -> Result<Vec<Files>, String> {
            Ok(self.edits.clone())
        }
    }

    /// What the proof says of edits that should render to `wanted` in both ways.
    fn proof(edits: &[&str], wanted: &str) -> Result<Files, String> {
        let way = |name: &str| Way {
            name: name.to_owned(),
            ..Way::default()
        };
        let tree = Copier {
            files: files(FIRST),
            ways: vec![way("one"), way("two")],
            edits: edits.iter().map(|text| files(text)).collect(),
        };
        let rendered = |way| tree.render(&tree.files, way).unwrap();
        let renderings: Vec<Rendering> = tree.ways.iter().map(rendered).collect();
        let wanted: Vec<Wanted<'_>> = renderings
            .iter()
            .map(|rendering| Wanted {
                rendering,
                text: wanted.to_owned(),
            })
            .collect();
        let proved = prove(&tree, &wanted).map_err(|reason| reason.to_string().replace('"', ""))?;
        Ok(proved.files)
    }

    #[test]
    fn an_edit_that_renders_to_what_is_wanted_holds() {
        let wanted = FIRST.replace("image: a", "image: b");
        assert_eq!(proof(&[&wanted], &wanted), Ok(files(&wanted)));
        // The order of keys, comments and quotes are no part of an object.
        let other = "# A job.\napiVersion: v1\nkind: Job\nspec: {args: [\"p\", q], image: 'b'}\nmetadata: {name: a}\n";
        assert_eq!(proof(&[other], &wanted), Ok(files(other)));
        // One that does not hold is passed over.
        assert_eq!(proof(&[FIRST, &wanted], &wanted), Ok(files(&wanted)));
    }

    #[test]
    fn an_edit_that_renders_to_anything_else_is_refused() {
        let wanted = FIRST.replace("image: a", "image: b");
        let also = |more: &str| format!("{wanted}---\n{more}");
        for (edit, reason) in [
            (FIRST.to_owned(), "Job a: spec.image is a and should be b"),
            (
                wanted.replace("image: b, ", ""),
                "spec.image is not there and should be b",
            ),
            (
                wanted.replace("image: b", "image: b, more: 1"),
                "spec.more is 1 and should be not there",
            ),
            (
                wanted.replace("image: b", "image: b, more: null"),
                "spec.more is null and should be not there",
            ),
            (
                wanted.replace("p, q", "q, p"),
                "spec.args[0] is q and should be p",
            ),
            (wanted.replace("p, q", "p"), "spec.args is"),
            (wanted.replace("[p, q]", "[p, 'true']"), "should be q"),
            (
                wanted.replace("name: a", "name: c"),
                "Job a: all of it is not there",
            ),
            (
                wanted.replace("name: a", "name: a, namespace: n"),
                "Job a: all of it is not there",
            ),
            (
                also("kind: Pod\napiVersion: v1\nmetadata: {name: p}\n"),
                "Pod p: all of it is",
            ),
            (also(&wanted), "Job a (2): all of it is"),
            ("{".to_owned(), "the whole"),
            (String::new(), "Job a: all of it is not there"),
            // In one of the ways alone.
            (wanted.replace("image: b", "image: WAY"), "with one"),
            ("BROKEN".to_owned(), "edited, it is not rendered with one"),
        ] {
            let said = proof(&[&edit], &wanted).expect_err(&edit);
            assert!(said.contains(reason), "{edit}: {said}");
        }
        assert_eq!(proof(&[], &wanted), Err(UNFOUND.to_owned()));
        let one = wanted.replace("image: b", "image: one");
        let said = proof(&[&wanted.replace("image: b", "image: WAY")], &one);
        assert!(said.is_err_and(|said| said.contains("with two: Job a: spec.image is two")));
    }
}
