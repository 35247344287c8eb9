//! The real injecting webhook of `../shared/cluster`, where it is there.

use std::{fs::File, path::PathBuf, process::Command};

/// The webhook, which goes with the test unless it was there before.
pub(crate) struct Injector {
    program: PathBuf,
    is_own: bool,
    /// One test at a time has it: there is one address for it.
    _turn: File,
}

impl Injector {
    /// `None`, and the word that the test is skipped, without it.
    pub(crate) fn up() -> Option<Self> {
        let program = std::env::var_os("SIDECAR_INJECTOR").map_or_else(
            || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/cluster/injector"),
            PathBuf::from,
        );
        if !program.is_file() {
            crate::tell::skip("injector", &format!("no injector at {}", program.display()));
            return None;
        }
        let turn = File::create(std::env::temp_dir().join("kubectl-sidecar-injector.lock")).unwrap();
        turn.lock().unwrap();
        let there = Command::new("kubectl")
            .args(["get", "mutatingwebhookconfiguration", "injector"])
            .output()
            .unwrap()
            .status
            .success();
        if !there {
            let up = Command::new(&program).arg("up").output().unwrap();
            if !up.status.success() {
                let said = String::from_utf8_lossy(&up.stderr);
                crate::tell::skip("injector", &format!("the injector does not start: {said}"));
                return None;
            }
        }
        Some(Self {
            program,
            is_own: !there,
            _turn: turn,
        })
    }
}

impl Drop for Injector {
    fn drop(&mut self) {
        if self.is_own {
            let _unheard = Command::new(&self.program).arg("down").output();
        }
    }
}
