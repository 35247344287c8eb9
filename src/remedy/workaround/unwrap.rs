//! Takes wrapper binaries off a command: kubexit, scuttle, envoy-preflight, linkerd-await, watchkiller.

use crate::{
    edit::removal::Removals,
    pod::{Member, Pod},
    remedy::script::entrypoint::Entrypoint,
    shell::command_index,
    workload::Program,
    yaml::Node,
};

/// A wrapper whose own words and settings are known.
struct Wrapper {
    program: &'static str,
    /// Prefixes of the environment variables that only it reads.
    settings: &'static [&'static str],
    /// Its own options stand before the command, up to `--`.
    options: bool,
}

/// Each with what its documentation says it reads (`workarounds.md`, J4).
const WRAPPERS: [Wrapper; 5] = [
    Wrapper {
        program: "kubexit",
        settings: &["KUBEXIT_"],
        options: false,
    },
    Wrapper {
        program: "scuttle",
        settings: &[
            "ENVOY_ADMIN_API",
            "ISTIO_QUIT_API",
            "ENVOY_KILL_API",
            "ALWAYS_KILL_ENVOY",
            "NEVER_KILL_ISTIO",
            "NEVER_KILL_ISTIO_ON_FAILURE",
            "WAIT_FOR_ENVOY_TIMEOUT",
            "START_WITHOUT_ENVOY",
            "QUIT_WITHOUT_ENVOY_TIMEOUT",
            "SCUTTLE_",
        ],
        options: false,
    },
    Wrapper {
        program: "envoy-preflight",
        settings: &[
            "ENVOY_ADMIN_API",
            "ENVOY_KILL_API",
            "ALWAYS_KILL_ENVOY",
            "NEVER_KILL_ENVOY",
            "NEVER_KILL_ISTIO",
            "START_WITHOUT_ENVOY",
        ],
        options: false,
    },
    Wrapper {
        program: "linkerd-await",
        settings: &["LINKERD_AWAIT_"],
        options: true,
    },
    Wrapper {
        program: "watchkiller",
        settings: &["KILLER_"],
        options: false,
    },
];

/// A wrapper at the start of a container's command line.
pub(crate) struct Wrapped<'a> {
    pub(crate) name: &'static str,
    /// The words that go.
    pub(crate) entrypoint: Entrypoint,
    /// The settings that go.
    pub(crate) removals: Removals<'a>,
    /// Directories of the wrapper's own files.
    pub(crate) directories: Vec<String>,
    /// The file at whose sight it ends the command.
    pub(crate) watched_file: Option<String>,
    /// It waits for another container before it starts the command.
    pub(crate) waits: bool,
    /// It stands in a script.
    pub(crate) in_script: bool,
}

/// The wrapper of a container, where it stands in the manifest.
pub(crate) fn wrapped<'a>(member: &Member<'a>) -> Option<Result<Wrapped<'a>, String>> {
    let (_, program) = Pod::entrypoint(member)?;
    match find(program) {
        Some((at, wrapper)) => Some(unwrap(member, program, at, wrapper)),
        None => in_script(member, program),
    }
}

/// A wrapper before a command of the script.
fn in_script<'a>(member: &Member<'a>, program: &Program<'a>) -> Option<Result<Wrapped<'a>, String>> {
    let script = program
        .script
        .as_ref()
        .filter(|_| program.is_shell() && program.shared.is_none())?;
    let mut found = None;
    let mut text = program.text.clone();
    let mut directory = None;
    let mut words: Vec<_> = script
        .list
        .commands()
        .filter_map(|visit| {
            let simple = visit.simple()?;
            let at = command_index(&simple.words);
            let (word, next) = (simple.words.get(at)?, simple.words.get(at + 1)?);
            let name = word.literal()?.into_owned();
            let wrapper = WRAPPERS
                .iter()
                .find(|wrapper| name.rsplit('/').next() == Some(wrapper.program) && !wrapper.options)?;
            directory = name.rsplit_once('/').map(|(directory, _)| directory.to_owned());
            found = Some(wrapper);
            (!next.raw.starts_with('-')).then_some(word.span.start..next.span.start)
        })
        .collect();
    let wrapper = found?;
    words.sort_by_key(|span| std::cmp::Reverse(span.start));
    for span in words {
        text.get(span.clone())?;
        text.replace_range(span, "");
    }
    if text.contains(wrapper.program) {
        return None;
    }
    let settings = settings(member, wrapper).map(|mut wrapped| {
        wrapped.directories.extend(directory);
        wrapped.entrypoint = Entrypoint {
            restored: Some(text),
            alone: true,
            ..Entrypoint::default()
        };
        wrapped.in_script = true;
        wrapped
    });
    Some(settings)
}

