//! What a script runs or says that its text does not show. It may end somebody.

use crate::{
    behaviour::{
        action::{Action, Connect, Host, Http, Input, Url, classify_from, input, sends_to, written},
        says_an_end,
    },
    catalogue::{
        command_runner::{Runs, runs},
        program_end::is_finite,
        program_reach::{Reach, is_called_a_script, reaches},
        quit, stop_command, stream_tool,
        wait_tool::{self, Address},
    },
    shell::{self, Dialect, Simple, Span, Variable, Word, command_index, reads_script_from_input},
};

use super::{
    Located, ScriptBehaviour, StepKind, covers,
    step::{command_kind, is_filter},
};

/// What kind of thing is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnreadKind {
    /// A command that is run: `eval "$HOOK"`, `curl … | sh`.
    Text,
    /// The address of a request: `curl -X POST "$STOP_URL"`.
    Request,
    /// What is said to a server, or that it is an end: `redis-cli <<< SHUTDOWN`.
    Message,
    /// A script that it writes for others to run.
    File,
}

/// A command of which the text does not show what it does to others.
#[derive(Debug, Clone)]
pub struct Unread {
    /// What is not shown.
    pub kind: UnreadKind,
    /// No other work of the script comes before it: it may be what the script is for.
    pub is_own_work: bool,
    /// The text that it runs, writes or says holds a call that ends a sidecar.
    pub holds_quit: bool,
    /// The command.
    pub span: Span,
}

/// Where a command may end somebody.
enum Place {
    /// Beside the script's own work. The work itself is a program like any other.
    Beside,
    /// Anywhere: what it runs may set a trap, or be all that the script is.
    Anywhere,
}

/// How deep scripts in texts are read, and calls of functions followed.
const DEPTH: usize = 3;

