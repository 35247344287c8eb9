//! Tools that tell, or wait until, something is ready without being given an address.

use super::program_reach::CLUSTER_CLIENTS;

/// A tool and what it can be asked.
#[derive(Debug)]
pub struct ReadinessTool {
    /// Names of its executable.
    pub programs: &'static [&'static str],
    /// The subcommands that only ask; none where each call of it does.
    pub questions: &'static [&'static str],
    /// Those of them that return only once the answer is good.
    pub waits: &'static [&'static str],
    /// The known sidecar that it asks.
    pub sidecar: Option<&'static str>,
    /// Where this is from.
    pub source: &'static str,
    /// The day on which somebody compared the row with its source.
    pub checked: &'static str,
}

/// All such tools.
pub const READINESS_TOOLS: &[ReadinessTool] = &[
    ReadinessTool {
        programs: &["docker", "podman", "nerdctl"],
        questions: &["info", "ps", "version", "images"],
        source: "https://docs.docker.com/reference/cli/docker/system/info/",
        ..ROW
    },
    ReadinessTool {
        programs: &["pilot-agent"],
        questions: &["wait", "request"],
        waits: &["wait"],
        sidecar: Some("istio-proxy"),
        source: "https://istio.io/latest/docs/reference/commands/pilot-agent/",
        ..ROW
    },
    ReadinessTool {
        programs: &["cloud-sql-proxy"],
        questions: &["wait"],
        waits: &["wait"],
        sidecar: Some("cloud-sql-proxy"),
        source: "https://github.com/GoogleCloudPlatform/cloud-sql-proxy/pull/2041",
        ..ROW
    },
    ReadinessTool {
        programs: &["alloydb-auth-proxy"],
        questions: &["wait"],
        waits: &["wait"],
        sidecar: Some("alloydb-auth-proxy"),
        source: "https://github.com/GoogleCloudPlatform/alloydb-auth-proxy",
        ..ROW
    },
    ReadinessTool {
        programs: &["consul"],
        questions: &["members", "info", "catalog"],
        source: "https://developer.hashicorp.com/consul/commands",
        ..ROW
    },
    ReadinessTool {
        programs: &["consul-k8s-control-plane"],
        questions: &["connect-init"],
        source: "https://github.com/hashicorp/consul-k8s",
        ..ROW
    },
    ReadinessTool {
        programs: &["vault"],
        questions: &["status"],
        source: "https://developer.hashicorp.com/vault/docs/commands/status",
        ..ROW
    },
    ReadinessTool {
        programs: &["istioctl"],
        questions: &["proxy-status", "ps", "version", "waypoint"],
        source: "https://istio.io/latest/docs/reference/commands/istioctl/",
        ..ROW
    },
    ReadinessTool {
        programs: &["buildctl"],
        questions: &["debug"],
        source: "https://github.com/moby/buildkit",
        ..ROW
    },
    ReadinessTool {
        programs: CLUSTER_CLIENTS,
        questions: &["get", "describe", "wait"],
        source: "https://kubernetes.io/docs/reference/kubectl/generated/kubectl_get/",
        ..ROW
    },
    ReadinessTool {
        programs: &["rabbitmqctl"],
        questions: &["status", "await_startup", "wait"],
        waits: &["await_startup"],
        source: "https://www.rabbitmq.com/docs/man/rabbitmqctl.8",
        ..ROW
    },
    ReadinessTool {
        programs: &["rabbitmq-diagnostics"],
        questions: &["ping", "check_running", "check_port_connectivity", "status"],
        source: "https://www.rabbitmq.com/docs/man/rabbitmq-diagnostics.8",
        ..ROW
    },
    ReadinessTool {
        programs: &["systemctl"],
        questions: &["is-active", "status"],
        source: "https://www.freedesktop.org/software/systemd/man/latest/systemctl.html",
        ..ROW
    },
    ReadinessTool {
        programs: &["getent"],
        questions: &["hosts", "ahosts"],
        source: "https://man7.org/linux/man-pages/man1/getent.1.html",
        ..ROW
    },
    ReadinessTool {
        programs: &["ip", "ifconfig", "iptables", "tailscale"],
        questions: &["link", "addr", "a", "route", "-L", "status"],
        source: "https://man7.org/linux/man-pages/man8/ip.8.html",
        ..ROW
    },
    ReadinessTool {
        programs: &["nslookup", "dig", "host", "netstat", "ss", "lsof"],
        source: "https://man7.org/linux/man-pages/man8/ss.8.html",
        ..ROW
    },
];

const ROW: ReadinessTool = ReadinessTool {
    programs: &[],
    questions: &[],
    waits: &[],
    sidecar: None,
    source: "",
    checked: "2026-11-23",
};

/// The tool of that program's name.
#[must_use]
pub fn by_program(name: &str) -> Option<&'static ReadinessTool> {
    READINESS_TOOLS.iter().find(|tool| tool.programs.contains(&name))
}

/// Whether a call, written as `program subcommand`, returns only once something is ready.
#[must_use]
pub fn waits(call: &str) -> bool {
    call.split_once(' ').is_some_and(|(program, subcommand)| {
        by_program(program).is_some_and(|tool| tool.waits.contains(&subcommand))
    })
}
