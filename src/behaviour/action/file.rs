//! Files that are made, removed or looked for.

use crate::shell::{Piece, Redirect, RedirectKind, Span, Word};

use super::{
    Action,
    argument::{Argument, Syntax},
    connect, file_redirects,
    values::{UNKNOWN, Values},
};

/// A file as a command names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePath {
    /// The path; absent where it isn't known.
    pub path: Option<String>,
    /// The path as it is written where only variables keep it from being known: `${EXIT_DIR}/done`.
    pub by_variable: Option<String>,
    /// The word it stands in.
    pub span: Span,
}

/// How a file is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileTestKind {
    /// `-e`, `-a`, `ls`, `stat`
    Exists,
    /// `-f`
    Regular,
    /// `-d`
    Directory,
    /// `-S`
    Socket,
    /// `-s`
    NotEmpty,
    /// `-p`: what is written there goes from one process to another.
    Pipe,
    /// `-r`, `-w`, `-x`, `-L` and the like
    Other,
    /// `cat`, `grep -q x file`: it is read.
    Read,
    /// `inotifywait`: a change of it, or of what is in it, is waited for.
    Watch,
}

impl FilePath {
    pub(super) fn of_text(text: &str, span: Span) -> Self {
        Self {
            path: (!text.contains(UNKNOWN)).then(|| text.to_owned()),
            by_variable: None,
            span,
        }
    }

    fn of(argument: &Argument) -> Self {
        Self::of_word(argument.word, &argument.text)
    }

    /// `text` is what is known of the word.
    fn of_word(word: &Word, text: &str) -> Self {
        let pieces = word.pieces.iter().map(|piece| match piece {
            Piece::Text { text, .. } => Some(text.clone()),
            Piece::Variable { name, .. } => Some(format!("${{{name}}}")),
            _ => None,
        });
        Self {
            by_variable: text.contains(UNKNOWN).then(|| pieces.collect()).flatten(),
            ..Self::of_text(text, word.span.clone())
        }
    }
}

/// The files that redirections write.
pub(super) fn written(redirects: &[Redirect], values: &Values) -> Vec<FilePath> {
    file_redirects(redirects)
        .filter(|(redirect, _)| {
            matches!(
                redirect.kind,
                RedirectKind::Write | RedirectKind::Append | RedirectKind::ReadWrite
            )
        })
        .map(|(_, target)| FilePath::of_word(target, &values.expand(target)))
        .filter(|file| !file.path.as_deref().is_some_and(is_no_file))
        .collect()
}

/// What looks like a file but keeps nothing.
fn is_no_file(path: &str) -> bool {
    path.starts_with("/dev/") && !path.starts_with("/dev/shm/")
        || connect::device(path).is_some()
        || path.starts_with("/proc/") && path.contains("/fd/")
}

const TOUCH: Syntax = Syntax {
    short: "tdrsmZ",
    short_attached: "",
    long: &["date", "reference", "time", "size", "mode"],
    single_dash: false,
};
const COPY: Syntax = Syntax {
    short: "mogtSZ",
    short_attached: "",
    long: &["mode", "owner", "group", "target-directory", "suffix"],
    single_dash: false,
};
const MAKE_DIRECTORY: Syntax = Syntax {
    short: "mZ",
    short_attached: "",
    long: &["mode", "context"],
    single_dash: false,
};
const REMOVE: Syntax = Syntax {
    short: "",
    short_attached: "",
    long: &[],
    single_dash: false,
};
const GREP: Syntax = Syntax {
    short: "efmABCdD",
    short_attached: "",
    long: &[
        "regexp",
        "file",
        "max-count",
        "after-context",
        "before-context",
        "context",
    ],
    single_dash: false,
};
const INOTIFYWAIT: Syntax = Syntax {
    short: "et",
    short_attached: "",
    long: &["event", "timeout", "format", "exclude"],
    single_dash: false,
};

