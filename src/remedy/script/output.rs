//! Where the output of commands goes.

use crate::{shell::Span, workload::Program};

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
            let redirected = simple.redirects.iter().any(|redirect| {
                redirect
                    .target
                    .as_ref()
                    .is_some_and(|target| !is_nowhere(&target.raw))
            });
            let by_option = simple.words.windows(2).any(|pair| {
                matches!(pair, [option, file]
                    if matches!(option.raw.as_str(), "-o" | "--output" | "-O" | "--output-document")
                        && !is_nowhere(&file.raw))
            });
            redirected || by_option
        })
}

/// A target that keeps nothing.
pub(crate) fn is_nowhere(target: &str) -> bool {
    matches!(target, "/dev/null" | "-" | "1" | "2" | "&1" | "&2")
}
