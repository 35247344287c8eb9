//! `wrapper-binary`

use std::{borrow::Cow, collections::BTreeSet};

use crate::{
    behaviour::action::{Values, classify_simple},
    catalogue::wrapper::{Tie, WRAPPERS, Wrapper},
    shell::{Simple, Span, Variable, Word},
    workload::{Container, EnvironmentVariable, Program},
    yaml::Node,
};

use crate::remedy::Obligation;

use super::{Confidence, Draft, Family, Finding, RuleInfo, Severity, Subject};
use crate::pod::{Member, Pod, Work, stops_another, work};

pub(crate) static RULE: RuleInfo = RuleInfo {
    name: "wrapper-binary",
    family: Family::Wrappers,
    severity: Severity::Warning,
    summary: "A program around the app or the sidecar that waits for, or ends, the other one",
    what: r#"A program that is put in front of the real command to tie it to another container: `kubexit`,
`scuttle`, `envoy-preflight`, `linkerd-await`, `watchkiller`, `proa`. It
is found as the first word of `command` or `args` (or behind an init such as `tini`), inside a
script, and by its settings: `KUBEXIT_*`, `ENVOY_ADMIN_API`, `ISTIO_QUIT_API`,
`LINKERD_AWAIT_*` and others.

Where only the settings are there, the wrapper must be in the image, or it was removed and
left them behind; the finding then has less confidence. General init programs (`tini`,
`dumb-init`) are no sidecar wrappers and are left alone, and so is a wrapper that its own variable
switches off (`LINKERD_AWAIT_DISABLED`). `scuttle` without an address only runs its command: that is
an info. `linkerd-await --shutdown echo` behind the work is a call, which `quit-endpoint` is about."#,
    why: r#"A binary of a small project becomes process 1 of every app that has a proxy; some of them are
no longer maintained. It has to be built into each image or copied there by an init container,
kubexit needs a service account that may watch pods, and each has its own idea of exit codes,
signals and retries. A SIGKILL or an OOM kill of the container takes the wrapper along: it
cannot tell the sidecar, and the Job hangs after all.

Start order, the wait for readiness and the end after the app are what the kubelet does for a
native sidecar. The app's command is then the app's command. A wrapper that is left in place
still quits the sidecar at the end, and the kubelet restarts it."#,
    before: r#"apiVersion: batch/v1
kind: Job
metadata:
  name: sync-catalog
spec:
  template:
    metadata:
      labels:
        sidecar.istio.io/inject: "true"
    spec:
      restartPolicy: Never
      containers:
        - name: sync
          image: registry.example.com/shop/catalog-sync:2.2.5
          command: ["scuttle", "/app/sync", "--full"]
          env:
            - name: ENVOY_ADMIN_API
              value: http://127.0.0.1:15000
            - name: ISTIO_QUIT_API
              value: http://127.0.0.1:15020
            - name: CATALOG_URL
              value: http://catalog.shop.svc.cluster.local
"#,
    after: r#"apiVersion: batch/v1
kind: Job
metadata:
  name: sync-catalog
spec:
  template:
    metadata:
      labels:
        sidecar.istio.io/inject: "true"
      annotations:
        sidecar.istio.io/nativeSidecar: "true"
    spec:
      restartPolicy: Never
      containers:
        - name: sync
          image: registry.example.com/shop/catalog-sync:2.2.5
          command: ["/app/sync", "--full"]
          env:
            - name: CATALOG_URL
              value: http://catalog.shop.svc.cluster.local
"#,
    migrate: r#"The command is unwrapped, the wrapper's env goes, and so do the init container and the volume
that brought it when nothing else uses them; the sidecar is declared, or the injector's switch
set with `--review`. Safe where wrapper and sidecar both stand in the manifest, review where
it is part of a script, and only advice where it is the image's own entrypoint. RBAC that it
needed is left to a person."#,
    rests_on: &[&Obligation::OF_DECLARATIONS, &[Obligation::InjectorObeys]],
    sources: &[
        ("karlkfi/kubexit", "https://github.com/karlkfi/kubexit"),
        ("redboxllc/scuttle", "https://github.com/redboxllc/scuttle"),
        (
            "linkerd/linkerd-await",
            "https://github.com/linkerd/linkerd-await",
        ),
        (
            "Better support for sidecar containers in batch jobs (istio/istio#6324)",
            "https://github.com/istio/istio/issues/6324",
        ),
        (
            "Kubernetes: Sidecar Containers",
            "https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/",
        ),
    ],
};

