//! Scripts: what remains of them, and of the entrypoint that runs them, when parts are cut out.

mod accesses;
mod belongings;
mod conversation;
pub(crate) mod cut;
pub(crate) mod entrypoint;
mod fate;
mod flow;
mod functions;
mod harmless;
pub(crate) mod hindrance;
pub(crate) mod kept;
mod obligation;
pub(crate) mod output;
pub(crate) mod plain_command;
pub(crate) mod result;
pub(crate) mod shared;
mod spans;
mod status;
pub(crate) mod text;
mod trials;

use super::obligation::{Obligation, Proof};
use crate::behaviour::Answer;
use hindrance::Hindrance;

/// What a rewrite rests on that cuts something out of a script.
pub(crate) fn script_is_whole(answer: Answer<Hindrance>) -> Proof {
    match answer {
        Answer::Proved => Proof::proved(
            Obligation::ScriptIsWhole,
            "nothing that is left reads what it sets",
        ),
        Answer::Unknown(hindrance) => Proof::unknown(Obligation::ScriptIsWhole, hindrance.to_string()),
        Answer::Refuted(hindrance) => Proof::refuted(Obligation::ScriptIsWhole, hindrance.to_string()),
    }
}
