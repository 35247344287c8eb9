//! `trace` on a cluster: the watches, and what follows single containers.

mod ending;
mod following;
mod roles;
mod scope;

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
    time::Duration,
};

use kube::Client;
use tokio::{
    sync::mpsc::{Receiver, Sender, channel},
    task::{JoinSet, LocalSet},
    time::Instant,
};

use scope::{Scope, refuse_missing_namespace, scope};

use super::{
    TraceArguments, TraceError,
    output::note,
    record::Recorder,
    session::{SETTLING, Session, conclude},
};
use crate::{
    cli::{ExitStatus, interrupts::Interrupts},
    cluster::{Arrival, Followed, RequestError, Server, watch_resource},
    trace::{
        Evidence, Moment,
        goal::{Goal, Progress},
        object::{Event, Pod},
    },
};

/// Lines that wait between the watches and the engine: when it is full, the watches wait.
const WAITING_LINES: usize = 1024;
/// How often ended pods and the goal are looked at.
const TICK: Duration = Duration::from_millis(100);
/// After the goal, this long for what comes late.
const GRACE: Duration = Duration::from_millis(1500);
/// `kubectl replace --force` deletes an object before it makes it anew.
const REPLACEMENT: Duration = Duration::from_secs(15);
/// The first lists are waited for no longer than this before what they hold is told.
const LISTING: Duration = Duration::from_millis(300);

/// Traces until the goal, the timeout, or the user ends it.
pub(super) fn run(arguments: &TraceArguments) -> Result<ExitStatus, TraceError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    LocalSet::new().block_on(&runtime, trace(arguments))
}

async fn trace(arguments: &TraceArguments) -> Result<ExitStatus, TraceError> {
    let settings = arguments.settings()?;
    announce(arguments);
    let server = Arc::new(Server::connect(&arguments.connection.connection()).await?);
    let client = server.client();
    let scope = scope(arguments, &server).await?;
    let recorder = match &arguments.record {
        Some(path) => Some(Recorder::create(path, &settings)?),
        None => None,
    };
    let wanted = scope.targets.iter().filter_map(|target| target.replicas).sum();
    let progress = arguments.goal.map(|goal| {
        let progress = Progress::new(Goal::from(goal), wanted);
        let by_name = scope.targets.is_empty() && !scope.names.is_empty();
        if by_name { progress.of_names() } else { progress }
    });
    scope.notes.iter().for_each(|text| note(text));
    let (sender, arrivals) = channel(WAITING_LINES);
    let (follow_sender, followed) = channel(WAITING_LINES);
    let mut watches = JoinSet::new();
    let (first, events) = (client.clone(), scope.selection.clone());
    let (once, other) = (arguments.once, sender.clone());
    watches.spawn_local(async move { watch_resource::<Event>(first, events, once, other).await });
    let mut live = Live {
        arguments,
        client,
        scope,
        session: Session::new(arguments, settings, progress)?,
        recorder,
        follow_sender,
        followers: JoinSet::new(),
        followed_runs: HashSet::new(),
        nodes: HashSet::new(),
        reached: None,
        makers: BTreeMap::new(),
        owners_asked: None,
        gone_since: None,
        lost: HashSet::new(),
        watches,
        pods_sender: Some(sender),
        unlisted: vec!["pods", "events"],
        began: Instant::now(),
        heard: Moment::now(),
        end: End::Asked,
        absent: HashSet::new(),
        complaints: HashSet::new(),
    };
    live.session.list();
    live.run(arrivals, followed).await?;
    live.finish()
}

struct Live<'a> {
    arguments: &'a TraceArguments,
    client: Client,
    scope: Scope,
    session: Session,
    recorder: Option<Recorder>,
    follow_sender: Sender<Followed>,
    followers: JoinSet<()>,
    followed_runs: HashSet<String>,
    nodes: HashSet<String>,
    reached: Option<Instant>,
    /// Controllers of pods that have ended, by their path, each with its kind's plural.
    makers: BTreeMap<String, String>,
    /// When the targets were asked for last.
    owners_asked: Option<Instant>,
    /// Since when a target is gone.
    gone_since: Option<Instant>,
    /// The watches whose connection is lost.
    lost: HashSet<&'static str>,
    /// The watches whose first list is not complete.
    unlisted: Vec<&'static str>,
    watches: JoinSet<()>,
    /// For the watch of pods, until that is begun: events say more exactly what states only tell by the second.
    pods_sender: Option<Sender<Arrival>>,
    began: Instant,
    /// When the watch of pods said something.
    heard: Moment,
    end: End,
    /// Nodes whose kubelet is away, as far as is known.
    absent: HashSet<String>,
    complaints: HashSet<String>,
}

