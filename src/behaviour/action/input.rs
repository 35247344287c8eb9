//! The text that a command reads from its standard input, or prints.

use crate::shell::{Command, Piece, RedirectKind, Simple, Visit, Word};

use super::{
    Host,
    values::{UNKNOWN, Values},
};

/// What a command reads from its standard input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Input {
    /// Nothing that the script gives it.
    Nothing,
    /// This text; parts that are not known are left out where `is_known` is not set.
    Text {
        /// The text.
        text: String,
        /// All of it is known.
        is_known: bool,
    },
    /// A file, or what another command prints: its program where it is known.
    Unknown(Option<String>),
}

impl Input {
    fn text(text: &str) -> Self {
        Self::Text {
            is_known: !text.contains(UNKNOWN),
            text: text.replace(UNKNOWN, ""),
        }
    }
}

/// What a command on a walk reads from its standard input.
pub(crate) fn input(visit: &Visit<'_>, simple: &Simple, values: &Values) -> Input {
    if let Some(redirect) = simple.redirects.iter().rfind(|redirect| redirect.is_input()) {
        let target = redirect.target.as_ref();
        return match redirect.kind {
            RedirectKind::Here => Input::text(&here_text(simple, values)),
            _ if target.is_some_and(|target| target.raw == "/dev/null") => Input::Nothing,
            _ => Input::Unknown(None),
        };
    }
    let before = visit
        .context
        .pipeline_index
        .checked_sub(1)
        .and_then(|index| visit.pipeline.commands.get(index));
    match before {
        None => Input::Nothing,
        Some(Command::Simple(writer)) => written(writer, values).unwrap_or_else(|| {
            let program = writer.words.first().and_then(Word::literal);
            Input::Unknown(program.map(|name| name.rsplit('/').next().unwrap_or_default().to_owned()))
        }),
        Some(_) => Input::Unknown(None),
    }
}

/// What `echo`, `printf`, and `cat` and `tee` with a here-document write.
pub(crate) fn written(simple: &Simple, values: &Values) -> Option<Input> {
    let name = simple.words.first()?.literal()?;
    let mut redirects = simple.redirects.iter();
    match name.rsplit('/').next()? {
        "echo" | "printf" => Some(Input::text(&text_of(&simple.words, values))),
        "cat" | "tee" if redirects.any(|redirect| redirect.kind == RedirectKind::Here) => {
            Some(Input::text(&here_text(simple, values)))
        }
        _ => None,
    }
}

/// Whom a command's output goes to, where it is redirected into a connection: `echo stop >&3`.
pub(crate) fn sends_to<'v>(simple: &Simple, values: &'v Values) -> Option<&'v Host> {
    simple.redirects.iter().find_map(|redirect| {
        let target = redirect.target.as_ref()?;
        let descriptor = (redirect.kind == RedirectKind::Duplicate).then(|| target.raw.parse().ok())??;
        Some(&values.connection(descriptor)?.0)
    })
}

pub(super) fn here_text(simple: &Simple, values: &Values) -> String {
    simple
        .redirects
        .iter()
        .filter(|redirect| redirect.kind == RedirectKind::Here)
        .filter_map(|redirect| redirect.target.as_ref())
        .map(|text| values.expand(text))
        .collect()
}

pub(super) fn text_of(words: &[Word], values: &Values) -> String {
    let is_writer = words
        .first()
        .is_some_and(|word| matches!(word.raw.rsplit('/').next(), Some("echo" | "printf")));
    if !is_writer {
        return String::new();
    }
    let mut text = String::new();
    for word in words.iter().skip(1) {
        text.push_str(&values.expand(word));
        let is_text = matches!(word.pieces.as_slice(), [Piece::Text { .. }]);
        text.push(if is_text { ' ' } else { '\n' });
    }
    text
}
