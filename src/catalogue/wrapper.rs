//! Programs that are put in front of a command to tie it to another container.

/// A wrapper program.
#[derive(Debug)]
pub struct Wrapper {
    /// What messages call it.
    pub name: &'static str,
    /// Names of its executables.
    pub programs: &'static [&'static str],
    /// The environment variables that only wrappers read; one that ends with `_` is a prefix.
    pub settings: &'static [&'static str],
    /// Which of its words are its own.
    pub options: OwnOptions,
    /// Whether it waits for another container before it starts the command.
    pub waits: Tie,
    /// How long it waits, where that has an end.
    pub limit: WaitLimit,
    /// Whether it ends another container after the command, or the command with another container.
    pub ends: Tie,
    /// The setting that lists the containers which its command waits for.
    pub waited_for: Option<&'static str>,
    /// The setting that lists the containers with which its command is ended.
    pub ended_with: Option<&'static str>,
    /// Settings that say that it ends its command or another container.
    pub ending_settings: &'static [&'static str],
    /// A setting that holds the path of the file at whose sight it ends the command.
    pub watched_file: Option<&'static str>,
    /// A setting that holds a directory of its own.
    pub directory: Option<&'static str>,
    /// Settings that hold an address of the sidecar it ties to.
    pub addresses: &'static [&'static str],
    /// Settings that hold the addresses by whose call it ends a sidecar, separated by commas, with what it adds to each
    /// of them.
    pub quit_settings: &'static [(&'static str, &'static str)],
    /// Variables that switch it off where one of them is set and not empty.
    pub disabled_by: &'static [&'static str],
    /// Variables without any of which it only runs its command.
    pub idle_without: &'static [&'static str],
    /// Variables with which, where they are `true`, it never ends its sidecar.
    pub spares_with: &'static [&'static str],
    /// The request by which it ends its sidecar, at the port that it is not told otherwise.
    pub quit: Option<QuitRequest>,
    /// The known sidecar that it always ties to.
    pub sidecar: Option<&'static str>,
    /// The base name of an image that only brings its executable.
    pub carrier: Option<&'static str>,
    /// Its name is a common word or begins one: alone in a text it shows nothing.
    pub is_common_word: bool,
    /// It asks the API server for its pod.
    pub reads_pods: bool,
    /// What it does to its command, in a message.
    pub does: &'static str,
    /// Where this is from.
    pub source: &'static str,
    /// The day on which somebody compared the row with its source.
    pub checked: &'static str,
}

/// When a wrapper gives up its wait.
#[derive(Debug, Clone, Copy)]
pub struct WaitLimit {
    /// The variables and options that say after how long.
    pub named_by: &'static [&'static str],
    /// After how long without them.
    pub usual: Option<&'static str>,
    /// It fails then, and does not start the command.
    pub fails: bool,
}

/// A `POST` to the pod itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuitRequest {
    /// The port.
    pub port: u16,
    /// The path.
    pub path: &'static str,
    /// The options that name another port.
    pub port_options: &'static [&'static str],
}

/// Which words behind a wrapper are its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnOptions {
    /// None: the command begins right behind it.
    None,
    /// Options up to `--` or up to the first word that is no option.
    Known {
        /// Letters of short options that take the next word.
        short: &'static str,
        /// Long options that take the next word.
        long: &'static [&'static str],
    },
    /// Not known.
    Unknown,
}

/// When a wrapper ties its command to another container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tie {
    /// Always.
    Always,
    /// Never.
    Never,
    /// Where one of these variables is set.
    With(&'static [&'static str]),
    /// Where one of these options is among its words.
    Told(&'static [&'static str]),
}

