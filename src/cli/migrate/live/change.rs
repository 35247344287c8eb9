//! Changes one object: reads it anew, tries it on the server, sends it, and does so again after a conflict.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::Value;

use super::{
    Run,
    backup::back_up,
    difference,
    proposal::{Engine, Proposal},
};
use crate::{
    cli::{confirm::confirm, migrate::tell},
    cluster::{
        RequestError,
        apply::{DRY_RUN, not_kept, pods_of, submit},
    },
    trace::object::Pod,
};

/// An object is read and sent so often.
const ATTEMPTS: u32 = 5;
/// The pause before the second attempt; each is longer by as much.
const PAUSE: Duration = Duration::from_millis(500);

/// What became of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Changed {
    /// It is changed; the uids of its pods until then, and the file that holds it as it was.
    Applied(Vec<String>, Option<PathBuf>),
    /// It is as it was, and shall be; why.
    Left(String),
    /// It could not be changed; why.
    Failed(String),
}

/// Why an attempt did not end with a changed object.
enum Attempt {
    /// The object has changed, or the server did not answer: it is to be read anew.
    Again(String),
    Over(Changed),
}

impl Run<'_> {
    /// Changes one object as it was shown. What somebody changes meanwhile is read anew and shown again; nothing is
    /// forced.
    pub(super) async fn change(&self, engine: &mut Engine<'_>, shown: &Proposal) -> Changed {
        let mut shown = shown.clone();
        let mut kept = false;
        let mut backup = None;
        let mut sent = false;
        let mut last = String::new();
        for attempt in 0..ATTEMPTS {
            if attempt > 0 {
                tell(&format!("  {last}; reading it again"));
                tokio::time::sleep(PAUSE * attempt).await;
            }
            let fresh: Value = match engine.server.get(&shown.target.path).await {
                Ok(fresh) => fresh,
                Err(error) if error.code() == Some(404) => return Changed::Left("it is gone".to_owned()),
                Err(error) => return Changed::Failed(error.to_string()),
            };
            let pods = pods_before(engine, &fresh, &shown).await;
            let proposal = match engine.propose(&shown.target, &shown.name, fresh).await {
                Ok(Some(proposal)) if proposal.is_change() => proposal,
                // The answer was lost, not the change.
                Ok(_) if sent => return Changed::Applied(pods, backup),
                Ok(_) => {
                    return Changed::Left("somebody has changed it: there is nothing left to do".to_owned());
                }
                Err(error) => return Changed::Failed(error),
            };
            if let Some(hindrance) = &proposal.hindrance {
                return Changed::Left(hindrance.reason.clone());
            }
            if !proposal.makes_the_same(&shown) {
                match self.show_again(&proposal).await {
                    Ok(true) => kept = false,
                    Ok(false) => return Changed::Left("it has changed since, and you said no".to_owned()),
                    Err(reason) => return Changed::Left(reason),
                }
            }
            shown = proposal;
            if let Some(directory) = self.arguments.backup.as_deref().filter(|_| !kept) {
                match keep(directory, &shown) {
                    Ok(path) => backup = Some(path),
                    Err(reason) => return Changed::Failed(reason),
                }
                kept = true;
            }
            match send(engine, &shown, &mut sent).await {
                Ok(()) => return Changed::Applied(pods, backup),
                Err(Attempt::Over(changed)) => return changed,
                Err(Attempt::Again(reason)) => last = reason,
            }
        }
        Changed::Failed(format!("given up after {ATTEMPTS} attempts: {last}"))
    }

    /// Shows what is different from what was shown before, and asks again.
    async fn show_again(&self, proposal: &Proposal) -> Result<bool, String> {
        tell(&format!(
            "{}: it was changed meanwhile; the change is now:",
            proposal.name
        ));
        tell_all(&difference(proposal));
        let (question, yes) = (format!("Change {} so?", proposal.name), self.arguments.yes);
        let asked =
            tokio::task::spawn_blocking(move || confirm(&question, yes).map_err(|error| error.to_string()));
        asked.await.map_err(|error| error.to_string())?
    }
}

/// Text of several lines on standard output, where the diffs are.
fn tell_all(text: &str) {
    use std::io::Write;
    // Where standard output is closed there is nobody to show it to.
    let _unprinted = std::io::stdout().write_all(text.as_bytes());
}

fn keep(directory: &Path, proposal: &Proposal) -> Result<PathBuf, String> {
    match back_up(directory, proposal) {
        Ok(path) => {
            tell(&format!("  backup: {}", path.display()));
            Ok(path)
        }
        Err(error) => Err(format!(
            "no backup could be written to {}: {error}",
            directory.display()
        )),
    }
}

/// The pods there are; nothing is known of new ones where they cannot be listed.
async fn pods_before(engine: &Engine<'_>, object: &Value, proposal: &Proposal) -> Vec<String> {
    let namespace = proposal.target.namespace.as_deref().unwrap_or_default();
    let pods = pods_of(engine.server, object, namespace)
        .await
        .unwrap_or_default();
    pods.iter().map(|pod| uid(pod).to_owned()).collect()
}

/// A pod's uid.
pub(super) fn uid(pod: &Pod) -> &str {
    &pod.metadata.uid
}

/// Tries the patch on the server, then sends it. `sent` tells whether it may have reached the object.
async fn send(engine: &Engine<'_>, proposal: &Proposal, sent: &mut bool) -> Result<(), Attempt> {
    let (server, path, patch) = (engine.server, &proposal.target.path, proposal.patch());
    let tried = match submit(server, path, DRY_RUN, &patch).await {
        Ok(object) => object,
        Err(error) => return Err(judge(engine, proposal, &error).await),
    };
    if let Some(at) = not_kept(&proposal.before, &proposal.after, &tried) {
        return Err(Attempt::Over(Changed::Failed(format!(
            "the server would not keep it as it is written: an admission webhook or policy changes {at}"
        ))));
    }
    *sent = true;
    match submit(server, path, "", &patch).await {
        Ok(_) => Ok(()),
        Err(error) => Err(judge(engine, proposal, &error).await),
    }
}

/// Whether an error calls for another attempt.
async fn judge(engine: &Engine<'_>, proposal: &Proposal, error: &RequestError) -> Attempt {
    let again = match error.code() {
        // The connection broke, or the server is busy or just starting.
        None | Some(401 | 409 | 429 | 500 | 502..=504) => true,
        // A test that failed is answered like an object that is wrong.
        Some(422) => has_moved(engine, proposal).await,
        Some(_) => false,
    };
    match error.code() {
        Some(409 | 422) if again => Attempt::Again("somebody else has changed the object".to_owned()),
        _ if again => Attempt::Again(error.to_string()),
        _ => Attempt::Over(Changed::Failed(error.to_string())),
    }
}

/// Whether the object is no longer in the state that the proposal is for.
async fn has_moved(engine: &Engine<'_>, proposal: &Proposal) -> bool {
    let state = |object: &Value| object.pointer("/metadata/resourceVersion").cloned();
    let now: Result<Value, _> = engine.server.get(&proposal.target.path).await;
    now.is_ok_and(|now| state(&now) != state(&proposal.live))
}
