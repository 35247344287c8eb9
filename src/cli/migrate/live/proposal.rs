//! What would become of one object.

use std::sync::Arc;

use serde_json::Value;

use crate::cli::promoters::PromotersOfNamespaces;
use crate::live::{is_secret_option, without_secrets};
use crate::{
    cli::{configuration::Loaded, ignored::is_ignored, selection::Selection},
    cluster::{
        RequestError, Server,
        apply::{as_written, injected, keeper, last_applied, lost, patch, recreatable, with_last_applied},
    },
    migrate::{Migration, Options, migrate_within},
    remedy::{Holders, Surroundings, Watcher},
    rules::{Finding, RULES},
    source::SourceFile,
    suppress::InSources,
    yaml::{self, print_json},
};

/// Where an object is.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// `deployments.apps`, as kubectl takes it.
    pub(super) plural: String,
    pub(super) namespace: Option<String>,
    /// Its name.
    pub(super) object: String,
    /// Its path on the server.
    pub(super) path: String,
}

/// What becomes of an object, and what stands against it.
#[derive(Debug, Clone)]
pub(super) struct Proposal {
    /// `shop/deployment/web`
    pub(super) name: String,
    pub(super) target: Target,
    /// As the server has it.
    pub(super) live: Value,
    /// As somebody wrote it.
    pub(super) before: Value,
    pub(super) after: Value,
    pub(super) migration: Migration,
    pub(super) hindrance: Option<Hindrance>,
    pub(super) notes: Vec<String>,
    /// The file that was applied, migrated as well.
    file: Option<Value>,
}

/// Why an object is not changed where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hindrance {
    pub(super) reason: String,
    /// It can be deleted and made anew.
    pub(super) recreates: bool,
}

impl Proposal {
    /// Whether the object would be another one.
    pub(super) fn is_change(&self) -> bool {
        self.before != self.after
    }

    /// Whether `--apply` sends it.
    pub(super) fn is_applicable(&self) -> bool {
        self.is_change() && self.hindrance.is_none()
    }

    /// The patch that makes it so, for just this state of the object.
    pub(super) fn patch(&self) -> Value {
        let after = match &self.file {
            Some(file) => with_last_applied(&self.after, file),
            None => self.after.clone(),
        };
        patch(&self.live, &self.before, &after)
    }

    /// Whether another proposal makes the same of the object, whatever its state.
    pub(super) fn makes_the_same(&self, other: &Self) -> bool {
        self.before == other.before && self.after == other.after
    }

    /// The manifest as `kubectl create` or `kubectl replace --force` takes it.
    pub(super) fn manifest(&self) -> Value {
        recreatable(&self.after)
    }

    /// Both states as text, without the values of environment variables and what else looks like a secret.
    pub(super) fn shown(&self) -> (String, String) {
        let (mut before, mut after) = (self.before.clone(), self.after.clone());
        hide_values(&mut before);
        hide_values(&mut after);
        (print_json(&before), print_json(&after))
    }
}

fn hide_values(value: &mut Value) {
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                match value {
                    Value::Array(variables) if key == "env" => variables.iter_mut().for_each(hide_value),
                    _ => hide_values(value),
                }
            }
        }
        Value::Array(items) => {
            items.iter_mut().for_each(hide_values);
            let behind: Vec<usize> = (1..items.len())
                .filter(|at| {
                    let before = items.get(at - 1).and_then(Value::as_str);
                    before.is_some_and(is_secret_option)
                })
                .collect();
            for at in behind {
                if let Some(value) = items.get_mut(at) {
                    *value = Value::from("***");
                }
            }
        }
        Value::String(text) => *text = without_secrets(text),
        _ => {}
    }
}

fn hide_value(variable: &mut Value) {
    if let Some(value) = variable.get_mut("value") {
        *value = Value::from("***");
    }
}

/// What decides about proposals.
pub(super) struct Engine<'a> {
    pub(super) server: &'a Server,
    pub(super) options: Options,
    pub(super) selection: Selection,
    pub(super) loaded: &'a mut Loaded,
    /// What looks at containers by their names.
    pub(super) watchers: Vec<Watcher>,
    /// What acts on the annotation, where that form is asked for.
    pub(super) promoters: Option<PromotersOfNamespaces<'a>>,
}

