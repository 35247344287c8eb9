//! Words in the names of containers that tell what a container is there for. A name is a hint and proves nothing.

/// What a container of such a name is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// It sets another container up, watches it, saves its data or shows its figures.
    Helps,
    /// It stands before another container and serves it to the outside.
    Fronts,
}

/// Words for one purpose.
#[derive(Debug)]
pub struct NameWords {
    /// Parts of a name, between `-` and `_`.
    pub words: &'static [&'static str],
    /// Ends of such a part: `mysqlexporter`.
    pub ends: &'static [&'static str],
    /// What they tell.
    pub purpose: Purpose,
    /// Where this is from.
    pub source: &'static str,
    /// The day on which somebody compared the row with its source.
    pub checked: &'static str,
}

/// Writes a row.
const fn row(
    words: &'static [&'static str],
    ends: &'static [&'static str],
    purpose: Purpose,
    source: &'static str,
) -> NameWords {
    NameWords {
        words,
        ends,
        purpose,
        source,
        checked: "2026-11-30",
    }
}

/// All such words.
pub const NAME_WORDS: &[NameWords] = &[
    row(
        &["exporter", "metrics"],
        &["exporter"],
        Purpose::Helps,
        "https://prometheus.io/docs/instrumenting/exporters/",
    ),
    row(
        &["backup"],
        &["backup"],
        Purpose::Helps,
        "https://docs.percona.com/percona-xtrabackup/8.0/",
    ),
    row(
        &["monitor", "monitoring", "watcher", "watchdog", "reloader"],
        &[],
        Purpose::Helps,
        "https://kubernetes.io/blog/2015/06/the-distributed-system-toolkit-patterns/",
    ),
    row(
        &["setup", "init", "provision", "provisioner", "bootstrap"],
        &[],
        Purpose::Helps,
        "https://kubernetes.io/docs/concepts/workloads/pods/init-containers/",
    ),
    row(
        &["proxy", "gateway", "ingress", "lb", "tls", "web", "frontend"],
        &[],
        Purpose::Fronts,
        "https://kubernetes.io/docs/concepts/services-networking/ingress/",
    ),
    row(
        &["nginx", "openresty"],
        &[],
        Purpose::Fronts,
        "https://nginx.org/en/docs/http/ngx_http_proxy_module.html",
    ),
    row(
        &["httpd", "apache", "apache2"],
        &[],
        Purpose::Fronts,
        "https://httpd.apache.org/docs/current/mod/mod_proxy.html",
    ),
    row(
        &["haproxy"],
        &[],
        Purpose::Fronts,
        "https://docs.haproxy.org/3.0/intro.html",
    ),
    row(
        &["envoy"],
        &[],
        Purpose::Fronts,
        "https://www.envoyproxy.io/docs/envoy/latest/intro/what_is_envoy",
    ),
    row(
        &["caddy"],
        &[],
        Purpose::Fronts,
        "https://caddyserver.com/docs/caddyfile/directives/reverse_proxy",
    ),
    row(
        &["traefik"],
        &[],
        Purpose::Fronts,
        "https://doc.traefik.io/traefik/",
    ),
    row(
        &["varnish"],
        &[],
        Purpose::Fronts,
        "https://varnish-cache.org/intro/",
    ),
    row(
        &["squid"],
        &[],
        Purpose::Fronts,
        "https://www.squid-cache.org/Intro/",
    ),
];

/// Parts of the options and variables by which a program is told whom it passes requests on to.
pub const FORWARDING: &[&str] = &["upstream", "backend", "forward", "proxy_pass", "target", "origin"];

/// Whether a name, of a container or an image, tells a purpose.
#[must_use]
pub fn tells(name: &str, purpose: Purpose) -> bool {
    let is_it = |part: &str| {
        let mut rows = NAME_WORDS.iter().filter(|row| row.purpose == purpose);
        rows.any(|row| row.words.contains(&part) || row.ends.iter().any(|end| part.ends_with(end)))
    };
    name.split(|letter: char| !letter.is_ascii_alphanumeric())
        .any(is_it)
}
