//! Where the output of commands goes.

use crate::{
    shell::{Command, Redirect, RedirectKind, Span},
    workload::Program,
};

/// Whether a command writes what it gets into a file.
pub(crate) fn keeps_output(program: &Program<'_>, span: &Span) -> bool {
    let Some(script) = &program.script else {
        return true;
    };
    script
        .list
        .commands()
        .filter_map(|visit| visit.simple().cloned())
        .filter(|simple| span.start < simple.span.end && simple.span.start < span.end)
        .any(|simple| {
            let redirected = !simple.redirects.iter().all(leads_nowhere);
            let by_option = simple.words.windows(2).any(|pair| {
                matches!(pair, [option, file]
                    if matches!(option.raw.as_str(), "-o" | "--output" | "-O" | "--output-document")
                        && !is_nowhere(&file.raw))
            });
            redirected || by_option
        })
}

/// Whether nothing of what a redirection leads away is kept. What is read is no output.
pub(super) fn leads_nowhere(redirect: &Redirect) -> bool {
    let reads = matches!(
        redirect.kind,
        RedirectKind::Read | RedirectKind::ReadWrite | RedirectKind::Here | RedirectKind::Duplicate
    );
    reads
        || redirect
            .target
            .as_ref()
            .is_none_or(|target| is_nowhere(target.raw.trim_matches(['"', '\''])))
}

/// A target that keeps nothing.
pub(crate) fn is_nowhere(target: &str) -> bool {
    let is_address = target.starts_with("/dev/tcp/") || target.starts_with("/dev/udp/");
    is_address
        || matches!(
            target,
            "/dev/null"
                | "-"
                | "1"
                | "2"
                | "&1"
                | "&2"
                | "/dev/stdout"
                | "/dev/stderr"
                | "/proc/1/fd/1"
                | "/proc/1/fd/2"
                | "/proc/self/fd/1"
                | "/proc/self/fd/2"
        )
}

/// The redirections of a compound command as a whole.
pub(super) fn redirects(command: &Command) -> &[Redirect] {
    match command {
        Command::Group { redirects, .. }
        | Command::Subshell { redirects, .. }
        | Command::Loop { redirects, .. }
        | Command::For { redirects, .. }
        | Command::If { redirects, .. } => redirects,
        _ => &[],
    }
}
