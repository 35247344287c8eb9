//! What has to be true of a pod so that a rewrite keeps what the pod does.

use std::fmt;

use super::Class;
use crate::behaviour::Answer;

/// One thing that a rewrite rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Obligation {
    /// The container runs its server until somebody ends it.
    RunsServer,
    /// The container has no work that begins when the app is done.
    IdleAfterApp,
    /// Everything that ends the container is known, and goes in the same edit.
    EndsAreKnown,
    /// Nothing that stays waits for the container's end.
    EndUnwatched,
    /// The workload is about another container.
    NobodysApp,
    /// What the container needs at its start is there then.
    NeedsAreMet,
    /// A port's name leads where it led.
    PortsLead,
    /// Who waited for the container waits for the same thing, as strictly.
    WaitIsKept,
    /// Nothing that is left of a script reads what was cut out of it.
    ScriptIsWhole,
    /// The container ends with the result of its own work.
    ResultIsKept,
    /// The injector knows its switch for native sidecars.
    InjectorObeys,
}

impl Obligation {
    /// All of them, in the order in which they are explained.
    pub const ALL: [Self; 11] = [
        Self::RunsServer,
        Self::IdleAfterApp,
        Self::EndsAreKnown,
        Self::EndUnwatched,
        Self::NobodysApp,
        Self::NeedsAreMet,
        Self::PortsLead,
        Self::WaitIsKept,
        Self::ScriptIsWhole,
        Self::ResultIsKept,
        Self::InjectorObeys,
    ];

    /// What declaring a container a sidecar rests on.
    pub const OF_DECLARATIONS: [Self; 7] = [
        Self::RunsServer,
        Self::IdleAfterApp,
        Self::EndsAreKnown,
        Self::EndUnwatched,
        Self::NobodysApp,
        Self::NeedsAreMet,
        Self::PortsLead,
    ];

    /// The name, as `migrate -v` prints it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RunsServer => "runs-server",
            Self::IdleAfterApp => "idle-after-app",
            Self::EndsAreKnown => "ends-are-known",
            Self::EndUnwatched => "end-unwatched",
            Self::NobodysApp => "nobodys-app",
            Self::NeedsAreMet => "needs-are-met",
            Self::PortsLead => "ports-lead",
            Self::WaitIsKept => "wait-is-kept",
            Self::ScriptIsWhole => "script-is-whole",
            Self::ResultIsKept => "result-is-kept",
            Self::InjectorObeys => "injector-obeys",
        }
    }

    /// What it says, in one sentence.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::RunsServer => {
                "The container runs its server until somebody ends it: image, command and environment say so."
            }
            Self::IdleAfterApp => "The container has no work that begins when the app is done.",
            Self::EndsAreKnown => {
                "Everything that ends the container is known and is removed in the same edit, and nothing else ends it."
            }
            Self::EndUnwatched => {
                "Nothing that stays waits for the container's end, which comes after all others have ended."
            }
            Self::NobodysApp => {
                "The workload is about another container, by its Service, its volume claims, its name or its result."
            }
            Self::NeedsAreMet => {
                "What the container needs when it starts is there then: another sidecar, the network, files."
            }
            Self::PortsLead => {
                "A Service that names a port of the pod leads to the same container as before."
            }
            Self::WaitIsKept => {
                "Who waited for the container waits for the same thing afterwards, as strictly as before."
            }
            Self::ScriptIsWhole => "Nothing that is left of a script reads what is cut out of it.",
            Self::ResultIsKept => "The container ends with the result of its own work, as before.",
            Self::InjectorObeys => "The installed injector knows its own switch for native sidecars.",
        }
    }
}

/// An obligation with its answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The obligation.
    pub obligation: Obligation,
    /// Proved, or why not, in words that go on from the container's name.
    pub answer: Answer<String>,
    /// What proves it, where it is proved.
    pub by: String,
}

impl Proof {
    /// Proved by something that is said in a few words.
    pub(crate) fn proved(obligation: Obligation, by: impl Into<String>) -> Self {
        Self {
            obligation,
            answer: Answer::Proved,
            by: by.into(),
        }
    }

    /// Not known, for this reason.
    pub(crate) fn unknown(obligation: Obligation, reason: impl Into<String>) -> Self {
        Self {
            obligation,
            answer: Answer::Unknown(reason.into()),
            by: String::new(),
        }
    }

    /// Known not to be so, for this reason.
    pub(crate) fn refuted(obligation: Obligation, reason: impl Into<String>) -> Self {
        Self {
            obligation,
            answer: Answer::Refuted(reason.into()),
            by: String::new(),
        }
    }

    /// How far a rewrite can be trusted that rests on it.
    pub(crate) fn class(&self) -> Class {
        match self.answer {
            Answer::Proved => Class::Safe,
            Answer::Unknown(_) => Class::Review,
            Answer::Refuted(_) => Class::Manual,
        }
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.obligation.name();
        match &self.answer {
            Answer::Proved => write!(formatter, "{name}: proved, {}", self.by),
            Answer::Unknown(reason) => write!(formatter, "{name}: not known, {reason}"),
            Answer::Refuted(reason) => write!(formatter, "{name}: not so, {reason}"),
        }
    }
}

/// The class of a rewrite that rests on several obligations, and what stands most against it.
pub(crate) fn judged(proofs: &[Proof]) -> (Class, Option<String>) {
    let worst = proofs.iter().max_by_key(|proof| proof.class());
    // Of several that weigh the same the first one counts.
    let class = worst.map_or(Class::Safe, Proof::class);
    let reason = proofs
        .iter()
        .find(|proof| proof.class() == class)
        .and_then(|proof| proof.answer.reason().cloned());
    (class, reason)
}
