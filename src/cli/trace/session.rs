//! One run of `trace`: evidence into the engine, what it says to the outputs.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    time::{Duration, Instant},
};

use super::{
    TraceArguments, TraceError,
    output::{Output, note},
    page::Page,
    roles::Roles,
    screen::Screen,
};
use crate::{
    cli::ExitStatus,
    trace::{
        Engine, Evidence, Moment, News, PodName, SECOND, Settings,
        evidence::Change,
        goal::{Goal, Progress},
        judgement::{Conclusion, Judgement},
        pod::PodTimeline,
        verdict::COMPLETES,
    },
};

/// Pods are judged this long after they ended: events and streams come a little later than the last state.
pub(super) const SETTLING: i64 = 2 * SECOND;

/// The exit status. What was waited for and did not come is evidence that is missing.
pub(super) fn conclude(
    judgement: &Judgement,
    arguments: &TraceArguments,
    goal_missed: bool,
    failed: bool,
) -> ExitStatus {
    match judgement.conclusion(arguments.strict) {
        _ if failed => ExitStatus::Found,
        Conclusion::Held if goal_missed => {
            note("what --for waits for did not happen");
            ExitStatus::NotEnough
        }
        conclusion => conclusion.into(),
    }
}

/// Whether something may run on in the pod of a Job whose app has ended.
fn may_be_stuck(pod: &PodTimeline) -> bool {
    pod.of_job && !pod.ended() && pod.has_ended_app()
}

/// How often the screen is drawn.
const FRAME: Duration = Duration::from_millis(100);
/// Pods that are named when what was waited for did not happen.
const MISSING_SHOWN: usize = 5;

/// Where it all goes.
enum Sink {
    Lines(Output),
    Screen(Box<Screen>),
}

/// One run.
pub(super) struct Session {
    pub(super) engine: Engine,
    pub(super) roles: Roles,
    /// Containers that `--sidecar` names and no pod had so far.
    missing_sidecars: BTreeSet<String>,
    sink: Sink,
    page: Option<Page>,
    judgement: Judgement,
    progress: Option<Progress>,
    newest: Moment,
    /// What became known together and was not told yet, to be put in the order of its time.
    batch: Vec<News>,
    /// The first lists are not complete: what they hold became known together.
    is_listing: bool,
    /// Violations that were told as soon as they were seen, by pod: rule and order.
    alerted: HashMap<String, HashSet<String>>,
    /// Pods of Jobs an app of which has ended: only these are looked at again and again.
    half_ended: BTreeSet<String>,
    fail_fast: bool,
    /// What is waited for will not happen, or the first violation was to be the last.
    failed: bool,
    /// What is to be said when the screen is gone.
    held_notes: Vec<String>,
}

impl Session {
    /// Starts a run; with `--tui` it takes the terminal.
    pub(super) fn new(
        arguments: &TraceArguments,
        settings: Settings,
        progress: Option<Progress>,
    ) -> Result<Self, TraceError> {
        let sink = if arguments.tui {
            Sink::Screen(Box::new(Screen::open()?))
        } else {
            Sink::Lines(Output::new(arguments.output, arguments.all_namespaces))
        };
        Ok(Self {
            engine: Engine::new(settings),
            roles: Roles::new()?,
            missing_sidecars: arguments.sidecars.iter().cloned().collect(),
            sink,
            page: arguments.report.as_deref().map(Page::new),
            judgement: Judgement::default(),
            progress,
            newest: Moment::default(),
            batch: Vec::new(),
            is_listing: false,
            alerted: HashMap::new(),
            half_ended: BTreeSet::new(),
            fail_fast: arguments.fail_fast,
            failed: false,
            held_notes: Vec::new(),
        })
    }