pub(crate) fn check(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    for (index, member) in pod.members.iter().enumerate() {
        // One that is switched off only runs its command.
        let works = |wrapper: &Wrapper| !matches!(work(&member.container, wrapper), Work::Disabled(_));
        let run = Run::of(member);
        let visible: Vec<_> = WRAPPERS
            .iter()
            .filter_map(|wrapper| Some((wrapper, run.as_ref()?.place_of(wrapper)?)))
            .filter(|(wrapper, _)| works(wrapper))
            .map(|(wrapper, place)| in_words(pod, index, member, wrapper, place))
            .collect();
        let variables: Vec<EnvironmentVariable<'_>> = member.container.environment().collect();
        // Hardly any container has a setting of one.
        let is_setting = |variable: &EnvironmentVariable<'_>| Wrapper::of_setting(variable.name).is_some();
        if visible.is_empty() && variables.iter().any(is_setting) {
            let all: Vec<&Wrapper> = WRAPPERS.iter().filter(|wrapper| works(wrapper)).collect();
            let hidden = configured(&variables, &all)
                .into_iter()
                .filter_map(|wrappers| in_environment(pod, &member.container, &variables, &wrappers));
            findings.extend(hidden);
        }
        findings.extend(visible);
    }
}

/// The programs that an entrypoint runs, looked for once for all wrappers.
struct Run<'m, 'a> {
    program: &'m Program<'a>,
    /// The first word that is no init program's. A word further back is an argument: `cp /kubexit /shared`.
    first: Option<Node<'a>>,
    /// The commands of its script, each with the word that names its program, and that name.
    commands: Vec<(&'m Simple, &'m Word, Cow<'m, str>)>,
}

/// Where a wrapper stands.
enum Place<'m, 'a> {
    Word(Node<'a>),
    Script(&'m Program<'a>, Span),
}

impl<'m, 'a> Run<'m, 'a> {
    fn of(member: &'m Member<'a>) -> Option<Self> {
        let (_, program) = Pod::entrypoint(member)?;
        let is_init = |node: &&Node<'_>| {
            node.as_str().is_some_and(|word| {
                matches!(word.rsplit('/').next(), Some("tini" | "dumb-init" | "--" | "-g"))
            })
        };
        let script = program.script.as_ref().filter(|_| program.is_shell());
        let visits = script.into_iter().flat_map(|script| script.list.commands());
        let commands = visits.filter_map(|visit| visit.simple()).filter_map(|simple| {
            let word = simple.words.get(crate::shell::command_index(&simple.words))?;
            Some((simple, word, word.literal()?))
        });
        Some(Self {
            program,
            first: program.words.iter().find(|node| !is_init(node)).copied(),
            commands: commands.collect(),
        })
    }

    fn place_of(&self, wrapper: &Wrapper) -> Option<Place<'m, 'a>> {
        let is_it = |word: &str| {
            wrapper
                .programs
                .contains(&word.rsplit('/').next().unwrap_or(word))
        };
        if let Some(first) = self.first.filter(|node| node.as_str().is_some_and(is_it)) {
            return Some(Place::Word(first));
        }
        // Around a command that does nothing it is a call, and `quit-endpoint`'s.
        let is_call = |simple: &Simple| {
            let unset = |_: &str| Variable::Unset;
            classify_simple(simple, &Values::new(&unset)).http().is_some()
        };
        let mut named = self.commands.iter().filter(|(_, _, name)| is_it(name));
        let (_, word, _) = named.find(|(simple, _, _)| !is_call(simple))?;
        Some(Place::Script(self.program, word.span.clone()))
    }
}

/// The wrapper is a word of the entrypoint, or of a script in it.
fn in_words<'a>(
    pod: &Pod<'a>,
    index: usize,
    member: &Member<'a>,
    wrapper: &Wrapper,
    place: Place<'_, 'a>,
) -> Finding {
    let is_idle = work(&member.container, wrapper) == Work::Idle;
    let draft = Draft::new(pod, &RULE, message(member, wrapper)).container(&member.container);
    let draft = match is_idle {
        true => draft
            .help("run the command itself")
            .severity(Severity::Info)
            .confidence(Confidence::Medium),
        false => draft.help(help(wrapper)).confidence(Confidence::High),
    };
    let subject = match is_idle {
        true => Subject::ByHand("whether the image sets its address is not in the manifest".into()),
        false => Subject::Wrapper(index),
    };
    let draft = match place {
        Place::Word(word) => draft.at(word, "the wrapper"),
        Place::Script(program, span) => draft.at_text(program, span, "the wrapper, inside the script"),
    };
    with_settings(draft, &member.container, wrapper)
        .subject(subject)
        .finish()
}

