//! What can be done about what rules find, in which form, and under which obligations.
//!
//! Rules say it, `migrate` does it: both ask here, so that neither can promise what the other refuses.

mod assembly;
pub(crate) mod declare;
pub(crate) mod gate;
pub(crate) mod obligation;
pub(crate) mod plan;
pub(crate) mod planner;
mod remedies;
pub(crate) mod script;
mod sidecar;
pub(crate) mod surroundings;
pub(crate) mod wanted;
pub(crate) mod workaround;

pub use declare::declaration::Form;
pub use obligation::{Obligation, Proof};
pub use plan::{Action, Class, Plan, Refusal};
pub(crate) use remedies::{Remedies, form};
pub use surroundings::elsewhere::Elsewhere;
pub use surroundings::sources::{Holders, Surroundings};
pub(crate) use surroundings::watchers::{Watcher, watchers};

/// How the user wants remedies.
#[derive(Debug, Clone)]
pub struct Options {
    /// How sidecars are declared.
    pub form: Form,
    /// Also do what a person has to look at.
    pub review: bool,
    /// Also turn sidecars that are declared well in another form into this one.
    pub converts: bool,
    /// Containers that are sidecars by the user's word: `proxy` or `workload/proxy`.
    pub sidecars: Vec<String>,
    /// A script keeps all that may stay: its shell, even where it is nothing but one command afterwards, and what served
    /// the part that goes, as long as it does what it did.
    pub keeps_script: bool,
}

impl Options {
    /// The form, and nothing else that is wished: what is safe, of sidecars that are not declared yet.
    #[must_use]
    pub fn of(form: Form) -> Self {
        Self {
            form,
            review: false,
            converts: false,
            sidecars: Vec::new(),
            keeps_script: false,
        }
    }

    /// The same with what a person has to look at, or without it.
    #[must_use]
    pub fn reviewed(self, review: bool) -> Self {
        Self { review, ..self }
    }
}
