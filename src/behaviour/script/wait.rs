//! Waits: loops and commands that go on once something answers, exists or is gone.

use crate::{
    behaviour::action::{Action, CommandAction, FileTestKind, Http},
    catalogue::{
        tool,
        wrapper::{Tie, Wrapper},
    },
    shell::{Command, List, Piece, Span, Statement, Terminator},
};

use super::{
    Located, ScriptBehaviour, WayOut, covers, cut,
    step::is_filter,
    waiting_loop::{Shape, is_no_status, leaves_for_work},
};

/// How a wait is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitForm {
    /// `until …; do …; done`, `while ! …`
    Loop,
    /// `while true; do … && break; done`
    EndlessLoop,
    /// `for i in …; do … && break; done`
    CountedLoop,
    /// `curl --retry 30 --retry-connrefused`
    Retry,
    /// `wait-for-it`, `dockerize`, `pilot-agent wait`
    Tool,
}

/// What an answer has to be, so that a wait goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Whatever makes the asking command succeed.
    Any,
    /// One of this status.
    Status(u16),
    /// One with a certain text.
    Text,
}

/// A wait.
#[derive(Debug, Clone)]
pub struct Wait {
    /// How it is written.
    pub form: WaitForm,
    /// What is asked until it answers: requests, connections, files, tools.
    pub probes: Vec<CommandAction>,
    /// What the answer has to be.
    pub answer: Answer,
    /// Asking changes something: data is sent, a file or a table is made, or an unknown program runs.
    pub has_side_effects: bool,
    /// An option of its tool that the catalogue does not know: what it waits for is not certain.
    pub unknown_option: Option<String>,
    /// Between two tries nothing happens but sleeping, printing, counting and giving up.
    pub only_waits: bool,
    /// It also asks something that the container it waits for does not answer, such as a database elsewhere.
    pub asks_others: bool,
    /// The condition that decides whether it waits, where nothing shows that it does: `[ -n "$WAIT" ] && until …`.
    pub depends_on: Option<Span>,
    /// The address that it asks, where that may be another pod's: `$DB_HOST`.
    pub unknown_host: Option<String>,
    /// It goes on once the thing is gone.
    pub inverted: bool,
    /// The seconds between two tries.
    pub interval: Option<f64>,
    /// The seconds after which it ends in any case.
    pub time_limit: Option<f64>,
    /// What lets it end besides an answer, but for the end of a counted loop.
    pub ways_out: Vec<WayOut>,
    /// It is the whole script, and the command that it runs does not start without an answer.
    pub is_strict: bool,
    /// Nothing but noise and other waits comes before it.
    pub is_first: bool,
    /// The files that what comes before it makes or changes, where that is all that it does.
    pub files_before: Option<Vec<String>>,
    /// The next step that is the script's work; a tool's own command counts.
    pub command_after: Option<Span>,
    /// The function it stands in.
    pub function: Option<String>,
    /// It stands in a trap, or in a part that runs in the background.
    pub is_aside: bool,
    /// It stands in a part that runs in the background.
    pub in_background: bool,
    /// The loop or the command.
    pub span: Span,
    /// The step that is nothing but this wait: with the `timeout 60 sh -c '…'` around it. Else the wait itself.
    pub whole: Span,
    /// The whole statement.
    pub statement: Span,
    /// What to remove so that the script doesn't wait; absent where the wait isn't a step of the script of its
    /// own.
    pub cut: Option<Span>,
}

impl<'a> ScriptBehaviour<'a> {
    /// All waits.
    #[must_use]
    pub fn waits(&self) -> Vec<Wait> {
        let loops = self
            .compounds
            .iter()
            .filter_map(|visit| self.wait(visit.command, &visit.context));
        let mut waits: Vec<_> = loops.collect();
        let loops: Vec<Span> = waits.iter().map(|wait| wait.span.clone()).collect();
        let alone = self.commands.iter().filter(|located| {
            waits_alone(located) && !loops.iter().any(|span| covers(span, &located.action.span))
        });
        waits.extend(alone.map(|located| self.waiting_command(located)));
        for wait in &mut waits {
            wait.asks_others = self.asks_elsewhere(wait);
        }
        waits.sort_by_key(|wait| wait.span.start);
        waits
    }

