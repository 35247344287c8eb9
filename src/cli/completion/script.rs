//! The scripts that make shells and kubectl complete.

use std::io::{self, Write};

use clap::{Args, ValueEnum};
use clap_complete::env::{Bash, EnvCompleter, Fish, Powershell, Zsh};

use super::kubectl::Kubectl;
use crate::cli::{Error, ExitStatus};

/// Set by the scripts to the name of their shell. clap's own `COMPLETE` may be in somebody's environment.
pub(super) const VARIABLE: &str = "KUBECTL_SIDECAR_COMPLETE";

/// Print the script that makes a shell, or kubectl, complete commands
#[derive(Debug, Args)]
#[command(after_help = "\
Bash:       source <(kubectl-sidecar completion bash)        in ~/.bashrc
Zsh:        source <(kubectl-sidecar completion zsh)         in ~/.zshrc, after compinit
Fish:       kubectl-sidecar completion fish | source         in ~/.config/fish/config.fish
PowerShell: kubectl-sidecar completion powershell | Out-String | Invoke-Expression    in $PROFILE

kubectl completes `kubectl sidecar` itself, in any shell it completes in. It asks a program that has to be on
the PATH under the name kubectl_complete-sidecar:

  kubectl sidecar completion kubectl > ~/.local/bin/kubectl_complete-sidecar
  chmod +x ~/.local/bin/kubectl_complete-sidecar")]
pub(in crate::cli) struct CompletionArguments {
    /// The shell, or kubectl
    shell: Shell,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Shell {
    /// Bash 4.4 or later
    Bash,
    /// Zsh
    Zsh,
    /// Fish
    Fish,
    /// PowerShell 5 or later
    Powershell,
    /// kubectl 1.26 or later: the program kubectl_complete-sidecar
    Kubectl,
}

impl Shell {
    fn completer(self) -> &'static dyn EnvCompleter {
        match self {
            Self::Bash => &Bash,
            Self::Zsh => &Zsh,
            Self::Fish => &Fish,
            Self::Powershell => &Powershell,
            Self::Kubectl => &Kubectl,
        }
    }

    /// The script that completes the program of this file name.
    fn script(self, file: &str) -> io::Result<Vec<u8>> {
        let mut script = Vec::new();
        self.completer()
            .write_registration(VARIABLE, file, file, file, &mut script)?;
        Ok(script)
    }
}

/// Runs `completion`: prints the script.
pub(in crate::cli) fn run(arguments: &CompletionArguments, file: &str) -> Result<ExitStatus, Error> {
    io::stdout().lock().write_all(&arguments.shell.script(file)?)?;
    Ok(ExitStatus::Success)
}

/// The scripts for all shells and kubectl under the names that they look for, as a package installs them.
///
/// # Errors
/// None that is known of: they are written to memory.
pub fn completion_scripts() -> io::Result<Vec<(&'static str, Vec<u8>)>> {
    [
        (Shell::Bash, "kubectl-sidecar.bash"),
        (Shell::Zsh, "_kubectl-sidecar"),
        (Shell::Fish, "kubectl-sidecar.fish"),
        (Shell::Powershell, "kubectl-sidecar.ps1"),
        (Shell::Kubectl, "kubectl_complete-sidecar"),
    ]
    .into_iter()
    .map(|(shell, name)| Ok((name, shell.script(env!("CARGO_PKG_NAME"))?)))
    .collect()
}
