//! The lines that differ between a rendering and what is wanted of it, containers that move as a whole.

use std::{collections::HashSet, ops::Range};

use crate::{
    diff::{Hunk, hunks},
    source::Lines,
    workload::{ContainerList, discover, objects_of},
    yaml::{self, Node},
};

/// The changes that make `after` of `before`. A container that is an init container now is one change: which of two
/// containers has moved past the other can't be seen from lines alone.
pub(super) fn changes(before: &str, after: &str) -> Vec<Hunk> {
    let cuts = moved_containers(before, after);
    let lines: Vec<&str> = after.split_inclusive('\n').collect();
    let is_cut = |line: &usize| cuts.iter().any(|cut| cut.contains(line));
    let kept: Vec<usize> = (0..lines.len()).filter(|line| !is_cut(line)).collect();
    let rest: String = kept.iter().filter_map(|line| lines.get(*line).copied()).collect();
    let mut found = Vec::new();
    let mut shift = 0isize;
    let mut cuts = cuts.iter().peekable();
    for hunk in hunks(before, &rest) {
        let place = |cut: &Range<usize>| kept.partition_point(|line| *line < cut.start);
        while let Some(cut) = cuts.next_if(|cut| place(cut) <= hunk.after.start) {
            let at = place(cut).saturating_add_signed(-shift);
            found.push(Hunk {
                before: at..at,
                after: cut.clone(),
            });
        }
        let (mut own, mut from) = (hunk.before.clone(), hunk.after.start);
        while let Some(cut) = cuts.next_if(|cut| place(cut) < hunk.after.end) {
            found.extend(whole(&kept, from..place(cut)).map(|after| Hunk {
                before: own.clone(),
                after,
            }));
            (own, from) = (own.end..own.end, place(cut));
            found.push(Hunk {
                before: own.clone(),
                after: cut.clone(),
            });
        }
        let after = whole(&kept, from..hunk.after.end).unwrap_or_default();
        found.push(Hunk { before: own, after });
        shift = hunk.after.end.cast_signed() - hunk.before.end.cast_signed();
    }
    for cut in cuts {
        let at = kept
            .partition_point(|line| *line < cut.start)
            .saturating_add_signed(-shift);
        found.push(Hunk {
            before: at..at,
            after: cut.clone(),
        });
    }
    found
}

/// Lines of the text without cuts as those of the text with them.
fn whole(kept: &[usize], range: Range<usize>) -> Option<Range<usize>> {
    let own = kept.get(range)?;
    Some(*own.first()?..own.last()? + 1)
}

/// The lines of an item of a list, with the comments above it: they are about it.
pub(super) fn lines_of_item(item: Node<'_>, lines: &Lines<'_>, texts: &[&str]) -> Range<usize> {
    let span = item.span();
    let mut start = lines.position(span.start).line - 1;
    // A dash may stand by itself.
    let above = start
        .checked_sub(1)
        .filter(|above| texts.get(*above).is_some_and(|text| text.trim() == "-"));
    start = above.unwrap_or(start);
    let is_comment = |line: usize| {
        texts
            .get(line)
            .is_some_and(|text| text.trim_start().starts_with('#'))
    };
    while start.checked_sub(1).is_some_and(is_comment) {
        start -= 1;
    }
    start..lines.position(span.end).line
}

/// The lines of containers that are init containers and were none, with the key of a list that is new.
fn moved_containers(before: &str, after: &str) -> Vec<Range<usize>> {
    let (Ok(old), Ok(new)) = (yaml::parse(before), yaml::parse(after)) else {
        return Vec::new();
    };
    let mut regular = HashSet::new();
    let mut has_list = HashSet::new();
    for object in objects_of(&old) {
        for (index, workload) in discover(&object).into_iter().enumerate() {
            let key = (object.reference.clone(), index);
            if workload
                .pod_spec
                .get("initContainers")
                .is_some_and(|list| list.items().next().is_some())
            {
                has_list.insert(key.clone());
            }
            let names = workload
                .regular()
                .map(|container| (key.clone(), container.name.to_owned()));
            regular.extend(names);
        }
    }
    let lines = Lines::new(after);
    let texts: Vec<&str> = after.split('\n').collect();
    let mut cuts: Vec<Range<usize>> = Vec::new();
    for object in objects_of(&new) {
        for (index, workload) in discover(&object).into_iter().enumerate() {
            let key = (object.reference.clone(), index);
            for container in workload
                .containers
                .iter()
                .filter(|container| container.list == ContainerList::Init)
            {
                if !regular.contains(&(key.clone(), container.name.to_owned())) {
                    continue;
                }
                let Range { mut start, end } = lines_of_item(container.node, &lines, &texts);
                let above = start.checked_sub(1).and_then(|line| texts.get(line));
                if !has_list.contains(&key)
                    && above.is_some_and(|line| line.trim_end().ends_with("initContainers:"))
                {
                    start -= 1;
                }
                cuts.push(start..end);
            }
        }
    }
    cuts.sort_by_key(|cut| cut.start);
    cuts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_moves_as_a_whole() {
        let before = "kind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - name: app\n    image: a\n  - name: proxy\n    image: p\n";
        let after = "kind: Pod\nmetadata: {name: a}\nspec:\n  initContainers:\n  - name: proxy\n    image: p\n    restartPolicy: Always\n  containers:\n  - name: app\n    image: a\n";
        let found = changes(before, after);
        assert_eq!(
            found,
            [
                Hunk {
                    before: 3..3,
                    after: 3..7
                },
                Hunk {
                    before: 6..8,
                    after: 0..0
                }
            ]
        );
    }
}
