//! What remains of a script when the parts that mind another container are cut out.

use crate::{
    behaviour::action::{Action, ExitCode, Target, Values, classify_simple},
    shell::{
        AndOr, Command, Connector, Dialect, EmbeddedKind, List, Piece, Pipeline, Simple, Span, Statement,
        Terminator, Word, parse,
    },
};

/// Cuts the commands at `spans` out of a script. `None` where it is not certain what remains.
///
/// Whole statements go where they hold nothing else than these commands and noise; of `a && b` the one side
/// goes. So does what only kept the main command's result over them: `code=$?` and `exit $code`.
pub(super) fn cut(text: &str, dialect: Dialect, spans: &[Span]) -> Option<String> {
    let script = parse(text, dialect)?;
    let emptied = emptied_functions(&script.list, spans);
    let cutter = Cutter { spans, emptied };
    let statements: Vec<&Statement> = script.list.statements.iter().collect();
    let kept: Vec<Option<Kept<'_>>> = statements
        .iter()
        .map(|statement| cutter.statement(statement))
        .collect::<Option<_>>()?;
    let kept: Vec<Kept<'_>> = kept.into_iter().flatten().collect();
    // Every span has to be gone.
    let remains = |span: &Span| {
        kept.iter().any(|kept| {
            kept.parts
                .iter()
                .any(|part| part.start < span.end && span.start < part.end)
        })
    };
    if spans.iter().any(remains) || kept.is_empty() {
        return None;
    }
    let kept = without_plumbing(kept, text);
    Some(write(text, &script.list, &kept))
}

/// What a command does, whatever its variables hold.
fn action(simple: &Simple) -> Action {
    classify_simple(simple, &Values::new(&|_| None)).action
}

/// What is kept of a statement.
struct Kept<'s> {
    statement: &'s Statement,
    /// Bytes of the text, in order.
    parts: Vec<Span>,
}

struct Cutter<'c> {
    spans: &'c [Span],
    emptied: Vec<String>,
}

impl Cutter<'_> {
    /// `Some(None)`: all of it goes. `None`: not certain.
    fn statement<'s>(&self, statement: &'s Statement) -> Option<Option<Kept<'s>>> {
        if !self.is_touched(&statement.span) && !self.calls_emptied(statement) {
            return Some(Some(Kept {
                statement,
                parts: vec![statement.span.clone()],
            }));
        }
        if statement
            .and_or
            .pipelines()
            .all(|pipeline| self.pipeline_goes(pipeline))
        {
            return Some(None);
        }
        if statement.terminator == Terminator::Background {
            return None;
        }
        self.and_chain(&statement.and_or)
            .map(|parts| Some(Kept { statement, parts }))
    }

    /// `wait && app`, `app && quit`
    fn and_chain(&self, and_or: &AndOr) -> Option<Vec<Span>> {
        if and_or.rest.iter().any(|(connector, _)| *connector == Connector::Or) {
            return None;
        }
        let kept: Vec<&Pipeline> = and_or
            .pipelines()
            .filter(|pipeline| !self.is_touched(&pipeline.span) || !self.pipeline_goes(pipeline))
            .collect();
        let kept: Vec<&Pipeline> = match kept.as_slice() {
            // `app && code=$(echo $?) && exit $code`
            [main, assignment, exit] if keeps_result(assignment).is_some() && exits_with(exit, &keeps_result(assignment)?) => vec![main],
            _ => kept,
        };
        let (first, last) = (kept.first()?, kept.last()?);
        // What is kept has to stand together.
        let between: Vec<&Pipeline> = and_or
            .pipelines()
            .filter(|pipeline| first.span.start <= pipeline.span.start && pipeline.span.end <= last.span.end)
            .collect();
        if between.len() != kept.len() {
            return None;
        }
        Some(vec![first.span.start..last.span.end])
    }

    fn is_touched(&self, span: &Span) -> bool {
        self.spans
            .iter()
            .any(|own| span.start <= own.start && own.end <= span.end)
    }

    fn is_cut(&self, span: &Span) -> bool {
        self.spans
            .iter()
            .any(|own| own.start <= span.start && span.end <= own.end)
    }

    fn calls_emptied(&self, statement: &Statement) -> bool {
        statement.and_or.pipelines().any(|pipeline| {
            pipeline.commands.iter().any(|command| match command {
                Command::Simple(simple) => self.is_emptied_call(simple),
                _ => false,
            })
        })
    }

    fn is_emptied_call(&self, simple: &Simple) -> bool {
        let calls = |word: Option<&Word>| {
            word.and_then(Word::literal)
                .is_some_and(|name| self.emptied.iter().any(|emptied| *emptied == *name))
        };
        calls(simple.words.first())
            || (simple.words.first().is_some_and(|word| word.raw == "trap") && calls(simple.words.get(1)))
    }

    fn pipeline_goes(&self, pipeline: &Pipeline) -> bool {
        pipeline.commands.iter().all(|command| self.goes(command))
    }

    fn list_goes(&self, list: &List) -> bool {
        list.statements
            .iter()
            .flat_map(|statement| statement.and_or.pipelines())
            .all(|pipeline| self.pipeline_goes(pipeline))
    }

    /// Whether a command may go together with those that are cut.
    fn goes(&self, command: &Command) -> bool {
        if self.is_cut(&command.span()) {
            return true;
        }
        match command {
            Command::Simple(simple) => self.simple_goes(simple),
            Command::Group { body, .. } | Command::Subshell { body, .. } => self.list_goes(body),
            Command::Loop { condition, body, .. } => self.list_goes(condition) && self.list_goes(body),
            Command::For { body, .. } => self.list_goes(body),
            Command::If {
                branches, otherwise, ..
            } => {
                branches
                    .iter()
                    .all(|branch| self.list_goes(&branch.condition) && self.list_goes(&branch.body))
                    && otherwise.as_ref().is_none_or(|list| self.list_goes(list))
            }
            Command::Function { name, .. } => self.emptied.contains(name),
            Command::Test { .. } => true,
            Command::Case { .. } | Command::Arithmetic { .. } => false,
        }
    }

    fn simple_goes(&self, simple: &Simple) -> bool {
        if self.is_emptied_call(simple) {
            return true;
        }
        if let Some(embedded) = simple.scripts.first() {
            return matches!(embedded.kind, EmbeddedKind::Trap { .. })
                && embedded.list.as_ref().is_some_and(|list| trap_goes(self, list));
        }
        match action(simple) {
            Action::Sleep { .. } | Action::Break { .. } | Action::TestFile { .. } | Action::Compare => true,
            Action::Echo => simple.assignments.is_empty() && is_harmless(simple),
            _ => false,
        }
    }
}