    fn wait(&self, command: &Command, context: &crate::shell::Context) -> Option<Wait> {
        let shape = Shape::of(self, command)?;
        let span = command.span();
        let probes: Vec<_> = self.probes(&shape);
        let interval = self.sleep_within(&shape.body);
        let counted = shape
            .rounds
            .zip(interval)
            .map(|(rounds, interval)| rounds * interval);
        let mut wait = self.placed(&span, context);
        wait.form = shape.form;
        wait.has_side_effects = self.within(&shape.condition).any(has_side_effects);
        wait.unknown_option = self
            .within(&shape.condition)
            .find_map(|located| located.action.unknown_option().map(str::to_owned));
        wait.only_waits = self
            .within(&shape.body)
            .filter(|located| !covers(&shape.condition, &located.action.span))
            .all(|located| only_passes_time(located) || leaves_for_work(located));
        let own_work = self.within(&shape.body).find(|located| leaves_for_work(located));
        wait.command_after = own_work
            .map(|located| located.action.span.clone())
            .or(wait.command_after);
        wait.inverted = shape.inverted;
        wait.interval = interval;
        wait.time_limit = self.limit_around(&span).or(counted);
        wait.answer = self.answer(&shape.condition);
        wait.probes = probes;
        wait.ways_out = self.ways_out(&shape);
        wait.depends_on = self.depends_on(&wait, Some(&shape.condition));
        Some(wait)
    }

