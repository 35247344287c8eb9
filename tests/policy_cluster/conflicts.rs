//! Pods that cannot be treated rightly, and what the server says of the policies themselves.

use serde_json::{Value, json};

use super::{Ground, kubectl, names, pod, sleeper, succeeded, text};

fn with_init(mut pod: Value, init: Value) -> Value {
    pod["spec"]["initContainers"] = init;
    pod
}

fn with_host_port(container: &str, port: u16) -> Value {
    let mut container = sleeper(container);
    container["ports"] = json!([{"containerPort": port, "hostPort": port}]);
    container
}

/// A native sidecar with a port of the node's that a regular container wants too.
fn clash() -> Value {
    let mut pod = pod("clash", "proxy", &["app"]);
    let mut native = with_host_port("native", 18_080);
    native["restartPolicy"] = json!("Always");
    pod["spec"]["containers"]
        .as_array_mut()
        .unwrap()
        .push(with_host_port("proxy", 18_080));
    with_init(pod, json!([native]))
}

/// What must be refused or left alone, and the reason.
fn conflicts() -> Vec<(Value, &'static str)> {
    vec![
        (
            pod("only", "app", &["app"]),
            "sidecars cannot be promoted: no regular container would be left besides app",
        ),
        (
            pod("all", "app,proxy", &["app", "proxy"]),
            "no regular container would be left besides app, proxy",
        ),
        (
            with_init(
                pod("init", "setup,proxy", &["app", "proxy"]),
                json!([sleeper("setup")]),
            ),
            "setup is an init container that runs to completion",
        ),
        (clash(), "a hostPort of proxy is another container's too"),
    ]
}

#[test]
fn conflicts_are_refused_where_asked_for() {
    let Some(mut ground) = Ground::new("deny") else {
        return;
    };
    ground.promote("deny", &["--on-conflict", "deny"]);
    for (pod, reason) in conflicts() {
        let mut refusal = String::new();
        // The policy that refuses may be read a moment later than the one that promotes.
        ground.until(reason, || {
            let answer = ground.kubectl(&["create", "--dry-run=server", "-f", "-"], &pod.to_string());
            refusal = text(&answer.stderr);
            !answer.status.success()
        });
        assert!(refusal.contains(reason), "{refusal}");
    }
    // What the API server refuses by itself stays refused: both names, and the same hostPort among regular ones.
    let mut ports = pod("ports", "proxy", &[]);
    ports["spec"]["containers"] = json!([with_host_port("app", 18_081), with_host_port("proxy", 18_081)]);
    let twice = with_init(
        pod("twice", "proxy", &["app", "proxy"]),
        json!([sleeper("proxy")]),
    );
    for pod in [ports, twice] {
        let answer = ground.kubectl(&["create", "--dry-run=server", "-f", "-"], &pod.to_string());
        assert!(
            text(&answer.stderr).contains("Duplicate value"),
            "{}",
            text(&answer.stderr)
        );
    }
}

#[test]
fn conflicts_are_left_alone_with_a_warning() {
    let Some(mut ground) = Ground::new("ignore") else {
        return;
    };
    ground.promote("ignore", &[]);
    for (pod, reason) in conflicts() {
        let mut warning = String::new();
        let mut stored = Value::Null;
        ground.until(reason, || {
            let answer = ground.kubectl(
                &["create", "--dry-run=server", "-o", "json", "-f", "-"],
                &pod.to_string(),
            );
            warning = text(&answer.stderr);
            stored = serde_json::from_slice(&answer.stdout).unwrap();
            warning.contains(reason)
        });
        assert!(warning.starts_with("Warning: "), "{warning}");
        for list in ["containers", "initContainers"] {
            assert_eq!(names(&stored, list), names(&pod, list));
        }
    }
}

#[test]
fn the_server_has_nothing_to_say_of_the_expressions() {
    let Some(mut ground) = Ground::new("types") else {
        return;
    };
    let arguments = [
        "--names",
        "daprd,agent",
        "--known",
        "--gate",
        "agent=readiness,daprd=none",
    ];
    ground.promote("types", &arguments);
    let policy = ground.policies[0].clone();
    let checked = ground.wait(&["validatingadmissionpolicy", &policy], |policy| {
        policy["status"]["observedGeneration"] == policy["metadata"]["generation"]
    });
    assert_eq!(
        checked["status"]["typeChecking"],
        json!({}),
        "{}",
        checked["status"]
    );
    // Warnings on a mutating policy come with the answer to its creation.
    let selector = ground.selector();
    let mut all = vec![
        "policy",
        "promote",
        "--policy-name",
        "never-stored",
        "--namespace-selector",
        &selector,
    ];
    all.extend(arguments);
    let printed = succeeded(super::sidecar(&all));
    let answer = kubectl(
        &["create", "--dry-run=server", "--validate=strict", "-f", "-"],
        &printed,
    );
    assert_eq!(text(&answer.stderr), "");
    assert_eq!(
        text(&answer.stdout).lines().count(),
        4,
        "{}",
        text(&answer.stdout)
    );
}

#[test]
fn a_hundred_containers_are_within_the_limits() {
    let Some(mut ground) = Ground::new("hundred") else {
        return;
    };
    ground.promote("hundred", &["--on-conflict", "deny"]);
    let sidecars: Vec<String> = (0..99).map(|index| format!("sidecar-{index}")).collect();
    let mut large = pod("large", &sidecars.join(","), &[]);
    let containers: Vec<Value> = sidecars
        .iter()
        .map(String::as_str)
        .chain(["app"])
        .enumerate()
        .map(|(index, name)| {
            let port = 20_000 + index;
            let mut container = sleeper(name);
            container["readinessProbe"] = json!({"tcpSocket": {"port": port}});
            container["ports"] = json!([
                {"containerPort": port, "hostPort": port},
                {"containerPort": port + 1000, "hostPort": port + 1000, "protocol": "UDP"},
            ]);
            container
        })
        .collect();
    large["spec"]["containers"] = Value::Array(containers);
    let stored = ground.dry_run(&large);
    assert_eq!(names(&stored, "initContainers"), sidecars);
    assert_eq!(names(&stored, "containers"), ["app"]);
    assert_eq!(
        stored["spec"]["initContainers"][98]["startupProbe"]["failureThreshold"],
        600
    );
}
