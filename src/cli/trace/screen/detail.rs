//! One pod: its timeline, verdicts and facts.

use ratatui::{
    Frame,
    layout::Rect,
    style::{Color, Modifier, Style},
    text::{Line, Span},
    widgets::{Paragraph, Wrap},
};

use super::{
    View,
    list::{bar_line, outcome_color},
};
use crate::trace::{
    Fact,
    pod::PodTimeline,
    report::{how, role_name, time_text, what_text},
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
        lines.extend(self.engine.verdicts(pod).iter().map(verdict_line));
        lines.extend([Line::default(), Line::styled("Facts", bold)]);
        let facts = self.facts.get(&pod.name.uid);
        lines.extend(facts.into_iter().flatten().map(fact_line));
        let last = lines.len().saturating_sub(usize::from(area.height) / 2);
        let scroll = u16::try_from(self.scroll.min(last)).unwrap_or(u16::MAX);
        let text = Paragraph::new(lines)
            .wrap(Wrap { trim: false })
            .scroll((scroll, 0));
        frame.render_widget(text, area);
    }
}

fn verdict_line<'l>(verdict: &Verdict) -> Line<'l> {
    let order = match (&verdict.before, &verdict.after) {
        (Some(before), Some(after)) => format!("{before} → {after}"),
        _ => String::new(),
    };
    Line::from(vec![
        Span::raw(format!("  {:<18} {order:<28} ", verdict.rule)),
        Span::styled(
            format!("{:<15}", verdict.outcome.name()),
            Style::new().fg(outcome_color(verdict.outcome)),
        ),
        Span::raw(verdict.reason.clone()),
    ])
}

fn fact_line<'l>(fact: &Fact) -> Line<'l> {
    let container = format!(
        "{} ({})",
        fact.container,
        role_name(fact.role, fact.declared == Some(false))
    );
    Line::from(vec![
        Span::raw(format!(
            "  {:<14} {container:<28} {:<36} ",
            time_text(fact),
            what_text(fact)
        )),
        Span::styled(how(fact.source), Style::new().fg(Color::DarkGray)),
    ])
}
