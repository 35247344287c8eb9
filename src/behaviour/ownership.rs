//! Whose a port, a process or a tool is.

use std::sync::Arc;

use crate::{
    catalogue::{service_port, tool, wrapper::Wrapper},
    roles::{Catalogue, KnownSidecar},
    workload::{Container, ContainerList, HookKind, ProbeKind, Program, ProgramPlace, Workload},
};

use super::{
    Party,
    action::{Target, Within},
};

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
        let names_it = declares(own, port) || is_known_for_it(own) || names_own(own, port);
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

    /// Whose process is killed by that name; `None` where it is the container's own. Where another container has a
    /// process of the same name, `own_first` says which is meant.
    pub(super) fn of_process(&self, from: usize, target: &Target, own_first: bool) -> Option<Party> {
        let (name, within) = match target {
            Target::Process { pattern, within } => (pattern, *within),
            Target::PidFile(file) if !own_first => return self.of_pid_file(from, file),
            _ => return None,
        };
        let own = self.workload.containers.get(from)?;
        let is_own = || self.runs(from, own, name) || self.starts(from, name);
        if own_first && is_own() {
            return None;
        }
        if let Some((index, _)) = self
            .others(from)
            .find(|(index, container)| self.runs(*index, container, name))
            .or_else(|| {
                self.others(from)
                    .find(|(index, _)| self.starts_first(*index, name))
            })
        {
            return Some(Party::Container(index));
        }
        if is_own() {
            return None;
        }
        let in_part = match within {
            _ if own_first => None,
            Within::WholeName => None,
            Within::Name => self.called_in_part(from, name),
            Within::CommandLine => self.named_in_part(from, name),
        };
        if let Some(index) = in_part {
            return Some(Party::Container(index));
        }
        self.injectable(|known| known.programs.iter().any(|program| program == name))
            .or(Some(Party::Unknown))
    }

    /// Whose process has its number in a file: who names the file, where only one does.
    fn of_pid_file(&self, from: usize, file: &str) -> Option<Party> {
        let writes = |container: usize| {
            let programs = self.programs.get(container).into_iter().flatten();
            self.names_path(container, file)
                || programs
                    .filter(|program| program.place == ProgramPlace::Entrypoint)
                    .any(|program| program.text.contains(file))
        };
        let mut others = self.others(from).filter(|(index, _)| writes(*index));
        match (others.next(), others.next()) {
            (Some((index, _)), None) => Some(Party::Container(index)),
            _ => None,
        }
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

    /// The only other container whose command line has a text in it: `pkill -f sql-proxy`.
    fn named_in_part(&self, from: usize, text: &str) -> Option<usize> {
        let has = |index: usize, container: &Container<'_>| {
            let known = self.known(container);
            let programs = known.into_iter().flat_map(|known| known.programs.iter());
            let entrypoint = self
                .programs
                .get(index)
                .into_iter()
                .flatten()
                .find(|program| program.place == ProgramPlace::Entrypoint);
            let words = entrypoint.into_iter().flat_map(|program| &program.words);
            programs
                .map(String::as_str)
                .chain(words.filter_map(|word| word.as_str()))
                .any(|word| word.contains(text))
        };
        let mut having = self
            .others(from)
            .filter(|(index, container)| has(*index, container));
        let (index, _) = having.next().filter(|_| text.len() > 3)?;
        having.next().is_none().then_some(index)
    }

    /// The only other container that has a process with a text in its name, where `from` itself starts none: `pkill
    /// cloud-sql`.
    fn called_in_part(&self, from: usize, pattern: &str) -> Option<usize> {
        let fits = |program: &str| Within::Name.fits_in_part(pattern, program);
        let is_called = |index: usize, container: &Container<'_>| {
            self.known_programs(container).any(fits)
                || self.first_word(index).is_some_and(fits)
                || container.image().is_some_and(|image| fits(image.base_name()))
        };
        let mut own = self.programs.get(from).into_iter().flatten();
        if own.any(|program| runs_a_command(program, |name| fits(name.rsplit('/').next().unwrap_or(name)))) {
            return None;
        }
        let mut called = self
            .others(from)
            .filter(|(index, container)| is_called(*index, container));
        match (called.next(), called.next()) {
            (Some((index, _)), None) => Some(index),
            _ => None,
        }
    }

    /// The name of the program that a container's entrypoint starts with.
    fn first_word(&self, index: usize) -> Option<&str> {
        let mut programs = self.programs.get(index)?.iter();
        let entrypoint = programs.find(|program| program.place == ProgramPlace::Entrypoint)?;
        let word = entrypoint.words.first()?.as_str()?;
        Some(word.rsplit('/').next().unwrap_or(word))
    }

    /// The server that a client's own command ends (`redis-cli shutdown`), by the names of its programs and images: none
    /// where it is the container's own, or nobody runs it.
    pub(super) fn of_server(
        &self,
        from: usize,
        port: Option<u16>,
        servers: &[&str],
        client: &str,
    ) -> Option<Party> {
        let is_it = |index: usize, container: &Container<'_>| {
            let image = container.image().map(|image| image.base_name());
            let names = [Some(container.name), image, self.first_word(index)];
            names.into_iter().flatten().any(|name| servers.contains(&name))
        };
        let own = self.workload.containers.get(from)?;
        // The client may be called as an image of the server is: `mysql`.
        let mut programs = servers.iter().filter(|server| **server != client);
        if is_it(from, own) || programs.any(|server| self.starts(from, server)) {
            return None;
        }
        let running: Vec<(usize, &Container<'_>)> = self
            .others(from)
            .filter(|(index, container)| is_it(*index, container))
            .collect();
        let at_the_port = |container: &Container<'_>| {
            port.is_some_and(|port| declares(container, port) || mentions(container, port))
        };
        match running.as_slice() {
            [(only, _)] => Some(Party::Container(*only)),
            [] => {
                let mut others = self.others(from);
                let (index, _) = others.find(|(_, container)| at_the_port(container))?;
                Some(Party::Container(index))
            }
            several => {
                let mut there = several.iter().filter(|(_, container)| at_the_port(container));
                match (there.next(), there.next()) {
                    (Some((index, _)), None) => Some(Party::Container(*index)),
                    _ => Some(Party::Unknown),
                }
            }
        }
    }

    /// Whether a process of that name is a container's.
    fn runs(&self, index: usize, container: &Container<'_>, name: &str) -> bool {
        let first = self.first_word(index);
        let fits = |candidate: &str| candidate == name || name.rsplit('/').next() == Some(candidate);
        fits(container.name)
            || first.is_some_and(fits)
            || container.image().is_some_and(|image| fits(image.base_name()))
            || self.known_programs(container).any(fits)
    }

    /// The programs of a known sidecar.
    fn known_programs(&self, container: &Container<'_>) -> impl Iterator<Item = &str> {
        let programs = self
            .known(container)
            .into_iter()
            .flat_map(|known| &known.programs);
        programs.map(String::as_str)
    }

    /// Whether a container's entrypoint runs a program of that name behind an init program or a shell.
    fn starts_first(&self, index: usize, name: &str) -> bool {
        let mut programs = self.programs.get(index).into_iter().flatten();
        let entrypoint = programs.find(|program| program.place == ProgramPlace::Entrypoint);
        entrypoint.is_some_and(|program| runs_command(program, name))
    }

    /// Whether a container's own script starts a process of that name.
    fn starts(&self, index: usize, name: &str) -> bool {
        let mut programs = self.programs.get(index).into_iter().flatten();
        programs.any(|program| runs_command(program, name))
    }
}

/// Whether a script has a command of that name.
fn runs_command(program: &Program<'_>, name: &str) -> bool {
    runs_a_command(program, |word| {
        word == name || word.rsplit('/').next() == Some(name)
    })
}

/// Whether a script has a command whose name, as it is written, is like that.
fn runs_a_command(program: &Program<'_>, is_it: impl Fn(&str) -> bool) -> bool {
    program.script.as_ref().is_some_and(|script| {
        script
            .list
            .commands()
            .filter_map(|visit| visit.simple().cloned())
            .any(|simple| {
                let at = crate::shell::command_index(&simple.words);
                let word = simple.words.get(at).and_then(|word| word.literal());
                word.is_some_and(|word| is_it(&word))
            })
    })
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
