//! One-liners of other languages: `python -c`, `node -e`, `ruby -e`, `perl -e`, PowerShell.

use crate::{
    catalogue::code_word,
    shell::{RedirectKind, Simple, Span},
};

use super::{Action, Connect, Host, Http, Retry, Url, argument::Argument, host::port, values::UNKNOWN};

pub(super) fn action(name: &str, arguments: &[Argument], simple: &Simple) -> Option<Action> {
    let stem = name.trim_end_matches(|letter: char| letter.is_ascii_digit() || letter == '.');
    let flags: &[&str] = match stem {
        "python" | "pypy" => &["-c"],
        "node" | "nodejs" | "bun" | "deno" => &["-e", "--eval", "-p", "--print", "eval"],
        "ruby" | "perl" => &["-e", "-E"],
        "php" => &["-r"],
        "powershell" | "pwsh" => &["-Command", "-command", "-c", "-C"],
        "Invoke-WebRequest" | "Invoke-RestMethod" | "iwr" | "irm" => return of_words(name, arguments),
        _ => return None,
    };
    let inline = arguments
        .iter()
        .position(|argument| flags.contains(&argument.text.as_str()));
    let (text, span) = match inline.and_then(|flag| arguments.get(flag + 1)) {
        Some(code) => (code.text.clone(), code.span()),
        None => here_document(simple)?,
    };
    let mut action = of_code(name, &text, span)?;
    // Their calls need no brackets: each word has to be known.
    if let (Action::Http(http), "ruby" | "perl") = (&mut action, stem) {
        let before = arguments
            .get(..inline.unwrap_or(arguments.len()))
            .unwrap_or_default();
        http.works |= http.retry.is_none() && (says_more(&text) || brings_more_by_option(before));
    }
    Some(action)
}

/// Code that stands in a here-document.
fn here_document(simple: &Simple) -> Option<(String, Span)> {
    let redirect = simple
        .redirects
        .iter()
        .find(|redirect| redirect.kind == RedirectKind::Here)?;
    let target = redirect.target.as_ref()?;
    Some((target.raw.clone(), target.span.clone()))
}

fn of_words(name: &str, arguments: &[Argument]) -> Option<Action> {
    let text: Vec<_> = arguments.iter().map(|argument| argument.text.as_str()).collect();
    let span = arguments
        .iter()
        .find(|argument| argument.text.contains("://"))?
        .span();
    of_code(name, &text.join(" "), span)
}

fn of_code(name: &str, code: &str, span: Span) -> Option<Action> {
    if let Some(address) = first_url(code) {
        let method = method(code);
        let mut http = Http::new(name, Some(method), Url::parse(address, span));
        http.sends_body = method != "GET" && ["body", "data", "json"].iter().any(|word| code.contains(word));
        http.works = does_more(code);
        http.fails_on_error = code_word::tells_failures(&code.replace(address, ""));
        if method == "GET" && tries_again(code) {
            http.retry = Some(Retry {
                count: None,
                on_refused_connection: true,
                delay: None,
                time_limit: None,
            });
            // What else the code does is not known.
            http.unknown_option = (!goes_round_until_answered(code)).then(|| name.to_owned());
        }
        return Some(Action::Http(http));
    }
    if let Some(address) = request_in_parts(code) {
        let mut http = Http::new(name, Some(method(code)), Url::parse(&address, span));
        http.works = does_more(code);
        http.fails_on_error = code_word::tells_failures(code);
        return Some(Action::Http(http));
    }
    let (host, port) = socket(code)?;
    let mut connect = Connect::new(name, host, Some(port), span);
    connect.is_udp = code.contains("SOCK_DGRAM");
    connect.waits = tries_again(code);
    connect.has_side_effects = does_more(code);
    // Which answer ends the wait is not known.
    let is_open = connect.waits && !goes_round_until_answered(code);
    connect.unknown_option = is_open.then(|| name.to_owned());
    Some(Action::Connect(connect))
}

