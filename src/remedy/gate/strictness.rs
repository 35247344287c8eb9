//! Whether a gate is as strict as the wait that it replaces.

use std::collections::BTreeSet;

use super::startup::{asked_port, has_tool, is_passed, only_connects, takes_any_answer};
use crate::{
    behaviour::{
        action::Action,
        script::{Wait, WaitForm},
    },
    catalogue::wait_tool::{self, Question},
    pod::{Member, Pod, health_listener},
    remedy::obligation::{Obligation, Proof},
    workload::{Probe, ProbeKind},
};

/// Whether the app is held back until a sidecar is up, whatever its own wait does.
pub(crate) fn is_gated_already(pod: &Pod<'_>, sidecar: usize) -> bool {
    pod.members
        .get(sidecar)
        .is_some_and(|member| member.role.declared && pod.gates_the_app(member))
}

/// A wait that ends without an answer too: the app starts in any case, or the pod fails. Where the app doesn't start and
/// its container is restarted, it waits anew, so that it never starts without an answer.
pub(crate) fn gives_up(pod: &Pod<'_>, wait: &Wait) -> bool {
    let waits_anew = wait.is_strict && pod.workload.restart_policy() == "Always";
    let is_bounded = wait.form == WaitForm::CountedLoop || wait.time_limit.is_some();
    is_bounded && !waits_anew
}

/// Whether who waited for a sidecar waits for the same thing once a gate takes the place of the wait.
pub(crate) fn wait_is_kept(pod: &Pod<'_>, sidecar: &Member<'_>, wait: &Wait) -> Proof {
    let container = &sidecar.container;
    let proved = |by: &str| Proof::proved(Obligation::WaitIsKept, by);
    let unknown = |reason: String| Proof::unknown(Obligation::WaitIsKept, reason);
    if let Some(startup) = container.probe(ProbeKind::Startup) {
        return match asks_as_much(&startup, wait) {
            true => proved("its startupProbe asks what the wait asked"),
            false => unknown("its startupProbe asks something else than the wait did".to_owned()),
        };
    }
    let asked: BTreeSet<_> = wait
        .probes
        .iter()
        .filter_map(|probed| address(&probed.action))
        .collect();
    if asked.len() > 1 {
        return unknown("the wait asks several addresses, and a probe asks one".to_owned());
    }
    for probed in &wait.probes {
        match &probed.action {
            Action::Tool { name } if only_connects(pod, container, name) => {
                return unknown(format!("an open port says less than an answer to {name}"));
            }
            Action::Connect(connect) if has_tool(container, &connect.tool) => {
                return proved("a probe asks with the same tool, which its image has");
            }
            Action::Connect(connect) if is_database_client(&connect.tool) => {
                return match health_listener(pod, container) {
                    Some(_) => proved("its own health listener answers when it serves"),
                    None => unknown(format!(
                        "an open port says less than an answer to {}",
                        connect.tool
                    )),
                };
            }
            Action::Http(http) if http.url.request_target().is_none() => {
                return unknown("not all of the address that the wait asks is in the manifest".to_owned());
            }
            Action::Http(http) if takes_any_answer(wait, http) => {
                let path = http.url.path.as_deref().unwrap_or_default();
                if !is_passed(pod, container, path) && health_listener(pod, container).is_none() {
                    return unknown(
                        "the wait is content with any answer, and an open port says less than that"
                            .to_owned(),
                    );
                }
            }
            _ => {}
        }
    }
    proved("a probe asks what the wait asked")
}

/// The port that is asked, and what is asked for there.
fn address(action: &Action) -> Option<(u16, Option<String>)> {
    let target = match action {
        Action::Http(http) => http.url.request_target(),
        _ => None,
    };
    Some((asked_port(action)?, target))
}

/// Whether a probe succeeds only when a wait would be over.
fn asks_as_much(probe: &Probe<'_>, wait: &Wait) -> bool {
    let asks_port = |action: &Action| {
        let port = asked_port(action).map(|port| port.to_string());
        port.is_some() && probe.port() == port.as_deref()
    };
    wait.probes.iter().all(|probed| match &probed.action {
        Action::Connect(connect) => {
            let plain = connect.grpc_health.is_none() && connect.path.is_none();
            asks_port(&probed.action) && plain && !is_database_client(&connect.tool)
        }
        Action::Http(http) => {
            let target = http.url.request_target();
            asks_port(&probed.action) && target.as_deref() == Some(probe.path().unwrap_or("/"))
        }
        _ => false,
    })
}

/// Whether a program asks a server in the server's own protocol, which says more than an open port.
fn is_database_client(program: &str) -> bool {
    wait_tool::by_program(program)
        .is_some_and(|tool| tool.question != Question::Always || tool.variables.is_some())
}
