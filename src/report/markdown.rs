//! Markdown for the comment on a pull or merge request.

use std::{collections::BTreeMap, io};

use super::{
    MigrationDiff, Provenance, Report, Rewritten, counted, escape, object_name, printable, severity_name,
};
use crate::{
    rules::{Finding, FixClass, Severity},
    source::Positions,
};

/// GitHub takes as many characters in a comment, here as the UTF-16 that it may count.
const LIMIT: usize = 65_536;

/// What the table of workloads may take of that.
const TABLE_LIMIT: usize = 20_000;

/// No folded diff has fewer characters: of its own markup alone there are more than a hundred.
const SHORTEST_DIFF: usize = 150;

/// So many diffs are made at once.
const DIFFS_AT_ONCE: usize = 32;

/// Room for what closes lists and says what was left out.
const RESERVE: usize = 1600;

/// Characters that a command, or what the report is about, may take of that.
const LONGEST_MADE: usize = 200;

/// A comment nobody sees, by which a job finds the one it wrote before.
const MARK: &str = "<!-- kubectl-sidecar -->";

pub(super) fn write(report: &Report<'_>, program: &str, out: &mut dyn io::Write) -> io::Result<()> {
    let mut comment = Comment::default();
    comment.push(&format!("{MARK}\n### kubectl sidecar\n\n{}\n", summary(report)));
    workloads(report, &mut comment);
    findings(report, &mut comment);
    diffs(report, &mut comment);
    errors(report, &mut comment);
    if report
        .findings
        .iter()
        .any(|finding| finding.fix.class.is_rewritten())
    {
        comment.push(&format!("\n`{program} migrate` shows the rewrites as a diff.\n"));
    }
    if let Some(provenance) = report.provenance {
        comment.push(&made(provenance));
    }
    out.write_all(comment.text.as_bytes())
}

/// When it was made, of what and how, in no more than the reserve has room for.
fn made(provenance: &Provenance) -> String {
    let short = |text: &str| code(&text.chars().take(LONGEST_MADE).collect::<String>());
    let subject = match provenance.subject().as_str() {
        "" => String::new(),
        subject => format!(" of {}", short(subject)),
    };
    format!(
        "\nMade {} by {}{subject}.\n",
        provenance.made_at,
        short(&provenance.command)
    )
}

/// A text that is never longer than a comment may be.
#[derive(Default)]
struct Comment {
    text: String,
    length: usize,
}

impl Comment {
    fn push(&mut self, text: &str) {
        self.length += text.encode_utf16().count();
        self.text.push_str(text);
    }

    /// How many characters fit besides the reserve.
    fn room(&self, limit: usize) -> usize {
        limit.saturating_sub(self.length + RESERVE)
    }

    /// Adds lines while they and the reserve fit below the limit. How many did not?
    fn push_lines(&mut self, lines: &[String], limit: usize) -> usize {
        for (index, line) in lines.iter().enumerate() {
            if line.encode_utf16().count() > self.room(limit) {
                return lines.len() - index;
            }
            self.push(line);
        }
        0
    }
}

fn summary(report: &Report<'_>) -> String {
    let looked_at = format!(
        "{} in {}",
        counted(report.workloads.len(), "workload"),
        report.whereabouts()
    );
    let unread = match (report.errors.len(), report.contexts) {
        (0, _) => String::new(),
        (count, None) => format!(" {} could not be read.", counted(count, "file")),
        (count, Some(_)) => format!(" Not all was seen: {}.", counted(count, "error")),
    };
    if report.findings.is_empty() {
        return format!("No sidecar workaround found in {looked_at}.{unread}");
    }
    let counts: Vec<String> = [Severity::Error, Severity::Warning, Severity::Info]
        .into_iter()
        .filter_map(|severity| match (report.count(severity), severity) {
            (0, _) => None,
            (count, Severity::Info) => Some(format!("**{count} info**")),
            (count, _) => Some(format!("**{}**", counted(count, severity_name(severity)))),
        })
        .collect();
    let fixes: Vec<String> = [
        (FixClass::Safe, "can be rewritten safely"),
        (FixClass::Review, "can be rewritten with a review"),
        (FixClass::Manual, "must be changed by hand"),
    ]
    .into_iter()
    .filter_map(|(class, words)| match report.fixable(class) {
        0 => None,
        count => Some(format!("{count} {words}")),
    })
    .collect();
    let fixes = match fixes.as_slice() {
        [] => String::new(),
        fixes => format!(" Of these, {}.", fixes.join(", ")),
    };
    format!("{} in {looked_at}.{fixes}{unread}", counts.join(", "))
}

