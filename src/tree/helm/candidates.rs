//! The edits that may make a chart render to what is wanted.

use super::{
    super::{Files, Wanted, proof::UNFOUND},
    Chart,
    back::{Side, add_edits},
    changed::Changed,
    edits::{Edits, with_line_ends},
    items::{Item, annotated, carried_out, items_of},
    placing::Arrangement,
    values_list,
};

/// More maps of annotations among values are not tried.
const MOST_MAPS: usize = 4;

/// The forms in which edits are tried, the likeliest first.
const ARRANGEMENTS: [Arrangement; 5] = [
    Arrangement::of(false, false, false),
    Arrangement::of(true, false, false),
    Arrangement::of(false, true, false),
    Arrangement::of(true, true, false),
    Arrangement::of(false, true, true),
];

/// The files of a chart with each of the edits, the likeliest first.
///
/// # Errors
/// There is none.
pub(super) fn candidates(chart: &Chart, wanted: &[Wanted<'_>]) -> Result<Vec<Files>, String> {
    let items: Vec<Vec<Item>> = wanted.iter().map(|one| items_of(one, &chart.files)).collect();
    let changed: Vec<Changed> = wanted.iter().map(Changed::of).collect();
    let of_side = |side: Side, items: &[Vec<Item>]| {
        let mut edits = Edits::default();
        for (index, (one, changed)) in wanted.iter().zip(&changed).enumerate() {
            let origins = chart.origins(one.rendering);
            let items = items.get(index).map_or(&[][..], Vec::as_slice);
            add_edits((one, changed), &origins, &chart.files, (side, items), &mut edits);
        }
        edits
    };
    let mut found: Vec<Files> = Vec::new();
    let mut add = |files: Files| {
        let files = with_line_ends(&chart.files, files);
        let is_known = found.contains(&files) || files == chart.files;
        let breaks_values = values_list::loses_values(&chart.files, &files)
            || values_list::continues_words(&chart.files, &files);
        if !is_known && !chart.touches_foreign(&files) && !breaks_values {
            found.push(files);
        }
    };
    let of_annotations = (0..MOST_MAPS).filter_map(|map| annotated(&items, map));
    for items in of_annotations.chain([items.clone()]) {
        let all: Vec<Item> = items.iter().flatten().cloned().collect();
        if all.is_empty() {
            continue;
        }
        let sides = [Side::Before, Side::Behind].map(|side| of_side(side, &items));
        for arrangement in ARRANGEMENTS {
            let edited = sides
                .iter()
                .filter_map(|edits| edits.clone().apply(&chart.files, arrangement));
            edited
                .filter_map(|files| carried_out(&files, &all))
                .for_each(&mut add);
        }
    }
    let sides = [
        Side::Before,
        Side::Behind,
        Side::Inside,
        Side::Values,
        Side::Call,
        Side::Outside,
    ]
    .map(|side| of_side(side, &[]));
    for arrangement in ARRANGEMENTS {
        let edited = sides
            .iter()
            .filter_map(|edits| edits.clone().apply(&chart.files, arrangement));
        edited
            .flat_map(|files| values_list::kept_in_values(&chart.files, files))
            .for_each(&mut add);
    }
    match found.is_empty() {
        true => Err(UNFOUND.to_owned()),
        false => Ok(found),
    }
}
