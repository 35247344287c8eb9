//! Programs that render, run for strangers' sources: with a time limit, a longest output, an empty home and no network
//! to be asked for.

use std::{
    fs,
    io::{self, Read},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::source::MAXIMUM_SIZE;

use super::Scratch;

/// What takes longer than this is taken for something that does not end.
const TIME_LIMIT: Duration = Duration::from_secs(30);
/// What holds more memory than this is taken for something that never has enough. helm and kustomize hold some 100 MB.
const MEMORY_LIMIT: u64 = 2 << 30;
/// As much is kept of what a program says.
const LONGEST_MESSAGE: u64 = 64 << 10;
/// How often a program is asked whether it has ended.
const PAUSE: Duration = Duration::from_millis(5);

/// A program with its arguments.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Program<'p> {
    /// Its name on the PATH.
    pub name: &'p str,
    /// Its arguments.
    pub arguments: &'p [&'p str],
}

/// Why a program rendered nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProgramError {
    /// It is not there.
    #[error("{0} is not on the PATH")]
    Missing(String),
    /// It could not be started, or its input not be prepared.
    #[error("{program} cannot be run: {error}")]
    Unstarted {
        /// The program.
        program: String,
        /// Why.
        error: io::Error,
    },
    /// It ended with an error.
    #[error("{program} says: {message}")]
    Failed {
        /// The program.
        program: String,
        /// The last line of what it said.
        message: String,
    },
    /// It does not end.
    #[error("{0} did not end within {seconds} seconds", seconds = TIME_LIMIT.as_secs())]
    Endless(String),
    /// It holds ever more memory.
    #[error("{0} took more than {gib} GiB of memory", gib = MEMORY_LIMIT >> 30)]
    TooLarge(String),
    /// It writes without end.
    #[error("{0} wrote more than {mib} MiB", mib = MAXIMUM_SIZE >> 20)]
    TooMuch(String),
}

impl Program<'_> {
    /// Runs the program in a scratch copy and returns what it wrote.
    ///
    /// # Errors
    /// It is not there, fails, does not end or writes too much.
    pub(crate) fn run(&self, scratch: &Scratch, directory: &Path) -> Result<String, ProgramError> {
        self.run_within((TIME_LIMIT, MEMORY_LIMIT), scratch, directory)
    }

    fn run_within(
        &self,
        limits: (Duration, u64),
        scratch: &Scratch,
        directory: &Path,
    ) -> Result<String, ProgramError> {
        let mut child = self.command(scratch, directory).spawn().map_err(|error| {
            if error.kind() == io::ErrorKind::NotFound {
                ProgramError::Missing(self.name.to_owned())
            } else {
                self.unstarted(error)
            }
        })?;
        let output = reader(child.stdout.take(), MAXIMUM_SIZE + 1);
        let messages = reader(child.stderr.take(), LONGEST_MESSAGE);
        let status = self.wait(&mut child, limits)?;
        let output = joined(output);
        let messages = joined(messages);
        if output.len() as u64 > MAXIMUM_SIZE {
            return Err(ProgramError::TooMuch(self.name.to_owned()));
        }
        if !status.success() {
            let messages = String::from_utf8_lossy(&messages);
            return Err(ProgramError::Failed {
                program: self.name.to_owned(),
                message: said(&messages, scratch).unwrap_or_else(|| status.to_string()),
            });
        }
        String::from_utf8(output).map_err(|_| ProgramError::Failed {
            program: self.name.to_owned(),
            message: "what it wrote is not UTF-8".to_owned(),
        })
    }

    fn command(&self, scratch: &Scratch, directory: &Path) -> Command {
        let mut command = Command::new(self.name);
        command
            .args(self.arguments)
            .current_dir(directory)
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .env("HOME", scratch.home())
            .env("TMPDIR", scratch.home())
            // Whatever a source makes of a repository's name, git fetches nothing.
            .env("GIT_ALLOW_PROTOCOL", "none")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn wait(
        &self,
        child: &mut Child,
        (limit, memory_limit): (Duration, u64),
    ) -> Result<ExitStatus, ProgramError> {
        let end = Instant::now() + limit;
        loop {
            if let Some(status) = child.try_wait().map_err(|error| self.unstarted(error))? {
                return Ok(status);
            }
            let error = match memory_of(child) {
                _ if Instant::now() >= end => ProgramError::Endless,
                Some(memory) if memory > memory_limit => ProgramError::TooLarge,
                _ => {
                    thread::sleep(PAUSE);
                    continue;
                }
            };
            // It may have ended in between.
            let _ = child.kill();
            let _ = child.wait();
            return Err(error(self.name.to_owned()));
        }
    }

    fn unstarted(&self, error: io::Error) -> ProgramError {
        ProgramError::Unstarted {
            program: self.name.to_owned(),
            error,
        }
    }
}

