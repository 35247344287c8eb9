//! Words of code that asks one address and does nothing else: what `python -c`, `node -e` and the like may say beside it.

/// Words of a language or one of its libraries.
#[derive(Debug)]
pub struct CodeWords {
    /// What brings them: a language, or a library of it.
    pub of: &'static str,
    /// The modules that code takes them from.
    pub modules: &'static [&'static str],
    /// Words that ask, read the answer, pass the time, print or end, and those of the grammar.
    pub words: &'static [&'static str],
    /// Calls, as they begin, that raise an exception where nobody answers.
    pub raises: &'static [&'static str],
    /// Calls, as they begin, that fail at an answer of 400 and above.
    pub fails: &'static [&'static str],
    /// Words that look at an answer's status.
    pub status: &'static [&'static str],
    /// Where this is from.
    pub source: &'static str,
    /// The day on which somebody compared the row with its source.
    pub checked: &'static str,
}

/// Writes a row.
const fn row(
    of: &'static str,
    modules: &'static [&'static str],
    words: &'static [&'static str],
    source: &'static str,
) -> CodeWords {
    CodeWords {
        of,
        modules,
        words,
        raises: &[],
        fails: &[],
        status: &[],
        source,
        checked: "2026-11-30",
    }
}

/// All such words.
pub const CODE_WORDS: &[CodeWords] = &[
    row(
        "Python",
        &["time", "sys", "os", "json", "ssl"],
        &[
            "if", "elif", "while", "for", "except", "return", "in", "not", "and", "or", "with", "print",
            "async", "await", "sleep", "exit", "range", "dumps", "encode", "decode", "str", "int", "len",
            "format", "bytes", "b", "min", "max", "time",
        ],
        "https://docs.python.org/3/library/functions.html",
    ),
    CodeWords {
        raises: &["urlopen("],
        fails: &["urlopen"],
        status: &["status", "getcode"],
        ..row(
            "Python's urllib",
            &["urllib", "urllib2", "urllib3"],
            &["urlopen", "Request", "read", "getcode", "parse", "urlencode"],
            "https://docs.python.org/3/library/urllib.request.html",
        )
    },
    CodeWords {
        raises: &[".request("],
        status: &["status"],
        ..row(
            "Python's http.client",
            &["http"],
            &[
                "HTTPConnection",
                "HTTPSConnection",
                "request",
                "getresponse",
                "read",
                "close",
            ],
            "https://docs.python.org/3/library/http.client.html",
        )
    },
    CodeWords {
        raises: &["create_connection(", ".connect(("],
        ..row(
            "Python's socket",
            &["socket"],
            &[
                "socket",
                "create_connection",
                "connect",
                "connect_ex",
                "sendall",
                "send",
                "recv",
                "close",
                "settimeout",
            ],
            "https://docs.python.org/3/library/socket.html",
        )
    },
    CodeWords {
        raises: &["requests.get(", "httpx.get("],
        fails: &["raise_for_status"],
        status: &["status", ".ok"],
        ..row(
            "requests",
            &["requests", "httpx"],
            &[
                "post",
                "get",
                "put",
                "head",
                "request",
                "raise_for_status",
                "Session",
            ],
            "https://requests.readthedocs.io/en/latest/api/",
        )
    },
    row(
        "JavaScript",
        &["timers"],
        &[
            "if",
            "while",
            "for",
            "switch",
            "catch",
            "return",
            "function",
            "async",
            "await",
            "new",
            "then",
            "finally",
            "setTimeout",
            "setInterval",
            "clearInterval",
            "clearTimeout",
            "Promise",
            "resolve",
            "reject",
            "log",
            "error",
            "warn",
            "info",
            "debug",
            "stringify",
            "now",
            "require",
            "import",
            "URL",
            "exit",
        ],
        "https://developer.mozilla.org/en-US/docs/Web/JavaScript/Reference",
    ),
    CodeWords {
        fails: &["axios"],
        status: &["status", "Status", ".ok"],
        ..row(
            "Node's requests",
            &["http", "https", "net", "axios", "node-fetch"],
            &[
                "fetch",
                "request",
                "get",
                "post",
                "createConnection",
                "connect",
                "Socket",
                "on",
                "once",
                "write",
                "end",
                "destroy",
                "resume",
                "setTimeout",
            ],
            "https://nodejs.org/api/http.html",
        )
    },
    row(
        "Ruby",
        &["json", "timeout"],
        &[
            "if",
            "unless",
            "until",
            "while",
            "loop",
            "do",
            "begin",
            "rescue",
            "ensure",
            "retry",
            "end",
            "then",
            "nil",
            "true",
            "false",
            "and",
            "or",
            "not",
            "puts",
            "print",
            "sleep",
            "exit",
            "require",
            "format",
            "StandardError",
        ],
        "https://docs.ruby-lang.org/en/master/syntax_rdoc.html",
    ),
    CodeWords {
        fails: &["URI.open"],
        status: &[".code"],
        ..row(
            "Ruby's requests",
            &["net", "uri", "open-uri", "socket"],
            &[
                "Net",
                "HTTP",
                "URI",
                "parse",
                "new",
                "start",
                "request",
                "Post",
                "Get",
                "Put",
                "post",
                "get",
                "put",
                "post_form",
                "get_response",
                "TCPSocket",
                "write",
                "read",
                "close",
            ],
            "https://docs.ruby-lang.org/en/master/Net/HTTP.html",
        )
    },
    row(
        "Perl",
        &["strict", "warnings"],
        &[
            "use", "my", "new", "if", "unless", "until", "while", "or", "and", "not", "die", "print",
            "sleep", "exit", "strict", "warnings",
        ],
        "https://perldoc.perl.org/perlfunc",
    ),
    CodeWords {
        fails: &["LWP"],
        status: &["is_success", "{success}"],
        ..row(
            "Perl's requests",
            &["HTTP", "LWP", "IO"],
            &[
                "HTTP",
                "Tiny",
                "LWP",
                "UserAgent",
                "Simple",
                "Request",
                "IO",
                "Socket",
                "INET",
                "PeerAddr",
                "PeerPort",
                "Proto",
                "post",
                "put",
                "get",
                "request",
                "timeout",
            ],
            "https://perldoc.perl.org/HTTP::Tiny",
        )
    },
    CodeWords {
        fails: &["file_get_contents"],
        ..row(
            "PHP",
            &[],
            &[
                "file_get_contents",
                "stream_context_create",
                "array",
                "curl_init",
                "curl_setopt",
                "curl_exec",
                "curl_close",
                "fsockopen",
                "fclose",
                "fwrite",
                "echo",
            ],
            "https://www.php.net/manual/en/book.stream.php",
        )
    },
    CodeWords {
        fails: &["Invoke-"],
        status: &["Status"],
        ..row(
            "PowerShell",
            &[],
            &[],
            "https://learn.microsoft.com/powershell/module/microsoft.powershell.utility/invoke-webrequest",
        )
    },
];