    /// What a condition makes of what the commands in it print.
    fn answer(&self, condition: &Span) -> Answer {
        let is_looked_at = |located: &&Located| {
            let context = &located.visit.context;
            located.action.is_probe()
                && (context.substitution || context.pipeline_index + 1 < context.pipeline_length)
        };
        let is_silent = self.within(condition).any(is_only_a_status);
        if is_silent || !self.within(condition).any(|located| is_looked_at(&located)) {
            return Answer::Any;
        }
        let words_of = |located: &Located<'a>| match located.visit.command {
            Command::Simple(simple) => simple.words.as_slice(),
            Command::Test { words, .. } => words.as_slice(),
            _ => &[],
        };
        let words: Vec<&str> = self
            .within(condition)
            .flat_map(words_of)
            .map(|word| word.raw.as_str())
            .collect();
        let asks_status = |word: &&str| {
            [
                "http_code",
                "response_code",
                "HTTP/",
                "--head",
                "--server-response",
            ]
            .iter()
            .any(|sign| word.contains(sign))
                || matches!(*word, "-I" | "-S" | "-sI" | "-Is" | "-i" | "-si" | "-is")
        };
        if words.iter().any(|word| is_no_status(word)) {
            return Answer::Any;
        }
        let status = words.iter().rev().find_map(|word| status_in(word));
        match status {
            Some(status) if words.iter().any(asks_status) => Answer::Status(status),
            _ => Answer::Text,
        }
    }

    fn waiting_command(&self, located: &Located) -> Wait {
        let action = &located.action;
        let mut wait = self.placed(&action.span, &located.visit.context);
        match &action.action {
            Action::Http(http) => {
                wait.form = WaitForm::Retry;
                wait.interval = http.retry.and_then(|retry| retry.delay);
                let counted = http.retry.and_then(|retry| Some(retry.count? * retry.delay?));
                wait.time_limit = http.retry.and_then(|retry| retry.time_limit).or(counted);
            }
            Action::Connect(connect) => {
                wait.inverted = connect.inverted;
                wait.time_limit = connect.time_limit;
                wait.is_strict = connect.is_strict
                    && action.time_limit.is_none()
                    && self.limit_around(&action.span).is_none()
                    && self.is_one_command();
                let behind = connect
                    .wraps
                    .and_then(|index| located.visit.simple()?.words.get(index));
                if let Some(command) = behind {
                    wait.command_after = Some(command.span.start..action.span.end);
                    wait.cut = wait.cut.map(|_| action.span.start..command.span.start);
                }
            }
            _ => {}
        }
        wait.unknown_option = action.unknown_option().map(str::to_owned);
        wait.has_side_effects = has_side_effects(located);
        // Code that waits and then does its work.
        let works = match &action.action {
            Action::Http(http) => http.works,
            Action::Connect(connect) => connect.wraps.is_none() && connect.has_side_effects,
            _ => false,
        };
        if works && wait.command_after.is_none() {
            wait.command_after = Some(action.span.clone());
        }
        wait.time_limit = action
            .time_limit
            .or(wait.time_limit)
            .or_else(|| self.limit_around(&action.span));
        wait.probes = vec![action.clone()];
        wait.depends_on = self.depends_on(&wait, None);
        wait
    }

    /// Whether its result is the script's: the script is one command and nothing else.
    fn is_one_command(&self) -> bool {
        let [step] = self.steps.as_slice() else {
            return false;
        };
        let is_simple = matches!(step.pipeline.commands.as_slice(), [Command::Simple(_)]);
        is_simple && !step.pipeline.negated && !step.is_background() && !step.in_subshell
    }

    /// A wait of which only the place is known.
    pub(super) fn placed(&self, span: &Span, context: &crate::shell::Context) -> Wait {
        let called = context.function.and_then(|name| {
            let call = self
                .callers(name)
                .find(|located| located.visit.context.trap.is_none())?;
            Some(call.action.span.clone())
        });
        let index = self
            .step_index(span)
            .or_else(|| self.step_index(called.as_ref()?));
        let step = index.and_then(|index| self.steps.get(index));
        // A limit around the loop (`timeout 60 sh -c '…'`) goes with it.
        let own_step = step.filter(|step| step.kind == super::StepKind::Wait);
        Wait {
            form: WaitForm::Tool,
            probes: Vec::new(),
            answer: Answer::Any,
            has_side_effects: false,
            unknown_option: None,
            only_waits: true,
            asks_others: false,
            depends_on: None,
            unknown_host: None,
            inverted: false,
            interval: None,
            time_limit: None,
            ways_out: Vec::new(),
            is_strict: false,
            is_first: index.is_some_and(|index| self.is_first_step(index)),
            files_before: index.and_then(|index| self.files_before(index)),
            command_after: index.and_then(|index| self.work_after(index)),
            function: context.function.map(str::to_owned),
            is_aside: context.trap.is_some() || context.background && !self.is_awaited(span),
            in_background: context.background,
            whole: own_step
                .map(super::step::Step::span)
                .filter(|step| covers(step, span))
                .unwrap_or_else(|| span.clone()),
            span: span.clone(),
            statement: step.map_or(span.clone(), |step| step.statement.span.clone()),
            cut: own_step.map(|step| cut(step.statement, &step.span())),
        }
    }

    /// Whether a script waits for what it has just started in the background: `until …; do sleep 1; done & wait $!`,
    /// `… & pid=$!; wait $pid`.
    fn is_awaited(&self, span: &Span) -> bool {
        let simple = |statement: &'a Statement| match statement.and_or.first.commands.as_slice() {
            [Command::Simple(simple)] => Some(simple),
            _ => None,
        };
        let started_at = |list: &&'a List| {
            list.statements.iter().position(|statement| {
                statement.terminator == Terminator::Background && covers(&statement.span, span)
            })
        };
        let is_awaited_in = |list: &'a List| {
            let started = started_at(&list)?;
            let mut behind = list.statements.get(started + 1..)?.iter();
            let mut next = simple(behind.next()?)?;
            let mut names = vec!["$!".to_owned(), "%1".to_owned()];
            if let ([], [saved]) = (next.words.as_slice(), next.assignments.as_slice())
                && saved.value.raw.trim_matches('"') == "$!"
            {
                names.extend([format!("${}", saved.name), format!("${{{}}}", saved.name)]);
                next = simple(behind.next()?)?;
            }
            let words: Vec<&str> = next.words.iter().map(|word| word.raw.trim_matches('"')).collect();
            match words.as_slice() {
                ["wait"] => Some(()),
                ["wait", job] => names.iter().any(|name| name == job).then_some(()),
                _ => None,
            }
        };
        self.lists.iter().any(|list| is_awaited_in(list).is_some())
    }

    fn probes(&self, shape: &Shape) -> Vec<CommandAction> {
        self.within(&shape.condition)
            .filter(|located| located.action.is_probe())
            .map(|located| located.action.clone())
            .collect()
    }

    fn sleep_within(&self, body: &Span) -> Option<f64> {
        let mut total = None;
        for located in self.within(body) {
            if let Action::Sleep {
                seconds: Some(seconds),
            } = located.action.action
            {
                total = Some(total.unwrap_or(0.0) + seconds);
            }
        }
        total
    }

    /// The limit of a `timeout 60 sh -c '…'` around a range.
    fn limit_around(&self, span: &Span) -> Option<f64> {
        let around = |located: &&Located| {
            located.action.action == Action::Script && covers(&located.action.span, span)
        };
        self.commands
            .iter()
            .filter(around)
            .find_map(|located| located.action.time_limit)
    }
}

