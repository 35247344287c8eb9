//! Where facts and verdicts go: text or JSON on standard output.

use std::io::{BufWriter, IsTerminal, Stdout, Write};

use super::arguments::Format;
use crate::{
    report::{printable, write_line},
    trace::{
        Moment, News, PodName,
        pod::PodTimeline,
        report::{
            TextStyle, alert_line, draw, line_of_alert, line_of_news, line_of_verdict, text_line,
            verdict_table,
        },
        timeline::timeline,
        verdict::Verdict,
    },
};

/// The width of drawings where there is no terminal that tells its own.
const DEFAULT_WIDTH: u16 = 120;

/// Writes what the engine tells.
pub(super) struct Output {
    format: Format,
    style: TextStyle,
    writer: BufWriter<Stdout>,
    width: u16,
}

impl Output {
    pub(super) fn new(format: Format, namespaces: bool) -> Self {
        let width = if std::io::stdout().is_terminal() {
            crossterm::terminal::size().map_or(DEFAULT_WIDTH, |(columns, _)| columns)
        } else {
            DEFAULT_WIDTH
        };
        Self {
            format,
            style: TextStyle::new(namespaces),
            writer: BufWriter::with_capacity(64 * 1024, std::io::stdout()),
            width: if width < 40 { DEFAULT_WIDTH } else { width },
        }
    }

    /// What a pod is called.
    pub(super) fn label(&mut self, pod: &PodName) -> String {
        self.style.label(pod)
    }

    /// Makes the columns wide enough for what is told together.
    pub(super) fn measure(&mut self, news: &News) {
        self.style.measure(news);
    }

    /// One piece of news.
    pub(super) fn news(&mut self, news: &News) -> std::io::Result<()> {
        match self.format {
            Format::Text => {
                let line = text_line(news, &mut self.style);
                writeln!(self.writer, "{line}")
            }
            Format::Json => write_line(&mut self.writer, &line_of_news(news)),
        }
    }

    /// A violation, as soon as it is known.
    pub(super) fn alert(&mut self, verdict: &Verdict, now: Moment) -> std::io::Result<()> {
        match self.format {
            Format::Text => writeln!(self.writer, "{}", alert_line(verdict, now, &mut self.style)),
            Format::Json => write_line(&mut self.writer, &line_of_alert(verdict)),
        }
    }

    /// The end of a pod, or of what was seen of it.
    pub(super) fn verdicts(
        &mut self,
        pod: &PodTimeline,
        verdicts: &[Verdict],
        now: Moment,
    ) -> std::io::Result<()> {
        if self.format == Format::Json {
            for verdict in verdicts {
                write_line(&mut self.writer, &line_of_verdict(verdict))?;
            }
            return Ok(());
        }
        let label = self.style.label(&pod.name);
        let name = label.rsplit('/').next().unwrap_or_default();
        writeln!(self.writer, "\n{}/{name}", printable(&pod.name.namespace))?;
        for line in draw(&timeline(pod, now), usize::from(self.width)) {
            writeln!(self.writer, "  {line}")?;
        }
        if verdicts.is_empty() {
            writeln!(self.writer, "  no order is declared")?;
        } else {
            writeln!(self.writer, "{}", verdict_table(verdicts, self.width))?;
        }
        writeln!(self.writer)
    }

    /// Makes everything written so far visible.
    pub(super) fn flush(&mut self) -> std::io::Result<()> {
        self.writer.flush()
    }
}

/// Tells the user something that is no result.
pub(super) fn note(text: &str) {
    let line = format!("trace: {}\n", printable(text));
    // Where standard error is closed there is nobody to tell.
    let _unprinted = std::io::stderr().write_all(line.as_bytes());
}