impl ScriptBehaviour<'_> {
    /// What it runs or says that its text does not show.
    #[must_use]
    pub fn unread(&self) -> Vec<Unread> {
        self.unread_to(DEPTH)
    }

    fn unread_to(&self, depth: usize) -> Vec<Unread> {
        // A script of too many commands is not read at all.
        if let (true, Some(first)) = (self.commands.is_empty(), self.script.list.statements.first()) {
            return vec![Unread {
                kind: UnreadKind::Text,
                is_own_work: false,
                holds_quit: false,
                span: first.span.clone(),
            }];
        }
        let unread = self.commands.iter().filter_map(|located| {
            let simple = located.visit.simple()?;
            let (kind, place) = self.not_shown(located, simple, depth)?;
            let is_own_work = match place {
                Place::Anywhere => false,
                Place::Beside => !self.is_beside(located, DEPTH),
            };
            // A container's own work may be anything; a request may be all that a container beside the app is for.
            (!is_own_work || kind == UnreadKind::Request).then(|| Unread {
                kind,
                is_own_work,
                holds_quit: self.holds_quit(located, simple),
                // Where it reads what another command prints, both are shown.
                span: match located.visit.context.pipeline_index {
                    0 => located.action.span.clone(),
                    _ => located.visit.pipeline.span.clone(),
                },
            })
        });
        unread.collect()
    }

    fn holds_quit(&self, located: &Located, simple: &Simple) -> bool {
        let in_input = |input: Input| match input {
            Input::Text { text, .. } => quit::find(&text).is_some(),
            Input::Nothing | Input::Unknown(_) => false,
        };
        written(simple, &self.values).is_some_and(in_input)
            || in_input(input(&located.visit, simple, &self.values))
            || simple
                .words
                .iter()
                .any(|word| quit::find(&self.values.expand(word)).is_some())
    }

    fn not_shown(&self, located: &Located, simple: &Simple, depth: usize) -> Option<(UnreadKind, Place)> {
        let in_wait = || self.waiting.iter().any(|wait| covers(wait, &located.action.span));
        let of_action = match &located.action.action {
            Action::Http(http) => {
                (self.leads_nowhere_known(http) && !in_wait()).then_some((UnreadKind::Request, Place::Beside))
            }
            Action::Connect(connect) => (!in_wait() && self.says_unknown(located, simple, connect))
                .then_some((UnreadKind::Message, Place::Beside)),
            Action::Script | Action::Trap { script: Some(_), .. } => {
                let is_read =
                    !simple.scripts.is_empty() && simple.scripts.iter().all(|script| script.list.is_some());
                (!is_read).then_some((UnreadKind::Text, Place::Anywhere))
            }
            Action::Other { program: None } => self.unknown_program(located, simple),
            Action::Other { program: Some(name) } if !self.is_function(name) => {
                self.of_program(located, simple, name, depth)
            }
            Action::Echo | Action::Touch { .. } => {
                let leads_here = sends_to(simple, &self.values).is_some_and(may_be_here);
                let text = leads_here.then(|| written(simple, &self.values)).flatten();
                text.is_some_and(|text| may_be_an_end(&text))
                    .then_some((UnreadKind::Message, Place::Beside))
            }
            _ => None,
        };
        of_action.or_else(|| {
            let writes = self.writes_script(located, simple, depth);
            writes.then_some((UnreadKind::File, Place::Anywhere))
        })
    }

    /// `"$HOOK"`, `${AFTER:-true}`; `"$@"` of a function is what each call of it gives.
    fn unknown_program(&self, located: &Located, simple: &Simple) -> Option<(UnreadKind, Place)> {
        let is_all =
            |word: &Word| matches!(word.raw.as_str(), "\"$@\"" | "$@" | "\"${@}\"" | "$*" | "\"$*\"");
        let first = simple.words.get(located.action.program_word)?;
        if !is_all(first) {
            return Some((UnreadKind::Text, Place::Beside));
        }
        // What the whole script is given is the app.
        let function = located.visit.context.function?;
        self.callers(function).find_map(|caller| {
            let call = caller.visit.simple()?;
            let kind = match classify_from(call, caller.action.program_word + 1, &self.values).action {
                Action::Http(http) if http.urls().any(|url| may_be_here(&url.host)) => UnreadKind::Request,
                Action::Signal {
                    only_tests: false, ..
                }
                | Action::Script
                | Action::Other { program: None } => UnreadKind::Text,
                _ => return None,
            };
            Some((kind, Place::Beside))
        })
    }

    fn of_program(
        &self,
        located: &Located,
        simple: &Simple,
        name: &str,
        depth: usize,
    ) -> Option<(UnreadKind, Place)> {
        let base = base_of(name);
        let behind = simple.words.get(located.action.program_word + 1..)?;
        let input = || input(&located.visit, simple, &self.values);
        if name.contains(char::is_whitespace) {
            return Some((UnreadKind::Text, Place::Beside));
        }
        if matches!(base, "." | "source") {
            let is_shown = behind
                .first()?
                .literal()
                .is_some_and(|file| !is_descriptor(&file));
            return (!is_shown).then_some((UnreadKind::Text, Place::Anywhere));
        }
        if is_shell(base) {
            let is_shown = match (reads_script_from_input(&simple.words), input()) {
                (false, _) => behind
                    .iter()
                    .all(|word| word.literal().is_some_and(|word| !is_descriptor(&word))),
                (true, Input::Nothing) => true,
                (true, Input::Text { text, is_known }) => is_known && !may_end(&text, depth),
                (true, Input::Unknown(_)) => false,
            };
            return (!is_shown).then_some((UnreadKind::Text, Place::Anywhere));
        }
        let is_request =
            |name: &str| wait_tool::by_program(name).is_some_and(|tool| tool.address == Address::Request);
        if is_request(base) {
            return Some((UnreadKind::Request, Place::Beside));
        }
        if runs(base) == Some(Runs::WithMore) {
            let mut words = behind.iter().map(|word| self.values.expand(word));
            let names_one = words.any(|word| {
                let mut parts = word.split_whitespace().map(base_of);
                parts.any(|part| is_shell(part) || is_request(part))
            });
            let mut pairs = behind.iter().zip(behind.iter().skip(1));
            let is_given = pairs.any(|(option, text)| option.raw == "-c" && text.literal().is_none());
            return (names_one || is_given).then_some((UnreadKind::Text, Place::Beside));
        }
        let calls_out = || behind.iter().any(|word| word.raw.contains("system("));
        if is_filter(base) && calls_out() {
            return Some((UnreadKind::Text, Place::Beside));
        }
        // Code of another language that is no request which is understood.
        let is_inline = || {
            let mut words = behind.iter();
            words.any(|word| matches!(word.raw.as_str(), "-c" | "-e" | "-E" | "-r" | "--eval" | "-"))
                || input() != Input::Nothing
        };
        if reaches(base, Reach::File) && is_inline() {
            return Some((UnreadKind::Text, Place::Anywhere));
        }
        // `socat - TCP:localhost:9000`
        if stream_tool::may_connect(base) {
            let leads_away = behind.iter().any(|word| {
                let text = self.values.expand(word);
                let mut parts = text.split(':').skip(1);
                parts.next().is_some_and(|host| !may_be_here(&Host::of(host)))
            });
            return (!leads_away && may_be_an_end(&input())).then_some((UnreadKind::Message, Place::Beside));
        }
        if !stop_command::has_statements(base) {
            return None;
        }
        let says_it = |text: &str| stop_command::says_an_end(base, text);
        let is_said =
            behind.iter().any(|word| says_it(&self.values.expand(word))) || is_unknown(&input(), says_it);
        is_said.then_some((UnreadKind::Message, Place::Beside))
    }

    /// Whether some address of a request is not known, and it is more than a plain read of a known path. Those to the
    /// pod itself are calls of their own.
    fn leads_nowhere_known(&self, http: &Http) -> bool {
        let only_reads = |path: &str| http.only_asks() && path != "/" && !quit::stops(path);
        let is_counted = http.url.host.is_local();
        http.urls().any(|url| match &url.host {
            Host::Remote(name) => self.is_put_in(name),
            Host::Local => !is_counted,
            Host::Unknown => !url.path.as_deref().is_some_and(only_reads),
        })
    }

    /// Whether the kubelet puts an address that may be the pod's own in the place of a name: `$(STOP_URL)`.
    fn is_put_in(&self, host: &str) -> bool {
        let Some((_, behind)) = host.split_once("$(") else {
            return false;
        };
        let name = behind.split(')').next().unwrap_or_default();
        match self.values.get(name) {
            Variable::Known(value) => may_be_here(&Url::parse(&value, 0..0).host),
            Variable::Unset | Variable::Unknown => true,
        }
    }

    /// Whether what a connection is told may be an end.
    fn says_unknown(&self, located: &Located, simple: &Simple, connect: &Connect) -> bool {
        let is_client = wait_tool::by_program(&connect.tool)
            .is_some_and(|tool| matches!(tool.address, Address::Database));
        if connect.waits || is_client || !may_be_here(&connect.host) {
            return false;
        }
        let said =
            written(simple, &self.values).unwrap_or_else(|| input(&located.visit, simple, &self.values));
        may_be_an_end(&said)
    }

    /// Whether it writes a script that may end somebody: to a file that is called one, or with a quit endpoint in it.
    fn writes_script(&self, located: &Located, simple: &Simple, depth: usize) -> bool {
        let tee = simple
            .words
            .first()
            .is_some_and(|word| base_of(&word.raw) == "tee");
        let touched = match &located.action.action {
            Action::Touch { paths } => paths.as_slice(),
            _ => &[],
        };
        let written_files = touched.iter().chain(&located.action.written_files);
        let mut paths: Vec<&str> = written_files.filter_map(|file| file.path.as_deref()).collect();
        if tee {
            paths.extend(simple.words.iter().skip(1).map(|word| word.raw.as_str()));
        }
        if paths.is_empty() {
            return false;
        }
        let is_called_one = paths.iter().any(|path| is_called_a_script(path));
        match written(simple, &self.values) {
            Some(Input::Text { text, is_known }) => {
                let is_script = is_called_one || text.starts_with("#!");
                is_script && (!is_known || may_end(&text, depth)) || quit::find(&text).is_some()
            }
            // `touch x.sh` writes nothing.
            _ => is_called_one && !matches!(located.action.action, Action::Touch { .. }),
        }
    }

    /// Whether a command stands beside the work of its script: behind some of it, in a trap, in the background.
    fn is_beside(&self, located: &Located, depth: usize) -> bool {
        let context = &located.visit.context;
        if context.trap.is_some() || context.background {
            return true;
        }
        // What takes the shell's place is what the script is for.
        if located.action.is_exec && !context.subshell {
            return false;
        }
        let works_before = self
            .commands
            .iter()
            .take_while(|other| !std::ptr::eq(*other, located))
            .any(|other| other.visit.context.function == context.function && self.is_own_work(other));
        works_before
            || context.function.is_some_and(|function| {
                depth > 0
                    && self
                        .callers(function)
                        .any(|caller| self.is_beside(caller, depth - 1))
            })
    }

    /// Whether a command may be what its script is for, and prepares nothing.
    fn is_own_work(&self, located: &Located) -> bool {
        let context = &located.visit.context;
        let prepares = match (&located.action.action, located.visit.simple()) {
            (Action::Http(_), _) => true,
            (Action::Other { program: Some(name) }, Some(simple)) => {
                let words = simple.words.iter().skip(command_index(&simple.words) + 1);
                let words: Vec<&str> = words.map(|word| word.raw.as_str()).collect();
                is_finite(name, &words) || matches!(name.as_str(), "." | "source")
            }
            _ => false,
        };
        context.trap.is_none()
            && !context.substitution
            && !prepares
            && command_kind(self, located) == StepKind::Work
    }
}

