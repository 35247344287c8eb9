//! `--report`: what is collected for the page.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use super::{TraceError, file_error};
use crate::trace::{
    Fact, Moment, News,
    fact::GapNotice,
    pod::PodTimeline,
    report::{PodSection, page},
    timeline::timeline,
    verdict::Verdict,
};

/// The page to be written.
pub(super) struct Page {
    path: PathBuf,
    sections: Vec<PodSection>,
    facts: HashMap<String, Vec<Fact>>,
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
            News::Fact(fact) => self.facts.entry(fact.pod.uid.clone()).or_default().push(fact),
            News::Gap(gap) => self.gaps.push(gap),
            News::Pod(_) => {}
        }
    }

    pub(super) fn pod(&mut self, pod: &PodTimeline, verdicts: Vec<Verdict>, now: Moment) {
        self.sections.push(PodSection {
            title: format!("{}/{}", pod.name.namespace, pod.name.name),
            timeline: timeline(pod, now),
            verdicts,
            facts: self.facts.remove(&pod.name.uid).unwrap_or_default(),
        });
    }

    pub(super) fn write(&self, made: Moment) -> Result<(), TraceError> {
        std::fs::write(&self.path, page(&self.sections, &self.gaps, made))
            .map_err(|source| file_error(&self.path, source))
    }
}