/// The memory that a program holds, in bytes, where the system tells (proc(5): `VmRSS`, in kB).
fn memory_of(child: &Child) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes << 10)
}

/// Reads a pipe beside the others, so that none of them fills up. At its limit it is closed, which ends the program at
/// its next write.
fn reader(pipe: Option<impl Read + Send + 'static>, limit: u64) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(pipe) = pipe {
            // What was read before an error is what there is.
            let _ = pipe.take(limit).read_to_end(&mut bytes);
        }
        bytes
    })
}

fn joined(reader: thread::JoinHandle<Vec<u8>>) -> Vec<u8> {
    reader.join().unwrap_or_default()
}

/// The last line that a program said, with paths as the user knows them.
fn said(messages: &str, scratch: &Scratch) -> Option<String> {
    let is_reason = |line: &&str| line.starts_with("Error: ");
    let last = || messages.lines().rev().find(|line| !line.trim().is_empty());
    let line = messages.lines().find(is_reason).or_else(last)?;
    let root = format!("{}/", scratch.root().display());
    let line = line.trim().replace(&root, "");
    // kubectl writes an error of kustomize as an entry of its log, in quotes.
    let quoted = line
        .split_once("\"command failed\" err=\"")
        .map(|(_, quoted)| quoted);
    if let Some(quoted) = quoted.and_then(|quoted| quoted.strip_suffix('"')) {
        return Some(quoted.replace("\\\"", "\"").replace("\\\\", "\\"));
    }
    Some(line.strip_prefix("Error: ").unwrap_or(&line).to_owned())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use crate::tree::Files;

    fn outcome(name: &str, arguments: &[&str]) -> Result<String, ProgramError> {
        let scratch = Scratch::of(&Files::default()).unwrap();
        let program = Program { name, arguments };
        program.run_within((Duration::from_secs(2), MEMORY_LIMIT), &scratch, &scratch.root())
    }

    #[test]
    fn what_does_not_end_is_ended() {
        let began = Instant::now();
        let outcome = outcome("sleep", &["600"]);
        assert!(matches!(outcome, Err(ProgramError::Endless(_))), "{outcome:?}");
        assert!(began.elapsed() < Duration::from_secs(60));
    }

    #[test]
    fn what_writes_without_end_is_cut_off() {
        let scratch = Scratch::of(&Files::default()).unwrap();
        let program = Program {
            name: "yes",
            arguments: &["a line that is written again and again"],
        };
        let outcome = program.run_within((Duration::from_secs(60), MEMORY_LIMIT), &scratch, &scratch.root());
        let error = outcome.map(|text| text.len()).unwrap_err();
        assert!(matches!(error, ProgramError::TooMuch(_)), "{error:?}");
    }

    /// Without end, so that only its memory can end it.
    #[test]
    #[cfg(target_os = "linux")]
    fn what_takes_ever_more_memory_is_ended() {
        let scratch = Scratch::of(&Files::default()).unwrap();
        let program = Program {
            name: "sh",
            arguments: &[
                "-c",
                "a=xxxxxxxx; while :; do a=$a$a; [ ${#a} -lt 99999999 ] || sleep 600; done",
            ],
        };
        let limits = (Duration::from_secs(60), 64 << 20);
        let outcome = program.run_within(limits, &scratch, &scratch.root());
        assert!(matches!(outcome, Err(ProgramError::TooLarge(_))), "{outcome:?}");
    }

    #[test]
    fn a_program_that_is_not_there_is_missing() {
        let outcome = outcome("no-such-program-here", &[]);
        assert!(matches!(outcome, Err(ProgramError::Missing(_))), "{outcome:?}");
    }
}