impl Engine<'_> {
    /// What would become of an object; `None` where there is nothing to do and nothing to say.
    ///
    /// # Errors
    /// An object that cannot be read, in a sentence.
    pub(super) async fn propose(
        &mut self,
        target: &Target,
        name: &str,
        live: Value,
    ) -> Result<Option<Proposal>, String> {
        let before = as_written(&live);
        let config_maps = self.config_maps(target, &before).await;
        let (migration, after) = self.migrate(name, &before, &config_maps)?;
        if migration.plans.is_empty() && migration.failures.is_empty() {
            return Ok(None);
        }
        let mut proposal = Proposal {
            name: name.to_owned(),
            target: target.clone(),
            hindrance: hindrance(&live),
            file: None,
            notes: Vec::new(),
            live,
            before,
            after,
            migration,
        };
        if proposal.is_change()
            && proposal.hindrance.is_none()
            && let Some(promoters) = &mut self.promoters
        {
            let namespace = target.namespace.as_deref().unwrap_or_default();
            let missing = promoters.missing_in(namespace).await;
            proposal.hindrance = missing.map(|reason| Hindrance {
                reason,
                recreates: false,
            });
        }
        if proposal.is_change() {
            proposal.notes.extend(note_of_injected(&proposal.live));
            self.keep_in_step(&mut proposal, &config_maps)?;
        }
        Ok(Some(proposal))
    }

    /// The object rewritten, by way of its text.
    fn migrate(
        &mut self,
        name: &str,
        object: &Value,
        config_maps: &[Arc<SourceFile>],
    ) -> Result<(Migration, Value), String> {
        let source = Arc::new(SourceFile {
            name: name.to_owned(),
            text: print_json(object).into(),
        });
        if read(&source.text).as_ref() != Some(object) {
            return Err(format!(
                "{name}: the object cannot be written as YAML and read again"
            ));
        }
        let mut sources = config_maps.to_vec();
        sources.push(Arc::clone(&source));
        let mut in_sources = InSources::collect(&[Arc::clone(&source)], RULES);
        let (loaded, selection) = (&mut *self.loaded, &self.selection);
        let mut choose = |findings: Vec<Finding>| {
            let mut findings = in_sources.apply(findings);
            findings.retain(|finding| !is_ignored(finding, loaded) && selection.includes(finding));
            findings
        };
        let holders = Holders::read(&sources);
        let surroundings = Surroundings::of(&holders).on_a_server(&self.watchers);
        let migration = migrate_within(&source, &surroundings, &self.options, &mut choose)
            .map_err(|error| format!("{name}: {error}"))?;
        let after = read(&migration.text)
            .ok_or_else(|| format!("{name}: what it becomes cannot be read; please report this bug"))?;
        Ok((migration, after))
    }

    /// Migrates the file that was applied too, so that the next apply of the migrated file has nothing to change.
    fn keep_in_step(
        &mut self,
        proposal: &mut Proposal,
        config_maps: &[Arc<SourceFile>],
    ) -> Result<(), String> {
        let Some(file) = last_applied(&proposal.live) else {
            return Ok(());
        };
        let (_, migrated) = self.migrate(&proposal.name, &file, config_maps)?;
        if lost(&file, &proposal.live).is_none()
            && let Some(path) = lost(&migrated, &proposal.after)
        {
            proposal.notes.push(format!(
                "the file that was applied last becomes something else at {path}: apply the migrated file afterwards"
            ));
        }
        proposal.file = Some(migrated);
        Ok(())
    }

    /// The ConfigMaps that may hold scripts which the object's containers run. One that cannot be read has none.
    async fn config_maps(&self, target: &Target, object: &Value) -> Vec<Arc<SourceFile>> {
        let mut names = Vec::new();
        script_volumes(object, &mut names);
        let mut found = Vec::new();
        for name in names {
            let namespace = target.namespace.as_deref().unwrap_or_default();
            let path = format!("/api/v1/namespaces/{namespace}/configmaps/{name}");
            let answer: Result<Value, RequestError> = self.server.get(&path).await;
            if let Ok(config_map) = answer {
                found.push(Arc::new(SourceFile {
                    name: format!("{namespace}/configmap/{name}"),
                    text: print_json(&as_written(&config_map)).into(),
                }));
            }
        }
        found
    }
}