/// A trap's body, which may keep the result: `code=$?; quit; exit $code`.
fn trap_goes(cutter: &Cutter<'_>, list: &List) -> bool {
    list.commands().filter_map(|visit| visit.simple().cloned()).all(|simple| {
        cutter.is_cut(&simple.span)
            || cutter.simple_goes(&simple)
            || result_variable(&simple).is_some()
            || matches!(
                action(&simple),
                Action::Exit {
                    code: None | Some(ExitCode::LastStatus | ExitCode::Variable(_)),
                    ..
                }
            )
    })
}

/// Functions that hold nothing but commands that are cut.
fn emptied_functions(list: &List, spans: &[Span]) -> Vec<String> {
    let cutter = Cutter {
        spans,
        emptied: Vec::new(),
    };
    list.constructs()
        .filter_map(|visit| match visit.command {
            Command::Function { name, body, span } if cutter.is_touched(span) && trap_goes(&cutter, body) => {
                Some(name.clone())
            }
            _ => None,
        })
        .collect()
}

/// `echo`, `true`, `:`, `printf`: whose only effect is what they print.
fn is_harmless(simple: &Simple) -> bool {
    let name = simple.words.first().and_then(Word::literal);
    name.is_some_and(|name| matches!(&*name, "echo" | "true" | ":" | "printf" | "date" | "false"))
        && simple.redirects.iter().all(|redirect| {
            redirect
                .target
                .as_ref()
                .is_none_or(|target| matches!(target.raw.as_str(), "/dev/null" | "1" | "2" | "&1" | "&2"))
        })
}

/// The variable of `code=$?`.
fn result_variable(simple: &Simple) -> Option<String> {
    let [assignment] = simple.assignments.as_slice() else {
        return None;
    };
    let raw = assignment.value.raw.trim_matches('"');
    (simple.words.is_empty() && matches!(raw, "$?" | "${?}" | "$(echo $?)"))
        .then(|| assignment.name.clone())
}

