//! The diffs of a workload's migration, folded.

use std::io;

use crate::report::{MigrationDiff, excerpt::printable, markup::escape};

pub(super) fn diffs(diff: &MigrationDiff, out: &mut dyn io::Write) -> io::Result<()> {
    for (text, words) in diff.parts() {
        writeln!(
            out,
            "<details class=\"diff\"><summary>{}</summary><pre>{}</pre></details>",
            escape(&words),
            coloured(text)
        )?;
    }
    Ok(())
}

/// The lines of a diff, each in an element of what it is: removed, added, or a heading.
fn coloured(diff: &str) -> String {
    diff.lines()
        .map(|line| {
            let text = escape(&printable(line));
            match line.as_bytes().first() {
                Some(b'-') if line.starts_with("--- ") => format!("<b>{text}</b>\n"),
                Some(b'+') if line.starts_with("+++ ") => format!("<b>{text}</b>\n"),
                Some(b'@') => format!("<span class=\"soft\">{text}</span>\n"),
                Some(b'-') => format!("<del>{text}</del>\n"),
                Some(b'+') => format!("<ins>{text}</ins>\n"),
                _ => format!("{text}\n"),
            }
        })
        .collect()
}
