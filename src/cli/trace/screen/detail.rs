//! One pod: its timeline, verdicts and facts.

use ratatui::{
    Frame,
    layout::Rect,
    style::{Color, Modifier, Style},
    text::{Line, Span},
    widgets::Paragraph,
};

use super::{
    View,
    list::{bar_line, outcome_color},
};
use crate::trace::{
    News,
    pod::PodTimeline,
    report::{how, how_trouble, role_name, time_text, trouble_text, trouble_time, what_text},
    timeline::timeline,
    verdict::Verdict,
};

impl View<'_> {
    pub(super) fn render_detail(&self, frame: &mut Frame<'_>, area: Rect, pod: &PodTimeline) {
        let bold = Style::new().add_modifier(Modifier::BOLD);
        let timeline = timeline(pod, self.now);
        let mut lines = vec![
            Line::styled(
                format!(
                    "{}/{}  {}  node {}",
                    pod.name.namespace, pod.name.name, pod.phase, pod.node
                ),
                bold,
            ),
            Line::default(),
        ];
        for bar in &timeline.bars {
            lines.push(bar_line(&timeline, bar, usize::from(area.width)));
        }
        lines.extend([Line::default(), Line::styled("Verdicts", bold)]);
        let width = usize::from(area.width);
        let verdicts = self.engine.verdicts(pod);
        lines.extend(verdicts.iter().flat_map(|verdict| verdict_lines(verdict, width)));
        lines.extend([Line::default(), Line::styled("Facts", bold)]);
        let facts = self.facts.get(&pod.name.uid);
        let mut facts: Vec<&News> = facts.into_iter().flatten().collect();
        facts.sort_by_key(|news| news.place());
        lines.extend(facts.into_iter().filter_map(|news| told_line(news, width)));
        let last = lines.len().saturating_sub(usize::from(area.height) / 2);
        let scroll = u16::try_from(self.scroll.min(last)).unwrap_or(u16::MAX);
        frame.render_widget(Paragraph::new(lines).scroll((scroll, 0)), area);
    }
}

/// A verdict, and below it why.
fn verdict_lines<'l>(verdict: &Verdict, width: usize) -> Vec<Line<'l>> {
    let order = match (&verdict.before, &verdict.after) {
        (Some(before), Some(after)) => format!("{before} → {after}"),
        _ => String::new(),
    };
    let mut lines = vec![Line::from(vec![
        Span::styled(
            format!("  {:<15}", verdict.outcome.name()),
            Style::new().fg(outcome_color(verdict.outcome)),
        ),
        Span::raw(cut(
            &format!("{:<18} {order}", verdict.rule),
            width.saturating_sub(17),
        )),
    ])];
    let indent = " ".repeat(4);
    let reason = textwrap::wrap(&verdict.reason, width.saturating_sub(indent.len()).max(1));
    lines.extend(reason.iter().map(|line| Line::from(format!("{indent}{line}"))));
    lines
}

/// Columns of a fact: its time, its container, what happened, how it is known.
const TIME: usize = 13;
const CONTAINER: usize = 24;
const WHAT: usize = 30;

/// One line of a fact, no wider than the screen.
fn told_line<'l>(news: &News, width: usize) -> Option<Line<'l>> {
    let (time, container, what, known) = match news {
        News::Fact(fact) => (
            time_text(fact),
            format!(
                "{} ({})",
                fact.container,
                role_name(fact.role, fact.declared == Some(false))
            ),
            what_text(fact),
            how(fact.source),
        ),
        News::Trouble(trouble) => (
            trouble_time(trouble),
            trouble.container.clone().unwrap_or_else(|| "pod".to_owned()),
            trouble_text(trouble),
            how_trouble(trouble.source),
        ),
        News::Pod(_) | News::Gap(_) => return None,
    };
    let head = format!("  {} {} ", column(&time, TIME), column(&container, CONTAINER));
    // Long words about trouble may take the room of how it is known.
    let room = width.saturating_sub(head.chars().count());
    let what_room = if what.chars().count() > WHAT { room } else { WHAT };
    let known = cut(known, room.saturating_sub(what_room + 1));
    let color = match news {
        News::Trouble(_) => Style::new().fg(Color::Yellow),
        _ => Style::new(),
    };
    Some(Line::from(vec![
        Span::raw(head),
        Span::styled(column(&what, what_room.min(room)), color),
        Span::styled(format!(" {known}"), Style::new().fg(Color::DarkGray)),
    ]))
}

/// The text in just so many columns.
pub(super) fn column(text: &str, width: usize) -> String {
    let text = cut(text, width);
    let padding = width.saturating_sub(text.chars().count());
    format!("{text}{}", " ".repeat(padding))
}

/// The text, cut where it is wider.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut shown: String = text.chars().take(width.saturating_sub(1)).collect();
    if width > 0 {
        shown.push('…');
    }
    shown
}
