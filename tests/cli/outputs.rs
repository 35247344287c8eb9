//! `-o`: several reports in one run, on standard output and in files.

use std::fs;

use super::{BROKEN, CLEAN, Project};

const JOB: &str = include_str!("../../examples/job-with-proxy.yaml");

fn read(project: &Project, file: &str) -> String {
    fs::read_to_string(project.path().join(file)).unwrap()
}

#[test]
fn several_reports_in_one_run_say_what_each_says_alone() {
    let project = Project::new().file("job.yaml", JOB);
    let all = project.run(&[
        "lint",
        "job.yaml",
        "-o",
        "text",
        "-o",
        "json=job.json",
        "-o",
        "concise=job.txt",
        "-otable=job.table",
    ]);
    assert_eq!(all.code, Some(1), "{all}");
    assert_eq!(all.stdout, project.run(&["lint", "job.yaml"]).stdout);
    for (format, file) in [
        ("json", "job.json"),
        ("concise", "job.txt"),
        ("table", "job.table"),
    ] {
        let alone = project.run(&["lint", "job.yaml", "-o", format]);
        assert_eq!(read(&project, file), alone.stdout);
    }
}

#[test]
fn what_is_written_to_files_alone_prints_nothing() {
    let project = Project::new().file("job.yaml", JOB).file("broken.yaml", BROKEN);
    let output = project.run(&[
        "lint",
        "job.yaml",
        "broken.yaml",
        "-o",
        "json=out.json",
        "--color",
        "always",
    ]);
    assert_eq!(output.code, Some(3), "{output}");
    assert_eq!(output.stdout, "");
    // Whoever looks at the terminal sees what was not read, whatever is in the file.
    assert!(output.stderr.contains("broken.yaml"), "{output}");
    let dash = project.run(&["lint", "job.yaml", "-o", "json=-"]);
    assert_eq!(
        dash.stdout,
        project.run(&["lint", "job.yaml", "-o", "json"]).stdout
    );
}

#[test]
fn files_are_plain_where_the_terminal_is_coloured() {
    let project = Project::new().file("job.yaml", JOB);
    let output = project.run(&[
        "lint",
        "job.yaml",
        "--color",
        "always",
        "-o",
        "text",
        "-o",
        "concise=plain.txt",
        "-o",
        "table=table.txt",
    ]);
    assert!(output.stdout.contains('\u{1b}'), "{output}");
    assert!(!(read(&project, "plain.txt") + &read(&project, "table.txt")).contains('\u{1b}'));
}

#[test]
fn a_report_is_replaced_whole_and_leaves_nothing_beside_it() {
    let project = Project::new()
        .file("clean.yaml", CLEAN)
        .file("out/report.json", "x".repeat(1 << 20));
    let output = project.run(&[
        "lint",
        "clean.yaml",
        "-o",
        "json=out/report.json",
        "-o",
        "text=out/new.txt",
    ]);
    assert_eq!(output.code, Some(0), "{output}");
    let json: serde_json::Value = serde_json::from_str(&read(&project, "out/report.json")).unwrap();
    assert_eq!(json["version"], 1);
    let mut names: Vec<String> = fs::read_dir(project.path().join("out"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["new.txt", "report.json"]);
}

#[cfg(unix)]
#[test]
fn what_is_no_regular_file_is_written_to() {
    let project = Project::new().file("job.yaml", JOB);
    let output = project.run(&["lint", "job.yaml", "-o", "concise=/dev/stdout"]);
    assert_eq!(
        output.stdout,
        project.run(&["lint", "job.yaml", "-o", "concise"]).stdout
    );
    let full = project.run(&["lint", "job.yaml", "-o", "concise=/dev/full"]);
    assert_eq!(full.code, Some(2), "{full}");
}

#[test]
fn what_cannot_be_written_is_one_clear_error() {
    let project = Project::new().file("job.yaml", JOB).file("directory/a", "");
    let mut answers = String::new();
    for arguments in [
        &["-o", "json=missing/out.json", "-o", "concise"][..],
        &["-o", "json=directory", "-o", "concise=written.txt"],
        &["-o", "json=missing/a", "-o", "table=missing/b", "-q"],
        &["-o", "text", "-o", "concise"],
        &["-o", "text=a", "-o", "concise=a"],
        &["-o", "json="],
        &["-o", "jsn=out.json"],
        &["-o", "=out.json"],
        &["-o", ""],
    ] {
        let output = project.run(&[&["lint", "job.yaml"], arguments].concat());
        assert_eq!(output.code, Some(2), "{arguments:?}: {output}");
        answers += &format!("$ {}\n{}{}\n", arguments.join(" "), output.stdout, output.stderr);
    }
    // The reports that can be written are.
    assert!(read(&project, "written.txt").contains("job.yaml"));
    assert!(!project.path().join("a").exists());
    insta::assert_snapshot!(answers);
}
