//! `--tui`: a live timeline on the whole screen.

mod detail;
mod keys;
mod list;

use std::{
    borrow::Cow,
    collections::{HashMap, VecDeque},
    sync::mpsc::{Receiver, channel},
    time::Duration,
};

use crossterm::event::Event;
use ratatui::{DefaultTerminal, Frame, layout::Rect};

use crate::{
    report::printable,
    trace::{Engine, Fact, Moment, News, fact::Trouble, pod::PodTimeline},
};

/// Pods that have ended and can still be looked at.
const ENDED_KEPT: usize = 200;
/// Facts kept of each pod.
const FACTS_KEPT: usize = 500;

/// Screens of so many lines have room for a legend.
const LEGEND_FROM: u16 = 10;

/// What the keys act on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// The list of pods.
    List,
    /// The list, while the filter is typed.
    Filter,
    /// One pod.
    Detail,
}

/// A moment that was stopped to be looked at.
struct Frozen {
    at: Moment,
    pods: Vec<PodTimeline>,
}

/// The screen. While it lives the terminal is in raw mode, on its second page; dropping it, a panic included,
/// gives the terminal back as it was.
pub(super) struct Screen {
    terminal: DefaultTerminal,
    input: Receiver<Event>,
    ended: VecDeque<PodTimeline>,
    facts: HashMap<String, VecDeque<News>>,
    mode: Mode,
    filter: String,
    selected: usize,
    scroll: usize,
    frozen: Option<Frozen>,
    quit: bool,
    gaps: usize,
}

impl Drop for Screen {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

impl Screen {
    /// Takes the terminal.
    pub(super) fn open() -> std::io::Result<Self> {
        let terminal = ratatui::try_init().inspect_err(|_| {
            // It is in raw mode by then, whose end needs no output.
            let _restored = crossterm::terminal::disable_raw_mode();
        })?;
        let (sender, input) = channel();
        // Reading blocks, and nothing can end it but a key: the thread ends with the program.
        std::thread::spawn(move || {
            while let Ok(event) = crossterm::event::read() {
                if sender.send(event).is_err() {
                    return;
                }
            }
        });
        Ok(Self {
            terminal,
            input,
            ended: VecDeque::new(),
            facts: HashMap::new(),
            mode: Mode::List,
            filter: String::new(),
            selected: 0,
            scroll: 0,
            frozen: None,
            quit: false,
            gaps: 0,
        })
    }

    /// Takes over one piece of news.
    pub(super) fn news(&mut self, news: &News) {
        match news {
            News::Fact(Fact { pod, .. }) | News::Trouble(Trouble { pod, .. }) => {
                let facts = self.facts.entry(pod.uid.clone()).or_default();
                if facts.len() >= FACTS_KEPT {
                    facts.pop_front();
                }
                facts.push_back(news.clone());
            }
            News::Gap(_) => self.gaps += 1,
            News::Pod(_) => {}
        }
    }

    /// Keeps a pod that the engine forgets.
    pub(super) fn ended(&mut self, pod: PodTimeline) {
        self.ended.push_back(pod);
        if self.ended.len() > ENDED_KEPT
            && let Some(oldest) = self.ended.pop_front()
        {
            self.facts.remove(&oldest.name.uid);
        }
    }

    /// Handles the keys that were pressed and draws. Returns whether the user wants to leave.
    pub(super) fn refresh(&mut self, engine: &Engine, now: Moment) -> std::io::Result<bool> {
        while let Ok(event) = self.input.try_recv() {
            self.handle(&event, engine, now);
        }
        self.draw(engine, now)?;
        Ok(self.quit)
    }

    /// Like [`Self::refresh`], and waits for a key no longer than `pause`.
    pub(super) fn wait(&mut self, engine: &Engine, now: Moment, pause: Duration) -> std::io::Result<bool> {
        if let Ok(event) = self.input.recv_timeout(pause) {
            self.handle(&event, engine, now);
        }
        self.refresh(engine, now)
    }

