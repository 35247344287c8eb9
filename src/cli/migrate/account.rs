//! What a migration says for people: the form, the diff, what was done, what was left and why.

use std::io::{self, Write};

use colored::Colorize;

use super::MigrateArguments;
use crate::{
    cli::{color, target::Decision},
    diff::unified,
    migrate::Migration,
    remedy::{Class, Form, Plan},
    report::{printable, visible},
};

/// One line about the form, and for the one that nothing runs, the way to the one that does.
pub(in crate::cli) fn announce(decision: &Decision, arguments: &MigrateArguments, program: &str) {
    let line = match decision.form {
        Form::Native => format!("target: native ({})", decision.reason),
        Form::Lifecycle => format!(
            "target: lifecycle ({}). No released Kubernetes knows lifecycle.type: a strict server refuses it, a lenient one drops it silently. What clusters since 1.29 run: {}",
            decision.reason,
            native_command(arguments, program)
        ),
        Form::Annotation => format!(
            "target: annotation ({}). It does what the policy of `{program} policy promote` does with it, on clusters since 1.36; where that is not installed the containers stay ordinary ones. What clusters since 1.29 run without a policy: {}",
            decision.reason,
            native_command(arguments, program)
        ),
    };
    tell(&line);
}

/// The command that does the same for clusters since 1.29.
fn native_command(arguments: &MigrateArguments, program: &str) -> String {
    let mut words = vec![program.to_owned(), "migrate --target native".to_owned()];
    if arguments.review {
        words.push("--review".to_owned());
    }
    words.extend(
        arguments
            .sidecar
            .iter()
            .map(|name| format!("--sidecar {}", quoted(name))),
    );
    if arguments.write {
        words.push("--write".to_owned());
    } else {
        words.push("-o yaml".to_owned());
    }
    words.extend(
        arguments
            .filename
            .iter()
            .map(|path| format!("-f {}", quoted(&path.display().to_string()))),
    );
    if arguments.recursive {
        words.push("-R".to_owned());
    }
    words.extend(
        arguments
            .paths
            .iter()
            .map(|path| quoted(&path.display().to_string())),
    );
    words.join(" ")
}

