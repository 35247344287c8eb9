//! Versions of Kubernetes on the command line.

use crate::pod::{KubernetesVersion, parse_kubernetes_version};

/// `1.29`, `v1.29`, `1.29.3`, `v1.29.3-gke.100`
pub(super) fn parse_version(text: &str) -> Result<KubernetesVersion, String> {
    parse_kubernetes_version(text).ok_or_else(|| format!("{text:?} is no Kubernetes version such as 1.29"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_may_have_more_than_two_parts() {
        for text in ["1.29", "v1.29", "1.29.3", "v1.29.3-gke.100", "v1.29.3+k3s1"] {
            assert_eq!(parse_version(text), Ok((1, 29)), "{text}");
        }
        for text in ["", "1", "29", "1.x", "2.29", "one", "1.29.", "1.29-gke"] {
            assert!(parse_version(text).is_err(), "{text}");
        }
    }
}