fn only_simple(pipeline: &Pipeline) -> Option<&Simple> {
    match pipeline.commands.as_slice() {
        [Command::Simple(simple)] if !pipeline.negated => Some(simple),
        _ => None,
    }
}

fn keeps_result(pipeline: &Pipeline) -> Option<String> {
    only_simple(pipeline).and_then(result_variable)
}

/// `exit $code`
fn exits_with(pipeline: &Pipeline, variable: &str) -> bool {
    let Some(simple) = only_simple(pipeline) else {
        return false;
    };
    let [exit, code] = simple.words.as_slice() else {
        return false;
    };
    exit.raw == "exit"
        && code.raw.trim_matches('"').trim_start_matches('$').trim_matches(['{', '}']) == variable
        && code.raw.contains('$')
}

/// Drops `code=$?` and `exit $code` where nothing stands between them any more.
fn without_plumbing<'s>(mut kept: Vec<Kept<'s>>, text: &str) -> Vec<Kept<'s>> {
    fn single<'s>(kept: &Kept<'s>) -> Option<&'s Pipeline> {
        (kept.statement.and_or.rest.is_empty() && kept.statement.terminator == Terminator::Sequence)
            .then_some(&kept.statement.and_or.first)
    }
    let count = kept.len();
    if let Some([before, assignment, exit]) = count.checked_sub(3).and_then(|at| kept.get(at..))
        && before.statement.terminator == Terminator::Sequence
        && let Some(variable) = single(assignment).and_then(keeps_result)
        && single(exit).is_some_and(|exit| exits_with(exit, &variable))
    {
        let earlier = kept
            .iter()
            .take(count - 2)
            .flat_map(|kept| &kept.parts)
            .filter_map(|part| text.get(part.clone()))
            .any(|part| part.contains(&format!("${variable}")) || part.contains(&format!("{{{variable}")));
        if !earlier {
            kept.truncate(count - 2);
            return kept;
        }
    }
    if count >= 2
        && kept
            .last()
            .and_then(single)
            .is_some_and(|exit| exits_with(exit, "?"))
    {
        kept.truncate(count - 1);
    }
    kept
}

/// The text with only what is kept: whole lines where statements have their own.
fn write(text: &str, list: &List, kept: &[Kept<'_>]) -> String {
    let mut result = text.to_owned();
    for (index, statement) in list.statements.iter().enumerate().rev() {
        let own = kept.iter().find(|kept| std::ptr::eq(kept.statement, statement));
        match own {
            Some(kept) => {
                let parts: Vec<&str> = kept.parts.iter().filter_map(|part| text.get(part.clone())).collect();
                if parts.len() == 1 && kept.parts.first() == Some(&statement.span) {
                    continue;
                }
                result.replace_range(statement.span.clone(), &parts.join(" && "));
            }
            None => {
                let next = list.statements.get(index + 1).map(|next| next.span.start);
                result.replace_range(extent(text, &statement.span, next), "");
            }
        }
    }
    let trailing = text.len() - text.trim_end_matches('\n').len();
    let body = result.trim_end().trim_end_matches(';').trim_end();
    format!("{}{}", body, "\n".repeat(trailing))
}

/// The bytes that go with a statement: its line with the comment lines above, or up to the next statement.
fn extent(text: &str, span: &Span, next: Option<usize>) -> Span {
    let line_start = text.get(..span.start).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
    let own_line = text.get(line_start..span.start).is_some_and(|before| before.trim().is_empty());
    let after = text.get(span.end..).unwrap_or_default();
    let rest_of_line = after.split('\n').next().unwrap_or_default();
    let tail = rest_of_line.trim_start_matches([' ', '\t', ';', '&']);
    if own_line && (tail.is_empty() || tail.starts_with('#')) {
        let end = (span.end + rest_of_line.len() + 1).min(text.len());
        return with_comments_above(text, line_start)..end;
    }
    let end = match next {
        Some(next) if text.get(span.end..next).is_some_and(|gap| !gap.contains('\n')) => next,
        _ => span.end + (rest_of_line.len() - tail.len()),
    };
    span.start..end
}

/// Comment lines directly above a line belong to it.
fn with_comments_above(text: &str, line_start: usize) -> usize {
    let mut first = line_start;
    while first > 0 {
        let above = text.get(..first - 1).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1);
        let line = text.get(above..first - 1).unwrap_or_default().trim_start();
        if !line.starts_with('#') || line.starts_with("#!") {
            break;
        }
        first = above;
    }
    first
}

