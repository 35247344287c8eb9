//! The rules' workarounds as CEL, or why they are none.

use std::collections::BTreeSet;

use super::{cel, objects::Part};
use crate::{
    catalogue::{
        Catalogue, Endpoint, KnownSidecar,
        controller::OPEN_KRUISE,
        injector::{INJECTORS, Injector},
        tool::READINESS_TOOLS,
        wait_tool::{Address, Question, WAIT_TOOLS, WaitTool},
        wrapper::{WRAPPERS, Wrapper},
    },
    roles::DECLARATION_ANNOTATION,
};

/// What CEL makes of a rule.
pub(super) enum Recognized {
    /// The regular expressions that it needs, as variables.
    As(fn() -> Sign),
    /// No expression, for this reason.
    Not(&'static str),
}

/// How a workaround shows.
pub(super) struct Sign {
    /// Regular expressions (RE2), as variables.
    pub(super) patterns: Vec<Part>,
    /// An expression that is true where the workaround is. The pod is `POD`, which is there twice: now and before.
    pub(super) expression: String,
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
        "misdeclared-sidecar" => {
            Not("`policy promote` warns of what it cannot promote, and an absent name may still be injected")
        }
        "late-sidecar" => {
            Not("it takes knowing which address the init container asks, and who listens there")
        }
        "lost-process" | "deaf-sidecar" => Not("it takes reading the shell script, not matching it"),
        "slow-gate" => Not("the delay is the pod's own affair, and no fault that a cluster has to refuse"),
        "leftover-workaround" | "startup-deadlock" => {
            Not("it takes knowing what the script waits for or ends")
        }
        "duplicate-key" => Not("the API server sees each key once"),
        "app-started-first" | "sidecar-stopped-first" | "dropped-restart-policy" => {
            Not("it shows only in pods that run")
        }
        _ => Not("there is no expression for it yet"),
    }
}

/// A line of a script up to here, without a comment; `\` at its end continues it.
const LINE: &str = r"(?m)^([^#\n]|\\\n)*";

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

/// A pattern as a variable.
fn pattern(name: &'static str, comment: &str, regex: &str) -> Part {
    Part::new(name, comment, cel::pattern(regex))
}

/// The images of known sidecars as a variable.
fn known(is_meant: impl Fn(&KnownSidecar) -> bool) -> Part {
    pattern("known", "Images of known sidecars.", &images(is_meant))
}

const IS_KNOWN: &str = "c.?image.orValue(\"\").matches(variables.known)";

const OTHER_IS_KNOWN: &str = "other.?image.orValue(\"\").matches(variables.known)";

fn quit_endpoint() -> Sign {
    let endpoints = endpoints(|known| &known.quit);
    let (script, hook) = (script("c"), hook("c", "preStop"));
    Sign {
        patterns: vec![
            known(|known| !known.quit.is_empty()),
            pattern(
                "call",
                "A line that names what ends a known sidecar, at an address of the pod's own.",
                &format!(r"{LINE}{LOCAL}:({endpoints})\b"),
            ),
        ],
        // A sidecar may end itself.
        expression: format!(
            "POD.spec.containers.exists(c,\n  !{IS_KNOWN}\n  && ({script}.matches(variables.call)\n  || {hook}.matches(variables.call)))"
        ),
    }
}

fn startup_poll() -> Sign {
    let endpoints = endpoints(|known| &known.ready);
    let until = r"(until|while +!) +[^#\n;]*";
    let named = |is_meant: &dyn Fn(&WaitTool) -> bool| {
        let tools = WAIT_TOOLS
            .iter()
            .filter(|tool| !tool.is_common_word && is_meant(tool));
        let programs = tools.flat_map(|tool| tool.programs);
        programs
            .map(|program| escaped(program))
            .collect::<Vec<_>>()
            .join("|")
    };
    let requests = named(&|tool| tool.address == Address::Request);
    let clients = named(&|tool| {
        let asks = tool.question != Question::Never;
        asks && matches!(tool.address, Address::HostThenPort | Address::Database)
    });
    let served: BTreeSet<u16> = Catalogue::built_in()
        .entries()
        .flat_map(|known| known.serves.iter().copied())
        .collect();
    let served: Vec<String> = served.iter().map(u16::to_string).collect();
    let text = script("c");
    Sign {
        patterns: vec![
            known(|_| true),
            pattern(
                "endpointLoop",
                "A loop that asks until a known sidecar says that it is ready.",
                &format!(r"{LINE}{until}\b({requests})\b[^#\n;]*{LOCAL}:({endpoints})\b"),
            ),
            pattern(
                "portLoop",
                "A loop that asks until a port answers, up to the port.",
                &format!(r"{LINE}{until}\b({requests}|{clients})\b[^#\n;]*{LOCAL}( +-p +|[ :]+)"),
            ),
            pattern(
                "serving",
                "Images of known sidecars that serve the app on a port of their own.",
                &images(|known| !known.serves.is_empty()),
            ),
            pattern("served", "Those ports.", &format!(r"({})\b", served.join("|"))),
        ],
        expression: format!(
            "POD.spec.containers.exists(c, !{IS_KNOWN} && (\n  {text}.matches(variables.endpointLoop)\n  || POD.spec.containers.exists(other, {OTHER_IS_KNOWN}\n    && other.?ports.orValue([]).exists(p,\n      {text}.matches(variables.portLoop + string(p.containerPort) + \"\\\\b\")))\n  || POD.spec.containers.exists(other, other.?image.orValue(\"\").matches(variables.serving))\n    && {text}.matches(variables.portLoop + variables.served)))"
        ),
    }
}

