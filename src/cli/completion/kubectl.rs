//! kubectl as a shell: it asks a program of its own for each plugin, and shows what that prints.
//!
//! <https://github.com/kubernetes/kubernetes/blob/v1.37.0/staging/src/k8s.io/kubectl/pkg/cmd/plugin_completion.go>

use std::{
    ffi::OsString,
    io::{self, Write},
    path::Path,
};

use clap_complete::{CompletionCandidate, engine, env::EnvCompleter};

/// Cobra's `ShellCompDirectiveNoSpace`: more of the word is to come.
const NO_SPACE: u8 = 2;

/// Cobra's `ShellCompDirectiveNoFileComp`: files are among the candidates already, where they make sense.
const NO_FILES: u8 = 4;

/// kubectl, which calls `kubectl_complete-PLUGIN WORD…`, the last word being the one to complete.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kubectl;

impl EnvCompleter for Kubectl {
    fn name(&self) -> &'static str {
        "kubectl"
    }

    fn is(&self, name: &str) -> bool {
        name == "kubectl"
    }

    fn write_registration(
        &self,
        variable: &str,
        _name: &str,
        file: &str,
        completer: &str,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let script = file.replacen("kubectl-", "kubectl_complete-", 1);
        writeln!(
            out,
            "#!/bin/sh\n# kubectl finds this on the PATH as {script}.\nexec env {variable}=kubectl {completer} -- {file} \"$@\""
        )
    }

    fn write_complete(
        &self,
        command: &mut clap::Command,
        words: Vec<OsString>,
        current_directory: Option<&Path>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let last = words.len().saturating_sub(1);
        let nothing_typed = words.last().is_none_or(|word| word.is_empty());
        let mut candidates = engine::complete(command, words, last, current_directory)?;
        if nothing_typed {
            // As cobra has it: options are shown to whoever types a dash.
            candidates.retain(|candidate| !text(candidate).starts_with("--") && text(candidate).len() != 2);
        }
        let unfinished = |candidate| text(candidate).ends_with(['/', '=']);
        let directive = if !candidates.is_empty() && candidates.iter().all(unfinished) {
            NO_SPACE | NO_FILES
        } else {
            NO_FILES
        };
        for candidate in &candidates {
            write!(out, "{}", text(candidate))?;
            let help = candidate.get_help().map(ToString::to_string);
            if let Some(line) = help.as_deref().and_then(|help| help.lines().next()) {
                write!(out, "\t{line}")?;
            }
            writeln!(out)?;
        }
        writeln!(out, ":{directive}")
    }
}

fn text(candidate: &CompletionCandidate) -> String {
    candidate.get_value().to_string_lossy().into_owned()
}
