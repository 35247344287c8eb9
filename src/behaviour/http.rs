//! Calls of URLs: curl, wget and what scripts use instead of them.

use crate::shell::{Simple, Span};

use super::{
    Address, HttpCall,
    command_line::{CommandLine, Lookup},
};

/// curl's options that take the next word.
const CURL_WITH_VALUE: [&str; 44] = [
    "-A",
    "-b",
    "-c",
    "-C",
    "-d",
    "-D",
    "-e",
    "-E",
    "-F",
    "-h",
    "-H",
    "-K",
    "-m",
    "-o",
    "-P",
    "-Q",
    "-r",
    "-t",
    "-T",
    "-u",
    "-U",
    "-w",
    "-x",
    "-X",
    "-y",
    "-Y",
    "-z",
    "--max-time",
    "--connect-timeout",
    "--retry",
    "--retry-delay",
    "--retry-max-time",
    "--request",
    "--data",
    "--data-raw",
    "--data-binary",
    "--data-urlencode",
    "--header",
    "--output",
    "--write-out",
    "--user",
    "--cacert",
    "--unix-socket",
    "--user-agent",
];

/// wget's options that take the next word.
const WGET_WITH_VALUE: [&str; 12] = [
    "-O",
    "-o",
    "-a",
    "-T",
    "-t",
    "-U",
    "-P",
    "-w",
    "--post-data",
    "--header",
    "--method",
    "--body-data",
];

/// The call a command makes.
pub(super) fn call(simple: &Simple, line: &CommandLine, value_of: Lookup<'_>) -> Option<HttpCall> {
    match line.program() {
        "curl" => curl(line),
        "wget" => wget(line),
        "http" | "https" | "xh" | "httpie" => httpie(line),
        "python" | "python3" | "node" | "nodejs" | "ruby" | "perl" | "php" | "pwsh" | "powershell"
        | "deno" => interpreter(line),
        "Invoke-WebRequest" | "iwr" | "Invoke-RestMethod" | "irm" => powershell(line),
        "echo" | "printf" => raw_request(simple, line, value_of),
        _ => None,
    }
}

struct Options<'l> {
    positional: Vec<(&'l str, Span)>,
    method: Option<String>,
    output: Option<String>,
    body: bool,
    head: bool,
    retries: bool,
}

fn curl(line: &CommandLine) -> Option<HttpCall> {
    let mut options = Options {
        positional: Vec::new(),
        method: None,
        output: None,
        body: false,
        head: false,
        retries: false,
    };
    let mut retry_count = false;
    let mut retry_refused = false;
    let mut arguments = line.arguments.iter().skip(1);
    while let Some(argument) = arguments.next() {
        let word = argument.known.as_str();
        if !word.starts_with('-') || word == "-" {
            options.positional.push((word, argument.span.clone()));
            continue;
        }
        let (name, glued) = split_option(word);
        // `-sSX POST`: the letter with a value ends a cluster.
        let takes = CURL_WITH_VALUE.contains(&name.as_str());
        let value = match (takes, glued) {
            (_, Some(glued)) => Some((glued.to_owned(), argument.span.clone())),
            (true, None) => arguments
                .next()
                .map(|next| (next.known.clone(), next.span.clone())),
            (false, None) => None,
        };
        match name.as_str() {
            "-X" | "--request" => options.method = value.map(|(value, _)| value),
            "-o" | "--output" => options.output = value.map(|(value, _)| value),
            "-d" | "--data" | "--data-raw" | "--data-binary" | "--data-urlencode" | "-F" | "-T"
            | "--json" => {
                options.body = true;
            }
            "-I" | "--head" => options.head = true,
            "--url" => options.positional.extend(value_of_url(value, &mut arguments)),
            "--retry" => retry_count = true,
            "--retry-connrefused" | "--retry-all-errors" => retry_refused = true,
            _ => options.head |= !name.starts_with("--") && word.contains('I'),
        }
    }
    options.retries = retry_count && retry_refused;
    let default = if options.head {
        "HEAD"
    } else if options.body {
        "POST"
    } else {
        "GET"
    };
    finish(options, default)
}

fn value_of_url<'l>(
    value: Option<(String, Span)>,
    arguments: &mut impl Iterator<Item = &'l super::command_line::Argument>,
) -> Option<(&'l str, Span)> {
    match value {
        Some(_) => None,
        None => arguments
            .next()
            .map(|next| (next.known.as_str(), next.span.clone())),
    }
}

/// `-XPOST` is `-X` with a glued value, `--request=POST` likewise; `-fsSX` ends in `-X`.
fn split_option(word: &str) -> (String, Option<&str>) {
    if let Some(long) = word.strip_prefix("--") {
        return match long.split_once('=') {
            Some((name, value)) => (format!("--{name}"), Some(value)),
            None => (word.to_owned(), None),
        };
    }
    for (at, letter) in word.char_indices().skip(1) {
        let short = format!("-{letter}");
        if CURL_WITH_VALUE.contains(&short.as_str()) {
            let rest = word.get(at + letter.len_utf8()..).filter(|rest| !rest.is_empty());
            return (short, rest);
        }
    }
    (word.to_owned(), None)
}

