//! The binary as a user runs it.

#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic)]

mod configuration;
mod explain;
mod findings;
#[path = "../support/formats.rs"]
mod formats;
mod hostile;
mod hostile_size;
mod inputs;
mod mistakes;
mod outputs;
mod policy;
mod reading;
mod reports;
#[path = "../support/schema.rs"]
mod schema;
mod silencing;
#[path = "../support/tell.rs"]
mod tell;
mod usage;

use std::{
    fmt, fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Variables that change what is printed.
const SCRUBBED: [&str; 7] = [
    "CI",
    "NO_COLOR",
    "CLICOLOR",
    "CLICOLOR_FORCE",
    "FORCE_COLOR",
    "TERM",
    "COLUMNS",
];

/// A Job without anything to find.
pub(crate) const CLEAN: &str = "\
apiVersion: batch/v1
kind: Job
metadata:
  name: clean
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: app
          image: example.com/app
";

/// The names of the formats that `lint -o` offers.
pub(crate) fn formats() -> Vec<String> {
    let formats = formats::formats().into_iter();
    formats.map(|format| format.get_name().to_owned()).collect()
}

/// A directory that is gone at the end of the test. It is no repository, and none is above it.
pub(crate) struct Project {
    directory: tempfile::TempDir,
}

impl Project {
    pub(crate) fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
        }
    }

    /// Writes a file, and the directories it needs.
    pub(crate) fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The binary, run in this directory with these arguments.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).run(self)
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Invocation {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-sidecar"));
        command.args(arguments).current_dir(self.path());
        // Reports are made at one time.
        command.env("SOURCE_DATE_EPOCH", "1796020668");
        Invocation {
            command,
            input: Vec::new(),
        }
    }
}

/// A run to be.
pub(crate) struct Invocation {
    pub(crate) command: Command,
    input: Vec<u8>,
}

impl Invocation {
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn stdin(mut self, input: impl Into<Vec<u8>>) -> Self {
        self.input = input.into();
        self
    }

    /// Runs another program in place of the binary.
    pub(crate) fn program(mut self, program: &Path) -> Self {
        let mut command = Command::new(program);
        command.args(self.command.get_args());
        if let Some(directory) = self.command.get_current_dir() {
            command.current_dir(directory);
        }
        self.command = command;
        self
    }

    pub(crate) fn run(mut self, project: &Project) -> Output {
        let given: Vec<_> = self.command.get_envs().map(|(name, _)| name.to_owned()).collect();
        for name in SCRUBBED {
            if !given.iter().any(|given| given == name) {
                self.command.env_remove(name);
            }
        }
        let mut child = self
            .command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A program that reads no input closes it.
        let _unread = child.stdin.take().unwrap().write_all(&self.input);
        let output = child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| {
            let directory = fs::canonicalize(project.path()).unwrap();
            String::from_utf8(bytes)
                .unwrap()
                .replace(&directory.display().to_string(), "[DIRECTORY]")
        };
        Output {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

/// What a run gave.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Output {
    /// The names of the files that were linted, from JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self}"))
    }
}

impl fmt::Display for Output {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => writeln!(formatter, "exit {code}")?,
            None => writeln!(formatter, "killed")?,
        }
        write!(
            formatter,
            "--- stdout\n{}--- stderr\n{}",
            self.stdout, self.stderr
        )
    }
}

/// Makes the binary reachable under another name.
pub(crate) fn link(project: &Project, name: &str) -> PathBuf {
    let link = project.path().join(name);
    #[cfg(unix)]
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_kubectl-sidecar"), &link).unwrap();
    link
}

/// A text that is no YAML, to see which files are read at all.
pub(crate) const BROKEN: &str = "apiVersion: v1\nkind: Pod\nmetadata: {name: broken\n";

/// The files that a run complained about, in order.
pub(crate) fn complained(output: &Output) -> Vec<String> {
    output
        .stderr
        .lines()
        .filter_map(|line| line.strip_prefix("error: "))
        .filter_map(|line| line.split(':').next())
        .map(str::to_owned)
        .collect()
}
