mod commands;
mod connections;
mod requests;

use super::{Action, CommandAction, Connect, Host, Http, Values, classify_pipeline};
use crate::shell::{Dialect, Script, Variable, parse};

fn script(text: &str) -> Script {
    parse(text, Dialect::Posix).unwrap_or_else(|| panic!("not understood: {text}"))
}

fn environment(name: &str) -> Variable {
    match name {
        "PROXY_HOST" => Variable::Known("127.0.0.1".to_owned()),
        "SERVICE" => Variable::Known("db.example.com".to_owned()),
        "PROXY_PORT" => Variable::Known("9091".to_owned()),
        _ => Variable::Unset,
    }
}

/// The action of the last pipeline.
fn last(text: &str) -> CommandAction {
    let script = script(text);
    let values = Values::of_script(&script, &environment);
    let statement = script.list.statements.last().unwrap();
    let pipeline = statement.and_or.pipelines().last().unwrap();
    classify_pipeline(pipeline, &values).pop().unwrap()
}

fn host(host: &Host) -> &str {
    match host {
        Host::Local => "local",
        Host::Remote(name) => name,
        Host::Unknown => "?",
    }
}

fn number(port: Option<u16>) -> String {
    port.map_or("?".to_owned(), |port| port.to_string())
}

fn http(text: &str) -> Http {
    match last(text).action {
        Action::Http(http) => http,
        other => panic!("{text}: {other:?}"),
    }
}

fn request(text: &str) -> String {
    let http = http(text);
    let method = http.method.as_deref().unwrap_or("?");
    let path = http.url.path.as_deref().unwrap_or("?");
    let body = if http.sends_body { " +body" } else { "" };
    let file = http.output.map_or(String::new(), |file| {
        format!(" >{}", file.path.unwrap_or("?".to_owned()))
    });
    let more = if http.further_urls.is_empty() {
        String::new()
    } else {
        format!(" +{}", http.further_urls.len())
    };
    format!(
        "{method} {} {} {path}{body}{file}{more}",
        host(&http.url.host),
        number(http.url.port)
    )
}

fn connection(text: &str) -> Connect {
    match last(text).action {
        Action::Connect(connect) => connect,
        other => panic!("{text}: {other:?}"),
    }
}
