//! Reports for other programs: what they hold of real findings, and what those programs make of them.

#![allow(clippy::indexing_slicing, reason = "test code")]

use std::{collections::HashSet, fs, path::Path, process::Command};

use serde_json::Value;

use super::{BROKEN, CLEAN, Output, Project, formats, schema::fits};

const JOB: &str = include_str!("../../examples/job-with-proxy.yaml");
const MARKER: &str = include_str!("../../examples/cronjob-with-marker.yaml");
const DELAYS: &str = include_str!("../../examples/deployment-with-delays.yaml");

/// A repository with findings, silenced ones, something broken and something clean.
fn repository() -> Project {
    let silenced = JOB.replace("name: migrate", "name: quiet").replace(
        "            - |",
        "            # kubectl-sidecar: ignore[startup-poll] until May\n            - |",
    );
    Project::new()
        .file(".git/HEAD", "ref: refs/heads/main\n")
        .file("deploy/job.yaml", JOB)
        .file("deploy/web app.yaml", DELAYS)
        .file("deploy/quiet.yaml", silenced)
        .file("deploy/clean.yaml", CLEAN)
        .file("broken.yaml", BROKEN)
}

fn lint(project: &Project, format: &str) -> Output {
    project.run(&["lint", "deploy", "broken.yaml", "-o", format])
}

fn sarif(project: &Project, arguments: &[&str]) -> Value {
    let output = project.run(&[&["lint", "-o", "sarif"], arguments].concat());
    output.json()["runs"][0].take()
}

#[test]
fn what_other_programs_get() {
    for format in ["github", "gitlab", "junit", "markdown"] {
        let output = lint(&repository(), format);
        assert_eq!(output.code, Some(3));
        insta::assert_snapshot!(format!("reports_{format}"), output.stdout);
    }
}

#[test]
fn sarif_says_all_there_is_to_say() {
    let project = repository();
    let mut run = sarif(&project, &["deploy", "broken.yaml"]);
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let described: HashSet<&str> = rules.iter().map(|rule| rule["id"].as_str().unwrap()).collect();
    for result in run["results"].as_array().unwrap() {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(described.contains(result["ruleId"].as_str().unwrap()));
    }
    let first = rules[0].clone();
    for result in run["results"].as_array_mut().unwrap() {
        result["ruleIndex"] = Value::from("…");
    }
    // Its rules have pages and tests of their own; one shows their form.
    run["tool"]["driver"]["rules"] = Value::from(vec![first]);
    run["tool"]["driver"]["rules"][0]["help"] = Value::from("…");
    run["tool"]["driver"]["rules"][0]["fullDescription"] = Value::from("…");
    run["originalUriBaseIds"]["%SRCROOT%"]["uri"] = Value::from("[DIRECTORY]");
    insta::assert_snapshot!(serde_json::to_string_pretty(&run).unwrap());
}

#[test]
fn fingerprints_survive_edits_and_are_nobody_elses() {
    let prints = |project: &Project| -> Vec<(String, String)> {
        let run = sarif(project, &["job.yaml"]);
        let of = |result: &Value| {
            let print = &result["partialFingerprints"]["kubectlSidecarIdentity/v1"];
            (result["ruleId"].to_string(), print.as_str().unwrap().to_owned())
        };
        run["results"].as_array().unwrap().iter().map(of).collect()
    };
    let before = prints(&Project::new().file("job.yaml", JOB));
    let edited = Project::new().file(
        "job.yaml",
        format!(
            "# a comment\n\n{}",
            JOB.replace("  name: ", "  labels: {a: b}\n  name: ")
        ),
    );
    assert_eq!(before, prints(&edited));
    let twice = Project::new().file("job.yaml", format!("{JOB}---\n{JOB}"));
    let all: Vec<String> = prints(&twice).into_iter().map(|(_, print)| print).collect();
    assert_eq!(all.iter().collect::<HashSet<_>>().len(), all.len(), "{all:?}");
    assert!(before.iter().all(|(_, print)| all.contains(print)));
}

#[test]
fn regions_are_exact_in_utf_16() {
    let text = JOB.replace("until ", ": 🦀ü; until ");
    assert_ne!(text, JOB);
    let project = Project::new().file("job.yaml", &text);
    let run = sarif(&project, &["job.yaml", "--select", "startup-poll"]);
    let region = &run["results"][0]["locations"][0]["physicalLocation"]["region"];
    let number = |name: &str| usize::try_from(region[name].as_u64().unwrap()).unwrap();
    let line: Vec<u16> = text
        .lines()
        .nth(number("startLine") - 1)
        .unwrap()
        .encode_utf16()
        .collect();
    let marked = match number("startLine") == number("endLine") {
        true => &line[number("startColumn") - 1..number("endColumn") - 1],
        false => &line[number("startColumn") - 1..],
    };
    let marked = String::from_utf16(marked).unwrap();
    assert!(marked.starts_with("until "), "{marked}");
}

