//! Runs command lines with stand-ins for the programs that they call, and tells what could be seen of them.

use std::{
    collections::BTreeMap,
    fs,
    io::Read,
    os::unix::{fs::PermissionsExt, process::ExitStatusExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// Logs how it was called, where and with which environment; the work's own calls end with `$RESULT`.
const APP: &str = r#"#!/bin/dash
{ printf '%s' "${0##*/}"; printf ' <%s>' "$@"; echo " $PWD $(umask)"; export -p; } >> "$LOG"
echo "out $*"
case "$1" in
run | one | two) ;;
"two words") ;;
*) exit 0 ;;
esac
case $RESULT in TERM | KILL) kill -$RESULT $$ ;; esac
exit $RESULT
"#;

/// Answers at the n-th try; whom it tells to end does at once.
const ASKS: &str = r#"#!/bin/dash
case "$*" in *quitquitquit* | *9091*) exit 0 ;; *--retry*) exit 0 ;; esac
n=0
[ ! -f "$LOG.count" ] || read -r n < "$LOG.count"
n=$((n + 1))
echo $n > "$LOG.count"
[ $n -ge "$ANSWERS" ] || exit 7
"#;

/// What the scripts call.
const PROGRAMS: [(&str, &str); 10] = [
    ("app", APP),
    ("tool", APP),
    ("curl", ASKS),
    ("wget", ASKS),
    ("nc", ASKS),
    ("pg_isready", ASKS),
    ("sleep", "#!/bin/dash\n"),
    ("pkill", "#!/bin/dash\n"),
    ("wait-for-it", "#!/bin/dash\n"),
    ("timeout", "#!/bin/dash\nshift\nexec \"$@\"\n"),
];

/// The programs' directory.
pub(crate) struct Stage {
    directory: tempfile::TempDir,
}

/// What could be seen of a run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The result as the kubelet tells it: 128 and the signal where one ended it.
    pub(crate) code: i32,
    /// The calls of the programs that do something, with their arguments, directory and environment.
    pub(crate) calls: String,
    /// What was printed, but for the lines that are the wait's or the quit's own.
    pub(crate) prints: String,
    /// The files afterwards.
    pub(crate) files: BTreeMap<PathBuf, String>,
}

/// What the world around a run is like.
#[derive(Debug, Clone, Copy)]
pub(crate) struct World {
    /// What `sh` and `bash` are.
    pub(crate) shell: &'static [&'static str],
    /// With what the app ends: a number, or the signal that ends it.
    pub(crate) result: &'static str,
    /// At which try the sidecar answers.
    pub(crate) answers: usize,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let bin = directory.path().join("bin");
        fs::create_dir(&bin).unwrap();
        for (name, text) in PROGRAMS {
            let path = bin.join(name);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        Self { directory }
    }

    fn bin(&self) -> PathBuf {
        self.directory.path().join("bin")
    }

    /// Runs a container's command line. Nothing where it does not end.
    pub(crate) fn run(&self, command: &[String], world: World) -> Option<Seen> {
        let place = tempfile::tempdir().unwrap();
        let work = place.path().join("work");
        fs::create_dir_all(work.join("sub")).unwrap();
        for file in ["word", "sub/word"] {
            fs::write(work.join(file), "one 2\n").unwrap();
        }
        fs::write(work.join("lib.sh"), "app lib ${x:-no} ${n:-no}\n").unwrap();
        let log = place.path().join("log");
        fs::write(&log, "").unwrap();
        let words = self.command_line(command, world.shell);
        let (program, arguments) = words.split_first().unwrap();
        let child = Command::new(program)
            .args(arguments)
            .current_dir(&work)
            .env_clear()
            .envs([("NAME", "two words"), ("MODE", "one"), ("RESULT", world.result)])
            .env("PATH", format!("{}:/usr/bin:/bin", self.bin().display()))
            .env("ANSWERS", world.answers.to_string())
            .env("LOG", &log)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let (code, printed) = match child {
            Ok(child) => ended(child)?,
            Err(_) => (127, String::new()),
        };
        let here = work.display().to_string();
        let calls = fs::read_to_string(&log).unwrap().replace(&here, "");
        Some(Seen {
            code,
            calls: without_shells_own(&calls),
            prints: printed
                .lines()
                .filter(|line| !line.contains('~'))
                .map(|line| line.replace(&here, "") + "\n")
                .collect(),
            files: files(&work),
        })
    }

    /// The words with the shell that is tried. The one of busybox prefers its own programs to those of `PATH`.
    fn command_line(&self, command: &[String], shell: &[&str]) -> Vec<String> {
        let expanded = command.iter().map(|word| {
            word.replace("$(NAME)", "two words")
                .replace("$(MODE)", "one")
                .replace("$$", "$")
        });
        let mut words: Vec<String> = expanded.collect();
        let is_shell = words
            .first()
            .is_some_and(|word| matches!(word.rsplit('/').next(), Some("sh" | "bash")));
        if is_shell {
            words.splice(0..1, shell.iter().map(|word| (*word).to_owned()));
        } else if let Some(first) = words.first_mut()
            && self.bin().join(&*first).exists()
        {
            *first = self.bin().join(&*first).display().to_string();
        }
        if shell.contains(&"ash") {
            let bin = self.bin().display().to_string();
            for word in &mut words {
                for call in ["nc -z", "wget -q", "sleep ", "timeout ", "pkill -"] {
                    *word = word.replace(call, &format!("{bin}/{call}"));
                }
            }
        }
        words
    }
}