/// Whether code goes round until it has an answer: `while True: try: …; break; except: time.sleep(1)`.
fn tries_again(code: &str) -> bool {
    let has = |signs: &[&str]| signs.iter().any(|sign| code.contains(sign));
    let goes_round = has(&[
        "while True",
        "while 1",
        "while not ",
        "while (true)",
        "while(true)",
        "for (;;)",
        "for(;;)",
        "until ",
        "loop do",
    ]);
    // Ruby's `begin …; rescue; sleep 1; retry; end`
    let tries =
        has(&["in range(", ".times"]) && has(&["break", "exit"]) || has(&["rescue"]) && has(&["retry"]);
    let passes_time = has(&["sleep", "Sleep", "setTimeout", "timers"]);
    let is_timed = has(&["setInterval(", "setTimeout("]) && has(&["clearInterval(", "process.exit("]);
    (goes_round || tries) && passes_time || is_timed
}

/// Whether Python code does nothing but go round, without bound, until the call in its `try` raises nothing.
fn goes_round_until_answered(code: &str) -> bool {
    const OTHERWISE: [&str; 11] = [
        "for ", "if ", "else", "elif ", "raise", "def ", "return", "continue", "assert", "finally", "lambda",
    ];
    // Another exception would end it.
    const CAUGHT: [&str; 4] = [
        "except:",
        "except Exception",
        "except OSError",
        "except socket.error",
    ];
    let place = |signs: &[&str]| signs.iter().filter_map(|sign| code.find(sign)).min();
    let once = |sign: &str| code.matches(sign).count() == 1;
    let goes_on = place(&["break", "exit(0)", "exit()"]);
    let order = [
        place(&["while True:", "while 1:"]),
        place(&["try:"]),
        code_word::raising_call(code),
        goes_on,
        place(&CAUGHT),
        place(&["sleep("]),
    ];
    let is_in_order = order.iter().all(Option::is_some) && order.is_sorted();
    let ends_well = |rest: &str| rest.starts_with(['0', ')']);
    is_in_order
        && code.split("exit(").skip(1).all(ends_well)
        && once("while ")
        && once("try:")
        && once("except")
        && !code_word::looks_at_status(code)
        && !does_more(code)
        && !OTHERWISE.iter().any(|sign| code.contains(sign))
}

/// Whether code brings in something else than what asks: `import etl`, `require('pg')`.
fn brings_more(code: &str) -> bool {
    let imports = code.split(['\n', ';']).map(str::trim).any(|line| {
        match (line.strip_prefix("import "), line.strip_prefix("from ")) {
            (Some(modules), _) => !modules.split(',').all(code_word::asks_by),
            (_, Some(module)) => !code_word::asks_by(module),
            _ => false,
        }
    });
    let mut required = code.split("require").skip(1).map(|rest| {
        let rest = rest.trim_start_matches(['(', ' ', '"', '\'', '\\']);
        let end = rest.find(['"', '\'', ')', '\\', ';', '\n']).unwrap_or(rest.len());
        rest.get(..end).unwrap_or_default()
    });
    imports || required.any(|module| !code_word::asks_by(module))
}

/// Whether an option in front of the code brings in something else: `-rnet/http`, `-MHTTP::Tiny`.
fn brings_more_by_option(arguments: &[Argument]) -> bool {
    let mut names_module = false;
    arguments.iter().any(|argument| {
        let text = argument.text.as_str();
        let module = match text.strip_prefix("-r").or_else(|| text.strip_prefix("-M")) {
            Some(module) => Some(module),
            None => names_module.then_some(text),
        };
        names_module = module == Some("");
        module.map_or(!matches!(text, "-w" | "-W" | "-"), |module| {
            !code_word::asks_by(module)
        })
    })
}

/// Whether code has a word, outside of its texts, that has nothing to do with asking an address.
fn says_more(code: &str) -> bool {
    // A text may hold code of its own.
    if code.contains(['`', '#', '%', '\\', UNKNOWN]) || code.contains("@{") || code.contains("${") {
        return true;
    }
    let mut quote = None;
    let bare: String = code
        .chars()
        .filter(|letter| match quote {
            Some(open) => {
                if open == *letter {
                    quote = None;
                }
                false
            }
            None => {
                if matches!(letter, '\'' | '"') {
                    quote = Some(*letter);
                }
                quote.is_none()
            }
        })
        .collect();
    // A variable has its sign, and Ruby's has none but is given its value by its name.
    let is_part = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '$' | '@');
    let is_given = |word: &str| {
        let assignment = format!("{word} = ");
        let mut places = bare.match_indices(&assignment);
        places.any(|(at, _)| !bare.get(..at).unwrap_or_default().ends_with(is_part))
    };
    bare.split(|letter| !is_part(letter)).any(|word| {
        let is_variable = word.starts_with(['$', '@']) || is_given(word);
        let is_number = word.chars().all(|letter| letter.is_ascii_digit());
        !is_number && !is_variable && !code_word::asks(word)
    })
}

