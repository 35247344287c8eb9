//! What declaring a container a sidecar rests on, each thing with its own check.

use super::{end_watches::unwatched, needs};
use crate::{
    behaviour::{
        Link, LinkKind, Party,
        action::{Action, FilePath},
        script::{MarkerUse, Wait},
    },
    pod::{
        Lifetime, MAY_BE_CONFIGURED_TO_END, Member, Pod, Suspect, names_an_end, reads_pipe, shown_path,
        suspects,
    },
    remedy::{
        Form, Options,
        obligation::{Obligation, Proof},
        planner::is_named,
        workaround::{marker::own_signal, part::Part},
    },
    roles::{NamingKind, RunsServer},
    workload::{ContainerList, WorkloadKind},
    yaml::Node,
};

/// The proofs of all obligations of a declaration.
pub(crate) fn of_declaration(
    pod: &Pod<'_>,
    index: usize,
    options: &Options,
    sets_switches: bool,
    parts: &[Part<'_>],
) -> Vec<Proof> {
    let Some(member) = pod.members.get(index) else {
        return Vec::new();
    };
    let case = Case {
        pod,
        index,
        member,
        options,
        parts,
        by_word: word_of_its_author(pod, member, options),
        pipe: reads_pipe(pod, index),
    };
    let mut proofs = vec![
        case.runs_server(),
        case.idle_after_app(),
        case.ends_are_known(),
        unwatched(pod, index, parts),
        case.nobodys_app(),
        case.ports_lead(),
    ];
    proofs.extend(needs::met(pod, index, options, sets_switches));
    proofs
}

/// Who said outright that a container is a sidecar; nothing where the tool has to find out.
fn word_of_its_author(pod: &Pod<'_>, member: &Member<'_>, options: &Options) -> Option<&'static str> {
    let name = member.container.name;
    let names = |kind: NamingKind| {
        pod.namings
            .iter()
            .any(|naming| naming.kind == kind && naming.names.iter().any(|own| own == name))
    };
    if is_named(pod, member, options) {
        Some("it is named on the command line")
    } else if member.role.declared {
        Some("the manifest declares it a sidecar")
    } else if names(NamingKind::LyftAnnotation) {
        Some("an annotation declares it a sidecar")
    } else if names(NamingKind::KillerAnnotation) || names(NamingKind::KruiseEnvironment) {
        Some("the manifest names it to a controller that ends sidecars")
    } else if names(NamingKind::KubexitBirthDependencies) || names(NamingKind::KubexitDeathDependencies) {
        Some("kubexit's settings name it")
    } else {
        None
    }
}

struct Case<'c, 'a> {
    pod: &'c Pod<'a>,
    index: usize,
    member: &'c Member<'a>,
    options: &'c Options,
    parts: &'c [Part<'c>],
    by_word: Option<&'static str>,
    pipe: Option<String>,
}

impl Case<'_, '_> {
    fn answer(&self) -> &RunsServer {
        self.pod.runs_server(self.member)
    }

    /// Whether some script of the pod ends it: what has to be ended does not end by itself.
    fn is_ended(&self) -> bool {
        self.pod
            .links
            .all
            .iter()
            .any(|link| self.pod.ends(link, self.index))
    }