pub(super) fn action(name: &str, arguments: &[Argument]) -> Option<Action> {
    let paths = |syntax: &Syntax| -> Option<Vec<FilePath>> {
        let options = syntax.read(arguments, false);
        let paths: Vec<_> = options
            .operands
            .iter()
            .map(|(_, operand)| FilePath::of(operand))
            .collect();
        (!paths.is_empty()).then_some(paths)
    };
    let looked_at = |syntax: &Syntax, kind| {
        let path = paths(syntax)?.into_iter().next_back()?;
        Some(Action::TestFile {
            path,
            negated: false,
            kind,
        })
    };
    match name {
        "touch" | "truncate" | "mkfifo" => Some(Action::Touch {
            paths: paths(&TOUCH)?,
        }),
        "cp" | "install" => Some(Action::Touch {
            paths: vec![copy_of_nothing(arguments)?],
        }),
        "tee" => {
            let files = paths(&REMOVE)?;
            // What is only shown is kept nowhere.
            let is_shown = |file: &FilePath| {
                matches!(
                    file.path.as_deref(),
                    Some("/dev/stderr" | "/dev/stdout" | "/dev/null")
                )
            };
            (!files.iter().all(is_shown)).then_some(Action::Touch { paths: files })
        }
        "rm" | "unlink" | "rmdir" => Some(Action::Remove {
            paths: paths(&REMOVE)?,
        }),
        "ls" | "stat" => looked_at(&REMOVE, FileTestKind::Exists),
        "cat" | "head" | "tail" if paths(&REMOVE).is_some_and(|paths| paths.len() == 1) && name == "cat" => {
            looked_at(&REMOVE, FileTestKind::Read)
        }
        "grep" | "egrep" | "fgrep" => searched(arguments).map(|path| Action::TestFile {
            path,
            negated: false,
            kind: FileTestKind::Read,
        }),
        "inotifywait" => watched(arguments),
        _ => None,
    }
}

/// The file that a program's work leaves behind: `mv A B`, `ln -s A B`, `mkdir B`. A directory that is only seen to, with
/// `mkdir -p`, tells nobody anything.
pub(super) fn left_behind(name: &str, arguments: &[Argument]) -> Option<FilePath> {
    let options = match name {
        "mv" | "ln" => COPY.read(arguments, false),
        "mkdir" => MAKE_DIRECTORY.read(arguments, false),
        _ => return None,
    };
    let is_elsewhere = options.has(&["t", "target-directory", "p", "parents"]);
    let made = match (name, options.operands.as_slice()) {
        ("mkdir", [(_, made)]) | ("mv" | "ln", [_, (_, made)]) => made,
        _ => return None,
    };
    (!is_elsewhere && !made.text.ends_with(['/', '.'])).then(|| FilePath::of(made))
}

/// The file that `install -m 0644 /dev/null FILE` makes.
fn copy_of_nothing(arguments: &[Argument]) -> Option<FilePath> {
    let options = COPY.read(arguments, false);
    let [(_, from), (_, to)] = options.operands.as_slice() else {
        return None;
    };
    let is_nothing = from.text == "/dev/null" && !options.has(&["t", "target-directory", "d", "directory"]);
    is_nothing.then(|| FilePath::of(to))
}

/// What `inotifywait` waits for. With a limit it only passes the time, and as a monitor it never comes back.
fn watched(arguments: &[Argument]) -> Option<Action> {
    let options = INOTIFYWAIT.read(arguments, false);
    if let Some(limit) = options.value(&["t", "timeout"]) {
        return Some(Action::Sleep {
            seconds: limit.text.parse().ok(),
        });
    }
    let (_, path) = options.operands.last()?;
    Some(Action::TestFile {
        path: FilePath::of(path),
        negated: false,
        kind: match options.has(&["m", "monitor"]) {
            true => FileTestKind::Other,
            false => FileTestKind::Watch,
        },
    })
}

/// The one file that `grep` looks into; without one it reads what another command prints.
fn searched(arguments: &[Argument]) -> Option<FilePath> {
    let options = GREP.read(arguments, false);
    // The answer turned round.
    if options.has(&["v", "invert-match", "L", "files-without-match"]) {
        return None;
    }
    let has_pattern = options.has(&["e", "regexp", "f", "file"]);
    let mut files = options.operands.iter().skip(usize::from(!has_pattern));
    let (_, file) = files.next()?;
    (files.next().is_none() && file.text != "-").then(|| FilePath::of(file))
}

/// The words of `[ … ]`, `test …` and `[[ … ]]` without the brackets.
pub(super) fn test(words: &[Word], values: &Values) -> Action {
    let mut negated = false;
    for (index, word) in words.iter().enumerate() {
        if word.raw == "!" {
            negated = !negated;
            continue;
        }
        let kind = match word.raw.as_str() {
            "-e" | "-a" => FileTestKind::Exists,
            "-f" => FileTestKind::Regular,
            "-d" => FileTestKind::Directory,
            "-S" => FileTestKind::Socket,
            "-s" => FileTestKind::NotEmpty,
            "-p" => FileTestKind::Pipe,
            "-r" | "-w" | "-x" | "-L" | "-h" | "-b" | "-c" => FileTestKind::Other,
            _ => {
                negated = false;
                continue;
            }
        };
        // `-a` between two tests is "and".
        let is_operator =
            word.raw == "-a" && index > 0 && words.get(index - 1).is_some_and(|word| word.raw != "!");
        if let Some(file) = words.get(index + 1).filter(|_| !is_operator) {
            return Action::TestFile {
                path: FilePath::of_word(file, &values.expand(file)),
                negated,
                kind,
            };
        }
    }
    Action::Compare
}