/// Applies a fix as an editor does: the columns count code units of UTF-16.
fn apply(text: &str, fix: &Value) -> String {
    let mut units: Vec<u16> = text.encode_utf16().collect();
    let mut starts = vec![0];
    starts.extend(
        units
            .iter()
            .enumerate()
            .filter(|(_, unit)| **unit == 10)
            .map(|(at, _)| at + 1),
    );
    let offset = |region: &Value, line: &str, column: &str| {
        let number = |name: &str| usize::try_from(region[name].as_u64().unwrap()).unwrap();
        starts[number(line) - 1] + number(column) - 1
    };
    for replacement in fix["artifactChanges"][0]["replacements"]
        .as_array()
        .unwrap()
        .iter()
        .rev()
    {
        let region = &replacement["deletedRegion"];
        let span = offset(region, "startLine", "startColumn")..offset(region, "endLine", "endColumn");
        let new = replacement["insertedContent"]["text"]
            .as_str()
            .unwrap_or_default();
        units.splice(span, new.encode_utf16());
    }
    String::from_utf16(&units).unwrap()
}

#[test]
fn a_fix_takes_its_finding_away() {
    let texts = [MARKER, DELAYS].into_iter().flat_map(|text| {
        let crabs = text.replacen("kind: ", "# 🦀\nkind: ", 1);
        [text.to_owned(), text.replace('\n', "\r\n"), crabs]
    });
    for text in texts {
        let project = Project::new().file("job.yaml", &text);
        let run = sarif(&project, &["job.yaml"]);
        let mut fixed = 0;
        for result in run["results"].as_array().unwrap() {
            let rule = result["ruleId"].as_str().unwrap();
            for fix in result["fixes"].as_array().into_iter().flatten() {
                let after = Project::new().file("job.yaml", apply(&text, fix));
                let left = after
                    .run(&["lint", "job.yaml", "-o", "json", "--select", rule])
                    .json();
                assert_eq!(
                    left["findings"],
                    Value::from(Vec::<Value>::new()),
                    "{rule}: {fix}"
                );
                fixed += 1;
            }
        }
        assert!(fixed > 0, "{run}");
    }
}

#[test]
fn paths_are_those_of_the_repository_wherever_the_run_starts() {
    let project = repository();
    let below = |arguments: &[&str]| {
        let mut invocation = project.command(arguments);
        invocation.command.current_dir(project.path().join("deploy"));
        invocation.run(&project).stdout
    };
    let github = below(&["lint", "web app.yaml", "../broken.yaml", "-o", "github"]);
    assert!(github.contains("file=deploy/web app.yaml,"), "{github}");
    assert!(github.contains("file=broken.yaml,"), "{github}");
    let sarif = below(&["lint", "web app.yaml", "-o", "sarif"]);
    assert!(sarif.contains("\"uri\": \"deploy/web%20app.yaml\""), "{sarif}");
    let gitlab = below(&["lint", "./web app.yaml", "-o", "gitlab"]);
    assert!(gitlab.contains("\"path\": \"deploy/web app.yaml\""), "{gitlab}");
}

#[test]
fn standard_input_is_no_file() {
    let project = Project::new();
    let run = |format: &str| {
        project
            .command(&["lint", "-", "-o", format])
            .stdin(JOB)
            .run(&project)
    };
    let sarif = run("sarif").json();
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!(result["locations"][0]["physicalLocation"], Value::Null);
    assert_eq!(result["locations"][0]["logicalLocations"][0]["kind"], "resource");
    assert_eq!(result["fixes"], Value::Null);
    let github = run("github").stdout;
    assert!(!github.contains("file="), "{github}");
}

#[test]
fn json_fits_its_schema() {
    let schema: Value = serde_json::from_str(include_str!("../../schemas/lint.v1.json")).unwrap();
    let project = repository().file("hostile.yaml", hostile());
    let report = project.run(&["lint", ".", "-o", "json"]).json();
    for list in ["findings", "workloads", "errors"] {
        assert!(!report[list].as_array().unwrap().is_empty(), "{list}");
    }
    fits(&schema, &report, &schema).unwrap();
}

