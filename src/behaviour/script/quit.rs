//! Requests that tell something in the pod to stop.

use crate::{
    behaviour::action::{Action, Http},
    catalogue::quit,
    shell::{Connector, Span},
};

use super::{ExitStatus, Located, Runs, ScriptBehaviour, Step, StepKind, covers, cut};

/// Where a request stands in relation to the script's work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum QuitPosition {
    /// Before it.
    BeforeMain,
    /// After it.
    AfterMain {
        /// Nothing but noise and `exit` comes behind it.
        is_last: bool,
    },
    /// In the script of a trap, or in a function that it calls.
    Trap {
        /// The signals as written.
        signals: Vec<String>,
    },
    /// In a part that runs in the background.
    Background,
    /// Behind `exec`, which never returns, or in a trap of the shell that `exec` replaced.
    Unreachable,
    /// The script has no other work.
    Alone,
    /// In a function that nobody calls, or another place that isn't understood.
    Elsewhere,
}

/// A request to the pod itself that isn't part of a wait.
#[derive(Debug, Clone)]
pub struct Quit {
    /// The request.
    pub request: Http,
    /// Its path is known for stopping something.
    pub stops: bool,
    /// Where it stands.
    pub position: QuitPosition,
    /// What becomes of the result of the script's work.
    pub exit_status: ExitStatus,
    /// The script's runs, seen from here.
    pub runs: Option<Runs>,
    /// The statements that only carry the result past the request: `rc=$?`, `exit $rc`.
    pub plumbing: Vec<Span>,
    /// `|| true` follows: that it fails doesn't matter.
    pub tolerates_failure: bool,
    /// A loop repeats it.
    pub is_repeated: bool,
    /// The function it stands in.
    pub function: Option<String>,
    /// The command.
    pub span: Span,
    /// The statement it stands in, the innermost one.
    pub statement: Span,
    /// What to remove so that it isn't made: the command, with the loop around it, the `&&` before it and the
    /// `|| true` behind it. Absent where it isn't a statement or a part of a chain.
    pub cut: Option<Span>,
}

