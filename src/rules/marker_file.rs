//! `marker-file`

use crate::{
    behaviour::{LinkKind, script::MarkerUse},
    workload::{ContainerList, HookKind, ProgramPlace, VolumeSource},
};

use crate::remedy::Obligation;

use super::{Confidence, Draft, Family, Finding, RuleInfo, Severity, Subject};
use crate::pod::{Member, Pod};

pub(crate) static RULE: RuleInfo = RuleInfo {
    name: "marker-file",
    family: Family::Completion,
    severity: Severity::Warning,
    summary: "The app writes a file when it is done, and the sidecar ends when it sees the file",
    what: r#"Two halves of one protocol on a shared `emptyDir`: a container creates a file when it ends
(`trap 'touch /signal/done' EXIT`, `app; touch …`), and another one only tests for the same
file (`-f`, `test -e`, `until`, `while`) and then exits or kills its child process. The paths
are compared after each container's own `mountPath` is resolved, a path whose directory a variable
names by where both containers take the variable from. A script that waits by `inotifywait` for
a change of the file's directory counts too.

A lone reader is reported with less confidence, since the writer may be in the app's image. A
lone writer of a Job, on a volume that nobody else here has, is an `info`: a sidecar that is added
later may look for the file. A
helper that waits for the app's end in order to *work* then, such as an uploader that reads
the app's exit code and stores its logs, is no sidecar and is left alone."#,
    why: r#"An EXIT trap does not run when the app's container is killed by SIGKILL or for its memory: the
file is never written, the sidecar polls for ever and the Job never completes, in just the
case that somebody has to notice. The sidecar needs a shell, a background process and a
`kill`, so its distroless image had to be replaced, and its own crash is masked by the script
around it. Under `restartPolicy: OnFailure` the file of a failed first attempt has ended the
sidecar before the second one begins.

The kubelet ends a native sidecar when the app has ended, however it ended, and neither image
needs a shell for it. Half a migration is worse than none: a native sidecar that still exits
at the file is restarted, finds the old file and exits again, in `CrashLoopBackOff`."#,
    before: r#"apiVersion: batch/v1
kind: Job
metadata:
  name: nightly-report
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: report
          image: registry.example.com/reports/nightly:5.2.1
          command: ["/bin/sh", "-c"]
          args:
            - |
              trap 'touch /signal/done' EXIT
              /app/report --statsd=127.0.0.1:9125
          volumeMounts:
            - {name: signal, mountPath: /signal}
        - name: statsd-exporter
          image: docker.io/prom/statsd-exporter:v0.28.0
          command: ["/bin/sh", "-c"]
          args:
            - |
              /bin/statsd_exporter --statsd.listen-udp=:9125 &
              pid=$!
              while [ ! -f /signal/done ]; do sleep 1; done
              kill $pid
          ports:
            - containerPort: 9102
          volumeMounts:
            - {name: signal, mountPath: /signal}
      volumes: [{name: signal, emptyDir: {}}]
"#,
    after: r#"apiVersion: batch/v1
kind: Job
metadata:
  name: nightly-report
spec:
  template:
    spec:
      restartPolicy: Never
      initContainers:
        - name: statsd-exporter
          image: docker.io/prom/statsd-exporter:v0.28.0
          restartPolicy: Always
          command: ["/bin/statsd_exporter", "--statsd.listen-udp=:9125"]
          ports:
            - containerPort: 9102
      containers:
        - name: report
          image: registry.example.com/reports/nightly:5.2.1
          command: ["/app/report", "--statsd=127.0.0.1:9125"]
"#,
    migrate: r#"Both halves are removed, the sidecar's own command is restored and the sidecar declared; the
volume goes with them when nothing else uses it. Safe where both halves are visible, are each
other's exact inverse, and the path occurs nowhere else; advice where the writer or the reader
is inside an image."#,
    rests_on: &[
        &Obligation::OF_DECLARATIONS,
        &[Obligation::ScriptIsWhole, Obligation::ResultIsKept],
    ],
    sources: &[
        (
            "Terminating Sidecar after Kubernetes Job (GoogleCloudPlatform/cloud-sql-proxy#262)",
            "https://github.com/GoogleCloudPlatform/cloud-sql-proxy/issues/262",
        ),
        (
            "Better support for sidecar containers in batch jobs (kubernetes/kubernetes#25908)",
            "https://github.com/kubernetes/kubernetes/issues/25908",
        ),
        (
            "Kubernetes: Sidecar Containers",
            "https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/",
        ),
        (
            "KEP-753: Sidecar Containers",
            "https://github.com/kubernetes/enhancements/tree/master/keps/sig-node/753-sidecar-containers",
        ),
    ],
};

