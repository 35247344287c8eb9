//! `trace --replay`: a recording through the same engine.

use std::{path::Path, time::Duration};

use super::{
    TraceArguments, TraceError,
    output::note,
    session::{SETTLING, Session, conclude},
};
use crate::{
    cli::ExitStatus,
    trace::{
        Evidence, Moment,
        evidence::{Change, Gap},
        goal::Progress,
        recording::{self, BadLine, Content, Entry},
    },
};

/// Replays a recording.
pub(super) fn run(arguments: &TraceArguments, path: &Path) -> Result<ExitStatus, TraceError> {
    let mut entries = recording::entries(path)?.peekable();
    let mut settings = arguments.settings()?;
    if let Some(Entry {
        content: Ok(Content::Header(header)),
        ..
    }) = entries.peek()
    {
        settings.attach |= header.attach;
        settings.logs |= header.logs;
        settings.metrics |= header.metrics;
        settings.reading.sidecars.extend(header.sidecars.iter().cloned());
    }
    let progress = arguments.goal.map(|goal| Progress::new(goal.into(), 1));
    let mut session = Session::new(arguments, settings, progress)?;
    let mut previous: Option<Moment> = None;
    let mut end = End::new(arguments.timeout);
    let (mut bad, mut evidence_lines) = (0_usize, 0_usize);
    // The first lines, where they can't be read: they are told with the next one that can, and where none can, the file
    // is no recording.
    let mut untold: Vec<BadLine> = Vec::new();
    let mut is_recording = false;
    session.list();
    for entry in entries {
        is_recording |= entry.content.is_ok();
        if is_recording {
            for line in untold.drain(..) {
                skip(&line, previous, &mut session)?;
            }
        }
        let is_listed = matches!(&entry.content, Ok(Content::Evidence(Evidence::Pod(seen))) if seen.change == Change::Listed);
        let is_pod = matches!(entry.content, Ok(Content::Evidence(Evidence::Pod(_))));
        if (is_pod && !is_listed) || matches!(entry.content, Ok(Content::Listed)) {
            session.listed();
        }
        if let Some(at) = entry.at {
            if end.is_over(at) {
                if end.is_timed_out(at) {
                    session.engine.last_word();
                }
                break;
            }
            if arguments.realtime {
                session.flush()?;
                if session.look_around(Some(pause(previous, at)))? {
                    break;
                }
            }
            previous = Some(previous.map_or(at, |before| before.max(at)));
        }
        match entry.content {
            Ok(Content::Evidence(evidence)) => {
                evidence_lines += 1;
                session.take(evidence, entry.line.as_deref())?;
            }
            Ok(Content::End { timed_out: true, .. }) => session.engine.last_word(),
            Ok(Content::Header(_) | Content::Nothing | Content::Listed | Content::End { .. }) => {}
            Err(line) => {
                bad += 1;
                if is_recording {
                    skip(&line, previous, &mut session)?;
                } else if untold.len() < MOST_UNTOLD {
                    untold.push(line);
                }
            }
        }
        if let Some(at) = entry.at {
            session.settle(at.plus(-SETTLING))?;
        }
        session.flush()?;
        if let Some(previous) = previous {
            session.engine.looked_until(previous);
        }
        session.look_for_stuck_jobs()?;
        if session.is_failed() {
            break;
        }
        if session.goal_reached() {
            end.reached(previous);
        }
    }
    if session.has_screen() {
        session.look_around(None)?;
    }
    let has_goal = session.has_goal();
    let failed = session.is_failed();
    let judgement = session.finish(previous.unwrap_or_default())?;
    if let Some(first) = untold.first() {
        note(&format!(
            "{} is no recording of `trace --record`; its first line: {}",
            path.display(),
            first.message
        ));
    } else {
        if bad > 0 {
            note(&format!("{bad} lines of the recording could not be read"));
        }
        if evidence_lines == 0 {
            note("the recording holds no evidence");
        }
    }
    let missed = has_goal && !end.goal_reached();
    Ok(conclude(&judgement, arguments, missed, failed))
}

/// When a replay ends before the recording does, as the trace itself would have.
struct End {
    timeout: Option<i64>,
    first: Option<Moment>,
    reached_at: Option<Moment>,
}

impl End {
    fn new(timeout: Option<Duration>) -> Self {
        Self {
            timeout: timeout.map(|timeout| i64::try_from(timeout.as_nanos()).unwrap_or(i64::MAX)),
            first: None,
            reached_at: None,
        }
    }

    fn reached(&mut self, at: Option<Moment>) {
        self.reached_at = self.reached_at.or(at);
    }

    fn goal_reached(&self) -> bool {
        self.reached_at.is_some()
    }

    fn is_over(&mut self, at: Moment) -> bool {
        self.first.get_or_insert(at);
        let settled = self
            .reached_at
            .is_some_and(|reached| at.since(reached) > SETTLING);
        settled || self.is_timed_out(at)
    }

    fn is_timed_out(&self, at: Moment) -> bool {
        let first = self.first.unwrap_or(at);
        self.timeout.is_some_and(|timeout| at.since(first) > timeout)
    }
}

/// How long the recorder waited.
fn pause(previous: Option<Moment>, at: Moment) -> Duration {
    let pause = previous.map_or(0, |previous| at.since(previous));
    Duration::from_nanos(u64::try_from(pause).unwrap_or(0))
}

/// A file whose first lines are all unreadable is no recording, however many more of them there are.
const MOST_UNTOLD: usize = 100;

/// Tells of a line that cannot be read, and takes it for a gap.
fn skip(line: &BadLine, at: Option<Moment>, session: &mut Session) -> Result<(), TraceError> {
    session.note(format!("{}:{}: {}", line.path, line.line, line.message));
    session.take(unreadable(line, at), None)
}

/// A line that cannot be read is a gap: what it held is missing.
fn unreadable(line: &BadLine, at: Option<Moment>) -> Evidence {
    Evidence::Gap(Gap {
        noticed: at.unwrap_or_default(),
        resource: "recording".to_owned(),
        namespace: None,
        reason: format!("line {} of {} cannot be read", line.line, line.path),
    })
}
