//! What remains of a script when the parts that mind another container are cut out.

use super::{
    cutter::{Cutter, action, emptied_functions, leads_nowhere},
    kept::Kept,
    result::{result_variable, without_plumbing},
    text::write,
};
use crate::{
    behaviour::action::Action,
    shell::{Command, Dialect, List, Pipeline, Redirect, Span, Statement, parse},
};

/// The shell that runs a script.
#[derive(Debug, Clone, Copy)]
pub(in crate::migrate) struct Shell {
    pub(in crate::migrate) dialect: Dialect,
    /// `sh -e`
    pub(in crate::migrate) exits_on_error: bool,
}

/// Cuts the commands at `spans` out of a script. `None` where it is not certain what remains.
///
/// Whole statements go where they hold nothing else than these commands and noise; of `a && b` the one side
/// goes. So does what only kept the main command's result over them: `code=$?` and `exit $code`.
pub(in crate::migrate) fn cut(text: &str, shell: Shell, spans: &[Span]) -> Option<String> {
    let script = parse(text, shell.dialect)?;
    let emptied = emptied_functions(&script.list, spans);
    let cutter = Cutter { spans, emptied };
    let statements: Vec<&Statement> = script.list.statements.iter().collect();
    let kept: Vec<Option<Kept<'_>>> = statements
        .iter()
        .map(|statement| cutter.statement(statement))
        .collect::<Option<_>>()?;
    let kept: Vec<Kept<'_>> = kept.into_iter().flatten().collect();
    // They stand in their order, and none in another.
    let is_kept = |span: &Span| {
        let behind = kept.partition_point(|kept| kept.part.start <= span.start);
        let before = behind.checked_sub(1).and_then(|before| kept.get(before));
        before.is_some_and(|kept| span.end <= kept.part.end)
    };
    let exits_on_error = shell.exits_on_error || sets_errexit(&script.list);
    if exits_on_error
        && kept
            .iter()
            .enumerate()
            .any(|(at, own)| own.may_exit_now(at + 1 == kept.len()))
    {
        return None;
    }
    // Every span has to be gone.
    let remains = |span: &Span| {
        kept.iter()
            .any(|kept| kept.part.start < span.end && span.start < kept.part.end)
    };
    if spans.iter().any(remains) || kept.is_empty() {
        return None;
    }
    // `(until …; do …; done) > log`
    let keeps_output = script
        .list
        .constructs()
        .filter(|visit| !is_kept(&visit.command.span()))
        .any(|visit| {
            redirects(visit.command)
                .iter()
                .any(|redirect| !leads_nowhere(redirect))
        });
    if keeps_output {
        return None;
    }
    let is_used = |name: &String| {
        kept.iter()
            .filter_map(|kept| text.get(kept.part.clone()))
            .any(|part| has_name(part, name))
    };
    let is_read = |name: &String| is_used(&format!("${name}")) || is_used(&format!("{{{name}"));
    // What is defined in the parts that go may be called from a condition, a trap or another function.
    if cutter.emptied.iter().any(is_used) || assigned_in(&script.list, &is_kept).iter().any(is_read) {
        return None;
    }
    let kept = without_plumbing(kept, text);
    Some(write(text, &script.list, &kept))
}

/// The command at a span with the sleep behind it, which lets its effect come about: `curl …/quit; sleep 5; exit $rc`.
pub(in crate::migrate) fn with_sleep_behind(text: &str, dialect: Dialect, span: &Span) -> Vec<Span> {
    let mut spans = vec![span.clone()];
    let Some(script) = parse(text, dialect) else {
        return spans;
    };
    let statements = &script.list.statements;
    let holds = |statement: &Statement| statement.span.start <= span.start && span.end <= statement.span.end;
    let Some(at) = statements.iter().position(holds) else {
        return spans;
    };
    let simple = |statement: &Statement| match statement.and_or.first.commands.as_slice() {
        [Command::Simple(simple)] if statement.and_or.rest.is_empty() => Some(action(simple)),
        _ => None,
    };
    let [sleep, rest @ ..] = statements.get(at + 1..).unwrap_or_default() else {
        return spans;
    };
    let ends = rest
        .iter()
        .all(|statement| matches!(simple(statement), Some(Action::Exit { .. } | Action::Echo)));
    if ends && matches!(simple(sleep), Some(Action::Sleep { .. })) {
        spans.push(sleep.span.clone());
    }
    spans
}

/// The variables that are assigned in what is not kept, but for those that hold a result.
fn assigned_in(list: &List, is_kept: &dyn Fn(&Span) -> bool) -> Vec<String> {
    list.commands()
        .filter_map(|visit| visit.simple())
        .filter(|simple| !is_kept(&simple.span) && result_variable(simple).is_none())
        .flat_map(|simple| &simple.assignments)
        .map(|assignment| assignment.name.clone())
        .collect()
}

