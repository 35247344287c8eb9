//! Inputs that nobody should have to read. Each ends in one clear line, and the others are linted.

use std::{fs::File, time::Duration};

use super::{CLEAN, Output, Project, formats};

/// One error, about this file, and everything else was linted.
fn one_error(output: &Output, expected: &str) {
    assert_eq!(output.stderr, format!("error: {expected}\n"), "{output}");
    assert_eq!(output.code, Some(3), "{output}");
    assert!(
        output.stdout.contains("1 file;") || output.stdout.contains("2 files;"),
        "{output}"
    );
}

#[test]
fn a_file_of_100_megabytes_is_refused() {
    let project = Project::new().file("clean.yaml", CLEAN).file("large.yaml", CLEAN);
    let large = File::options()
        .append(true)
        .open(project.path().join("large.yaml"))
        .unwrap();
    // Sparse: it takes no room.
    large.set_len(100 * 1024 * 1024).unwrap();
    let message = "large.yaml: is larger than 64 MiB, which no manifest is; split it";
    one_error(&project.run(&["lint", "large.yaml", "clean.yaml"]), message);
    one_error(&project.run(&["lint", "."]), &format!("./{message}"));

    let project = Project::new()
        .file("clean.yaml", CLEAN)
        .file("data.json", "{\"data\": [");
    let data = File::options()
        .append(true)
        .open(project.path().join("data.json"))
        .unwrap();
    data.set_len(100 * 1024 * 1024).unwrap();
    assert_eq!(
        project.run(&["lint", "."]).code,
        Some(0),
        "large data is no manifest"
    );
}

#[test]
fn endless_standard_input_is_refused() {
    let project = Project::new().file("clean.yaml", CLEAN);
    let output = project
        .command(&["lint", "-", "clean.yaml"])
        .stdin(vec![b'#'; 65 * 1024 * 1024])
        .run(&project);
    one_error(
        &output,
        "<stdin>: is larger than 64 MiB, which no manifest is; split it",
    );
}

