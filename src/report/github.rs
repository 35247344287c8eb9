//! Annotations of GitHub Actions: [workflow commands](https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands),
//! one line each.

use std::io;

use super::{Report, printable};
use crate::{
    rules::{Finding, Severity},
    source::{Lines, Positions},
};

pub(super) fn write(report: &Report<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let mut positions = Positions::default();
    for finding in report.findings {
        let level = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "notice",
        };
        let mut properties = Properties::default();
        let mut message = vec![printable(&finding.message).into_owned()];
        if let Some(primary) = finding.primary() {
            let lines = positions.of(&primary.source);
            match report.place(&primary.source.name).path() {
                Some(path) => properties.place(path, lines, finding),
                // Without a file the annotation stands at the run, and has to say itself what it is about.
                None => message.insert(0, super::subject(finding)),
            }
        }
        properties.add("title", finding.rule.name);
        if !finding.help.is_empty() {
            message.push(printable(&finding.help).into_owned());
        }
        message.push(finding.rule.url());
        properties.write(level, &message.join("\n"), out)?;
    }
    for error in report.errors {
        let mut properties = Properties::default();
        if let Some(path) = report.place_of_error(error).path() {
            properties.add("file", &printable(path));
            if let Some(line) = error.line {
                properties.add("line", &line.to_string());
            }
            if let Some(column) = error.column {
                properties.add("col", &column.to_string());
            }
        }
        properties.add("title", "not linted");
        properties.write("error", &printable(&error.to_string()), out)?;
    }
    Ok(())
}

/// `file=a.yaml,line=1`
#[derive(Default)]
struct Properties {
    text: String,
}

impl Properties {
    fn add(&mut self, name: &str, value: &str) {
        let separator = if self.text.is_empty() { ' ' } else { ',' };
        self.text
            .push_str(&format!("{separator}{name}={}", escape_property(value)));
    }

    fn place(&mut self, path: &str, lines: &Lines<'_>, finding: &Finding) {
        let Some(primary) = finding.primary() else {
            return;
        };
        let (start, end) = super::ends(lines, &primary.span);
        self.add("file", &printable(path));
        self.add("line", &start.line.to_string());
        self.add("endLine", &end.line.to_string());
        // GitHub shows columns of a single line only, and refuses others.
        if start.line == end.line {
            self.add("col", &start.column.to_string());
            self.add("endColumn", &end.column.to_string());
        }
    }

    fn write(&self, level: &str, message: &str, out: &mut dyn io::Write) -> io::Result<()> {
        writeln!(out, "::{level}{}::{}", self.text, escape_message(message))
    }
}

fn escape_message(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn escape_property(text: &str) -> String {
    escape_message(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What the runner makes of it.
    fn unescape_property(text: &str) -> String {
        text.replace("%0D", "\r")
            .replace("%0A", "\n")
            .replace("%3A", ":")
            .replace("%2C", ",")
            .replace("%25", "%")
    }

    #[test]
    fn no_message_is_a_command() {
        let mut out = Vec::new();
        let mut properties = Properties::default();
        properties.add("file", "a,b::c\n.yaml");
        properties
            .write("error", "100%\n::stop-commands::x%0A", &mut out)
            .unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "::error file=a%2Cb%3A%3Ac%0A.yaml::100%25%0A::stop-commands::x%250A\n"
        );
    }

    proptest! {
        #[test]
        fn the_runner_reads_what_was_meant(text in "[a%:,0ADC235\\r\\n]{0,20}") {
            let escaped = escape_property(&text);
            prop_assert!(!escaped.contains(['\r', '\n', ':', ',']));
            prop_assert_eq!(unescape_property(&escaped), text);
        }
    }
}
