//! Programs around a container's own that wait for, or end, another container.

use super::{Member, Pod, quit_told::called};
use crate::{
    behaviour::{Party, action::Url},
    catalogue::wrapper::{Tie, WRAPPERS, Wrapper},
    workload::Container,
};

/// Whether a wrapper does its work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    /// It does, or may.
    Done,
    /// This variable switches it off.
    Disabled(&'static str),
    /// None of its addresses is set, unless the image sets them.
    Idle,
}

/// Whether a wrapper of a container does its work, by the variables in the manifest.
pub(crate) fn work(container: &Container<'_>, wrapper: &Wrapper) -> Work {
    let disables = |name: &&&'static str| {
        let value = container.value_of(name);
        value.is_some_and(|value| !value.is_empty())
    };
    if let Some(name) = wrapper.disabled_by.iter().find(disables) {
        return Work::Disabled(name);
    }
    let is_open = container.node.get("envFrom").is_some();
    let is_set = |name: &&str| container.variable(name).is_some_and(|own| own.value != Some(""));
    match wrapper.idle_without.is_empty() || is_open || wrapper.idle_without.iter().any(is_set) {
        true => Work::Done,
        false => Work::Idle,
    }
}

/// Whether a wrapper ends the container together with another, or may: its settings show that the image has it.
pub(crate) fn ends_with_another(member: &Member<'_>) -> bool {
    let answer = &member.answers.ends_with_another;
    *answer.get_or_init(|| is_ended_with_another(member))
}

fn is_ended_with_another(member: &Member<'_>) -> bool {
    // Where an own setting lists whom it ends, that one decides.
    let may_end = |wrapper: &Wrapper, variable: &str| {
        wrapper.ends != Tie::Never
            && wrapper.ended_with.is_none()
            && wrapper.reads(variable)
            && !is_visible(member, wrapper)
    };
    let ends = |wrapper: &Wrapper, variable: &str| {
        (wrapper.ending_settings.contains(&variable) || may_end(wrapper, variable))
            && !matches!(work(&member.container, wrapper), Work::Disabled(_))
            && !spares(&member.container, wrapper)
    };
    member
        .container
        .environment()
        .any(|variable| WRAPPERS.iter().any(|wrapper| ends(wrapper, variable.name)))
        || stops_another(member)
}

/// Whether the wrapper of a container calls an address that ends another one: index among the members.
pub(crate) fn quits(pod: &Pod<'_>, member: &Member<'_>, index: usize) -> bool {
    let container = &member.container;
    let works = |wrapper: &&Wrapper| {
        !matches!(work(container, wrapper), Work::Disabled(_)) && !spares(container, wrapper)
    };
    let settings = WRAPPERS
        .iter()
        .filter(works)
        .flat_map(|wrapper| wrapper.quit_settings);
    let mut addresses = settings.filter_map(|(name, added)| Some((container.value_of(name)?, *added)));
    addresses.any(|(value, added)| {
        value.split(',').any(|address| {
            let text = format!("{}{added}", address.trim().trim_end_matches('/'));
            let url = Url::parse(&text, 0..text.len());
            let declares = || {
                let other = pod.members.get(index);
                other.is_some_and(|other| other.container.ports().any(|port| Some(port.number) == url.port))
            };
            url.host.is_local() && (called(pod, &url) == Party::Container(index) || declares())
        })
    })
}

/// Whether a variable keeps a wrapper from ending its sidecar.
fn spares(container: &Container<'_>, wrapper: &Wrapper) -> bool {
    wrapper
        .spares_with
        .iter()
        .any(|name| container.value_of(name) == Some("true"))
}

/// Whether a command of the container names the wrapper: then its options are known.
fn is_visible(member: &Member<'_>, wrapper: &Wrapper) -> bool {
    member
        .programs
        .iter()
        .any(|program| wrapper.programs.iter().any(|name| program.text.contains(name)))
}

/// Whether a command of the container is wrapped by a program that ends another container with it.
pub(crate) fn stops_another(member: &Member<'_>) -> bool {
    let answer = &member.answers.stops_another;
    *answer.get_or_init(|| runs_one_that_stops(member))
}

fn runs_one_that_stops(member: &Member<'_>) -> bool {
    let stops = |command: &[&str]| {
        let has = |flags: &[&str]| command.iter().any(|word| flags.contains(word));
        command
            .iter()
            .map(|word| word.rsplit('/').next().unwrap_or(word))
            .filter_map(Wrapper::of_program)
            .filter(|wrapper| work(&member.container, wrapper) == Work::Done)
            .filter(|wrapper| !spares(&member.container, wrapper))
            .any(|wrapper| match wrapper.ends {
                Tie::Always => true,
                Tie::Never => false,
                Tie::Told(options) => has(options),
                Tie::With(settings) => settings
                    .iter()
                    .any(|name| member.container.variable(name).is_some()),
            })
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
