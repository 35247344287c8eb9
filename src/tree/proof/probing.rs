//! Further ways, which nobody uses: what edited files render to in them tells whether an edit only fits the values at
//! hand.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use crate::yaml::Value;

use super::{
    super::{Files, Probe, Renderer, Rendering, Wanted, Way},
    Difference, Migrate, Unproved, compared, differences, objects, rendered,
};

/// What the original renders to in further ways, and what is wanted of that; nothing where it does not render.
pub(super) type Probed = BTreeMap<Way, Option<(Rendering, Vec<String>)>>;

/// What is wanted of a rendering, and what the edited files make of it.
pub(super) struct Found<'f> {
    pub(super) wanted: &'f Wanted<'f>,
    pub(super) text: String,
}

/// The further ways in which files were seen to render to what is wanted.
///
/// # Errors
/// One in which they don't.
pub(super) fn probe(
    tree: &dyn Renderer,
    files: &Files,
    at_hand: &[Found<'_>],
    migrate: Migrate<'_>,
    probed: &mut Probed,
) -> Result<Vec<Way>, Unproved> {
    let mut held = Vec::new();
    // The first one that does not hold ends it, so that few are rendered for an edit that is none.
    for ways in tree.probes(files).chunks(rayon::current_num_threads().max(1)) {
        let renderings: Vec<_> = ways
            .par_iter()
            .map(|way| {
                let original = (!probed.contains_key(way)).then(|| tree.render_original(way));
                (way, original, rendered(tree, files, way))
            })
            .collect();
        for (way, original, edited) in renderings {
            if let Some(original) = original {
                let with_wanted = original.map(|original| {
                    let wanted = migrate(&original);
                    (original, wanted)
                });
                probed.insert(way.clone(), with_wanted);
            }
            // What does not render today need not render tomorrow.
            let Some((original, texts)) = probed.get(way).and_then(Option::as_ref) else {
                continue;
            };
            let edited = edited?.source.text.to_string();
            if let Some(difference) = difference(tree, way, (original, texts), &edited, at_hand) {
                return Err(difference.with(way));
            }
            held.push(way.clone());
        }
    }
    Ok(held)
}

/// The first difference to what is wanted most nearly; nothing where one text that is wanted is what is found.
fn difference(
    tree: &dyn Renderer,
    way: &Way,
    (original, texts): (&Rendering, &[String]),
    edited: &str,
    at_hand: &[Found<'_>],
) -> Option<Difference> {
    let mut first = None;
    for text in texts {
        let (mut differences, _) = compared(tree, original, text, edited);
        if is_switch(way)
            && !differences.is_empty()
            && let Some(base) = base(way, at_hand)
        {
            differences.retain(|own| !is_idle(&own.object, (original, edited), base));
        }
        if !is_switch(way) {
            // Another name or number may hide from the rules what it is.
            let changed = self::differences(&original.source.text, text, &BTreeSet::new());
            differences.retain(|own| changed.iter().any(|other| other.object == own.object));
            let lost = lost_effect(way, original, edited, at_hand);
            differences.extend(lost.into_iter().filter(|own| {
                let mut all = changed.iter();
                all.all(|other| other.object != own.object)
            }));
        }
        match differences.into_iter().next() {
            None => return None,
            Some(difference) => first = first.or(Some(difference)),
        }
    }
    first
}

fn is_switch(way: &Way) -> bool {
    matches!(way.probe, Some(Probe::Value { is_switch: true, .. }))
}

/// The way at hand that a further one is otherwise than.
fn base<'f>(way: &Way, at_hand: &'f [Found<'f>]) -> Option<&'f Found<'f>> {
    at_hand.iter().find(|found| {
        let own = &found.wanted.rendering.way;
        (&own.paths, own.kubernetes_version) == (&way.paths, way.kubernetes_version)
    })
}

/// Whether an object is a ConfigMap that nothing names with another value, and is with the values at hand what it is with
/// this one: whoever ran its script is not there.
fn is_idle(object: &str, (original, edited): (&Rendering, &str), base: &Found<'_>) -> bool {
    let Some(name) = object
        .strip_prefix("ConfigMap ")
        .map(|name| name.rsplit('/').next().unwrap_or(name))
    else {
        return false;
    };
    let all = [
        &original.source.text,
        edited,
        &base.wanted.rendering.source.text,
        &base.text,
    ]
    .map(objects);
    let [Some(before), Some(after), Some(base_before), Some(base_after)] = all else {
        return false;
    };
    let names_it = |(other, value): (&String, &Value)| {
        *other != object
            && value
                .to_json()
                .is_none_or(|value| value.to_string().contains(name))
    };
    before.get(object) == base_before.get(object)
        && after.get(object) == base_after.get(object)
        && !before.iter().any(names_it)
}

/// Objects that another value changes, and no longer would: the value has become the text of a template.
fn lost_effect(way: &Way, original: &Rendering, edited: &str, at_hand: &[Found<'_>]) -> Vec<Difference> {
    let Some(base) = base(way, at_hand).filter(|_| matches!(way.probe, Some(Probe::Value { .. }))) else {
        return Vec::new();
    };
    let changed = |one: &str, other: &str| -> Vec<Difference> { differences(one, other, &BTreeSet::new()) };
    let still = changed(&base.text, edited);
    let mut lost = changed(&base.wanted.rendering.source.text, &original.source.text);
    lost.retain(|own| !still.iter().any(|other| other.object == own.object));
    // What should be there is what the value makes of it.
    lost.into_iter()
        .map(|difference| Difference {
            expected: difference.found,
            found: difference.expected,
            ..difference
        })
        .collect()
}
