//! From an input to its text.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::Path,
    sync::Arc,
};

use rayon::prelude::*;

use super::{
    Input, Origin, SourceError, SourceErrorKind, SourceFile, discover::plain, kustomize, looks_like_manifest,
};

/// Larger texts are refused: no manifest is that large (etcd takes 1.5 MiB), and memory is finite.
pub const MAXIMUM_SIZE: u64 = 64 * 1024 * 1024;

/// Texts of one run may have no more than this together (512 MiB).
const MAXIMUM_TOTAL: usize = 512 * 1024 * 1024;

/// As much is read at once, before it is known what of it is a manifest.
const BATCH: u64 = 64 * 1024 * 1024;

/// As much of a file that was met in a directory is looked at before it is called a manifest that is too large.
const GLANCE: u64 = 64 * 1024;

/// Reads inputs in parallel; the results stand in their order. What would make the texts larger than memory
/// should hold is refused.
#[must_use]
pub fn read_all(inputs: &[Input]) -> Vec<Result<Option<SourceFile>, SourceError>> {
    let inputs: Vec<(&Input, Option<io::Result<Size>>)> =
        inputs.par_iter().map(|input| (input, size(input))).collect();
    let mut rest = inputs.as_slice();
    let mut sizes = inputs.iter().map(|(_, size)| bytes(size.as_ref())).peekable();
    let mut total = 0;
    let mut all = Vec::with_capacity(inputs.len());
    while !rest.is_empty() {
        let (mut count, mut batch) = (0, 0);
        while let Some(size) = sizes.next_if(|size| count == 0 || batch + size <= BATCH) {
            batch += size;
            count += 1;
        }
        let (now, later) = rest.split_at_checked(count).unwrap_or((rest, &[]));
        rest = later;
        let texts: Vec<_> = now
            .par_iter()
            .map(|(input, size)| read_known(input, size.as_ref()))
            .collect();
        for (text, (input, _)) in texts.into_iter().zip(now) {
            let length = match &text {
                Ok(Some(source)) => source.text.len(),
                _ => 0,
            };
            all.push(if total + length > MAXIMUM_TOTAL {
                Err(too_much(&input.name))
            } else {
                total += length;
                text
            });
        }
    }
    all
}

/// What is known of a file before it is opened: opening a FIFO may take for ever.
#[derive(Debug, Clone, Copy)]
struct Size {
    is_regular: bool,
    bytes: u64,
}

/// The size of an input's file, where it has one.
fn size(input: &Input) -> Option<io::Result<Size>> {
    match &input.origin {
        Origin::File(path) | Origin::Found(path) => Some(fs::metadata(path).map(|metadata| Size {
            is_regular: metadata.is_file(),
            bytes: metadata.len(),
        })),
        Origin::StandardInput | Origin::Kustomization(_) => None,
    }
}

/// How many bytes an input may take.
fn bytes(size: Option<&io::Result<Size>>) -> u64 {
    match size {
        Some(Ok(size)) if size.is_regular && size.bytes <= MAXIMUM_SIZE => size.bytes,
        Some(_) => 0,
        None => MAXIMUM_SIZE,
    }
}

/// Reads an input. `None`: a file met in a directory that is no manifest.
///
/// # Errors
/// The input cannot be read, is too large, is no file or is not UTF-8. About a file met in a directory, only
/// where it looks like a manifest.
pub fn read(input: &Input) -> Result<Option<SourceFile>, SourceError> {
    read_known(input, size(input).as_ref())
}

/// [`read`] of an input whose size has been asked for.
fn read_known(input: &Input, size: Option<&io::Result<Size>>) -> Result<Option<SourceFile>, SourceError> {
    let known = || match size {
        Some(Ok(size)) => Ok(*size),
        Some(Err(error)) => Err(unreadable(&input.name, error)),
        None => Err(not_a_file(&input.name)),
    };
    let bytes = match &input.origin {
        Origin::File(path) => read_file(path, &input.name, known()?)?,
        Origin::Found(path) => {
            let Some(bytes) = read_found(path, &input.name, known()?)? else {
                return Ok(None);
            };
            bytes
        }
        Origin::StandardInput => read_limited(io::stdin().lock(), &input.name, 0)?,
        Origin::Kustomization(directory) => kustomize::render(directory, &input.name)?,
    };
    Ok(Some(SourceFile {
        name: input.name.clone(),
        text: decode(bytes, &input.name)?,
    }))
}

fn read_file(path: &Path, name: &str, size: Size) -> Result<Vec<u8>, SourceError> {
    // `<(command)` of a shell: the pipe is open on both ends already, so it can't block for want of a writer.
    let substituted = path.starts_with("/dev/fd") || path.starts_with("/proc/self/fd");
    if !size.is_regular && !substituted {
        return Err(not_a_file(name));
    }
    if size.bytes > MAXIMUM_SIZE {
        return Err(too_large(name));
    }
    let file = File::open(path).map_err(|error| unreadable(name, &error))?;
    read_limited(file, name, size.bytes)
}

