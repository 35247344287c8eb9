//! Where a container listens, as far as its manifest tells: whether a probe of the kubelet, which comes to the pod's
//! address, is answered there (`docs/semantics.md`, "What makes the app wait").

use std::sync::Arc;

use crate::{
    catalogue::{KnownSidecar, service_port},
    workload::{Container, Mount, ProbeKind, Volume, VolumeSource},
    yaml::Node,
};

use super::{Configuration, Member, Pod, configuration::names_loopback, own_address::OwnAddresses};

/// How the names of files end in which servers are set up.
const SETTINGS_FILES: [&str; 10] = [
    "conf",
    "cfg",
    "cnf",
    "config",
    "ini",
    "json",
    "properties",
    "toml",
    "yaml",
    "yml",
];

/// Directories, as they are called, whose files say nothing of where a server listens.
const OTHER_FILES: [&str; 7] = [
    "docker-entrypoint-initdb.d",
    "cert",
    "certs",
    "certificates",
    "tls",
    "ssl",
    "dashboards",
];

/// Where a container listens, by its own words and variables and by what is known of its image.
pub(crate) struct Listener<'p, 'a> {
    container: &'p Container<'a>,
    known: Option<&'p KnownSidecar>,
    words: Vec<&'p str>,
    /// What it finds in ConfigMaps.
    configuration: Option<&'p Configuration<'p>>,
    /// The volumes of its pod.
    volumes: &'p [Volume<'p>],
    own: OwnAddresses,
}

impl<'p, 'a> Listener<'p, 'a> {
    /// Of one container of a pod.
    pub(crate) fn of(pod: &'p Pod<'_>, container: &'p Container<'a>) -> Self {
        let words = own_words(pod, container);
        let configuration = member_of(pod, container).map(|member| &member.configuration);
        let mut own = OwnAddresses::of(container, &words);
        for (name, value) in configuration.iter().flat_map(|own| &own.variables) {
            own.add(name, value);
        }
        Self {
            container,
            known: pod.catalogue.of(container).map(Arc::as_ref),
            own,
            words,
            configuration,
            volumes: &pod.workload.volumes,
        }
    }

    /// Whether the kubelet reaches a port at the pod's address.
    pub(crate) fn is_reachable(&self, port: u16) -> Result<(), String> {
        if let Some(setting) = self.own.on_loopback(port) {
            return Err(format!(
                "{setting} lets it listen on 127.0.0.1 only, where no probe of the kubelet reaches it"
            ));
        }
        let mut files = self.configuration.iter().flat_map(|own| &own.files);
        if files.any(|text| names_loopback(text, port)) {
            return Err(format!(
                "its configuration file lets it listen on 127.0.0.1:{port} only, where no probe of the kubelet reaches it"
            ));
        }
        let by_default = || {
            Err(format!(
                "it listens on 127.0.0.1:{port} by default, where no probe of the kubelet reaches it"
            ))
        };
        if self.is_on_loopback(port) {
            return by_default();
        }
        if self.is_probed(port) {
            return Ok(());
        }
        let is_local = |known: &KnownSidecar| known.local_ports.contains(&port);
        if self.known.is_some_and(is_local) && !self.own.names_all(port) {
            return by_default();
        }
        if let Some(settings) = self.settings().filter(|settings| settings.known.loopback) {
            return match settings.health() {
                Some(health) if health.port == port => health.reachable.then_some(()).ok_or_else(|| {
                    format!(
                        "its health listener is on 127.0.0.1:{port} without --http-address=0.0.0.0, where no probe of the kubelet reaches it"
                    )
                }),
                _ if settings.is_bound_to_all() && settings.serves(port, &settings.known.serves) => Ok(()),
                _ => by_default(),
            };
        }
        let is_open = self.known.is_some_and(|known| known.open_ports.contains(&port));
        let is_image_open = || {
            let image = self.container.image();
            image.is_some_and(|image| service_port::is_open(image.repository, &self.words, port))
        };
        if self.declares(port) || is_open || is_image_open() || self.own.listens_everywhere(port) {
            return Ok(());
        }
        Err(format!(
            "its manifest does not declare port {port}, so it may listen on 127.0.0.1 only"
        ))
    }

