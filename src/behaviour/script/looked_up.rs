//! Variables that hold the number of a process which a script has looked up: `PID=$(pidof envoy)`.

use crate::{
    behaviour::action::{Action, Target, process_of_listing, process_of_value},
    shell::{Command, Visit},
};

use super::ScriptBehaviour;

impl ScriptBehaviour<'_> {
    /// Puts the process in the place of the variable that holds its number, in all signals.
    pub(super) fn look_processes_up(&mut self) {
        let variables: Vec<String> = self
            .commands
            .iter()
            .filter_map(|located| match &located.action.action {
                Action::Signal { targets, .. } => Some(targets),
                _ => None,
            })
            .flatten()
            .filter_map(|target| match target {
                Target::Variable(name) => Some(name.clone()),
                _ => None,
            })
            .collect();
        let found: Vec<(String, Target)> = variables
            .into_iter()
            .filter_map(|name| Some((name.clone(), self.process_in(&name)?)))
            .collect();
        for located in &mut self.commands {
            let Action::Signal { targets, .. } = &mut located.action.action else {
                continue;
            };
            for target in targets {
                let known = found
                    .iter()
                    .find(|(name, _)| matches!(target, Target::Variable(own) if own == name));
                if let Some((_, process)) = known {
                    *target = process.clone();
                }
            }
        }
    }

    /// The process whose number a variable holds, where each place that sets it says the same.
    fn process_in(&self, variable: &str) -> Option<Target> {
        let mut found: Vec<Option<Target>> = Vec::new();
        for located in &self.commands {
            let Some(simple) = located.visit.simple() else {
                continue;
            };
            let own = simple
                .assignments
                .iter()
                .filter(|assignment| assignment.name == variable);
            found.extend(own.map(|assignment| process_of_value(&assignment.value)));
            let reads = simple.words.first().is_some_and(|word| word.raw == "read");
            if reads && simple.words.last().is_some_and(|word| word.raw == variable) {
                found.push(self.fed_by(&located.visit));
            }
        }
        for visit in &self.compounds {
            if let Command::For {
                variable: own, words, ..
            } = visit.command
                && own == variable
            {
                let [word] = words.as_slice() else {
                    return None;
                };
                found.push(process_of_value(word));
            }
        }
        let first = found.first()?.as_ref()?;
        let is_same = found.iter().all(|other| other.as_ref() == Some(first));
        is_same.then(|| first.clone())
    }

    /// What the pipeline prints whose last command is the loop that reads: `pgrep envoy | while read pid; do …`.
    fn fed_by(&self, read: &Visit<'_>) -> Option<Target> {
        let span = read.command.span();
        let fed = self.compounds.iter().find(|visit| {
            let condition = match visit.command {
                Command::Loop { condition, .. } => condition,
                _ => return false,
            };
            let mut statements = condition.statements.iter();
            statements.any(|statement| super::covers(&statement.span, &span))
        })?;
        let before = fed.pipeline.commands.get(..fed.context.pipeline_index)?;
        process_of_listing(before)
    }
}