/// Why a trace is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// What it waited for has happened, or was to be looked at once.
    Done,
    /// What it waited for will not happen.
    Failed,
    /// The user ended it.
    Asked,
    /// Its time is over.
    TimedOut,
}

impl Live<'_> {
    async fn run(
        &mut self,
        mut arrivals: Receiver<Arrival>,
        mut followed: Receiver<Followed>,
    ) -> Result<(), TraceError> {
        let deadline = self.arguments.timeout.map(|timeout| Instant::now() + timeout);
        let mut ticks = tokio::time::interval(TICK);
        let mut interrupts = Interrupts::new()?;
        loop {
            tokio::select! {
                arrival = arrivals.recv() => {
                    let Some(arrival) = arrival else {
                        break;
                    };
                    self.arrived(arrival).await?;
                    while let Ok(arrival) = arrivals.try_recv() {
                        self.arrived(arrival).await?;
                    }
                    self.session.flush()?;
                }
                Some(followed) = followed.recv() => {
                    self.followed(followed)?;
                    self.session.flush()?;
                }
                _ = ticks.tick() => {
                    if self.tick().await? {
                        break;
                    }
                }
                () = interrupts.next() => break,
            }
            if self.session.is_failed() {
                self.end = End::Failed;
                break;
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                self.session.engine.last_word();
                self.end = End::TimedOut;
                break;
            }
        }
        if matches!(self.end, End::Asked | End::TimedOut) && !self.arguments.once {
            tokio::select! {
                looked = self.last_look() => looked?,
                () = interrupts.next() => {}
            }
        }
        self.last_evidence(&mut followed).await
    }

    fn finish(mut self) -> Result<ExitStatus, TraceError> {
        let missed = self.session.has_goal() && self.reached.is_none();
        if missed && self.end != End::Failed {
            self.session.tell_what_is_missing();
        }
        let failed = self.session.is_failed();
        let judgement = self.session.finish(Moment::now())?;
        if let Some(recorder) = &mut self.recorder {
            recorder.finish(self.end == End::TimedOut)?;
        }
        Ok(conclude(&judgement, self.arguments, missed, failed))
    }

    /// With `--once`: the answers to what was asked about single containers.
    async fn last_evidence(&mut self, followed: &mut Receiver<Followed>) -> Result<(), TraceError> {
        let end = Instant::now() + GRACE;
        while self.arguments.once && !self.followers.is_empty() {
            tokio::select! {
                Some(one) = followed.recv() => self.followed(one)?,
                _ = self.followers.join_next() => {}
                () = tokio::time::sleep_until(end) => break,
            }
        }
        while let Ok(one) = followed.try_recv() {
            self.followed(one)?;
        }
        Ok(())
    }

    /// Looks at what time alone brings about. Returns whether the trace is over.
    async fn tick(&mut self) -> Result<bool, TraceError> {
        let now = Moment::now();
        if self.lost.is_empty() {
            self.session.engine.looked_until(now);
        }
        if self.began.elapsed() >= LISTING {
            self.watch_pods();
        }
        if self.began.elapsed() >= LISTING * 2 {
            self.listed()?;
        }
        self.session.settle(now.plus(-SETTLING))?;
        self.session.look_for_stuck_jobs()?;
        self.session.flush()?;
        if self.session.refresh(now)? {
            return Ok(true);
        }
        while self.followers.try_join_next().is_some() {}
        if !self.session.goal_reached() {
            // A pod that came meanwhile has not got there.
            self.reached = None;
        } else if self.reached.is_none() && self.owners_agree().await {
            self.reached = Some(Instant::now());
        }
        if self
            .gone_since
            .is_some_and(|since| since.elapsed() >= REPLACEMENT)
        {
            self.session
                .note("what was to be traced is gone, and nothing has taken its place".to_owned());
            self.end = End::Failed;
            return Ok(true);
        }
        let is_done = self.reached.is_some_and(|reached| reached.elapsed() >= GRACE);
        if is_done {
            self.end = End::Done;
        }
        Ok(is_done)
    }

    async fn arrived(&mut self, arrival: Arrival) -> Result<(), TraceError> {
        if let Arrival::Listed(kind) = &arrival {
            self.unlisted.retain(|open| open != kind);
            if self.unlisted.is_empty() {
                self.listed()?;
            }
            self.watch_pods();
        }
        match arrival {
            Arrival::Evidence {
                kind,
                received,
                raw,
                evidence,
            } => {
                if kind == "pods" {
                    self.heard = received;
                }
                if !self.is_traced(&evidence).await {
                    return Ok(());
                }
                if let Evidence::Event(seen) = &evidence
                    && seen.event.reason == "NodeNotReady"
                {
                    self.watch_node(&seen.event.involved_object.uid);
                }
                self.note_maker(&evidence);
                self.read_roles(&evidence, raw.as_deref()).await?;
                if let Some(recorder) = &mut self.recorder {
                    match &raw {
                        Some(raw) => recorder.watched(kind, received, raw)?,
                        None => recorder.evidence(&evidence)?,
                    }
                }
                let uid = match &evidence {
                    Evidence::Pod(seen) => Some(seen.pod.metadata.uid.clone()),
                    _ => None,
                };
                let line = raw.as_deref().and_then(|raw| std::str::from_utf8(raw).ok());
                self.session.take(evidence, line)?;
                if let Some(uid) = uid {
                    self.follow(&uid).await?;
                }
            }
            Arrival::Listed("pods") if self.session.engine.pods().next().is_none() => {
                if let Some(namespace) = self.scope.selection.namespace.clone() {
                    refuse_missing_namespace(&self.client, &namespace).await?;
                }
                let text = self.nothing_yet();
                self.session.note(text);
            }
            Arrival::Listed(_) => {}
            Arrival::Lost(kind) => drop(self.lost.insert(kind)),
            Arrival::Found(kind) => drop(self.lost.remove(kind)),
            Arrival::Note(text) => self.complain(text),
            Arrival::Failed(error) if is_about_events(&error) => {
                self.unlisted.retain(|open| *open != "events");
                self.watch_pods();
                self.complain(format!(
                    "{error}; without events, starts within one second are not told apart"
                ));
            }
            Arrival::Failed(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// The first lists are complete, or take too long: what they hold is told.
    fn listed(&mut self) -> Result<(), TraceError> {
        if self.session.listed()
            && let Some(recorder) = &mut self.recorder
        {
            recorder.listed()?;
        }
        self.session.flush()
    }

    /// Begins to watch pods, when the first events are known or take too long.
    fn watch_pods(&mut self) {
        if let Some(sender) = self.pods_sender.take() {
            let (client, selection) = (self.client.clone(), self.scope.selection.clone());
            let once = self.arguments.once;
            self.watches
                .spawn_local(async move { watch_resource::<Pod>(client, selection, once, sender).await });
        }
    }

    /// That there is no pod, and which was looked for.
    fn nothing_yet(&self) -> String {
        let what = match self.scope.names.as_slice() {
            [] => "no pod".to_owned(),
            names => format!("no pod {}", names.join(", ")),
        };
        let place = match &self.scope.selection.namespace {
            Some(namespace) => format!(" in namespace {namespace}"),
            None => String::new(),
        };
        let more = if self.arguments.once { "" } else { " yet; waiting" };
        format!("{what}{place}{more}")
    }

    fn complain(&mut self, text: String) {
        if self.complaints.insert(text.clone()) {
            self.session.note(text);
        }
    }

    /// Whether the pod belongs to what is traced. Events find their pod by its uid.
    async fn is_traced(&mut self, evidence: &Evidence) -> bool {
        let Evidence::Pod(seen) = evidence else {
            return true;
        };
        if self.scope.names.contains(&seen.pod.metadata.name) {
            return true;
        }
        let Some(owners) = &mut self.scope.owners else {
            return self.scope.names.is_empty();
        };
        let owned = owners.owns(&seen.pod).await;
        let notes = std::mem::take(&mut owners.notes);
        for text in notes {
            self.complain(text);
        }
        owned
    }
}

/// Whether the watch of events failed.
fn is_about_events(error: &RequestError) -> bool {
    let path = error.path().split('?').next().unwrap_or_default();
    path.ends_with("/events")
}

/// Says which evidence is used.
fn announce(arguments: &TraceArguments) {
    let mut used = vec!["pods", "events"];
    for (wanted, name) in [
        (arguments.logs, "log times"),
        (arguments.metrics, "kubelet metrics"),
        (arguments.attach, "attach streams"),
    ] {
        if wanted {
            used.push(name);
        }
    }
    note(&format!("evidence from {}", used.join(", ")));
}
