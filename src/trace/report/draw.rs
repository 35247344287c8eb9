//! A pod's timeline drawn with characters.

use colored::{Color, Colorize};

use super::text::role_name;
use crate::{
    report::printable,
    trace::{
        Moment, describe_length,
        timeline::{Bar, Phase, Timeline},
    },
};

/// The character of a phase.
#[must_use]
pub fn symbol(phase: Phase) -> char {
    match phase {
        Phase::Unknown => '?',
        Phase::Waiting => '·',
        Phase::Starting => '░',
        Phase::Gated => '▒',
        Phase::Running => '█',
        Phase::Stopping => '▓',
    }
}

fn color(phase: Phase) -> Color {
    match phase {
        Phase::Unknown | Phase::Waiting => Color::BrightBlack,
        Phase::Starting => Color::Blue,
        Phase::Gated => Color::Yellow,
        Phase::Running => Color::Green,
        Phase::Stopping => Color::Magenta,
    }
}

/// Room for `exit 137 ↻12`.
const ENDING_WIDTH: usize = 14;
/// The character of a place where one phase becomes another, no one knows just where.
pub const BLURRED: char = '~';
/// Bars narrower than this show nothing.
const LEAST_WIDTH: usize = 20;

/// The timeline as lines, at most `width` characters wide where that is not too narrow to show anything.
#[must_use]
pub fn draw(timeline: &Timeline, width: usize) -> Vec<String> {
    let label = |bar: &Bar| {
        let name = printable(&bar.container);
        format!("{name} ({})", role_name(bar.role, bar.undeclared))
    };
    let label_width = timeline
        .bars
        .iter()
        .map(|bar| label(bar).chars().count())
        .max()
        .unwrap_or(0);
    let columns = width.saturating_sub(label_width + ENDING_WIDTH).max(LEAST_WIDTH);
    let mut lines = Vec::new();
    for bar in &timeline.bars {
        let mut ending = match bar.ending {
            Some(code) => format!("exit {code}"),
            None => String::new(),
        };
        if bar.restarts > 0 {
            ending.push_str(&format!(" ↻{}", bar.restarts));
        }
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
    let mut legend: Vec<String> = shown(timeline, columns)
        .into_iter()
        .map(|phase| {
            format!(
                "{} {}",
                symbol(phase).to_string().color(color(phase)),
                phase.name()
            )
        })
        .collect();
    let all = timeline.bars.iter().flat_map(|bar| cells(timeline, bar, columns));
    if all.into_iter().any(|cell| matches!(cell, Cell::Blurred(_))) {
        legend.push(format!("{BLURRED} one or the other"));
    }
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

/// The phases of the legend: that something is unknown is said where it is.
fn shown(timeline: &Timeline, columns: usize) -> Vec<Phase> {
    let is_seen = |phase: &Phase| {
        let mut bars = timeline.bars.iter();
        *phase != Phase::Unknown
            || bars.any(|bar| cells(timeline, bar, columns).contains(&Cell::Phase(*phase)))
    };
    Phase::ALL.into_iter().filter(is_seen).collect()
}

/// What a column of a bar shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    /// The bar has ended, or not begun.
    Empty,
    /// A phase.
    Phase(Phase),
    /// This phase, or the one before it.
    Blurred(Phase),
}

impl Cell {
    /// Its character.
    #[must_use]
    pub fn symbol(self) -> char {
        match self {
            Self::Empty => ' ',
            Self::Phase(phase) => symbol(phase),
            Self::Blurred(_) => BLURRED,
        }
    }

    /// The phase that gives it its colour.
    #[must_use]
    pub fn phase(self) -> Option<Phase> {
        match self {
            Self::Empty => None,
            Self::Phase(phase) | Self::Blurred(phase) => Some(phase),
        }
    }
}

/// What each of `columns` columns shows of a bar: the last phase that begins in it, so that short phases are
/// seen. Where it is not known to two columns when a phase began, the columns say so.
#[must_use]
pub fn cells(timeline: &Timeline, bar: &Bar, columns: usize) -> Vec<Cell> {
    let mut cells = vec![Cell::Empty; columns];
    for stretch in &bar.stretches {
        let from = column(timeline, stretch.from, columns);
        let to = column(timeline, stretch.to, columns);
        let last = if stretch.to >= timeline.to {
            columns
        } else {
            to.max(from + 1)
        };
        for cell in cells.iter_mut().take(last).skip(from) {
            *cell = Cell::Phase(stretch.phase);
        }
    }
    let least = timeline.to.since(timeline.from) / i64::try_from(columns.max(1)).unwrap_or(1);
    for stretch in bar.stretches.iter().skip(1) {
        let edge = stretch.begin;
        if edge.width() < least.saturating_mul(2) {
            continue;
        }
        let (from, to) = (
            column(timeline, edge.earliest, columns),
            column(timeline, edge.latest, columns),
        );
        for cell in cells.iter_mut().take(to).skip(from) {
            if *cell != Cell::Empty {
                *cell = Cell::Blurred(stretch.phase);
            }
        }
    }
    cells
}

fn paint(timeline: &Timeline, bar: &Bar, columns: usize) -> String {
    let cells = cells(timeline, bar, columns);
    let mut painted = String::new();
    for group in cells.chunk_by(|one, two| one == two) {
        let text: String = group.iter().map(|cell| cell.symbol()).collect();
        match group.first().and_then(|cell| cell.phase()) {
            Some(phase) => painted.push_str(&text.color(color(phase)).to_string()),
            None => painted.push_str(&text),
        }
    }
    painted
}