fn find(program: &Program<'_>) -> Option<(usize, &'static Wrapper)> {
    program
        .words
        .iter()
        .take(3)
        .enumerate()
        .find_map(|(index, node)| {
            let word = node.as_str()?;
            let name = word.rsplit('/').next()?;
            WRAPPERS
                .iter()
                .find(|wrapper| wrapper.program == name)
                .map(|wrapper| (index, wrapper))
        })
}

fn unwrap<'a>(
    member: &Member<'a>,
    program: &Program<'a>,
    at: usize,
    wrapper: &'static Wrapper,
) -> Result<Wrapped<'a>, String> {
    let words: Vec<&str> = program
        .words
        .iter()
        .map(|node| node.as_str().unwrap_or_default())
        .collect();
    let mut end = at + 1;
    if wrapper.options {
        let options = words.get(end..).unwrap_or_default();
        match options.iter().position(|word| *word == "--") {
            Some(dashes) => end += dashes + 1,
            None if options.first().is_some_and(|word| word.starts_with('-')) => {
                return Err(format!(
                    "which words are {}'s own is not certain",
                    wrapper.program
                ));
            }
            None => {}
        }
    } else if words.get(end).is_some_and(|word| word.starts_with('-')) {
        return Err(format!(
            "which words are {}'s own is not certain",
            wrapper.program
        ));
    }
    let mut wrapped = settings(member, wrapper)?;
    if let Some((directory, _)) = words.get(at).and_then(|word| word.rsplit_once('/')) {
        wrapped.directories.push(directory.to_owned());
    }
    wrapped.entrypoint.dropped = (at..end).collect();
    Ok(wrapped)
}

/// What goes with a wrapper besides its words.
fn settings<'a>(member: &Member<'a>, wrapper: &'static Wrapper) -> Result<Wrapped<'a>, String> {
    let mut removals = Removals::default();
    let mut directories = Vec::new();
    for variable in member.container.environment() {
        let is_setting = wrapper.settings.iter().any(|known| {
            variable.name == *known || (known.ends_with('_') && variable.name.starts_with(known))
        });
        if !is_setting {
            continue;
        }
        // A name that another variable is made of has to stay.
        let reference = format!("$({})", variable.name);
        if mentions(member.container.node, &reference) {
            return Err(format!("{} is used elsewhere", variable.name));
        }
        if variable.name == "KUBEXIT_GRAVEYARD" {
            directories.extend(variable.value.map(str::to_owned));
        }
        if variable.name == "KILLER_WATCH_FILE" {
            let directory = variable.value.and_then(|file| file.rsplit_once('/'));
            directories.extend(directory.map(|(directory, _)| directory.to_owned()));
        }
        removals.add(variable.node);
    }
    let watched_file = member.container.value_of("KILLER_WATCH_FILE").map(str::to_owned);
    let waits = match wrapper.program {
        "kubexit" => member.container.variable("KUBEXIT_BIRTH_DEPS").is_some(),
        "watchkiller" => false,
        _ => true,
    };
    Ok(Wrapped {
        name: wrapper.program,
        entrypoint: Entrypoint::default(),
        removals,
        directories,
        watched_file,
        waits,
        in_script: false,
    })
}

fn mentions(node: Node<'_>, text: &str) -> bool {
    node.walk()
        .any(|node| node.as_str().is_some_and(|own| own.contains(text)))
}