fn ended(mut child: std::process::Child) -> Option<(i32, String)> {
    let mut output = child.stdout.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut printed = Vec::new();
        let _ = output.read_to_end(&mut printed);
        String::from_utf8_lossy(&printed).into_owned()
    });
    let begin = Instant::now();
    let mut pause = Duration::from_micros(200);
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            let code = status
                .code()
                .unwrap_or_else(|| 128 + status.signal().unwrap_or_default());
            return Some((code, reader.join().unwrap()));
        }
        if begin.elapsed() > Duration::from_secs(10) {
            let _ = child.kill();
            let _ = child.wait();
            return None;
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(5));
    }
}

/// Without what shells set for themselves, and each call's environment in order.
fn without_shells_own(calls: &str) -> String {
    const OWN: [&str; 8] = ["LOG", "RESULT", "ANSWERS", "PWD", "OLDPWD", "SHLVL", "_", "PATH"];
    let mut text = String::new();
    let mut environment: Vec<&str> = Vec::new();
    let flush = |text: &mut String, environment: &mut Vec<&str>| {
        environment.sort_unstable();
        environment
            .iter()
            .for_each(|line| *text += &format!("  {line}\n"));
        environment.clear();
    };
    for line in calls.lines() {
        match line.strip_prefix("export ") {
            Some(variable) => {
                let name = variable.split('=').next().unwrap_or_default();
                if !OWN.contains(&name) {
                    environment.push(variable);
                }
            }
            None => {
                flush(&mut text, &mut environment);
                text += line;
                text += "\n";
            }
        }
    }
    flush(&mut text, &mut environment);
    text
}

fn files(directory: &Path) -> BTreeMap<PathBuf, String> {
    let mut found = BTreeMap::new();
    let mut pending = vec![directory.to_owned()];
    while let Some(next) = pending.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pending.push(path);
            } else {
                let text = fs::read_to_string(&path).unwrap_or_default();
                let text = text
                    .lines()
                    .filter(|line| !line.contains('~'))
                    .map(|line| line.to_owned() + "\n");
                let text: String = text.collect();
                let text = text.replace(&directory.display().to_string(), "");
                found.insert(path.strip_prefix(directory).unwrap().to_owned(), text);
            }
        }
    }
    found
}
