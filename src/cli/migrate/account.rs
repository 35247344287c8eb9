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
/// With `proofs`, all that each of them rests on too.
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
        // What is not proved is what has to be looked at.
        for proof in action
            .proofs
            .iter()
            .filter(|proof| proofs || !proof.answer.is_proved())
        {
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
    match what.strip_suffix(" as it is") {
        Some(name) => format!("skipped {name}: {reason}"),
        None => format!("skipped: {}: {reason}", what.trim_start_matches("not done: ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_for_a_shell() {
        assert_eq!(quoted("a/b.yaml"), "a/b.yaml");
        assert_eq!(quoted("it's here"), "'it'\\''s here'");
    }
}
