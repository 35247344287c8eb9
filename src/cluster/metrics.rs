//! Creation times of containers from the kubelet's `/metrics/resource`, through the node proxy.

use kube::Client;

use super::request::{RequestError, get_text};
use crate::trace::{
    Moment,
    evidence::{ContainerAddress, CreationTime},
};

/// The metric that holds them: seconds since the epoch with a fraction, of running containers.
const METRIC: &str = "container_start_time_seconds{";

/// The creation times of all containers that run on a node.
///
/// # Errors
/// Where `nodes/proxy` may not be read, or the node does not answer.
pub async fn creation_times(client: &Client, node: &str) -> Result<Vec<CreationTime>, RequestError> {
    let text = get_text(client, &format!("/api/v1/nodes/{node}/proxy/metrics/resource")).await?;
    Ok(text.lines().filter_map(creation_time).collect())
}

/// `container_start_time_seconds{container="a",namespace="b",pod="c"} 1.795463582196201e+09 1795463590000`
fn creation_time(line: &str) -> Option<CreationTime> {
    let (labels, values) = line.strip_prefix(METRIC)?.split_once('}')?;
    let label = |name: &str| {
        let (_, rest) = labels.split_once(&format!("{name}=\""))?;
        rest.split_once('"').map(|(value, _)| value.to_owned())
    };
    let seconds: f64 = values.split_whitespace().next()?.parse().ok()?;
    if !seconds.is_finite() || seconds <= 0.0 {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a float holds it to a quarter of a microsecond"
    )]
    let time = Moment((seconds * 1e9) as i64);
    Some(CreationTime {
        address: ContainerAddress {
            namespace: label("namespace"),
            pod: label("pod")?,
            container: label("container")?,
        },
        time,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_one_sample() {
        let line = "container_start_time_seconds{container=\"app\",namespace=\"n\",pod=\"p\"} 1.7954635821962e+09 1795463590000";
        let read = creation_time(line).unwrap();
        assert_eq!(read.address.container, "app");
        assert_eq!(read.address.pod, "p");
        assert_eq!(read.time.rfc3339(3), "2026-11-23T19:53:02.196Z");
        assert!(creation_time("# HELP container_start_time_seconds x").is_none());
        assert!(creation_time("container_start_time_seconds{pod=\"p\",container=\"a\"} NaN").is_none());
    }
}
