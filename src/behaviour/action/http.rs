//! curl, wget and httpie.

use crate::{
    catalogue::{
        stop_command,
        wait_tool::{self, Address},
    },
    shell::Span,
};

use super::{
    Action, FilePath, Host, Url,
    argument::{Argument, Options, Syntax},
    values::{UNKNOWN, Values},
};

/// A request over HTTP.
#[derive(Debug, Clone, PartialEq)]
pub struct Http {
    /// The program that makes it.
    pub tool: String,
    /// `GET`, `POST`; absent where it isn't known.
    pub method: Option<String>,
    /// Where it goes.
    pub url: Url,
    /// The addresses of further requests by the same command.
    pub further_urls: Vec<Url>,
    /// The file the answer is written to; `/dev/null` and standard output are none.
    pub output: Option<FilePath>,
    /// It sends data.
    pub sends_body: bool,
    /// It brings what not every request does: a header, a user, a certificate of its own.
    pub has_credentials: bool,
    /// An answer of 400 and above makes the command fail.
    pub fails_on_error: bool,
    /// It is repeated until it succeeds.
    pub retry: Option<Retry>,
    /// How long one request may take.
    pub time_limit: Option<f64>,
    /// It goes to a socket of the pod, whatever host its address names.
    pub over_socket: bool,
    /// An option that the catalogue does not know: what it asks is not certain.
    pub unknown_option: Option<String>,
    /// The code that makes it does more, which goes on without the request.
    pub works: bool,
    /// The names of the servers that a client's own command ends, by program and image: it is told so in its protocol.
    pub ends: Option<&'static [&'static str]>,
}

/// How a request is repeated by the tool itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Retry {
    /// How often.
    pub count: Option<f64>,
    /// Also while nothing listens: the command waits for a server to start.
    pub on_refused_connection: bool,
    /// The seconds between two tries, where they are given.
    pub delay: Option<f64>,
    /// The seconds after which it gives up.
    pub time_limit: Option<f64>,
}

impl Http {
    pub(super) fn new(tool: &str, method: Option<&str>, url: Url) -> Self {
        Self {
            tool: tool.to_owned(),
            method: method.map(str::to_owned),
            url,
            further_urls: Vec::new(),
            output: None,
            sends_body: false,
            has_credentials: false,
            fails_on_error: false,
            retry: None,
            time_limit: None,
            over_socket: false,
            unknown_option: None,
            works: false,
            ends: None,
        }
    }

    /// All addresses.
    pub fn urls(&self) -> impl Iterator<Item = &Url> {
        std::iter::once(&self.url).chain(&self.further_urls)
    }

    /// Whether it only asks: `GET` and `HEAD` without data.
    #[must_use]
    pub fn only_asks(&self) -> bool {
        !self.sends_body && matches!(self.method.as_deref(), Some("GET" | "HEAD" | "OPTIONS"))
    }
}

/// The request that a program's own command stands for: `pilot-agent request POST quitquitquit`, `redis-cli shutdown`.
pub(super) fn of_stop_command(name: &str, arguments: &[Argument], values: &Values) -> Option<Action> {
    let words: Vec<&str> = arguments.iter().filter_map(Argument::known).collect();
    let row = stop_command::of_command(name, &words)?;
    let span = arguments.last()?.span();
    let request = |host, port, path: &str| {
        let url = Url {
            scheme: Some("http".to_owned()),
            host,
            port,
            path: Some(path.to_owned()),
            query: None,
            span: span.clone(),
        };
        Http::new(name, Some("POST"), url)
    };
    if let Some((usual, path)) = row.request {
        let syntax = Syntax {
            short: "",
            short_attached: "",
            long: row.port_options,
            single_dash: false,
        };
        let options = syntax.read(arguments, false);
        let port = match options.value(row.port_options) {
            Some(port) => port.text.parse().ok(),
            None => Some(usual),
        };
        return Some(Action::Http(request(Host::Local, port, path)));
    }
    let server = row.server.as_ref()?;
    let (host, port) = match wait_tool::by_program(name) {
        Some(tool) => {
            let options = Syntax::of(tool).read(arguments, false);
            let first = options.operands.first().map(|(_, operand)| operand.text.as_str());
            let is_command = |word: &&str| first.is_some_and(|first| first.eq_ignore_ascii_case(word));
            if !row.is_within && !row.words.first().is_some_and(is_command) {
                return None;
            }
            let (host, port, _) = super::database::address(tool, &options, values, span.clone());
            (host, port)
        }
        None if words.iter().any(|word| server.elsewhere.contains(word)) => return None,
        None => (Host::Local, Some(server.port)),
    };
    let mut told = request(host, port, "/shutdown");
    told.method = None;
    told.ends = Some(server.names);
    Some(Action::Http(told))
}

pub(super) fn action(name: &str, arguments: &[Argument]) -> Option<Action> {
    let tool = wait_tool::by_program(name).filter(|tool| tool.address == Address::Request)?;
    let options = Syntax::of(tool).read(arguments, false);
    let mut request = match name {
        "curl" => curl(&options),
        "wget" | "wget2" => wget(name, &options),
        _ => httpie(name, &options),
    }?;
    request.unknown_option = options.unknown(tool);
    Some(Action::Http(request))
}

