//! Folders in which sidecars that an injector adds write files for the app.

/// A folder of an injected sidecar.
#[derive(Debug)]
pub struct InjectedFolder {
    /// The sidecar, by its name in the catalogue.
    pub sidecar: &'static str,
    /// The folder, as the injector mounts it where nothing else is asked for.
    pub folder: &'static str,
    /// Where this is from.
    pub source: &'static str,
    /// The day on which somebody compared the row with its source.
    pub checked: &'static str,
}

/// All such folders.
pub const INJECTED_FOLDERS: &[InjectedFolder] = &[InjectedFolder {
    sidecar: "vault-agent",
    folder: "/vault/secrets/",
    source: "https://developer.hashicorp.com/vault/docs/platform/k8s/injector/annotations",
    checked: "2026-11-30",
}];

/// The sidecar in whose folder a file lies.
#[must_use]
pub fn writer_of(path: &str) -> Option<&'static str> {
    let row = INJECTED_FOLDERS.iter().find(|row| path.starts_with(row.folder))?;
    Some(row.sidecar)
}
