//! The engine: evidence in, facts and verdicts out.

mod clock;

use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    sync::Arc,
};

use self::clock::{ClockOffset, newest_second};
use super::{
    Moment, PodName, SECOND,
    declared::Reading,
    evidence::{Change, ContainerAddress, EventSeen, Evidence, Gap, KubeletSeen, PodSeen, Unseen, Vanished},
    fact::{GapNotice, News, PodNotice, PodStep},
    pod::PodTimeline,
    verdict::{self, Absence, Context, Verdict},
};

/// Events that came before their pod are kept this long; the two watches are not ordered.
const ORPHAN_AGE: i64 = 60 * SECOND;
/// And no more than this many of them.
const ORPHANS_KEPT: usize = 20_000;
/// The node controller takes a node for lost when it has been silent for so long (kube-controller-manager's
/// `--node-monitor-grace-period`, 50 s since 1.32, 40 s before), and looks every five seconds.
const NODE_PATIENCE: i64 = 60 * SECOND;
/// How many pods that are gone are remembered, so that late events do not wait for them.
const DEPARTED_KEPT: usize = 10_000;

/// How the engine judges.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// How declarations are read.
    pub reading: Reading,
    /// How far two attach streams must end apart to tell the order of exits; nanoseconds.
    pub attach_margin: i64,
    /// Ends of attach streams count.
    pub attach: bool,
    /// Log lines count.
    pub logs: bool,
    /// Creation times count.
    pub metrics: bool,
}

/// Everything known about the traced pods.
#[derive(Debug, Default)]
pub struct Engine {
    settings: Settings,
    pods: BTreeMap<String, PodTimeline>,
    ended_at: HashMap<String, Moment>,
    orphans: HashMap<String, Vec<EventSeen>>,
    orphan_ages: VecDeque<(Moment, String)>,
    departed: VecDeque<String>,
    departed_set: HashSet<String>,
    kubelets: HashMap<String, u32>,
    offsets: HashMap<String, ClockOffset>,
    absences: HashMap<String, Vec<Absence>>,
    looked_until: Moment,
    is_last_word: bool,
}