/// A word for a shell.
pub(in crate::cli) fn quoted(word: &str) -> String {
    let plain = !word.is_empty()
        && word
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "-_./,:=@%+".contains(letter));
    if plain {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// One line on standard error.
pub(in crate::cli) fn tell(line: &str) {
    let line = format!("{}\n", printable(line));
    // Where standard error is closed there is nobody to tell.
    let _unprinted = io::stderr().write_all(line.as_bytes());
}

/// A unified diff of two texts, coloured where colour is on.
pub(in crate::cli) fn colored_diff(before: &str, after: &str, name: &str) -> String {
    let name = printable(name);
    let name = name.trim_start_matches('/');
    let text = unified(before, after, &format!("a/{name}"), &format!("b/{name}"));
    if !color::is_on() {
        return text;
    }
    text.split_inclusive('\n')
        .map(|line| {
            let (line, end) = match line.strip_suffix('\n') {
                Some(line) => (line, "\n"),
                None => (line, ""),
            };
            let (line, end) = match line.strip_suffix('\r') {
                Some(line) => (line, format!("\r{end}")),
                None => (line, end.to_owned()),
            };
            let line: String = line.chars().map(visible).collect();
            let line = match line.chars().next() {
                _ if line.starts_with("---") || line.starts_with("+++") => line.bold().to_string(),
                Some('+') => line.green().to_string(),
                Some('-') => line.red().to_string(),
                Some('@') => line.cyan().to_string(),
                _ => line,
            };
            line + &end
        })
        .collect()
}

/// What was done to a workload, what was left and why. `done` is what is said of the former: a preview would do it.
/// With `proofs`, what each of them rests on too.
pub(in crate::cli) fn explain(migration: &Migration, plan: &Plan, done: &str, proofs: bool) {
    let object = format!("{} {}", plan.object.kind, plan.object.name);
    tell(&format!("{}: {}", migration.source.name, object.trim()));
    for action in &plan.actions {
        let review = if action.class == Class::Safe {
            ""
        } else {
            " (reviewed by --review: look at it)"
        };
        tell(&format!("  {done}: {}{review}", action.what));
        for proof in action.proofs.iter().filter(|_| proofs) {
            tell(&format!("    {proof}"));
        }
    }
    for refusal in &plan.refusals {
        let review = if refusal.review {
            " (needs review; run again with --review)"
        } else {
            ""
        };
        tell(&format!("  {}{review}", skipped(&refusal.what, &refusal.reason)));
        for proof in refusal.proofs.iter().filter(|_| proofs) {
            tell(&format!("    {proof}"));
        }
    }
    for note in &plan.notes {
        tell(&format!("  note: {note}"));
    }
}

/// What was not done to a workload, and why.
pub(super) fn skipped(what: &str, reason: &str) -> String {
    if let Some(name) = what.strip_suffix(" as it is") {
        return format!("skipped {name}: {reason}");
    }
    // What a finding says stays as it is.
    let what = match what.strip_prefix("not done: ") {
        Some(deed) => order(deed),
        None if what.contains(" is not declared a sidecar") => order(what),
        None => what.to_owned(),
    };
    format!("skipped: {what}: {reason}")
}

/// A deed that a plan tells as a fact, as an order: nothing that was skipped is told as if it were done.
fn order(fact: &str) -> String {
    if let Some((what, first)) = fact.split_once(", because “") {
        let first = first.trim_end_matches("” can't be done");
        return format!("{}; first {}", order(what), order(first));
    }
    for (between, verb, preposition) in [
        (" is not declared a sidecar", "declare", " a sidecar"),
        (" is declared a sidecar", "declare", " a sidecar"),
        (
            " is injected as a native sidecar",
            "inject",
            " as a native sidecar",
        ),
        (": runs without ", "run", " without "),
        (": is removed, it only ", "remove", ", which only "),
        (
            ": its own command takes the place of ",
            "run",
            "'s own command in place of ",
        ),
        (": a startupProbe", "give", " a startupProbe"),
        (": a readinessProbe", "give", " a readinessProbe"),
    ] {
        if let Some((name, rest)) = fact.split_once(between) {
            return format!("{verb} {name}{preposition}{rest}");
        }
    }
    let removed = fact.split_once(": its ").zip(fact.rsplit_once(" is removed"));
    if let Some(((name, _), (whole, rest))) = removed
        && let Some((_, what)) = whole.split_once(": its ")
    {
        return format!("remove {name}'s {}{rest}", what.trim_end_matches(','));
    }
    fact.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_for_a_shell() {
        assert_eq!(quoted("a/b.yaml"), "a/b.yaml");
        assert_eq!(quoted("it's here"), "'it'\\''s here'");
    }

    #[test]
    fn what_a_finding_says_is_no_order() {
        let said = "copy is declared a sidecar but ends by itself";
        assert_eq!(skipped(said, "why"), format!("skipped: {said}: why"));
        assert_eq!(
            skipped("not done: app: its wait is removed", "why"),
            "skipped: remove app's wait: why"
        );
        assert_eq!(
            skipped("proxy is not declared a sidecar", "why"),
            "skipped: declare proxy a sidecar: why"
        );
    }

    #[test]
    fn what_was_skipped_is_an_order() {
        for (fact, expected) in [
            (
                "app: its wait for proxy is removed from the script of ConfigMap run",
                "remove app's wait for proxy from the script of ConfigMap run",
            ),
            (
                "proxy: its preStop hook, which ends it, is removed",
                "remove proxy's preStop hook, which ends it",
            ),
            (
                "proxy is not declared a sidecar, because “app: its call that ends proxy is removed” can't be done",
                "declare proxy a sidecar; first remove app's call that ends proxy",
            ),
            (
                "proxy is not declared a sidecar, because “reaper: is removed, it only ends proxy” can't be done",
                "declare proxy a sidecar; first remove reaper, which only ends proxy",
            ),
            (
                "logs: its own command takes the place of the script that looks for /done",
                "run logs's own command in place of the script that looks for /done",
            ),
            ("app: runs without scuttle", "run app without scuttle"),
            ("sql: a startupProbe", "give sql a startupProbe"),
            (
                "istio-proxy is injected as a native sidecar",
                "inject istio-proxy as a native sidecar",
            ),
            ("all of it", "all of it"),
        ] {
            assert_eq!(order(fact), expected);
        }
    }
}
