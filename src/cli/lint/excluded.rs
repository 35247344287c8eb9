//! Inputs that a configuration excludes, and which configuration that is.

use std::path::PathBuf;

use super::usage;
use crate::{
    cli::{Error, configuration::Configurations},
    source::{Input, Origin},
};

/// Inputs, those that a configuration excludes apart.
#[derive(Debug, Default)]
pub(in crate::cli) struct Chosen {
    /// Each with the index of its configuration.
    pub(in crate::cli) inputs: Vec<(Input, usize)>,
    /// The names of the others.
    pub(in crate::cli) excluded: Vec<String>,
}

/// Leaves out what the configurations exclude.
pub(in crate::cli) fn without_excluded(
    inputs: Vec<Input>,
    configurations: &mut Configurations,
) -> Result<Chosen, Error> {
    let mut chosen = Chosen::default();
    for input in inputs {
        let index = configurations.of(&input).map_err(usage)?;
        let is_excluded = input.path().is_some()
            && configurations
                .loaded
                .get(index)
                .filter(|loaded| loaded.has_excludes())
                .is_some_and(|loaded| loaded.excludes(&loaded.relative(&input.name)));
        if is_excluded {
            chosen.excluded.push(input.name);
        } else {
            chosen.inputs.push((input, index));
        }
    }
    Ok(chosen)
}

/// The configuration above a file of this name, or in a directory of it.
pub(super) fn configuration_of(name: &str, configurations: &mut Configurations) -> Result<usize, Error> {
    let path = PathBuf::from(name);
    let origin = match path.is_dir() {
        true => Origin::Kustomization(path),
        false => Origin::Found(path),
    };
    let name = name.to_owned();
    let input = Input { name, origin };
    configurations.of(&input).map_err(usage)
}