impl Engine {
    /// An engine that knows nothing yet.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            ..Self::default()
        }
    }

    /// Takes over one piece of evidence. Returns what is news.
    pub fn push(&mut self, evidence: Evidence) -> Vec<News> {
        match evidence {
            Evidence::Pod(seen) => self.push_pod(&seen),
            Evidence::Event(seen) => self.push_event(*seen),
            Evidence::Log(line) => {
                if self.settings.logs {
                    self.each(&line.address, |container| container.line(line.time));
                }
                Vec::new()
            }
            Evidence::Attach(end) => {
                if self.settings.attach {
                    self.each(&end.address, |container| container.attach(end.clone()));
                }
                Vec::new()
            }
            Evidence::Creation(creation) => {
                if self.settings.metrics {
                    self.each(&creation.address, |container| container.creation(creation.time));
                }
                Vec::new()
            }
            Evidence::Node(node) => {
                if let Some(minor) = minor_version(&node.kubelet_version) {
                    self.kubelets.insert(node.name, minor);
                }
                Vec::new()
            }
            Evidence::Template(_) | Evidence::Scripts(_) => Vec::new(),
            Evidence::Kubelet(seen) => self.push_kubelet(&seen),
            Evidence::Unseen(unseen) => self.push_unseen(&unseen),
            Evidence::Gap(gap) => self.push_gap(&gap),
            Evidence::Vanished(vanished) => self.push_vanished(&vanished),
        }
    }

    fn push_pod(&mut self, seen: &PodSeen) -> Vec<News> {
        let uid = &seen.pod.metadata.uid;
        if uid.is_empty() || self.departed_set.contains(uid) || self.is_stale(seen) {
            return Vec::new();
        }
        let reading = &self.settings.reading;
        let pod = self
            .pods
            .entry(uid.clone())
            .or_insert_with(|| PodTimeline::new(&seen.pod, reading, seen.received));
        let early = self.orphans.remove(uid).unwrap_or_default();
        // What its events say is more exact than its state; they are only told first where they came first.
        let mut told: Vec<News> = Vec::new();
        for event in &early {
            told.extend(pod.event(event).into_iter().map(News::Fact));
            told.extend(pod.event_trouble(event).map(News::Trouble));
        }
        let (facts, steps) = pod.apply(seen);
        let troubles = pod.state_trouble(seen);
        let (created, asked) = (pod.created, pod.asked_at());
        let name = pod.name.clone();
        if pod.ended() {
            self.ended_at.entry(uid.clone()).or_insert(seen.received);
        }
        let newest = newest_second(seen).filter(|_| seen.change != Change::Listed);
        let node = pod.node.clone();
        for event in &early {
            self.offsets.entry(node.clone()).or_default().event(event);
        }
        let mut news: Vec<News> = steps
            .into_iter()
            .map(|(step, detail)| {
                News::Pod(PodNotice {
                    pod: name.clone(),
                    step,
                    received: seen.received,
                    time: match step {
                        PodStep::Seen => created,
                        PodStep::DeletionRequested => asked,
                        _ => None,
                    },
                    detail,
                })
            })
            .collect();
        // The pod's own steps frame what its containers did.
        let last = news
            .iter()
            .position(|one| matches!(one, News::Pod(notice) if closes(notice.step)));
        let at = last.unwrap_or(news.len());
        let inner = facts.into_iter().map(News::Fact);
        let inner = told.into_iter().chain(inner);
        news.splice(at..at, inner.chain(troubles.into_iter().map(News::Trouble)));
        if let Some(second) = newest {
            self.offsets
                .entry(node)
                .or_default()
                .state(seen.received.since(second));
        }
        news
    }

    /// A state that is not newer than the one known: sent again after a resumed or restarted watch.
    fn is_stale(&self, seen: &PodSeen) -> bool {
        let Some(pod) = self.pods.get(&seen.pod.metadata.uid) else {
            return false;
        };
        if seen.change == Change::Deleted {
            return pod.gone;
        }
        let (new, old) = (&seen.pod.metadata.resource_version, &pod.resource_version);
        match (new.parse::<u64>(), old.parse::<u64>()) {
            // A list tells what is there now, even where etcd was restored and counts from an older number.
            (Ok(new), Ok(old)) if seen.change != Change::Listed => new <= old,
            _ => new == old,
        }
    }

    fn push_event(&mut self, seen: EventSeen) -> Vec<News> {
        let uid = &seen.event.involved_object.uid;
        if seen.event.involved_object.kind != "Pod" || self.departed_set.contains(uid) {
            return Vec::new();
        }
        let Some(pod) = self.pods.get_mut(uid) else {
            self.keep_orphan(seen);
            return Vec::new();
        };
        let facts = pod.event(&seen);
        let trouble = pod.event_trouble(&seen).map(News::Trouble);
        let node = pod.node.clone();
        self.offsets.entry(node).or_default().event(&seen);
        facts.into_iter().map(News::Fact).chain(trouble).collect()
    }

    /// Keeps an event until its pod comes, unless there are too many or it gets too old.
    fn keep_orphan(&mut self, seen: EventSeen) {
        let too_old = |oldest: &(Moment, String)| seen.received.since(oldest.0) > ORPHAN_AGE;
        while self.orphan_ages.len() >= ORPHANS_KEPT || self.orphan_ages.front().is_some_and(too_old) {
            let Some((_, uid)) = self.orphan_ages.pop_front() else {
                break;
            };
            if let Some(events) = self.orphans.get_mut(&uid) {
                events.remove(0);
                if events.is_empty() {
                    self.orphans.remove(&uid);
                }
            }
        }
        let uid = seen.event.involved_object.uid.clone();
        self.orphan_ages.push_back((seen.received, uid.clone()));
        self.orphans.entry(uid).or_default().push(seen);
    }

    fn each(
        &mut self,
        address: &ContainerAddress,
        mut change: impl FnMut(&mut super::container::ContainerHistory),
    ) {
        for pod in self.pods.values_mut() {
            let same_namespace = address
                .namespace
                .as_ref()
                .is_none_or(|namespace| *namespace == pod.name.namespace);
            if pod.name.name == address.pod && same_namespace {
                let mut containers = pod.containers.iter_mut();
                if let Some(container) = containers.find(|one| one.name == address.container) {
                    change(container);
                }
            }
        }
    }

    fn push_gap(&mut self, gap: &Gap) -> Vec<News> {
        if gap.resource != "events" {
            for pod in self.pods.values_mut() {
                let concerned = gap
                    .namespace
                    .as_ref()
                    .is_none_or(|namespace| *namespace == pod.name.namespace);
                if concerned && !pod.ended() {
                    pod.gap(&gap.reason);
                }
            }
        }
        vec![News::Gap(GapNotice {
            pod: None,
            resource: gap.resource.clone(),
            noticed: gap.noticed,
            reason: gap.reason.clone(),
        })]
    }

    fn push_unseen(&mut self, unseen: &Unseen) -> Vec<News> {
        for pod in self.pods.values_mut().filter(|pod| !pod.ended()) {
            pod.gap(&unseen.reason);
            pod.unseen = true;
        }
        vec![News::Gap(GapNotice {
            pod: None,
            resource: "pods".to_owned(),
            noticed: unseen.noticed,
            reason: unseen.reason.clone(),
        })]
    }

    fn push_kubelet(&mut self, seen: &KubeletSeen) -> Vec<News> {
        let absences = self.absences.entry(seen.node.clone()).or_default();
        let is_away = absences.last().is_some_and(|absence| absence.until.is_none());
        let at = seen.since.unwrap_or(seen.noticed);
        match (seen.away, is_away) {
            (true, false) => absences.push(Absence {
                from: at.plus(-NODE_PATIENCE),
                until: None,
            }),
            (false, true) => {
                if let Some(absence) = absences.last_mut() {
                    absence.until = Some(at);
                }
            }
            _ => {}
        }
        Vec::new()
    }

    /// Everything up to then has been seen: what has not been told had not happened, as far as the server knows.
    pub fn looked_until(&mut self, moment: Moment) {
        self.looked_until = self.looked_until.max(moment);
    }

    /// Until when everything was seen, as far as was said.
    #[must_use]
    pub fn now(&self) -> Moment {
        self.looked_until
    }

    /// Nobody waits any longer: what has not ended by now is judged as it is.
    pub fn last_word(&mut self) {
        self.is_last_word = true;
    }

    fn push_vanished(&mut self, vanished: &Vanished) -> Vec<News> {
        self.forget(&vanished.uid);
        let Some(pod) = self.pods.get_mut(&vanished.uid) else {
            return Vec::new();
        };
        if pod.gone || pod.vanished {
            return Vec::new();
        }
        pod.vanished = true;
        pod.gap("the pod was deleted meanwhile, its last states were not seen");
        self.ended_at
            .entry(vanished.uid.clone())
            .or_insert(vanished.noticed);
        vec![News::Gap(GapNotice {
            pod: Some(pod.name.clone()),
            resource: "pods".to_owned(),
            noticed: vanished.noticed,
            reason: "the pod is gone; its deletion was not seen".to_owned(),
        })]
    }

    /// The pods that are being followed.
    pub fn pods(&self) -> impl Iterator<Item = &PodTimeline> {
        self.pods.values()
    }

    /// A pod that is being followed.
    #[must_use]
    pub fn pod(&self, uid: &str) -> Option<&PodTimeline> {
        self.pods.get(uid)
    }

    /// Judges one pod.
    #[must_use]
    pub fn verdicts(&self, pod: &PodTimeline) -> Vec<Verdict> {
        verdict::judge(pod, &self.context(pod))
    }

    /// What one pod violates so far, of that which decides.
    #[must_use]
    pub fn violations(&self, pod: &PodTimeline) -> Vec<Verdict> {
        verdict::violations(pod, &self.context(pod))
    }

    fn context(&self, pod: &PodTimeline) -> Context<'_> {
        Context {
            kubelet_minor: self.kubelets.get(&pod.node).copied(),
            absences: self.absences.get(&pod.node).map_or(&[], Vec::as_slice),
            looked_until: self.looked_until.max(pod.received.1),
            is_last_word: self.is_last_word,
            clock_offset: self.offsets.get(&pod.node).map_or(0, |offset| offset.estimate()),
            attach_margin: self.settings.attach_margin,
            attach: self.settings.attach,
            logs: self.settings.logs,
            metrics: self.settings.metrics,
        }
    }

    /// Hands over the pods that had ended by `before`: nothing more is kept of them.
    pub fn take_ended(&mut self, before: Moment) -> Vec<PodTimeline> {
        let due: Vec<String> = self
            .ended_at
            .iter()
            .filter(|(_, at)| **at <= before)
            .map(|(uid, _)| uid.clone())
            .collect();
        let mut ended: Vec<PodTimeline> = due.iter().filter_map(|uid| self.take(uid)).collect();
        ended.sort_by_key(|pod| (pod.received.0, pod.name.clone()));
        ended
    }

    /// Hands over all pods, ended or not.
    pub fn take_all(&mut self) -> Vec<PodTimeline> {
        let names = self.in_order();
        names.iter().filter_map(|name| self.take(&name.uid)).collect()
    }

    /// The pods in the order in which they came into view.
    #[must_use]
    pub fn in_order(&self) -> Vec<Arc<PodName>> {
        let mut all: Vec<&PodTimeline> = self.pods.values().collect();
        all.sort_by_key(|pod| (pod.received.0, &pod.name));
        all.iter().map(|pod| Arc::clone(&pod.name)).collect()
    }

    /// Takes out one pod: it will not be followed any more.
    pub fn take(&mut self, uid: &str) -> Option<PodTimeline> {
        self.ended_at.remove(uid);
        let pod = self.pods.remove(uid)?;
        if self.departed_set.insert(uid.to_owned()) {
            self.departed.push_back(uid.to_owned());
        }
        while self.departed.len() > DEPARTED_KEPT {
            if let Some(oldest) = self.departed.pop_front() {
                self.departed_set.remove(&oldest);
            }
        }
        Some(pod)
    }

    fn forget(&mut self, uid: &str) {
        if self.departed_set.remove(uid) {
            self.departed.retain(|departed| departed != uid);
        }
    }
}

/// Whether the step comes after what the containers did in the same state.
fn closes(step: PodStep) -> bool {
    matches!(step, PodStep::Succeeded | PodStep::Failed | PodStep::Deleted)
}

/// `v1.34.4` is 34.
fn minor_version(version: &str) -> Option<u32> {
    let mut parts = version.trim_start_matches('v').split('.');
    parts.next()?;
    let minor = parts.next()?;
    let digits: String = minor.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}
