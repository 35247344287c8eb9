//! `--report`: what is collected for the page.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use super::{TraceError, file_error};
use crate::trace::{
    Fact, Moment, News,
    fact::{GapNotice, Trouble},
    pod::PodTimeline,
    report::{PodSection, page},
    timeline::timeline,
    verdict::Verdict,
};

/// The page to be written.
pub(super) struct Page {
    path: PathBuf,
    sections: Vec<PodSection>,
    facts: HashMap<String, Vec<News>>,
    gaps: Vec<GapNotice>,
}

impl Page {
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            sections: Vec::new(),
            facts: HashMap::new(),
            gaps: Vec::new(),
        }
    }

    pub(super) fn news(&mut self, news: News) {
        match news {
            News::Fact(Fact { ref pod, .. }) | News::Trouble(Trouble { ref pod, .. }) => {
                self.facts.entry(pod.uid.clone()).or_default().push(news);
            }
            News::Gap(gap) => self.gaps.push(gap),
            News::Pod(_) => {}
        }
    }

    pub(super) fn pod(&mut self, pod: &PodTimeline, verdicts: Vec<Verdict>, now: Moment) {
        let mut facts = self.facts.remove(&pod.name.uid).unwrap_or_default();
        facts.sort_by_key(News::place);
        let mut title = format!("{}/{}", pod.name.namespace, pod.name.name);
        if self.sections.iter().any(|section| section.title == title) {
            title.push_str(&format!(" (uid {})", pod.name.uid));
        }
        self.sections.push(PodSection {
            title,
            timeline: timeline(pod, now),
            verdicts,
            facts,
        });
    }

    pub(super) fn write(&self, made: Moment) -> Result<(), TraceError> {
        std::fs::write(&self.path, page(&self.sections, &self.gaps, made))
            .map_err(|source| file_error(&self.path, source))
    }
}