    /// Takes over one piece of evidence; a state of a pod comes with the line that it was read from.
    pub(super) fn take(&mut self, mut evidence: Evidence, line: Option<&str>) -> Result<(), TraceError> {
        match (&mut evidence, line) {
            (Evidence::Template(template), _) => self.roles.template(template),
            (Evidence::Scripts(scripts), _) => self.roles.scripts(scripts),
            (Evidence::Pod(seen), Some(line)) if self.engine.pod(&seen.pod.metadata.uid).is_none() => {
                self.roles.adopt(seen, line);
            }
            _ => {}
        }
        if let Evidence::Pod(seen) = &evidence
            && !self.missing_sidecars.is_empty()
        {
            let spec = &seen.pod.spec;
            for container in spec.init_containers.iter().chain(&spec.containers) {
                self.missing_sidecars.remove(&container.name);
            }
        }
        if let Some(received) = evidence.received() {
            self.newest = self.newest.max(received);
        }
        let (uid, gone) = match &evidence {
            Evidence::Pod(seen) => (
                Some(seen.pod.metadata.uid.clone()),
                seen.change == Change::Deleted,
            ),
            Evidence::Vanished(vanished) => (Some(vanished.uid.clone()), true),
            _ => (None, false),
        };
        let found = self.engine.push(evidence);
        let touched = found.iter().find_map(News::pod).map(|pod| pod.uid.clone());
        if let Some(page) = &mut self.page {
            found.iter().for_each(|news| page.news(news.clone()));
        }
        self.batch.extend(found);
        if !self.is_listing {
            self.tell_batch()?;
        }
        if let Some(uid) = &uid
            && self.engine.pod(uid).is_some_and(may_be_stuck)
        {
            self.half_ended.insert(uid.clone());
        }
        if let (Some(progress), Some(uid)) = (&mut self.progress, uid) {
            match self.engine.pod(&uid) {
                Some(pod) => progress.look(pod),
                None if gone => progress.gone(&uid),
                None => {}
            }
        }
        match touched {
            Some(uid) => self.alert(&uid),
            None => Ok(()),
        }
    }

    /// What comes now became known together, until [`Self::listed`].
    pub(super) fn list(&mut self) {
        self.is_listing = true;
    }

    /// The first lists are complete. Returns whether that is news.
    pub(super) fn listed(&mut self) -> bool {
        std::mem::replace(&mut self.is_listing, false)
    }

    /// Tells what became known together, in the order of its time.
    fn tell_batch(&mut self) -> Result<(), TraceError> {
        let mut batch = std::mem::take(&mut self.batch);
        // A stable sort of its own keys needs less room than one of the news.
        batch.sort_by_cached_key(News::place);
        if let Sink::Lines(output) = &mut self.sink {
            batch.iter().for_each(|news| output.measure(news));
        }
        for news in &batch {
            match &mut self.sink {
                Sink::Lines(output) => output.news(news)?,
                Sink::Screen(screen) => screen.news(news),
            }
        }
        Ok(())
    }

    /// Tells what a pod violates as soon as it is known.
    fn alert(&mut self, uid: &str) -> Result<(), TraceError> {
        let Some(pod) = self.engine.pod(uid) else {
            return Ok(());
        };
        for verdict in self.engine.violations(pod) {
            let order = format!("{} {:?} {:?}", verdict.rule, verdict.before, verdict.after);
            if !self.alerted.entry(uid.to_owned()).or_default().insert(order) {
                continue;
            }
            self.tell_batch()?;
            if let Sink::Lines(output) = &mut self.sink {
                let now = self.engine.now().max(self.newest);
                output.alert(&verdict, now)?;
            }
            let hopeless = verdict.rule == COMPLETES
                && self
                    .progress
                    .as_ref()
                    .is_some_and(|progress| progress.goal() == Goal::Complete);
            if hopeless {
                let name = self.label(&verdict.pod);
                self.note(format!(
                    "--for complete will not happen: {name}: {}",
                    verdict.reason
                ));
            }
            self.failed |= hopeless || self.fail_fast;
        }
        Ok(())
    }

    /// Whether the run is over because of what was seen: its exit code is that of a violation.
    pub(super) fn is_failed(&self) -> bool {
        self.failed
    }

    /// Looks for Jobs whose apps have ended while something runs on: only time tells.
    pub(super) fn look_for_stuck_jobs(&mut self) -> Result<(), TraceError> {
        let engine = &self.engine;
        self.half_ended
            .retain(|uid| engine.pod(uid).is_some_and(may_be_stuck));
        let uids: Vec<String> = self.half_ended.iter().cloned().collect();
        uids.iter().try_for_each(|uid| self.alert(uid))
    }

    /// How many pods are wanted, and whether those that end are replaced.
    pub(super) fn want(&mut self, wanted: usize, is_replaced: bool) {
        if let Some(progress) = &mut self.progress {
            progress.want(wanted, is_replaced);
        }
    }

    /// Says what keeps the pods from what --for waits for.
    pub(super) fn tell_what_is_missing(&mut self) {
        let Some(goal) = self.progress.as_ref().map(Progress::goal) else {
            return;
        };
        let open: Vec<(std::sync::Arc<PodName>, String)> = self
            .engine
            .pods()
            .filter_map(|pod| Some((pod.name.clone(), goal.waits_for(pod)?)))
            .collect();
        let more = open.len().saturating_sub(MISSING_SHOWN);
        for (pod, reason) in open.into_iter().take(MISSING_SHOWN) {
            let name = self.label(&pod);
            self.note(format!("still waiting for pod {name}: {reason}"));
        }
        if more > 0 {
            self.note(format!("and for {} more", crate::report::counted(more, "pod")));
        }
    }

