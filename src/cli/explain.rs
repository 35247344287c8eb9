//! `explain`: a rule's description in the terminal.

use std::io::{self, BufWriter, Write};

use clap::Args;
use colored::Colorize;
use comfy_table::{Cell, ContentArrangement, Table, presets};

use super::{Error, ExitStatus, output::width};
use crate::{
    report::severity_name,
    rules::{Family, RULES, RuleInfo},
    suppress::suggestion,
};

/// Longer lines are hard to read, however wide the terminal is.
const LONGEST_LINE: usize = 100;

/// Explain a rule: what it finds, why it matters, what to do. Without RULE, list all rules
#[derive(Debug, Args)]
pub(super) struct ExplainArguments {
    /// The rule
    pub(super) rule: Option<String>,
}

/// Runs `explain`.
pub(super) fn run(arguments: &ExplainArguments, program: &str) -> Result<ExitStatus, Error> {
    let mut out = BufWriter::new(io::stdout().lock());
    match &arguments.rule {
        None => list(RULES, width(), program, &mut out)?,
        Some(name) => {
            let rule = find(name, RULES, program)?;
            explain(rule, width().unwrap_or(LONGEST_LINE).min(LONGEST_LINE), &mut out)?;
        }
    }
    out.flush()?;
    Ok(ExitStatus::Success)
}

fn find(name: &str, rules: &[&'static RuleInfo], program: &str) -> Result<&'static RuleInfo, Error> {
    rules
        .iter()
        .copied()
        .find(|rule| rule.name == name)
        .ok_or_else(|| {
            let meant = match suggestion(name, rules.iter().map(|rule| rule.name)) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("`{program} explain` lists them"),
            };
            Error::Usage(format!("there is no rule `{name}`; {meant}"))
        })
}

/// All rules, a line each where the width is not known.
fn list(rules: &[&RuleInfo], width: Option<usize>, program: &str, out: &mut dyn Write) -> io::Result<()> {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).force_no_tty().set_header([
        "RULE",
        "FAMILY",
        "SEVERITY",
        "WHAT IT FINDS",
    ]);
    for family in Family::ALL {
        for rule in rules.iter().filter(|rule| rule.family == family) {
            table.add_row([
                Cell::new(rule.name),
                Cell::new(family.name()),
                Cell::new(severity_name(rule.severity)),
                Cell::new(rule.summary),
            ]);
        }
    }
    if let Some(width) = width {
        table
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(u16::try_from(width).unwrap_or(u16::MAX));
    }
    if let Some(column) = table.column_mut(0) {
        column.set_padding((0, 1));
    }
    for line in table.lines() {
        writeln!(out, "{}", line.trim_end())?;
    }
    writeln!(out, "\n`{program} explain RULE` says more about one.")
}

fn explain(rule: &RuleInfo, width: usize, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}: {}", rule.name.bold(), rule.summary)?;
    writeln!(
        out,
        "family {}, severity {}",
        rule.family.name(),
        severity_name(rule.severity)
    )?;
    section("What it finds", rule.what, width, out)?;
    section("Why it matters", rule.why, width, out)?;
    example("Before", rule.before, out)?;
    example("After", rule.after, out)?;
    section("What migrate does with it", rule.migrate, width, out)?;
    section("What a rewrite rests on", &rule.obligations(), width, out)?;
    if !rule.sources.is_empty() {
        heading("Sources", out)?;
        for (title, url) in rule.sources {
            writeln!(out, "- {title}\n  {}", url.underline())?;
        }
    }
    writeln!(out, "\n{}", rule.url().underline())
}

fn heading(title: &str, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n{}", title.bold().green())
}

fn section(title: &str, markdown: &str, width: usize, out: &mut dyn Write) -> io::Result<()> {
    if markdown.trim().is_empty() {
        return Ok(());
    }
    heading(title, out)?;
    write!(out, "{}", wrapped(markdown, width))
}

fn example(title: &str, manifest: &str, out: &mut dyn Write) -> io::Result<()> {
    if manifest.trim().is_empty() {
        return Ok(());
    }
    heading(title, out)?;
    for line in manifest.trim_matches('\n').lines() {
        writeln!(out, "{}", format!("    {line}").trim_end())?;
    }
    Ok(())
}

/// Paragraphs and list items of Markdown, each filled to the width; code blocks stay as they are.
fn wrapped(markdown: &str, width: usize) -> String {
    let mut text = String::new();
    let mut paragraph = String::new();
    let mut fenced = false;
    let flush = |paragraph: &mut String, text: &mut String| {
        if !paragraph.is_empty() {
            let indent = if paragraph.starts_with("- ") || paragraph.starts_with("* ") {
                "  "
            } else {
                ""
            };
            let options = textwrap::Options::new(width).subsequent_indent(indent);
            text.push_str(&textwrap::fill(paragraph, options));
            text.push('\n');
            paragraph.clear();
        }
    };
    for line in markdown.trim().lines() {
        let content = line.trim();
        if content.starts_with("```") {
            flush(&mut paragraph, &mut text);
            fenced = !fenced;
        } else if fenced || line.starts_with("    ") {
            flush(&mut paragraph, &mut text);
            text.push_str(if fenced { "    " } else { "" });
            text.push_str(line.trim_end());
            text.push('\n');
        } else if content.is_empty() {
            flush(&mut paragraph, &mut text);
            text.push('\n');
        } else {
            if content.starts_with("- ") || content.starts_with("* ") {
                flush(&mut paragraph, &mut text);
            } else if !paragraph.is_empty() {
                paragraph.push(' ');
            }
            paragraph.push_str(content);
        }
    }
    flush(&mut paragraph, &mut text);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_are_filled_and_code_is_kept() {
        let markdown = "One two\nthree four five.\n\n- an item that is\n  long enough\n- another\n\n```yaml\na:\n  - b\n```\n";
        assert_eq!(
            wrapped(markdown, 16),
            "One two three\nfour five.\n\n- an item that\n  is long enough\n- another\n\n    a:\n      - b\n"
        );
    }
}
