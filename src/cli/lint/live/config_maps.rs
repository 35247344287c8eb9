//! The ConfigMaps of a cluster whose scripts workloads run.

use std::{collections::HashMap, sync::Arc};

use serde_json::value::RawValue;

use crate::{
    cluster::{RequestError, Server},
    live::{LiveObject, config_map},
    source::SourceFile,
};

/// ConfigMaps that are remembered for the workloads to come.
const CONFIG_MAPS: usize = 256;

/// ConfigMaps that hold scripts of workloads, each read by its name.
pub(super) struct ConfigMaps<'s> {
    server: &'s Server,
    prefix: &'s str,
    known: HashMap<(String, String), Option<Arc<SourceFile>>>,
    /// What could not be read, and why.
    pub(super) refused: Vec<(String, String)>,
}

impl<'s> ConfigMaps<'s> {
    pub(super) fn new(server: &'s Server, prefix: &'s str) -> Self {
        Self {
            server,
            prefix,
            known: HashMap::new(),
            refused: Vec::new(),
        }
    }

    pub(super) async fn of(&mut self, object: &LiveObject, names: &[String]) -> Vec<Arc<SourceFile>> {
        let namespace = object.namespace.clone().unwrap_or_default();
        let mut found = Vec::new();
        for name in names {
            let key = (namespace.clone(), name.clone());
            if !self.known.contains_key(&key) {
                if self.known.len() >= CONFIG_MAPS {
                    self.known.clear();
                }
                let read = self.read(&namespace, name).await;
                self.known.insert(key.clone(), read);
            }
            found.extend(self.known.get(&key).into_iter().flatten().cloned());
        }
        found
    }

    async fn read(&mut self, namespace: &str, name: &str) -> Option<Arc<SourceFile>> {
        let path = format!("/api/v1/namespaces/{namespace}/configmaps/{name}");
        let answer: Result<Box<RawValue>, RequestError> = self.server.get(&path).await;
        let source = format!("{}{namespace}/configmap/{name}", self.prefix);
        match answer {
            Ok(text) => config_map(&source, text.get()),
            // Optional, or not there yet.
            Err(error) if error.code() == Some(404) => None,
            Err(error) => {
                self.refused
                    .push((source, format!("{error}; the scripts in it were not read")));
                None
            }
        }
    }
}
