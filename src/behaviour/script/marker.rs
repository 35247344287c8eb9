//! Files by which the containers of a pod tell each other something.

use crate::{
    behaviour::action::{Action, ExitCode, FilePath, FileTestKind},
    shell::{Command, Connector, List, Part, Piece, Span},
};

use super::{ExitStatus, Located, Runs, ScriptBehaviour, covers, cut};

/// What is done with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkerUse {
    /// It is made, with contents that don't matter.
    Written,
    /// It is written by a program or with contents that may matter.
    Filled,
    /// It is removed.
    Removed,
    /// Its presence is asked for.
    Tested {
        /// How it is looked at.
        kind: FileTestKind,
        /// It is asked for its absence.
        negated: bool,
    },
}

/// What a test of a file leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    /// A process is signalled.
    Kill,
    /// The script or a function ends.
    Exit,
    /// A loop ends.
    Break,
    /// The script's work starts.
    Work,
}

/// A file that a script makes, removes or looks for.
#[derive(Debug, Clone)]
pub struct Marker {
    /// The file.
    pub file: FilePath,
    /// What is done with it.
    pub usage: MarkerUse,
    /// The signals of the trap it stands in, also through a function.
    pub trap: Option<Vec<String>>,
    /// It is done after the script's work.
    pub is_after_main: bool,
    /// Behind `exec`, or in a trap of the shell that `exec` replaced: never done.
    pub is_behind_exec: bool,
    /// It runs in the background.
    pub is_background: bool,
    /// What becomes of the result of the script's work.
    pub exit_status: ExitStatus,
    /// The script's runs, seen from where it is made.
    pub runs: Option<Runs>,
    /// A program's own output or the value of a variable goes there.
    pub is_output: bool,
    /// A loop repeats it: as its condition, or in its body.
    pub is_in_loop: bool,
    /// What a test leads to.
    pub reached: Vec<Reached>,
    /// The command.
    pub span: Span,
    /// The statement it stands in, the innermost one.
    pub statement: Span,
    /// What to remove so that it isn't done.
    pub cut: Span,
}

