//! Database clients that are asked whether their server answers.

use crate::{
    catalogue::wait_tool::{Question, WaitTool},
    shell::{Span, Variable},
};

use super::{
    Connect, Host, Url,
    argument::{Argument, OptionValue, Options},
    host::port,
    values::Values,
};

/// The question of a call; none where it is a session or reads a script: that is work, not a probe.
pub(super) fn question(
    name: &str,
    tool: &WaitTool,
    arguments: &[Argument],
    options: &Options,
    values: &Values,
) -> Option<Connect> {
    let asks = match tool.question {
        Question::Always => true,
        Question::Never => false,
        Question::Option(names) => options.has(names),
        Question::Operand(words) => options
            .operands
            .iter()
            .any(|(_, operand)| words.iter().any(|word| operand.text.eq_ignore_ascii_case(word))),
    };
    asks.then(|| {
        let whole = arguments.first().map_or(0..0, Argument::span);
        let (host, given, span) = address(tool, options, values, whole);
        Connect {
            has_side_effects: has_side_effects(tool, options),
            ..Connect::new(name, host, given, span)
        }
    })
}

pub(super) fn address(
    client: &WaitTool,
    options: &Options,
    values: &Values,
    whole: Span,
) -> (Host, Option<u16>, Span) {
    let url = options
        .operands
        .iter()
        .map(|(_, operand)| (operand.text.as_str(), operand.span()))
        .chain(
            options
                .values(&["d", "dbname"])
                .map(|value| (value.text, value.span.clone())),
        )
        .find(|(text, _)| text.contains("://"));
    if let Some((text, span)) = url {
        let url = Url::parse(text, span.clone());
        return (url.host, url.port.or(client.usual_port), span);
    }
    let host = options.value(client.host);
    let span = host.map_or(whole, |host| host.span.clone());
    if let (Some(sign), Some(host)) = (client.port_sign, host) {
        let address = host.text.trim_start_matches("tcp:");
        let (leads_to, given) = match address.split_once(sign) {
            Some((leads_to, given)) => (leads_to, port(given)),
            None => (address, client.usual_port),
        };
        return (Host::of(leads_to), given, span);
    }
    let (host_variable, port_variable) = client.variables.unzip();
    let by_variable = |name: Option<&str>| name.map_or(Variable::Unset, |name| values.get(name));
    let leads_to = match host {
        // A directory is the place of a local socket.
        Some(host) if host.text.starts_with('/') => Host::Local,
        Some(host) => Host::of(host.text),
        None => match by_variable(host_variable) {
            Variable::Known(host) if host.starts_with('/') => Host::Local,
            Variable::Known(host) => Host::of(&host),
            Variable::Unset => Host::Local,
            Variable::Unknown => Host::Unknown,
        },
    };
    let given = match options.value(client.port) {
        Some(OptionValue { text, .. }) => port(text),
        None => match by_variable(port_variable) {
            Variable::Known(text) => port(&text).or(client.usual_port),
            Variable::Unset => client.usual_port,
            Variable::Unknown => None,
        },
    };
    (leads_to, given, span)
}

/// Whether a statement does more than ask.
fn has_side_effects(client: &WaitTool, options: &Options) -> bool {
    const QUESTIONS: [&str; 9] = [
        "select",
        "show",
        "\\q",
        "\\l",
        "\\conninfo",
        "db.runcommand",
        "db.admincommand",
        "db.stats",
        "rs.status",
    ];
    options.values(client.statement).any(|statement| {
        let statement = statement.text.trim_start().to_ascii_lowercase();
        let asks = QUESTIONS.iter().any(|question| statement.starts_with(question))
            || statement.contains("ping")
            || statement.contains("ismaster");
        !asks
    })
}
