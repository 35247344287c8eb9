//! Every command of README.md and docs/ runs, and every invocation that is written anywhere in them is one.
//!
//! A line of a `console` block is run as it stands. Where the block has prompts (`$ `), the lines between them are
//! output, and are among the lines that are printed, in that order; `…` stands for lines left out.

use kubectl_sidecar::shell::{Dialect, parse};

use crate::{
    cluster::Cluster,
    markdown::{Block, pages},
    programs,
    workshop::Workshop,
};

/// How commands begin that are not run here, and why. Their own arguments are checked all the same.
const NOT_RUN: &[(&str, &str)] = &[
    (
        "kubectl krew install",
        "needs a release on GitHub; tests/krew.rs installs an archive as krew does",
    ),
    ("kubectl krew uninstall", "needs the plugin that krew installed"),
    ("cargo install", "needs a release on crates.io"),
    (
        "cargo binstall",
        "needs a release on GitHub; tests/wheel.rs compares its addresses",
    ),
    (
        "pipx install",
        "needs a release; tests/wheel.rs installs the wheel",
    ),
    ("cargo fmt", "it is the command that runs this test"),
    (
        "UPDATE_DOCS=1 cargo test",
        "writes what tests/documentation.rs compares",
    ),
];

/// What comes before an invocation of ours in a command that builds it first.
const BUILD: &str = "cargo build --release && ";

/// A command of a page.
#[derive(Debug)]
struct Line {
    at: String,
    command: String,
    /// What the page shows of its output.
    shown: Vec<String>,
}

/// The commands of a block.
fn lines(block: &Block) -> Vec<Line> {
    let has_prompts = block.text.lines().any(|line| line.starts_with("$ "));
    let mut lines: Vec<Line> = Vec::new();
    let mut is_continued = false;
    for text in block.text.lines() {
        let (command, last) = (text.strip_prefix("$ ").unwrap_or(text), lines.last_mut());
        match last {
            Some(last) if is_continued => {
                last.command.push('\n');
                last.command.push_str(command);
            }
            Some(last) if has_prompts && !text.starts_with("$ ") => {
                last.shown.push(text.to_owned());
                continue;
            }
            _ if text.trim().is_empty() => continue,
            _ => lines.push(Line {
                at: block.at.clone(),
                command: command.to_owned(),
                shown: Vec::new(),
            }),
        }
        is_continued = text.ends_with('\\');
    }
    lines
}

/// The programs of a command with their arguments, as far as those are known from its text.
fn invocations(command: &str) -> Option<Vec<Vec<String>>> {
    let script = parse(command, Dialect::Bash)?;
    let invocations = script
        .list
        .commands()
        .filter_map(|visit| {
            let words = visit.simple()?.words.iter();
            Some(
                words
                    .map(|word| {
                        word.literal()
                            .map_or_else(|| "UNKNOWN".to_owned(), |word| word.into_owned())
                    })
                    .collect(),
            )
        })
        .filter(|words: &Vec<String>| !words.is_empty())
        .collect();
    Some(invocations)
}

/// The arguments of an invocation of ours.
fn own_arguments(words: &[String]) -> Option<&[String]> {
    match words {
        [kubectl, sidecar, arguments @ ..] if kubectl == "kubectl" && sidecar == "sidecar" => Some(arguments),
        [program, arguments @ ..] if program.rsplit('/').next() == Some("kubectl-sidecar") => Some(arguments),
        _ => None,
    }
}

/// What clap says against the invocations of ours in a command.
fn fault(command: &str) -> Option<String> {
    use clap::error::ErrorKind::{DisplayHelp, DisplayVersion};
    let Some(invocations) = invocations(command) else {
        return Some("is not understood as a command".to_owned());
    };
    invocations.iter().find_map(|words| {
        let arguments = own_arguments(words)?;
        let words = [String::from("kubectl-sidecar")]
            .into_iter()
            .chain(arguments.iter().cloned());
        let error = kubectl_sidecar::cli::command()
            .try_get_matches_from(words)
            .err()?;
        (!matches!(error.kind(), DisplayHelp | DisplayVersion)).then(|| error.to_string())
    })
}

