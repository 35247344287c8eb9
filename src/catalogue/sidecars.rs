//! The rows of known sidecars.
//!
//! A row says what is known of one program and where from; [`super::KnownSidecar`] is the same with what a
//! configuration file adds. The order is the order in which an image or a name is looked up.

mod agents;
mod helpers;
mod proxies;

use super::{Endpoint, HealthListener, KnownSidecar, Switch, injector};

/// A known sidecar, as a row of the catalogue. Its fields are those of [`KnownSidecar`].
#[derive(Debug)]
pub(super) struct Row {
    name: &'static str,
    images: &'static [&'static str],
    tags: &'static [&'static str],
    containers: &'static [&'static str],
    certain: bool,
    companion: bool,
    serves_jobs: bool,
    in_jobs: bool,
    programs: &'static [&'static str],
    injector: Option<&'static str>,
    injection: &'static [&'static str],
    ready: &'static [At],
    quit: &'static [At],
    quit_flag: Option<&'static str>,
    quit_port_flag: Option<&'static str>,
    settings_flag: Option<&'static str>,
    serves: &'static [u16],
    loopback: bool,
    local_ports: &'static [u16],
    open_ports: &'static [u16],
    health: Option<Health>,
    flag_variables: Option<&'static str>,
    tools: &'static [&'static str],
    subcommands: &'static [&'static str],
    needs_subcommand: bool,
    one_shot: &'static [&'static str],
    one_shot_variables: &'static [&'static str],
    operands: bool,
    runs_arguments: bool,
    keeps_running: &'static [&'static str],
    ends_by_configuration: bool,
    gateway: &'static [&'static str],
    redirects_traffic: bool,
    readiness_needs_app: bool,
    drain: &'static [&'static str],
    source: &'static str,
    checked: &'static str,
}

/// A health listener, as [`HealthListener`].
#[derive(Debug)]
struct Health {
    flag: &'static str,
    path: &'static str,
    port: u16,
    port_flag: &'static str,
    address_flag: Option<&'static str>,
}

impl From<&Health> for HealthListener {
    fn from(health: &Health) -> Self {
        Self {
            flag: health.flag.to_owned(),
            path: health.path.to_owned(),
            port: health.port,
            port_flag: health.port_flag.to_owned(),
            address_flag: health.address_flag.map(str::to_owned),
        }
    }
}

/// A port and maybe a path.
type At = (u16, Option<&'static str>);

/// An HTTP endpoint.
const fn at(port: u16, path: &'static str) -> At {
    (port, Some(path))
}

/// A listener.
const fn on(port: u16) -> At {
    (port, None)
}

/// What a row says nothing about. It has no source and no date: a row without them does not pass the test.
const ROW: Row = Row {
    name: "",
    images: &[],
    tags: &[],
    containers: &[],
    certain: false,
    companion: false,
    serves_jobs: false,
    in_jobs: false,
    programs: &[],
    injector: None,
    injection: &[],
    ready: &[],
    quit: &[],
    quit_flag: None,
    quit_port_flag: None,
    settings_flag: None,
    serves: &[],
    loopback: false,
    local_ports: &[],
    open_ports: &[],
    health: None,
    flag_variables: None,
    tools: &[],
    subcommands: &[],
    needs_subcommand: false,
    one_shot: &[],
    one_shot_variables: &[],
    operands: false,
    runs_arguments: false,
    keeps_running: &[],
    ends_by_configuration: false,
    gateway: &[],
    redirects_traffic: false,
    readiness_needs_app: false,
    drain: &[],
    source: "",
    checked: "",
};

/// All rows.
pub(super) fn rows() -> impl Iterator<Item = &'static Row> {
    [proxies::ROWS, agents::ROWS, helpers::ROWS].into_iter().flatten()
}

impl From<&Row> for KnownSidecar {
    fn from(row: &Row) -> Self {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let endpoints = |endpoints: &[At]| {
            endpoints
                .iter()
                .map(|(port, path)| Endpoint {
                    port: *port,
                    path: path.map(str::to_owned),
                })
                .collect()
        };
        Self {
            name: row.name.to_owned(),
            images: texts(row.images),
            tags: texts(row.tags),
            containers: texts(row.containers),
            certain: row.certain,
            companion: row.companion,
            serves_jobs: row.serves_jobs,
            in_jobs: row.in_jobs,
            programs: texts(row.programs),
            injector: row.injector.map(str::to_owned),
            injection: texts(row.injection),
            switch: row.injector.and_then(injector::by_name).and_then(Switch::of),
            ready: endpoints(row.ready),
            quit: endpoints(row.quit),
            quit_flag: row.quit_flag.map(str::to_owned),
            quit_port_flag: row.quit_port_flag.map(str::to_owned),
            settings_flag: row.settings_flag.map(str::to_owned),
            serves: row.serves.to_vec(),
            loopback: row.loopback,
            local_ports: row.local_ports.to_vec(),
            open_ports: row.open_ports.to_vec(),
            health: row.health.as_ref().map(HealthListener::from),
            flag_variables: row.flag_variables.map(str::to_owned),
            tools: texts(row.tools),
            subcommands: texts(row.subcommands),
            needs_subcommand: row.needs_subcommand,
            one_shot: texts(row.one_shot),
            one_shot_variables: texts(row.one_shot_variables),
            operands: row.operands,
            runs_arguments: row.runs_arguments,
            keeps_running: texts(row.keeps_running),
            gateway: texts(row.gateway),
            redirects_traffic: row.redirects_traffic,
            readiness_needs_app: row.readiness_needs_app,
            drain: texts(row.drain),
            source: row.source.to_owned(),
            checked: row.checked.to_owned(),
            is_configured: false,
            ends_by_configuration: row.ends_by_configuration,
        }
    }
}