    fn runs_server(&self) -> Proof {
        let proved = |by: &str| Proof::proved(Obligation::RunsServer, by);
        let is_unwrapped = |part: &&Part<'_>| {
            part.proofs
                .iter()
                .any(|proof| proof.obligation == Obligation::RunsServer)
        };
        if let Some(part) = self.parts.iter().find(is_unwrapped) {
            let doubt = part.proofs.iter().find_map(|proof| proof.answer.reason());
            return Proof::unknown(Obligation::RunsServer, doubt.cloned().unwrap_or_default());
        }
        if self.pod.is_time_boxed(self.member) {
            return Proof::refuted(
                Obligation::RunsServer,
                "its own command ends it after a while, and the kubelet would start it again each time; run its program without the limit first",
            );
        }
        if let Some(file) = self.pod.ends_at_a_file(self.index) {
            return Proof::refuted(
                Obligation::RunsServer,
                format!(
                    "its own script ends it when {file} is there, and the kubelet would start it again each time"
                ),
            );
        }
        if let Lifetime::Ends(reason) = self.pod.lifetime(self.index) {
            return Proof::refuted(Obligation::RunsServer, reason);
        }
        match (self.answer(), self.by_word) {
            (RunsServer::Refuted(once), _) => Proof::refuted(Obligation::RunsServer, once.to_string()),
            (RunsServer::Proved, None)
                if self.pod.workload.runs_to_completion()
                    && self.pod.may_end_by_configuration(self.member)
                    && !self.is_ended() =>
            {
                Proof::unknown(Obligation::RunsServer, MAY_BE_CONFIGURED_TO_END)
            }
            (RunsServer::Proved, _) => proved("its image and command run a known server"),
            (_, Some(word)) => proved(word),
            (RunsServer::Unknown(_), None) if self.is_ended() => {
                proved("something ends it, so that it does not end by itself")
            }
            (RunsServer::Unknown(_), None) if !self.pod.workload.runs_to_completion() => {
                proved("its pod starts it again whenever it ends")
            }
            (RunsServer::Unknown(doubt), None) => Proof::unknown(Obligation::RunsServer, doubt.to_string()),
        }
    }

    /// Whether nothing of its work begins when the app is done.
    fn idle_after_app(&self) -> Proof {
        match starts_after_the_app(self.pod, self.index) {
            Some(file) => Proof::refuted(
                Obligation::IdleAfterApp,
                format!("its work begins when {file} is there, which is written at the app's end"),
            ),
            None if self.pipe.is_some() => Proof::refuted(
                Obligation::IdleAfterApp,
                format!(
                    "it reads the pipe {}: its work begins, or ends, with what the app writes there",
                    self.pipe.as_deref().unwrap_or_default()
                ),
            ),
            None if self.is_ended_otherwise() => Proof::unknown(
                Obligation::IdleAfterApp,
                "what it does when it is told to end is its own affair, and SIGTERM may do less",
            ),
            None => Proof::proved(
                Obligation::IdleAfterApp,
                "none of its scripts waits for the app's end to do something",
            ),
        }
    }

    /// Whether a call or another signal than the kubelet's ends it today, and nothing tells what its program does then.
    fn is_ended_otherwise(&self) -> bool {
        let ends_it = |link: &Link| match &link.kind {
            LinkKind::Quits(_) => true,
            LinkKind::Kills(kill) => kill.other_signal().is_some(),
            _ => false,
        };
        let ends_itself = |link: &Link| {
            let program = self.pod.program(link.container, link.program);
            let is_own = link.container == self.index && matches!(link.kind, LinkKind::EndsOnFile(..));
            is_own && program.is_some_and(|(_, program)| own_signal(self.pod, self.index, program).is_some())
        };
        let mut links = self.pod.links.all.iter();
        let is_known = self.by_word.is_some() || *self.answer() == RunsServer::Proved;
        !is_known
            && self.pod.workload.runs_to_completion()
            && links
                .any(|link| link.other == Party::Container(self.index) && ends_it(link) || ends_itself(link))
    }

    fn ends_are_known(&self) -> Proof {
        if !self.pod.workload.runs_to_completion() {
            return Proof::proved(Obligation::EndsAreKnown, "its pod runs until it is deleted");
        }
        let found = suspects(self.pod, self.index);
        // What is left would go on ending it, and the kubelet would start it again.
        if let Some(suspect) = found.iter().find(|suspect| suspect.stays()) {
            return Proof::refuted(Obligation::EndsAreKnown, suspect.describe(self.pod));
        }
        // Where its end is understood, what is merely not seen of who ends it need not hold another one.
        let counts = |suspect: &&Suspect| {
            let unseen = suspect.unseen_container();
            !(self.is_ended() && unseen.is_some_and(|at| self.has_to_do_with(at) || !self.is_reached_by(at)))
        };
        match (found.iter().find(counts), self.by_word) {
            (Some(suspect), None) => Proof::unknown(Obligation::EndsAreKnown, suspect.describe(self.pod)),
            _ => Proof::proved(
                Obligation::EndsAreKnown,
                "every command of the pod that may end it is known",
            ),
        }
    }

    /// Whether a container does something about this one that is understood.
    fn has_to_do_with(&self, at: usize) -> bool {
        self.pod.links.all.iter().any(|link| match &link.kind {
            LinkKind::EndsOnFile(_, writers) if link.container == self.index => {
                writers.iter().any(|writer| writer.container == at)
            }
            _ => {
                let other = [Party::Container(self.index), Party::Unknown];
                link.container == at && other.contains(&link.other)
                    || link.container == self.index && link.other == Party::Container(at)
            }
        })
    }

    /// Whether a container could end this one: by its processes, or by a file.
    fn is_reached_by(&self, at: usize) -> bool {
        let volumes = |index: usize| {
            let member = self.pod.members.get(index);
            let mounts = member.into_iter().flat_map(|member| member.container.mounts());
            mounts.map(|mount| mount.volume)
        };
        self.pod.shares_processes() || volumes(at).any(|theirs| volumes(self.index).any(|own| own == theirs))
    }

    /// Whether some other container is what the workload is about.
    fn nobodys_app(&self) -> Proof {
        let workload = self.pod.workload;
        let own = &self.member.container;
        if own.list == ContainerList::Regular && own.node.entry("restartPolicy").is_some() {
            return Proof::unknown(
                Obligation::NobodysApp,
                "its restartPolicy may be meant for its own restarts, as Kubernetes 1.34 allows it for any container",
            );
        }
        if self.counts_for_the_job() {
            return Proof::unknown(
                Obligation::NobodysApp,
                "the Job's podFailurePolicy looks at its exit code, and one that the kubelet ends may have another",
            );
        }
        if let Some(word) = self.by_word {
            return Proof::proved(Obligation::NobodysApp, word);
        }
        let others = || workload.regular().filter(|other| other.index != own.index);
        if others().any(|other| workload.is_about(own, other)) {
            return Proof::refuted(
                Obligation::NobodysApp,
                "the workload's own name, claims or default container are about it",
            );
        }
        if let Some(service) = self.pod.served_alone(own) {
            let known = self.pod.catalogue.of(own).is_some_and(|known| known.certain);
            return match known {
                true => Proof::unknown(
                    Obligation::NobodysApp,
                    format!("Service {service} leads to it and to no other container"),
                ),
                false => Proof::refuted(
                    Obligation::NobodysApp,
                    format!("Service {service} leads to it and to no other container"),
                ),
            };
        }
        let is_known = *self.answer() == RunsServer::Proved;
        if is_known || self.is_ended() || others().any(|other| workload.is_about(other, own)) {
            return Proof::proved(Obligation::NobodysApp, "the workload is about another container");
        }
        let is_first = others().all(|other| other.index > own.index);
        match is_first && workload.kind != WorkloadKind::Pod {
            true => Proof::unknown(
                Obligation::NobodysApp,
                "it stands first among the containers, where people write the app",
            ),
            false => Proof::proved(
                Obligation::NobodysApp,
                "another container stands before it and uses it",
            ),
        }
    }

    /// Whether a rule of `podFailurePolicy` is about its exit code: it names this container, or none.
    fn counts_for_the_job(&self) -> bool {
        let spec = self.pod.workload.object.node.get("spec");
        let template = spec.and_then(|spec| spec.get("jobTemplate")?.get("spec"));
        let rules = [spec, template]
            .into_iter()
            .flatten()
            .filter_map(|job| job.get("podFailurePolicy")?.get("rules"));
        rules
            .flat_map(Node::items)
            .filter_map(|rule| rule.get("onExitCodes"))
            .any(|codes| {
                let named = codes.get("containerName").and_then(Node::as_str);
                named.is_none_or(|name| name == self.member.container.name)
            })
    }

    /// A Service finds a named port in `containers` first, and in sidecars of `initContainers` only then
    /// (k8s.io/kubernetes/pkg/api/v1/pod `FindPort`).
    fn ports_lead(&self) -> Proof {
        if self.options.form == Form::Lifecycle {
            return Proof::proved(Obligation::PortsLead, "no container changes its list");
        }
        let own = &self.member.container;
        let names: Vec<&str> = own.ports().filter_map(|port| port.name).collect();
        let twin = self.pod.workload.regular().find(|other| {
            other.index != own.index
                && other
                    .ports()
                    .any(|port| port.name.is_some_and(|name| names.contains(&name)))
        });
        match twin {
            Some(twin) => Proof::refuted(
                Obligation::PortsLead,
                format!(
                    "{} has a port of the same name, and a Service that names it would lead there instead; number the Service's targetPort first",
                    twin.name
                ),
            ),
            None => Proof::proved(
                Obligation::PortsLead,
                "no other container has a port of the same name",
            ),
        }
    }
}

