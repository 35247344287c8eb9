//! Addresses of the pod itself in a text.

/// The words by which a host that is the pod itself is written.
const LOCAL_HOSTS: [&str; 4] = ["localhost", "127.0.0.1", "[::1]", "ip6-localhost"];

/// The ports of addresses that name none.
const SCHEMES: [(&str, u16); 9] = [
    ("http", 80),
    ("https", 443),
    ("postgres", 5432),
    ("postgresql", 5432),
    ("mysql", 3306),
    ("mariadb", 3306),
    ("redis", 6379),
    ("amqp", 5672),
    ("mongodb", 27017),
];

/// Whether a text is the name of the pod itself.
pub(super) fn is_local_host(text: &str) -> bool {
    LOCAL_HOSTS.contains(&text.trim())
}

/// The ports of the local addresses in a text.
pub(super) fn local_ports(text: &str) -> Vec<Option<u16>> {
    let mut found = Vec::new();
    for host in LOCAL_HOSTS {
        for (at, _) in text.match_indices(host) {
            let (before, behind) = text.split_at_checked(at).unwrap_or_default();
            let behind = behind.get(host.len()..).unwrap_or_default();
            let is_part = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
            if before.ends_with(is_part) || behind.starts_with(is_part) {
                continue;
            }
            let digits: String = behind
                .strip_prefix(':')
                .into_iter()
                .flat_map(str::chars)
                .take_while(char::is_ascii_digit)
                .collect();
            let scheme = || {
                let (before, _) = before.rsplit_once("://").filter(|(_, user)| {
                    !user.contains(|letter: char| letter.is_whitespace() || letter == '/')
                })?;
                let start = before.rfind(|letter: char| !letter.is_ascii_alphanumeric());
                let name = before.get(start.map_or(0, |start| start + 1)..)?;
                SCHEMES
                    .iter()
                    .find(|(scheme, _)| *scheme == name)
                    .map(|(_, port)| *port)
            };
            match digits.parse() {
                Ok(port) => found.push(Some(port)),
                // Two protocols of one address don't make two.
                Err(_) if !behind.starts_with(':') => {
                    found.extend(scheme().or_else(|| keyword_port(text, before)).map(Some));
                }
                Err(_) => {}
            }
        }
    }
    found
}

/// The port of a connection string that names a host before: `host=localhost port=5432`, `Server=localhost;Port=3306`.
fn keyword_port(text: &str, before: &str) -> Option<u16> {
    let key = before.trim_end_matches(['"', '\'']).to_ascii_lowercase();
    if !["host=", "hostaddr=", "server="]
        .iter()
        .any(|own| key.ends_with(own))
    {
        return None;
    }
    let pairs = text.split([' ', ';', '&', '?', ',']);
    pairs
        .filter_map(|pair| pair.split_once('='))
        .find_map(|(name, port)| {
            let port = port.trim_matches(['"', '\'']).parse();
            port.ok().filter(|_| name.trim().eq_ignore_ascii_case("port"))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_addresses_are_found_in_any_writing() {
        for (text, ports) in [
            ("127.0.0.1:5432", vec![Some(5432)]),
            (
                "postgres://u:p@localhost:5433/x?sslmode=disable",
                vec![Some(5433)],
            ),
            ("postgres://u:p@localhost/x", vec![Some(5432)]),
            ("jdbc:mysql://localhost/x", vec![Some(3306)]),
            ("user:pass@tcp(127.0.0.1:3306)/db", vec![Some(3306)]),
            ("http://[::1]:9000/", vec![Some(9000)]),
            ("host=127.0.0.1 port=5432 dbname=x", vec![Some(5432)]),
            ("Server=localhost;Port=3306;Database=x", vec![Some(3306)]),
            ("host=db.example.com port=5432", vec![]),
            ("localhost", vec![]),
            ("notlocalhost:80", vec![]),
            ("localhost.example.com:80", vec![]),
            ("db.example.com:5432", vec![]),
        ] {
            assert_eq!(local_ports(text), ports, "{text}");
        }
    }
}