    fn draw(&mut self, engine: &Engine, now: Moment) -> std::io::Result<()> {
        let now = self.frozen.as_ref().map_or(now, |frozen| frozen.at);
        let pods = shown(&self.ended, self.frozen.as_ref(), engine, &self.filter);
        self.selected = self.selected.min(pods.len().saturating_sub(1));
        let view = View {
            pods: &pods,
            facts: &self.facts,
            engine,
            now,
            mode: self.mode,
            filter: &self.filter,
            selected: self.selected,
            scroll: self.scroll,
            paused: self.frozen.is_some(),
            gaps: self.gaps,
        };
        self.terminal.draw(|frame| {
            view.render(frame);
            show_all(frame);
        })?;
        Ok(())
    }
}

/// Shows that something is there where a name or a message holds what a terminal obeys or does not show.
fn show_all(frame: &mut Frame<'_>) {
    for cell in &mut frame.buffer_mut().content {
        if let Cow::Owned(text) = printable(cell.symbol()) {
            cell.set_symbol(&text);
        }
    }
}

/// The pods the list shows: those that have ended, then those that are followed, filtered by name.
fn shown<'p>(
    ended: &'p VecDeque<PodTimeline>,
    frozen: Option<&'p Frozen>,
    engine: &'p Engine,
    filter: &str,
) -> Vec<&'p PodTimeline> {
    let matches = |pod: &&PodTimeline| {
        filter.is_empty() || format!("{}/{}", pod.name.namespace, pod.name.name).contains(filter)
    };
    let mut pods: Vec<&PodTimeline> = match frozen {
        Some(frozen) => frozen.pods.iter().filter(matches).collect(),
        None => ended.iter().chain(engine.pods()).filter(matches).collect(),
    };
    pods.sort_by_key(|pod| (pod.received.0, pod.name.name.as_str()));
    pods
}

/// Everything one drawing needs.
struct View<'v> {
    pods: &'v [&'v PodTimeline],
    facts: &'v HashMap<String, VecDeque<News>>,
    engine: &'v Engine,
    now: Moment,
    mode: Mode,
    filter: &'v str,
    selected: usize,
    scroll: usize,
    paused: bool,
    gaps: usize,
}

impl View<'_> {
    fn render(&self, frame: &mut Frame<'_>) {
        let area = frame.area();
        if area.height < 3 || area.width < 20 {
            return;
        }
        let legend_height = u16::from(area.height >= LEGEND_FROM);
        let body = Rect {
            height: area.height - 1 - legend_height,
            ..area
        };
        let foot = Rect {
            y: area.height - 1,
            height: 1,
            ..area
        };
        match (self.mode, self.pods.get(self.selected)) {
            (Mode::Detail, Some(pod)) => self.render_detail(frame, body, pod),
            _ => self.render_list(frame, body),
        }
        if legend_height > 0 {
            let legend = Rect {
                y: area.height - 2,
                height: 1,
                ..area
            };
            Self::render_legend(frame, legend);
        }
        self.render_foot(frame, foot);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use ratatui::{Terminal, backend::TestBackend};

    use super::*;
    use crate::trace::{
        Settings,
        recording::{self, Content},
    };

    /// What 80 columns and 24 lines show of a recording.
    fn drawn(mode: Mode) -> Vec<String> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/recordings/storefront.jsonl");
        let mut settings = Settings::default();
        settings.reading.sidecars.insert("mesh-proxy".to_owned());
        let mut engine = Engine::new(settings);
        let mut facts: HashMap<String, VecDeque<News>> = HashMap::new();
        let mut now = Moment(0);
        for entry in recording::entries(&path).unwrap() {
            let Ok(Content::Evidence(evidence)) = entry.content else {
                continue;
            };
            now = now.max(evidence.received().unwrap_or_default());
            for news in engine.push(evidence) {
                if let News::Fact(fact) = &news {
                    facts.entry(fact.pod.uid.clone()).or_default().push_back(news);
                }
            }
        }
        let pods: Vec<&PodTimeline> = engine.pods().collect();
        let view = View {
            pods: &pods,
            facts: &facts,
            engine: &engine,
            now,
            mode,
            filter: "",
            selected: 0,
            scroll: 0,
            paused: false,
            gaps: 0,
        };
        let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
        terminal.draw(|frame| view.render(frame)).unwrap();
        let buffer = terminal.backend().buffer();
        let rows = buffer.content().chunks(80);
        rows.map(|row| row.iter().map(|cell| cell.symbol()).collect::<String>())
            .map(|row| row.trim_end().to_owned())
            .collect()
    }

    #[test]
    fn a_small_screen_has_bars_whole_and_a_legend() {
        let rows = drawn(Mode::List);
        assert!(
            rows.iter()
                .any(|row| row.contains("mesh-proxy (sidecar") && row.ends_with("exit 0")),
            "{rows:#?}"
        );
        assert!(
            rows[22].contains("▓ stopping") && rows[22].ends_with("~ either"),
            "{rows:#?}"
        );
        assert!(rows[23].ends_with("q quit"), "{rows:#?}");
    }

    #[test]
    fn one_pod_stands_on_a_small_screen_with_its_reasons_below_its_verdicts() {
        let rows = drawn(Mode::Detail);
        let at = rows.iter().position(|row| row.contains("violated")).unwrap();
        assert!(
            rows[at].trim_start().starts_with("violated") && rows[at].contains(" → "),
            "{rows:#?}"
        );
        assert!(
            rows[at + 1].starts_with("    ") && !rows[at + 1].trim().is_empty(),
            "{rows:#?}"
        );
        let facts = rows.iter().position(|row| row == "Facts").unwrap();
        assert!(rows[facts + 1].contains("created"), "{rows:#?}");
    }
}
