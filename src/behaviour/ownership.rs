//! Whose a port, a process or a tool is.

mod process;

use std::sync::Arc;

use crate::{
    catalogue::{program_end::is_server, service_port, tool, wrapper::Wrapper},
    roles::{Catalogue, KnownSidecar},
    shell::Simple,
    workload::{Container, ContainerList, HookKind, ProbeKind, Program, ProgramPlace, Workload},
};

use super::Party;

/// A pod in which owners are looked for.
pub(super) struct Owners<'f, 't> {
    pub(super) workload: &'f Workload<'t>,
    pub(super) programs: &'f [Vec<Program<'t>>],
    /// The sidecars that injectors add.
    pub(super) injected: &'f [Arc<KnownSidecar>],
    pub(super) catalogue: &'f Catalogue,
}

impl Owners<'_, '_> {
    /// Containers that run beside `from`, with their indices.
    pub(super) fn others(&self, from: usize) -> impl Iterator<Item = (usize, &Container<'_>)> {
        self.workload
            .containers
            .iter()
            .enumerate()
            .filter(move |(index, container)| {
                *index != from
                    && match container.list {
                        ContainerList::Regular | ContainerList::ControllerSidecars => true,
                        ContainerList::Init => container.is_native_sidecar(),
                        ContainerList::Ephemeral => false,
                    }
            })
    }

    pub(super) fn known(&self, container: &Container<'_>) -> Option<&Arc<KnownSidecar>> {
        self.catalogue.of(container)
    }

    /// Who listens on a port of the pod: never `from` itself.
    pub(super) fn of_port(&self, from: usize, port: u16, path: Option<&str>) -> Option<Party> {
        self.listener(from, port, path, true)
    }

    /// Who says that it listens on a port.
    pub(super) fn of_named_port(&self, from: usize, port: u16, path: Option<&str>) -> Option<Party> {
        self.listener(from, port, path, false)
    }

