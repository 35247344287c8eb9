//! What the user calls this program.

use std::{ffi::OsStr, path::Path};

/// The name for usage lines and hints. kubectl runs `kubectl-native_sidecar` as `kubectl native-sidecar`.
pub(super) fn name(file: &str) -> String {
    match file.strip_prefix("kubectl-") {
        Some("") | None => file.to_owned(),
        Some(plugin) => format!("kubectl {}", plugin.replace('-', " ").replace('_', "-")),
    }
}

/// The name of the file that was run, as completion scripts call it.
pub(super) fn file(argument: Option<&OsStr>) -> String {
    let file = argument
        .and_then(|argument| Path::new(argument).file_name())
        .map(|file| file.to_string_lossy().into_owned())
        .unwrap_or_default();
    match file.strip_suffix(".exe").unwrap_or(&file) {
        "" => env!("CARGO_PKG_NAME").to_owned(),
        file => file.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plugins_are_named_as_kubectl_calls_them() {
        for (argument, expected) in [
            ("kubectl-sidecar", "kubectl sidecar"),
            ("/usr/local/bin/kubectl-sidecar", "kubectl sidecar"),
            ("kubectl-native_sidecar", "kubectl native-sidecar"),
            ("kubectl-native-sidecar", "kubectl native sidecar"),
            ("kubectl-sidecar.exe", "kubectl sidecar"),
            ("/opt/sidecar-lint", "sidecar-lint"),
            ("kubectl-", "kubectl-"),
            ("", "kubectl sidecar"),
        ] {
            assert_eq!(name(&file(Some(OsStr::new(argument)))), expected, "{argument}");
        }
    }
}