/// Whether code calls anything that has nothing to do with asking an address.
fn does_more(code: &str) -> bool {
    let starts_others = [
        "system",
        "subprocess",
        "child_process",
        "spawn",
        "exec",
        "`",
        "runpy",
        "'./",
        "\"./",
    ];
    let defined = |name: &str| {
        let defines = [
            format!("def {name}("),
            format!("function {name}("),
            format!("{name} = lambda"),
        ];
        defines.iter().any(|sign| code.contains(sign))
    };
    let asks_others = code.matches("://").count() > 1;
    asks_others
        || brings_more(code)
        || starts_others.iter().any(|sign| code.contains(sign))
        || code
            .match_indices('(')
            .filter_map(|(at, _)| code.get(..at))
            .map(|before| {
                let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
                before
                    .rsplit(|letter| !is_part(letter))
                    .next()
                    .unwrap_or_default()
            })
            .any(|name| {
                // `(` behind nothing but a sign groups; an exception's name only says what went wrong.
                let is_exception = name.ends_with("Error") || name.ends_with("Exception");
                !name.is_empty() && !is_exception && !code_word::asks(name) && !defined(name)
            })
}

/// The first address in quotes.
fn first_url(code: &str) -> Option<&str> {
    let start = code.find("http://").or_else(|| code.find("https://"))?;
    let rest = code.get(start..)?;
    let end = rest
        .find(['\'', '"', '`', ' ', ')', ',', ';', '\\', '\n'])
        .unwrap_or(rest.len());
    rest.get(..end)
}

fn method(code: &str) -> &'static str {
    let compact: String = code.chars().filter(|letter| !letter.is_whitespace()).collect();
    let posts = [
        ".post(",
        "->post(",
        "HTTP.post",
        "method:'POST'",
        "method:\"POST\"",
        "method='POST'",
        "method=\"POST\"",
        "-MethodPOST",
        "-MethodPost",
        "-Methodpost",
        "Post.new",
        "post_form",
        "data=",
        "'POST'",
        "\"POST\"",
    ];
    if posts.iter().any(|sign| compact.contains(sign)) {
        "POST"
    } else {
        "GET"
    }
}

/// The address of `http.request({host: 'localhost', port: 15020, path: '/quitquitquit'})` and of
/// `HTTPConnection('localhost', 15020).request('POST', '/quitquitquit')`.
fn request_in_parts(code: &str) -> Option<String> {
    let asks = [
        "http.request(",
        "http').request(",
        "http\").request(",
        "http.get(",
        "HTTPConnection(",
        "Net::HTTP",
    ];
    if !asks.iter().any(|sign| code.contains(sign)) {
        return None;
    }
    let parts = || {
        code.split(['(', ')', ',', '{', '}', ':', ';', '='])
            .map(str::trim)
            .filter(|part| !part.is_empty())
    };
    let quoted = |part: &&str| part.len() > 2 && part.starts_with(['\'', '"']) && part.ends_with(['\'', '"']);
    let text = |part: &str| part.trim_matches(['\'', '"']).to_owned();
    let host = parts()
        .filter(quoted)
        .map(text)
        .find(|text| Host::of(text).is_local())?;
    let path = parts()
        .filter(quoted)
        .map(text)
        .find(|text| text.starts_with('/'))?;
    let number = parts().find_map(port)?;
    Some(format!("http://{host}:{number}{path}"))
}

/// `("localhost", 5432)`, `connect(5432, "localhost")`
fn socket(code: &str) -> Option<(Host, u16)> {
    if !code.contains("connect") && !code.contains("Socket") && !code.contains("socket") {
        return None;
    }
    let mut parts = code
        .split(['(', ')', ',', '{', '}', ':'])
        .map(str::trim)
        .filter(|part| !part.is_empty());
    let mut before = parts.next()?;
    for part in parts {
        for (name, number) in [(before, part), (part, before)] {
            let quoted = name.len() > 2
                && name.starts_with(['\'', '"'])
                && name.ends_with(['\'', '"'])
                && !name.contains([' ', UNKNOWN]);
            if let (true, Some(number)) = (quoted, port(number)) {
                return Some((Host::of(name.trim_matches(['\'', '"'])), number));
            }
        }
        before = part;
    }
    None
}