fn curl(options: &Options) -> Option<Http> {
    let urls = options
        .values(&["url"])
        .map(|value| (value.text, value.span.clone()));
    let operands = options
        .operands
        .iter()
        .map(|(_, operand)| (operand.text.as_str(), operand.span()));
    let mut urls = urls.chain(operands).map(|(text, span)| Url::parse(text, span));
    let url = urls.next()?;
    let further_urls = urls.collect();
    let sends_body = options.has(&[
        "d",
        "data",
        "data-raw",
        "data-binary",
        "data-ascii",
        "data-urlencode",
        "F",
        "form",
        "form-string",
        "json",
        "T",
        "upload-file",
    ]) && !options.has(&["G", "get"]);
    let method = match options.value(&["X", "request"]) {
        Some(method) => known(method.text),
        None if options.has(&["I", "head"]) => Some("HEAD"),
        None if options.has(&["T", "upload-file"]) => Some("PUT"),
        None if sends_body => Some("POST"),
        None => Some("GET"),
    };
    let retries = options.has(&["retry"]);
    Some(Http {
        further_urls,
        output: output(options, &["o", "output"]).or_else(|| remote_name(options, &url)),
        sends_body,
        has_credentials: options.has(&[
            "H",
            "header",
            "u",
            "user",
            "b",
            "cookie",
            "E",
            "cert",
            "n",
            "netrc",
            "oauth2-bearer",
            "json",
            "aws-sigv4",
            "unix-socket",
            "abstract-unix-socket",
            "x",
            "proxy",
            "preproxy",
            "socks4",
            "socks4a",
            "socks5",
            "socks5-hostname",
            "interface",
            "resolve",
            "connect-to",
            "K",
            "config",
        ]),
        over_socket: options.has(&["unix-socket", "abstract-unix-socket"]),
        fails_on_error: options.has(&["f", "fail", "fail-with-body"]),
        retry: retries.then(|| Retry {
            count: options.number(&["retry"]),
            on_refused_connection: options.has(&["retry-connrefused", "retry-all-errors"]),
            delay: options.number(&["retry-delay"]),
            time_limit: options.number(&["retry-max-time"]),
        }),
        time_limit: options.number(&["m", "max-time"]),
        ..Http::new("curl", method.map(str::to_ascii_uppercase).as_deref(), url)
    })
}

/// `curl -O` names the file after the address.
fn remote_name(options: &Options, url: &Url) -> Option<FilePath> {
    options.has(&["O", "remote-name"]).then(|| last_segment(url))
}

fn last_segment(url: &Url) -> FilePath {
    let name = url.path.as_deref().and_then(|path| path.rsplit('/').next());
    FilePath {
        path: name.map(|name| if name.is_empty() { "index.html" } else { name }.to_owned()),
        by_variable: None,
        span: url.span.clone(),
    }
}

/// The file behind an option, unless it is standard output or nowhere.
fn output(options: &Options, names: &[&str]) -> Option<FilePath> {
    let value = options.value(names)?;
    file_unless_discarded(value.text, &value.span)
}

fn file_unless_discarded(text: &str, span: &Span) -> Option<FilePath> {
    (!matches!(text, "-" | "/dev/null" | "/dev/stdout" | "/dev/stderr")).then(|| FilePath {
        path: known(text).map(str::to_owned),
        by_variable: None,
        span: span.clone(),
    })
}

fn known(text: &str) -> Option<&str> {
    (!text.contains(UNKNOWN)).then_some(text)
}

fn wget(name: &str, options: &Options) -> Option<Http> {
    let mut urls = options
        .operands
        .iter()
        .map(|(_, operand)| Url::parse(&operand.text, operand.span()));
    let url = urls.next()?;
    let further_urls = urls.collect();
    let sends_body = options.has(&["post-data", "post-file", "body-data", "body-file"]);
    let method = match options.value(&["method"]) {
        Some(method) => known(method.text),
        None if options.has(&["post-data", "post-file"]) => Some("POST"),
        None if options.has(&["spider"]) => Some("HEAD"),
        None => Some("GET"),
    };
    let retries = options.has(&["retry-connrefused", "retry-on-http-error"]);
    Some(Http {
        further_urls,
        output: match options.value(&["O", "output-document"]) {
            Some(file) => file_unless_discarded(file.text, &file.span),
            None if options.has(&["spider"]) => None,
            None => Some(last_segment(&url)),
        },
        sends_body,
        has_credentials: options.has(&[
            "header",
            "user",
            "password",
            "http-user",
            "http-password",
            "certificate",
            "load-cookies",
        ]),
        fails_on_error: true,
        retry: retries.then(|| Retry {
            count: options.number(&["t", "tries"]),
            on_refused_connection: options.has(&["retry-connrefused"]),
            delay: options.number(&["waitretry", "w", "wait"]),
            time_limit: None,
        }),
        time_limit: options.number(&["T", "timeout"]),
        ..Http::new(name, method.map(str::to_ascii_uppercase).as_deref(), url)
    })
}

fn httpie(name: &str, options: &Options) -> Option<Http> {
    const METHODS: [&str; 7] = ["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS"];
    let mut operands = options.operands.iter().map(|(_, operand)| *operand);
    let first = operands.next()?;
    let method = METHODS
        .into_iter()
        .find(|method| first.text.eq_ignore_ascii_case(method));
    let address = if method.is_some() { operands.next()? } else { first };
    let sends_body = operands.any(|item| item.text.contains('='));
    // `:8080/path` is short for localhost.
    let (local, text) = match address.text.strip_prefix(':') {
        Some(rest) if rest.starts_with('/') => (true, format!("localhost{rest}")),
        Some(rest) => (true, format!("localhost:{rest}")),
        None => (false, address.text.clone()),
    };
    let mut url = Url::parse(&text, address.span());
    if local {
        url.host = Host::Local;
    }
    Some(Http {
        output: output(options, &["o", "output"]),
        sends_body,
        has_credentials: options.has(&["a", "auth", "auth-type", "session", "cert"]),
        fails_on_error: options.has(&["check-status"]),
        time_limit: options.number(&["timeout"]),
        ..Http::new(
            name,
            Some(method.unwrap_or(if sends_body { "POST" } else { "GET" })),
            url,
        )
    })
}
