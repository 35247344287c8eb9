//! Versions of Kubernetes.

/// A Kubernetes version: (1, minor).
pub type KubernetesVersion = (u32, u32);

/// Reads `1.29`, `v1.29`, `1.29.3` or `v1.29.3-gke.100`; `None` for what is no version of Kubernetes.
#[must_use]
pub fn parse_kubernetes_version(text: &str) -> Option<KubernetesVersion> {
    let text = text.trim();
    let mut parts = text.strip_prefix('v').unwrap_or(text).splitn(3, '.');
    let mut number = || parts.next().and_then(|part| part.parse::<u32>().ok());
    let (major, minor) = (number()?, number()?);
    let patch_is_one = parts
        .next()
        .is_none_or(|patch| patch.starts_with(|first: char| first.is_ascii_digit()));
    (major == 1 && patch_is_one).then_some((major, minor))
}