/// How the environment of a container names a variable.
pub(super) type IsVariable<'v> = &'v dyn Fn(&str) -> bool;

/// Built-in commands, which no program stands for.
const BUILT_IN: [&str; 27] = [
    ".", ":", "alias", "bg", "break", "cd", "command", "continue", "eval", "exec", "exit", "export", "fg", "getopts",
    "hash", "jobs", "read", "readonly", "return", "set", "shift", "source", "trap", "ulimit", "umask", "unset", "wait",
];

/// The words that start the program which a script is about, where no shell is needed for them.
///
/// `$VAR` in double quotes becomes `$(VAR)`, which the kubelet expands
/// (kubernetes.io/docs/tasks/inject-data-application/define-command-argument-container).
pub(super) fn plain_command(text: &str, dialect: Dialect, is_variable: IsVariable<'_>) -> Option<Vec<String>> {
    let script = parse(text, dialect)?;
    // A comment would be lost.
    if text.lines().any(|line| line.trim_start().starts_with('#')) {
        return None;
    }
    let mut statements = script.list.statements.iter().filter(|statement| !is_shell_option(statement));
    let (Some(statement), None) = (statements.next(), statements.next()) else {
        return None;
    };
    if statement.terminator == Terminator::Background || !statement.and_or.rest.is_empty() {
        return None;
    }
    let simple = only_simple(&statement.and_or.first)?;
    if !simple.assignments.is_empty() || !simple.redirects.is_empty() || !simple.scripts.is_empty() {
        return None;
    }
    let skip = usize::from(simple.words.first().is_some_and(|word| word.raw == "exec"));
    let words: Vec<String> = simple
        .words
        .iter()
        .skip(skip)
        .map(|word| plain_word(word, is_variable))
        .collect::<Option<_>>()?;
    let program = words.first()?;
    (!program.is_empty() && !BUILT_IN.contains(&program.as_str()) && !program.contains('$')).then_some(words)
}

/// `set -e` and its like, which say nothing about a single command.
fn is_shell_option(statement: &Statement) -> bool {
    statement.and_or.rest.is_empty()
        && only_simple(&statement.and_or.first).is_some_and(|simple| {
            let mut words = simple.words.iter().map(|word| word.raw.as_str());
            words.next() == Some("set")
                && words.all(|word| matches!(word, "-e" | "-u" | "-eu" | "-ue" | "-o" | "pipefail" | "-eo" | "-euo"))
        })
}

fn plain_word(word: &Word, is_variable: IsVariable<'_>) -> Option<String> {
    let mut plain = String::new();
    for piece in &word.pieces {
        match piece {
            Piece::Text { text, quoted } => {
                let expands = text.contains(['*', '?', '[', '{', '~', '!']) && !quoted;
                if expands {
                    return None;
                }
                plain += &escaped(text);
            }
            Piece::Variable {
                name,
                default: None,
                simple: true,
                quoted: true,
            } if is_variable(name) => {
                plain += &format!("$({name})");
            }
            _ => return None,
        }
    }
    Some(plain)
}

/// Text that the kubelet must not expand: `$(` and `$$` mean something to it.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        escaped.push(character);
        if character == '$' && matches!(characters.peek(), Some('(' | '$')) {
            escaped.push('$');
        }
    }
    escaped
}

/// The command of a child process that the rest of a script only watches: `app & pid=$!; …; kill $pid`.
pub(super) fn watched_child(text: &str, dialect: Dialect, file: &str) -> Option<String> {
    let script = parse(text, dialect)?;
    let mut child = None;
    for statement in &script.list.statements {
        let is_command = only_simple(&statement.and_or.first)
            .is_some_and(|simple| matches!(action(simple), Action::Other { .. }));
        if statement.terminator == Terminator::Background && statement.and_or.rest.is_empty() && is_command {
            if child.is_some() {
                return None;
            }
            child = text.get(statement.span.clone());
            continue;
        }
        if !watches(statement, file) {
            return None;
        }
    }
    child.map(str::to_owned)
}

