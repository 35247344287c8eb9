//! One run of `trace`: evidence into the engine, what it says to the outputs.

use super::{
    TraceArguments, TraceError,
    output::{Output, note},
};
use crate::{
    cli::ExitStatus,
    trace::{
        Engine, Evidence, Moment, SECOND, Settings,
        goal::Progress,
        judgement::{Conclusion, Judgement},
        pod::PodTimeline,
        verdict::Verdict,
    },
};

/// Pods are judged this long after they ended: events and streams come a little later than the last state.
pub(super) const SETTLING: i64 = 2 * SECOND;

/// The exit status. What was waited for and did not come is evidence that is missing.
pub(super) fn conclude(judgement: &Judgement, arguments: &TraceArguments, goal_missed: bool) -> ExitStatus {
    match judgement.conclusion(arguments.strict) {
        Conclusion::Held if goal_missed => {
            note("what --for waits for did not happen");
            ExitStatus::NotEnough
        }
        conclusion => conclusion.into(),
    }
}

/// One run.
pub(super) struct Session {
    pub(super) engine: Engine,
    output: Output,
    judgement: Judgement,
    progress: Option<Progress>,
    newest: Moment,
}

impl Session {
    pub(super) fn new(arguments: &TraceArguments, settings: Settings, progress: Option<Progress>) -> Self {
        Self {
            engine: Engine::new(settings),
            output: Output::new(arguments.output),
            judgement: Judgement::default(),
            progress,
            newest: Moment::default(),
        }
    }

    /// Takes over one piece of evidence.
    pub(super) fn take(&mut self, evidence: Evidence) -> Result<(), TraceError> {
        if let Some(received) = evidence.received() {
            self.newest = self.newest.max(received);
        }
        let uid = match &evidence {
            Evidence::Pod(seen) => Some(seen.pod.metadata.uid.clone()),
            Evidence::Vanished(vanished) => Some(vanished.uid.clone()),
            _ => None,
        };
        for news in self.engine.push(evidence) {
            self.output.news(&news)?;
        }
        if let (Some(progress), Some(uid)) = (&mut self.progress, uid) {
            if let Some(pod) = self.engine.pod(&uid) {
                progress.look(pod);
            }
        }
        Ok(())
    }

    /// Judges the pods that had ended by then and forgets them.
    pub(super) fn settle(&mut self, before: Moment) -> Result<(), TraceError> {
        for pod in self.engine.take_ended(before) {
            self.judge(&pod)?;
        }
        Ok(())
    }

    fn judge(&mut self, pod: &PodTimeline) -> Result<Vec<Verdict>, TraceError> {
        let verdicts = self.engine.verdicts(pod);
        self.judgement.add(&verdicts);
        self.output.verdicts(pod, &verdicts, self.newest)?;
        Ok(verdicts)
    }

    /// Whether all pods are where `--for` wants them.
    pub(super) fn goal_reached(&self) -> bool {
        self.progress.as_ref().is_some_and(Progress::reached)
    }

    /// Whether `--for` was given.
    pub(super) fn has_goal(&self) -> bool {
        self.progress.is_some()
    }

    pub(super) fn flush(&mut self) -> Result<(), TraceError> {
        Ok(self.output.flush()?)
    }

    /// Judges everything that is left.
    pub(super) fn finish(&mut self) -> Result<Judgement, TraceError> {
        for pod in self.engine.take_all() {
            self.judge(&pod)?;
        }
        self.output.flush()?;
        let sum = &self.judgement;
        note(&format!(
            "{} pods; order: {} proved, {} consistent, {} unknown, {} violated, {} not applicable",
            sum.pods, sum.proved, sum.consistent, sum.unknown, sum.violated, sum.not_applicable
        ));
        Ok(self.judgement)
    }
}
