//! Who is meant by a call, a question or a signal.

use super::{Finder, Party};
use crate::{
    behaviour::{
        action::{Action, CommandAction, Connect, Host, Http, Target, Url},
        script::{Kill, Wait},
    },
    catalogue::{quit, wait_tool},
};

impl Finder<'_, '_> {
    pub(super) fn awaited(&self, (from, program): (usize, usize), probe: &CommandAction) -> Option<Party> {
        if let Some(whose) = self.by_named_path((from, program), probe) {
            return whose;
        }
        // A postStart hook asks its own container, unless another one says that it answers there.
        let is_own_gate = self.is_post_start(from, program);
        let of_port = |port: u16, path: Option<&str>| match is_own_gate {
            true => self.owners.of_named_port(from, port, path),
            false => self.owners.of_port(from, port, path),
        };
        match &probe.action {
            Action::Http(http) => {
                let url = http.urls().find(|url| url.host.is_local())?;
                of_port(url.port?, url.path.as_deref())
            }
            Action::Connect(connect) => {
                let port = connect.port?;
                let may_be_local = connect.host.is_local() || self.may_be_served(connect);
                may_be_local.then(|| of_port(port, connect.path.as_deref()))?
            }
            Action::Tool { name } => self.owners.of_tool(from, name),
            _ => None,
        }
    }

    /// Whose the file is that a client's own words name, such as `mysql -S /run/db.sock`: the container's own, or that
    /// of another one, whose words name it too.
    pub(super) fn by_named_path(
        &self,
        (from, program): (usize, usize),
        probe: &CommandAction,
    ) -> Option<Option<Party>> {
        if !matches!(probe.action, Action::Http(_) | Action::Connect(_)) {
            return None;
        }
        let program = self.owners.programs.get(from)?.get(program)?;
        let written = program.text.get(probe.span.clone())?;
        let words: Vec<&str> = written
            .split(|letter: char| letter.is_whitespace() || "=,;'\"()".contains(letter))
            .collect();
        // `-S /run/db.sock`, `--unix-socket /run/x`, `-h /run/postgresql`, `UNIX-CONNECT:/run/x`
        let is_socket = |before: &str, word: &str| {
            let option = before.trim_start_matches('-');
            let is_option = before.starts_with('-')
                && (matches!(option, "S" | "s" | "h" | "host")
                    || option.ends_with('U')
                    || option.ends_with("socket"));
            is_option || word.contains("sock") || word.to_ascii_lowercase().starts_with("unix")
        };
        let before = std::iter::once("").chain(words.iter().copied());
        let mut paths = before
            .zip(words.iter().copied())
            .filter(|(_, word)| word.starts_with('/') || word.to_ascii_lowercase().starts_with("unix"))
            .filter(|(before, word)| is_socket(before, word))
            .filter_map(|(_, word)| word.get(word.find('/')?..))
            .filter(|path| path.len() > 4);
        paths.find_map(|path| {
            if self.owners.names_path(from, path) {
                return Some(None);
            }
            let mut others = self.owners.others(from).map(|(index, _)| index);
            let owner = others.find(|index| self.owners.names_path(*index, path))?;
            Some(Some(Party::Container(owner)))
        })
    }

    /// Whether a client does not say where a port is that a sidecar of the pod serves.
    pub(super) fn may_be_served(&self, connect: &Connect) -> bool {
        let is_open = connect.host == Host::Unknown && connect.path.is_none();
        is_open && connect.port.is_some_and(|port| self.serves(port))
    }

    /// The address as written that a wait asks, where nothing shows that it is the pod's own. A client without an
    /// address asks its own host, unless the container names another in its environment.
    pub(super) fn unknown_host(&self, (container, program): (usize, usize), wait: &Wait) -> Option<String> {
        let program = self.owners.programs.get(container)?.get(program)?;
        let environment = self.owners.workload.containers.get(container)?;
        wait.probes.iter().find_map(|probe| {
            let Action::Connect(connect) = &probe.action else {
                return None;
            };
            self.may_be_served(connect).then_some(())?;
            let written = program.text.get(connect.span.clone())?;
            if !written.contains(['$', '`']) {
                let (host, _) = wait_tool::by_program(&connect.tool)?.variables?;
                let is_set = environment.environment().any(|variable| variable.name == host);
                return is_set.then(|| format!("${host}"));
            }
            let is_own = environment.environment().any(|variable| {
                let source = variable
                    .node
                    .get("valueFrom")
                    .and_then(|node| node.get("fieldRef"));
                let path = source.and_then(|node| node.get("fieldPath")?.as_str());
                let mut words =
                    written.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
                path == Some("status.podIP") && words.any(|word| word == variable.name)
            });
            (!is_own).then(|| written.to_owned())
        })
    }

    /// Whether a known sidecar of the pod serves this port: a client without a host (`pg_isready`) means it.
    pub(super) fn serves(&self, port: u16) -> bool {
        self.owners.workload.containers.iter().any(|container| {
            self.owners
                .known(container)
                .is_some_and(|known| known.serves.contains(&port))
        })
    }

    /// Whom a request's address tells to end.
    pub(super) fn quit_party(
        &self,
        (from, program): (usize, usize),
        request: &Http,
        url: &Url,
    ) -> Option<Party> {
        if let Some(servers) = request.ends {
            return self.owners.of_server(from, url.port, servers, &request.tool);
        }
        let path = url.path.as_deref().filter(|_| url.host.is_local())?;
        let path = path.trim_end_matches('/');
        let known = url
            .port
            .is_some_and(|port| self.owners.is_quit_endpoint(port, path));
        if !quit::stops(path) && !known {
            return None;
        }
        // A hook ends its own process, unless somebody else says that it answers there.
        let is_guessed = quit::says_it(path) && !self.owners.is_hook(from, program);
        self.owners.of_quit(from, url.port, path, is_guessed)
    }

    pub(super) fn killed(&self, from: usize, program: usize, kill: &Kill) -> Option<Party> {
        let shares = self.shares_processes();
        // Without a look at the others' processes, and in a hook, the container's own process is meant.
        let own_first = !shares || self.owners.is_hook(from, program);
        let parties: Vec<Party> = kill
            .targets
            .iter()
            .filter_map(|target| match target {
                // All processes that it sees.
                Target::Pid(-1) if shares => Some(Party::Unknown),
                target => self.owners.of_process(from, target, own_first),
            })
            .collect();
        let named = parties.iter().find(|party| **party != Party::Unknown).cloned();
        // A name that belongs to nobody visible matters only where processes are shared.
        named.or_else(|| parties.first().cloned().filter(|_| shares))
    }
}