fn wrapper_binary() -> Sign {
    let called = |wrappers: &mut dyn Iterator<Item = &'static Wrapper>| {
        let programs = wrappers.flat_map(|wrapper| wrapper.programs);
        let programs: Vec<String> = programs.map(|program| escaped(program)).collect();
        format!(
            r"^((\S*/)?(tini|dumb-init)( +-\S+)* +)?(\S*/)?({})( |$)",
            programs.join("|")
        )
    };
    let settings = WRAPPERS.iter().flat_map(|wrapper| wrapper.settings);
    let settings: BTreeSet<String> = settings
        .map(|setting| match setting.strip_suffix('_') {
            Some(_) => format!("{}.*", escaped(setting)),
            None => escaped(setting),
        })
        .collect();
    let settings = settings.into_iter().collect::<Vec<_>>().join("|");
    let named = |of: fn(&Wrapper) -> &'static [&'static str]| {
        cel::list(WRAPPERS.iter().flat_map(of).copied().collect::<BTreeSet<_>>())
    };
    let is_off = format!(
        "c.?env.orValue([]).exists(e, e.name in {} && e.?value.orValue(\"\") != \"\")",
        named(|wrapper| wrapper.disabled_by)
    );
    let is_told = format!(
        "has(c.envFrom) || c.?env.orValue([]).exists(e, e.name in {})",
        named(|wrapper| wrapper.idle_without)
    );
    let mut idle = WRAPPERS.iter().filter(|wrapper| !wrapper.idle_without.is_empty());
    Sign {
        patterns: vec![
            pattern(
                "wrapper",
                "The first word, or the first behind an init.",
                &called(&mut WRAPPERS.iter()),
            ),
            pattern(
                "idle",
                "Those that only run their command where no address is given.",
                &called(&mut idle),
            ),
            pattern("setting", "Their settings.", &format!("^({settings})$")),
        ],
        expression: format!(
            "POD.spec.containers.exists(c,\n  !({is_off})\n  && ({text}.matches(variables.wrapper) && (!{text}.matches(variables.idle) || {is_told})\n  || c.?env.orValue([]).exists(e, e.name.matches(variables.setting))))",
            text = script("c")
        ),
    }
}

/// A condition on pods that their injector is not told to leave alone, and whose app its proxy is not: a gateway.
fn unless_kept_out(injector: &Injector, condition: &str) -> String {
    let kept_out = injector.opt_outs.iter().filter_map(|mark| {
        let (name, value) = (cel::string(mark.annotation), cel::string(mark.value?));
        let is_so = |place: &str| format!("POD.?metadata.?{place}[{name}].orValue(\"\") == {value}");
        Some([is_so("annotations"), is_so("labels")])
    });
    let mut kept_out: Vec<String> = kept_out.flatten().collect();
    if let Some(templates) = &injector.templates {
        let gateways: Vec<String> = templates.gateways.iter().map(|name| escaped(name)).collect();
        kept_out.push(format!(
            "POD.?metadata.?annotations[{}].orValue(\"\").matches({})",
            cel::string(templates.annotation),
            cel::string(&format!(r"(^|,)\s*({})\s*(,|$)", gateways.join("|")))
        ));
    }
    if injector.skips_host_network {
        kept_out.push("POD.spec.?hostNetwork.orValue(false)".to_owned());
    }
    kept_out.extend(routes(injector));
    kept_out.push(format!(
        "POD.spec.containers.all(c, c.name in {})",
        cel::list(injector.containers.iter().copied())
    ));
    format!("{condition} && !({})", kept_out.join(" || "))
}

/// Whether a container's arguments make a gateway of an injector's proxy.
fn routes(injector: &Injector) -> impl Iterator<Item = String> {
    let own = Catalogue::built_in()
        .entries()
        .filter(|known| known.injector.as_deref() == Some(injector.name));
    own.flat_map(|known| &known.gateway).map(|arguments| {
        let has = |word| format!("c.?args.orValue([]).exists(a, a == {})", cel::string(word));
        let words: Vec<String> = arguments.split(' ').map(has).collect();
        format!("POD.spec.containers.exists(c, {})", words.join(" && "))
    })
}

