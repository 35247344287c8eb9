//! `drain-setting`

use crate::{
    catalogue::{
        Catalogue,
        injector::{self, Injector},
    },
    roles::{Role, sounds_like_an_end},
    workload::{Container, Object, ProgramPlace},
    yaml::{Entry, Node},
};

use crate::remedy::Obligation;

use super::{Confidence, Draft, Family, Finding, RuleInfo, Severity, Subject};
use crate::pod::{Member, Pod, Sources, embedded};

pub(crate) static RULE: RuleInfo = RuleInfo {
    name: "drain-setting",
    family: Family::Shutdown,
    severity: Severity::Warning,
    summary: "A setting that delays the end of a proxy so that it outlives the app",
    what: r#"Settings by which a proxy delays its own end: `terminationDrainDuration`,
`EXIT_ON_ZERO_ACTIVE_CONNECTIONS` and `MINIMUM_DRAIN_DURATION` in `proxy.istio.io/config`, in
the proxy's env or in the mesh configuration, Linkerd's `proxy-wait-before-exit-seconds`,
Dapr's `block-shutdown-duration`, Consul's shutdown settings. A value as long as the grace
period is pointed out: every stop then ends in SIGKILL.

Left alone are the settings of gateways, whose proxy is what the pod is for, of pods that are
kept out of the mesh, and of proxies that are injected as native sidecars: Istio's begins to
drain when its pod is deleted, while the app still works, so that the time may be wanted.

Mesh-wide settings are reported as info. So are flags of a sidecar itself (`-term_timeout`,
`--max-sigterm-delay`): they do no harm on a declared sidecar and may stay. Settings that are
off or zero are left alone."#,
    why: r#"All regular containers get SIGTERM at once, so the proxy has to guess how long the app will
need it. A fixed time is too short for the slow request and too long for every idle pod;
counting connections depends on peers that close theirs. `EXIT_ON_ZERO_ACTIVE_CONNECTIONS` is
passed around as a cure for Jobs too, but it acts only after SIGTERM, which a Job's proxy
never gets: the Job still hangs. Some proxies refuse new connections while they wait, so the
app's clean-up fails all the same.

A native sidecar gets SIGTERM after the app has stopped, so there is nothing left to outlive.
Linkerd says that its wait must not be combined with native sidecars, since its `preStop` hook
would run at the start of the termination and use up the grace period."#,
    before: r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: search
spec:
  selector:
    matchLabels:
      app: search
  template:
    metadata:
      labels:
        app: search
      annotations:
        linkerd.io/inject: enabled
        config.alpha.linkerd.io/proxy-wait-before-exit-seconds: "20"
    spec:
      containers:
        - name: search
          image: registry.example.com/search/api:3.3.0
          command: ["/app/search", "--listen=:8080"]
          ports:
            - containerPort: 8080
"#,
    after: r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: search
spec:
  selector:
    matchLabels:
      app: search
  template:
    metadata:
      labels:
        app: search
      annotations:
        linkerd.io/inject: enabled
        # config.alpha.linkerd.io/… or config.beta.linkerd.io/… where Linkerd is older.
        config.linkerd.io/proxy-enable-native-sidecar: "true"
    spec:
      containers:
        - name: search
          image: registry.example.com/search/api:3.3.0
          command: ["/app/search", "--listen=:8080"]
          ports:
            - containerPort: 8080
"#,
    migrate: r#"With `--review`, the injector's own switch for native sidecars is set and the setting removed,
key by key inside annotations that hold other keys, and a note says what Istio's native proxy
does at deletion. Mesh-wide settings and those of Dapr and Consul are advice; a sidecar's own
drain flags stay."#,
    rests_on: &[&[Obligation::InjectorObeys]],
    sources: &[
        (
            "Linkerd: Proxy Configuration",
            "https://linkerd.io/2/reference/proxy-configuration",
        ),
        (
            "Add native sidecar support (linkerd/linkerd2#11465)",
            "https://github.com/linkerd/linkerd2/issues/11465",
        ),
        (
            "native sidecar drains immediately (istio/istio#60649)",
            "https://github.com/istio/istio/issues/60649",
        ),
        (
            "Per-pod native sidecar enablement (istio/istio#53452)",
            "https://github.com/istio/istio/issues/53452",
        ),
        (
            "Kubernetes: Sidecar Containers",
            "https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/",
        ),
    ],
};

