//! The table of verdicts.

use comfy_table::{Cell, Color, ContentArrangement, Table, presets::UTF8_FULL_CONDENSED};

use crate::{
    report::printable,
    trace::verdict::{Outcome, Verdict},
};

fn color(outcome: Outcome) -> Color {
    match outcome {
        Outcome::Proved => Color::Green,
        Outcome::Consistent => Color::Cyan,
        Outcome::Unknown => Color::Yellow,
        Outcome::Violated | Outcome::Conflict => Color::Red,
        Outcome::NotApplicable => Color::DarkGrey,
    }
}

/// The verdicts on one pod as a table, at most `width` characters wide.
#[must_use]
pub fn verdict_table(verdicts: &[Verdict], width: u16) -> String {
    let mut table = Table::new();
    table
        .load_style(UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(width)
        .set_header(["rule", "order", "verdict", "because"]);
    if colored::control::SHOULD_COLORIZE.should_colorize() {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    for verdict in verdicts {
        let order = match (&verdict.before, &verdict.after) {
            (Some(before), Some(after)) => format!("{before} → {after}"),
            (Some(only), None) | (None, Some(only)) => only.clone(),
            (None, None) => String::new(),
        };
        let mut because = verdict.reason.clone();
        if let Some(suggestion) = &verdict.suggestion {
            because.push_str(&format!(" ({suggestion})"));
        }
        table.add_row([
            Cell::new(verdict.rule),
            Cell::new(printable(&order)),
            Cell::new(verdict.outcome.name()).fg(color(verdict.outcome)),
            Cell::new(printable(&because)),
        ]);
    }
    table.to_string()
}