/// The file for which a container waits before it does its work, where that is written when the app is done.
fn starts_after_the_app<'p>(pod: &'p Pod<'_>, index: usize) -> Option<&'p str> {
    let (at, program) = Pod::entrypoint(pod.members.get(index)?)?;
    let facts = pod.links.facts(index, at)?;
    let begins_with = |wait: &&Wait| {
        let has_worked = facts.work.iter().any(|work| work.start < wait.span.start);
        !wait.inverted && wait.command_after.is_some() && !has_worked
    };
    facts
        .waits
        .iter()
        .filter(begins_with)
        .filter_map(awaited_file)
        .find(|file| {
            let path = file.path.as_deref();
            path.is_some_and(|path| written_at_end(pod, index, path))
        })
        .map(|file| shown_path(program, file))
}

/// The file that a wait looks for.
fn awaited_file(wait: &Wait) -> Option<&FilePath> {
    wait.probes.iter().find_map(|probe| match &probe.action {
        Action::TestFile { path, .. } => Some(path),
        _ => None,
    })
}

/// Whether another container writes a file when its work is done.
fn written_at_end(pod: &Pod<'_>, reader: usize, file: &str) -> bool {
    let Some((volume, relative)) = pod
        .members
        .get(reader)
        .and_then(|member| pod.workload.volume_of_file(&member.container, file))
    else {
        return false;
    };
    pod.members
        .iter()
        .enumerate()
        .filter(|(index, _)| *index != reader)
        .any(|(index, other)| {
            if other.container.list != ContainerList::Regular {
                return false;
            }
            (0..other.programs.len())
                .filter_map(|at| pod.links.facts(index, at))
                .any(|facts| {
                    facts.markers.iter().any(|marker| {
                        let is_it = marker.file.path.as_deref().is_some_and(|path| {
                            pod.workload
                                .volume_of_file(&other.container, path)
                                .is_some_and(|(theirs, path)| theirs.name == volume.name && path == relative)
                        });
                        is_it && !matches!(marker.usage, MarkerUse::Tested { .. }) && marker.is_at_end()
                    })
                })
        })
}

impl Suspect {
    /// Whether it would go on ending a declared sidecar, so that no review can accept it.
    fn stays(&self) -> bool {
        matches!(
            self,
            Self::KillingScript(_) | Self::Helper { .. } | Self::Unread { holds_quit: true, .. }
        )
    }

    /// The container, where all that speaks for it is that what it runs can't be seen.
    fn unseen_container(&self) -> Option<usize> {
        match self {
            Self::File { container, file } if !names_an_end(file) => Some(*container),
            Self::Image(container) | Self::Script(container) | Self::Unread { container, .. } => {
                Some(*container)
            }
            _ => None,
        }
    }
}
