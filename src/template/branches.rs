//! The branches of a template's conditions, of which only one is rendered.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
};

use super::action::{Action, Kind};

/// At most so many renderings of one text are read.
const READINGS: usize = 6;

/// An `if`, `with` or `range` with what follows it up to its `end`.
#[derive(Debug, Default)]
struct Chain {
    branches: Vec<Branch>,
}

/// What is rendered where a condition holds and those before it do not.
#[derive(Debug)]
struct Branch {
    /// `None`: the `else` at the end.
    condition: Option<Condition>,
    body: Range<usize>,
}

/// A condition, told apart by its words alone.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Condition {
    base: String,
    is_negated: bool,
}

impl Condition {
    /// `not a` is the opposite of `a`, `ne a b` of `eq a b`, `semverCompare "<1"` of `semverCompare ">=1"`.
    fn new(words: &str) -> Self {
        let opposite = |base: String| Self {
            base,
            is_negated: true,
        };
        let bare = |text: &str| text.trim().trim_matches(['(', ')']).trim().to_owned();
        if let Some(rest) = words.strip_prefix("not ") {
            return opposite(bare(rest));
        }
        if let Some(rest) = words.strip_prefix("ne ") {
            return opposite(format!("eq {}", bare(rest)));
        }
        if let Some(rest) = words.strip_prefix("semverCompare \"<")
            && !rest.starts_with('=')
        {
            return opposite(format!("semverCompare \">={rest}"));
        }
        Self {
            base: words.to_owned(),
            is_negated: false,
        }
    }

    /// What is compared with what, if it is a comparison with a text.
    fn comparison(&self) -> Option<(&str, &str)> {
        let (subject, value) = self.base.strip_prefix("eq ")?.rsplit_once(' ')?;
        value.starts_with('"').then_some((subject, value))
    }
}

/// Which conditions hold in each reading of a template, so that branches that exclude each other are never joined.
#[derive(Debug)]
pub(super) struct Readings {
    chains: Vec<Chain>,
    /// The first reading in which a condition has the other value than at first.
    turns: HashMap<String, usize>,
    /// Conditions that only stand there as `not …`.
    at_first_false: HashMap<String, bool>,
    /// The values that each subject of comparisons is compared with.
    values: BTreeMap<String, Vec<String>>,
    /// How many there are.
    pub(super) count: usize,
}

impl Readings {
    /// The readings of a text with these actions.
    pub(super) fn of(text: &str, actions: &[Action]) -> Self {
        let mut chains = chains(actions);
        for chain in &mut chains {
            // A branch that renders to nothing is nothing to read.
            let is_empty = |branch: &Branch| {
                text.get(branch.body.clone())
                    .is_none_or(|body| body.trim().is_empty())
            };
            if !chain.branches.iter().all(is_empty) {
                chain.branches.retain(|branch| !is_empty(branch));
            }
        }
        let mut turns: HashMap<String, usize> = HashMap::new();
        let mut at_first_false: HashMap<String, bool> = HashMap::new();
        let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut count = 1;
        for chain in &chains {
            for (index, branch) in chain.branches.iter().enumerate() {
                let Some(condition) = &branch.condition else {
                    continue;
                };
                let entry = at_first_false.entry(condition.base.clone()).or_insert(true);
                *entry &= condition.is_negated;
                if chain.branches.len() > 1 {
                    let turn = turns.entry(condition.base.clone()).or_insert(index);
                    *turn = index.min(*turn);
                    count = count.max(chain.branches.len());
                }
                if let Some((subject, value)) = condition.comparison().filter(|_| !condition.is_negated) {
                    let known = values.entry(subject.to_owned()).or_default();
                    if !known.iter().any(|known| known == value) {
                        known.push(value.to_owned());
                        count = count.max(known.len());
                    }
                }
            }
        }
        Self {
            chains,
            turns,
            at_first_false,
            values,
            count: count.min(READINGS),
        }
    }

    /// What is not rendered in a reading: the bodies of the branches that were not taken.
    pub(super) fn left_out(&self, reading: usize) -> Vec<Range<usize>> {
        let mut ranges = Vec::new();
        for chain in &self.chains {
            let taken = chain.branches.iter().position(|branch| {
                branch
                    .condition
                    .as_ref()
                    .is_none_or(|condition| self.holds(condition, reading))
            });
            ranges.extend(
                chain
                    .branches
                    .iter()
                    .enumerate()
                    .filter(|(index, _)| Some(*index) != taken)
                    .map(|(_, branch)| branch.body.clone()),
            );
        }
        ranges.sort_by_key(|range| range.start);
        ranges
    }

    fn holds(&self, condition: &Condition, reading: usize) -> bool {
        let several = condition.comparison().and_then(|(subject, value)| {
            let values = self.values.get(subject)?;
            let index = values.iter().position(|known| known == value);
            (values.len() > 1 || index.is_none()).then_some((index, values.len()))
        });
        let base = match several {
            Some((index, count)) => Some(reading % count) == index,
            None => {
                let at_first = self.at_first_false.get(&condition.base) != Some(&true);
                let turned = self
                    .turns
                    .get(&condition.base)
                    .is_some_and(|turn| reading > *turn);
                at_first != turned
            }
        };
        base != condition.is_negated
    }
}

