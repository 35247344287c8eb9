//! Reads kubeconfigs from where kubectl reads them, pipes too, within limits: a pipe may have no end, or never begin.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError, mpsc},
    thread,
    time::Duration,
};

use kube::config::{Kubeconfig, KubeconfigError};

/// The longest kubeconfig, in bytes: a thousand clusters with their certificates are a tenth of it.
const LONGEST: u64 = 64 << 20;

/// How long a pipe is waited for: somebody may have to type a passphrase first.
const PATIENCE: Duration = Duration::from_secs(60);

/// What pipes held, which can't be read twice.
static PIPED: Mutex<BTreeMap<PathBuf, String>> = Mutex::new(BTreeMap::new());

/// The kubeconfig of that path; without one those that kubectl reads.
pub(super) fn read(path: Option<&Path>) -> Result<Kubeconfig, KubeconfigError> {
    let paths = match path {
        Some(path) => vec![path.to_owned()],
        None => default_paths()?,
    };
    paths.iter().try_fold(Kubeconfig::default(), |merged, path| {
        let text = text(path).map_err(|error| KubeconfigError::ReadConfig(error, path.clone()))?;
        let mut own = Kubeconfig::from_yaml(&text)?;
        if let Some(directory) = path.parent() {
            resolve(&mut own, directory);
        }
        merged.merge(own)
    })
}

/// Those of `KUBECONFIG` that are there, or the one of the user's home. Where none is there, the first one is named.
fn default_paths() -> Result<Vec<PathBuf>, KubeconfigError> {
    let named = std::env::var_os("KUBECONFIG").unwrap_or_default();
    let mut paths: Vec<PathBuf> = std::env::split_paths(&named)
        .filter(|path| !path.as_os_str().is_empty())
        .collect();
    if paths.iter().any(|path| path.exists()) {
        paths.retain(|path| path.exists());
    }
    if paths.is_empty() {
        let home = std::env::home_dir().ok_or(KubeconfigError::FindPath)?;
        paths.push(home.join(".kube/config"));
    }
    Ok(paths)
}

fn text(path: &Path) -> io::Result<String> {
    if std::fs::metadata(path)?.is_file() {
        return decoded(&contents(path)?);
    }
    let mut piped = PIPED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(text) = piped.get(path) {
        return Ok(text.clone());
    }
    let text = decoded(&contents_within(path, PATIENCE)?)?;
    piped.insert(path.to_owned(), text.clone());
    Ok(text)
}

fn contents(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LONGEST + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > LONGEST {
        true => Err(invalid("it is longer than 64 MiB, which no kubeconfig is")),
        false => Ok(bytes),
    }
}

/// Reads a pipe aside: opening one waits for a writer, who may never come.
fn contents_within(path: &Path, patience: Duration) -> io::Result<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    let path = path.to_owned();
    thread::spawn(move || sender.send(contents(&path)));
    receiver.recv_timeout(patience).unwrap_or_else(|_| {
        let reason = format!("it is a pipe that did not end within {} s", patience.as_secs());
        Err(io::Error::new(io::ErrorKind::TimedOut, reason))
    })
}

/// UTF-8, or UTF-16 as PowerShell writes it.
fn decoded(bytes: &[u8]) -> io::Result<String> {
    let utf16 = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, rest) = bytes.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(invalid("it is UTF-16 and ends within a character"));
        }
        let units: Vec<u16> = pairs.iter().map(|pair| unit(*pair)).collect();
        String::from_utf16(&units).map_err(|_| invalid("it is no valid UTF-16"))
    };
    match bytes {
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xEF, 0xBB, 0xBF, rest @ ..] | rest => {
            String::from_utf8(rest.to_vec()).map_err(|_| invalid("it is no valid UTF-8"))
        }
    }
}

fn invalid(reason: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

/// The files that a kubeconfig names are found from where it stands, and a plugin that is named as a path.
fn resolve(kubeconfig: &mut Kubeconfig, directory: &Path) {
    let absolute = |path: &mut Option<String>| {
        if let Some(path) = path
            && Path::new(path).is_relative()
            && let Some(whole) = directory.join(&*path).to_str()
        {
            *path = whole.to_owned();
        }
    };
    for named in &mut kubeconfig.clusters {
        if let Some(cluster) = &mut named.cluster {
            absolute(&mut cluster.certificate_authority);
        }
    }
    for user in kubeconfig
        .auth_infos
        .iter_mut()
        .filter_map(|named| named.auth_info.as_mut())
    {
        absolute(&mut user.client_certificate);
        absolute(&mut user.client_key);
        absolute(&mut user.token_file);
        if let Some(plugin) = &mut user.exec
            && plugin
                .command
                .as_ref()
                .is_some_and(|command| command.contains(std::path::MAIN_SEPARATOR))
        {
            absolute(&mut plugin.command);
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_without_a_writer_or_an_end_is_given_up() {
        let directory = tempfile::tempdir().unwrap();
        let pipe = directory.path().join("kubeconfig");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        if made.is_ok_and(|status| status.success()) {
            let error = contents_within(&pipe, Duration::from_millis(50)).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        }
        let error = contents_within(Path::new("/dev/zero"), PATIENCE).unwrap_err();
        assert!(error.to_string().contains("64 MiB"), "{error}");
    }

    #[test]
    fn text_is_read_in_every_encoding_that_editors_write() {
        let text = "apiVersion: v1\n";
        let utf16 = |mark: [u8; 2], unit: fn(u16) -> [u8; 2]| -> Vec<u8> {
            mark.into_iter()
                .chain(text.encode_utf16().flat_map(unit))
                .collect()
        };
        let little = utf16([0xFF, 0xFE], u16::to_le_bytes);
        let big = utf16([0xFE, 0xFF], u16::to_be_bytes);
        let marked = [b"\xEF\xBB\xBF", text.as_bytes()].concat();
        for bytes in [text.as_bytes(), &marked, &little, &big] {
            assert_eq!(decoded(bytes).unwrap(), text);
        }
        for bytes in [
            &little[..little.len() - 1],
            &big[..3],
            b"\xFF\xFE\x00\xD8",
            b"\xC3",
        ] {
            assert_eq!(decoded(bytes).unwrap_err().kind(), io::ErrorKind::InvalidData);
        }
    }
}
