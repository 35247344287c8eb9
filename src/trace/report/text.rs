//! One line per fact, for terminals and CI logs.

use colored::{Color, Colorize};

use crate::{
    roles::Role,
    trace::{
        Fact, Moment, News,
        fact::{Precision, What},
        run::Source,
        verdict::Verdict,
    },
};

/// Widths of the columns; they grow with what was seen, so that lines stay aligned.
#[derive(Debug, Clone, Default)]
pub struct TextStyle {
    pod: usize,
    container: usize,
}

/// The widest a time gets: `≥19:53:02.125`.
const TIME_WIDTH: usize = 13;
/// Names longer than this push the rest of their line to the right instead of every line.
const NAME_WIDTH: usize = 40;

/// How a fact is known, in words.
#[must_use]
pub fn how(source: Source) -> &'static str {
    match source {
        Source::Snapshot => "one state of the pod",
        Source::Event => "event name",
        Source::Status => "status",
        Source::Log => "log line",
        Source::Metrics => "kubelet metrics",
        Source::Attach => "attach stream",
        Source::Condition => "pod condition",
        Source::Deletion => "deletion time",
        Source::Derived => "follows from the others' ends",
    }
}

fn color(what: What) -> Color {
    match what {
        What::Created => Color::Blue,
        What::Started | What::GatePassed | What::Ready => Color::Green,
        What::Restarting | What::PreStop | What::Sigterm => Color::Yellow,
        What::Exited => Color::Cyan,
        What::Killed | What::StartFailed => Color::Red,
    }
}

/// The role in a word or two.
#[must_use]
pub fn role_name(role: Role, undeclared: bool) -> &'static str {
    match role {
        Role::App => "app",
        Role::Sidecar if undeclared => "sidecar, not declared",
        Role::Sidecar => "sidecar",
        Role::Init => "init",
        Role::Ephemeral => "ephemeral",
    }
}

/// The time of day with its precision: `19:53:02` lies in that second, `≤` and `≥` are bounds.
#[must_use]
pub fn time_text(fact: &Fact) -> String {
    let Some(time) = fact.time else {
        return "?".to_owned();
    };
    match fact.precision {
        Precision::Second => time.clock(0),
        Precision::Nanosecond => time.clock(3),
        Precision::NotAfter => format!("≤{}", time.clock(3)),
        Precision::NotBefore => format!("≥{}", time.clock(3)),
    }
}

/// What happened, in words.
#[must_use]
pub fn what_text(fact: &Fact) -> String {
    let mut words = fact.what.words().to_owned();
    if let Some(code) = fact.exit_code {
        match code {
            129..=165 if fact.what != What::StartFailed => {
                words.push_str(&format!(" by signal {} ({code})", code - 128));
            }
            _ => words.push_str(&format!(" with {code}")),
        }
    }
    if let Some(reason) = fact
        .reason
        .as_deref()
        .filter(|reason| !matches!(*reason, "Completed" | "Error"))
    {
        words.push_str(&format!(" {reason}"));
    }
    if fact.restarts > 0 {
        words.push_str(&format!(", restart {}", fact.restarts));
    }
    words
}

fn pad(text: &str, width: usize) -> String {
    let length = text.chars().count();
    format!("{text}{}", " ".repeat(width.saturating_sub(length)))
}

/// The line of a violation that was just seen.
pub fn alert_line(verdict: &Verdict, now: Moment, style: &mut TextStyle) -> String {
    style.pod = style.pod.max(verdict.pod.name.len().min(NAME_WIDTH));
    let names = [&verdict.before, &verdict.after].into_iter().flatten();
    let order: Vec<&str> = names.map(String::as_str).collect();
    format!(
        "{}  {}  {}",
        pad(&now.clock(3), TIME_WIDTH),
        pad(&verdict.pod.name, style.pod),
        format!(
            "VIOLATED {} {}: {}",
            verdict.rule,
            order.join(" → "),
            verdict.reason
        )
        .red()
        .bold(),
    )
}

/// One line of text for one piece of news.
pub fn text_line(news: &News, style: &mut TextStyle) -> String {
    match news {
        News::Fact(fact) => {
            let container = format!(
                "{} ({})",
                fact.container,
                role_name(fact.role, fact.declared == Some(false))
            );
            style.pod = style.pod.max(fact.pod.name.len().min(NAME_WIDTH));
            style.container = style.container.max(container.len().min(NAME_WIDTH));
            format!(
                "{}  {}  {}  {}  {}",
                pad(&time_text(fact), TIME_WIDTH),
                pad(&fact.pod.name, style.pod),
                pad(&container, style.container),
                what_text(fact).color(color(fact.what)),
                format!("[{}]", how(fact.source)).bright_black(),
            )
        }
        News::Pod(notice) => {
            style.pod = style.pod.max(notice.pod.name.len().min(NAME_WIDTH));
            let detail = match notice.detail.as_str() {
                "" => String::new(),
                detail => format!(" ({detail})"),
            };
            format!(
                "{}  {}  {}",
                pad(&format!("≤{}", notice.received.clock(3)), TIME_WIDTH),
                pad(&notice.pod.name, style.pod),
                format!("pod {}{detail}", notice.step.words()).bold(),
            )
        }
        News::Gap(gap) => {
            let whose = gap
                .pod
                .as_ref()
                .map_or(String::new(), |pod| format!("{}: ", pod.name));
            format!(
                "{}  {}",
                pad(&gap.noticed.clock(3), TIME_WIDTH),
                format!("GAP in {}: {whose}{}", gap.resource, gap.reason)
                    .yellow()
                    .bold(),
            )
        }
    }
}
