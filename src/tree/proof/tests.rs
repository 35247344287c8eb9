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
    probes: Vec<Way>,
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

    fn probes(&self, _edited: &Files) -> Vec<Way> {
        self.probes.clone()
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
        probes: Vec::new(),
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
    let proved =
        prove(&tree, &wanted, &mut |_| Vec::new()).map_err(|reason| reason.to_string().replace('"', ""))?;
    Ok(proved.files)
}

#[test]
fn an_edit_that_renders_to_what_is_wanted_holds() {
    let wanted = FIRST.replace("image: a", "image: b");
    assert_eq!(proof(&[&wanted], &wanted), Ok(files(&wanted)));
    // The order of keys, comments and quotes are no part of an object.
    let other =
        "# A job.\napiVersion: v1\nkind: Job\nspec: {args: [\"p\", q], image: 'b'}\nmetadata: {name: a}\n";
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

/// What stands there only in the way at hand is told from what does in all.
#[test]
fn an_edit_that_fits_one_way_alone_is_refused() {
    let way = |name: &str| Way {
        name: name.to_owned(),
        ..Way::default()
    };
    let text = FIRST.replace("image: a", "image: WAY");
    let proof = |edit: &str| {
        let tree = Copier {
            files: files(&text),
            ways: vec![way("one")],
            probes: vec![way("two")],
            edits: vec![files(edit)],
        };
        let rendering = tree.render(&tree.files, &way("one")).unwrap();
        let migrated = |rendering: &Rendering| rendering.source.text.replace("p, q", "q");
        let wanted = [Wanted {
            rendering: &rendering,
            text: migrated(&rendering),
        }];
        let proved = prove(&tree, &wanted, &mut |rendering| vec![migrated(rendering)]);
        proved
            .map(|proved| proved.probes.len())
            .map_err(|reason| reason.to_string())
    };
    assert_eq!(proof(&text.replace("p, q", "q")), Ok(1));
    let frozen = proof(&text.replace("p, q", "q").replace("WAY", "one")).unwrap_err();
    assert!(
        frozen.contains("with two") && frozen.contains("spec.image"),
        "{frozen}"
    );
}

#[test]
fn a_key_twice_in_a_mapping_is_refused() {
    let wanted = FIRST.replace("image: a", "image: b");
    // The last one counts, so the objects are the same.
    let twice = wanted.replace("{image: b", "{image: lost, image: b");
    let said = proof(&[&twice], &wanted).unwrap_err();
    assert!(said.contains("image twice in one mapping"), "{said}");
}

#[test]
fn objects_with_random_names_are_compared_all_the_same() {
    let named = |name: &str, image: &str| {
        let text = FIRST.replace("{name: a}", name);
        text.replace("image: a", image)
    };
    let (one, other) = (
        named("{name: a-x1}", "image: a"),
        named("{name: a-y2}", "image: a"),
    );
    let kinds = kinds_with_random_names(&one, &other);
    assert_eq!(kinds, BTreeSet::from(["Job".to_owned()]));
    let paths = |expected: &str, found: &str| -> Vec<String> {
        let all = differences(expected, found, &kinds).into_iter();
        all.map(|difference| difference.path).collect()
    };
    assert_eq!(paths(&one, &other), ["metadata.name"]);
    assert_eq!(
        paths(&one, &named("{name: a-z3}", "image: b")),
        ["metadata.name", "spec.image"]
    );
    assert_eq!(kinds_with_random_names(&one, &one), BTreeSet::new());
}