    fn listener(&self, from: usize, port: u16, path: Option<&str>, guesses: bool) -> Option<Party> {
        let own = self.workload.containers.get(from)?;
        let knows =
            |known: &KnownSidecar| known.is_ready_endpoint(port, path) || known.is_quit_endpoint(port, path);
        let listens = |container: &Container<'_>| declares(container, port);
        let is_known_for_it = |container: &Container<'_>| {
            self.known(container).is_some_and(|known| knows(known)) || serves_as_usual(container, port)
        };
        let mentions_it = |container: &Container<'_>| mentions(container, port);
        let signs: [&dyn Fn(&Container<'_>) -> bool; 3] = [&listens, &is_known_for_it, &mentions_it];
        // The app's setting for a database's port (`DATABASE_PORT`) names what its known proxy serves.
        let is_its_own = self.known(own).is_some_and(|known| known.serves.contains(&port));
        for sign in signs.iter().take(if is_its_own { 2 } else { 3 }) {
            // Of two of one kind, the one that names the port.
            let of_kind = || self.others(from).filter(|(_, container)| sign(container));
            let named = of_kind().find(|(_, container)| mentions(container, port));
            if let Some((index, _)) = named.or_else(|| of_kind().next()) {
                return Some(Party::Container(index));
            }
        }
        if let Some(injected) = self.injected.iter().find(|injected| knows(injected)) {
            return Some(Party::Injected(Arc::clone(injected)));
        }
        let names_it = declares(own, port)
            || is_known_for_it(own)
            || names_own(own, port)
            || self.starts_server_of(from, own, port);
        if is_its_own || names_it {
            return None;
        }
        // An address that only one injected proxy answers says that it is there.
        let told = self.injectable(|known| {
            known.ready.iter().chain(&known.quit).any(|endpoint| {
                endpoint.port == port && endpoint.path.as_deref() == path.filter(|path| *path != "/")
            })
        });
        let guess = || guesses.then(|| self.only_other(from, port)).flatten();
        match told {
            Some(Party::Unknown) => guess().or(told),
            told => told.or_else(guess),
        }
    }

    /// Whether a container's script starts the server of its image, which listens on that port as it is made.
    fn starts_server_of(&self, index: usize, container: &Container<'_>, port: u16) -> bool {
        let is_usual = container
            .image()
            .is_some_and(|image| service_port::may_serve(image.base_name(), &[], port));
        let programs = self.programs.get(index).into_iter().flatten();
        let mut commands = programs
            .filter(|program| is_usual && program.place == ProgramPlace::Entrypoint)
            .filter_map(|program| program.script.as_ref())
            .flat_map(|script| script.list.commands());
        commands.any(|visit| {
            let called = visit.simple().and_then(Simple::called);
            called.is_some_and(|(call, words)| {
                let call = call.raw.as_str();
                let words: Vec<&str> = words.iter().map(|word| word.raw.as_str()).collect();
                is_server(call, &words) || service_port::is_server(call.rsplit('/').next().unwrap_or(call))
            })
        })
    }

    /// With exactly one other container beside it, nobody else can be meant.
    fn only_other(&self, from: usize, port: u16) -> Option<Party> {
        let mut others = self.others(from);
        match (others.next(), others.next()) {
            (Some((index, other)), None) if other.ports().next().is_none() || port != 80 => {
                Some(Party::Container(index))
            }
            (Some(_), Some(_)) => Some(Party::Unknown),
            _ => None,
        }
    }

    /// Whether a container's own words or environment name a file, as a server names its socket.
    pub(super) fn names_path(&self, container: usize, path: &str) -> bool {
        let Some(container) = self.workload.containers.get(container) else {
            return false;
        };
        // A script names the files of others too.
        let is_setting = |text: &&str| !text.contains(['\n', ' ']) && text.len() < 200;
        let words = container.command().into_iter().chain(container.arguments());
        let values = container.environment().filter_map(|variable| variable.value);
        words
            .filter_map(|word| word.as_str())
            .chain(values)
            .filter(is_setting)
            .any(|text| text.contains(path))
    }

    /// Whether some known sidecar is stopped by a call there.
    pub(super) fn is_quit_endpoint(&self, port: u16, path: &str) -> bool {
        self.catalogue
            .entries()
            .any(|known| known.is_quit_endpoint(port, Some(path)))
    }

    /// Who is stopped by a call of a quit endpoint. `specific`: the path alone says that somebody is.
    pub(super) fn of_quit(
        &self,
        from: usize,
        port: Option<u16>,
        path: &str,
        specific: bool,
    ) -> Option<Party> {
        let listens = |container: &Container<'_>| {
            port.is_some_and(|port| declares(container, port) || mentions(container, port))
        };
        let quits = |known: &KnownSidecar| port.is_some_and(|port| known.is_quit_endpoint(port, Some(path)));
        let container = self
            .others(from)
            .find(|(_, container)| listens(container))
            .or_else(|| {
                self.others(from)
                    .find(|(_, container)| self.known(container).is_some_and(|known| quits(known)))
            });
        if let Some((index, _)) = container {
            return Some(Party::Container(index));
        }
        // A hook that stops its own process is its own affair.
        let own = self.workload.containers.get(from)?;
        let is_own = port.is_some_and(|port| declares(own, port));
        if is_own || self.known(own).is_some_and(|known| quits(known)) {
            return None;
        }
        if let Some(injected @ Party::Injected(_)) = self.injectable(quits) {
            return Some(injected);
        }
        if listens(own) || !specific {
            return None;
        }
        let mut others = self.others(from);
        match (others.next(), others.next()) {
            (Some((index, _)), None) => Some(Party::Container(index)),
            _ => Some(Party::Unknown),
        }
    }

    /// Whom a tool asks that knows the way itself.
    pub(super) fn of_tool(&self, from: usize, tool: &str) -> Option<Party> {
        let tool = tool.split(' ').next().unwrap_or(tool);
        let sidecar = tool::by_program(tool)
            .and_then(|tool| tool.sidecar)
            .or_else(|| Wrapper::of_program(tool)?.sidecar);
        let asks = |known: &KnownSidecar| {
            known.tools.iter().any(|own| own == tool) || sidecar == Some(known.name.as_str())
        };
        let is_asked = |container: &Container<'_>| self.known(container).is_some_and(|known| asks(known));
        if let Some((index, _)) = self.others(from).find(|(_, container)| is_asked(container)) {
            return Some(Party::Container(index));
        }
        // A proxy's own agent, called in the proxy itself, waits for itself.
        if self.workload.containers.get(from).is_some_and(is_asked) {
            return None;
        }
        self.injectable(asks)
    }

