//! Where a configuration file says that its program listens.

/// The words for 127.0.0.1, and those for every address.
const LOOPBACK: [&str; 3] = ["127.0.0.1", "localhost", "::1"];
const EVERYWHERE: [&str; 4] = ["0.0.0.0", "*", "[::]", "\"::\""];

/// Whether a configuration has a listener at that port on 127.0.0.1 alone: `address: 127.0.0.1` beside
/// `port_value: 9901`, or `bind 127.0.0.1` without a port.
pub(super) fn names_loopback(text: &str, port: u16) -> bool {
    let lines: Vec<&str> = text.lines().map(without_comment).collect();
    let has = |line: &str, words: &[&str]| words.iter().any(|word| line.contains(word));
    let numbers = |line: &str| -> Vec<u16> {
        let parts = line.split(|letter: char| !letter.is_ascii_digit() && letter != '.');
        // The 1 of `::1` is no port.
        parts
            .filter_map(|part| part.parse().ok())
            .filter(|port| *port > 9)
            .collect()
    };
    let mut is_local = false;
    for (index, line) in lines.iter().enumerate() {
        let is_asked = numbers(line).contains(&port);
        let beside = [index.checked_sub(1), Some(index), Some(index + 1)];
        let beside = || {
            let indices = beside.into_iter().flatten();
            indices.filter_map(|index| lines.get(index)).filter(|other| {
                let others = numbers(other);
                others.is_empty() || others.contains(&port)
            })
        };
        if is_asked && beside().any(|line| has(line, &EVERYWHERE)) {
            return false;
        }
        let name = line
            .trim_start()
            .split([' ', ':', '='])
            .next()
            .unwrap_or_default();
        let is_listener = ["bind", "listen"]
            .iter()
            .any(|sign| name.trim_matches('"').starts_with(sign));
        let is_all = is_listener && numbers(line).is_empty() && !has(line, &EVERYWHERE);
        is_local |= is_all && has(line, &LOOPBACK) || is_asked && beside().any(|line| has(line, &LOOPBACK));
    }
    is_local
}

fn without_comment(line: &str) -> &str {
    match line.trim_start().starts_with(['#', ';']) || line.trim_start().starts_with("//") {
        true => "",
        false => line.split(" #").next().unwrap_or(line),
    }
}

#[cfg(test)]
mod tests {
    use super::names_loopback;

    #[test]
    fn a_listener_on_127_0_0_1_is_seen_with_its_port() {
        let envoy = "admin:\n  address:\n    socket_address:\n      address: 127.0.0.1\n      port_value: 9901\nlisteners:\n- address:\n    socket_address: {address: 0.0.0.0, port_value: 10000}\n";
        assert!(names_loopback(envoy, 9901));
        assert!(!names_loopback(envoy, 10000));
        assert!(!names_loopback(envoy, 8080));
        assert!(names_loopback("port 6379\nsave 60 1\nbind 127.0.0.1\n", 6379));
        assert!(names_loopback("maxmemory 64mb\nbind 127.0.0.1 -::1\n", 6379));
        assert!(!names_loopback("# bind 127.0.0.1\nport 6379\n", 6379));
        assert!(!names_loopback("bind 0.0.0.0\nport 6379\n", 6379));
        assert!(!names_loopback(
            "listen 8080;\nproxy_pass http://127.0.0.1:3000;\n",
            8080
        ));
        assert!(names_loopback("listen 127.0.0.1:8080;\n", 8080));
    }
}
