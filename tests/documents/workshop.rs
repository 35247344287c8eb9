//! A directory as the pages suppose one: manifests, a kustomization, a chart, and the examples of the repository.

use std::{
    env, fs,
    os::unix::fs::symlink,
    path::Path,
    process::{Command, Output},
    time::Duration,
};

use crate::{cluster::Cluster, markdown::root};

/// What a command may take that does not end by itself.
const WATCHED: Duration = Duration::from_secs(8);

const KUSTOMIZATION: &str = "resources: [settle.yaml, report.yaml]\n";

const CHART: &str = "apiVersion: v2\nname: shop\nversion: 0.1.0\n";

/// Where a block of commands is run.
pub(crate) struct Workshop {
    directory: tempfile::TempDir,
}

impl Workshop {
    pub(crate) fn new() -> Self {
        let workshop = Self {
            directory: tempfile::tempdir().unwrap(),
        };
        // What a page applies goes to the namespace of the context.
        let example = |name: &str| {
            let text = fs::read_to_string(root().join("examples").join(name)).unwrap();
            text.replace("  namespace: shop\n", "")
        };
        let job = example("job-with-proxy.yaml");
        let stuck = example("stuck-job.yaml");
        let deployment = example("deployment-with-delays.yaml");
        for (path, content) in [
            ("job.yaml", job.as_str()),
            ("app.yaml", &deployment),
            ("deploy/job.yaml", &job),
            ("deploy/web.yaml", &deployment),
            ("overlays/production/settle.yaml", &job),
            ("overlays/production/report.yaml", &stuck),
            ("overlays/production/kustomization.yaml", KUSTOMIZATION),
            ("chart/Chart.yaml", CHART),
            ("chart/templates/web.yaml", &deployment),
        ] {
            workshop.write(path, content);
        }
        workshop.copy_examples();
        let bin = workshop.path().join("bin");
        let release = workshop.path().join("target/release");
        for directory in [&bin, &release] {
            fs::create_dir_all(directory).unwrap();
            let program = directory.join("kubectl-sidecar");
            symlink(env!("CARGO_BIN_EXE_kubectl-sidecar"), program).unwrap();
        }
        workshop
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    fn write(&self, path: &str, content: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn copy_examples(&self) {
        let status = Command::new("cp")
            .arg("-r")
            .arg(root().join("examples"))
            .arg(self.path())
            .status()
            .unwrap();
        assert!(status.success());
    }

    /// Runs a command of a page with our binary on the path.
    pub(crate) fn run(&self, command: &str, cluster: Option<&Cluster>) -> Output {
        let own = [self.path().join("bin")];
        // Where `programs::find` looks.
        let installed = env::var_os("HOME").map(|home| Path::new(&home).join("go/bin"));
        let path = env::var_os("PATH").unwrap_or_default();
        let path = own.into_iter().chain(env::split_paths(&path)).chain(installed);
        let path = env::join_paths(path).unwrap();
        let mut run = if command.contains("until Ctrl-C") {
            let mut run = Command::new("timeout");
            let seconds = WATCHED.as_secs().to_string();
            run.args(["--preserve-status", "--signal=INT", &seconds, "bash"]);
            run
        } else {
            Command::new("bash")
        };
        let command = cluster.map_or_else(|| command.to_owned(), |cluster| cluster.adapt(command));
        run.args(["-o", "pipefail", "-c", &command])
            .current_dir(self.path())
            .env("PATH", path)
            .env_remove("KUBECONFIG")
            .envs(cluster.map(|cluster| ("KUBECONFIG", cluster.kubeconfig())))
            .stdin(std::process::Stdio::null());
        run.output().unwrap()
    }
}