    /// Judges the pods that had ended by then and forgets them.
    pub(super) fn settle(&mut self, before: Moment) -> Result<(), TraceError> {
        for pod in self.engine.take_ended(before) {
            self.judge(pod)?;
        }
        Ok(())
    }

    fn judge(&mut self, pod: PodTimeline) -> Result<(), TraceError> {
        self.tell_batch()?;
        let verdicts = self.engine.verdicts(&pod);
        self.alerted.remove(&pod.name.uid);
        self.half_ended.remove(&pod.name.uid);
        self.judgement.add(&verdicts);
        if let Sink::Lines(output) = &mut self.sink {
            output.verdicts(&pod, &verdicts, self.newest)?;
        }
        if let Some(page) = &mut self.page {
            page.pod(&pod, verdicts, self.newest);
        }
        if let Sink::Screen(screen) = &mut self.sink {
            screen.ended(pod);
        }
        Ok(())
    }

    fn label(&mut self, pod: &PodName) -> String {
        match &mut self.sink {
            Sink::Lines(output) => output.label(pod),
            Sink::Screen(_) => format!("{}/{}", pod.namespace, pod.name),
        }
    }

    /// Tells the user something; while the screen is drawn on, it waits.
    pub(super) fn note(&mut self, text: String) {
        if self.has_screen() {
            self.held_notes.push(text);
        } else {
            note(&text);
        }
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
        if !self.is_listing {
            self.tell_batch()?;
        }
        match &mut self.sink {
            Sink::Lines(output) => Ok(output.flush()?),
            Sink::Screen(_) => Ok(()),
        }
    }

    /// Draws the screen, if there is one. Returns whether the user wants to leave.
    pub(super) fn refresh(&mut self, now: Moment) -> Result<bool, TraceError> {
        match &mut self.sink {
            Sink::Lines(_) => Ok(false),
            Sink::Screen(screen) => Ok(screen.refresh(&self.engine, now)?),
        }
    }

    /// Draws the screen and waits for keys until the time is over. Returns whether the user wants to leave.
    pub(super) fn look_around(&mut self, pause: Option<Duration>) -> Result<bool, TraceError> {
        let end = pause.map(|pause| Instant::now() + pause);
        let Sink::Screen(screen) = &mut self.sink else {
            std::thread::sleep(pause.unwrap_or_default());
            return Ok(false);
        };
        loop {
            let left = end.map_or(FRAME, |end| {
                end.saturating_duration_since(Instant::now()).min(FRAME)
            });
            if screen.wait(&self.engine, self.newest, left)? {
                return Ok(true);
            }
            if end.is_some_and(|end| Instant::now() >= end) {
                return Ok(false);
            }
        }
    }

    /// Whether there is a screen.
    pub(super) fn has_screen(&self) -> bool {
        matches!(self.sink, Sink::Screen(_))
    }

    /// Judges everything that is left. `ended` is when the looking ended.
    pub(super) fn finish(mut self, ended: Moment) -> Result<Judgement, TraceError> {
        self.newest = self.newest.max(ended);
        self.is_listing = false;
        // One after the other: of a whole cluster's pods there is no second copy.
        for name in self.engine.in_order() {
            if let Some(pod) = self.engine.take(&name.uid) {
                self.judge(pod)?;
            }
        }
        self.flush()?;
        if let Some(page) = &self.page {
            page.write(self.newest)?;
        }
        let sum = self.judgement;
        let missing = std::mem::take(&mut self.missing_sidecars);
        let notes = std::mem::take(&mut self.held_notes);
        // The screen gives the terminal back before anything is written to it.
        drop(self);
        for text in notes {
            note(&text);
        }
        note(&format!(
            "{}; order: {} proved, {} consistent, {} unknown, {} violated, {} not applicable",
            crate::report::counted(sum.pods, "pod"),
            sum.proved,
            sum.consistent,
            sum.unknown,
            sum.violated,
            sum.not_applicable
        ));
        match missing.first() {
            Some(name) if sum.pods > 0 => Err(TraceError::Mistaken(format!(
                "--sidecar {name}: no pod that was traced has such a container"
            ))),
            _ => Ok(sum),
        }
    }
}