impl Wait {
    /// What it does besides waiting for one container, in one sentence: a gate of that container can't do it.
    #[must_use]
    pub fn besides(&self) -> Option<&'static str> {
        if self.is_guessed() {
            return Some("what the program does is not in the manifest, only what it is given");
        }
        if self.has_side_effects || !self.only_waits {
            return Some("it does more than wait");
        }
        self.asks_others.then_some("it also waits for something else")
    }

    /// Whether it is written as a loop.
    #[must_use]
    pub fn is_loop(&self) -> bool {
        !matches!(self.form, WaitForm::Retry | WaitForm::Tool)
    }

    /// Whether it looks for processes: `pgrep app`, `kill -0 $(pidof app)`.
    #[must_use]
    pub fn looks_for_processes(&self) -> bool {
        let is_process = |probe: &CommandAction| matches!(probe.action, Action::Signal { .. });
        self.probes.iter().any(is_process)
    }

    /// Whether only the addresses that a program is given say that it waits.
    #[must_use]
    pub fn is_guessed(&self) -> bool {
        self.probes
            .iter()
            .any(|probe| matches!(&probe.action, Action::Connect(connect) if connect.is_guessed))
    }

    /// Whether it waits until a file has something in it: `[ -s FILE ]`.
    #[must_use]
    pub fn asks_for_a_filled_file(&self) -> bool {
        self.probes.iter().any(|probe| {
            matches!(
                probe.action,
                Action::TestFile {
                    kind: FileTestKind::NotEmpty,
                    ..
                }
            )
        })
    }

    /// Why a test for a file's presence asks less: `grep -q up FILE`.
    #[must_use]
    pub fn asks_for_contents(&self) -> Option<&'static str> {
        let is_about_contents = |probe: &CommandAction| {
            let kind = match &probe.action {
                Action::TestFile { kind, .. } => Some(*kind),
                _ => None,
            };
            matches!(kind, Some(FileTestKind::Read))
        };
        self.probes.iter().any(is_about_contents).then_some(
            "it waits for what stands in the file, and a gate would ask only whether the file is there",
        )
    }
}

/// The number in a word that is a status of HTTP: `200`, `'HTTP/1.1 200 OK'`. Addresses and commands hold others.
fn status_in(word: &str) -> Option<u16> {
    if word.contains([':', '(', '`', '%']) {
        return None;
    }
    word.split(|letter: char| !letter.is_ascii_alphanumeric())
        .filter(|word| word.len() == 3)
        .filter_map(|word| word.parse().ok())
        .rfind(|status| (100..600).contains(status))
}

/// The loops and commands that wait.
pub(super) fn waiting(behaviour: &ScriptBehaviour) -> Vec<Span> {
    let loops = behaviour.compounds.iter().map(|visit| visit.command);
    let loops = loops
        .filter(|command| Shape::of(behaviour, command).is_some())
        .map(Command::span);
    let commands = behaviour.commands.iter().filter(|located| waits_alone(located));
    loops
        .chain(commands.map(|located| located.action.span.clone()))
        .collect()
}

/// Whether a command waits by itself.
pub(super) fn waits_alone(located: &Located) -> bool {
    match &located.action.action {
        Action::Http(http) => repeats_until_up(http),
        Action::Connect(connect) => connect.waits,
        Action::Tool { name } => waits_by_itself(name),
        // In a loop it waits for the next change: `while inotifywait conf; do reload; done`.
        Action::TestFile { kind, .. } => *kind == FileTestKind::Watch && !located.visit.context.is_in_loop(),
        _ => false,
    }
}

/// Whether a request is repeated until a server starts.
pub(super) fn repeats_until_up(http: &Http) -> bool {
    http.only_asks() && http.retry.is_some_and(|retry| retry.on_refused_connection)
}

/// Tools that return once something is ready.
pub(super) fn waits_by_itself(name: &str) -> bool {
    tool::waits(name) || Wrapper::of_program(name).is_some_and(|wrapper| wrapper.waits == Tie::Always)
}

/// Sleeping, printing, counting, giving up.
fn only_passes_time(located: &Located) -> bool {
    located.action.is_noise()
        || matches!(
            located.action.action,
            Action::Sleep { .. }
                | Action::Wait { .. }
                | Action::Break { .. }
                | Action::Exit { .. }
                | Action::TestFile { .. }
        )
}

fn has_side_effects(located: &Located) -> bool {
    let action = &located.action;
    if !action.written_files.is_empty() {
        return true;
    }
    match &action.action {
        Action::Http(http) => !http.only_asks() || http.works,
        Action::Connect(connect) => connect.has_side_effects,
        Action::Touch { .. } | Action::Remove { .. } | Action::Wrapper { .. } => true,
        Action::Signal { only_tests, .. } => !only_tests,
        Action::Other { program: None } if is_only_a_status(located) => false,
        Action::Other { program } => !program.as_deref().is_some_and(is_filter),
        _ => false,
    }
}

/// `until $(curl --output /dev/null …)`: nothing is printed, so that nothing is run but what stands inside.
fn is_only_a_status(located: &Located) -> bool {
    let words = located.visit.simple().map(|simple| simple.words.as_slice());
    let Some([word]) = words else {
        return false;
    };
    let substitution = matches!(
        word.pieces.as_slice(),
        [Piece::Substitution {
            script: Some(_),
            quoted: false
        }]
    );
    substitution && word.raw.contains("/dev/null")
}
