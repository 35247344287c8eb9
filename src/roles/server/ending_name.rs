//! Names of variables and options that sound as if they ended a program.

use crate::catalogue::controller::OPEN_KRUISE;

/// Whether the name of a variable has a word in it that says that something ends: `DD_AUTO_EXIT_…`, `RUN_ONCE`.
pub(crate) fn sounds_like_an_end(name: &str) -> bool {
    // A controller's own variables are no setting of the program: who reads them ends the container from outside.
    !OPEN_KRUISE.reads(name)
        && has_word(
            name,
            &["exit", "quit", "once", "oneshot", "onetime", "await"],
            &[["one", "time"], ["one", "shot"]],
        )
        || names_what_ends_it(name)
}

/// Whether a name says by what, or whom, somebody is ended: `DONE_FILE`, `SHUTDOWN_URL`, `STOP_SIDECAR`. The end alone
/// says nothing: `SHUTDOWN_TIMEOUT` is how long it takes.
fn names_what_ends_it(name: &str) -> bool {
    const ENDS: [&str; 11] = [
        "stop",
        "shutdown",
        "terminate",
        "termination",
        "kill",
        "done",
        "finish",
        "finished",
        "complete",
        "completed",
        "completion",
    ];
    const BY: [&str; 13] = [
        "file", "path", "marker", "flag", "url", "uri", "endpoint", "socket", "on", "when", "after",
        "sidecar", "proxy",
    ];
    has_word(name, &ENDS, &[]) && has_word(name, &BY, &[])
}

/// The same for an option: `--run-once`, `--dry-run`, `--validate-config`.
pub(super) fn option_sounds_like_an_end(name: &str) -> bool {
    sounds_like_an_end(name) || has_word(name, &["validate", "test", "dryrun"], &[["dry", "run"]])
}

fn has_word(name: &str, single: &[&str], pairs: &[[&str; 2]]) -> bool {
    let name = name.to_ascii_lowercase();
    let words: Vec<&str> = name.split(['_', '-', '.']).collect();
    words.iter().any(|word| single.contains(word))
        || words.windows(2).any(|two| pairs.iter().any(|pair| pair == two))
}
