//! The trees of kustomizations that inputs belong to, rendered.

use std::path::PathBuf;

use rayon::prelude::*;

use super::{IsWanted, Named, Tree};
use crate::{
    cli::{note, progress::Progress},
    report::counted,
    source::Origin,
    tree::{
        ProgramError, Renderer,
        kustomize::{Found, Kustomizations, Left, Partly, Search, find},
    },
};

/// What became of the kustomizations of a run.
#[derive(Default)]
pub(super) struct Rendered {
    pub(super) trees: Vec<Tree>,
    /// Patches of kustomizations that are not rendered. They are no workloads of their own.
    pub(super) patches: Vec<PathBuf>,
}

/// Renders the kustomizations among the inputs that were met in directories.
pub(super) fn rendered(
    named: &Named<'_>,
    search: &Search<'_>,
    quiet: bool,
    is_wanted: IsWanted<'_>,
) -> Rendered {
    let met: Vec<PathBuf> = named
        .inputs
        .iter()
        .filter_map(|(input, _)| match &input.origin {
            Origin::Found(path) => Some(path.clone()),
            _ => None,
        })
        .collect();
    let Found { trees, left, partly } = find(&met, search);
    let holds_wanted = |tree: &Kustomizations| {
        let mut files = tree.files().texts();
        files.any(|(path, _)| is_wanted(tree.root(), Some(path)))
    };
    let trees: Vec<Kustomizations> = trees.into_iter().filter(holds_wanted).collect();
    let bar = Progress::renderings(trees.iter().map(|tree| tree.ways().len()).sum());
    let outcomes = trees.into_par_iter().map(|tree| of_tree(tree, named, &bar));
    let outcomes: Vec<Outcome> = outcomes.collect();
    drop(bar);
    if !quiet {
        tell(&outcomes, &left, &partly);
    }
    let of_failed = outcomes
        .iter()
        .flat_map(|outcome| outcome.patches.iter().cloned());
    let patches = of_failed.chain(left.into_iter().flat_map(|left| left.patches));
    Rendered {
        patches: patches.collect(),
        trees: outcomes.into_iter().filter_map(|outcome| outcome.tree).collect(),
    }
}

/// A tree, or nothing where none of its kustomizations is rendered.
struct Outcome {
    tree: Option<Tree>,
    /// The kustomizations that are not rendered.
    failed: Vec<(String, ProgramError)>,
    /// Their patches.
    patches: Vec<PathBuf>,
}

fn of_tree(mut tree: Kustomizations, named: &Named<'_>, bar: &Progress) -> Outcome {
    let outcomes = super::rendered(&tree, false, bar);
    let mut renderings = Vec::new();
    let mut failed = Vec::new();
    let mut patches = Vec::new();
    for (way, outcome) in tree.ways().to_vec().into_iter().zip(outcomes) {
        match outcome {
            Ok(rendering) => renderings.push(rendering),
            Err(error) => {
                patches.extend(tree.leave(&way));
                failed.push((way.name, error));
            }
        }
    }
    let is_rendered = !renderings.is_empty();
    Outcome {
        tree: is_rendered.then(|| Tree {
            names: named.names(&tree),
            group: named.group(&tree),
            renderer: Box::new(tree),
            renderings,
        }),
        failed,
        patches,
    }
}

/// One line for each kustomization that is not rendered, and one for all where there is no program for it.
fn tell(outcomes: &[Outcome], left: &[Left], partly: &[Partly]) {
    let failed = || outcomes.iter().flat_map(|outcome| &outcome.failed);
    let is_missing = |error: &ProgramError| matches!(error, ProgramError::Missing(_));
    let without_program = failed().filter(|(_, error)| is_missing(error)).count();
    if without_program > 0 {
        note(&format!(
            "neither kubectl nor kustomize is on the PATH: the files of {} are read one by one",
            counted(without_program, "kustomization")
        ));
    }
    for (name, error) in failed().filter(|(_, error)| !is_missing(error)) {
        note(&format!(
            "{name}: cannot be rendered, so its files are read one by one: {error}"
        ));
    }
    for partly in partly {
        note(&format!(
            "{}: rendered without {}: the network is not asked",
            partly.directory.display(),
            partly.without.join(", ")
        ));
    }
    for left in left {
        note(&format!(
            "{}: not rendered: {}",
            left.directory.display(),
            left.reason
        ));
    }
}