/// The bodies of all branches, those within others first.
pub(super) fn bodies(actions: &[Action]) -> Vec<Range<usize>> {
    let mut bodies: Vec<Range<usize>> = chains(actions)
        .into_iter()
        .flat_map(|chain| chain.branches)
        .map(|branch| branch.body)
        .collect();
    bodies.sort_by_key(|body| body.len());
    bodies
}

fn chains(actions: &[Action]) -> Vec<Chain> {
    let mut done = Vec::new();
    // `None`: a definition.
    let mut open: Vec<Option<Chain>> = Vec::new();
    let branch = |condition: Option<&String>, action: &Action| Branch {
        condition: condition.map(|words| Condition::new(words)),
        body: action.span.end..action.span.end,
    };
    for action in actions {
        match &action.kind {
            Kind::Open(words) => open.push(Some(Chain {
                branches: vec![branch(Some(words), action)],
            })),
            Kind::Define => open.push(None),
            Kind::Else(words) => {
                if let Some(Some(chain)) = open.last_mut() {
                    close(chain, action);
                    chain.branches.push(branch(words.as_ref(), action));
                }
            }
            Kind::End => {
                if let Some(Some(mut chain)) = open.pop() {
                    close(&mut chain, action);
                    done.push(chain);
                }
            }
            Kind::Silent | Kind::Output => {}
        }
    }
    done
}

fn close(chain: &mut Chain, action: &Action) {
    if let Some(last) = chain.branches.last_mut() {
        last.body.end = action.span.start;
    }
}

/// Whether two places stand in the same branch of every condition: no condition begins or ends between them that
/// does not do both.
pub(super) fn stand_in_one_branch(actions: &[Action], first: usize, second: usize) -> bool {
    let mut depth = 0_i32;
    for action in actions
        .iter()
        .filter(|action| (first..second).contains(&action.span.start))
    {
        match action.kind {
            Kind::Open(_) | Kind::Define => depth += 1,
            Kind::Else(_) if depth == 0 => return false,
            Kind::End => depth -= 1,
            _ => {}
        }
        if depth < 0 {
            return false;
        }
    }
    depth == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::template::action::actions;

    /// What is left of a text in each of its readings, without actions.
    fn readings(text: &str) -> Vec<String> {
        let actions = actions(text);
        let readings = Readings::of(text, &actions);
        (0..readings.count)
            .map(|reading| {
                let out = readings.left_out(reading);
                text.char_indices()
                    .filter(|(at, _)| !out.iter().any(|range| range.contains(at)))
                    .filter(|(at, _)| !actions.iter().any(|action| action.span.contains(at)))
                    .map(|(_, character)| character)
                    .collect()
            })
            .collect()
    }

    #[test]
    fn one_branch_is_read_at_a_time() {
        for (text, expected) in [
            ("{{ if .a }}A{{ else }}B{{ end }}C", vec!["AC", "BC"]),
            (
                "{{ if .a }}A{{ else if .b }}B{{ else }}C{{ end }}",
                vec!["A", "B", "C"],
            ),
            ("{{ if .a }}A{{ end }}{{ if .b }}B{{ end }}", vec!["AB"]),
            // The same condition has the same value everywhere.
            (
                "{{ if .a }}A{{ else }}B{{ end }}{{ if .a }}C{{ end }}{{ if not .a }}D{{ end }}",
                vec!["AC", "BD"],
            ),
            ("{{ if not .a }}A{{ end }}", vec!["A"]),
            ("{{ if not .a }}A{{ else }}B{{ end }}", vec!["A", "B"]),
            (
                "{{ if eq .k \"x\" }}A{{ end }}{{ if eq .k \"y\" }}B{{ end }}{{ if ne .k \"x\" }}C{{ end }}",
                vec!["A", "BC"],
            ),
            (
                "{{ if semverCompare \">=1.29-0\" .v }}A{{ end }}{{ if semverCompare \"<1.29-0\" .v }}B{{ end }}",
                vec!["A"],
            ),
            (
                "{{ if ne .k \"x\" }}{{ if ne .k \"y\" }}A{{ end }}{{ end }}",
                vec!["A"],
            ),
            (
                "{{ if eq .k \"x\" }}A{{ end }}{{ if ne .k \"y\" }}B{{ end }}",
                vec!["AB"],
            ),
            (
                "{{ if .a }}{{ else if .b }}{{ else if .c }}A{{ else }}B{{ end }}",
                vec!["A", "B"],
            ),
            ("{{ range .a }}A{{ else }}B{{ end }}", vec!["A", "B"]),
            ("{{ define \"x\" }}A{{ end }}B", vec!["AB"]),
        ] {
            assert_eq!(readings(text), expected, "{text}");
        }
    }

    #[test]
    fn tells_branches_from_what_follows_them() {
        for (text, expected) in [
            ("{{ if .a }}A{{ else }}B{{ end }}", false),
            ("{{ if .a }}A{{ end }}B", false),
            ("A{{ if .a }}x{{ else }}y{{ end }}B", true),
            ("{{ if .a }}A{{ with .b }}x{{ end }}B{{ end }}", true),
            ("A{{ if .a }}B{{ end }}", false),
        ] {
            let places = text.find('A').zip(text.rfind('B')).unwrap();
            let actions = actions(text);
            assert_eq!(
                stand_in_one_branch(&actions, places.0, places.1),
                expected,
                "{text}"
            );
        }
    }
}