/// Python with a module, where it is installed; .ci/run installs what these tests need.
fn python(module: &str, what: &str) -> Option<Command> {
    let has = Command::new("python3")
        .args(["-c", &format!("import {module}")])
        .output();
    if has.is_ok_and(|output| output.status.success()) {
        let mut python = Command::new("python3");
        python.arg("-c");
        return Some(python);
    }
    crate::tell::skip(module, &format!("{what}: there is no Python with {module}"));
    None
}

fn succeeds(mut command: Command, file: &Path) -> String {
    let output = command.arg(file).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    text(&output.stdout)
}

/// Validates the SARIF of these runs by the schema of the standard.
#[test]
fn sarif_is_valid_by_the_official_schema() {
    let Some(schema) = std::env::var_os("SARIF_SCHEMA") else {
        crate::tell::skip("sarif-schema", "SARIF by its schema: SARIF_SCHEMA names none");
        return;
    };
    let Some(mut python) = python("jsonschema", "SARIF by its schema") else {
        return;
    };
    let project = repository().file("hostile.yaml", hostile());
    let output = project.run(&["lint", ".", "-o", "sarif=out.sarif"]);
    assert!(output.stderr.contains("broken.yaml"), "{output}");
    python
        .arg(
            "import json, sys, jsonschema\n\
             schema, log = (json.load(open(file, encoding='utf-8')) for file in sys.argv[1:])\n\
             kind = jsonschema.validators.validator_for(schema)\n\
             errors = list(kind(schema, format_checker=kind.FORMAT_CHECKER).iter_errors(log))\n\
             assert log['runs'][0]['results'], 'nothing to validate'\n\
             sys.exit('\\n'.join(f'{list(e.absolute_path)}: {e.message}' for e in errors) or 0)",
        )
        .arg(schema);
    succeeds(python, &project.path().join("out.sarif"));
}

#[test]
fn junitparser_reads_the_test_cases() {
    let Some(mut python) = python("junitparser", "JUnit by junitparser") else {
        return;
    };
    let project = repository().file("hostile.yaml", hostile());
    project.run(&["lint", ".", "-o", "junit=out.xml"]);
    python.arg(
        "import sys, junitparser\n\
         suites = junitparser.JUnitXml.fromfile(sys.argv[1])\n\
         told = (suites.tests, suites.failures, suites.errors)\n\
         cases = [case for suite in suites for case in suite]\n\
         kinds = [type(result).__name__ for case in cases for result in case.result]\n\
         assert told == (len(cases), kinds.count('Failure'), kinds.count('Error')), (told, kinds)\n\
         assert len({(case.classname, case.name) for case in cases}) == len(cases)\n\
         print(*told)",
    );
    let told = succeeds(python, &project.path().join("out.xml"));
    assert!(!told.starts_with("0 "), "{told}");
}

/// A Job with the workaround, and names that want to be something else.
fn hostile() -> String {
    JOB.replace(
        "name: migrate-orders",
        "name: \"]]>&<script>alert(1)</script>%0A::error::|`x`[a](b)\\u001b\\u202e\"",
    )
    .replace(
        "name: istio-proxy",
        "name: \"istio-proxy<img src=x>\\r\\n::warning::|`@team\"",
    )
}

#[test]
fn names_are_nothing_but_names() {
    let project = Project::new().file("a,b%::.yaml", hostile());
    let run = |format: &str| project.run(&["lint", ".", "-o", format]).stdout;
    for format in &formats() {
        let report = run(format);
        let steers = |character: char| {
            (character.is_control() && character != '\n') || ('\u{202a}'..='\u{202e}').contains(&character)
        };
        assert!(
            !report.is_empty() && !report.contains(steers),
            "{format}: {report}"
        );
        match format.as_str() {
            "html" | "junit" => {
                assert!(report.contains("&lt;script&gt;"), "{format}: {report}");
                assert!(
                    !report.contains("<script") && !report.contains("<img"),
                    "{format}: {report}"
                );
            }
            "github" => {
                for line in report.lines() {
                    let is_annotation =
                        line.starts_with("::warning file=") || line.starts_with("::error file=");
                    assert!(
                        is_annotation && line.contains("file=a%2Cb%25%3A%3A.yaml,"),
                        "{line}"
                    );
                }
            }
            "sarif" | "gitlab" | "json" => {
                let _valid: Value = serde_json::from_str(&report).unwrap();
            }
            _ => {}
        }
    }
}

