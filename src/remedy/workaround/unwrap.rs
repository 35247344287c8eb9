//! Takes wrapper binaries off a command: kubexit, scuttle, envoy-preflight, linkerd-await, watchkiller.

use crate::{
    catalogue::wrapper::{OwnOptions, Tie, Wrapper},
    edit::removal::Removals,
    pod::{Member, Pod},
    remedy::script::entrypoint::Entrypoint,
    roles::KnownSidecar,
    shell::command_index,
    workload::Program,
    yaml::Node,
};

/// A wrapper at the start of a container's command line.
pub(crate) struct Wrapped<'a> {
    pub(crate) wrapper: &'static Wrapper,
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
    /// After how long it gives up waiting, as it is written or by its default.
    pub(crate) limit: Option<String>,
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

/// The injected sidecar that a container's wrapper manages, by the address in its settings. None where a container of
/// the manifest may be what it manages.
pub(crate) fn injected_of<'p>(pod: &'p Pod<'_>, member: &Member<'_>) -> Option<&'p KnownSidecar> {
    let wrapper = wrapped(member)?.ok()?.wrapper;
    let sidecar = wrapper.sidecar.and_then(|name| {
        let mut entries = pod.catalogue.entries();
        entries.find(|known| known.name == name)
    });
    let ports: Vec<u16> = match sidecar {
        Some(known) => known.quit.iter().map(|endpoint| endpoint.port).collect(),
        None => wrapper
            .addresses
            .iter()
            .filter_map(|variable| member.container.value_of(variable))
            .filter_map(|address| address.rsplit(':').next()?.split('/').next()?.parse().ok())
            .collect(),
    };
    let known = pod
        .catalogue
        .entries()
        .filter(|known| known.injector.is_some())
        .find(|known| ports.iter().any(|port| known.is_ready_endpoint(*port, None)))?;
    let is_here = pod.members.iter().any(|member| {
        pod.catalogue
            .of(&member.container)
            .is_some_and(|own| own.name == known.name)
            || member.container.ports().any(|own| ports.contains(&own.number))
    });
    (!is_here).then_some(&**known)
}

/// A wrapper before a command of the script.
fn in_script<'a>(member: &Member<'a>, program: &Program<'a>) -> Option<Result<Wrapped<'a>, String>> {
    let script = program
        .script
        .as_ref()
        .filter(|_| program.is_shell() && program.shared.is_none())?;
    let mut found = None;
    let mut directory = None;
    let mut words: Vec<_> = script
        .list
        .commands()
        .filter_map(|visit| {
            let simple = visit.simple()?;
            let at = command_index(&simple.words);
            let (word, next) = (simple.words.get(at)?, simple.words.get(at + 1)?);
            let name = word.literal()?;
            let wrapper = Wrapper::of_program(&name).filter(|wrapper| wrapper.options == OwnOptions::None)?;
            directory = name.rsplit_once('/').map(|(directory, _)| directory.to_owned());
            found = Some(wrapper);
            (!next.raw.starts_with('-')).then_some(word.span.start..next.span.start)
        })
        .collect();
    let wrapper = found?;
    let mut text = program.text.clone();
    words.sort_by_key(|span| std::cmp::Reverse(span.start));
    for span in words {
        text.get(span.clone())?;
        text.replace_range(span, "");
    }
    if text.contains(wrapper.name) {
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
            let wrapper = Wrapper::of_program(node.as_str()?)?;
            (wrapper.options != OwnOptions::Unknown).then_some((index, wrapper))
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
    if wrapper.options != OwnOptions::None {
        let options = words.get(end..).unwrap_or_default();
        match options.iter().position(|word| *word == "--") {
            Some(dashes) => end += dashes + 1,
            None if options.first().is_some_and(|word| word.starts_with('-')) => {
                return Err(format!("which words are {}'s own is not certain", wrapper.name));
            }
            None => {}
        }
    } else if words.get(end).is_some_and(|word| word.starts_with('-')) {
        return Err(format!("which words are {}'s own is not certain", wrapper.name));
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
        if !wrapper.reads(variable.name) {
            continue;
        }
        // A name that another variable is made of has to stay.
        let reference = format!("$({})", variable.name);
        if mentions(member.container.node, &reference) {
            return Err(format!("{} is used elsewhere", variable.name));
        }
        if wrapper.directory == Some(variable.name) {
            directories.extend(variable.value.map(str::to_owned));
        }
        if wrapper.watched_file == Some(variable.name) {
            let directory = variable.value.and_then(|file| file.rsplit_once('/'));
            directories.extend(directory.map(|(directory, _)| directory.to_owned()));
        }
        removals.add(variable.node);
    }
    let watched_file = wrapper
        .watched_file
        .and_then(|name| member.container.value_of(name));
    let waits = match wrapper.waits {
        Tie::Always => true,
        Tie::Never => false,
        Tie::With(settings) => settings
            .iter()
            .any(|name| member.container.variable(name).is_some()),
        Tie::Told(options) => words_of(member).any(|word| options.contains(&word)),
    };
    Ok(Wrapped {
        wrapper,
        entrypoint: Entrypoint::default(),
        removals,
        directories,
        watched_file: watched_file.map(str::to_owned),
        waits,
        limit: limit(member, wrapper).filter(|_| waits),
        in_script: false,
    })
}

/// `KUBEXIT_BIRTH_TIMEOUT=2m`, `--timeout 10s`, or what it does without them.
fn limit(member: &Member<'_>, wrapper: &Wrapper) -> Option<String> {
    let mut names = wrapper.limit.named_by.iter();
    let written = names.find_map(|name| {
        if let Some(variable) = member.container.variable(name) {
            return Some(variable.value.map_or((*name).to_owned(), str::to_owned));
        }
        let words: Vec<&str> = words_of(member).collect();
        let is_it = |word: &&str| {
            word.strip_prefix(name)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
        };
        let at = words
            .iter()
            .position(|word| name.starts_with('-') && is_it(word))?;
        let attached = words.get(at)?.split_once('=').map(|(_, value)| value);
        attached.or_else(|| words.get(at + 1).copied()).map(str::to_owned)
    });
    written.or_else(|| wrapper.limit.usual.map(str::to_owned))
}

fn words_of<'a>(member: &Member<'a>) -> impl Iterator<Item = &'a str> {
    let words = member
        .container
        .command()
        .into_iter()
        .chain(member.container.arguments());
    words.filter_map(Node::as_str)
}

fn mentions(node: Node<'_>, text: &str) -> bool {
    node.walk()
        .any(|node| node.as_str().is_some_and(|own| own.contains(text)))
}