/// One row for each object with findings.
fn workloads(report: &Report<'_>, comment: &mut Comment) {
    if report.findings.is_empty() {
        return;
    }
    let mut rows: BTreeMap<(String, String), Vec<&Finding>> = BTreeMap::new();
    for finding in report.findings {
        let file = file(report, finding);
        rows.entry((file, object_name(&finding.object)))
            .or_default()
            .push(finding);
    }
    let place = if report.contexts.is_some() {
        "object"
    } else {
        "file"
    };
    comment.push(&format!(
        "\n| workload | {place} | errors | warnings | info | migration |\n| --- | --- | --: | --: | --: | --- |\n"
    ));
    let lines: Vec<String> = rows
        .iter()
        .map(|((file, object), findings)| {
            let count = |severity| {
                findings
                    .iter()
                    .filter(|finding| finding.severity == severity)
                    .count()
            };
            let classes: Vec<FixClass> = findings.iter().map(|finding| finding.fix.class).collect();
            format!(
                "| {} | {} | {} | {} | {} | {} |\n",
                cell(object),
                cell(file),
                count(Severity::Error),
                count(Severity::Warning),
                count(Severity::Info),
                super::migration(&classes),
            )
        })
        .collect();
    let left_out = comment.push_lines(&lines, TABLE_LIMIT);
    if left_out > 0 {
        comment.push(&format!(
            "\n{} more with findings.\n",
            counted(left_out, "workload")
        ));
    }
}

fn findings(report: &Report<'_>, comment: &mut Comment) {
    if report.findings.is_empty() {
        return;
    }
    let mut positions = Positions::default();
    let lines: Vec<String> = report
        .findings
        .iter()
        .map(|finding| {
            let place = finding.primary().map(|primary| {
                let position = super::ends(positions.of(&primary.source), &primary.span).0;
                format!("{}:{}:{}", file(report, finding), position.line, position.column)
            });
            item(finding, &place.unwrap_or_default())
        })
        .collect();
    let findings = counted(report.findings.len(), "finding");
    comment.push(&format!("\n<details><summary>{findings}</summary>\n\n"));
    let left_out = comment.push_lines(&lines, LIMIT);
    if left_out > 0 {
        comment.push(&format!(
            "\n{} more. They did not fit into a comment.\n",
            counted(left_out, "finding")
        ));
    }
    comment.push("\n</details>\n");
}

fn item(finding: &Finding, place: &str) -> String {
    let class = match finding.fix.class {
        FixClass::Safe => "Can be rewritten safely",
        FixClass::Review => "Can be rewritten, with a review",
        FixClass::Manual => "Must be changed by hand",
        FixClass::None => "",
    };
    let reason = match (class, finding.fix.reason.as_str()) {
        ("", _) => String::new(),
        (class, "") => format!(" {class}."),
        (class, reason) => format!(" {class}: {}.", text(reason)),
    };
    let help = match finding.help.as_str() {
        "" => String::new(),
        help => format!(" To do: {}.", text(help)),
    };
    format!(
        "- **{}** [{}]({}) {}, {}: {}.{help}{reason}\n",
        severity_name(finding.severity),
        finding.rule.name,
        finding.rule.url(),
        code(place),
        code(&super::subject(finding)),
        text(&finding.message),
    )
}

/// The diffs of each workload, folded, as many as fit. No others are made.
fn diffs(report: &Report<'_>, comment: &mut Comment) {
    let Some(diffs) = report.diffs else {
        return;
    };
    let objects = report.rewritten();
    let mut left = objects.as_slice();
    loop {
        let most = comment.room(LIMIT) / SHORTEST_DIFF;
        let batch = left.get(..most.min(DIFFS_AT_ONCE)).unwrap_or(left);
        let made = batch.iter().zip(diffs.of(batch));
        let fitted = made.take_while(|(object, diff)| {
            let folded = diff.iter().flat_map(|diff| folded(object, diff));
            comment.push_lines(&folded.collect::<Vec<_>>(), LIMIT) == 0
        });
        let fitted = fitted.count();
        left = left.get(fitted..).unwrap_or_default();
        if fitted < batch.len() || batch.is_empty() {
            break;
        }
    }
    if !left.is_empty() {
        comment.push(&format!(
            "\nThe diffs of {} more did not fit into a comment.\n",
            counted(left.len(), "workload")
        ));
    }
}

