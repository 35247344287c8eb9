//! The ports on which well-known servers listen where nothing else is said: at every address, as their images are made.

/// A server's port.
#[derive(Debug)]
pub struct ServicePort {
    /// The last parts of the names of its images.
    pub images: &'static [&'static str],
    /// The port.
    pub port: u16,
    /// How its server is told where to listen; none where that is not known.
    pub grammar: Option<Grammar>,
    /// Where this is from.
    pub source: &'static str,
    /// The day on which somebody compared the row with its source.
    pub checked: &'static str,
}

/// How a server is told where to listen.
#[derive(Debug)]
pub struct Grammar {
    /// Names of the server.
    pub programs: &'static [&'static str],
    /// Options that name an address, or a file that may.
    pub addresses: &'static [&'static str],
    /// Options that name the port.
    pub ports: &'static [&'static str],
}

/// Writes a row of a server whose words are known.
const fn server(
    images: &'static [&'static str],
    port: u16,
    grammar: Grammar,
    source: &'static str,
) -> ServicePort {
    ServicePort {
        grammar: Some(grammar),
        ..row(images, port, source)
    }
}

/// Writes a row.
const fn row(images: &'static [&'static str], port: u16, source: &'static str) -> ServicePort {
    ServicePort {
        images,
        port,
        grammar: None,
        source,
        checked: "2026-11-30",
    }
}

/// All ports.
pub const SERVICE_PORTS: &[ServicePort] = &[
    row(
        &["postgres", "postgresql", "postgis"],
        5432,
        "https://hub.docker.com/_/postgres",
    ),
    server(
        &["mysql", "mariadb"],
        3306,
        Grammar {
            programs: &["mysqld", "mariadbd"],
            addresses: &[
                "--bind-address",
                "--bind_address",
                "--skip-networking",
                "--skip_networking",
                "--defaults-file",
                "--defaults-extra-file",
            ],
            ports: &["--port", "-P"],
        },
        "https://dev.mysql.com/doc/refman/8.4/en/server-options.html",
    ),
    server(
        &["redis", "valkey"],
        6379,
        Grammar {
            programs: &["redis-server", "valkey-server"],
            addresses: &["--bind", "--include"],
            ports: &["--port"],
        },
        "https://redis.io/docs/latest/operate/oss_and_stack/management/config-file/",
    ),
    row(&["mongo", "mongodb"], 27017, "https://hub.docker.com/_/mongo"),
    server(
        &["memcached"],
        11211,
        Grammar {
            programs: &["memcached"],
            addresses: &["-l", "--listen", "-s", "--unix-socket"],
            ports: &["-p", "--port"],
        },
        "https://github.com/memcached/memcached/blob/master/doc/memcached.1",
    ),
    row(&["nats"], 4222, "https://hub.docker.com/_/nats"),
    row(&["rabbitmq"], 5672, "https://hub.docker.com/_/rabbitmq"),
    row(
        &["elasticsearch", "opensearch"],
        9200,
        "https://hub.docker.com/_/elasticsearch",
    ),
    row(&["nginx", "httpd"], 80, "https://hub.docker.com/_/nginx"),
];

/// The port on which an image's server listens, by the last part of the image's name.
#[must_use]
pub fn of_image(base_name: &str) -> Option<u16> {
    let row = SERVICE_PORTS.iter().find(|row| row.images.contains(&base_name))?;
    Some(row.port)
}

/// Whether an image's server may listen on a port, given these words: on its usual one, unless they name another.
#[must_use]
pub fn may_serve(base_name: &str, words: &[&str], port: u16) -> bool {
    let row = SERVICE_PORTS.iter().find(|row| row.images.contains(&base_name));
    row.is_some_and(|row| {
        let set = row
            .grammar
            .as_ref()
            .and_then(|grammar| grammar.port(words, row.port));
        set.unwrap_or(row.port) == port
    })
}

/// Where official images of these servers are kept.
const OFFICIAL: &[&str] = &["library", "bitnami", "bitnamilegacy", "valkey"];

