//! What tells of a new pod's roles beside the pod: its template, and its scripts in ConfigMaps.

use std::{sync::Arc, time::Duration};

use serde_json::value::RawValue;

use super::Live;
use crate::{
    cli::trace::TraceError,
    cluster::{RequestError, get_json, template_containers},
    live::config_map,
    source::SourceFile,
    trace::{
        Evidence,
        evidence::{PodSeen, TemplateSeen},
    },
};

/// What tells of a pod's roles is waited for no longer than this.
const PATIENCE: Duration = Duration::from_secs(2);

impl Live<'_> {
    /// Reads what a new pod's roles depend on, where that is not in the pod.
    pub(super) async fn read_roles(
        &mut self,
        evidence: &Evidence,
        raw: Option<&[u8]>,
    ) -> Result<(), TraceError> {
        let (Evidence::Pod(seen), Some(line)) = (evidence, raw.and_then(|raw| std::str::from_utf8(raw).ok()))
        else {
            return Ok(());
        };
        if self.session.engine.pod(&seen.pod.metadata.uid).is_some() {
            return Ok(());
        }
        self.read_template(seen, line).await?;
        self.read_scripts(seen, line).await
    }

    /// The template may show that a container was injected.
    async fn read_template(&mut self, seen: &PodSeen, line: &str) -> Result<(), TraceError> {
        let Some(owner) = self.session.roles.wanted_template(seen, line) else {
            return Ok(());
        };
        let client = self.client.clone();
        let asked = template_containers(&client, &owner, &seen.pod.metadata.namespace);
        let what = format!("{}/{}", owner.kind, owner.name);
        let consequence = "a sidecar that was injected into its pods may be taken for an app";
        let Some(containers) = self.answer(asked, &what, consequence).await.flatten() else {
            self.session.roles.remember_template(&owner.uid, None);
            return Ok(());
        };
        self.learn(Evidence::Template(TemplateSeen {
            owner: owner.uid,
            containers,
        }))
    }

    /// Scripts that stand in ConfigMaps show who waits for whom, and who ends whom.
    async fn read_scripts(&mut self, seen: &PodSeen, line: &str) -> Result<(), TraceError> {
        let names = self.session.roles.wanted_scripts(seen, line);
        if names.is_empty() {
            return Ok(());
        }
        let namespace = &seen.pod.metadata.namespace;
        let mut found: Vec<Arc<SourceFile>> = Vec::new();
        for name in names {
            let path = format!("/api/v1/namespaces/{namespace}/configmaps/{name}");
            let client = self.client.clone();
            let asked = get_json::<Box<RawValue>>(&client, &path);
            let source = format!("{namespace}/configmap/{name}");
            let consequence = "a sidecar that only its scripts show may be taken for an app";
            let text = self.answer(asked, &source, consequence).await;
            found.extend(text.and_then(|text| config_map(&source, text.get())));
        }
        match self.session.roles.with_scripts(seen, line, &found) {
            Some(scripts) => self.learn(Evidence::Scripts(scripts)),
            None => Ok(()),
        }
    }

    /// An answer in time. That something is not there is none; another refusal is told with what follows from it.
    async fn answer<A>(
        &mut self,
        asked: impl Future<Output = Result<A, RequestError>>,
        what: &str,
        consequence: &str,
    ) -> Option<A> {
        let reason = match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Ok(answer)) => return Some(answer),
            Ok(Err(error)) if error.code() == Some(404) => return None,
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("{what}: no answer within {} seconds", PATIENCE.as_secs()),
        };
        self.complain(format!("{reason}; {consequence}"));
        None
    }

    fn learn(&mut self, evidence: Evidence) -> Result<(), TraceError> {
        if let Some(recorder) = &mut self.recorder {
            recorder.evidence(&evidence)?;
        }
        self.session.take(evidence, None)
    }
}