fn read_found(path: &Path, name: &str, size: Size) -> Result<Option<Vec<u8>>, SourceError> {
    if size.is_regular && size.bytes > MAXIMUM_SIZE {
        let mut beginning = Vec::new();
        File::open(path)
            .and_then(|file| file.take(GLANCE).read_to_end(&mut beginning))
            .map_err(|error| unreadable(name, &error))?;
        return if looks_like_manifest(&beginning) {
            Err(too_large(name))
        } else {
            Ok(None)
        };
    }
    let bytes = read_file(path, name, size)?;
    if is_utf16(&bytes) {
        // Half of the bytes of its keys are zeros.
        let letters: Vec<u8> = bytes.into_iter().filter(|byte| *byte != 0).collect();
        return if looks_like_manifest(&letters) {
            Err(utf16(name))
        } else {
            Ok(None)
        };
    }
    let is_manifest = looks_like_manifest(&bytes)
        || is_template(&bytes)
        || is_helper_of_scripts(path, &bytes)
        || are_mesh_values(&bytes);
    Ok(is_manifest.then_some(bytes))
}

/// A chart's template may get its `kind` from a helper that it includes.
fn is_template(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| {
        super::first_template_line(text).is_some()
            && ["containers:", "initContainers:", "lifecycle:"]
                .iter()
                .any(|key| text.contains(key))
    })
}

/// A chart's `.tpl` file may define a part of a script that minds what else runs in the pod.
fn is_helper_of_scripts(path: &Path, bytes: &[u8]) -> bool {
    path.extension().is_some_and(|suffix| suffix == "tpl")
        && std::str::from_utf8(bytes).is_ok_and(|text| {
            super::first_template_line(text).is_some()
                && ["localhost", "127.0.0.1", "pkill ", "killall "]
                    .iter()
                    .any(|word| text.contains(word))
        })
}

/// Helm values of a mesh hold settings for every pod, though a file of values is no manifest.
fn are_mesh_values(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes)
        .is_ok_and(|text| text.contains("meshConfig:") && text.contains("defaultConfig:"))
}

/// `expected` bytes are read at once.
fn read_limited(reader: impl Read, name: &str, expected: u64) -> Result<Vec<u8>, SourceError> {
    // One byte more shows that nothing comes behind it.
    let capacity = usize::try_from(expected.min(MAXIMUM_SIZE)).unwrap_or_default() + 1;
    let mut bytes = Vec::with_capacity(capacity);
    reader
        .take(MAXIMUM_SIZE + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(name, &error))?;
    if bytes.len() as u64 > MAXIMUM_SIZE {
        return Err(too_large(name));
    }
    Ok(bytes)
}

/// The bytes as text.
pub(super) fn decode(bytes: Vec<u8>, name: &str) -> Result<Arc<str>, SourceError> {
    if is_utf16(&bytes) {
        return Err(utf16(name));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(text.into()),
        Err(error) => {
            let offset = error.utf8_error().valid_up_to();
            let before = error.as_bytes().get(..offset).unwrap_or_default();
            let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
            Err(SourceError::new(
                name,
                SourceErrorKind::Encoding,
                format!("is not UTF-8: the byte at offset {offset} begins no character; save it as UTF-8"),
            )
            .at(line, None))
        }
    }
}

/// Whether the bytes begin with the byte order mark of UTF-16, of either order.
fn is_utf16(bytes: &[u8]) -> bool {
    matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..])
}

fn unreadable(name: &str, error: &io::Error) -> SourceError {
    SourceError::new(
        name,
        SourceErrorKind::Unreadable,
        format!("cannot be read: {}", plain(error)),
    )
}

fn not_a_file(name: &str) -> SourceError {
    SourceError::new(
        name,
        SourceErrorKind::NotAFile,
        "is no regular file but a FIFO, a device or a socket; pipe its text in and name `-`",
    )
}

pub(super) fn too_large(name: &str) -> SourceError {
    SourceError::new(
        name,
        SourceErrorKind::TooLarge,
        format!(
            "is larger than {} MiB, which no manifest is; split it",
            MAXIMUM_SIZE / 1024 / 1024
        ),
    )
}

fn too_much(name: &str) -> SourceError {
    SourceError::new(
        name,
        SourceErrorKind::TooLarge,
        format!(
            "is left out: with it the manifests of this run are larger than {} MiB; lint it in a run of its own",
            MAXIMUM_TOTAL / 1024 / 1024
        ),
    )
}

fn utf16(name: &str) -> SourceError {
    SourceError::new(
        name,
        SourceErrorKind::Encoding,
        "is UTF-16 by its byte order mark; save it as UTF-8",
    )
}
