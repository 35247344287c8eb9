//! `--apply`: asks, changes one object after the other, and follows each to its end.

use std::path::Path;

use super::{
    Run,
    change::Changed,
    follow::{Followed, follow},
    needs_review,
    proposal::{Engine, Proposal},
};
use crate::cli::{
    Error, ExitStatus, complain,
    confirm::confirm,
    interrupts::Interrupts,
    migrate::{quoted, tell},
};

/// Names that a question lists; more are counted.
const NAMED: usize = 5;

/// Why objects are left after an interrupt.
const INTERRUPTED: &str = "the run was interrupted before it was its turn";

/// What was and was not done.
#[derive(Default)]
struct Outcome {
    applied: Vec<String>,
    /// What was not changed, and why.
    left: Vec<(String, String)>,
    /// Something failed: the server refused, or could not be asked.
    failed: bool,
    /// Nothing more is changed, for this reason.
    stopped: Option<String>,
}

impl Run<'_> {
    /// Changes what can be changed. What is refused does not keep the others from being changed; a rollout that is
    /// stuck does.
    pub(super) async fn apply(&self, engine: &mut Engine<'_>) -> Result<ExitStatus, Error> {
        let (applicable, others): (Vec<&Proposal>, Vec<&Proposal>) = self
            .proposals
            .iter()
            .filter(|proposal| proposal.is_change())
            .partition(|proposal| proposal.is_applicable());
        let mut outcome = Outcome {
            failed: self.unread,
            ..Outcome::default()
        };
        outcome.left = others
            .iter()
            .filter_map(|proposal| Some((proposal.name.clone(), proposal.hindrance.as_ref()?.reason.clone())))
            .collect();
        if applicable.is_empty() {
            tell("nothing to apply");
            return Ok(outcome.exit());
        }
        if !confirm(&question(&applicable), self.arguments.yes)? {
            tell("nothing was changed");
            return Ok(ExitStatus::Found);
        }
        let mut interrupts = Interrupts::new()?;
        for proposal in applicable {
            if outcome.stopped.is_none() {
                self.apply_one(engine, proposal, &mut interrupts, &mut outcome)
                    .await;
            } else if let Some(reason) = &outcome.stopped {
                outcome.left.push((proposal.name.clone(), reason.clone()));
            }
        }
        outcome.tell();
        Ok(outcome.exit())
    }

    async fn apply_one(
        &self,
        engine: &mut Engine<'_>,
        proposal: &Proposal,
        interrupts: &mut Interrupts,
        outcome: &mut Outcome,
    ) {
        let name = &proposal.name;
        tell(&format!("{name}: applying"));
        let changed = {
            let changing = self.change(engine, proposal);
            tokio::pin!(changing);
            loop {
                tokio::select! {
                    changed = &mut changing => break changed,
                    () = interrupts.next() => {
                        if outcome.stopped.is_some() {
                            break Changed::Failed("interrupted while it was changed: look at it before the next try".to_owned());
                        }
                        tell("  interrupted: this change is finished first; once more leaves it as it comes");
                        outcome.stopped = Some(INTERRUPTED.to_owned());
                    }
                }
            }
        };
        let (before, backup) = match changed {
            Changed::Applied(before, backup) => (before, backup),
            Changed::Left(reason) => return outcome.left(name, reason),
            Changed::Failed(reason) => {
                complain(&format!("{name}: {reason}"));
                outcome.failed = true;
                return outcome.left(name, reason);
            }
        };
        outcome.applied.push(name.clone());
        tell("  applied");
        if outcome.stopped.is_some() {
            return;
        }
        let followed = tokio::select! {
            followed = follow(engine, proposal, &before) => followed,
            () = interrupts.next() => {
                tell(&format!(
                    "  interrupted: its rollout goes on by itself; to go back: {}",
                    self.way_back(proposal, backup.as_deref())
                ));
                outcome.stopped = Some(INTERRUPTED.to_owned());
                return;
            }
        };
        match followed {
            Followed::Over(text) => tell(&format!("  rollout: {text}")),
            Followed::Stuck(reason) => {
                complain(&format!("{name}: the rollout is stuck: {reason}"));
                tell(&format!(
                    "  to go back: {}",
                    self.way_back(proposal, backup.as_deref())
                ));
                outcome.stopped = Some(format!("the rollout of {name} is stuck"));
            }
            Followed::Lost(reason) => {
                complain(&format!("{name}: the rollout cannot be followed: {reason}"));
                outcome.failed = true;
                outcome.stopped = Some(format!("the rollout of {name} could not be followed"));
            }
        }
    }

    fn way_back(&self, proposal: &Proposal, backup: Option<&Path>) -> String {
        let namespace = proposal.target.namespace.as_deref().unwrap_or_default();
        match backup {
            Some(file) => format!("kubectl replace -f {}", quoted(&file.display().to_string())),
            None => format!(
                "kubectl rollout undo -n {namespace} {}/{}",
                proposal.target.plural, proposal.target.object
            ),
        }
    }
}

fn question(proposals: &[&Proposal]) -> String {
    let names: Vec<&str> = proposals
        .iter()
        .take(NAMED)
        .map(|proposal| proposal.name.as_str())
        .collect();
    let more = match proposals.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let review = if proposals.iter().any(|proposal| needs_review(proposal)) {
        " Some of it was asked for by --review: have you looked at it?"
    } else {
        ""
    };
    format!("Change {}{more} on the cluster?{review}", names.join(", "))
}

impl Outcome {
    fn left(&mut self, name: &str, reason: String) {
        self.left.push((name.to_owned(), reason));
    }

    fn tell(&self) {
        tell(&format!(
            "applied: {}",
            if self.applied.is_empty() {
                "nothing".to_owned()
            } else {
                self.applied.join(", ")
            }
        ));
        for (name, reason) in &self.left {
            tell(&format!("not applied: {name}: {reason}"));
        }
    }

    fn exit(&self) -> ExitStatus {
        if self.failed {
            ExitStatus::Unread
        } else if self.stopped.is_some() || !self.left.is_empty() {
            ExitStatus::Found
        } else {
            ExitStatus::Success
        }
    }
}