/// Whether a script that stands in a text may end somebody, as far as it is understood.
fn may_end(text: &str, depth: usize) -> bool {
    if quit::find(text).is_some() {
        return true;
    }
    let Some(script) = (depth > 0).then(|| shell::parse(text, Dialect::Bash)).flatten() else {
        return true;
    };
    let unknown = |_: &str| Variable::Unknown;
    let inner = ScriptBehaviour::new(&script, &unknown, false);
    let reaches_out = inner.commands.iter().any(|located| match &located.action.action {
        Action::Http(http) => http.urls().any(|url| may_be_here(&url.host)),
        Action::Signal { only_tests, .. } => !only_tests,
        _ => false,
    });
    reaches_out || !inner.unread_to(depth - 1).is_empty()
}

fn may_be_here(host: &Host) -> bool {
    !matches!(host, Host::Remote(_))
}

/// Whether what is said to a server says an end, or may.
fn may_be_an_end(said: &Input) -> bool {
    is_unknown(said, says_an_end)
}

/// Whether a text says what is asked for, or nothing of it is known. What a program prints is its data.
fn is_unknown(said: &Input, says_it: impl Fn(&str) -> bool) -> bool {
    match said {
        Input::Nothing => false,
        Input::Text { text, is_known } => says_it(text) || !is_known && text.trim().is_empty(),
        Input::Unknown(program) => program.as_deref().is_none_or(is_filter),
    }
}

/// Whether a file is what a descriptor reads: `/dev/stdin`, `/proc/self/fd/3`.
fn is_descriptor(file: &str) -> bool {
    file == "/dev/stdin" || file.starts_with("/dev/fd/") || file.starts_with("/proc/self/fd/")
}

fn is_shell(program: &str) -> bool {
    Dialect::of_program(program).is_some()
}

fn base_of(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}
