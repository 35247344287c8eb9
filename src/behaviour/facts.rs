//! Everything a script does to others, in one value that does not borrow from the script.

use crate::shell::{Script, Span, Variable};

use super::action::CommandAction;
use super::script::{Background, Kill, Marker, Quit, ScriptBehaviour, Sleep, Swallowed, Trap, Unread, Wait};

/// What a script does to others, with the places where it does so.
#[derive(Debug, Clone, Default)]
pub struct ScriptFacts {
    /// Where it waits.
    pub waits: Vec<Wait>,
    /// Where it sleeps before something else runs.
    pub sleeps: Vec<Sleep>,
    /// Requests to the pod itself that may stop somebody.
    pub quits: Vec<Quit>,
    /// Signals it sends.
    pub kills: Vec<Kill>,
    /// Files it creates, removes or looks for.
    pub markers: Vec<Marker>,
    /// Its traps.
    pub traps: Vec<Trap>,
    /// What it starts in the background.
    pub background: Vec<Background>,
    /// Requests that became arguments of another command.
    pub swallowed: Vec<Swallowed>,
    /// What it runs or says that its text does not show.
    pub unread: Vec<Unread>,
    /// The commands that do its work in the foreground, in order.
    pub work: Vec<Span>,
    /// It ends by doing nothing, so that its container stays up: `sleep infinity`.
    pub stays_idle: bool,
    /// Where it asks the API server, again and again, until its own process may end.
    pub asks_cluster: Option<Wait>,
    /// The commands that ask whether something is there, once.
    pub questions: Vec<CommandAction>,
    /// What it never comes back from: an endless loop, `sleep infinity`, `tail -f`.
    pub runs_for_ever: Option<Span>,
    /// The server that it never comes back from.
    pub serves_for_ever: Option<Span>,
}

impl ScriptFacts {
    /// The facts of a script that runs with these variables; `exits_on_error` is `sh -e`.
    #[must_use]
    pub fn new(script: &Script, environment: &dyn Fn(&str) -> Variable, exits_on_error: bool) -> Self {
        let behaviour = ScriptBehaviour::new(script, environment, exits_on_error);
        let works = behaviour
            .steps()
            .iter()
            .filter(|step| step.is_work() && !step.is_background());
        Self {
            waits: behaviour.waits(),
            sleeps: behaviour.sleeps(),
            quits: behaviour.quits(),
            kills: behaviour.kills(),
            markers: behaviour.markers(),
            traps: behaviour.traps(),
            background: behaviour.background(),
            swallowed: behaviour.swallowed(),
            unread: behaviour.unread(),
            work: works.map(|step| step.span()).collect(),
            stays_idle: behaviour.stays_idle(),
            asks_cluster: behaviour.asks_cluster(),
            questions: behaviour.questions(),
            runs_for_ever: behaviour.runs_for_ever(),
            serves_for_ever: behaviour.serves_for_ever(),
        }
    }
}