fn hold_annotation() -> Sign {
    let annotation = |name: &str| format!("POD.?metadata.?annotations[{}].orValue(\"\")", cel::string(name));
    let is = |name: &str, value: &str| format!("{} == {}", annotation(name), cel::string(value));
    let in_settings: Vec<String> = INJECTORS
        .iter()
        .flat_map(|injector| injector.holds)
        .filter(|hold| hold.in_settings)
        .map(|hold| escaped(hold.name))
        .collect();
    let settings = INJECTORS.iter().filter_map(|injector| {
        let held = format!(
            "{}.matches(variables.hold)",
            annotation(injector.settings_annotation?)
        );
        Some(unless_kept_out(injector, &held))
    });
    // Where nothing but the installation decides about native sidecars, a pod's author has no other way.
    let switched = INJECTORS.iter().filter(|injector| {
        injector
            .pod_switch
            .as_ref()
            .is_some_and(|switch| !switch.needs_version)
    });
    let annotations = switched.flat_map(|injector| {
        let holds = injector.holds.iter().filter(|hold| !hold.in_settings);
        holds.filter_map(move |hold| Some(unless_kept_out(injector, &is(hold.name, hold.value?))))
    });
    Sign {
        patterns: vec![pattern(
            "hold",
            "YAML or JSON inside of the annotation.",
            &format!(r#"({})["']?\s*:\s*["']?true"#, in_settings.join("|")),
        )],
        expression: settings
            .chain(annotations)
            .chain([is(OPEN_KRUISE.ordered.annotation, OPEN_KRUISE.ordered.value)])
            .collect::<Vec<_>>()
            .join("\n|| "),
    }
}

fn external_killer() -> Sign {
    Sign {
        patterns: Vec::new(),
        expression: format!(
            "POD.?metadata.?annotations.orValue({{}}).exists(key, key.endsWith(\"/sidecars\") && key != {})\n|| POD.?metadata.?labels.orValue({{}}).exists(key, key.endsWith(\"/terminate-sidecars\"))\n|| POD.spec.containers.exists(c, c.?env.orValue([]).exists(e,\n  e.name in [{}]))",
            cel::string(DECLARATION_ANNOTATION),
            OPEN_KRUISE
                .ends_with_the_job
                .iter()
                .map(|(name, _)| cel::string(name))
                .collect::<Vec<_>>()
                .join(", ")
        ),
    }
}

fn sidecar_prestop_delay() -> Sign {
    Sign {
        patterns: vec![
            // A proxy that may be the pod's front door has reasons of its own.
            known(|known| known.certain && (known.injector.is_some() || known.loopback)),
            pattern(
                "sleep",
                "Nothing but a sleep.",
                r"^(\S*\b(ba|da)?sh -c )?sleep +[0-9.]+[smh]?$",
            ),
        ],
        expression: format!(
            "POD.spec.containers.size() > 1 && POD.spec.containers.exists(c, {IS_KNOWN}\n  && (c.?lifecycle.?preStop.?sleep.hasValue() || {}.matches(variables.sleep)))",
            hook("c", "preStop")
        ),
    }
}

fn blocking_poststart() -> Sign {
    // The tools and wrappers that wait for a known sidecar.
    let tools = READINESS_TOOLS.iter().filter(|tool| tool.sidecar.is_some());
    let tools = tools.flat_map(|tool| {
        let calls = |program: &'static str| tool.waits.iter().map(move |wait| format!("{program} {wait}"));
        tool.programs.iter().copied().flat_map(calls)
    });
    let wrappers = WRAPPERS.iter().filter(|wrapper| wrapper.sidecar.is_some());
    let wrappers = wrappers
        .flat_map(|wrapper| wrapper.programs)
        .map(|program| (*program).to_owned());
    let waits: Vec<String> = tools.chain(wrappers).map(|call| escaped(&call)).collect();
    let waits = waits.join("|");
    Sign {
        patterns: vec![
            known(|known| known.certain),
            pattern(
                "wait",
                "Nothing but a wait.",
                &format!(r"(^|/)({waits})|^(\S*\b(ba|da)?sh -c )?until [^;]+; *do +sleep +[0-9.]+; *done;?$"),
            ),
        ],
        expression: format!(
            "POD.spec.containers.exists(c, {IS_KNOWN}\n  // Another one is to wait for it.\n  && POD.spec.containers[POD.spec.containers.size() - 1].name != c.name\n  && {}.matches(variables.wait))",
            hook("c", "postStart")
        ),
    }
}

fn shared_pid_kill() -> Sign {
    let programs: BTreeSet<&str> = Catalogue::built_in()
        .entries()
        .filter(|known| known.certain)
        .flat_map(|known| known.programs.iter().map(String::as_str))
        .collect();
    let programs: Vec<String> = programs.into_iter().map(escaped).collect();
    Sign {
        patterns: vec![
            known(|known| known.certain),
            pattern(
                "kill",
                "A line that ends a known sidecar's program. Not SIGHUP, which reloads, and not 0, which only asks.",
                &format!(
                    r#"{LINE}\b(pkill|killall)( +-(s +)?(SIG)?(TERM|INT|KILL|QUIT|15|9|3|2|f|x|o|n))* +["']?(/\S*/)?({})\b"#,
                    programs.join("|")
                ),
            ),
        ],
        expression: format!(
            "POD.spec.?shareProcessNamespace.orValue(false)\n&& POD.spec.containers.exists(other, {OTHER_IS_KNOWN})\n&& POD.spec.containers.exists(c, !{IS_KNOWN} && {}.matches(variables.kill))",
            script("c")
        ),
    }
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