pub(crate) fn check(pod: &Pod<'_>, findings: &mut Vec<Finding>) {
    for (at, link) in pod.links.all.iter().enumerate() {
        let LinkKind::EndsOnFile(test, writers) = &link.kind else {
            continue;
        };
        let Some((member, program)) = pod.program(link.container, link.program) else {
            continue;
        };
        // A hook that looks for a file delays the end; sidecar-prestop-delay says so.
        if member.role.declared || program.place == ProgramPlace::Hook(HookKind::PreStop) {
            continue;
        }
        let app = pod.party_name(&link.other);
        let is_probe = matches!(program.place, ProgramPlace::Probe(_));
        let confidence = match !is_probe && writers.is_empty() {
            true => Confidence::Medium,
            false => Confidence::High,
        };
        let mut draft = Draft::new(
            pod,
            &RULE,
            format!(
                "{} ends when {app} has written {}",
                crate::pod::quoted(member.container.name),
                crate::pod::shown_path(program, &test.file)
            ),
        )
        .help(format!(
            "declare {} a sidecar and {}: the kubelet ends it after the app, even one that was killed",
            crate::pod::quoted(member.container.name),
            if is_probe {
                "drop its probe of the file"
            } else {
                "run its command directly"
            }
        ))
        .confidence(confidence)
        .container(&member.container)
        .at_text(program, test.span.clone(), "looks for the file")
        .subject(Subject::Link(at));
        for writer in writers {
            if let Some((_, theirs)) = pod.program(writer.container, writer.program) {
                let label = if writer.marker.trap.is_some() {
                    "writes it when it ends"
                } else {
                    "writes it"
                };
                draft = draft.with_text(theirs, writer.marker.span.clone(), label);
            }
        }
        findings.push(draft.finish());
    }
    for (index, member) in pod.members.iter().enumerate() {
        findings.extend(told_by_environment(pod, index, member));
        findings.extend(written_for_nobody(pod, index, member));
    }
}

/// A file that a Job's app makes when it ends, on an empty volume that nobody else here has: who looks for it is added to
/// the pod later, or was there once.
fn written_for_nobody(pod: &Pod<'_>, index: usize, member: &Member<'_>) -> Option<Finding> {
    let is_app = member.container.list == ContainerList::Regular && !member.role.declared;
    if !is_app || !pod.workload.runs_to_completion() {
        return None;
    }
    let is_named_once = |path: &str| {
        let programs = pod.members.iter().flat_map(|member| &member.programs);
        let in_programs: usize = programs.map(|program| program.text.matches(path).count()).sum();
        let containers = pod.members.iter().map(|member| &member.container);
        let mut variables = containers.flat_map(|container| container.environment());
        in_programs == 1
            && !variables.any(|variable| variable.value.is_some_and(|value| value.contains(path)))
    };
    let is_alone = |path: &str| {
        let volume = pod.workload.volume_of_file(&member.container, path);
        volume.is_some_and(|(volume, _)| {
            let mut others = pod
                .members
                .iter()
                .enumerate()
                .filter(|(other, _)| *other != index);
            matches!(volume.source, VolumeSource::EmptyDirectory)
                && !others.any(|(_, other)| other.container.mounts().any(|mount| mount.volume == volume.name))
        })
    };
    let (at, program) = Pod::entrypoint(member)?;
    let marker = pod.links.facts(index, at)?.markers.iter().find(|marker| {
        let path = marker.file.path.as_deref().unwrap_or_default();
        marker.usage == MarkerUse::Written
            && marker.is_at_end()
            && !marker.is_output
            && !marker.is_in_loop
            && is_named_once(path)
            && is_alone(path)
    })?;
    Some(
        Draft::new(
            pod,
            &RULE,
            format!(
                "{} writes {} when it ends, and nobody here reads it",
                crate::pod::quoted(member.container.name),
                crate::pod::shown_path(program, &marker.file)
            ),
        )
        .help(
            "where a sidecar that is added later looks for it, declare that one a sidecar and drop the file",
        )
        .severity(Severity::Info)
        .confidence(Confidence::Low)
        .container(&member.container)
        .at_text(program, marker.span.clone(), "writes it when it ends")
        .by_hand("who looks for the file is not in this input")
        .finish(),
    )
}

/// The program in the image is told the file by a variable (`KILLER_WATCH_FILE`), and another container writes
/// that file when it ends.
fn told_by_environment(pod: &Pod<'_>, index: usize, member: &Member<'_>) -> Option<Finding> {
    // What its script does with the file is said already.
    let is_seen = pod
        .links
        .all
        .iter()
        .any(|link| link.container == index && matches!(link.kind, LinkKind::EndsOnFile(..)));
    if member.role.declared || member.container.list != ContainerList::Regular || is_seen {
        return None;
    }
    member.container.environment().find_map(|variable| {
        let path = variable.value.filter(|value| value.starts_with('/'))?;
        let (volume, relative) = pod.workload.volume_of_file(&member.container, path)?;
        let (app, program, write) = pod
            .members
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != index)
            .find_map(|(other, app)| {
                app.programs.iter().enumerate().find_map(|(at, program)| {
                    let facts = pod.links.facts(other, at)?;
                    let write = facts.markers.iter().find(|marker| {
                        let path = marker.file.path.as_deref().unwrap_or_default();
                        let same = pod
                            .workload
                            .volume_of_file(&app.container, path)
                            .is_some_and(|(theirs, path)| theirs.name == volume.name && path == relative);
                        same && !matches!(marker.usage, MarkerUse::Tested { .. }) && marker.is_at_end()
                    })?;
                    Some((app, program, write.span.clone()))
                })
            })?;
        Some(
            Draft::new(
                pod,
                &RULE,
                format!(
                    "{} is told to watch a file that {} writes when it ends",
                    crate::pod::quoted(member.container.name),
                    crate::pod::quoted(app.container.name)
                ),
            )
            .help(format!(
                "declare {} a sidecar: the kubelet ends it after the app",
                crate::pod::quoted(member.container.name)
            ))
            .confidence(Confidence::Medium)
            .container(&member.container)
            .at(variable.node, "the file it watches")
            .with_text(program, write, "writes it")
            .by_hand("what the image does with the file is not in the manifest")
            .finish(),
        )
    })
}