/// All wrappers.
pub const WRAPPERS: &[Wrapper] = &[
    Wrapper {
        name: "kubexit",
        programs: &["kubexit"],
        settings: &["KUBEXIT_"],
        waits: Tie::With(&["KUBEXIT_BIRTH_DEPS"]),
        limit: WaitLimit {
            named_by: &["KUBEXIT_BIRTH_TIMEOUT"],
            usual: Some("30s"),
            fails: true,
        },
        ends: Tie::Always,
        waited_for: Some("KUBEXIT_BIRTH_DEPS"),
        ended_with: Some("KUBEXIT_DEATH_DEPS"),
        ending_settings: &["KUBEXIT_DEATH_DEPS"],
        directory: Some("KUBEXIT_GRAVEYARD"),
        carrier: Some("kubexit"),
        reads_pods: true,
        source: "https://github.com/karlkfi/kubexit/blob/master/README.md",
        ..ROW
    },
    Wrapper {
        name: "scuttle",
        programs: &["scuttle"],
        settings: &[
            "ENVOY_ADMIN_API",
            "ISTIO_QUIT_API",
            "ISTIO_FALLBACK_PKILL",
            "GENERIC_QUIT_ENDPOINTS",
            "NEVER_KILL_ISTIO",
            "NEVER_KILL_ISTIO_ON_FAILURE",
            "WAIT_FOR_ENVOY_TIMEOUT",
            "START_WITHOUT_ENVOY",
            "QUIT_WITHOUT_ENVOY_TIMEOUT",
            "SCUTTLE_",
        ],
        limit: WaitLimit {
            named_by: &["WAIT_FOR_ENVOY_TIMEOUT", "QUIT_WITHOUT_ENVOY_TIMEOUT"],
            ..ENDLESS
        },
        ending_settings: &["ISTIO_QUIT_API", "GENERIC_QUIT_ENDPOINTS", "ENVOY_ADMIN_API"],
        addresses: &["ISTIO_QUIT_API", "ENVOY_ADMIN_API"],
        quit_settings: &[
            ("ISTIO_QUIT_API", "/quitquitquit"),
            ("GENERIC_QUIT_ENDPOINTS", ""),
        ],
        idle_without: &["ENVOY_ADMIN_API", "ISTIO_QUIT_API", "GENERIC_QUIT_ENDPOINTS"],
        spares_with: &["NEVER_KILL_ISTIO"],
        source: "https://github.com/redboxllc/scuttle/blob/master/scuttle_config.go",
        ..ROW
    },
    Wrapper {
        name: "envoy-preflight",
        programs: &["envoy-preflight"],
        settings: &[
            "ENVOY_ADMIN_API",
            "ENVOY_KILL_API",
            "ALWAYS_KILL_ENVOY",
            "NEVER_KILL_ENVOY",
            "START_WITHOUT_ENVOY",
        ],
        ending_settings: &["ENVOY_KILL_API", "ENVOY_ADMIN_API"],
        addresses: &["ENVOY_KILL_API", "ENVOY_ADMIN_API"],
        quit_settings: &[("ENVOY_KILL_API", ""), ("ENVOY_ADMIN_API", "/quitquitquit")],
        idle_without: &["ENVOY_ADMIN_API", "ENVOY_KILL_API"],
        spares_with: &["NEVER_KILL_ENVOY"],
        source: "https://github.com/monzo/envoy-preflight/blob/master/main.go",
        ..ROW
    },
    Wrapper {
        name: "linkerd-await",
        programs: &["linkerd-await"],
        settings: &["LINKERD_AWAIT_", "LINKERD_DISABLED"],
        options: OwnOptions::Known {
            // `--uri` is of its first versions.
            short: "bptu",
            long: &["backoff", "port", "timeout", "uri"],
        },
        limit: WaitLimit {
            named_by: &["-t", "--timeout", "LINKERD_AWAIT_TIMEOUT"],
            usual: None,
            fails: true,
        },
        // It only waits unless it is told otherwise.
        ends: Tie::Told(&["--shutdown", "-S"]),
        disabled_by: &["LINKERD_AWAIT_DISABLED", "LINKERD_DISABLED"],
        quit: Some(QuitRequest {
            port: 4191,
            path: "/shutdown",
            port_options: &["p", "port"],
        }),
        sidecar: Some("linkerd-proxy"),
        does: "holds it until the proxy is ready",
        source: "https://github.com/linkerd/linkerd-await/blob/main/src/main.rs",
        ..ROW
    },
    Wrapper {
        name: "watchkiller",
        programs: &["watchkiller"],
        settings: &["KILLER_WATCH_FILE", "KILLER_INTERVAL"],
        waits: Tie::Never,
        ending_settings: &["KILLER_WATCH_FILE"],
        watched_file: Some("KILLER_WATCH_FILE"),
        does: "ends it when a marker file appears",
        source: "https://github.com/nownabe/watchkiller/blob/master/README.md",
        ..ROW
    },
    Wrapper {
        name: "proa",
        programs: &["proa"],
        is_common_word: true,
        options: OwnOptions::Unknown,
        reads_pods: true,
        source: "https://github.com/ironcorelabs/proa",
        ..ROW
    },
    Wrapper {
        name: "istio-wrapper",
        programs: &["istio-wrapper"],
        options: OwnOptions::Unknown,
        sidecar: Some("istio-proxy"),
        source: "https://github.com/istio/istio/issues/6324",
        checked: "2026-11-23",
        ..ROW
    },
    Wrapper {
        name: "prow's entrypoint",
        // Its program is called `entrypoint`, which says nothing.
        settings: &["ENTRYPOINT_OPTIONS"],
        options: OwnOptions::Unknown,
        waits: Tie::Never,
        source: "https://github.com/kubernetes-sigs/prow/tree/main/cmd/entrypoint",
        checked: "2026-11-23",
        ..ROW
    },
];

