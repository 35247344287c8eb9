//! What brush-parser reads has the same structure.
//!
//! brush panics or takes for ever on some texts, so it is asked only about these.

use brush_parser::{Parser, ParserOptions, ast};

use super::script;
use crate::shell::{Command, Connector, List, Simple, Terminator};

fn brush(text: &str) -> Option<String> {
    let program = Parser::new(text.as_bytes(), &ParserOptions::default())
        .parse_program()
        .ok()?;
    let lists = program.complete_commands.iter().flat_map(|list| &list.0);
    Some(lists.map(brush_item).collect::<Vec<_>>().join(" "))
}

fn brush_list(list: &ast::CompoundList) -> String {
    list.0.iter().map(brush_item).collect::<Vec<_>>().join(" ")
}

fn brush_item(ast::CompoundListItem(and_or, separator): &ast::CompoundListItem) -> String {
    let mut line = brush_pipeline(&and_or.first);
    for next in &and_or.additional {
        line += &match next {
            ast::AndOr::And(pipeline) => format!("&&{}", brush_pipeline(pipeline)),
            ast::AndOr::Or(pipeline) => format!("||{}", brush_pipeline(pipeline)),
        };
    }
    line + if matches!(separator, ast::SeparatorOperator::Async) {
        "&"
    } else {
        ";"
    }
}

fn brush_pipeline(pipeline: &ast::Pipeline) -> String {
    let commands: Vec<_> = pipeline.seq.iter().map(brush_command).collect();
    format!("{}{}", if pipeline.bang { "!" } else { "" }, commands.join("|"))
}

fn brush_command(command: &ast::Command) -> String {
    match command {
        ast::Command::Simple(simple) => brush_simple(simple),
        ast::Command::Compound(compound, redirects) => {
            let count = redirects.as_ref().map_or(0, |redirects| redirects.0.len());
            brush_compound(compound, count)
        }
        ast::Command::Function(function) => match &function.body {
            ast::FunctionBody(ast::CompoundCommand::BraceGroup(group), None) => {
                format!("{}()[{}]", function.fname.value, brush_list(&group.list))
            }
            ast::FunctionBody(compound, redirects) => {
                let count = redirects.as_ref().map_or(0, |redirects| redirects.0.len());
                format!("{}()[{};]", function.fname.value, brush_compound(compound, count))
            }
        },
        ast::Command::ExtendedTest(..) => "[[]]".to_owned(),
    }
}

fn brush_compound(compound: &ast::CompoundCommand, redirects: usize) -> String {
    use ast::CompoundCommand as Compound;
    match compound {
        Compound::Arithmetic(_) => "((".to_owned(),
        Compound::ArithmeticForClause(clause) => {
            format!("for0[{}]{redirects}", brush_list(&clause.body.list))
        }
        Compound::BraceGroup(group) => format!("{{{}}}{redirects}", brush_list(&group.list)),
        Compound::Subshell(shell) => format!("({}){redirects}", brush_list(&shell.list)),
        Compound::ForClause(clause) => {
            let count = clause.values.as_ref().map_or(0, Vec::len);
            format!("for{count}[{}]{redirects}", brush_list(&clause.body.list))
        }
        Compound::CaseClause(clause) => {
            let arms = clause
                .cases
                .iter()
                .map(|case| case.cmd.as_ref().map_or(String::new(), brush_list));
            format!("case[{}]", arms.collect::<Vec<_>>().join(","))
        }
        Compound::IfClause(clause) => {
            let mut line = format!(
                "if[{}][{}]",
                brush_list(&clause.condition),
                brush_list(&clause.then)
            );
            for other in clause.elses.iter().flatten() {
                line += &match &other.condition {
                    Some(condition) => format!("if[{}][{}]", brush_list(condition), brush_list(&other.body)),
                    None => format!("else[{}]", brush_list(&other.body)),
                };
            }
            format!("{line}{redirects}")
        }
        Compound::WhileClause(ast::WhileOrUntilClauseCommand(condition, body, _)) => {
            format!(
                "while[{}][{}]{redirects}",
                brush_list(condition),
                brush_list(&body.list)
            )
        }
        Compound::UntilClause(ast::WhileOrUntilClauseCommand(condition, body, _)) => {
            format!(
                "until[{}][{}]{redirects}",
                brush_list(condition),
                brush_list(&body.list)
            )
        }
        Compound::Coprocess(_) => "coproc".to_owned(),
    }
}

