//! Two writers of the same files: a plan that is written, and somebody who changes the files between any two of its
//! steps. What the other one wrote stays and is said, or had been read; no file is half of a plan, whether the run
//! ends, fails, is interrupted or is killed; and nothing is left behind.
#![no_main]

use std::{
    cell::Cell,
    fs,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::Path,
};

use kubectl_sidecar::cli::write::{Replacement, Unwritten, recover, replace_together};
use libfuzzer_sys::fuzz_target;

/// The other writer does something to a file.
struct Deed {
    /// Before the run (0), before the file of that number is named (1 and more), or behind the run.
    moment: usize,
    file: usize,
    kind: u8,
}

/// A file that the other writer has touched.
#[derive(Clone, PartialEq)]
struct Touched {
    moment: usize,
    /// Its text, if it was not removed.
    text: Option<String>,
}

fuzz_target!(|data: &[u8]| {
    let [count, end, deeds @ ..] = data else { return };
    let count = usize::from(count % 4) + 1;
    let directory = tempfile::tempdir().expect("a directory");
    let replacements: Vec<Replacement> = (0..count)
        .map(|number| {
            let path = directory.path().join(format!("{number}.yaml"));
            let old = format!("old {number}\n").repeat(usize::from(end / 16) + 1);
            fs::write(&path, &old).expect("a file");
            let new = format!("new {number}\n");
            Replacement { path, old, new }
        })
        .collect();
    let deeds: Vec<Deed> = deeds
        .chunks_exact(2)
        .take(12)
        .map(|pair| Deed {
            moment: usize::from(pair[0] % 16) % (count + 2),
            file: usize::from(pair[0] / 16) % count,
            kind: pair[1],
        })
        .collect();
    let touched = std::cell::RefCell::new(vec![None; count]);
    let act = |moment: usize| {
        for (number, deed) in deeds.iter().enumerate().filter(|(_, deed)| deed.moment == moment) {
            let text = write(&replacements[deed.file], deed.kind, number);
            touched.borrow_mut()[deed.file] = Some(Touched { moment, text });
        }
    };

    act(0);
    // At which file the run is killed or interrupted, if it is.
    let (kill, interrupt) = match end % 16 {
        at @ 0..4 => (usize::from(at) + 1, 0),
        at @ 4..8 => (0, usize::from(at) - 3),
        _ => (0, 0),
    };
    let call = Cell::new(0);
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        replace_together(&replacements, &|| {
            call.set(call.get() + 1);
            act(call.get());
            if call.get() == kill {
                resume_unwind(Box::new("killed"));
            }
            call.get() == interrupt
        })
    }));
    act(count + 1);
    let paths = || replacements.iter().map(|replacement| replacement.path.as_path());
    recover(paths());
    let texts: Vec<Option<String>> = paths().map(|path| fs::read_to_string(path).ok()).collect();
    let touched = touched.into_inner();

    let is_done = matches!(outcome, Ok(Ok(_)));
    for (number, replacement) in replacements.iter().enumerate() {
        let expected = match &touched[number] {
            // Read by the check before its file was named.
            Some(other) if is_done && other.moment <= number + 1 => {
                assert_eq!(other.text.as_ref(), Some(&replacement.old), "written over");
                Some(&replacement.new)
            }
            Some(other) => other.text.as_ref(),
            None if is_done => Some(&replacement.new),
            None => Some(&replacement.old),
        };
        assert_eq!(texts[number].as_ref(), expected, "file {number}");
    }
    if let Ok(Err(error)) = &outcome {
        assert!(!error.to_string().is_empty());
        let is_interrupted = matches!(error, Unwritten::Interrupted(_));
        assert!(!is_interrupted || interrupt == 1, "only before the first file");
        assert!(paths().any(|path| path == error.path()));
    }
    let left = fs::read_dir(directory.path()).expect("the directory").count();
    assert_eq!(left, texts.iter().flatten().count(), "something was left behind");
    // The next run finds nothing to put right.
    assert!(recover(paths()).is_empty());
});

/// Changes a file as programs do, and gives its text afterwards.
fn write(replacement: &Replacement, kind: u8, number: usize) -> Option<String> {
    let path: &Path = &replacement.path;
    let text = match kind % 6 {
        0 => {
            let _absent = fs::remove_file(path);
            return None;
        }
        1 => String::new(),
        2 => replacement.old.clone(),
        // As long as what was there, or longer.
        3 => replacement.old.replace("old", "odd"),
        _ => format!("other {number}\n").repeat(usize::from(kind / 6)),
    };
    if kind >= 128 {
        let beside = path.with_extension("other");
        fs::write(&beside, &text).expect("a file");
        fs::rename(&beside, path).expect("its name");
    } else {
        fs::write(path, &text).expect("a file");
    }
    Some(text)
}
