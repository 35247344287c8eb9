//! Containers that `--sidecar` names: a name that none has is a mistake.

use std::collections::BTreeSet;

use super::MigrateArguments;
use crate::{
    cli::Error,
    workload::{discover, objects_of},
    yaml,
};

/// So many containers are named as a choice.
const SHOWN: usize = 12;

/// Containers by the names of their workload and their own.
#[derive(Debug, Default)]
pub(super) struct Containers(BTreeSet<(String, String)>);

impl Containers {
    /// Adds those of a text. One that is no YAML has none.
    pub(super) fn add(&mut self, text: &str) {
        let Ok(stream) = yaml::parse(text) else { return };
        for object in objects_of(&stream) {
            let workload = &object.reference.name;
            let found = discover(&object)
                .into_iter()
                .flat_map(|pod| pod.containers)
                .map(|container| (workload.clone(), container.name.to_owned()));
            self.0.extend(found);
        }
    }

    /// Refuses a name that is nobody's.
    pub(super) fn refuse_others(&self, arguments: &MigrateArguments) -> Result<(), Error> {
        let Some(wish) = arguments.sidecar.iter().find(|wish| !self.has(wish)) else {
            return Ok(());
        };
        let known: Vec<String> = self
            .0
            .iter()
            .map(|(workload, container)| format!("{workload}/{container}"))
            .collect();
        let choice = match known.len() {
            0 => "there is none at all".to_owned(),
            all if all <= SHOWN => format!("there are {}", known.join(", ")),
            all => format!(
                "there are {} and {} more",
                known.get(..SHOWN).unwrap_or_default().join(", "),
                all - SHOWN
            ),
        };
        Err(Error::Usage(format!(
            "--sidecar {wish}: nothing that was read has such a container; {choice}"
        )))
    }

    fn has(&self, wish: &str) -> bool {
        self.0.iter().any(|(workload, container)| {
            wish == container || wish.split_once('/') == Some((workload.as_str(), container.as_str()))
        })
    }
}
