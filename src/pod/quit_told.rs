//! Containers that are told a quit endpoint: the call itself is their image's, or in a script that is not read.

use std::{ops::Range, sync::Arc};

use crate::{
    behaviour::{LinkKind, Party, action::Url},
    catalogue::{quit, wrapper::Wrapper},
    roles::{KnownSidecar, Role},
    shell::Simple,
    workload::{Container, ContainerList, Program, ProgramPlace},
    yaml::Node,
};

use super::{Member, Pod, ends_with_another};

/// Programs that make requests, which are understood, or that only print.
const UNDERSTOOD: [&str; 7] = ["curl", "wget", "http", "echo", "printf", "cat", "grep"];

/// A local quit endpoint in a container's words or settings.
pub(crate) struct ToldQuit<'a> {
    pub(crate) node: Node<'a>,
    pub(crate) span: Range<usize>,
    pub(crate) url: Url,
}

/// Who is stopped by a call there, as far as the port says.
pub(crate) fn called(pod: &Pod<'_>, url: &Url) -> Party {
    let path = url.path.as_deref();
    let is_it = |known: &KnownSidecar| url.port.is_some_and(|port| known.is_quit_endpoint(port, path));
    let beside = pod.members.iter().position(|other| {
        pod.catalogue
            .of(&other.container)
            .is_some_and(|known| is_it(known))
    });
    let injected = || {
        pod.catalogue
            .entries()
            .find(|known| known.injector.is_some() && is_it(known))
    };
    match beside {
        Some(index) => Party::Container(index),
        None => injected().map_or(Party::Unknown, |known| Party::Injected(Arc::clone(known))),
    }
}

/// The container that is told the quit endpoint of a sidecar.
pub(crate) fn told_to_quit<'p>(pod: &'p Pod<'_>, is_it: impl Fn(&Party) -> bool) -> Option<&'p str> {
    let member = pod.members.iter().enumerate().find(|(at, member)| {
        let told = told(pod, *at, member);
        told.is_some_and(|told| is_it(&called(pod, &told.url)))
    });
    member.map(|(_, member)| member.container.name)
}

/// The quit endpoint that a container knows of, where none of its calls was understood.
pub(crate) fn told<'a>(pod: &Pod<'a>, index: usize, member: &Member<'a>) -> Option<ToldQuit<'a>> {
    let is_app = member.role.role == Role::App && member.container.list == ContainerList::Regular;
    let calls = pod
        .links
        .all
        .iter()
        .any(|link| link.container == index && matches!(link.kind, LinkKind::Quits(_)));
    if !is_app || calls {
        return None;
    }
    let entrypoint = Pod::entrypoint(member);
    let in_words = entrypoint.and_then(|(at, program)| {
        let swallowed = pod
            .links
            .facts(index, at)
            .is_some_and(|facts| !facts.swallowed.is_empty());
        let hands_on = !swallowed && program.place == ProgramPlace::Entrypoint && hands_on(program);
        hands_on.then(|| {
            program
                .words
                .iter()
                .find_map(|word| endpoint(&member.container, *word))
        })?
    });
    let told = in_words.or_else(|| {
        let mut variables = member.container.environment();
        variables.find_map(|variable| {
            let told = endpoint(&member.container, variable.node.get("value")?)?;
            Wrapper::of_setting(variable.name).is_none().then_some(told)
        })
    });
    // What hardly anybody has comes first: whether its program is a wrapper takes longer to see.
    told.filter(|_| !ends_with_another(member))
}

/// Whether an endpoint stands among the arguments of a program that is not understood, or in a text that is no
/// shell's. In a comment it would say nothing.
fn hands_on(program: &Program<'_>) -> bool {
    let has = |text: &str| quit::find(text).is_some();
    let Some(script) = &program.script else {
        return has(&program.text);
    };
    script
        .list
        .commands()
        .filter_map(|visit| visit.simple())
        .filter_map(Simple::called)
        .any(|(call, words)| {
            let name = call.literal().unwrap_or_default();
            let name = name.rsplit('/').next().unwrap_or(&name);
            !UNDERSTOOD.contains(&name) && words.iter().any(|word| has(&word.raw))
        })
}

/// The local quit endpoint in a scalar, unless it is the container's own port.
fn endpoint<'a>(container: &Container<'a>, node: Node<'a>) -> Option<ToldQuit<'a>> {
    let text = node.as_str()?;
    let path = quit::find(text)?;
    let is_end = |letter: char| letter.is_whitespace() || "'\"`=(,;".contains(letter);
    let start = text
        .get(..path)?
        .char_indices()
        .rfind(|(_, letter)| is_end(*letter))
        .map_or(0, |(at, letter)| at + letter.len_utf8());
    let rest = text.get(start..)?;
    let end = rest
        .find(|letter: char| letter.is_whitespace() || "'\"`),;".contains(letter))
        .unwrap_or(rest.len());
    let address = rest.get(..end)?;
    let url = Url::parse(address, 0..address.len());
    let own = container.ports().any(|port| Some(port.number) == url.port);
    if own || !url.host.is_local() {
        return None;
    }
    // The scalar may be written with escapes: then all of it is shown.
    let whole = node.span();
    let written = node.stream().text().get(whole.clone()).unwrap_or_default();
    let span = written.find(address).map_or(whole.clone(), |at| {
        whole.start + at..whole.start + at + address.len()
    });
    Some(ToldQuit { node, span, url })
}
