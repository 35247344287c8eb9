//! `docs/reference.md`: every command and option, as clap knows them.

use std::fmt::Write;

use clap::{Arg, Command};

const PROGRAM: &str = "kubectl sidecar";

/// The page, below its first comment.
pub(crate) fn page(command: &Command) -> String {
    let mut page = "# Commands and options\n\nEvery command also has these:\n".to_owned();
    let mut command = command.clone().bin_name(PROGRAM);
    command.build();
    let global: Vec<&Arg> = command
        .get_arguments()
        .filter(|argument| argument.is_global_set())
        .collect();
    list(&mut page, &global);
    for inner in command
        .get_subcommands()
        .filter(|inner| inner.get_name() != "help")
    {
        section(&mut page, inner, PROGRAM);
    }
    page
}

fn section(page: &mut String, command: &Command, above: &str) {
    let name = format!("{above} {}", command.get_name());
    writeln!(page, "\n## {name}\n\n{}", about(command)).unwrap();
    let inner: Vec<&Command> = command
        .get_subcommands()
        .filter(|inner| inner.get_name() != "help")
        .collect();
    if inner.is_empty() {
        let usage = command.clone().render_usage().to_string();
        let usage = usage.trim_start_matches("Usage: ");
        writeln!(page, "\n```text\n{usage}\n```").unwrap();
    }
    let arguments: Vec<&Arg> = command
        .get_arguments()
        .filter(|argument| {
            !argument.is_global_set()
                && !argument.is_hide_set()
                && !matches!(argument.get_id().as_str(), "help" | "version")
        })
        .collect();
    let mut headings: Vec<Option<&str>> = Vec::new();
    for argument in &arguments {
        if !headings.contains(&argument.get_help_heading()) {
            headings.push(argument.get_help_heading());
        }
    }
    for heading in headings {
        let below: Vec<&Arg> = arguments
            .iter()
            .copied()
            .filter(|argument| argument.get_help_heading() == heading)
            .collect();
        if let Some(heading) = heading {
            writeln!(page, "\n{heading}:").unwrap();
        }
        list(page, &below);
    }
    if let Some(help) = command.get_after_help() {
        writeln!(page, "\n```text\n{help}\n```").unwrap();
    }
    for command in inner {
        section(page, command, &name);
    }
}

fn about(command: &Command) -> String {
    let text = command.get_long_about().or(command.get_about());
    escaped(&text.map(ToString::to_string).unwrap_or_default())
}

fn list(page: &mut String, arguments: &[&Arg]) {
    page.push('\n');
    for argument in arguments {
        writeln!(page, "- {}", entry(argument)).unwrap();
    }
}

fn entry(argument: &Arg) -> String {
    let help = argument.get_long_help().or(argument.get_help());
    let help = help.map(ToString::to_string).unwrap_or_default();
    let help = escaped(&help.replace("\n\n", ". ").replace('\n', " "));
    let mut entry = format!("{}: {}", spelling(argument), help.trim_end_matches('.'));
    let defaults: Vec<String> = argument
        .get_default_values()
        .iter()
        .map(|value| format!("`{}`", value.to_string_lossy()))
        .collect();
    // Switches default to false, which nobody needs to read.
    if argument.get_action().takes_values() && !defaults.is_empty() && !argument.is_hide_default_value_set() {
        write!(entry, ". Default: {}", defaults.join(", ")).unwrap();
    }
    entry.push('.');
    for value in argument
        .get_possible_values()
        .iter()
        .filter(|value| !value.is_hide_set())
    {
        if !argument.get_action().takes_values() {
            break;
        }
        write!(entry, "\n  - `{}`", value.get_name()).unwrap();
        if let Some(help) = value.get_help() {
            write!(entry, ": {}", escaped(&help.to_string())).unwrap();
        }
    }
    entry
}

/// `` `-n`, `--namespace NAME` ``
fn spelling(argument: &Arg) -> String {
    let names = argument.get_value_names().unwrap_or_default();
    let values: Vec<&str> = names.iter().map(clap::builder::Str::as_str).collect();
    let values = if argument.get_action().takes_values() {
        values.join(" ")
    } else {
        String::new()
    };
    if argument.is_positional() {
        return format!("`{values}`");
    }
    let short = argument.get_short().map(|short| format!("`-{short}`"));
    let long = argument
        .get_long()
        .map(|long| format!("`{}`", format!("--{long} {values}").trim_end()));
    let both: Vec<String> = short.into_iter().chain(long).collect();
    both.join(", ")
}

/// Markdown takes `<NAME>` for HTML.
fn escaped(text: &str) -> String {
    text.replace('<', "&lt;")
}