#[test]
fn other_encodings_are_named() {
    let utf16: Vec<u8> = [0xfeff_u16]
        .into_iter()
        .chain(CLEAN.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    let project = Project::new().file("clean.yaml", CLEAN).file("wide.yaml", utf16);
    let message = "wide.yaml: is UTF-16 by its byte order mark; save it as UTF-8";
    one_error(&project.run(&["lint", "wide.yaml", "clean.yaml"]), message);
    one_error(&project.run(&["lint", "."]), &format!("./{message}"));

    let mut latin = CLEAN.as_bytes().to_vec();
    latin.extend_from_slice(b"# caf\xe9\n");
    let offset = CLEAN.len() + 5;
    let line = CLEAN.lines().count() + 1;
    let project = Project::new().file("clean.yaml", CLEAN).file("latin.yaml", latin);
    let message = format!(
        "latin.yaml:{line}: is not UTF-8: the byte at offset {offset} begins no character; save it as UTF-8"
    );
    one_error(&project.run(&["lint", "latin.yaml", "clean.yaml"]), &message);
    one_error(&project.run(&["lint", "."]), &format!("./{message}"));
}

#[test]
fn a_byte_order_mark_of_utf_8_is_fine() {
    let project = Project::new().file("clean.yaml", format!("\u{feff}{CLEAN}"));
    assert_eq!(project.run(&["lint", "clean.yaml"]).code, Some(0));
}

#[test]
fn zeros_are_no_yaml() {
    let project = Project::new()
        .file("clean.yaml", CLEAN)
        .file("zeros.yaml", CLEAN.replace("app", "a\0p"));
    let output = project.run(&["lint", "zeros.yaml", "clean.yaml"]);
    assert_eq!(output.code, Some(3), "{output}");
    assert_eq!(output.stderr.lines().count(), 1, "{output}");
    assert!(!output.stderr.contains('\0'));
}

#[cfg(unix)]
mod unix {
    use std::{
        fs,
        os::unix::fs::{PermissionsExt, symlink},
        process::{Command, Stdio},
    };

    use super::*;

    #[test]
    fn links_in_circles_are_not_followed() {
        let project = Project::new().file("a/clean.yaml", CLEAN);
        symlink("..", project.path().join("a/up")).unwrap();
        symlink(".", project.path().join("a/here.yaml")).unwrap();
        let output = project.run(&["lint", "."]);
        assert_eq!(output.code, Some(0), "{output}");
        assert!(output.stdout.ends_with("in 1 file\n"), "{output}");
        symlink("self.yaml", project.path().join("a/self.yaml")).unwrap();
        let output = project.run(&["lint", "."]);
        one_error(
            &output,
            "./a/self.yaml: cannot be read: too many levels of symbolic links",
        );
    }

    #[test]
    fn links_to_files_are_read_once() {
        let project = Project::new().file("clean.yaml", CLEAN);
        symlink("clean.yaml", project.path().join("link.yaml")).unwrap();
        symlink("nowhere", project.path().join("dangling.yaml")).unwrap();
        let output = project.run(&["lint", "."]);
        assert_eq!((output.code, output.stderr.as_str()), (Some(0), ""), "{output}");
        assert!(
            output.stdout.contains("1 file\n1 symbolic link leads to nothing"),
            "{output}"
        );
        // Who names it wants it.
        let output = project.run(&["lint", "dangling.yaml", "clean.yaml"]);
        one_error(&output, "dangling.yaml: is a symbolic link to nothing");
    }

    #[test]
    fn what_may_not_be_read_is_named() {
        let project = Project::new()
            .file("clean.yaml", CLEAN)
            .file("secret.yaml", CLEAN)
            .file("closed/job.yaml", CLEAN);
        for path in ["secret.yaml", "closed"] {
            fs::set_permissions(project.path().join(path), fs::Permissions::from_mode(0o000)).unwrap();
        }
        if fs::read(project.path().join("secret.yaml")).is_ok() {
            crate::tell::skip("no-root", "root may read everything");
            return;
        }
        let output = project.run(&["lint", "."]);
        fs::set_permissions(project.path().join("closed"), fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(output.code, Some(3), "{output}");
        assert_eq!(
            output.stderr,
            "error: ./closed: cannot be read: permission denied\n\
             error: ./secret.yaml: cannot be read: permission denied\n"
        );
        assert!(output.stdout.contains("1 file;"), "{output}");
    }

    #[test]
    fn fifos_and_devices_are_not_waited_for() {
        let project = Project::new().file("clean.yaml", CLEAN);
        let made = Command::new("mkfifo")
            .arg(project.path().join("pipe.yaml"))
            .status();
        if !made.is_ok_and(|status| status.success()) {
            crate::tell::skip("mkfifo", "there is no mkfifo");
            return;
        }
        let reason = "is no regular file but a FIFO, a device or a socket; pipe its text in and name `-`";
        one_error(&project.run(&["lint", "."]), &format!("./pipe.yaml: {reason}"));
        one_error(
            &project.run(&["lint", "pipe.yaml", "clean.yaml"]),
            &format!("pipe.yaml: {reason}"),
        );
        one_error(
            &project.run(&["lint", "/dev/zero", "clean.yaml"]),
            &format!("/dev/zero: {reason}"),
        );
    }

    #[test]
    fn a_closed_pipe_ends_quietly() {
        let mut project = Project::new();
        for index in 0..500 {
            project = project.file(
                &format!("{index}.yaml"),
                CLEAN.replace("clean", &format!("job-{index}")),
            );
        }
        for format in &formats() {
            let mut child = Command::new(env!("CARGO_BIN_EXE_kubectl-sidecar"))
                .args(["lint", ".", "-o", format])
                .current_dir(project.path())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            drop(child.stdout.take());
            std::thread::sleep(Duration::from_millis(10));
            let output = child.wait_with_output().unwrap();
            assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{format}");
            assert_eq!(output.status.code(), Some(0), "{format}");
        }
    }
}