/// The wrappers that variables are settings of. Some have settings of the same names: one that reads a part of what
/// another reads is not meant, and several that read the same are told apart by nothing.
fn configured(
    variables: &[EnvironmentVariable<'_>],
    wrappers: &[&'static Wrapper],
) -> Vec<Vec<&'static Wrapper>> {
    let read_by = |wrapper: &Wrapper| -> BTreeSet<&str> {
        let names = variables.iter().map(|variable| variable.name);
        names.filter(|name| wrapper.reads(name)).collect()
    };
    let mut all: Vec<(BTreeSet<&str>, Vec<&'static Wrapper>)> = Vec::new();
    for wrapper in wrappers {
        let read = read_by(wrapper);
        match all.iter_mut().find(|(own, _)| *own == read) {
            Some((_, same)) => same.push(wrapper),
            None => all.push((read, vec![wrapper])),
        }
    }
    let sets: Vec<BTreeSet<&str>> = all.iter().map(|(read, _)| read.clone()).collect();
    let is_meant = |read: &BTreeSet<&str>| {
        !read.is_empty()
            && !sets
                .iter()
                .any(|other| other.len() > read.len() && other.is_superset(read))
    };
    all.retain(|(read, _)| is_meant(read));
    all.into_iter().map(|(_, wrappers)| wrappers).collect()
}

/// Only its settings are there: the wrapper is the image's entrypoint, or was removed and left them behind.
fn in_environment(
    pod: &Pod<'_>,
    container: &Container<'_>,
    variables: &[EnvironmentVariable<'_>],
    wrappers: &[&Wrapper],
) -> Option<Finding> {
    let reads = |name: &str| wrappers.iter().any(|wrapper| wrapper.reads(name));
    let first = variables.iter().find(|variable| reads(variable.name))?;
    let names: Vec<&str> = wrappers.iter().map(|wrapper| wrapper.name).collect();
    let names = names.join(" or ");
    Some(
        Draft::new(
            pod,
            &RULE,
            format!(
                "{} is configured for {names}, which must be in its image",
                container.name
            ),
        )
        .help("declare the sidecar, then drop these settings and build the image without the wrapper")
        .confidence(Confidence::Medium)
        .container(container)
        .at(first.node, format!("read by {names}"))
        .by_hand("the wrapper is in the image, where no manifest can remove it")
        .finish(),
    )
}

fn with_settings<'a>(mut draft: Draft<'a>, container: &Container<'a>, wrapper: &Wrapper) -> Draft<'a> {
    for variable in container
        .environment()
        .filter(|variable| wrapper.reads(variable.name))
    {
        draft = draft.with(variable.node, "its setting");
    }
    draft
}

fn message(member: &Member<'_>, wrapper: &Wrapper) -> String {
    if let (Work::Idle, Some(address)) = (work(&member.container, wrapper), wrapper.idle_without.first()) {
        return format!(
            "{} wraps {} and only runs it, unless the image sets {address}",
            wrapper.name, member.container.name
        );
    }
    let does = match wrapper.ends {
        Tie::Told(_) if stops_another(member) => format!("{}, and stops the proxy after it", wrapper.does),
        _ => wrapper.does.to_owned(),
    };
    format!("{} wraps {} and {does}", wrapper.name, member.container.name)
}

fn help(wrapper: &Wrapper) -> String {
    format!(
        "declare the sidecar and run the command itself; {} and its settings go",
        wrapper.name
    )
}