/// The diffs of an object, each folded below a title.
fn folded(object: &Rewritten<'_>, diff: &MigrationDiff) -> impl Iterator<Item = String> {
    let name = object_name(object.object);
    diff.parts().map(move |(text, words)| {
        let title = format!("{}: {words}", printable(&name));
        folded_diff(&title, text)
    })
}

fn folded_diff(title: &str, diff: &str) -> String {
    let diff: String = diff
        .lines()
        .map(|line| format!("{}\n", printable(line)))
        .collect();
    let longest = diff.split(|character| character != '`').map(str::len).max();
    let fence = "`".repeat(longest.unwrap_or(0).max(2) + 1);
    format!(
        "\n<details><summary>{}</summary>\n\n{fence}diff\n{diff}{fence}\n\n</details>\n",
        escape(&shortened(title))
    )
}

fn errors(report: &Report<'_>, comment: &mut Comment) {
    let lines: Vec<String> = report
        .errors
        .iter()
        .map(|error| format!("- {}\n", code(&error.to_string())))
        .collect();
    if lines.is_empty() {
        return;
    }
    comment.push("\nNot linted:\n\n");
    let left_out = comment.push_lines(&lines, LIMIT - RESERVE);
    if left_out > 0 {
        comment.push(&format!("- {left_out} more\n"));
    }
}

fn file(report: &Report<'_>, finding: &Finding) -> String {
    let name = finding
        .primary()
        .map_or("", |primary| primary.source.name.as_str());
    report.place(name).path().unwrap_or(name).to_owned()
}

/// At most this many characters of a manifest in one place.
const LONGEST: usize = 400;

fn shortened(text: &str) -> String {
    let text = printable(text);
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.into_owned(),
    }
}

/// Text that is nothing but text: no markup, no link, and nobody is mentioned.
fn text(text: &str) -> String {
    let mut escaped = String::new();
    for character in shortened(text).chars() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            // GitHub links @name and #1 after it has read the Markdown.
            '@' | '#' => {
                escaped.push('\\');
                escaped.push(character);
                escaped.push('\u{200b}');
            }
            '.' if escaped.to_ascii_lowercase().ends_with("www") => escaped.push_str("\\."),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | ':' | '$' | '!' | '^' => {
                escaped.push('\\');
                escaped.push(character);
            }
            other => escaped.push(other),
        }
    }
    escaped
}

/// Text in a code span, whatever backticks it has.
fn code(text: &str) -> String {
    let text = shortened(text);
    let longest = text.split(|character| character != '`').map(str::len).max();
    let fence = "`".repeat(longest.unwrap_or(0) + 1);
    // A space within each end is not shown, and the fence may touch no backtick.
    let needs_space = text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) || text.is_empty();
    let space = if needs_space { " " } else { "" };
    format!("{fence}{space}{text}{space}{fence}")
}

/// A code span in a table, where a bar ends the cell even there.
fn cell(text: &str) -> String {
    code(text).replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_nothing_but_text() {
        assert_eq!(
            text("*a* <script> @team #1 [x](javascript:1) www.x `|`\n"),
            "\\*a\\* &lt;script&gt; \\@\u{200b}team \\#\u{200b}1 \\[x\\](javascript\\:1) www\\.x \\`\\|\\`␊"
        );
    }

    #[test]
    fn code_spans_hold_backticks() {
        assert_eq!(code("a"), "`a`");
        assert_eq!(code("a`b"), "``a`b``");
        assert_eq!(code("``"), "``` `` ```");
        assert_eq!(code(""), "`  `");
        assert_eq!(cell("a|b"), "`a\\|b`");
        assert!(code(&"x".repeat(1 << 20)).len() < 500);
    }
}
