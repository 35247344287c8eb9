//! What lint finds of containers that are in the pods and in no template: nothing here can change it, and it is said.

use jiff::Timestamp;
use tokio::sync::{mpsc::channel, watch};

use super::proposal::Engine;
use crate::{
    cli::{ignored::is_ignored, live::LiveScope},
    cluster::{ScanEvent, ScanRequest, scan},
    live::{LiveObject, lint_live},
    rules::{Finding, FixClass},
};

/// Batches of workloads that wait to be linted.
const WAITING: usize = 2;

/// A finding about an injected container.
pub(super) struct Left {
    /// `shop/job/invoice`
    pub(super) object: String,
    /// What lint says.
    pub(super) what: String,
    /// Why it is left.
    pub(super) reason: String,
}

/// What was found, and what could not be seen.
#[derive(Default)]
pub(super) struct Injected {
    pub(super) left: Vec<Left>,
    pub(super) unseen: Option<String>,
}

/// Holds the pods of everything in the scope against their templates.
pub(super) async fn injected(engine: &mut Engine<'_>, scope: &LiveScope) -> Injected {
    let server = engine.server;
    let namespace = scope
        .namespace
        .clone()
        .unwrap_or_else(|| server.namespace().to_owned());
    let request = ScanRequest {
        namespace: (!scope.all_namespaces).then_some(namespace),
        filter: scope.filter.clone(),
        targets: scope
            .targets
            .iter()
            .map(|target| (target.kind.clone(), target.name.clone()))
            .collect(),
        prefix: String::new(),
    };
    let (sender, mut events) = channel(WAITING);
    let (_stop, stopped) = watch::channel(false);
    let scanning = scan(server, &request, sender, stopped);
    let mut found = Injected::default();
    let looking = async {
        while let Some(event) = events.recv().await {
            match event {
                ScanEvent::Workloads(objects) => {
                    for object in &objects {
                        found.left.extend(left(engine, object));
                    }
                }
                ScanEvent::Unseen(unseen) => {
                    found
                        .unseen
                        .get_or_insert(format!("{}: {}", unseen.what, unseen.reason));
                }
                ScanEvent::Injectors(_) | ScanEvent::Looked(_) | ScanEvent::Note(_) => {}
            }
        }
    };
    let (scanned, ()) = tokio::join!(scanning, looking);
    if let Err(error) = scanned {
        found.unseen.get_or_insert(error.to_string());
    }
    found
}

fn left(engine: &mut Engine<'_>, object: &LiveObject) -> Vec<Left> {
    let now = Timestamp::now();
    let names = object.record.live(now).injected;
    if names.is_empty() {
        return Vec::new();
    }
    let findings = lint_live(object, &[], &engine.options.lint, now).findings;
    let (loaded, selection) = (&mut *engine.loaded, &engine.selection);
    let is_about_one = |finding: &Finding| {
        let is_named = |text: &str| names.iter().any(|injected| injected.name == text);
        finding.container.as_deref().is_some_and(is_named) || finding.fix.class == FixClass::Manual
    };
    findings
        .into_iter()
        .filter(|finding| {
            is_about_one(finding) && selection.includes(finding) && !is_ignored(finding, loaded)
        })
        .map(|finding| Left {
            object: object.source.clone(),
            what: format!("{}: {}", finding.rule.name, finding.message),
            reason: finding.fix.reason,
        })
        .collect()
}
