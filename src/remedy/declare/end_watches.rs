//! Nothing that stays waits for a sidecar's end: the kubelet ends it after all other containers.

use crate::{
    behaviour::{EndWatch, Party},
    pod::Pod,
    remedy::{
        obligation::{Obligation, Proof},
        script::hindrance::excerpt,
        workaround::part::Part,
    },
};

/// Whether nobody is left who waits for the end of the container at `index`, or looks for it, once `parts` have gone.
pub(crate) fn unwatched(pod: &Pod<'_>, index: usize, parts: &[Part<'_>]) -> Proof {
    let goes = |watch: &&EndWatch| {
        let node = pod
            .members
            .get(watch.container)
            .map(|member| member.container.node);
        parts.iter().any(|part| {
            let entrypoint = part.entrypoints.get(&watch.container);
            entrypoint.is_some_and(|entrypoint| entrypoint.cuts_out(&watch.span))
                || node.is_some_and(|node| part.removals.contains(node))
        })
    };
    let other = Party::Container(index);
    let watches = pod.links.end_watches.iter();
    let mut left: Vec<&EndWatch> = watches
        .filter(|watch| watch.other == other && !goes(watch))
        .collect();
    left.sort_by_key(|watch| !watch.is_certain);
    match left.first() {
        None => Proof::proved(Obligation::EndUnwatched, "nothing that stays waits for its end"),
        Some(watch) if watch.is_certain => Proof::refuted(Obligation::EndUnwatched, describe(pod, watch)),
        Some(watch) => Proof::unknown(Obligation::EndUnwatched, describe(pod, watch)),
    }
}

/// What somebody does who waits for a sidecar's end, and why that does not come about.
pub(crate) fn describe(pod: &Pod<'_>, watch: &EndWatch) -> String {
    let Some((member, program)) = pod.program(watch.container, watch.program) else {
        return String::new();
    };
    let name = crate::pod::quoted(member.container.name);
    let shown = excerpt(program.text.get(watch.span.clone()).unwrap_or_default());
    match (&watch.wait, watch.is_certain) {
        (Some(_), true) => format!(
            "{name} waits for its end (`{shown}`), and the kubelet ends a sidecar after all other containers"
        ),
        (Some(_), false) => format!(
            "{name} may wait for its end (`{shown}`), and the kubelet ends a sidecar after all other containers"
        ),
        (None, false) => format!(
            "{name} may wait for its end in a loop that is not understood (`{shown}`), and the kubelet ends a sidecar after all other containers"
        ),
        (None, true) => format!("{name} looks whether it has ended (`{shown}`), and would find it running"),
    }
}
