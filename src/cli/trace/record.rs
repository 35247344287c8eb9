//! `--record`: raw evidence to a file, in the format that `--replay` reads.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use serde_json::json;

use super::{TraceError, file_error};
use crate::trace::{
    Evidence, Moment, Settings,
    recording::{FORMAT_VERSION, Header},
};

/// Writes a recording.
pub(super) struct Recorder {
    path: PathBuf,
    file: File,
}

impl Recorder {
    /// Starts a recording with its header.
    pub(super) fn create(path: &Path, settings: &Settings) -> Result<Self, TraceError> {
        let mut recorder = Self {
            path: path.to_owned(),
            file: open(path).map_err(|source| file_error(path, source))?,
        };
        let header = Header {
            version: FORMAT_VERSION,
            logs: settings.logs,
            attach: settings.attach,
            metrics: settings.metrics,
            sidecars: settings.reading.sidecars.iter().cloned().collect(),
        };
        let mut line = serde_json::to_value(header).map_err(std::io::Error::from)?;
        if let Some(object) = line.as_object_mut() {
            object.insert("kind".to_owned(), json!("trace"));
        }
        recorder.line(line.to_string().as_bytes())?;
        Ok(recorder)
    }

    /// Hands a line to the system at once: whatever ends this process then, the line is there.
    fn line(&mut self, line: &[u8]) -> Result<(), TraceError> {
        let whole = [line, b"\n"].concat();
        self.file
            .write_all(&whole)
            .map_err(|source| file_error(&self.path, source))
    }

    /// A line of a watch, untouched.
    pub(super) fn watched(&mut self, kind: &str, received: Moment, raw: &[u8]) -> Result<(), TraceError> {
        let mut line = format!("{{\"kind\":\"{kind}\",\"received\":{},\"event\":", received.0).into_bytes();
        line.extend_from_slice(raw);
        line.push(b'}');
        self.line(&line)
    }

    /// Evidence that did not come over a watch.
    pub(super) fn evidence(&mut self, evidence: &Evidence) -> Result<(), TraceError> {
        let line = match evidence {
            Evidence::Pod(_) | Evidence::Event(_) => return Ok(()),
            Evidence::Log(line) => json!({
                "kind": "logs", "time": line.time.0, "namespace": line.address.namespace,
                "pod": line.address.pod, "container": line.address.container,
            }),
            Evidence::Attach(end) => json!({
                "kind": "attach", "namespace": end.address.namespace, "pod": end.address.pod,
                "container": end.address.container, "id": end.id, "opened": end.opened.0,
                "closed": end.closed.0, "error": end.error,
            }),
            Evidence::Creation(creation) => json!({
                "kind": "metrics", "time": creation.time.0, "namespace": creation.address.namespace,
                "pod": creation.address.pod, "container": creation.address.container,
            }),
            Evidence::Node(node) => json!({
                "kind": "node", "node": node.name, "kubeletVersion": node.kubelet_version,
            }),
            Evidence::Template(template) => json!({
                "kind": "template", "owner": template.owner, "containers": template.containers,
            }),
            Evidence::Scripts(scripts) => json!({
                "kind": "scripts", "owner": scripts.owner, "signs": scripts.signs,
            }),
            Evidence::Kubelet(seen) => json!({
                "kind": "kubelet", "received": seen.noticed.0, "node": seen.node, "away": seen.away,
                "since": seen.since.map(|since| since.0),
            }),
            Evidence::Unseen(unseen) => json!({
                "kind": "unseen", "received": unseen.noticed.0, "reason": unseen.reason,
            }),
            Evidence::Gap(gap) => json!({
                "kind": "gap", "received": gap.noticed.0, "resource": gap.resource,
                "namespace": gap.namespace, "reason": gap.reason,
            }),
            Evidence::Vanished(vanished) => json!({
                "kind": "vanished", "received": vanished.noticed.0, "uid": vanished.uid,
            }),
        };
        self.line(line.to_string().as_bytes())
    }

    /// What came until now was known together.
    pub(super) fn listed(&mut self) -> Result<(), TraceError> {
        self.line(br#"{"kind":"listed"}"#)
    }

    /// Says when the looking ended, and makes sure everything is on the disk. What is no file has none.
    pub(super) fn finish(&mut self, timed_out: bool) -> Result<(), TraceError> {
        let line = json!({"kind": "end", "received": Moment::now().0, "timedOut": timed_out});
        self.line(line.to_string().as_bytes())?;
        match self.file.sync_all() {
            Err(error) if error.kind() != io::ErrorKind::InvalidInput => Err(file_error(&self.path, error)),
            _ => Ok(()),
        }
    }
}

/// An empty file that nobody else may read: a recording holds what pods hold. Through a symbolic link nothing is
/// overwritten; pipes and terminals are written to.
#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
    let is_special = fs::metadata(path).is_ok_and(|metadata| !metadata.is_file());
    if is_special {
        return File::options().write(true).open(path);
    }
    let no_follow = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or_default();
    let file = File::options()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .custom_flags(no_follow)
        .open(path)
        .map_err(|error| match fs::symlink_metadata(path) {
            Ok(metadata) if metadata.is_symlink() => {
                io::Error::other("it is a symbolic link, and a recording is not written through one")
            }
            _ => error,
        })?;
    file.set_permissions(fs::Permissions::from_mode(0o600))?;
    Ok(file)
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    File::create(path)
}
