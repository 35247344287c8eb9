//! Every row has a source and the day on which somebody compared the row with it.

mod one_place;
mod one_row;
mod versions;

use super::{
    Catalogue,
    code_word::CODE_WORDS,
    command_runner::COMMAND_RUNNERS,
    container_name::NAME_WORDS,
    controller::{KILLERS, OPEN_KRUISE},
    injected_file::INJECTED_FOLDERS,
    injector::INJECTORS,
    kubernetes::KUBERNETES,
    port_list::PORT_LISTS,
    program_end::{DAEMONS, FINITE_PROGRAMS, SERVERS},
    program_reach::REACHING_PROGRAMS,
    quit::COMMON_PATHS,
    service_port::SERVICE_PORTS,
    stop_command::STOP_COMMANDS,
    stream_tool::STREAM_TOOLS,
    tool::READINESS_TOOLS,
    wait_tool::WAIT_TOOLS,
    wrapper::{INITS, WRAPPERS},
};

/// A row's name, source and date.
type Origin = (String, &'static str, &'static str);

fn origins() -> Vec<Origin> {
    let sidecars = Catalogue::built_in()
        .entries()
        .map(|row| (row.name.clone(), row.source.as_str(), row.checked.as_str()));
    let injectors = INJECTORS
        .iter()
        .map(|row| (row.name.to_owned(), row.source, row.checked));
    let wrappers = WRAPPERS
        .iter()
        .map(|row| (row.name.to_owned(), row.source, row.checked));
    let inits = INITS
        .iter()
        .map(|row| (row.program.to_owned(), row.source, row.checked));
    let tools = READINESS_TOOLS
        .iter()
        .map(|row| (row.programs.join(", "), row.source, row.checked));
    let waits = WAIT_TOOLS
        .iter()
        .map(|row| (row.programs.join(", "), row.source, row.checked));
    let paths = COMMON_PATHS
        .iter()
        .map(|row| (row.path.to_owned(), row.source, row.checked));
    let killers = KILLERS
        .iter()
        .map(|row| (row.image.to_owned(), row.source, row.checked));
    let stops = STOP_COMMANDS
        .iter()
        .map(|row| (row.program.to_owned(), row.source, row.checked));
    let runners = COMMAND_RUNNERS
        .iter()
        .map(|row| (row.programs.join(", "), row.source, row.checked));
    let kubernetes = KUBERNETES
        .iter()
        .map(|row| (format!("Kubernetes: {}", row.what), row.source, row.checked));
    let servers = SERVERS
        .iter()
        .map(|row| (row.programs.join(", "), row.source, row.checked));
    let finite = FINITE_PROGRAMS
        .iter()
        .map(|row| (row.programs.join(", "), row.source, row.checked));
    let daemons = DAEMONS
        .iter()
        .map(|row| (row.programs.join(", "), row.source, row.checked));
    let reaching = REACHING_PROGRAMS
        .iter()
        .map(|row| (row.programs.join(", "), row.source, row.checked));
    let lists = PORT_LISTS
        .iter()
        .map(|row| (row.program.to_owned(), row.source, row.checked));
    let ports = SERVICE_PORTS
        .iter()
        .map(|row| (row.images.join(", "), row.source, row.checked));
    let folders = INJECTED_FOLDERS
        .iter()
        .map(|row| (row.folder.to_owned(), row.source, row.checked));
    let code = CODE_WORDS
        .iter()
        .map(|row| (row.of.to_owned(), row.source, row.checked));
    let names = NAME_WORDS
        .iter()
        .map(|row| (row.words.join(", "), row.source, row.checked));
    let streams = STREAM_TOOLS
        .iter()
        .map(|row| (row.programs.join(", "), row.source, row.checked));
    let controllers = [&OPEN_KRUISE].map(|row| (row.name.to_owned(), row.source, row.checked));
    sidecars
        .chain(injectors)
        .chain(kubernetes)
        .chain(wrappers)
        .chain(inits)
        .chain(tools)
        .chain(waits)
        .chain(paths)
        .chain(controllers)
        .chain(killers)
        .chain(stops)
        .chain(runners)
        .chain(folders)
        .chain(ports)
        .chain(daemons)
        .chain(servers)
        .chain(finite)
        .chain(reaching)
        .chain(lists)
        .chain(code)
        .chain(names)
        .chain(streams)
        .collect()
}

#[test]
fn every_row_has_a_source_and_a_date() {
    let origins = origins();
    assert!(origins.len() > 100, "{}", origins.len());
    for (name, source, checked) in origins {
        assert!(!name.is_empty(), "a row of {source} has no name");
        assert!(source.starts_with("https://"), "{name} has no source");
        let day = checked.parse::<jiff::civil::Date>();
        assert!(
            day.is_ok_and(|day| day.year() >= 2026),
            "{name}: nobody has checked it"
        );
    }
}

#[test]
fn an_injector_that_a_sidecar_names_has_a_row_and_the_sidecar_of_a_row_exists() {
    let known = |name: &str| Catalogue::built_in().entries().any(|known| known.name == name);
    for sidecar in Catalogue::built_in().entries() {
        assert!(!sidecar.images.is_empty(), "{} has no image", sidecar.name);
        if let Some(name) = &sidecar.injector {
            assert!(INJECTORS.iter().any(|injector| injector.name == name), "{name}");
        }
    }
    for name in WRAPPERS.iter().filter_map(|wrapper| wrapper.sidecar) {
        assert!(known(name), "{name}");
    }
    for name in READINESS_TOOLS.iter().filter_map(|tool| tool.sidecar) {
        assert!(known(name), "{name}");
    }
}
