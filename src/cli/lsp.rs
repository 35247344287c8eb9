//! `lsp`: the language server on standard input and output.

use std::{io, path::Path, sync::Arc};

use clap::Args;

use super::{
    Error, ExitStatus,
    configuration::{Configurations, Loaded},
    ignored::is_ignored,
    selection::Selection,
    target::forms,
};
use crate::{
    lint::Options,
    lsp::{Configured, Ending, serve},
    pod::Settings,
    remedy::Form,
    roles::Catalogue,
    rules::{Finding, RULES, Severity},
    source::{Input, Origin},
};

/// Speak the Language Server Protocol with an editor, on standard input and output
#[derive(Debug, Args)]
#[command(after_help = "docs/editors.md shows how editors are told to start it.")]
pub(super) struct LspArguments {
    /// What editors say that know other ways too; there is no other here
    #[arg(long, hide = true)]
    stdio: bool,
}

/// Runs `lsp` until the editor leaves.
pub(super) fn run(_arguments: &LspArguments) -> Result<ExitStatus, Error> {
    let mut discovered = Discovered::default();
    match serve(io::stdin(), io::stdout().lock(), &mut discovered)? {
        Ending::Orderly => Ok(ExitStatus::Success),
        // The protocol wants a 1 from a server that nobody has shut down.
        Ending::Abrupt => Ok(ExitStatus::Found),
    }
}

/// The configurations above the files that are open.
#[derive(Default)]
struct Discovered {
    configurations: Option<Configurations>,
}

impl Discovered {
    fn loaded(&self, configuration: usize) -> Option<&Loaded> {
        self.configurations.as_ref()?.loaded.get(configuration)
    }
}

impl Configured for Discovered {
    fn forget(&mut self) {
        self.configurations = None;
    }

    fn of(&mut self, path: Option<&Path>) -> Result<usize, String> {
        if self.configurations.is_none() {
            self.configurations = Some(Configurations::new(None, true).map_err(|error| error.to_string())?);
        }
        let Some(configurations) = &mut self.configurations else {
            return Ok(0);
        };
        let origin = match path {
            Some(path) => Origin::File(path.to_owned()),
            None => Origin::StandardInput,
        };
        let name = path.map(|path| path.display().to_string()).unwrap_or_default();
        configurations
            .of(&Input { name, origin })
            .map_err(|error| error.to_string())
    }

    fn options(&self, configuration: usize) -> Options {
        let loaded = self.loaded(configuration);
        let sidecars = loaded.map(|loaded| loaded.configuration.sidecars.clone());
        Options {
            settings: Settings {
                kubernetes_version: loaded.and_then(|loaded| loaded.kubernetes_version),
                target: loaded.and_then(|loaded| loaded.configuration.target),
                meshes: loaded.map(|loaded| loaded.meshes).unwrap_or_default(),
                ..Settings::default()
            },
            // What is wrong with one was said when it was read.
            catalogue: Arc::new(
                Catalogue::extended(sidecars.unwrap_or_default())
                    .unwrap_or_else(|_| Catalogue::built_in().clone()),
            ),
        }
    }

    fn forms(&self, configuration: usize) -> Vec<Form> {
        let loaded = self.loaded(configuration);
        forms(
            loaded.and_then(|loaded| loaded.configuration.target),
            loaded.and_then(|loaded| loaded.kubernetes_version),
        )
    }

    fn keeps(&mut self, configuration: usize, finding: &Finding) -> bool {
        let Some(loaded) = self
            .configurations
            .as_mut()
            .and_then(|configurations| configurations.loaded.get_mut(configuration))
        else {
            return true;
        };
        let chosen = &loaded.configuration;
        let least = chosen.min_severity.unwrap_or(Severity::Info);
        // The names were understood when the configuration was read.
        let selected = Selection::new(&chosen.select, &chosen.ignore, least, RULES)
            .is_ok_and(|selection| selection.includes(finding));
        selected && !is_ignored(finding, loaded)
    }
}