impl ScriptBehaviour<'_> {
    /// The files that the script makes, removes or looks for.
    #[must_use]
    pub fn markers(&self) -> Vec<Marker> {
        let mut markers = Vec::new();
        for located in &self.commands {
            let mut add = |file: &FilePath, usage| markers.push(self.marker(located, file, usage));
            match &located.action.action {
                Action::Touch { paths } => paths.iter().for_each(|file| add(file, MarkerUse::Written)),
                Action::Remove { paths } => paths.iter().for_each(|file| add(file, MarkerUse::Removed)),
                Action::TestFile { path, negated, kind } => {
                    let (negated, kind) = (*negated != located.visit.context.negated, *kind);
                    add(path, MarkerUse::Tested { kind, negated });
                }
                _ => {}
            }
            for file in &located.action.written_files {
                add(file, MarkerUse::Filled);
            }
        }
        markers
    }

    fn marker(&self, located: &Located, file: &FilePath, usage: MarkerUse) -> Marker {
        let place = self.place(located);
        // What runs in the background has not ended before the script waits for it.
        let main = self.main_end_index();
        let tests = matches!(usage, MarkerUse::Tested { .. });
        Marker {
            file: file.clone(),
            is_after_main: place.signals.is_none()
                && !place.is_background
                && place.step.zip(main).is_some_and(|(step, main)| step > main),
            is_behind_exec: self.is_behind_exec(&place),
            exit_status: match tests {
                true => ExitStatus::Unaffected,
                false => self.result_past(located, &place),
            },
            runs: (!tests).then(|| self.runs_past(&place)).flatten(),
            trap: place.signals,
            is_background: place.is_background,
            is_output: usage == MarkerUse::Filled && matches!(located.action.action, Action::Other { .. })
                || usage == MarkerUse::Written && prints_a_value(located),
            is_in_loop: located.visit.context.is_in_loop(),
            reached: if tests {
                self.reached_from(located)
            } else {
                Vec::new()
            },
            usage,
            span: located.action.span.clone(),
            statement: located.visit.statement.span.clone(),
            cut: cut(located.visit.statement, &located.action.span),
        }
    }

    /// What runs because of a test: the body of its `if`, the rest of its chain, what follows its loop.
    fn reached_from(&self, located: &Located) -> Vec<Reached> {
        let span = &located.action.span;
        let mut reached = Vec::new();
        for region in self.regions_behind(located) {
            for other in self.within(&region) {
                let kind = match &other.action.action {
                    Action::Signal {
                        only_tests: false, ..
                    } => Reached::Kill,
                    Action::Exit { .. } => Reached::Exit,
                    Action::Break { .. } => Reached::Break,
                    Action::Other { .. } | Action::Wrapper { .. } => Reached::Work,
                    _ => continue,
                };
                // `[ -f x ] || exit 1` ends where the file is not there.
                if kind == Reached::Exit && self.is_on_absence(located, other) {
                    continue;
                }
                if !covers(&other.action.span, span) && !reached.contains(&kind) {
                    reached.push(kind);
                }
            }
        }
        reached
    }

    /// Whether an `exit` is reached only where the file of a test is absent, or gives up behind another condition.
    fn is_on_absence(&self, test: &Located, exit: &Located) -> bool {
        let path = |located: &Located| match &located.action.action {
            Action::TestFile { path, .. } => path.path.clone(),
            _ => None,
        };
        let tested = path(test);
        let asks_for = |located: &&Located, absence: bool| match &located.action.action {
            Action::TestFile { negated, .. } => {
                path(located) == tested && (*negated != located.visit.context.negated) == absence
            }
            _ => false,
        };
        let span = &exit.action.span;
        let in_branch = self.compounds.iter().any(|visit| match visit.command {
            Command::If {
                branches, otherwise, ..
            } => {
                let asks = |list: &List, absence: bool| {
                    let extent = extent(list);
                    extent
                        .is_some_and(|extent| self.within(&extent).any(|located| asks_for(&located, absence)))
                };
                let then = branches
                    .iter()
                    .any(|branch| list_covers(&branch.body, span) && asks(&branch.condition, true));
                let first = branches.first();
                let or_else = otherwise.as_ref().is_some_and(|body| list_covers(body, span))
                    && first.is_some_and(|first| asks(&first.condition, false));
                then || or_else
            }
            _ => false,
        });
        // The test before it in its own chain: `[ -f x ] || exit 1`, `[ ! -f x ] && exit 1`.
        let in_chain = self
            .lists
            .iter()
            .flat_map(|list| &list.statements)
            .any(|statement| {
                let pipelines: Vec<_> = statement.and_or.pipelines().collect();
                let own = pipelines.iter().position(|pipeline| covers(&pipeline.span, span));
                let Some(own) = own.filter(|own| *own > 0) else {
                    return false;
                };
                let joined = statement
                    .and_or
                    .rest
                    .get(own - 1)
                    .map(|(connector, _)| *connector);
                let absence = joined == Some(Connector::And);
                let before = pipelines.get(own - 1);
                before.is_some_and(|before| {
                    self.within(&before.span)
                        .any(|located| asks_for(&located, absence))
                })
            });
        // An error behind a condition, once the wait is over, is what the wait comes to when it gives up.
        let context = &exit.visit.context;
        let is_error = matches!(
            &exit.action.action,
            Action::Exit { code: Some(ExitCode::Number(code)), .. } if *code != 0
        );
        let is_conditional = context.is_in(Part::IfBody) || context.connector.is_some();
        let is_behind = exit.action.span.start > test.visit.statement.span.end;
        in_branch || in_chain || is_error && is_conditional && is_behind
    }

    fn regions_behind(&self, located: &Located) -> Vec<Span> {
        let span = &located.action.span;
        let mut regions = Vec::new();
        let statement = located.visit.statement;
        if located.visit.context.next_connector.is_some() {
            regions.push(located.visit.pipeline.span.end..statement.span.end);
        }
        for visit in &self.compounds {
            match visit.command {
                Command::If {
                    branches, otherwise, ..
                } => {
                    for branch in branches {
                        if list_covers(&branch.condition, span) {
                            regions.extend(extent(&branch.body));
                            regions.extend(otherwise.as_ref().and_then(extent));
                        }
                    }
                }
                Command::Loop { condition, .. } if list_covers(condition, span) => {
                    let behind = self.statements_from(&visit.command.span());
                    if let Some((own, rest)) = behind {
                        let end = rest.last().map_or(own.span.end, |last| last.span.end);
                        regions.push(visit.command.span().end..end);
                    }
                }
                _ => {}
            }
        }
        regions
    }
}

/// `echo "$TOKEN" >FILE`: what is printed is the value of a variable, and not the number of a process or a result.
fn prints_a_value(located: &Located) -> bool {
    let is_value = |piece: &Piece| match piece {
        Piece::Variable { name, .. } => !matches!(name.as_str(), "!" | "$" | "?"),
        _ => false,
    };
    let words = located
        .visit
        .simple()
        .map_or(&[][..], |simple| simple.words.as_slice());
    let prints = words
        .first()
        .is_some_and(|word| matches!(word.raw.as_str(), "echo" | "printf"));
    prints && words.iter().skip(1).flat_map(|word| &word.pieces).any(is_value)
}

/// Where a test of a file leads to.
pub(super) struct TestedFile {
    pub(super) path: String,
    pub(super) regions: Vec<Span>,
}

impl ScriptBehaviour<'_> {
    /// The files whose tests decide what runs.
    pub(super) fn tested_files(&self) -> Vec<TestedFile> {
        let tests = self
            .commands
            .iter()
            .filter_map(|located| match &located.action.action {
                Action::TestFile { path, .. } => Some(TestedFile {
                    path: path.path.clone()?,
                    regions: self.regions_behind(located),
                }),
                _ => None,
            });
        tests.collect()
    }
}

fn extent(list: &List) -> Option<Span> {
    Some(list.statements.first()?.span.start..list.statements.last()?.span.end)
}

fn list_covers(list: &List, span: &Span) -> bool {
    extent(list).is_some_and(|extent| covers(&extent, span))
}
