//! Commands that became arguments of another one, as a folded scalar makes them.

use crate::{
    behaviour::action::{Action, Url, Values, classify_from},
    shell::Span,
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

/// Programs whose arguments are commands.
const RUNNERS: [&str; 18] = [
    "xargs", "find", "parallel", "watch", "ssh", "kubectl", "oc", "docker", "podman", "nerdctl", "crictl",
    "su", "retry", "apk", "apt-get", "yum", "dnf", "which",
];

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
            if name.is_some_and(|name| RUNNERS.contains(&name)) {
                continue;
            }
            for (index, word) in simple
                .words
                .iter()
                .enumerate()
                .skip(located.action.program_word + 1)
            {
                if !matches!(word.raw.rsplit('/').next(), Some("curl" | "wget")) {
                    continue;
                }
                let inner = classify_from(simple, index, values);
                if let Action::Http(http) = inner.action
                    && let Some(url) = http.urls().find(|url| url.host.is_local())
                {
                    found.push(Swallowed {
                        program: program.clone(),
                        tool: http.tool.clone(),
                        url: url.clone(),
                        span: word.span.start..simple.span.end,
                        command: simple.span.clone(),
                    });
                    break;
                }
            }
        }
        found
    }
}
