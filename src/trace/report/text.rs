//! One line per fact, for terminals and CI logs.

use colored::{Color, Colorize};

use super::label::Labels;
use crate::{
    report::printable,
    roles::Role,
    trace::{
        Fact, Moment, News, PodName,
        fact::{PodStep, Precision, Trouble, What},
        run::Source,
        verdict::Verdict,
    },
};

/// Widths of the columns; they grow with what was seen, so that lines stay aligned.
#[derive(Debug, Clone, Default)]
pub struct TextStyle {
    pod: usize,
    container: usize,
    labels: Labels,
}

impl TextStyle {
    /// How lines are laid out; with `namespaces`, names of pods carry theirs.
    #[must_use]
    pub fn new(namespaces: bool) -> Self {
        Self {
            labels: Labels::new(namespaces),
            ..Self::default()
        }
    }

    /// Makes the columns wide enough for what is told together.
    pub fn measure(&mut self, news: &News) {
        if let Some(pod) = news.pod() {
            self.label(pod);
        }
        let container = match news {
            News::Fact(fact) => Some((&fact.container, fact.role, fact.declared)),
            News::Trouble(trouble) => trouble
                .container
                .as_ref()
                .zip(trouble.role)
                .map(|(name, role)| (name, role, trouble.declared)),
            News::Pod(_) | News::Gap(_) => None,
        };
        if let Some((name, role, declared)) = container {
            let width = name.len() + role_name(role, declared == Some(false)).len() + " ()".len();
            self.container = self.container.max(width.min(NAME_WIDTH));
        }
    }

    /// What a pod is called, so that no other one is called the same.
    pub fn label(&mut self, pod: &PodName) -> String {
        let label = printable(&self.labels.of(pod)).into_owned();
        self.pod = self.pod.max(label.len().min(NAME_WIDTH));
        label
    }
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

/// How trouble is known, in words.
#[must_use]
pub fn how_trouble(source: Source) -> &'static str {
    match source {
        Source::Event => "event",
        other => how(other),
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
    clock_text(fact.time, fact.precision, fact.is_whole_second())
}

fn clock_text(time: Option<Moment>, precision: Precision, is_whole_second: bool) -> String {
    let Some(time) = time else {
        return "?".to_owned();
    };
    let clock = time.clock(if is_whole_second { 0 } else { 3 });
    match precision {
        Precision::Second | Precision::Nanosecond => clock,
        Precision::NotAfter => format!("≤{clock}"),
        Precision::NotBefore => format!("≥{clock}"),
    }
}

/// The time of trouble, as that of a fact.
#[must_use]
pub fn trouble_time(trouble: &Trouble) -> String {
    clock_text(
        trouble.time,
        trouble.precision,
        trouble.precision == Precision::Second,
    )
}

/// Trouble in words: `Unhealthy: Readiness probe failed: …`, on one line.
#[must_use]
pub fn trouble_text(trouble: &Trouble) -> String {
    let message: Vec<&str> = trouble.message.split_whitespace().collect();
    let text = match message.is_empty() {
        true => trouble.reason.clone(),
        false => format!("{}: {}", trouble.reason, message.join(" ")),
    };
    printable(&text).into_owned()
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
        words.push_str(&format!(" {}", printable(reason)));
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
    let label = style.label(&verdict.pod);
    let names = [&verdict.before, &verdict.after].into_iter().flatten();
    let order: Vec<&str> = names.map(String::as_str).collect();
    format!(
        "{}  {}  {}",
        pad(&now.clock(3), TIME_WIDTH),
        pad(&label, style.pod),
        printable(&format!(
            "VIOLATED {} {}: {}",
            verdict.rule,
            order.join(" → "),
            verdict.reason
        ))
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
                printable(&fact.container),
                role_name(fact.role, fact.declared == Some(false))
            );
            let label = style.label(&fact.pod);
            style.container = style.container.max(container.len().min(NAME_WIDTH));
            format!(
                "{}  {}  {}  {}  {}",
                pad(&time_text(fact), TIME_WIDTH),
                pad(&label, style.pod),
                pad(&container, style.container),
                what_text(fact).color(color(fact.what)),
                format!("[{}]", how(fact.source)).bright_black(),
            )
        }
        News::Trouble(trouble) => {
            let container = match (&trouble.container, trouble.role) {
                (Some(name), Some(role)) => {
                    format!(
                        "{} ({})",
                        printable(name),
                        role_name(role, trouble.declared == Some(false))
                    )
                }
                (Some(name), None) => printable(name).into_owned(),
                (None, _) => "pod".to_owned(),
            };
            let label = style.label(&trouble.pod);
            style.container = style.container.max(container.len().min(NAME_WIDTH));
            format!(
                "{}  {}  {}  {}  {}",
                pad(&trouble_time(trouble), TIME_WIDTH),
                pad(&label, style.pod),
                pad(&container, style.container),
                trouble_text(trouble).yellow(),
                format!("[{}]", how_trouble(trouble.source)).bright_black(),
            )
        }
        News::Pod(notice) => {
            let label = style.label(&notice.pod);
            let detail = match notice.detail.as_str() {
                "" => String::new(),
                detail => format!(" ({})", printable(detail)),
            };
            let (time, words) = match (notice.time, notice.step) {
                (Some(second), PodStep::Seen) => (second.clock(0), "created"),
                (Some(second), step) => (second.clock(0), step.words()),
                (None, step) => (format!("≤{}", notice.received.clock(3)), step.words()),
            };
            format!(
                "{}  {}  {}",
                pad(&time, TIME_WIDTH),
                pad(&label, style.pod),
                format!("pod {words}{detail}").bold(),
            )
        }
        News::Gap(gap) => {
            let whose = gap
                .pod
                .as_ref()
                .map_or(String::new(), |pod| format!("{}: ", style.label(pod)));
            format!(
                "{}  {}",
                pad(&gap.noticed.clock(3), TIME_WIDTH),
                printable(&format!("GAP in {}: {whose}{}", gap.resource, gap.reason))
                    .yellow()
                    .bold(),
            )
        }
    }
}
