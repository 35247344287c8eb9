//! Paths that stop the program that is asked for them: those of known sidecars, and what many programs call theirs.

use std::sync::LazyLock;

use super::Catalogue;

/// A path that programs no row knows stop at.
#[derive(Debug)]
pub struct CommonPath {
    /// The path.
    pub path: &'static str,
    /// Where this is from.
    pub source: &'static str,
    /// The day on which somebody compared the row with its source.
    pub checked: &'static str,
}

/// Paths that many programs stop at. Other programs may have other things there, so that the path alone does not say
/// that somebody is stopped.
pub const COMMON_PATHS: &[CommonPath] = &[
    common("/shutdown", "https://linkerd.io/2/tasks/graceful-shutdown/"),
    common(
        "/quit",
        "https://github.com/kubernetes/kubernetes/blob/master/test/images/agnhost/README.md",
    ),
    common(
        "/exit",
        "https://github.com/kubernetes/kubernetes/blob/master/test/images/agnhost/README.md",
    ),
    common(
        "/-/quit",
        "https://prometheus.io/docs/prometheus/latest/management_api/",
    ),
    common("/admin/shutdown", "https://linkerd.io/1/administration/shutdown/"),
    common(
        "/_shutdown",
        "https://www.elastic.co/guide/en/elasticsearch/reference/1.3/cluster-nodes-shutdown.html",
    ),
];

const fn common(path: &'static str, source: &'static str) -> CommonPath {
    CommonPath {
        path,
        source,
        checked: "2026-11-29",
    }
}

/// The paths of known sidecars' quit endpoints, each once.
static KNOWN_PATHS: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let endpoints = Catalogue::built_in().entries().flat_map(|known| &known.quit);
    let mut paths: Vec<&str> = endpoints
        .filter_map(|endpoint| endpoint.path.as_deref())
        .collect();
    paths.sort_unstable();
    paths.dedup();
    paths
});

/// Texts that show a known sidecar's quit endpoint: its path, with the port where the path alone says too little.
static TEXTS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let endpoints = Catalogue::built_in().entries().flat_map(|known| &known.quit);
    let mut texts: Vec<String> = endpoints
        .filter_map(|endpoint| {
            let path = endpoint.path.as_deref()?;
            Some(if is_common(path) {
                format!(":{}{path}", endpoint.port)
            } else {
                path.to_owned()
            })
        })
        .collect();
    texts.sort_unstable();
    texts.dedup();
    texts
});

fn is_common(path: &str) -> bool {
    COMMON_PATHS.iter().any(|common| common.path == path)
}

/// Whether programs are known to stop at a path.
#[must_use]
pub fn stops(path: &str) -> bool {
    let path = path.trim_end_matches('/');
    is_common(path) || KNOWN_PATHS.contains(&path)
}

/// Whether a path says by itself, whatever the port, that somebody is stopped: `/quitquitquit`, below another path
/// too.
#[must_use]
pub fn says_it(path: &str) -> bool {
    let path = path.trim_end_matches('/');
    KNOWN_PATHS
        .iter()
        .any(|known| !is_common(known) && path.ends_with(known))
}

/// Where a text shows a known sidecar's quit endpoint (see [`texts`]).
#[must_use]
pub fn find(text: &str) -> Option<usize> {
    // Each of them is a path: most words and values hold none.
    text.contains('/').then_some(())?;
    texts().find_map(|shown| text.find(shown))
}

/// Texts that show a known sidecar's quit endpoint, in a script or setting that is not read: `/quitquitquit`,
/// `:4191/shutdown`.
pub fn texts() -> impl Iterator<Item = &'static str> {
    TEXTS.iter().map(String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_quit_endpoint_of_a_row_is_known_everywhere() {
        for known in Catalogue::built_in().entries() {
            for path in known.quit.iter().filter_map(|endpoint| endpoint.path.as_deref()) {
                assert!(stops(path), "{path}");
                assert!(stops(&format!("{path}/")), "{path}");
                assert!(texts().any(|text| text.ends_with(path)), "{path}");
                assert_eq!(says_it(path), !is_common(path), "{path}");
            }
        }
    }

    #[test]
    fn every_text_is_a_path() {
        for text in texts() {
            assert!(text.contains('/'), "{text}");
            assert!(find(text).is_some(), "{text}");
        }
    }

    #[test]
    fn a_common_path_alone_says_nothing() {
        for common in COMMON_PATHS {
            assert!(stops(common.path));
            assert!(!says_it(common.path), "{}", common.path);
        }
        assert!(!stops("/api/orders"));
        assert!(says_it("/admin/quitquitquit"));
    }
}