    /// What was not read and may let a container listen on 127.0.0.1 alone, where nothing shows that the kubelet reaches
    /// the port: a port among `ports` is only what somebody wrote.
    pub(crate) fn unread_setting(&self, port: u16) -> Option<String> {
        let health = self.settings().and_then(|settings| settings.health());
        let is_shown = self.is_probed(port)
            || self.own.names_all(port)
            || self.own.listens_everywhere(port)
            || self.settings().is_some_and(|settings| settings.is_bound_to_all())
            || health.is_some_and(|health| health.reachable && health.port == port);
        if is_shown {
            return None;
        }
        let configuration = self.configuration?;
        let image = self.container.image();
        let is_image_open =
            image.is_some_and(|image| service_port::is_open(image.repository, &self.words, port));
        let file = self.unread_file(configuration);
        let mount = || {
            let mut mounts = configuration.unread_mounts.iter();
            let is_other = |path: &str| path.split('/').any(|part| OTHER_FILES.contains(&part));
            mounts.find(|path| !is_other(path)).map(|path| (*path).to_owned())
        };
        // An image that listens everywhere by itself is told otherwise by files alone.
        let variables = || {
            let source = configuration.unread_variables.filter(|_| !is_image_open)?;
            Some(format!("the variables from {source}"))
        };
        let setting = file.or_else(mount).or_else(variables)?;
        Some(format!(
            "{setting}, which the input does not show, may let it listen on 127.0.0.1 only"
        ))
    }

    /// A configuration file among its words that no ConfigMap of the input brings.
    fn unread_file(&self, configuration: &Configuration<'_>) -> Option<String> {
        let is_read = |file: &str| {
            let mut mounts = self.container.mounts();
            let is_config_map = |mount: &Mount<'_>| {
                let mut volumes = self.volumes.iter();
                let volume = volumes.find(|volume| volume.name == mount.volume);
                volume.is_some_and(|volume| matches!(volume.source, VolumeSource::ConfigMap { .. }))
            };
            mounts.any(|mount| {
                mount.relative(file).is_some()
                    && is_config_map(&mount)
                    && !configuration.unread_mounts.contains(&mount.path)
            })
        };
        let values = self.words.iter().map(|word| match word.split_once('=') {
            Some((option, value)) if option.starts_with('-') => value,
            _ => word,
        });
        let mut files = values.filter(|word| {
            let ending = word.rsplit_once('.').map_or("", |(_, ending)| ending);
            word.contains('/') && !word.contains("://") && SETTINGS_FILES.contains(&ending)
        });
        files.find(|file| !is_read(file)).map(str::to_owned)
    }

    /// Whether a known sidecar serves a port on 127.0.0.1 alone: nothing in its own settings names all addresses.
    pub(crate) fn is_on_loopback(&self, port: u16) -> bool {
        let is_local = |known: &KnownSidecar| known.loopback && known.serves.contains(&port);
        let names_all = |text: &str| text.contains("0.0.0.0") || text.contains("[::]");
        let mut variables = self.container.environment().filter_map(|variable| variable.value);
        self.known.is_some_and(is_local)
            && !self.words.iter().copied().any(names_all)
            && !variables.any(names_all)
    }

    fn is_probed(&self, port: u16) -> bool {
        let text = port.to_string();
        ProbeKind::ALL
            .iter()
            .filter_map(|kind| self.container.probe(*kind))
            .any(|probe| probe.port() == Some(text.as_str()))
    }

    fn declares(&self, port: u16) -> bool {
        self.container.ports().any(|declared| {
            let protocol = || declared.node.get("protocol").and_then(Node::as_str);
            declared.number == port && protocol().unwrap_or("TCP") == "TCP"
        })
    }

    fn settings(&self) -> Option<Settings<'_, 'a>> {
        Some(Settings {
            container: self.container,
            known: self.known?,
            words: &self.words,
        })
    }
}

/// The path and port of a health listener that a container's own settings turn on, where the kubelet reaches it.
pub(crate) fn health_listener(pod: &Pod<'_>, container: &Container<'_>) -> Option<(String, u16)> {
    let known = pod.catalogue.by_image(container.image()?)?;
    let words = own_words(pod, container);
    let settings = Settings {
        container,
        known,
        words: &words,
    };
    let health = settings.health()?;
    health.reachable.then_some((health.path, health.port))
}

