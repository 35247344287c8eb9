//! Where a container listens, as far as its manifest tells: whether a probe of the kubelet, which comes to the pod's
//! address, is answered there (`semantics.md`, 3.1).

use crate::{
    workload::{Container, ProbeKind},
    yaml::Node,
};

use super::Pod;

/// Whether the kubelet reaches a port of a container at the pod's address.
pub(crate) fn is_reachable(pod: &Pod<'_>, container: &Container<'_>, port: u16) -> Result<(), String> {
    let text = port.to_string();
    let local_only = own_words(container).any(|word| {
        word.contains(&format!("127.0.0.1:{text}")) || word.contains(&format!("localhost:{text}"))
    });
    if local_only {
        return Err(format!(
            "it listens on 127.0.0.1:{port} only, where no probe of the kubelet reaches it"
        ));
    }
    let probed = ProbeKind::ALL
        .iter()
        .filter_map(|kind| container.probe(*kind))
        .any(|probe| probe.port() == Some(text.as_str()));
    if probed {
        return Ok(());
    }
    if let Some(known) = pod.catalogue.of(container).filter(|known| known.loopback) {
        if !is_bound_to_all(container) {
            return Err(format!(
                "it listens on 127.0.0.1:{port} by default, where no probe of the kubelet reaches it"
            ));
        }
        if known.serves.contains(&port) || own_words(container).any(|word| names_port(word, &text)) {
            return Ok(());
        }
    }
    let declared = container.ports().any(|declared| {
        declared.number == port
            && declared
                .node
                .get("protocol")
                .and_then(Node::as_str)
                .unwrap_or("TCP")
                == "TCP"
    });
    if declared {
        return Ok(());
    }
    Err(format!(
        "its manifest does not declare port {port}, so it may listen on 127.0.0.1 only"
    ))
}

fn own_words<'t>(container: &Container<'t>) -> impl Iterator<Item = &'t str> {
    container
        .command()
        .into_iter()
        .chain(container.arguments())
        .filter_map(Node::as_str)
}

/// `--port=5432`, `5432` behind `--port`, `…=tcp:0.0.0.0:5432`
fn names_port(word: &str, port: &str) -> bool {
    word.strip_suffix(port)
        .is_some_and(|before| before.is_empty() || before.ends_with(['=', ':']))
}

/// `--address=0.0.0.0`, `-a 0.0.0.0`, `tcp:0.0.0.0:5432`: the listener itself, not only its health port.
fn is_bound_to_all(container: &Container<'_>) -> bool {
    let words: Vec<&str> = own_words(container).collect();
    let follows_flag = words
        .windows(2)
        .any(|pair| matches!(pair, ["--address" | "-a", "0.0.0.0"]));
    follows_flag
        || words.iter().any(|word| {
            word.trim_start_matches('-').starts_with("address=0.0.0.0") || word.contains("tcp:0.0.0.0")
        })
}

/// The health listener of the Cloud SQL proxy and its kin: `--health-check --http-address=0.0.0.0`
/// (github.com/GoogleCloudPlatform/cloud-sql-proxy, README, "Health checks").
pub(crate) fn health_listener(container: &Container<'_>) -> Option<(&'static str, u16)> {
    let words: Vec<&str> = own_words(container).collect();
    let image = container.image()?;
    if image.base_name() == "gce-proxy" {
        return health_listener_v1(&words);
    }
    let knows_flags = ["cloud-sql-proxy", "alloydb-auth-proxy"]
        .iter()
        .any(|name| image.base_name() == *name);
    let value_of = |flag: &str| {
        words
            .iter()
            .find_map(|word| word.strip_prefix(flag)?.strip_prefix('='))
            .or_else(|| {
                let at = words.iter().position(|word| *word == flag)?;
                words.get(at + 1).copied()
            })
    };
    let checks = words.contains(&"--health-check");
    if !knows_flags || !checks || value_of("--http-address") != Some("0.0.0.0") {
        return None;
    }
    let port = match value_of("--http-port") {
        Some(port) => port.parse().ok()?,
        None => 9090,
    };
    Some(("/startup", port))
}

/// `-use_http_health_check -health_check_port=8090`: the first version's listens at all addresses
/// (github.com/GoogleCloudPlatform/cloud-sql-proxy, v1, `cmd/cloud_sql_proxy/internal/healthcheck`).
fn health_listener_v1(words: &[&str]) -> Option<(&'static str, u16)> {
    let flags = || words.iter().map(|word| word.trim_start_matches('-'));
    let checks = flags().any(|flag| matches!(flag, "use_http_health_check" | "use_http_health_check=true"));
    let port = match flags().find_map(|flag| flag.strip_prefix("health_check_port=")) {
        Some(port) => port.parse().ok()?,
        None => 8090,
    };
    checks.then_some(("/readiness", port))
}