/// Whether an image's server listens on a port at every address of the pod, given these words.
#[must_use]
pub fn is_open(repository: &str, words: &[&str], port: u16) -> bool {
    let (folder, name) = repository.rsplit_once('/').unwrap_or(("library", repository));
    let folder = folder.rsplit('/').next().unwrap_or(folder);
    if !OFFICIAL.contains(&folder) && folder != "docker.io" {
        return false;
    }
    if words.is_empty() {
        return of_image(name) == Some(port);
    }
    let row = SERVICE_PORTS.iter().find(|row| row.images.contains(&name));
    let grammar = row.and_then(|row| Some((row.port, row.grammar.as_ref()?)));
    grammar.is_some_and(|(usual, grammar)| grammar.port(words, usual) == Some(port))
}

/// Whether a program of that name is one of these servers.
#[must_use]
pub fn is_server(program: &str) -> bool {
    let mut grammars = SERVICE_PORTS.iter().filter_map(|row| row.grammar.as_ref());
    grammars.any(|grammar| grammar.programs.contains(&program))
}

impl Grammar {
    /// The port at which a server with these words listens at every address.
    fn port(&self, words: &[&str], usual: u16) -> Option<u16> {
        let (first, rest) = words.split_first()?;
        let base = first.rsplit('/').next().unwrap_or(first);
        let options = if self.programs.contains(&base) {
            rest
        } else {
            words
        };
        // What is no option comes first only as a file.
        if options.first().is_some_and(|word| !word.starts_with('-')) {
            return None;
        }
        let is_of = |word: &str, options: &[&str]| {
            options.iter().any(|option| {
                let rest = word.strip_prefix(option);
                let is_attached = option.len() == 2 || rest.is_some_and(|rest| rest.starts_with('='));
                rest.is_some_and(|rest| rest.is_empty() || is_attached)
            })
        };
        let is_everywhere = |at: usize| {
            let own = options.get(at).and_then(|word| word.split_once('='));
            let value = own
                .map(|(_, value)| value)
                .or_else(|| options.get(at + 1).copied());
            matches!(value, Some("0.0.0.0" | "*" | "::"))
        };
        let names_one = |(at, word): (usize, &&str)| is_of(word, self.addresses) && !is_everywhere(at);
        // A script's words are more than the server's, and a variable may hold any option.
        let is_open = |word: &&str| word.contains(['$', ';', '&', '|']) || self.programs.contains(word);
        if options.iter().enumerate().any(names_one) || options.iter().any(is_open) {
            return None;
        }
        let at = options.iter().position(|word| is_of(word, self.ports));
        let Some(at) = at else {
            return Some(usual);
        };
        let own = options.get(at)?;
        let value = match own.trim_start_matches(|letter: char| !letter.is_ascii_digit()) {
            "" => options.get(at + 1)?,
            attached => attached,
        };
        value.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_listens_at_every_address_unless_its_words_say_otherwise() {
        for (repository, words, open) in [
            ("redis", &[][..], Some(6379)),
            ("redis", &["--save", "", "--appendonly", "no"], Some(6379)),
            ("redis", &["redis-server", "--port", "6400"], Some(6400)),
            ("redis", &["--bind", "127.0.0.1"], None),
            ("redis", &["/etc/redis/redis.conf"], None),
            (
                "redis",
                &["redis-server", "/etc/redis.conf", "--port", "6379"],
                None,
            ),
            ("redis", &["--port", "$(PORT)"], None),
            ("example.com/own/redis", &[], None),
            ("memcached", &["-m", "64"], Some(11211)),
            ("memcached", &["memcached", "-p11311"], Some(11311)),
            ("memcached", &["-m", "64", "-l127.0.0.1"], None),
            ("memcached", &["-s", "/run/memcached.sock"], None),
            ("mysql", &["--max-connections=20"], Some(3306)),
            ("mysql", &["mysqld", "--bind-address=127.0.0.1"], None),
            ("mariadb", &["--bind-address=0.0.0.0"], Some(3306)),
            ("mariadb", &["--bind-address", "10.0.0.1"], None),
            ("nginx", &["nginx", "-g", "daemon off;"], None),
        ] {
            for port in [6379, 6400, 11211, 11311, 3306, 80] {
                assert_eq!(
                    is_open(repository, words, port),
                    open == Some(port),
                    "{repository} {words:?} {port}"
                );
            }
        }
    }
}
