//! The list of pods, each with its timeline.

use ratatui::{
    Frame,
    layout::Rect,
    style::{Color, Modifier, Style},
    text::{Line, Span},
    widgets::Paragraph,
};

use super::{Mode, View, detail::column};
use crate::trace::{
    describe_length,
    pod::PodTimeline,
    report::{BLURRED, cells, role_name, symbol, with_uid},
    timeline::{Bar, Phase, Timeline, timeline},
    verdict::Outcome,
};

/// A container's label takes no less.
const LABEL_WIDTH: usize = 28;

/// Room for how a container ended, and how often: ` exit 137 ↻12`.
const ENDING_WIDTH: usize = 13;

pub(super) fn phase_color(phase: Phase) -> Color {
    match phase {
        Phase::Unknown | Phase::Waiting => Color::DarkGray,
        Phase::Starting => Color::Blue,
        Phase::Gated => Color::Yellow,
        Phase::Running => Color::Green,
        Phase::Stopping => Color::Magenta,
    }
}

pub(super) fn outcome_color(outcome: Outcome) -> Color {
    match outcome {
        Outcome::Proved => Color::Green,
        Outcome::Consistent => Color::Cyan,
        Outcome::Unknown => Color::Yellow,
        Outcome::Violated | Outcome::Conflict => Color::Red,
        Outcome::NotApplicable => Color::DarkGray,
    }
}

/// One container's line.
pub(super) fn bar_line<'l>(timeline: &Timeline, bar: &Bar, width: usize) -> Line<'l> {
    let label_of = |bar: &Bar| format!("{} ({})", bar.container, role_name(bar.role, bar.undeclared));
    let widest = timeline
        .bars
        .iter()
        .map(|bar| label_of(bar).chars().count())
        .max();
    let room = widest.unwrap_or(0).min(width / 2).max(LABEL_WIDTH);
    let label = column(&label_of(bar), room);
    let mut spans = vec![Span::raw(format!("  {label} "))];
    let columns = width.saturating_sub(room + 2 + 1 + ENDING_WIDTH).max(10);
    for group in cells(timeline, bar, columns).chunk_by(|one, two| one == two) {
        let phase = group.first().and_then(|cell| cell.phase());
        let text: String = group.iter().map(|cell| cell.symbol()).collect();
        let style = phase.map_or(Style::new(), |phase| Style::new().fg(phase_color(phase)));
        spans.push(Span::styled(text, style));
    }
    let ending = bar.ending.map(|code| format!(" exit {code}")).unwrap_or_default();
    let restarts = if bar.restarts > 0 {
        format!(" ↻{}", bar.restarts)
    } else {
        String::new()
    };
    spans.push(Span::styled(
        format!("{ending}{restarts}"),
        Style::new().fg(Color::DarkGray),
    ));
    Line::from(spans)
}

impl View<'_> {
    pub(super) fn render_list(&self, frame: &mut Frame<'_>, area: Rect) {
        let mut lines = Vec::new();
        let height = usize::from(area.height);
        if self.pods.is_empty() {
            lines.push(Line::from("no pod yet"));
        }
        for (index, pod) in self.pods.iter().enumerate().skip(self.first_shown(height)) {
            if lines.len() >= height {
                break;
            }
            let timeline = timeline(pod, self.now);
            lines.push(self.title(pod, &timeline, index == self.selected));
            for bar in &timeline.bars {
                lines.push(bar_line(&timeline, bar, usize::from(area.width)));
            }
            lines.push(Line::default());
        }
        frame.render_widget(Paragraph::new(lines), area);
    }

    /// The first pod to draw, so that the selected one is seen whole.
    fn first_shown(&self, height: usize) -> usize {
        let mut room = height;
        let mut first = self.selected;
        for (index, pod) in self.pods.iter().enumerate().take(self.selected + 1).rev() {
            let needed = pod.containers.len() + 2;
            if needed > room {
                break;
            }
            room -= needed;
            first = index;
        }
        first
    }

    fn title<'l>(&self, pod: &PodTimeline, timeline: &Timeline, selected: bool) -> Line<'l> {
        let mut style = Style::new().add_modifier(Modifier::BOLD);
        if selected {
            style = style.add_modifier(Modifier::REVERSED);
        }
        let is_earlier = |other: &&&PodTimeline| {
            (&other.name.namespace, &other.name.name) == (&pod.name.namespace, &pod.name.name)
                && other.received.0 < pod.received.0
        };
        let mut name = format!("{}/{}", pod.name.namespace, pod.name.name);
        if self.pods.iter().find(is_earlier).is_some() {
            name = with_uid(&name, &pod.name);
        }
        let phase = if pod.gone { "gone" } else { pod.phase.as_str() };
        let length = describe_length(timeline.to.since(timeline.from));
        let mut spans = vec![
            Span::styled(name, style),
            Span::raw(format!("  {phase}  {} +{length}  ", timeline.from.clock(0))),
        ];
        let verdicts = self.engine.verdicts(pod);
        for outcome in [
            Outcome::Proved,
            Outcome::Consistent,
            Outcome::Unknown,
            Outcome::Violated,
            Outcome::Conflict,
        ] {
            let count = verdicts
                .iter()
                .filter(|verdict| verdict.decides() && verdict.outcome == outcome)
                .count();
            if count > 0 {
                let text = format!("{count} {} ", outcome.name());
                spans.push(Span::styled(text, Style::new().fg(outcome_color(outcome))));
            }
        }
        Line::from(spans)
    }

    /// What the characters of the bars mean.
    pub(super) fn render_legend(frame: &mut Frame<'_>, area: Rect) {
        let mut spans = vec![Span::raw(" ")];
        for phase in Phase::ALL {
            let style = Style::new().fg(phase_color(phase));
            spans.push(Span::styled(symbol(phase).to_string(), style));
            spans.push(Span::raw(format!(" {}  ", phase.name())));
        }
        spans.push(Span::raw(format!("{BLURRED} either")));
        frame.render_widget(Paragraph::new(Line::from(spans)), area);
    }

    pub(super) fn render_foot(&self, frame: &mut Frame<'_>, area: Rect) {
        let dark = Style::new().add_modifier(Modifier::REVERSED);
        let keys = match self.mode {
            Mode::List => "↑↓ select  Enter detail  / filter  Space pause  q quit",
            Mode::Filter => "type to filter  Enter keep  Esc clear",
            Mode::Detail => "↑↓ scroll  Esc back  Space pause  q quit",
        };
        let mut text = format!(" {}  {keys}", crate::report::counted(self.pods.len(), "pod"));
        if !self.filter.is_empty() || self.mode == Mode::Filter {
            text.push_str(&format!("  filter: {}", self.filter));
        }
        if self.paused {
            text.push_str("  PAUSED");
        }
        if self.gaps > 0 {
            text.push_str(&format!("  {} GAPS", self.gaps));
        }
        let width = usize::from(area.width);
        let shown: String = text.chars().take(width).collect();
        frame.render_widget(Paragraph::new(format!("{shown:<width$}")).style(dark), area);
    }
}