    /// Whether a program is a hook.
    pub(super) fn is_hook(&self, container: usize, program: usize) -> bool {
        let program = self
            .programs
            .get(container)
            .and_then(|programs| programs.get(program));
        program.is_some_and(|program| matches!(program.place, ProgramPlace::Hook(_)))
    }

    /// The injected sidecar that is meant. Several injectors add an Envoy: the one that the pod asks for, and where it
    /// asks for none it is not known. A pod that asks for one mesh is in no other.
    fn injectable(&self, fits: impl Fn(&KnownSidecar) -> bool) -> Option<Party> {
        let injected = |known: &Arc<KnownSidecar>| Some(Party::Injected(Arc::clone(known)));
        if let Some(known) = self.injected.iter().find(|known| fits(known)) {
            return injected(known);
        }
        let is_in_a_mesh = self.injected.iter().any(|known| known.redirects_traffic);
        let mut fitting = self.catalogue.entries().filter(|known| {
            known.injector.is_some() && !(is_in_a_mesh && known.redirects_traffic) && fits(known)
        });
        match (fitting.next(), fitting.next()) {
            (Some(known), None) => injected(known),
            (Some(_), Some(_)) => Some(Party::Unknown),
            _ => None,
        }
    }
}

/// Whether a container says that it listens on a port: `ports`, a probe or a hook that asks it.
fn declares(container: &Container<'_>, port: u16) -> bool {
    let is_probed = ProbeKind::ALL
        .iter()
        .filter_map(|kind| container.probe(*kind))
        .any(|probe| {
            probe.port().is_some_and(|written| {
                written.parse() == Ok(port)
                    || container
                        .ports()
                        .any(|declared| declared.name == Some(written) && declared.number == port)
            })
        });
    let is_hooked = [HookKind::PostStart, HookKind::PreStop]
        .iter()
        .filter_map(|kind| container.hook(*kind))
        .any(|hook| {
            hook.http_get()
                .and_then(|get| get.get("port")?.as_str()?.parse::<u16>().ok())
                .is_some_and(|asked| asked == port)
        });
    container.ports().any(|declared| declared.number == port) || is_probed || is_hooked
}

/// Whether a container runs its image as it is made, whose server listens on that port.
fn serves_as_usual(container: &Container<'_>, port: u16) -> bool {
    let words: Vec<&str> = container
        .arguments()
        .iter()
        .filter_map(|word| word.as_str())
        .collect();
    let image = container.image().filter(|_| container.command().is_empty());
    image.is_some_and(|image| service_port::may_serve(image.base_name(), &words, port))
}

/// Whether a port stands in a container's own words or environment: `--port=5432`, `0.0.0.0:9090`.
fn mentions(container: &Container<'_>, port: u16) -> bool {
    mentions_where(container, port, |_| true)
}

/// The same without the addresses that a command is given to ask: `wait-for-it localhost:6379 -- app`.
fn names_own(container: &Container<'_>, port: u16) -> bool {
    mentions_where(container, port, |word| {
        let is_address = ["localhost:", "127.0.0.1:", "//localhost:", "//127.0.0.1:"]
            .iter()
            .any(|sign| word.contains(sign));
        word.starts_with('-') || !is_address
    })
}

fn mentions_where(container: &Container<'_>, port: u16, counts: impl Fn(&str) -> bool) -> bool {
    let port = port.to_string();
    let holds = |text: &str| {
        // A script names the ports of others too; only flags and settings name one's own.
        text.len() < 200
            && !text.contains(['\n', ' '])
            && text
                .split(|letter: char| !letter.is_ascii_digit())
                .any(|number| number == port)
    };
    let words = container.command().into_iter().chain(container.arguments());
    words
        .filter_map(|node| node.as_str())
        .any(|word| counts(word) && holds(word))
        || container.environment().any(|variable| {
            let key = variable.name.to_ascii_uppercase();
            ["PORT", "ADDRESS", "ADDR", "LISTEN"]
                .iter()
                .any(|end| key.ends_with(end))
                && variable.value.is_some_and(holds)
        })
}
