//! What a script comes to when its work succeeds, and when it fails: which of its commands run, and with what result
//! it ends.
//!
//! The statements are walked through with values that are known in part; where a condition is not known, both ways
//! are taken. Whatever is neither the work nor a condition is taken to go well. A script that does something the walk
//! does not know, or has too many ways, has no runs: nothing is said of it.

mod condition;
mod state;
mod walk;
mod work;

use std::collections::BTreeSet;

use super::{ScriptBehaviour, Step, quit::Place};
use state::Status;

/// Longer scripts are not walked through.
const COMMANDS: usize = 300;

/// What is wrong with the way a script stops another container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// When the work fails, nothing is done to stop it.
    SkippedOnFailure,
    /// When the work succeeds, nothing is done to stop it.
    SkippedOnSuccess,
    /// However the work ends, nothing is done to stop it.
    Skipped,
    /// The work fails and the script succeeds.
    FailureLost,
    /// The work succeeds and the script fails.
    SuccessLost,
}

/// The runs of a script.
#[derive(Debug, Clone, Default)]
pub struct Runs {
    /// Those in which its work succeeds.
    success: Vec<Run>,
    /// Those in which its work fails, each time it is tried, and the script comes to an end.
    failure: Vec<Run>,
}

/// One way through a script.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Run {
    /// Where the commands start that ran.
    made: BTreeSet<usize>,
    /// Where those start that ran in the background: the end of the script may come before.
    perhaps: BTreeSet<usize>,
    /// Those that an EXIT trap ran which left the result as it was.
    beside_result: BTreeSet<usize>,
    status: Status,
    /// The script looked at the work's failure, or went on with other work, before it came to its end.
    is_noticed: bool,
}

impl Run {
    fn makes(&self, commands: &[usize]) -> bool {
        commands.iter().any(|command| self.made.contains(command))
    }
}

impl Runs {
    /// What is wrong where these commands, named by where they start, stop another container; absent where nothing is,
    /// or nothing is known.
    #[must_use]
    pub fn fault(&self, commands: &[usize]) -> Option<Fault> {
        let is_unsure = |run: &Run| commands.iter().any(|command| run.perhaps.contains(command));
        if self.success.is_empty() || self.success.iter().chain(&self.failure).any(is_unsure) {
            return None;
        }
        let never = |runs: &[Run]| !runs.is_empty() && !runs.iter().any(|run| run.makes(commands));
        let always = |runs: &[Run]| !runs.is_empty() && runs.iter().all(|run| run.makes(commands));
        match (never(&self.success), never(&self.failure)) {
            (true, true) => Some(Fault::Skipped),
            (true, false) => Some(Fault::SkippedOnSuccess),
            (false, true) => Some(Fault::SkippedOnFailure),
            (false, false) => {
                // A trap that leaves the result as it was has not lost it.
                let takes_part = |run: &Run| {
                    let mut made = commands.iter().filter(|command| run.made.contains(command));
                    made.any(|command| !run.beside_result.contains(command))
                };
                let is_lost = |run: &Run| run.status == Status::Zero && !run.is_noticed && takes_part(run);
                let fails = |run: &Run| matches!(run.status, Status::Work | Status::Other) && takes_part(run);
                if always(&self.failure) && self.failure.iter().all(is_lost) {
                    Some(Fault::FailureLost)
                } else if always(&self.success) && self.success.iter().all(fails) {
                    Some(Fault::SuccessLost)
                } else {
                    None
                }
            }
        }
    }

    /// Whether a script that also has these runs, without one of its commands, ends with the same results.
    fn end_like(&self, without: &Self, is_aside: bool) -> bool {
        let results = |runs: &[Run]| {
            let all: BTreeSet<Status> = runs.iter().map(|run| run.status).collect();
            // Of one result it is known that it is the same one; and of several, where nothing that chooses among them
            // looks at the command or at what it ended.
            let is_known = all.len() <= 1
                || is_aside
                    && all
                        .iter()
                        .all(|status| matches!(status, Status::Zero | Status::Work));
            (is_known && !all.contains(&Status::Unknown)).then_some(all)
        };
        let is_same = |with: &[Run], without: &[Run]| {
            results(with).is_some_and(|with| results(without).is_some_and(|without| with == without))
        };
        !self.success.is_empty()
            && is_same(&self.success, &without.success)
            && is_same(&self.failure, &without.failure)
    }

    /// Whether the script does what stands there and ends with the result of its work, whatever that is. A failure
    /// that it never ends with, since it tries again, is no result.
    pub(crate) fn keep_the_result(&self, command: usize) -> bool {
        let with = |runs: &[Run], status: Status| {
            runs.iter()
                .all(|run| run.made.contains(&command) && run.status == status)
        };
        !self.success.is_empty() && with(&self.success, Status::Zero) && with(&self.failure, Status::Work)
    }
}

impl ScriptBehaviour<'_> {
    /// The runs of the script, seen from a command that stops another container: the work is what comes before it, or,
    /// for a trap's command, what the script is for. Absent where there is none, or it is not understood well enough.
    pub(super) fn runs_past(&self, place: &Place) -> Option<Runs> {
        let before = self.work_before(place);
        let work = before.or_else(|| self.main_index())?;
        if let Some(known) = self.runs.borrow().get(&work) {
            return known.clone();
        }
        let runs = self.walk_through(work, None);
        self.runs.borrow_mut().insert(work, runs.clone());
        runs
    }

    /// The step that is the work which a command comes behind.
    fn work_before(&self, place: &Place) -> Option<usize> {
        let step = place.step.filter(|_| place.signals.is_none())?;
        let own = self.steps.get(step).filter(|own| own.is_work());
        // `if stop; then report; fi`: what is done then is not what it comes behind.
        let is_behind = own.is_some_and(|own| {
            let mut works = self.work_commands(own).into_iter();
            place
                .start
                .is_none_or(|start| works.any(|work| work.start < start))
        });
        let own = own.map(|_| step);
        let before = || self.steps.iter().take(step).rposition(Step::is_work);
        own.filter(|_| is_behind).or_else(before).or(own)
    }

    /// Whether the script ends with the same results when a command that stops another container is cut out of it.
    pub(super) fn ends_the_same_without(&self, place: &Place, command: usize, is_aside: bool) -> bool {
        let Some(work) = self.work_before(place).or_else(|| self.main_index()) else {
            return false;
        };
        let without = self.walk_through(work, Some(command));
        let with = self.runs_past(place);
        with.is_some_and(|with| without.is_some_and(|without| with.end_like(&without, is_aside)))
    }

    fn walk_through(&self, work: usize, without: Option<usize>) -> Option<Runs> {
        let work = self.work_commands(self.steps.get(work)?);
        if work.is_empty() || self.commands.len() > COMMANDS {
            return None;
        }
        Some(Runs {
            success: walk::runs(self, &work, without, false)?,
            failure: walk::runs(self, &work, without, true)?,
        })
    }
}