pub(crate) fn check(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    for entry in pod.workload.pod_annotations() {
        annotation(entry, pod, findings);
    }
    for member in &pod.members {
        environment(pod, &member.container, findings);
        if member.role.role == Role::Sidecar && !member.role.declared {
            flags(pod, &member.container, findings);
            flags_in_scripts(pod, member, findings);
        }
    }
}

/// Mesh-wide settings.
pub(crate) fn check_object<'a>(object: &Object<'a>, sources: Sources<'a>, findings: &mut Vec<Finding>) {
    for mesh in embedded::mesh_settings(object, &mesh_keys()) {
        if is_off(&mesh.value) {
            continue;
        }
        findings.push(
            Draft::about(object, sources, &RULE, "the mesh delays the end of every proxy")
                .help("with native sidecars the kubelet ends the proxy after the app; drop this then")
                .severity(Severity::Info)
                .confidence(Confidence::High)
                .at_span(mesh.node, mesh.span, "for all proxies of the mesh")
                .by_hand("a setting of the whole mesh is its operator's decision")
                .finish(),
        );
    }
}

fn annotation<'a>(entry: Entry<'a>, pod: &Pod<'a>, findings: &mut Vec<Finding>) {
    let (Some(key), Some(value)) = (entry.key.as_str(), entry.value.as_str()) else {
        return;
    };
    // Where the proxy is native the setting is a leftover at most; a gateway's own drain is nobody's workaround.
    let is_of_no_sidecar = |injector: &Injector| {
        injector.is_kept_out(pod.workload) || pod.gets_natively(injector) || pod.is_gateway_of(injector)
    };
    if let Some(injector) = injector::of_settings(key) {
        if is_of_no_sidecar(injector) {
            return;
        }
        for setting in embedded::settings(entry.value) {
            let reader = reader(pod.catalogue, &setting.key);
            if reader == Some(injector.name) && !is_off(&setting.value) {
                let draft = draft(pod, &setting.key, injector.name)
                    .subject(Subject::setting(injector.name, &setting.key))
                    .at_span(entry.value, setting.span, "delays the proxy's end");
                findings.push(explain_exit_on_zero(draft, &setting.key, pod).finish());
            }
        }
        return;
    }
    let last = key.rsplit('/').next().unwrap_or(key);
    let Some(reader) = reader(pod.catalogue, last) else {
        return;
    };
    if is_off(value) || injector::by_name(reader).is_some_and(is_of_no_sidecar) {
        return;
    }
    let injector = injector::by_name(reader);
    let subject = match injector.filter(|injector| injector.excludes_drain) {
        Some(injector) => Subject::setting(injector.name, key),
        None => Subject::ByHand(
            format!("what replaces it depends on the version of {reader}, which is not in the manifest")
                .into(),
        ),
    };
    let mut draft = draft(pod, last, reader)
        .subject(subject)
        .at_entry(entry, "delays the proxy's end");
    if let Some(injector) = injector.filter(|injector| injector.excludes_drain)
        && let Some(switch) = injector.pod_switch.as_ref()
        && let Some(annotation) = injector.readable_switch(pod.installed(injector))
    {
        draft = draft.help(format!(
            "set {annotation}: {:?} and drop this: the two must not be combined",
            switch.value
        ));
    }
    // A wait as long as the grace period leaves no time: the stop always ends in SIGKILL.
    if let (Ok(wait), Some(grace)) = (value.parse::<i64>(), grace_period(pod))
        && wait >= grace
    {
        draft = draft.with_label(format!(
            "as long as the grace period of {grace} s: every stop ends in SIGKILL"
        ));
    }
    findings.push(draft.finish());
}

fn environment<'a>(pod: &Pod<'a>, container: &Container<'a>, findings: &mut Vec<Finding>) {
    // A gateway's proxy is the app.
    let words: Vec<&str> = container
        .arguments()
        .into_iter()
        .filter_map(Node::as_str)
        .collect();
    if pod
        .catalogue
        .of(container)
        .is_some_and(|known| known.is_gateway(&words))
    {
        return;
    }
    for variable in container.environment() {
        if let Some(reader) = reader(pod.catalogue, variable.name)
            && !injector::by_name(reader).is_some_and(|injector| pod.is_gateway_of(injector))
            && !is_off(variable.value.unwrap_or_default())
        {
            let draft = draft(pod, variable.name, reader)
                .by_hand("the variable is the proxy's own: where its settings come from decides")
                .container(container)
                .at(variable.node, "delays the proxy's end");
            findings.push(explain_exit_on_zero(draft, variable.name, pod).finish());
        }
    }
}