fn brush_simple(simple: &ast::SimpleCommand) -> String {
    use ast::CommandPrefixOrSuffixItem as Item;
    let (mut assignments, mut words, mut redirects) = (0, usize::from(simple.word_or_name.is_some()), 0);
    for item in simple.prefix.iter().flat_map(|prefix| &prefix.0) {
        match item {
            Item::AssignmentWord(..) => assignments += 1,
            _ => redirects += 1,
        }
    }
    for item in simple.suffix.iter().flat_map(|suffix| &suffix.0) {
        match item {
            Item::IoRedirect(_) => redirects += 1,
            _ => words += 1,
        }
    }
    format!("{assignments}.{words}.{redirects}")
}

fn ours(list: &List) -> String {
    let items = list.statements.iter().map(|statement| {
        let mut line = our_pipeline(&statement.and_or.first);
        for (connector, pipeline) in &statement.and_or.rest {
            line += if *connector == Connector::And { "&&" } else { "||" };
            line += &our_pipeline(pipeline);
        }
        line + if statement.terminator == Terminator::Background {
            "&"
        } else {
            ";"
        }
    });
    items.collect::<Vec<_>>().join(" ")
}

fn our_pipeline(pipeline: &crate::shell::Pipeline) -> String {
    let commands: Vec<_> = pipeline.commands.iter().map(our_command).collect();
    format!(
        "{}{}",
        if pipeline.negated { "!" } else { "" },
        commands.join("|")
    )
}

fn our_command(command: &Command) -> String {
    match command {
        Command::Simple(Simple {
            assignments,
            words,
            redirects,
            ..
        }) => {
            format!("{}.{}.{}", assignments.len(), words.len(), redirects.len())
        }
        Command::Group { body, redirects, .. } => format!("{{{}}}{}", ours(body), redirects.len()),
        Command::Subshell { body, redirects, .. } => format!("({}){}", ours(body), redirects.len()),
        Command::Loop {
            until,
            condition,
            body,
            redirects,
            ..
        } => {
            let keyword = if *until { "until" } else { "while" };
            format!(
                "{keyword}[{}][{}]{}",
                ours(condition),
                ours(body),
                redirects.len()
            )
        }
        Command::For {
            words,
            body,
            redirects,
            ..
        } => {
            format!("for{}[{}]{}", words.len(), ours(body), redirects.len())
        }
        Command::If {
            branches,
            otherwise,
            redirects,
            ..
        } => {
            let mut line: String = branches
                .iter()
                .map(|branch| format!("if[{}][{}]", ours(&branch.condition), ours(&branch.body)))
                .collect();
            if let Some(otherwise) = otherwise {
                line += &format!("else[{}]", ours(otherwise));
            }
            format!("{line}{}", redirects.len())
        }
        Command::Case { arms, .. } => {
            format!("case[{}]", arms.iter().map(ours).collect::<Vec<_>>().join(","))
        }
        Command::Function { name, body, .. } => format!("{name}()[{}]", ours(body)),
        Command::Test { .. } => "[[]]".to_owned(),
        Command::Arithmetic { .. } => "((".to_owned(),
    }
}

#[test]
fn brush_reads_the_same_structure() {
    for text in [
        "a; b & c && d || ! e | f",
        "set -e\n\nuntil curl -fs localhost:1/x; do sleep 1; done # wait\nexec app \"$@\" >log 2>&1",
        "while ! a && b; do c | d; done < <(e) &\nf",
        "if a; then b; elif c\nthen d; else e; fi 2>/dev/null; { f; g; } >h; (i; j &)",
        "for x in 1 \"2 3\" $(seq 4); do echo $x; done; for y; do :; done",
        "case $1 in a|b) c;; (d) e; f ;; *) esac",
        "f() { a; }\nfunction g { b; }\nh() ( c )\nf | g",
        "A=1 B='x y' c D=2 >e <<<f; A=$(b `c`) ; a=(1 2)",
        "trap 'a; b' EXIT; [[ -f x && $a =~ ^(b|c)$ ]] || exit $?; ((i++)); for ((i=0;i<3;i++)); do a; done",
        "cat <<A - <<'B' | d\n$x\nA\ny\nB\ne",
        "x=${a:-\"b c\"}; echo ${x%%/*} ${#x} $((1+2)) \"${y:+z}\" $'a\\n' ~/b",
        "a \\\n  b \\\n  'c\nd'\n\n# tail",
        "sh -c \"a; b \\\"c d\\\"\" && eval \"$x\"",
        "exec 3<>/dev/tcp/h/1; echo a >&3; cat <&3; exec 3>&-",
        "echo if then; echo } ; echo !; ! true",
        "a && {\n b\n c || d\n} && e",
        "(a && b) || (c; exit 1)",
        "while :; do if [ -f /x ]; then kill $P; fi; sleep 1; done & wait $P",
    ] {
        let read = brush(text).unwrap_or_else(|| panic!("brush does not understand: {text}"));
        assert_eq!(ours(&script(text).list), read, "{text}");
    }
}
