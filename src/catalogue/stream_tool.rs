//! Tools that read, show and connect streams: files, named pipes, sockets of the pod.

/// What a tool does with a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// It prints its input and does nothing else.
    Shows,
    /// It reads the files that are its words.
    ReadsFiles,
    /// It makes the named pipes that are its words.
    MakesPipes,
    /// It sends its input to a socket, where one of its words is an address of one of these kinds: `UNIX:/run/x`.
    Connects(&'static [&'static str]),
    /// It sends its input to a socket, where this letter is among its short options.
    ConnectsBy(char),
}

/// Tools that do so.
#[derive(Debug)]
pub struct StreamTools {
    /// Names of their executables.
    pub programs: &'static [&'static str],
    /// What they do.
    pub stream: Stream,
    /// Where this is from.
    pub source: &'static str,
    /// The day on which somebody compared the row with its source.
    pub checked: &'static str,
}

/// Writes a row.
const fn row(programs: &'static [&'static str], stream: Stream, source: &'static str) -> StreamTools {
    StreamTools {
        programs,
        stream,
        source,
        checked: "2026-11-30",
    }
}

/// All such tools.
pub const STREAM_TOOLS: &[StreamTools] = &[
    row(
        &["cat", "head", "tail"],
        Stream::Shows,
        "https://www.gnu.org/software/coreutils/manual/html_node/Output-of-entire-files.html",
    ),
    row(
        &["cat"],
        Stream::ReadsFiles,
        "https://www.gnu.org/software/coreutils/manual/html_node/cat-invocation.html",
    ),
    row(
        &["tee"],
        Stream::ReadsFiles,
        "https://www.gnu.org/software/coreutils/manual/html_node/tee-invocation.html",
    ),
    row(
        &["grep"],
        Stream::ReadsFiles,
        "https://www.gnu.org/software/grep/manual/grep.html",
    ),
    row(
        &["mkfifo"],
        Stream::MakesPipes,
        "https://www.gnu.org/software/coreutils/manual/html_node/mkfifo-invocation.html",
    ),
    row(
        &["socat"],
        Stream::Connects(&["UNIX", "UNIX-CONNECT", "UNIX-CLIENT", "ABSTRACT-CONNECT", "GOPEN"]),
        "https://man.archlinux.org/man/socat.1",
    ),
    row(
        &["nc", "ncat", "netcat"],
        Stream::ConnectsBy('U'),
        "https://man.openbsd.org/nc.1",
    ),
];

/// Whether a program, by the name of its executable, does so.
#[must_use]
pub fn does(program: &str, stream: Stream) -> bool {
    let mut rows = STREAM_TOOLS.iter().filter(|row| row.stream == stream);
    rows.any(|row| row.programs.contains(&program))
}

/// Whether a text may name a tool that connects to a socket.
#[must_use]
pub fn may_connect(text: &str) -> bool {
    let connects = |row: &&StreamTools| matches!(row.stream, Stream::Connects(_) | Stream::ConnectsBy(_));
    let mut programs = STREAM_TOOLS.iter().filter(connects).flat_map(|row| row.programs);
    programs.any(|program| text.contains(program))
}

/// Whether a tool with these words sends its input to a socket of the pod.
#[must_use]
pub fn leads_to_socket<'w>(program: &str, words: impl Iterator<Item = &'w str> + Clone) -> bool {
    let kind = |word: &str| {
        let kind = word.trim_start_matches(['"', '\'']).split(':').next();
        kind.unwrap_or_default().to_ascii_uppercase()
    };
    let mut rows = STREAM_TOOLS.iter().filter(|row| row.programs.contains(&program));
    rows.any(|row| match row.stream {
        Stream::Connects(kinds) => words.clone().any(|word| kinds.contains(&kind(word).as_str())),
        Stream::ConnectsBy(option) => words
            .clone()
            .any(|word| word.starts_with('-') && word.contains(option)),
        _ => false,
    })
}
