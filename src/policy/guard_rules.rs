//! The rules' workarounds as CEL, or why they are none.

use std::collections::BTreeSet;

use super::cel;
use crate::roles::{Catalogue, DECLARATION_ANNOTATION, Endpoint, KnownSidecar};

/// What CEL makes of a rule.
pub(super) enum Recognized {
    /// An expression that is true where the workaround is, of the name of the pod's variable.
    As(fn(&str) -> String),
    /// No expression, for this reason.
    Not(&'static str),
}

pub(super) fn recognized(rule: &str) -> Recognized {
    use Recognized::{As, Not};
    match rule {
        "blocking-poststart" => As(blocking_poststart),
        "external-killer" => As(external_killer),
        "hold-annotation" => As(hold_annotation),
        "quit-endpoint" => As(quit_endpoint),
        "shared-pid-kill" => As(shared_pid_kill),
        "sidecar-prestop-delay" => As(sidecar_prestop_delay),
        "startup-poll" => As(startup_poll),
        "wrapper-binary" => As(wrapper_binary),
        "injection-opt-out" => {
            Not("keeping a Job out of the mesh may have good reasons, which the text does not tell")
        }
        "unsupported-sidecar-type" => {
            Not("the API server drops or refuses the field before any policy sees it")
        }
        "deadline-as-stopper" => {
            Not("whether a deadline stops a sidecar or a slow app takes the roles of all containers")
        }
        "job-never-completes" => {
            Not("it takes the roles of all containers, and all the ways in which a script can end one")
        }
        "startup-sleep" => Not("a sleep alone looks the same whatever it waits for"),
        "ungated-sidecar" => Not("it takes knowing that the app needs the sidecar from its first moment"),
        "drain-setting" => {
            Not("such a setting does harm only where the sidecar is not native, which its injector decides")
        }
        "marker-file" | "startup-marker" => {
            Not("it takes both scripts, and which of them writes the file that the other waits for")
        }
        "sigterm-trap" | "wrapper-script" | "broken-workaround" => {
            Not("it takes reading the shell script, not matching it")
        }
        "leftover-workaround" | "startup-deadlock" => {
            Not("it takes knowing what the script waits for or ends")
        }
        _ => Not("nobody has written an expression for it"),
    }
}

/// A line of a script up to here, without a comment; `\` at its end continues it.
const LINE: &str = r"(?m)^([^#\n]|\\\n)*";

/// More of the line.
const MORE: &str = r"([^#\n]|\\\n)*";

/// Addresses of the pod itself.
const LOCAL: &str = r"(localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\])";

/// What a container runs, as one text.
fn script(container: &str) -> String {
    format!("({container}.?command.orValue([]) + {container}.?args.orValue([])).join(\" \")")
}

/// What a hook runs, as one text.
fn hook(container: &str, hook: &str) -> String {
    format!("{container}.?lifecycle.?{hook}.?exec.?command.orValue([]).join(\" \")")
}

fn quit_endpoint(pod: &str) -> String {
    let endpoints = endpoints(|known| &known.quit);
    let call = cel::string(&format!(r"{LINE}\b(curl|wget)\b{MORE}{LOCAL}:({endpoints})\b"));
    format!(
        "{pod}.spec.containers.exists(c,\n  {}.matches({call})\n  || {}.matches({call}))",
        script("c"),
        hook("c", "preStop"),
    )
}

fn startup_poll(pod: &str) -> String {
    let endpoints = endpoints(|known| &known.ready);
    let until = r"(until|while +!) +[^#\n;]*";
    let known_endpoint = cel::string(&format!(
        r"{LINE}{until}\b(curl|wget)\b[^#\n;]*{LOCAL}:({endpoints})\b"
    ));
    let before_port = cel::string(&format!(
        r"{LINE}{until}\b(curl|wget|nc|ncat|pg_isready|redis-cli|mysqladmin)\b[^#\n;]*{LOCAL}( +-p +|[ :]+)"
    ));
    let known = cel::string(&images(|_| true));
    let text = script("c");
    format!(
        "{pod}.spec.containers.exists(c, !c.?image.orValue(\"\").matches({known}) && (\n  // A known sidecar's readiness, asked in a loop.\n  {text}.matches({known_endpoint})\n  // A port of a known sidecar beside it, asked in a loop.\n  || {pod}.spec.containers.exists(other, other.?image.orValue(\"\").matches({known})\n    && other.?ports.orValue([]).exists(p,\n      {text}.matches({before_port} + string(p.containerPort) + \"\\\\b\")))))"
    )
}

fn wrapper_binary(pod: &str) -> String {
    let programs = cel::string(
        "^(.*/)?(kubexit|scuttle|envoy-preflight|linkerd-await|watchkiller|proa|sidecar-terminator|sidecar-killer)$",
    );
    format!(
        "{pod}.spec.containers.exists(c,\n  c.?command[?0].or(c.?args[?0]).orValue(\"\").matches({programs}))"
    )
}

fn hold_annotation(pod: &str) -> String {
    let annotation = |name: &str| {
        format!(
            "{pod}.?metadata.?annotations[{}].orValue(\"\")",
            cel::string(name)
        )
    };
    format!(
        "{}.matches({})\n|| {} == \"enabled\"\n|| {} == \"Ordered\"",
        annotation("proxy.istio.io/config"),
        cel::string(r#"holdApplicationUntilProxyStarts["']?\s*:\s*["']?true"#),
        annotation("config.linkerd.io/proxy-await"),
        annotation("apps.kruise.io/container-launch-priority"),
    )
}

fn external_killer(pod: &str) -> String {
    format!(
        "{pod}.?metadata.?annotations.orValue({{}}).exists(key, key.endsWith(\"/sidecars\") && key != {})\n|| {pod}.?metadata.?labels.orValue({{}}).exists(key, key.endsWith(\"/terminate-sidecars\"))\n|| {pod}.spec.containers.exists(c, c.?env.orValue([]).exists(e,\n  e.name.startsWith(\"KRUISE_TERMINATE_SIDECAR_WHEN_JOB_EXIT\")))",
        cel::string(DECLARATION_ANNOTATION)
    )
}

fn sidecar_prestop_delay(pod: &str) -> String {
    // A proxy that may be the pod's front door has reasons of its own.
    let known = cel::string(&images(|known| {
        known.certain && (known.injector.is_some() || known.loopback)
    }));
    let sleep = cel::string(r"^(\S*\b(ba|da)?sh -c )?sleep +[0-9.]+[smh]?$");
    format!(
        "{pod}.spec.containers.size() > 1 && {pod}.spec.containers.exists(c, c.?image.orValue(\"\").matches({known})\n  && (c.?lifecycle.?preStop.?sleep.hasValue() || {}.matches({sleep})))",
        hook("c", "preStop")
    )
}

fn blocking_poststart(pod: &str) -> String {
    let known = cel::string(&images(|known| known.certain));
    let wait = cel::string(
        r"(^|/)pilot-agent wait|(^|/)linkerd-await|^(\S*\b(ba|da)?sh -c )?until [^;]+; *do +sleep +[0-9.]+; *done;?$",
    );
    format!(
        "{pod}.spec.containers.exists(c, c.?image.orValue(\"\").matches({known})\n  // Another one is to wait for it.\n  && {pod}.spec.containers[{pod}.spec.containers.size() - 1].name != c.name\n  && {}.matches({wait}))",
        hook("c", "postStart")
    )
}

fn shared_pid_kill(pod: &str) -> String {
    let known = cel::string(&images(|known| known.certain));
    let programs: BTreeSet<&str> = Catalogue::built_in()
        .entries()
        .filter(|known| known.certain)
        .flat_map(|known| known.programs.iter().map(String::as_str))
        .collect();
    let programs: Vec<String> = programs.into_iter().map(escaped).collect();
    // Not SIGHUP, which reloads, and not 0, which only asks.
    let kill = cel::string(&format!(
        r#"{LINE}\b(pkill|killall)( +-(s +)?(SIG)?(TERM|INT|KILL|QUIT|15|9|3|2|f|x|o|n))* +["']?(/\S*/)?({})\b"#,
        programs.join("|")
    ));
    format!(
        "{pod}.spec.?shareProcessNamespace.orValue(false)\n&& {pod}.spec.containers.exists(other, other.?image.orValue(\"\").matches({known}))\n&& {pod}.spec.containers.exists(c, !c.?image.orValue(\"\").matches({known}) && {}.matches({kill}))",
        script("c")
    )
}

/// `15020/quitquitquit|…` of all known sidecars.
fn endpoints(of: impl Fn(&KnownSidecar) -> &[Endpoint]) -> String {
    let found: BTreeSet<String> = Catalogue::built_in()
        .entries()
        .flat_map(|known| {
            let known: &KnownSidecar = known;
            of(known)
                .iter()
                .filter_map(|endpoint| {
                    Some(format!("{}{}", endpoint.port, escaped(endpoint.path.as_deref()?)))
                })
                .collect::<Vec<_>>()
        })
        .collect();
    found.into_iter().collect::<Vec<_>>().join("|")
}

/// A regular expression of the images of known sidecars.
fn images(is_meant: impl Fn(&KnownSidecar) -> bool) -> String {
    let all: Vec<String> = Catalogue::built_in()
        .entries()
        .filter(|known| is_meant(known))
        .map(|known| {
            let globs = |globs: &[String]| {
                globs
                    .iter()
                    .map(|glob| from_glob(glob))
                    .collect::<Vec<_>>()
                    .join("|")
            };
            let tag = match known.tags.as_slice() {
                [] => "(:[^/]*)?".to_owned(),
                tags => format!(":({})", globs(tags)),
            };
            format!("({}){tag}", globs(&known.images))
        })
        .collect();
    format!("(^|/)({})(@.*)?$", all.join("|"))
}

/// A glob over a part of an image's name as a regular expression.
pub(super) fn from_glob(glob: &str) -> String {
    escaped(glob).replace(r"\*", "[^/]*")
}

/// A text as a regular expression for itself.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for letter in text.chars() {
        if r".*+?()[]{}|\^$".contains(letter) {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}