/// Whether a text holds a name as a word of its own.
fn has_name(text: &str, name: &str) -> bool {
    let is_part = |character: char| character.is_alphanumeric() || matches!(character, '_' | '-');
    let begins_word = name.starts_with(is_part);
    text.match_indices(name).any(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let after = text.get(at + name.len()..).and_then(|after| after.chars().next());
        let goes_on = after.is_some_and(is_part) || begins_word && before.is_some_and(is_part);
        !goes_on
    })
}

impl Kept<'_> {
    /// Whether `-e` ends the script at a failure that it passed over while `&& …` came behind it: in a block at once,
    /// and for a command unless the script ends there anyway.
    fn may_exit_now(&self, is_last: bool) -> bool {
        let pipelines: Vec<&Pipeline> = self.statement.and_or.pipelines().collect();
        let goes_on = pipelines.last().is_some_and(|last| last.span.end > self.part.end);
        let last = pipelines
            .iter()
            .rfind(|pipeline| pipeline.span.end <= self.part.end);
        let is_command = last.is_some_and(|last| {
            matches!(last.commands.as_slice(), [Command::Simple(simple)]
                if matches!(action(simple), Action::Other { .. } | Action::Wrapper { .. }))
        });
        goes_on && !(is_last && is_command)
    }
}

/// `set -e`, `set -euo pipefail`, `set -o errexit`
fn sets_errexit(list: &List) -> bool {
    list.commands().filter_map(|visit| visit.simple()).any(|simple| {
        let mut words = simple.words.iter().map(|word| word.raw.as_str());
        words.next() == Some("set")
            && words.any(|word| word == "errexit" || (word.starts_with('-') && word.contains('e')))
    })
}

/// The redirections of a compound command as a whole.
fn redirects(command: &Command) -> &[Redirect] {
    match command {
        Command::Group { redirects, .. }
        | Command::Subshell { redirects, .. }
        | Command::Loop { redirects, .. }
        | Command::For { redirects, .. }
        | Command::If { redirects, .. } => redirects,
        _ => &[],
    }
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
        let shell = Shell {
            dialect: Dialect::Bash,
            exits_on_error: false,
        };
        assert_eq!(cut(text, shell, &spans).as_deref(), expected, "{text}");
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
            "/app\nif curl -sf localhost:15021/healthz/ready -o /dev/null; then\n  curl x\nfi\n",
            &["curl x"],
            Some("/app\n"),
        );
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
        assert_cut("set -e; { /one; /two; } && curl x", &["curl x"], None);
        assert_cut("set -e; /app && curl x; /two", &["curl x"], None);
        assert_cut("/app && curl x; /two", &["curl x"], Some("/app; /two"));
        assert_cut("set -e; /app && curl x", &["curl x"], Some("set -e; /app"));
        assert_cut("/app; if curl -sf web/ready; then curl x; fi", &["curl x"], None);
        assert_cut(
            "/app; if curl -s localhost:1 -o /out; then curl x; fi",
            &["curl x"],
            None,
        );
        assert_cut("curl x", &["curl x"], None);
        assert_cut("trap 'save; touch /d' EXIT\n/app\n", &["touch /d"], None);
    }

    #[test]
    fn a_function_goes_with_all_its_calls_or_stays() {
        let ready = "until curl x; do sleep 1; done";
        let with = |rest: &str| format!("ready() {{ {ready}; }}\n{rest}\n");
        for rest in ["ready && /app", "ready; /app", "ready\n/app"] {
            assert_cut(&with(rest), &[ready], Some("/app\n"));
        }
        for rest in [
            "if ready; then /app; fi",
            "main() { ready; /app; }\nmain",
            "export -f ready\n/app",
            "trap 'save; ready' USR1\n/app",
        ] {
            assert_cut(&with(rest), &[ready], None);
        }
    }

    #[test]
    fn what_a_wait_leaves_behind_keeps_it() {
        for (text, wait) in [
            (
                "until found=$(curl x); do sleep 1; done\n/app \"$found\"\n",
                "until found=$(curl x); do sleep 1; done",
            ),
            (
                "tries=0\nuntil curl x; do tries=$((tries+1)); sleep 1; done\n/app --tries ${tries}\n",
                "until curl x; do tries=$((tries+1)); sleep 1; done",
            ),
            (
                "(until curl x; do sleep 1; done) > /log\n/app\n",
                "until curl x; do sleep 1; done",
            ),
            (
                "until curl x; do sleep 1; done 2>> /log\n/app\n",
                "until curl x; do sleep 1; done 2>> /log",
            ),
        ] {
            assert_cut(text, &[wait], None);
        }
        assert_cut(
            "until curl x; do sleep 1; done > /dev/null 2>&1\n/app\n",
            &["until curl x; do sleep 1; done > /dev/null 2>&1"],
            Some("/app\n"),
        );
    }
}
