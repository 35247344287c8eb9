//! What the keys do.

use crossterm::event::{Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::{Frozen, Mode, Screen, shown};
use crate::trace::{Engine, Moment};

/// How far Page Up and Page Down go.
const PAGE: usize = 10;

impl Screen {
    pub(super) fn handle(&mut self, event: &Event, engine: &Engine, now: Moment) {
        let Event::Key(key) = event else {
            return;
        };
        if key.kind == KeyEventKind::Release {
            return;
        }
        if key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL) {
            self.quit = true;
        } else if self.mode == Mode::Filter {
            self.type_filter(*key);
        } else {
            self.command(*key, engine, now);
        }
    }

    fn type_filter(&mut self, key: KeyEvent) {
        match key.code {
            KeyCode::Char(character) => self.filter.push(character),
            KeyCode::Backspace => drop(self.filter.pop()),
            KeyCode::Enter => self.mode = Mode::List,
            KeyCode::Esc => {
                self.filter.clear();
                self.mode = Mode::List;
            }
            _ => {}
        }
    }

    fn command(&mut self, key: KeyEvent, engine: &Engine, now: Moment) {
        match key.code {
            KeyCode::Char('q') => self.quit = true,
            KeyCode::Esc if self.mode == Mode::Detail => self.mode = Mode::List,
            KeyCode::Esc => self.filter.clear(),
            KeyCode::Char('/') => {
                self.mode = Mode::Filter;
                self.filter.clear();
            }
            KeyCode::Char(' ') => self.pause(engine, now),
            KeyCode::Enter => {
                self.mode = Mode::Detail;
                self.scroll = 0;
            }
            KeyCode::Up | KeyCode::Char('k') => self.step(-1, 1),
            KeyCode::Down | KeyCode::Char('j') => self.step(1, 1),
            KeyCode::PageUp => self.step(-1, PAGE),
            KeyCode::PageDown => self.step(1, PAGE),
            KeyCode::Home => self.step(-1, usize::MAX),
            KeyCode::End => self.step(1, usize::MAX / 2),
            _ => {}
        }
    }

    /// Moves the selection in the list, the text in the detail. The drawing keeps both within bounds.
    fn step(&mut self, direction: i8, by: usize) {
        let place = if self.mode == Mode::Detail {
            &mut self.scroll
        } else {
            &mut self.selected
        };
        *place = if direction < 0 {
            place.saturating_sub(by)
        } else {
            place.saturating_add(by)
        };
    }

    /// Stops the picture, not the trace; or lets it go on.
    fn pause(&mut self, engine: &Engine, now: Moment) {
        self.frozen = match self.frozen.take() {
            Some(_) => None,
            None => Some(Frozen {
                at: now,
                pods: shown(&self.ended, None, engine, "")
                    .into_iter()
                    .cloned()
                    .collect(),
            }),
        };
    }
}
