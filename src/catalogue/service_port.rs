//! The ports on which well-known servers listen where nothing else is said: at every address, as their images are made.

/// A server's port.
#[derive(Debug)]
pub struct ServicePort {
    /// The last parts of the names of its images.
    pub images: &'static [&'static str],
    /// The port.
    pub port: u16,
    /// Where this is from.
    pub source: &'static str,
    /// The day on which somebody compared the row with its source.
    pub checked: &'static str,
}

/// Writes a row.
const fn row(images: &'static [&'static str], port: u16, source: &'static str) -> ServicePort {
    ServicePort {
        images,
        port,
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
    row(&["mysql", "mariadb"], 3306, "https://hub.docker.com/_/mysql"),
    row(&["redis", "valkey"], 6379, "https://hub.docker.com/_/redis"),
    row(&["mongo", "mongodb"], 27017, "https://hub.docker.com/_/mongo"),
    row(&["memcached"], 11211, "https://hub.docker.com/_/memcached"),
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

/// Where official images of these servers are kept.
const OFFICIAL: &[&str] = &["library", "bitnami", "bitnamilegacy"];

/// Whether an image's own command listens on a port at every address of the pod.
#[must_use]
pub fn is_open(repository: &str, port: u16) -> bool {
    let (folder, name) = repository.rsplit_once('/').unwrap_or(("library", repository));
    let folder = folder.rsplit('/').next().unwrap_or(folder);
    of_image(name) == Some(port) && (OFFICIAL.contains(&folder) || folder == "docker.io")
}
