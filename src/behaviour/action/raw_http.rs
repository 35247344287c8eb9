//! HTTP written by hand: `printf 'POST /quit HTTP/1.1…' | nc localhost 15020`, `echo … >/dev/tcp/localhost/4191`.

use crate::shell::{Command, Pipeline, RedirectKind, Simple, Span};

use super::{
    Action, CommandAction, Host, Http, Url,
    argument::Argument,
    classify_simple, connect, file_redirects,
    input::{here_text, text_of},
    values::{UNKNOWN, Values},
};

const METHODS: [&str; 6] = ["GET", "POST", "PUT", "HEAD", "DELETE", "OPTIONS"];

/// The first line of a request: `POST /path HTTP/1.1`.
fn request_line(text: &str) -> Option<(&'static str, String)> {
    for method in METHODS {
        for (at, _) in text.match_indices(method) {
            let mut words = text.get(at + method.len()..)?.split([' ', '\\', '\r', '\n']);
            if words.next() != Some("") {
                continue;
            }
            let (Some(path), Some(version)) = (words.next(), words.next()) else {
                continue;
            };
            if path.starts_with('/') && version.starts_with("HTTP/") {
                return Some((method, path.split('?').next()?.to_owned()));
            }
        }
    }
    None
}

fn request(tool: &str, text: &str, host: Host, port: Option<u16>, span: Span) -> Option<Action> {
    let (method, path) = request_line(text)?;
    let url = Url {
        scheme: Some("http".to_owned()),
        host,
        port,
        path: (!path.contains(UNKNOWN)).then_some(path),
        query: None,
        span,
    };
    Some(Action::Http(Http::new(tool, Some(method), url)))
}

/// A request that a command writes to `/dev/tcp/host/port`, or to a descriptor connected to it.
pub(super) fn through_redirection(
    simple: &Simple,
    arguments: &[Argument],
    values: &Values,
) -> Option<Action> {
    if simple.redirects.is_empty() {
        return None;
    }
    let mut text: String = arguments
        .iter()
        .skip(1)
        .fold(String::new(), |mut text, argument| {
            text.push_str(&argument.text);
            text.push(' ');
            text
        });
    let program = arguments.first()?.known()?.rsplit('/').next()?;
    text.push_str(&here_text(simple, values));
    for (redirect, target) in file_redirects(&simple.redirects) {
        if redirect.kind != RedirectKind::Read
            && let Some((host, port)) = connect::device(&values.expand(target))
        {
            return request(program, &text, host, port, target.span.clone());
        }
    }
    for redirect in &simple.redirects {
        if redirect.kind == RedirectKind::Duplicate
            && let Some(descriptor) = redirect
                .target
                .as_ref()
                .and_then(|target| target.raw.parse().ok())
            && let Some((host, port)) = values.connection(descriptor)
        {
            return request(program, &text, host.clone(), *port, redirect.span.clone());
        }
    }
    None
}

/// `cat <&3` of a descriptor that is connected: it shows what the other side says.
pub(super) fn shows_an_answer(simple: &Simple, arguments: &[Argument], values: &Values) -> bool {
    let program = arguments.first().and_then(Argument::known);
    let name = program.and_then(|program| program.rsplit('/').next());
    matches!(name, Some("cat" | "head" | "tail"))
        && simple.redirects.iter().any(|redirect| {
            let target = redirect
                .target
                .as_ref()
                .and_then(|target| target.raw.parse().ok());
            redirect.kind == RedirectKind::Duplicate
                && redirect.descriptor.is_none_or(|descriptor| descriptor == 0)
                && target.is_some_and(|descriptor| values.connection(descriptor).is_some())
        })
}

/// Turns the connection of the pipeline's last command into the request that the first one writes to it.
pub(super) fn through_pipe(pipeline: &Pipeline, values: &Values) -> Option<CommandAction> {
    let Command::Simple(last) = pipeline.commands.last()? else {
        return None;
    };
    let text = match pipeline.commands.as_slice() {
        [Command::Simple(first), .., _] => text_of(&first.words, values) + &here_text(first, values),
        [_] => here_text(last, values),
        _ => return None,
    };
    // Hardly any command sends a request that it reads: without one it need not be known what it does.
    request_line(&text)?;
    let mut sent = classify_simple(last, values);
    let Action::Connect(connection) = &sent.action else {
        return None;
    };
    let (host, port) = (connection.host.clone(), connection.port);
    sent.action = request(&connection.tool, &text, host, port, connection.span.clone())?;
    sent.span = pipeline.span.clone();
    Some(sent)
}
