//! Commands that became arguments of another one, as a folded scalar makes them.

use crate::{
    behaviour::action::{Action, Url, Values, classify_simple},
    catalogue::{
        command_runner::runs,
        program_reach::{Reach, reaches},
    },
    shell::{Simple, Span, Word},
};

use super::ScriptBehaviour;

/// A request that is an argument of another program: `my-job --x curl http://localhost:9091/quitquitquit`.
#[derive(Debug, Clone, PartialEq)]
pub struct Swallowed {
    /// The program that is given the words.
    pub program: Option<String>,
    /// `curl`, `wget`
    pub tool: String,
    /// Where the request would go.
    pub url: Url,
    /// From the tool's name to the end of the command.
    pub span: Span,
    /// The whole command.
    pub command: Span,
}

impl ScriptBehaviour<'_> {
    /// Requests to the pod itself that never run because another program is given their words.
    #[must_use]
    pub fn swallowed(&self) -> Vec<Swallowed> {
        let values: &Values = self.values();
        let mut found = Vec::new();
        for located in &self.commands {
            let Action::Other { program } = &located.action.action else {
                continue;
            };
            let name = program.as_deref().and_then(|program| program.rsplit('/').next());
            let Some(simple) = located.visit.simple() else {
                continue;
            };
            let may_name_one = |name: &str| {
                runs(name).is_some() || reaches(name, Reach::Containers) || self.runs_arguments(name)
            };
            if name.is_some_and(may_name_one) {
                continue;
            }
            let program_word = located.action.program_word;
            let mut words: Vec<&Word> = simple.words.iter().skip(program_word + 1).collect();
            // The blank behind an unquoted placeholder such as `<NAME>` makes the tool's name a file to write.
            words.extend(
                simple
                    .redirects
                    .iter()
                    .filter_map(|redirect| redirect.target.as_ref()),
            );
            words.sort_by_key(|word| word.span.start);
            let names_tool = |word: &&&Word| matches!(word.raw.rsplit('/').next(), Some("curl" | "wget"));
            for tool in words.iter().filter(names_tool) {
                let behind = words.iter().filter(|word| word.span.start >= tool.span.start);
                let alone = Simple {
                    words: behind.map(|word| (*word).clone()).collect(),
                    span: tool.span.start..simple.span.end.max(tool.span.end),
                    ..Simple::default()
                };
                if let Action::Http(http) = classify_simple(&alone, values).action
                    && let Some(url) = http.urls().find(|url| url.host.is_local())
                {
                    found.push(Swallowed {
                        program: program.clone(),
                        tool: http.tool.clone(),
                        url: url.clone(),
                        span: alone.span,
                        command: simple.span.clone(),
                    });
                    break;
                }
            }
        }
        found
    }

    /// Whether a function of the script runs the words that it is given: `retry() { "$@" || "$@"; }`.
    fn runs_arguments(&self, name: &str) -> bool {
        let body = self.functions.get(name);
        let mut words = body
            .into_iter()
            .flat_map(|body| body.commands())
            .filter_map(|visit| visit.simple())
            .flat_map(|simple| &simple.words);
        words.any(|word| word.raw.contains("$@") || word.raw.contains("${@") || word.raw.contains("$*"))
    }
}