fn read(text: &str) -> Option<Value> {
    yaml::Value::of(yaml::parse(text).ok()?.root(0)?).ok()?.to_json()
}

/// The ConfigMaps mounted where a command or an argument names a file, of every pod in a value.
fn script_volumes(value: &Value, names: &mut Vec<String>) {
    match value {
        Value::Object(entries) => {
            if let Some(volumes) = entries.get("volumes").and_then(Value::as_array) {
                for volume in volumes {
                    let name = volume.pointer("/configMap/name").and_then(Value::as_str);
                    if let (Some(name), Some(volume)) = (name, volume.get("name"))
                        && is_run_from(value, volume)
                        && !names.iter().any(|known| known == name)
                    {
                        names.push(name.to_owned());
                    }
                }
            }
            entries.values().for_each(|value| script_volumes(value, names));
        }
        Value::Array(items) => items.iter().for_each(|value| script_volumes(value, names)),
        _ => {}
    }
}

fn is_run_from(pod: &Value, volume: &Value) -> bool {
    let list = |value: &Value, key: &str| value.get(key).and_then(Value::as_array).cloned();
    ["initContainers", "containers"]
        .iter()
        .filter_map(|containers| list(pod, containers))
        .flatten()
        .any(|container| {
            let words: Vec<Value> = ["command", "args"]
                .iter()
                .filter_map(|words| list(&container, words))
                .flatten()
                .collect();
            let mounts = list(&container, "volumeMounts").unwrap_or_default();
            let mut paths = mounts
                .iter()
                .filter(|mount| mount.get("name") == Some(volume))
                .filter_map(|mount| mount.get("mountPath")?.as_str());
            paths.any(|path| {
                let mut words = words.iter().filter_map(Value::as_str);
                words.any(|word| word.contains(path))
            })
        })
}

/// Says that a manifest made of a pod holds what an injector added to it.
fn note_of_injected(live: &Value) -> Option<String> {
    let names = match live.get("kind").and_then(Value::as_str) {
        Some("Pod") => injected(live),
        _ => Vec::new(),
    };
    (!names.is_empty()).then(|| {
        format!(
            "{} came with the pod's admission, by all signs, and so may volumes: the pod's own file has neither, and is what to migrate",
            names.join(" and ")
        )
    })
}

/// What stands against a change of an object where it is.
fn hindrance(live: &Value) -> Option<Hindrance> {
    let refused = |reason: String| Hindrance {
        reason,
        recreates: false,
    };
    if live.pointer("/metadata/deletionTimestamp").is_some() {
        return Some(refused("it is being deleted".to_owned()));
    }
    if live
        .pointer("/metadata/annotations/kubernetes.io~1config.mirror")
        .is_some()
    {
        let reason = "it stands for a static pod: change the file on its node, and the kubelet makes it anew";
        return Some(refused(reason.to_owned()));
    }
    if let Some(keeper) = keeper(live) {
        return Some(refused(format!("{} keeps it: {}", keeper.who, keeper.instead)));
    }
    let reason = match live.get("kind").and_then(Value::as_str)? {
        "Job" => {
            "a Job's template cannot be changed; it has to be deleted and made anew, which ends what it runs"
        }
        "Pod" => {
            "a pod's containers cannot be changed; it has to be deleted and made anew, which ends what it runs"
        }
        _ => return None,
    };
    Some(Hindrance {
        reason: reason.to_owned(),
        recreates: true,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_of_variables_are_hidden() {
        let mut object = json!({"spec": {"containers": [{"env": [{"name": "A", "value": "secret"},
            {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]}]}});
        hide_values(&mut object);
        assert_eq!(
            object,
            json!({"spec": {"containers": [{"env": [{"name": "A", "value": "***"},
                {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]}]}})
        );
    }

    #[test]
    fn only_config_maps_that_hold_what_is_run_are_read() {
        let pod = json!({"spec": {
            "containers": [{"command": ["sh", "/scripts/run.sh"], "volumeMounts": [
                {"name": "scripts", "mountPath": "/scripts"}, {"name": "settings", "mountPath": "/etc/app"}]}],
            "volumes": [{"name": "scripts", "configMap": {"name": "run"}}, {"name": "settings", "configMap": {"name": "app"}}],
        }});
        let mut names = Vec::new();
        script_volumes(&pod, &mut names);
        assert_eq!(names, ["run"]);
    }
}