/// Whether a statement only looks for the file, signals or waits for the child, and ends.
fn watches(statement: &Statement, file: &str) -> bool {
    let list = List {
        statements: vec![statement.clone()],
    };
    list.commands().all(|visit| match visit.command {
        Command::Simple(simple) => {
            let looks_on = match action(simple) {
                Action::TestFile { path, .. } => path.path.as_deref() == Some(file),
                Action::Signal { targets, .. } => targets
                    .iter()
                    .all(|target| matches!(target, Target::Variable(_) | Target::Job(_) | Target::Pid(1))),
                Action::Sleep { .. }
                | Action::Wait { .. }
                | Action::Break { .. }
                | Action::Exit { .. }
                | Action::Trap { .. }
                | Action::Compare
                | Action::Assign
                | Action::Echo => true,
                _ => false,
            };
            let writes = simple
                .redirects
                .iter()
                .any(|redirect| redirect.target.as_ref().is_some_and(|target| target.raw == file));
            looks_on && !writes
        }
        Command::Test { words, .. } => words
            .iter()
            .filter_map(Word::literal)
            .any(|word| word == file),
        Command::Case { .. } | Command::Function { .. } => false,
        _ => true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_cut(text: &str, commands: &[&str], expected: Option<&str>) {
        let spans: Vec<Span> = commands
            .iter()
            .map(|command| {
                let start = text.find(command).unwrap();
                start..start + command.len()
            })
            .collect();
        assert_eq!(cut(text, Dialect::Bash, &spans).as_deref(), expected, "{text}");
    }

    #[test]
    fn statements_go_with_what_belongs_to_them() {
        assert_cut("sleep 5; exec /app --x", &["sleep 5"], Some("exec /app --x"));
        assert_cut("sleep 5 && /app", &["sleep 5"], Some("/app"));
        assert_cut(
            "# wait\nuntil nc -z localhost 1; do sleep 1; done\n# run\n/app\n",
            &["until nc -z localhost 1; do sleep 1; done"],
            Some("# run\n/app\n"),
        );
        assert_cut(
            "/app up\ncode=$?\ncurl -X POST localhost:1/quit\nexit $code\n",
            &["curl -X POST localhost:1/quit"],
            Some("/app up\n"),
        );
        assert_cut(
            "/app; rc=$?; echo done; curl x || true; exit $rc",
            &["curl x"],
            Some("/app; rc=$?; echo done; exit $rc"),
        );
        assert_cut("/app && curl x", &["curl x"], Some("/app"));
        assert_cut(
            "/app && x=$(echo $?) && curl x && exit $x",
            &["curl x"],
            Some("/app"),
        );
        assert_cut("trap 'touch /d' EXIT\n/app\n", &["touch /d"], Some("/app\n"));
        assert_cut(
            "finish() {\n  rc=$?\n  curl x\n  exit $rc\n}\ntrap finish EXIT\n/app\n",
            &["curl x"],
            Some("/app\n"),
        );
    }

    #[test]
    fn what_is_not_certain_is_left() {
        assert_cut("if /app; then curl x; else curl x; exit 1; fi", &["curl x"], None);
        assert_cut("/app || curl x", &["curl x"], None);
        assert_cut("curl x", &["curl x"], None);
        assert_cut("trap 'save; touch /d' EXIT\n/app\n", &["touch /d"], None);
    }

    #[test]
    fn a_plain_command_needs_no_shell() {
        let plain = |text: &str| plain_command(text, Dialect::Posix, &|name| name == "URL");
        let words = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        assert_eq!(plain("exec /app --x 'a b'"), words(&["/app", "--x", "a b"]));
        assert_eq!(plain("set -e\n/app \"$URL\"\n"), words(&["/app", "$(URL)"]));
        assert_eq!(plain("/app '$(x)' '$$'"), words(&["/app", "$$(x)", "$$$"]));
        for text in [
            "/app $URL", "/app \"$OTHER\"", "/app *.txt", "/app > log", "A=1 /app", "cd /x", "/app | tee", "/app &",
            "a; b", "/app `x`", "# why\n/app", "/app ~", "$URL",
        ] {
            assert_eq!(plain(text), None, "{text}");
        }
    }

    #[test]
    fn a_child_is_found_behind_its_watchdog() {
        let text = "/bin/proxy --x &\npid=$!\nwhile [ ! -f /signal/done ]; do sleep 1; done\nkill $pid\n";
        assert_eq!(
            watched_child(text, Dialect::Posix, "/signal/done").as_deref(),
            Some("/bin/proxy --x")
        );
        assert_eq!(watched_child(text, Dialect::Posix, "/other"), None);
        let more = format!("{text}upload\n");
        assert_eq!(watched_child(&more, Dialect::Posix, "/signal/done"), None);
    }
}