impl ScriptBehaviour<'_> {
    /// The requests to the pod itself, but for those of waits.
    #[must_use]
    pub fn quits(&self) -> Vec<Quit> {
        let mut quits = Vec::new();
        for located in &self.commands {
            let Action::Http(http) = &located.action.action else {
                continue;
            };
            let stops = stops(http);
            let in_wait = self.waiting.iter().any(|wait| covers(wait, &located.action.span));
            if http.url.host.is_local() && (stops || !in_wait) {
                quits.push(self.quit(located, http, stops));
            }
        }
        quits
    }

    /// What becomes of the result of the script's work past a command.
    pub(super) fn result_past(&self, located: &Located, place: &Place) -> ExitStatus {
        let position = self.position(place);
        self.exit_status(located, &position, place).0
    }

    pub(super) fn is_behind_exec(&self, place: &Place) -> bool {
        self.position(place) == QuitPosition::Unreachable
    }

    fn quit(&self, located: &Located, http: &Http, stops: bool) -> Quit {
        let context = &located.visit.context;
        let place = self.place(located);
        let position = self.position(&place);
        // What code does around its own request is not a script's to lose.
        let is_own_work = http.works && !matches!(position, QuitPosition::Trap { .. });
        let position = match is_own_work {
            true => QuitPosition::AfterMain { is_last: true },
            false => position,
        };
        let (exit_status, plumbing) = match is_own_work {
            true => (ExitStatus::Unaffected, Vec::new()),
            false => self.exit_status(located, &position, &place),
        };
        Quit {
            request: http.clone(),
            stops,
            position,
            exit_status,
            runs: (!is_own_work).then(|| self.runs_past(&place)).flatten(),
            plumbing,
            tolerates_failure: self.tolerates_failure(located),
            is_repeated: context.is_in_loop(),
            function: context.function.map(str::to_owned),
            span: located.action.span.clone(),
            statement: located.visit.statement.span.clone(),
            cut: self.removal(located),
        }
    }

    /// The step and the trap that lead to a command.
    pub(super) fn place(&self, located: &Located) -> Place {
        let context = &located.visit.context;
        let mut place = Place {
            start: context.function.is_none().then_some(located.action.span.start),
            call: located.action.span.start,
            step: self.step_index(&located.action.span),
            signals: context.trap.map(<[String]>::to_vec),
            is_background: context.background,
        };
        if place.signals.is_some() {
            return place;
        }
        // A function's place is its caller's; a function may be called by another one.
        let mut function = context.function;
        for _ in 0..4 {
            let Some(name) = function else { break };
            let mut callers: Vec<_> = self.callers(name).collect();
            callers.sort_by_key(|caller| caller.visit.context.trap.is_none());
            let Some(caller) = callers.first() else { break };
            let starts = callers.iter().map(|caller| caller.action.span.start);
            place.call = starts.min().unwrap_or(place.call);
            place.signals = caller.visit.context.trap.map(<[String]>::to_vec);
            place.is_background |= caller.visit.context.background;
            place.step = place.step.or_else(|| self.step_index(&caller.action.span));
            function = caller.visit.context.function;
        }
        place
    }

    fn position(&self, place: &Place) -> QuitPosition {
        if let Some(signals) = &place.signals {
            // `exec` replaces the shell that would run the trap.
            let is_replaced = |main: &Step| self.within(&main.span()).any(|command| command.action.is_exec);
            if self.main().is_some_and(is_replaced) {
                return QuitPosition::Unreachable;
            }
            return QuitPosition::Trap {
                signals: signals.clone(),
            };
        }
        if place.is_background {
            return QuitPosition::Background;
        }
        let Some(step) = place.step else {
            return QuitPosition::Elsewhere;
        };
        let Some(main) = self.main_index() else {
            return QuitPosition::Alone;
        };
        let replaced = self.steps.iter().take(step).any(|before| {
            before.is_work() && self.within(&before.span()).any(|command| command.action.is_exec)
        });
        if replaced {
            return QuitPosition::Unreachable;
        }
        let after = match self.main_end_index() {
            _ if main == step => self.is_behind_work(place.call, step),
            Some(end) => step > end,
            None => step > main,
        };
        if !after {
            return QuitPosition::BeforeMain;
        }
        let is_quiet = |kind: StepKind| matches!(kind, StepKind::Noise | StepKind::Exit | StepKind::Function);
        QuitPosition::AfterMain {
            is_last: self.steps.iter().skip(step + 1).all(|step| is_quiet(step.kind)),
        }
    }

    /// Whether work of the same step comes before the request: `if app; then curl …; fi`.
    fn is_behind_work(&self, call: usize, step: usize) -> bool {
        let Some(step) = self.steps.get(step) else {
            return false;
        };
        self.within(&step.span())
            .any(|other| other.action.span.end <= call && matches!(other.action.action, Action::Other { .. }))
    }

    /// `request || true`
    pub(super) fn tolerates_failure(&self, located: &Located) -> bool {
        let pipelines: Vec<_> = located.visit.statement.and_or.pipelines().collect();
        let own = pipelines
            .iter()
            .position(|pipeline| covers(&pipeline.span, &located.action.span));
        let Some(next) = own.and_then(|index| pipelines.get(index + 1)) else {
            return false;
        };
        located.visit.context.next_connector == Some(Connector::Or)
            && self
                .within(&next.span)
                .all(|located| matches!(located.action.action, Action::Echo))
    }

    fn removal(&self, located: &Located) -> Option<Span> {
        let visit = &located.visit;
        if visit.context.substitution {
            return None;
        }
        let span = &located.action.span;
        // The loop that repeats nothing but the request goes with it.
        if visit.context.is_in_loop() {
            let around = self.compounds.iter().rfind(|outer| {
                let is_loop = matches!(
                    outer.command,
                    crate::shell::Command::Loop { .. } | crate::shell::Command::For { .. }
                );
                is_loop && covers(&outer.command.span(), span)
            })?;
            let only_asks = self.within(&around.command.span()).all(|inner| {
                inner.action.span == *span
                    || inner.action.is_noise()
                    || matches!(inner.action.action, Action::Sleep { .. } | Action::Break { .. })
            });
            return only_asks.then(|| cut(around.statement, &around.command.span()));
        }
        let statement = visit.statement;
        let mut removed = cut(statement, span);
        if self.tolerates_failure(located) {
            let pipelines: Vec<_> = statement.and_or.pipelines().collect();
            let own = pipelines
                .iter()
                .position(|pipeline| covers(&pipeline.span, span))?;
            let last_of_tail = pipelines.get(own + 1)?.span.end;
            removed = match own.checked_sub(1).and_then(|before| pipelines.get(before)) {
                Some(before) => before.span.end..last_of_tail,
                None => match pipelines.get(own + 2) {
                    Some(next) => statement.span.start..next.span.start,
                    None => statement.span.clone(),
                },
            };
        }
        Some(removed)
    }
}

/// What leads to a command.
pub(super) struct Place {
    /// Where the command starts; absent in a function, which stands elsewhere than it runs.
    pub(super) start: Option<usize>,
    /// Where the command starts, or the first call of the function that it stands in.
    pub(super) call: usize,
    pub(super) step: Option<usize>,
    pub(super) signals: Option<Vec<String>>,
    pub(super) is_background: bool,
}

/// Whether a request's path is known for stopping something.
pub(super) fn stops(http: &Http) -> bool {
    http.urls()
        .any(|url| quit::stops(url.path.as_deref().unwrap_or_default()))
}