fn flags<'a>(pod: &Pod<'a>, container: &Container<'a>, findings: &mut Vec<Finding>) {
    let words: Vec<Node<'a>> = container
        .command()
        .into_iter()
        .chain(container.arguments())
        .collect();
    for word in words {
        if word.as_str().is_some_and(|text| is_flag(pod, text)) {
            findings.push(
                of_flag(pod, container)
                    .at(word, "delays the sidecar's end")
                    .finish(),
            );
        }
    }
}

/// The same flags of a program that a script starts: `sh -c 'sleep 5; exec cloud-sql-proxy --max-sigterm-delay=30s'`.
fn flags_in_scripts<'a>(pod: &Pod<'a>, member: &Member<'a>, findings: &mut Vec<Finding>) {
    let own = member.programs.iter();
    for program in own.filter(|program| program.place == ProgramPlace::Entrypoint) {
        let commands = program.script.iter().flat_map(|script| script.list.commands());
        let words = commands
            .filter_map(|visit| visit.simple())
            .flat_map(|simple| &simple.words);
        for word in words.filter(|word| is_flag(pod, &word.raw)) {
            findings.push(
                of_flag(pod, &member.container)
                    .at_text(program, word.span.clone(), "delays the sidecar's end")
                    .finish(),
            );
        }
    }
}

/// Whether a word is a flag by which a known sidecar delays its own end.
fn is_flag(pod: &Pod<'_>, word: &str) -> bool {
    let Some(flag) = word.strip_prefix('-') else {
        return false;
    };
    let name = flag.trim_start_matches('-').split('=').next().unwrap_or_default();
    pod.catalogue.delays_some_end(name)
}

fn of_flag<'a>(pod: &Pod<'a>, container: &Container<'a>) -> Draft<'a> {
    Draft::new(
        pod,
        &RULE,
        format!("{} delays its own end to outlive the app", container.name),
    )
    .help("harmless on a declared sidecar, which is ended after the app anyway; it may stay")
    .severity(Severity::Info)
    .confidence(Confidence::High)
    .container(container)
    .fine("the flag does no harm on a declared sidecar")
}

/// The injector whose proxy a setting delays.
fn reader<'c>(catalogue: &'c Catalogue, setting: &str) -> Option<&'c str> {
    if !catalogue.delays_some_end(setting) {
        return None;
    }
    catalogue
        .entries()
        .filter(|known| known.delays_its_end(setting))
        .find_map(|known| known.injector.as_deref())
}

/// The settings of proxies that a mesh's own configuration may hold.
fn mesh_keys() -> Vec<&'static str> {
    let of_meshes = Catalogue::built_in().entries().filter(|known| {
        let injector = known.injector.as_deref().and_then(injector::by_name);
        injector.is_some_and(|injector| injector.settings_annotation.is_some())
    });
    of_meshes
        .flat_map(|known| known.drain.iter().map(String::as_str))
        .collect()
}

fn draft<'a>(pod: &Pod<'a>, name: &str, reader: &str) -> Draft<'a> {
    let at_deletion = injector::by_name(reader).and_then(|injector| injector.at_deletion.as_ref());
    let help = match at_deletion.filter(|_| !pod.workload.runs_to_completion()) {
        Some(at_deletion) => format!(
            "a native sidecar is ended after the app; but {}: decide whether the time is still wanted then",
            at_deletion.what
        ),
        None => "as a native sidecar the proxy is ended after the app; this is not needed then".to_owned(),
    };
    Draft::new(
        pod,
        &RULE,
        format!("{name} delays the end of {reader}'s proxy so that it outlives the app"),
    )
    .help(help)
    .confidence(Confidence::High)
}

/// It acts only once SIGTERM has come, which a Job's proxy never gets.
fn explain_exit_on_zero<'a>(draft: Draft<'a>, name: &str, pod: &Pod<'a>) -> Draft<'a> {
    if sounds_like_an_end(name) && pod.workload.runs_to_completion() {
        draft.help(
            "this acts only after SIGTERM, so it does not end a Job; a native sidecar is ended by the kubelet",
        )
    } else {
        draft
    }
}

fn grace_period(pod: &Pod<'_>) -> Option<i64> {
    match pod.workload.pod_spec.get("terminationGracePeriodSeconds") {
        Some(seconds) => seconds.as_i64(),
        None => Some(30),
    }
}

fn is_off(value: &str) -> bool {
    matches!(value, "" | "0" | "0s" | "false" | "disabled")
}