#[test]
fn every_invocation_has_arguments_that_are_taken() {
    let mut faults = Vec::new();
    let mut count = 0;
    let mut check = |at: &str, command: &str| {
        count += 1;
        faults.extend(fault(command).map(|fault| format!("{at}: {command}: {fault}")));
    };
    for page in pages() {
        for block in page.blocks() {
            if block.language == "console" {
                lines(&block)
                    .iter()
                    .for_each(|line| check(&line.at, &line.command));
                continue;
            }
            // Other text is output and usage lines.
            let is_text = block.language == "text";
            for line in block
                .text
                .lines()
                .filter(|line| !is_text || line.starts_with("$ "))
            {
                if let Some(start) = ["kubectl sidecar ", "kubectl-sidecar "]
                    .iter()
                    .find_map(|name| line.find(name))
                {
                    check(&block.at, line[start..].trim_end_matches(['"', '\'', ']']));
                }
            }
        }
        for (at, code) in page.code_spans() {
            if code.starts_with("kubectl sidecar ") || code.starts_with("kubectl-sidecar ") {
                check(&at, &code);
            }
        }
    }
    assert!(count > 50, "{count} invocations");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Whether a command needs a cluster.
fn needs_cluster(command: &str) -> bool {
    invocations(command)
        .unwrap_or_default()
        .iter()
        .any(|words| match own_arguments(words) {
            Some(arguments) => {
                let has = |names: &[&str]| {
                    arguments
                        .iter()
                        .any(|argument| names.contains(&argument.split('=').next().unwrap_or(argument)))
                };
                match arguments.first().map(String::as_str) {
                    Some("trace") => !has(&["--replay", "--plan"]),
                    Some("policy") => !has(&["promote", "guard"]),
                    // Without a path.
                    Some("lint") if arguments.len() == 1 || has(&["-A", "-n", "-l"]) => true,
                    _ => {
                        has(&["--live", "--context", "--apply"]) || arguments.iter().any(|one| one == "auto")
                    }
                }
            }
            None => words[0] == "kubectl" && words.get(1).is_some_and(|word| word != "kustomize"),
        })
}

/// The exit codes that a command may end with: findings and verdicts are results.
fn results(command: &str) -> &'static [i32] {
    let invocations = invocations(command).unwrap_or_default();
    let last = invocations
        .iter()
        .rev()
        .find_map(|words| own_arguments(words)?.first());
    match last.map(String::as_str) {
        // The Job that is there keeps its order.
        Some("trace") if command.contains("--for complete") => &[0],
        Some("trace") => &[0, 1, 4],
        Some("lint") => &[0, 1],
        _ if command.contains("--check") || command.contains("policy check") => &[0, 1],
        _ => &[0],
    }
}

/// A program that a command needs and this machine does not have.
fn missing(command: &str) -> Option<String> {
    invocations(command)?
        .into_iter()
        .filter_map(|words| words.into_iter().next())
        .find(|program| {
            ["git", "helm", "kpt", "kubectl", "kustomize", "pre-commit"].contains(&program.as_str())
                && programs::find(program).is_none()
        })
}

fn run(line: &Line, workshop: &Workshop, cluster: Option<&Cluster>) {
    let command = line.command.strip_prefix(BUILD).unwrap_or(&line.command);
    if NOT_RUN.iter().any(|(start, _)| command.starts_with(start)) {
        return;
    }
    if let Some(program) = missing(command) {
        crate::tell::skip(
            &program,
            &format!("{}: {command}: there is no {program}", line.at),
        );
        return;
    }
    if needs_cluster(command) && cluster.is_none() {
        crate::tell::skip("cluster", &format!("{}: {command}: no KUBECONFIG", line.at));
        return;
    }
    let output = workshop.run(command, cluster);
    let printed = String::from_utf8_lossy(&output.stdout);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output
            .status
            .code()
            .is_some_and(|code| results(command).contains(&code)),
        "{}: {command}: {}\n{printed}{said}",
        line.at,
        output.status
    );
    let all = format!("{printed}{said}");
    let mut real = all.lines();
    for shown in line
        .shown
        .iter()
        .filter(|shown| !matches!(shown.trim(), "" | "…"))
    {
        assert!(
            real.any(|line| line.trim_end() == shown.trim_end()),
            "{}: {command} does not print this, or not there:\n{shown}\n\nbut:\n{all}",
            line.at
        );
    }
}

/// The blocks of commands that no other test runs: `<!-- run: … -->` is above those of `migrate_tools.rs`.
fn blocks() -> Vec<Vec<Line>> {
    let pages = pages();
    let blocks = pages.iter().flat_map(|page| page.blocks());
    blocks
        .filter(|block| block.language == "console" && !block.comment.starts_with("run: "))
        .map(|block| lines(&block))
        .collect()
}

#[test]
fn every_command_runs() {
    for block in blocks() {
        if block.iter().any(|line| needs_cluster(&line.command)) {
            continue;
        }
        let workshop = Workshop::new();
        block.iter().for_each(|line| run(line, &workshop, None));
    }
}

#[test]
fn every_command_about_a_cluster_runs() {
    let cluster = Cluster::new("docs");
    for block in blocks() {
        if !block.iter().any(|line| needs_cluster(&line.command)) {
            continue;
        }
        let workshop = Workshop::new();
        block
            .iter()
            .for_each(|line| run(line, &workshop, cluster.as_ref()));
    }
}

#[test]
fn what_is_not_run_is_there() {
    let commands: Vec<String> = blocks().into_iter().flatten().map(|line| line.command).collect();
    for (start, reason) in NOT_RUN {
        assert!(
            commands.iter().any(|command| command.starts_with(start)),
            "no page has a command that begins with {start} ({reason})"
        );
    }
}

#[test]
fn other_tests_run_the_blocks_that_are_marked() {
    let tests = std::fs::read_to_string(crate::markdown::root().join("tests/migrate_tools.rs")).unwrap();
    for block in pages().iter().flat_map(|page| page.blocks()) {
        if block.language == "console" && block.comment.starts_with("run: ") {
            assert!(tests.contains(&format!("\"{}\"", block.comment)), "{block:?}");
        }
    }
}
