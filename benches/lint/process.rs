//! What a whole process takes, from its start to its end.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// What a process took.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Took {
    pub(crate) wall: Duration,
    /// Its processor time, in steps of a hundredth of a second; none where the system does not tell.
    pub(crate) cpu: Option<Duration>,
    /// Its largest resident set in bytes; 0 where the system does not tell.
    pub(crate) peak: u64,
}

/// Runs a program and throws its output away.
pub(crate) fn run<W: AsRef<std::ffi::OsStr>>(program: &str, arguments: &[W], directory: &Path) -> Took {
    let before = cpu_of_children();
    let start = Instant::now();
    let mut child = Command::new(program)
        .args(arguments)
        .current_dir(directory)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        peak = peak.max(high_water_mark(&child).unwrap_or(0));
        thread::sleep(Duration::from_micros(200));
    }
    Took {
        wall: start.elapsed(),
        cpu: cpu_of_children().and_then(|after| after.checked_sub(before?)),
        peak,
    }
}

/// The kernel keeps the maximum itself, so asking now and then misses only what comes after the last question.
fn high_water_mark(child: &Child) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes * 1024)
}

/// The processor time of all children that have ended: fields 16 and 17 of proc_pid_stat(5), in hundredths of a second
/// on every Linux.
fn cpu_of_children() -> Option<Duration> {
    let line = fs::read_to_string("/proc/self/stat").ok()?;
    // The name in parentheses may hold blanks.
    let (_, fields) = line.rsplit_once(')')?;
    let hundredths = fields.split_whitespace().skip(13).take(2);
    let sum: u64 = hundredths.filter_map(|field| field.parse::<u64>().ok()).sum();
    Some(Duration::from_millis(sum * 10))
}

/// The middle one of some figures.
pub(crate) fn median<T: Ord + Copy>(mut figures: Vec<T>) -> T {
    figures.sort();
    figures[figures.len() / 2]
}
