//! `file:` URIs and paths.

use std::path::{Path, PathBuf};

use gen_lsp_types::Uri;
use percent_encoding::percent_decode_str;

use crate::report::file_uri;

/// The path of a `file:` URI of this machine.
pub(super) fn to_path(uri: &Uri) -> Option<PathBuf> {
    let rest = uri.0.strip_prefix("file://")?;
    let path = rest.strip_prefix("localhost").unwrap_or(rest);
    let decoded = percent_decode_str(path).decode_utf8().ok()?;
    let decoded = decoded.strip_prefix('/').map(|inner| {
        // file:///c:/deploy.yaml
        if inner.as_bytes().get(1) == Some(&b':') {
            inner.to_owned()
        } else {
            format!("/{inner}")
        }
    })?;
    Some(PathBuf::from(decoded))
}

/// The URI of an absolute path.
pub(super) fn of_path(path: &Path) -> Uri {
    Uri(file_uri(&path.to_string_lossy().replace('\\', "/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_come_back() {
        for path in ["/a/b.yaml", "/with space/ü#?%25.yaml"] {
            let uri = of_path(Path::new(path));
            assert!(uri.0.is_ascii(), "{uri}");
            assert_eq!(to_path(&uri).unwrap(), Path::new(path));
        }
    }

    #[test]
    fn what_editors_send() {
        let path = |uri: &str| to_path(&Uri(uri.to_owned()));
        assert_eq!(path("file:///c%3A/d.yaml").unwrap(), Path::new("c:/d.yaml"));
        assert_eq!(path("file://localhost/d.yaml").unwrap(), Path::new("/d.yaml"));
        assert_eq!(path("untitled:Untitled-1"), None);
        assert_eq!(path("file://"), None);
        assert_eq!(path("file:///%ff"), None);
    }
}
