//! Whose process is meant by a name, a pattern or a file with its number.

use super::{Owners, declares, mentions};
use crate::{
    behaviour::{
        Party,
        action::{Target, Within},
    },
    workload::{Container, Program, ProgramPlace},
};

impl Owners<'_, '_> {
    /// Whose process is killed by that name; `None` where it is the container's own. Where another container has a
    /// process of the same name, `own_first` says which is meant.
    pub(in crate::behaviour) fn of_process(
        &self,
        from: usize,
        target: &Target,
        own_first: bool,
    ) -> Option<Party> {
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
    pub(in crate::behaviour) fn of_server(
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
            .filter_map(|visit| visit.simple()?.called())
            .any(|(call, _)| call.literal().is_some_and(|word| is_it(&word)))
    })
}
