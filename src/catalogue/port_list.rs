//! Programs that list the ports at which somebody listens.

/// A program that lists ports.
#[derive(Debug)]
pub struct PortList {
    /// The name of its executable.
    pub program: &'static str,
    /// It can be told which port: `ss 'sport = :5432'`.
    pub selects: bool,
    /// It lists the sockets of the whole pod, and not only those of processes that it sees.
    pub sees_the_pod: bool,
    /// Where this is from.
    pub source: &'static str,
    /// The day on which somebody compared the row with its source.
    pub checked: &'static str,
}

/// All such programs.
pub const PORT_LISTS: &[PortList] = &[
    PortList {
        program: "netstat",
        selects: false,
        sees_the_pod: true,
        source: "https://man7.org/linux/man-pages/man8/netstat.8.html",
        checked: "2026-11-30",
    },
    PortList {
        program: "ss",
        selects: true,
        sees_the_pod: true,
        source: "https://man7.org/linux/man-pages/man8/ss.8.html",
        checked: "2026-11-30",
    },
    PortList {
        program: "lsof",
        selects: true,
        sees_the_pod: false,
        source: "https://man7.org/linux/man-pages/man8/lsof.8.html",
        checked: "2026-11-30",
    },
];

/// The row of a program, by the name of its executable.
#[must_use]
pub fn by_program(program: &str) -> Option<&'static PortList> {
    PORT_LISTS.iter().find(|list| list.program == program)
}