/// Whether a word is one of them.
#[must_use]
pub fn asks(word: &str) -> bool {
    CODE_WORDS.iter().any(|row| row.words.contains(&word))
}

/// Whether a module holds nothing else: `urllib.request`, `node:http`, `net/http`.
#[must_use]
pub fn asks_by(module: &str) -> bool {
    let module = module.trim().trim_start_matches("node:");
    let base = module.split(['.', '/', ' ', ':']).next().unwrap_or_default();
    base.is_empty() || CODE_WORDS.iter().any(|row| row.modules.contains(&base))
}

/// Where code first has a call that raises an exception where nobody answers.
#[must_use]
pub fn raising_call(code: &str) -> Option<usize> {
    let calls = CODE_WORDS.iter().flat_map(|row| row.raises);
    calls.filter_map(|call| code.find(call)).min()
}

/// Whether code has a word that looks at an answer's status.
#[must_use]
pub fn looks_at_status(code: &str) -> bool {
    let mut words = CODE_WORDS.iter().flat_map(|row| row.status);
    words.any(|word| code.contains(word))
}

/// Whether code makes a difference between an answer and one of 400 and above: by a call that fails there, or by a look
/// at the status.
#[must_use]
pub fn tells_failures(code: &str) -> bool {
    let mut calls = CODE_WORDS.iter().flat_map(|row| row.fails);
    calls.any(|call| code.contains(call)) || looks_at_status(code)
}
