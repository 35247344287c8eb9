//! Events about a pod.

use super::PodTimeline;
use crate::{
    roles::Role,
    trace::{
        Fact, Moment, SECOND, container::ContainerHistory, evidence::EventSeen, fact::What, object::Event,
        run::NamedTime,
    },
};

impl PodTimeline {
    /// Takes over one event about the pod. Only first occurrences from the kubelet date anything.
    pub fn event(&mut self, seen: &EventSeen) -> Vec<Fact> {
        let mut facts = Vec::new();
        let event = &seen.event;
        let Some(name) = container_of(&event.involved_object.field_path) else {
            return facts;
        };
        let known = self.containers.iter().position(|one| one.name == name);
        let at = match known {
            Some(at) => at,
            None if event
                .involved_object
                .field_path
                .starts_with("spec.ephemeralContainers") =>
            {
                self.containers
                    .push(ContainerHistory::new(name, Role::Ephemeral, false));
                self.containers.len() - 1
            }
            None => return facts,
        };
        if event.reason == "Killing" {
            let last = event.last_timestamp.as_deref().and_then(Moment::parse);
            let requested = named_time(event).map(|named| named.at).or(last);
            if let (Some(container), Some(at)) = (self.containers.get_mut(at), requested) {
                container.stop_requested(at);
            }
        }
        let Some(named) = named_time(event) else {
            return facts;
        };
        let pre_stop = self.declared.container(name).is_some_and(|one| one.pre_stop);
        let native = self.declared.container(name).is_some_and(|one| one.native);
        let Some(container) = self.containers.get_mut(at) else {
            return facts;
        };
        let told = match event.reason.as_str() {
            "Created" => container.named(What::Created, named),
            "Started" => container.named(What::Started, named),
            "Killing" if pre_stop => container.stopping(What::PreStop, named.at),
            "Killing" if !native => container.stopping(What::Sigterm, named.at),
            _ => Vec::new(),
        };
        self.facts(at, told, &mut facts);
        facts
    }
}

/// The container of `spec.containers{name}`.
pub(super) fn container_of(field_path: &str) -> Option<&str> {
    let (_, rest) = field_path.split_once('{')?;
    rest.strip_suffix('}')
}

/// The nanosecond in an event's name, of an event that occurred once and whose name agrees with its second.
#[must_use]
pub fn named_time(event: &Event) -> Option<NamedTime> {
    if event.count.unwrap_or(1) != 1 || event.source.component != "kubelet" {
        return None;
    }
    let (_, hex) = event.metadata.name.rsplit_once('.')?;
    let at = Moment(i64::from_str_radix(hex, 16).ok()?);
    let second = event.first_timestamp.as_deref().and_then(Moment::parse)?;
    let agrees = at >= second && at < second.plus(SECOND);
    agrees.then(|| NamedTime {
        at,
        name: event.metadata.name.clone(),
    })
}
