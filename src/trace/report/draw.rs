//! A pod's timeline drawn with characters.

use colored::{Color, Colorize};

use super::text::role_name;
use crate::trace::{
    Moment, describe_length,
    timeline::{Bar, Phase, Timeline},
};

/// The character of a phase.
#[must_use]
pub fn symbol(phase: Phase) -> char {
    match phase {
        Phase::Waiting => '·',
        Phase::Starting => '░',
        Phase::Gated => '▒',
        Phase::Running => '█',
        Phase::Stopping => '▓',
    }
}

fn color(phase: Phase) -> Color {
    match phase {
        Phase::Waiting => Color::BrightBlack,
        Phase::Starting => Color::Blue,
        Phase::Gated => Color::Yellow,
        Phase::Running => Color::Green,
        Phase::Stopping => Color::Magenta,
    }
}

/// Bars narrower than this show nothing.
const LEAST_WIDTH: usize = 20;

/// The timeline as lines, at most `width` characters wide where that is not too narrow to show anything.
#[must_use]
pub fn draw(timeline: &Timeline, width: usize) -> Vec<String> {
    let label = |bar: &Bar| format!("{} ({})", bar.container, role_name(bar.role, bar.undeclared));
    let label_width = timeline
        .bars
        .iter()
        .map(|bar| label(bar).chars().count())
        .max()
        .unwrap_or(0);
    let columns = width.saturating_sub(label_width + 10).max(LEAST_WIDTH);
    let mut lines = Vec::new();
    for bar in &timeline.bars {
        let ending = match bar.ending {
            Some(code) => format!("exit {code}"),
            None => String::new(),
        };
        let name = label(bar);
        let padding = " ".repeat(label_width.saturating_sub(name.chars().count()));
        lines.push(format!(
            "{name}{padding}  {} {ending}",
            paint(timeline, bar, columns)
        ));
    }
    let from = timeline.from.clock(0);
    let length = describe_length(timeline.to.since(timeline.from));
    let to = timeline.to.clock(0);
    let between = columns.saturating_sub(from.len() + to.len());
    let middle = if between > length.len() + 2 {
        format!("{length:─^between$}")
    } else {
        "─".repeat(between)
    };
    lines.push(
        format!("{}  {from}{middle}{to}", " ".repeat(label_width))
            .bright_black()
            .to_string(),
    );
    if let Some(deletion) = timeline.deletion {
        let at = column(timeline, deletion, columns);
        lines.push(format!(
            "{}  {}^ deletion requested",
            " ".repeat(label_width),
            " ".repeat(at)
        ));
    }
    let legend: Vec<String> = Phase::ALL
        .iter()
        .map(|phase| {
            format!(
                "{} {}",
                symbol(*phase).to_string().color(color(*phase)),
                phase.name()
            )
        })
        .collect();
    lines.push(format!("{}  {}", " ".repeat(label_width), legend.join("  ")));
    lines
}

fn column(timeline: &Timeline, at: Moment, columns: usize) -> usize {
    let length = i128::from(timeline.to.since(timeline.from).max(1));
    let offset = i128::from(at.since(timeline.from).max(0));
    usize::try_from(offset * columns as i128 / length)
        .unwrap_or(0)
        .min(columns.saturating_sub(1))
}

/// What each of `columns` columns shows of a bar: the last phase that begins in it, so that short phases are
/// seen.
#[must_use]
pub fn cells(timeline: &Timeline, bar: &Bar, columns: usize) -> Vec<Option<Phase>> {
    let mut cells: Vec<Option<Phase>> = vec![None; columns];
    for stretch in &bar.stretches {
        let from = column(timeline, stretch.from, columns);
        let to = column(timeline, stretch.to, columns);
        let last = if stretch.to >= timeline.to {
            columns
        } else {
            to.max(from + 1)
        };
        for cell in cells.iter_mut().take(last).skip(from) {
            *cell = Some(stretch.phase);
        }
    }
    cells
}

fn paint(timeline: &Timeline, bar: &Bar, columns: usize) -> String {
    let cells = cells(timeline, bar, columns);
    let mut painted = String::new();
    for group in cells.chunk_by(|one, two| one == two) {
        match group.first().copied().flatten() {
            Some(phase) => {
                let text: String = group.iter().map(|_| symbol(phase)).collect();
                painted.push_str(&text.color(color(phase)).to_string());
            }
            None => painted.push_str(&" ".repeat(group.len())),
        }
    }
    painted
}
