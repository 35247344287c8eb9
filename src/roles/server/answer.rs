//! Whether a server runs, and why not, or why nobody knows.

/// Whether a container runs a known sidecar's server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RunsServer {
    /// It does: the image's own command with nothing but options of its server, or a command that names it.
    Proved,
    /// It does one thing and ends.
    Refuted(OneShot),
    /// The text does not tell.
    Unknown(ServerDoubt),
}

/// What makes a known image do one thing and end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OneShot {
    /// A subcommand or option: `setup`, `--once`.
    Argument(String),
    /// An environment variable: `METHOD=LIST`.
    Variable(String),
}

/// Why nobody can tell whether a server runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerDoubt {
    /// No image is written, or no row of the catalogue knows it.
    Image,
    /// The command is another program than the image's server.
    Command(String),
    /// A word may be a subcommand that ends.
    Subcommand(String),
    /// There are options but no subcommand, without which its program runs no server.
    NoSubcommand,
    /// An option sounds like an end.
    Option(String),
    /// A word comes from a variable or template that nobody can read.
    Word(String),
    /// A script does more than run the server.
    Script {
        /// It does start the image's server.
        starts_server: bool,
    },
    /// A wrapper stands before the command, or its settings say that one is in the image.
    Wrapper {
        /// Its name.
        name: &'static str,
        /// The command behind it starts the image's server.
        starts_server: bool,
    },
    /// An environment variable's name sounds like an end.
    Variable(String),
    /// Its environment comes from elsewhere (`envFrom`), and a variable could make it end.
    Environment,
}

impl RunsServer {
    /// Whether the image's server is started, though nobody may know what ends it.
    #[must_use]
    pub fn starts_server(&self) -> bool {
        match self {
            Self::Proved => true,
            Self::Refuted(_) => false,
            Self::Unknown(doubt) => match doubt {
                ServerDoubt::Script { starts_server } | ServerDoubt::Wrapper { starts_server, .. } => {
                    *starts_server
                }
                ServerDoubt::Variable(_) | ServerDoubt::Environment => true,
                ServerDoubt::Image
                | ServerDoubt::Command(_)
                | ServerDoubt::Subcommand(_)
                | ServerDoubt::NoSubcommand
                | ServerDoubt::Option(_)
                | ServerDoubt::Word(_) => false,
            },
        }
    }
}

impl std::fmt::Display for OneShot {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Argument(text) | Self::Variable(text) => {
                write!(formatter, "`{text}` makes it end by itself")
            }
        }
    }
}

impl std::fmt::Display for ServerDoubt {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Image => formatter.write_str("the catalogue does not know its image"),
            Self::Command(name) => write!(formatter, "its command `{name}` may end by itself"),
            Self::Subcommand(word) => write!(formatter, "its argument `{word}` may make it end by itself"),
            Self::NoSubcommand => formatter.write_str("its command has no subcommand that runs a server"),
            Self::Option(word) => write!(formatter, "its option `{word}` may make it end by itself"),
            Self::Word(word) => write!(formatter, "the value of its argument `{word}` is not known"),
            Self::Script { .. } => formatter.write_str("its script does more than run a server"),
            Self::Wrapper { name, .. } => write!(formatter, "{name} may end it"),
            Self::Variable(name) => write!(formatter, "its variable {name} may make it end by itself"),
            Self::Environment => formatter
                .write_str("its environment is not all in the manifest, and a variable could make it end"),
        }
    }
}
