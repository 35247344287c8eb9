//! Programs around a container's own that wait for, or end, another container.

use super::Member;

/// A wrapper and how its presence shows.
pub(crate) struct Wrapper {
    pub(crate) name: &'static str,
    pub(crate) programs: &'static [&'static str],
    pub(crate) variables: &'static [&'static str],
}

/// The wrappers that are known.
pub(crate) const WRAPPERS: [Wrapper; 7] = [
    Wrapper {
        name: "kubexit",
        programs: &["kubexit"],
        variables: &["KUBEXIT_"],
    },
    Wrapper {
        name: "scuttle",
        programs: &["scuttle"],
        variables: &[
            "ENVOY_ADMIN_API",
            "ISTIO_QUIT_API",
            "ENVOY_KILL_API",
            "ALWAYS_KILL_ENVOY",
            "NEVER_KILL_ISTIO",
            "NEVER_KILL_ISTIO_ON_FAILURE",
            "WAIT_FOR_ENVOY_TIMEOUT",
            "START_WITHOUT_ENVOY",
            "SCUTTLE_",
            "QUIT_WITHOUT_ENVOY_TIMEOUT",
        ],
    },
    Wrapper {
        name: "envoy-preflight",
        programs: &["envoy-preflight"],
        variables: &[
            "ENVOY_ADMIN_API",
            "ENVOY_KILL_API",
            "ALWAYS_KILL_ENVOY",
            "NEVER_KILL_ENVOY",
            "START_WITHOUT_ENVOY",
        ],
    },
    Wrapper {
        name: "linkerd-await",
        programs: &["linkerd-await"],
        variables: &["LINKERD_AWAIT_"],
    },
    Wrapper {
        name: "watchkiller",
        programs: &["watchkiller"],
        variables: &["KILLER_WATCH_FILE", "KILLER_INTERVAL"],
    },
    Wrapper {
        name: "proa",
        programs: &["proa"],
        variables: &[],
    },
    Wrapper {
        name: "sidecar-terminator",
        programs: &["sidecar-terminator", "sidecar-killer"],
        variables: &[],
    },
];

/// Whether a variable is a setting of a known wrapper.
pub(crate) fn is_known_setting(name: &str) -> bool {
    WRAPPERS.iter().any(|wrapper| is_setting(wrapper, name))
}

/// Whether a variable is a setting of a wrapper.
pub(crate) fn is_setting(wrapper: &Wrapper, name: &str) -> bool {
    wrapper
        .variables
        .iter()
        .any(|known| name == *known || (known.ends_with('_') && name.starts_with(known)))
}

/// Whether a wrapper that is visible ends the container together with another.
pub(crate) fn ends_with_another(member: &Member<'_>) -> bool {
    let settings = [
        "KUBEXIT_DEATH_DEPS",
        "ISTIO_QUIT_API",
        "ENVOY_KILL_API",
        "ENVOY_ADMIN_API",
        "KILLER_WATCH_FILE",
    ];
    member
        .container
        .environment()
        .any(|variable| settings.contains(&variable.name))
        || stops_another(member)
}

/// Whether a command of the container is wrapped by a program that ends another container with it.
pub(crate) fn stops_another(member: &Member<'_>) -> bool {
    let stops = |command: &[&str]| {
        let has = |flags: &[&str]| command.iter().any(|word| flags.contains(word));
        command
            .iter()
            .map(|word| word.rsplit('/').next().unwrap_or(word))
            .filter(|name| WRAPPERS.iter().any(|wrapper| wrapper.programs.contains(name)))
            // It only waits unless it is told otherwise.
            .any(|name| name != "linkerd-await" || has(&["--shutdown", "-S"]))
    };
    member.programs.iter().any(|program| {
        let words: Vec<_> = program.words.iter().filter_map(|node| node.as_str()).collect();
        let in_script = || {
            let script = program.script.as_ref().filter(|_| program.is_shell());
            script.is_some_and(|script| {
                script
                    .list
                    .commands()
                    .filter_map(|visit| visit.simple())
                    .any(|simple| {
                        let words: Vec<_> = simple.words.iter().map(|word| word.raw.as_str()).collect();
                        stops(&words)
                    })
            })
        };
        stops(&words) || in_script()
    })
}