fn member_of<'p, 'a>(pod: &'p Pod<'a>, container: &Container<'_>) -> Option<&'p Member<'a>> {
    let mut members = pod.members.iter();
    members.find(|member| member.container.name == container.name && member.container.list == container.list)
}

/// The words that start a container's program: those of a script's commands, where a shell runs one.
fn own_words<'p>(pod: &'p Pod<'_>, container: &Container<'_>) -> Vec<&'p str> {
    let Some((_, program)) = member_of(pod, container).and_then(Pod::entrypoint) else {
        return Vec::new();
    };
    let of_script = program.script.iter().filter(|_| program.is_shell());
    of_script
        .flat_map(|script| script.list.commands())
        .filter_map(|visit| visit.simple())
        .flat_map(|simple| &simple.words)
        .map(|word| word.raw.as_str())
        .chain(program.words.iter().filter_map(|word| word.as_str()))
        .collect()
}

/// A listener that answers whether a program is healthy.
struct Health {
    path: String,
    port: u16,
    /// It listens at the pod's address.
    reachable: bool,
}

/// How a container's program is set up.
struct Settings<'s, 'a> {
    container: &'s Container<'a>,
    known: &'s KnownSidecar,
    words: &'s [&'s str],
}

impl Settings<'_, '_> {
    /// The value of a flag: `--port=5432`, `--port 5432`, and the variable that stands for it, where it
    /// has one: `CSQL_PROXY_PORT`.
    fn value(&self, flag: &str) -> Option<&str> {
        let by_word = || {
            let is_flag = |word: &&str| word.trim_start_matches('-') == flag && word.starts_with('-');
            let at = self.words.iter().position(is_flag)?;
            self.words.get(at + 1).copied()
        };
        let name = flag.to_ascii_uppercase().replace('-', "_");
        self.words
            .iter()
            .filter(|word| word.starts_with('-'))
            .find_map(|word| word.trim_start_matches('-').strip_prefix(flag)?.strip_prefix('='))
            .or_else(by_word)
            .or_else(|| {
                let prefix = self.known.flag_variables.as_deref()?;
                self.container.value_of(&format!("{prefix}{name}"))
            })
    }

    /// Whether a flag is set.
    fn has(&self, flag: &str) -> bool {
        let is_set = |word: &&str| {
            let word = word.trim_start_matches('-');
            word == flag || word.strip_prefix(flag) == Some("=true")
        };
        self.words.iter().any(is_set) || self.value(flag) == Some("true")
    }

    /// The health listener, where the container's own settings turn it on.
    fn health(&self) -> Option<Health> {
        let listener = self
            .known
            .health
            .as_ref()
            .filter(|listener| self.has(&listener.flag))?;
        let port = match self.value(&listener.port_flag) {
            Some(set) => set.parse().ok()?,
            None => listener.port,
        };
        let is_everywhere = |flag: &String| self.value(flag) == Some("0.0.0.0");
        Some(Health {
            path: listener.path.clone(),
            port,
            reachable: listener.address_flag.as_ref().is_none_or(is_everywhere),
        })
    }

    /// `--address=0.0.0.0`, `-a 0.0.0.0`, `tcp:0.0.0.0:5432`: the listener itself, not only its health port.
    fn is_bound_to_all(&self) -> bool {
        self.value("address") == Some("0.0.0.0")
            || self.value("a") == Some("0.0.0.0")
            || self.words.iter().any(|word| word.contains("tcp:0.0.0.0"))
    }

    /// Whether a port is the listener's: as it is set, or one of those that it has by default.
    fn serves(&self, port: u16, defaults: &[u16]) -> bool {
        let port = port.to_string();
        let instance = format!("tcp:0.0.0.0:{port}");
        if self.words.iter().any(|word| word.contains(&instance)) {
            return true;
        }
        match self.value("port").or_else(|| self.value("p")) {
            Some(set) => set == port,
            None => defaults.iter().any(|own| own.to_string() == port),
        }
    }
}