/// An init process: it runs the words behind it and does nothing but forward signals.
#[derive(Debug)]
pub struct Init {
    /// Its executable.
    pub program: &'static str,
    /// Where this is from.
    pub source: &'static str,
    /// The day on which somebody compared the row with its source.
    pub checked: &'static str,
}

/// Init processes that are no simple prefixes of a command.
pub const INITS: &[Init] = &[
    init("s6-svscan", "https://skarnet.org/software/s6/s6-svscan.html"),
    init(
        "runsvdir",
        "https://manpages.ubuntu.com/manpages/noble/man8/runsvdir.8.html",
    ),
    init("supervisord", "https://supervisord.org/running.html"),
    init("pid1", "https://github.com/fpco/pid1/blob/master/README.md"),
];

const fn init(program: &'static str, source: &'static str) -> Init {
    Init {
        program,
        source,
        checked: "2026-11-29",
    }
}

/// Whether a program is an init process.
#[must_use]
pub fn is_init(name: &str) -> bool {
    INITS.iter().any(|init| init.program == name)
}

const ENDLESS: WaitLimit = WaitLimit {
    named_by: &[],
    usual: None,
    fails: false,
};

/// What most wrappers have in common.
const ROW: Wrapper = Wrapper {
    name: "",
    programs: &[],
    settings: &[],
    options: OwnOptions::None,
    waits: Tie::Always,
    limit: ENDLESS,
    ends: Tie::Always,
    waited_for: None,
    ended_with: None,
    ending_settings: &[],
    watched_file: None,
    directory: None,
    addresses: &[],
    quit_settings: &[],
    disabled_by: &[],
    idle_without: &[],
    spares_with: &[],
    quit: None,
    sidecar: None,
    carrier: None,
    is_common_word: false,
    reads_pods: false,
    does: "ties its start and end to another container's",
    source: "",
    checked: "2026-11-29",
};

impl Wrapper {
    /// The wrapper that a word of a command line names, by the last part of its path.
    #[must_use]
    pub fn of_program(word: &str) -> Option<&'static Self> {
        let name = word.rsplit('/').next().unwrap_or(word);
        WRAPPERS.iter().find(|wrapper| wrapper.programs.contains(&name))
    }

    /// The wrapper that reads an environment variable of that name.
    #[must_use]
    pub fn of_setting(variable: &str) -> Option<&'static Self> {
        WRAPPERS.iter().find(|wrapper| wrapper.reads(variable))
    }

    /// Whether it reads an environment variable of that name.
    #[must_use]
    pub fn reads(&self, variable: &str) -> bool {
        self.settings
            .iter()
            .any(|known| variable == *known || (known.ends_with('_') && variable.starts_with(known)))
    }
}
