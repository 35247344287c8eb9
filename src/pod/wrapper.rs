//! Programs around a container's own that wait for, or end, another container.

use super::Member;
use crate::catalogue::wrapper::{Tie, WRAPPERS, Wrapper};

/// Whether a wrapper that is visible ends the container together with another.
pub(crate) fn ends_with_another(member: &Member<'_>) -> bool {
    member.container.environment().any(|variable| {
        WRAPPERS
            .iter()
            .any(|wrapper| wrapper.ending_settings.contains(&variable.name))
    }) || stops_another(member)
}

/// Whether a command of the container is wrapped by a program that ends another container with it.
pub(crate) fn stops_another(member: &Member<'_>) -> bool {
    let stops = |command: &[&str]| {
        let has = |flags: &[&str]| command.iter().any(|word| flags.contains(word));
        command
            .iter()
            .map(|word| word.rsplit('/').next().unwrap_or(word))
            .filter_map(Wrapper::of_program)
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
