//! `trace` on a real cluster: what `KUBECONFIG` points to, with `cluster.local/tools:1` on its node
//! (`../shared/cluster`). Skipped, and says so, where `KUBECONFIG` is not set.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "test code outside of test functions"
)]

#[macro_use]
mod support;

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use support::{Run, trace};

/// A namespace of its own, removed at the end.
struct Namespace {
    name: String,
    kubeconfig: PathBuf,
}

impl Namespace {
    fn create(name: &str) -> Option<Self> {
        let Some(kubeconfig) = std::env::var_os("KUBECONFIG").map(PathBuf::from) else {
            tell!("SKIPPED: KUBECONFIG is not set");
            return None;
        };
        let namespace = Self {
            name: format!("trace-{name}-{}", std::process::id()),
            kubeconfig,
        };
        namespace.kubectl(&["create", "namespace", &namespace.name]);
        for _ in 0..100 {
            let account = Command::new("kubectl")
                .args(["-n", &namespace.name, "get", "serviceaccount", "default"])
                .stderr(Stdio::null())
                .output()
                .unwrap();
            if account.status.success() {
                break;
            }
            thread::sleep(Duration::from_millis(100));
        }
        Some(namespace)
    }

    fn kubectl(&self, arguments: &[&str]) {
        let output = Command::new("kubectl").args(arguments).output().unwrap();
        assert!(
            output.status.success(),
            "kubectl {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    fn apply(&self, manifest: &str) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("examples/manifests")
            .join(manifest);
        self.kubectl(&["-n", &self.name, "apply", "-f", path.to_str().unwrap()]);
    }

    fn trace(&self, arguments: &[&str]) -> Run {
        let mut all = vec!["-n", &self.name, "--timeout", "120s"];
        all.extend(arguments);
        trace(&all, Some(&self.kubeconfig))
    }

    /// Traces a pod from before it is made until it is gone.
    fn trace_life(&self, pod: &str, more: &[&str]) -> Run {
        let mut arguments = vec![pod, "--attach", "--for", "deleted"];
        arguments.extend(more);
        thread::scope(|scope| {
            let run = scope.spawn(|| self.trace(&arguments));
            thread::sleep(Duration::from_secs(1));
            self.apply(&format!("{pod}.yaml"));
            let name = format!("pod/{pod}");
            self.kubectl(&[
                "-n",
                &self.name,
                "wait",
                &name,
                "--for=condition=Ready",
                "--timeout=90s",
            ]);
            self.kubectl(&["-n", &self.name, "delete", &name, "--timeout=90s"]);
            run.join().unwrap()
        })
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("kubectl")
            .args(["delete", "namespace", &self.name, "--wait=false"])
            .stdout(Stdio::null())
            .status();
    }
}

#[test]
fn a_job_with_native_sidecars_keeps_the_order() {
    let Some(namespace) = Namespace::create("job") else {
        return;
    };
    namespace.apply("settle-accounts.yaml");
    let run = namespace.trace(&[
        "job/settle-accounts",
        "--for",
        "complete",
        "--attach",
        "--logs",
        "--metrics",
    ]);
    assert_eq!(run.code, Some(0), "{}", run.notes);
    let proved = run
        .verdicts()
        .into_iter()
        .filter(|(rule, verdict)| rule.contains("-order ") && verdict == "proved")
        .count();
    assert_eq!(proved, 6, "{:?}", run.verdicts());
}

#[test]
fn native_sidecars_stop_in_order_and_plain_ones_do_not() {
    let Some(namespace) = Namespace::create("pods") else {
        return;
    };
    let good = namespace.trace_life("catalogue", &[]);
    assert_eq!(good.code, Some(0), "{} {:?}", good.notes, good.verdicts());
    let bad = namespace.trace_life("storefront", &["--sidecar", "mesh-proxy"]);
    assert_eq!(bad.code, Some(1), "{} {:?}", bad.notes, bad.verdicts());
    assert!(
        bad.verdicts().values().all(|verdict| verdict == "violated"),
        "{:?}",
        bad.verdicts()
    );
}
