//! A preStop hook that ends its own container's process.
//!
//! On a regular container it is harmless: all get SIGTERM at once. On a sidecar it runs when the pod's end begins, beside
//! the app, and so undoes the order that the declaration is for.

use super::part::Part;
use crate::{
    behaviour::{ScriptFacts, action::Target},
    catalogue::quit::says_it,
    pod::{Member, Pod, names_listener, stop_commands},
    remedy::{
        obligation::{Obligation, Proof},
        plan::Class,
    },
    workload::{HookKind, Program, ProgramPlace},
    yaml::{Entry, Node},
};

/// The hook, as a part that goes when its container is declared a sidecar.
pub(crate) fn part<'a>(pod: &Pod<'a>, member: &Member<'a>) -> Option<Part<'a>> {
    ending_hook(pod, member).map(|hook| {
        let what = format!("{}: its preStop hook, which ends it, is removed", member.container.name);
        let mut part = Part::new(what, Ok(Class::Safe));
        part.rest_on(Proof::unknown(
            Obligation::EndsAreKnown,
            "its preStop hook would end it while the app still runs, and what else the hook is for has to be looked at",
        ));
        part.removals.add(hook.key);
        part
    })
}

/// The preStop hook of a container, where it ends the container.
fn ending_hook<'a>(pod: &Pod<'a>, member: &Member<'a>) -> Option<Entry<'a>> {
    let hook = member.container.hook(HookKind::PreStop)?;
    ends_it(pod, member).then_some(hook.entry)
}

/// The preStop hook of a declared sidecar, where it does nothing but end it beside the app. One that waits for the end, too,
/// gives it time, and a server that the app does not need drains itself.
pub(crate) fn leftover_hook<'a>(pod: &Pod<'a>, member: &Member<'a>) -> Option<Entry<'a>> {
    let waits = script(pod, member).is_some_and(|(hook, _)| {
        ["sleep", "wait", "while", "until"]
            .iter()
            .any(|word| hook.text.contains(word))
    });
    let is_needed = || {
        let mut others = pod.apps().filter(|app| !std::ptr::eq(*app, member));
        others.any(|app| names_listener(pod, app, member).is_some())
    };
    ending_hook(pod, member).filter(|_| !waits && (is_quit_call(pod, member) || is_needed()))
}

/// `preStop: {httpGet: {path: /quitquitquit, port: 9091}}`
fn by_call(pod: &Pod<'_>, member: &Member<'_>) -> bool {
    let Some(get) = member
        .container
        .hook(HookKind::PreStop)
        .and_then(|hook| hook.http_get())
    else {
        return false;
    };
    let path = get.get("path").and_then(Node::as_str);
    let port = get
        .get("port")
        .and_then(Node::as_str)
        .and_then(|port| port.parse().ok());
    is_quit(pod, port, path)
}

fn is_quit(pod: &Pod<'_>, port: Option<u16>, path: Option<&str>) -> bool {
    let entries = || pod.catalogue.entries().flat_map(|known| &known.quit);
    entries().any(|endpoint| {
        let same_path = endpoint.path.as_deref() == path.map(|path| path.trim_end_matches('/'));
        // A path that only quits needs no port to be known by.
        same_path && (port == Some(endpoint.port) || path.is_some_and(says_it))
    })
}

/// A call to a quit endpoint, its own or by the kubelet.
fn is_quit_call(pod: &Pod<'_>, member: &Member<'_>) -> bool {
    let quits = |(_, facts): (&Program<'_>, &ScriptFacts)| {
        let mut urls = facts.quits.iter().flat_map(|quit| quit.request.urls());
        urls.any(|url| url.host.is_local() && is_quit(pod, url.port, url.path.as_deref()))
    };
    by_call(pod, member) || script(pod, member).is_some_and(quits)
}

/// A call to a quit endpoint, `kill -TERM 1`, or its own program told to stop: `nginx -s quit`.
fn ends_it(pod: &Pod<'_>, member: &Member<'_>) -> bool {
    let ends = |(program, facts): (&Program<'_>, &ScriptFacts)| {
        let mut targets = facts.kills.iter().flat_map(|kill| &kill.targets);
        targets.any(|target| matches!(target, Target::Pid(1) | Target::Process { .. }))
            || stop_commands(program).next().is_some()
    };
    is_quit_call(pod, member) || script(pod, member).is_some_and(ends)
}

/// The script of the preStop hook of a container.
fn script<'p, 'a>(pod: &'p Pod<'a>, member: &'p Member<'a>) -> Option<(&'p Program<'a>, &'p ScriptFacts)> {
    let is_hook = |program: &Program<'_>| program.place == ProgramPlace::Hook(HookKind::PreStop);
    let at = member.programs.iter().position(is_hook)?;
    let index = pod.members.iter().position(|other| std::ptr::eq(other, member))?;
    Some((member.programs.get(at)?, pod.links.facts(index, at)?))
}