fn wget(line: &CommandLine) -> Option<HttpCall> {
    let mut options = Options {
        positional: Vec::new(),
        method: None,
        output: None,
        body: false,
        head: false,
        retries: false,
    };
    let mut arguments = line.arguments.iter().skip(1);
    while let Some(argument) = arguments.next() {
        let word = argument.known.as_str();
        if !word.starts_with('-') || word == "-" {
            options.positional.push((word, argument.span.clone()));
            continue;
        }
        let (name, glued) = match word.split_once('=') {
            Some((name, value)) if word.starts_with("--") => (name, Some(value.to_owned())),
            _ => (word, None),
        };
        // `-qO-`, `-qO FILE`, `-O/dev/null`
        let output_at = (!name.starts_with("--")).then(|| name.find('O')).flatten();
        if let Some(at) = output_at {
            let rest = name.get(at + 1..).unwrap_or_default();
            options.output = if rest.is_empty() {
                arguments.next().map(|next| next.known.clone())
            } else {
                Some(rest.to_owned())
            };
            continue;
        }
        let value = match glued {
            Some(value) => Some(value),
            None if WGET_WITH_VALUE.contains(&name) => arguments.next().map(|next| next.known.clone()),
            None => None,
        };
        match name {
            "--post-data" | "--post-file" | "--body-data" => {
                options.method = options.method.or(Some("POST".to_owned()));
                options.body = true;
            }
            "--method" => options.method = value,
            "--spider" => options.head = true,
            "--retry-connrefused" => options.retries = true,
            _ => {}
        }
    }
    // Without -O wget writes a file named after the URL.
    if options.output.is_none() && !options.head {
        options.output = Some("the current folder".to_owned());
    }
    let default = if options.head { "HEAD" } else { "GET" };
    finish(options, default)
}

fn finish(options: Options<'_>, default_method: &str) -> Option<HttpCall> {
    // Of several URLs the one in the pod matters.
    let mut urls = options
        .positional
        .into_iter()
        .map(|(text, span)| (Address::parse(text), span))
        .peekable();
    let first = urls.peek().cloned();
    let (address, span) = urls.find(|(address, _)| address.is_local()).or(first)?;
    let output = options
        .output
        .filter(|file| !matches!(file.as_str(), "-" | "/dev/null" | "/dev/stdout" | "/dev/stderr"));
    Some(HttpCall {
        address,
        span,
        method: options
            .method
            .unwrap_or_else(|| default_method.to_owned())
            .to_ascii_uppercase(),
        output,
        sends_body: options.body,
        retries: options.retries,
    })
}

fn httpie(line: &CommandLine) -> Option<HttpCall> {
    let mut words = line
        .arguments
        .iter()
        .skip(1)
        .filter(|argument| !argument.known.starts_with('-'));
    let first = words.next()?;
    let is_method = first.known.chars().all(|letter| letter.is_ascii_uppercase()) && first.known.len() > 2;
    let (method, url) = if is_method {
        (first.known.clone(), words.next()?)
    } else {
        ("GET".to_owned(), first)
    };
    // httpie reads `:3000/x` as localhost.
    let text = match url.known.strip_prefix(':') {
        Some(rest) => format!("localhost:{}", rest.trim_start_matches(':')),
        None => url.known.clone(),
    };
    Some(simple_call(Address::parse(&text), url.span.clone(), &method))
}

fn simple_call(address: Address, span: Span, method: &str) -> HttpCall {
    HttpCall {
        address,
        span,
        method: method.to_owned(),
        output: None,
        sends_body: false,
        retries: false,
    }
}

/// `node -e "fetch('http://localhost:9091/quitquitquit')"`, `python -c "urllib.request.urlopen(…)"`
fn interpreter(line: &CommandLine) -> Option<HttpCall> {
    let code_at = line.arguments.iter().position(|argument| {
        matches!(
            argument.known.as_str(),
            "-e" | "-c" | "-r" | "--eval" | "-Command" | "eval"
        )
    })? + 1;
    let code = line.arguments.get(code_at)?;
    let start = code
        .known
        .find("http://")
        .or_else(|| code.known.find("https://"))?;
    let rest = code.known.get(start..)?;
    let end = rest
        .find(['\'', '"', '`', ')', ' ', ',', '\\', '\n'])
        .unwrap_or(rest.len());
    let post = ["POST", "Post", "post(", "data="]
        .iter()
        .any(|sign| code.known.contains(sign));
    Some(simple_call(
        Address::parse(rest.get(..end)?),
        code.span.clone(),
        if post { "POST" } else { "GET" },
    ))
}

fn powershell(line: &CommandLine) -> Option<HttpCall> {
    let url = line
        .arguments
        .iter()
        .skip(1)
        .find(|argument| argument.known.contains("://"))?;
    let post = line.options().any(|word| word.eq_ignore_ascii_case("post"));
    Some(simple_call(
        Address::parse(&url.known),
        url.span.clone(),
        if post { "POST" } else { "GET" },
    ))
}

/// `printf 'POST /quitquitquit HTTP/1.1…' >/dev/tcp/localhost/15020`; the pipe into nc is joined by the caller.
fn raw_request(simple: &Simple, line: &CommandLine, value_of: Lookup<'_>) -> Option<HttpCall> {
    let address = super::connect::redirected(simple, value_of)?.address;
    let (method, path, span) = request_line(line)?;
    Some(simple_call(
        Address {
            path: Some(path),
            ..address
        },
        span,
        &method,
    ))
}

/// The method and path of a raw HTTP request that a command prints.
pub(super) fn request_line(line: &CommandLine) -> Option<(String, String, Span)> {
    line.arguments.iter().skip(1).find_map(|argument| {
        let mut words = argument.known.split_whitespace();
        let method = words
            .next()
            .filter(|word| matches!(*word, "GET" | "POST" | "PUT" | "HEAD" | "DELETE"))?;
        let path = words.next().filter(|path| path.starts_with('/'))?;
        Some((method.to_owned(), path.to_owned(), argument.span.clone()))
    })
}