#[test]
fn a_comment_is_never_too_long_for_github() {
    let many: String = (0..900)
        .map(|index| {
            format!(
                "---\n{}",
                JOB.replace(
                    "name: migrate-orders",
                    &format!("name: \"migrate-{index}-{}\"", "|".repeat(150))
                )
            )
        })
        .collect();
    let project = Project::new().file("many.yaml", many);
    let markdown = project.run(&["lint", "many.yaml", "-o", "markdown"]).stdout;
    let length = markdown.encode_utf16().count();
    assert!((50_000..=65_536).contains(&length), "{length}");
    assert_eq!(
        markdown.matches("<details>").count(),
        markdown.matches("</details>").count()
    );
    assert!(
        markdown.contains("did not fit"),
        "{}",
        &markdown[markdown.len() - 500..]
    );
}

/// Below each workload that can be migrated is its diff, with the lines of the file and no value of a variable.
#[test]
fn workloads_are_shown_with_their_migration() {
    let secret = "hunter2-correct-horse";
    let job = JOB.replace(
        "          image: docker.io/istio",
        &format!("          env: [{{name: TOKEN, value: {secret}}}]\n          image: docker.io/istio"),
    );
    assert!(job.contains(secret));
    let project = Project::new().file("jobs.yaml", format!("{CLEAN}---\n{job}"));
    for format in ["markdown", "html"] {
        let report = project.run(&["lint", "jobs.yaml", "-o", format]).stdout;
        let (_, diff) = report.split_once("What migrate changes").expect("a diff");
        let line = CLEAN.lines().count() + 1 + 11;
        assert!(diff.contains(&format!("@@ -{line},")), "{report}");
        assert!(diff.contains("+          restartPolicy: Always"), "{report}");
        assert!(!report.contains(secret), "{report}");
    }
}

#[test]
fn the_page_needs_nothing_from_elsewhere() {
    let project = repository();
    let output = project.run(&["lint", ".", "-o", "html=report.html"]);
    assert_eq!(output.stdout, "");
    let page = fs::read_to_string(project.path().join("report.html")).unwrap();
    assert!(page.contains("default-src 'none'"));
    for word in ["<script", "<link", "src=", "url(", "@import", "javascript:"] {
        assert!(!page.contains(word), "{word}");
    }
    // Links are rules' pages, for who follows them.
    assert_eq!(
        page.matches("href=").count(),
        page.matches("<a href=\"https://").count()
    );
    let empty = Project::new().file("clean.yaml", CLEAN);
    let page = empty.run(&["lint", "clean.yaml", "-o", "html"]).stdout;
    assert!(page.contains("No sidecar workaround found."));
}

#[test]
fn reports_say_when_of_what_and_by_which_command() {
    let git = |project: &Project, arguments: &[&str]| {
        let made = Command::new("git")
            .args(["-c", "user.name=a", "-c", "user.email=a@example.com"])
            .args(arguments)
            .current_dir(project.path())
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        String::from_utf8(made.stdout).unwrap().trim().to_owned()
    };
    let project = Project::new().file("job.yaml", JOB);
    git(&project, &["init", "--quiet"]);
    git(&project, &["add", "."]);
    git(&project, &["commit", "--quiet", "-m", "a job"]);
    let origin = "https://robot:pa55word@git.example.com/shop/deploy.git";
    git(&project, &["remote", "add", "origin", origin]);
    let commit = git(&project, &["rev-parse", "HEAD"]);
    let run = |format: &str| {
        let token = ["--token", "hush"];
        let output = project.run(&["lint", "-f", "job.yaml", "-o", format, "--fail-on", "never"]);
        let refused = project.run(&[&["lint", "job.yaml", "-o", format][..], &token].concat());
        for text in [&output.stdout, &refused.stdout, &refused.stderr] {
            assert!(!text.contains("pa55word") && !text.contains("hush"), "{text}");
        }
        output.stdout
    };
    for format in ["html", "markdown", "junit", "sarif"] {
        let report = run(format);
        for said in [
            "2026-11-30T06:37:48",
            &commit,
            "https://git.example.com/shop/deploy.git",
            "lint -f job.yaml -o",
        ] {
            assert!(report.contains(said), "{format} without {said}: {report}");
        }
    }
    let sarif: Value = serde_json::from_str(&run("sarif")).unwrap();
    let origin = &sarif["runs"][0]["versionControlProvenance"][0];
    assert_eq!(origin["revisionId"], commit.as_str());
    assert!(!run("json").contains("2026-11-30"), "the contract is as it was");
}
