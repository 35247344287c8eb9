//! Lists of open ports: `netstat -ltn | grep :5432`, `ss -ltn 'sport = :5432'`, `lsof -i :5432`.

use crate::{
    catalogue::port_list::by_program,
    shell::{Command, Pipeline, Span, Word},
};

use super::{
    Action, CommandAction, Connect, Host,
    argument::{Argument, arguments},
    classify_simple,
    values::Values,
};

/// Programs that look for a text in what they read.
const SEARCHES: [&str; 4] = ["grep", "egrep", "fgrep", "awk"];

/// A list of all ports that the next commands of the pipeline search for one.
pub(super) fn through_pipe(pipeline: &Pipeline, values: &Values) -> Option<CommandAction> {
    let mut commands = pipeline.commands.iter().filter_map(|command| match command {
        Command::Simple(simple) => Some(simple),
        _ => None,
    });
    let list = commands.next()?;
    let tool = by_program(&program(&list.words, values)?)?.program;
    let (port, span) = commands
        .filter(|search| program(&search.words, values).is_some_and(|name| SEARCHES.contains(&name.as_str())))
        .flat_map(|search| arguments(search.words.get(1..).unwrap_or_default(), values))
        .filter(|argument| !argument.text.starts_with('-'))
        .find_map(|argument| Some((sought_port(argument.known()?)?, argument.span())))?;
    let mut action = classify_simple(list, values);
    action.action = connection(tool, port, span);
    Some(action)
}

/// A list of one port.
pub(super) fn action(name: &str, arguments: &[Argument]) -> Option<Action> {
    let list = by_program(name).filter(|list| list.selects)?;
    let (port, span) = arguments
        .iter()
        .find_map(|argument| Some((selected_port(argument.known()?)?, argument.span())))?;
    let mut action = connection(list.program, port, span);
    if let Action::Connect(connect) = &mut action
        && !list.sees_the_pod
    {
        // The sockets of another container are hidden unless the pod shares its processes.
        connect.unknown_option = Some("-i".to_owned());
    }
    Some(action)
}

fn connection(tool: &str, port: u16, span: Span) -> Action {
    Action::Connect(Connect::new(tool, Host::Local, Some(port), span))
}

fn program(words: &[Word], values: &Values) -> Option<String> {
    let at = crate::shell::command_index(words);
    let name = values.expand(words.get(at)?);
    name.rsplit('/').next().map(str::to_owned)
}

/// The port that a search is about: `50000`, `:5432`, `'[:.]5432 .*LISTEN'`. Fewer than two digits are no port.
fn sought_port(pattern: &str) -> Option<u16> {
    let mut numbers = pattern
        .split(|letter: char| !letter.is_ascii_digit())
        .filter(|number| number.len() > 1);
    let last = numbers.next_back()?;
    last.parse().ok()
}

/// `:5432`, `-i:5432`, `-iTCP:5432`, `sport = :5432`
fn selected_port(word: &str) -> Option<u16> {
    let (_, behind) = word.rsplit_once(':')?;
    let digits = behind.trim_end_matches([' ', ')']);
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_found_in_a_search() {
        assert_eq!(sought_port("50000"), Some(50000));
        assert_eq!(sought_port(":5432 "), Some(5432));
        assert_eq!(sought_port("0.0.0.0:8080"), Some(8080));
        assert_eq!(sought_port("LISTEN"), None);
        assert_eq!(selected_port("-iTCP:5432"), Some(5432));
        assert_eq!(selected_port("( sport = :5432 )"), Some(5432));
        assert_eq!(selected_port("-sTCP:LISTEN"), None);
    }
}
