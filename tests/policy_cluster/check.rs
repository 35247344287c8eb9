//! `policy check`, `install` and `remove`, by the binary.

use std::process::Output;

use serde_json::{Value, json};

use super::{
    Ground, assert_promoted, has_policies, kubectl, pod, schema::fits, sidecar, sleeper, succeeded, text,
};

/// What a run printed.
fn said(output: &Output) -> String {
    text(&output.stdout) + &text(&output.stderr)
}

#[track_caller]
fn assert_says(output: &str, sentences: &[&str]) {
    for sentence in sentences {
        assert!(output.contains(sentence), "{sentence:?} is not in\n{output}");
    }
}

impl Ground {
    fn policy(&self, arguments: &[&str]) -> Output {
        let name = format!("own-{}", self.name);
        let mut all = vec!["policy"];
        all.extend(arguments);
        all.extend(["--policy-name", &name]);
        sidecar(&all)
    }

    fn check(&self, arguments: &[&str]) -> Output {
        let mut all = vec!["check", "-n", &self.name];
        all.extend(arguments);
        self.policy(&all)
    }
}

/// A Deployment with this pod, whose containers ask for what a quota wants to know.
fn deployment(name: &str, pod: Value, replicas: u32) -> Value {
    let mut pod = with_requests(pod);
    pod["metadata"].as_object_mut().unwrap().remove("name");
    pod["metadata"]["labels"] = json!({"app": name});
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": {
        "replicas": replicas, "selector": {"matchLabels": {"app": name}},
        "template": {"metadata": pod["metadata"], "spec": pod["spec"]}}})
}

fn asks(name: &str, memory: &str) -> Value {
    let mut container = sleeper(name);
    container["resources"] = json!({"requests": {"memory": memory}});
    container
}

/// Workloads that are promoted, that are not, that cannot be, and that grow.
fn furnish(ground: &Ground) {
    ground.create(&deployment("plain", pod("x", "", &["app", "proxy"]), 0));
    let mut gated = pod("x", "proxy", &["app", "proxy"]);
    gated["spec"]["containers"][0]["ports"] = json!([{"containerPort": 8080}]);
    gated["spec"]["containers"][1]["readinessProbe"] = json!({"httpGet": {"port": 9000}});
    ground.create(&deployment("gated", gated.clone(), 0));
    gated["spec"]["containers"][1]["readinessProbe"] = json!({"httpGet": {"port": 8080}});
    ground.create(&deployment("circle", gated, 0));
    ground.create(&deployment("only", pod("x", "app", &["app"]), 0));
    let mut large = pod("x", "proxy", &[]);
    large["spec"]["containers"] = json!([asks("app", "2Mi"), asks("proxy", "10Mi")]);
    large["metadata"]["annotations"]["kubectl-sidecar/position"] = json!("first");
    large["spec"]["initContainers"] = json!([asks("prepare", "50Mi")]);
    let mut cron = deployment("grows", large, 0);
    let template = cron["spec"]["template"].take();
    let mut template = template;
    template["spec"]["restartPolicy"] = json!("Never");
    ground.create(&json!({"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "grows"},
        "spec": {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": {"parallelism": 3, "template": template}}}}));
    ground.create(
        &json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "small"},
        "spec": {"hard": {"requests.memory": "20Mi"}}}),
    );
    ground.wait(&["resourcequota", "small"], |quota| {
        !quota["status"]["hard"].is_null()
    });
}

#[test]
fn a_check_says_what_would_be_done_and_a_policy_does_it() {
    let Some(mut ground) = Ground::new("check") else {
        return;
    };
    furnish(&ground);
    let name = format!("own-{}", ground.name);
    let selector = ground.selector();

    let before = ground.check(&["--diff", "--gate", "proxy=readiness"]);
    let output = said(&before);
    assert_says(
        &output,
        &[
            "which has MutatingAdmissionPolicy",
            "rights: you may install and remove policies",
            &format!("installed: no policy {name}; this is what it would do"),
            &format!(
                "{}: Deployment gated\n  initContainers: none → proxy\n  containers: app, proxy → app\n  the app starts when proxy is ready",
                ground.name
            ),
            "DEADLOCK: proxy is ready when the app is, and the app would start when proxy is ready; --gate proxy=none",
            "its pods stay as they are: no regular container would be left besides app",
            &format!(
                "{}: CronJob grows\n  initContainers: prepare → proxy, prepare",
                ground.name
            ),
            "requests.memory: 50Mi → 60Mi",
            "quota small allows 20Mi of requests.memory, 0 is used, and promotion adds 30Mi",
            "+    restartPolicy: Always",
            "3 of 5 workloads have pods that are promoted, 1 has pods that cannot be",
        ],
    );
    assert!(!output.contains("Deployment plain"), "{output}");
    assert_eq!(before.status.code(), Some(1));
    let as_json = ground.check(&["-o", "json", "--gate", "proxy=readiness"]);
    assert_eq!(as_json.status.code(), Some(1));
    let report: Value = serde_json::from_slice(&as_json.stdout).unwrap();
    let schema: Value = serde_json::from_str(include_str!("../../schemas/policy-check.v1.json")).unwrap();
    fits(&schema, &report, &schema).unwrap();
    assert_eq!(report["missingRights"], json!([]));
    assert_eq!(
        report["promotion"]["options"]["gates"],
        json!({"proxy": "readiness"})
    );
    assert_eq!(
        report["quotas"],
        json!([format!(
            "{}: quota small allows 20Mi of requests.memory, 0 is used, and promotion adds 30Mi",
            ground.name
        )])
    );
    let workloads = report["workloads"].as_array().unwrap();
    let named = |name: &str| {
        workloads
            .iter()
            .find(|workload| workload["name"] == name)
            .unwrap()
    };
    assert_eq!(named("circle")["deadlocks"], json!(["proxy"]));
    assert_eq!(
        named("grows")["resources"],
        json!({"requests.memory": {"before": "50Mi", "after": "60Mi"}})
    );
    // Nothing was changed.
    assert!(ground.get(&["mutatingadmissionpolicy", &name]).is_null());

    let arguments = ["install", "promote", "--namespace-selector", &selector];
    let unanswered = ground.policy(&arguments);
    assert_eq!(unanswered.status.code(), Some(2));
    assert_says(
        &said(&unanswered),
        &[
            "+kind: MutatingAdmissionPolicy",
            "There is no terminal to ask in: nothing was changed. --yes answers beforehand",
        ],
    );
    assert!(ground.get(&["mutatingadmissionpolicy", &name]).is_null());
    ground.policies.push(name.clone());
    let mut with_yes = arguments.to_vec();
    with_yes.push("--yes");
    let installed = succeeded(ground.policy(&with_yes));
    assert_says(
        &installed,
        &[
            &format!("MutatingAdmissionPolicyBinding {name}: installed"),
            "Running pods stay as they are",
        ],
    );
    ground.until("the policy", || {
        let answer = ground.dry_run(&with_requests(pod("probe", "proxy", &["app", "proxy"])));
        !answer["spec"]["initContainers"].is_null()
    });

    let after = said(&ground.check(&[]));
    assert_says(
        &after,
        &[
            &format!("installed: {name}, in step with this version"),
            "Deployment gated\n  initContainers: none → proxy\n  containers: app, proxy → app\n  the app starts when proxy is ready",
            "Deployment circle\n  initContainers: none → proxy\n  containers: app, proxy → app\n\n",
            "requests.memory: 50Mi → 60Mi",
        ],
    );
    assert!(!after.contains("DEADLOCK"), "{after}");
    assert_says(
        &succeeded(ground.policy(&with_yes)),
        &["nothing to do: it is installed as this version prints it"],
    );

    // Somebody changes it by hand.
    let patch = r#"{"spec":{"failurePolicy":"Fail"}}"#;
    succeeded(ground.kubectl(
        &[
            "patch",
            "mutatingadmissionpolicy",
            &name,
            "--type=merge",
            "-p",
            patch,
        ],
        "",
    ));
    let changed = ground.check(&[]);
    assert_eq!(changed.status.code(), Some(1));
    assert_says(
        &said(&changed),
        &[&format!(
            "installed: {name}, changed since this version made it; `"
        )],
    );
    assert_says(
        &succeeded(ground.policy(&with_yes)),
        &["-  failurePolicy: Fail", "+  failurePolicy: Ignore"],
    );

    let unanswered = ground.policy(&["remove"]);
    assert_eq!(unanswered.status.code(), Some(2));
    assert!(ground.get(&["mutatingadmissionpolicy", &name]).is_object());
    let removed = succeeded(ground.policy(&["remove", "--yes"]));
    assert_says(
        &removed,
        &[
            &format!("- mutatingadmissionpolicies/{name}"),
            "removed. Running pods stay as they are",
        ],
    );
    assert!(ground.get(&["mutatingadmissionpolicy", &name]).is_null());
    assert_says(
        &succeeded(ground.policy(&["remove", "--yes"])),
        &["nothing to do: no policy of this program's is installed"],
    );
}

/// The quota of the namespace asks for a request.
fn with_requests(mut pod: Value) -> Value {
    for container in pod["spec"]["containers"].as_array_mut().unwrap() {
        if container["resources"].is_null() {
            container["resources"] = json!({"requests": {"memory": "1Mi"}});
        }
    }
    pod
}

#[test]
fn what_kubectl_has_applied_is_installed_over_with_other_options() {
    let Some(mut ground) = Ground::new("over") else {
        return;
    };
    // By `kubectl apply`, whose fields an apply by another would only add to.
    ground.promote("over", &["--names", "proxy"]);
    let name = ground.policies[0].clone();
    let selector = ground.selector();
    let label = ["label", "mutatingadmissionpolicy", &name, "team=a"];
    succeeded(kubectl(&label, ""));
    let deny = [
        "install",
        "promote",
        "--yes",
        "--on-conflict",
        "deny",
        "--policy-name",
        &name,
        "--namespace-selector",
        &selector,
    ];
    let arguments: Vec<&str> = ["policy"].into_iter().chain(deny).collect();
    let installed = succeeded(sidecar(&arguments));
    assert_says(
        &installed,
        &[
            "-  validationActions: [Warn, Audit]",
            "+  validationActions: [Deny]",
        ],
    );
    assert_says(&succeeded(sidecar(&arguments)), &["nothing to do"]);
    let check = ["policy", "check", "-n", &ground.name, "--policy-name", &name];
    assert_says(&said(&sidecar(&check)), &["in step with this version"]);
    // What others have noted on it stays.
    let policy = ground.get(&["mutatingadmissionpolicy", &name]);
    assert_eq!(policy["metadata"]["labels"]["team"], "a");
    ground.until("refusal", || {
        let answer = ground.kubectl(
            &["create", "--dry-run=server", "-f", "-"],
            &pod("only", "app", &["app"]).to_string(),
        );
        text(&answer.stderr).contains("no regular container would be left besides app")
            && !answer.status.success()
    });
}

#[test]
fn a_policy_of_somebody_elses_is_not_overwritten() {
    let Some(mut ground) = Ground::new("foreign") else {
        return;
    };
    let name = format!("own-{}", ground.name);
    let selector = ground.selector();
    let printed = succeeded(ground.policy(&["promote", "--namespace-selector", &selector]));
    ground.policies.push(name.clone());
    let foreign = printed.replace(
        "app.kubernetes.io/managed-by: kubectl-sidecar",
        "app.kubernetes.io/managed-by: somebody",
    );
    succeeded(ground.kubectl(&["apply", "-f", "-"], &foreign));
    let answer = ground.policy(&["install", "promote", "--yes", "--namespace-selector", &selector]);
    assert_eq!(answer.status.code(), Some(3));
    assert_says(
        &said(&answer),
        &[&format!(
            "MutatingAdmissionPolicy {name} is there already, and was not made by kubectl-sidecar"
        )],
    );
}

#[test]
fn whoever_may_not_is_told_so() {
    let Some(ground) = Ground::new("rights") else {
        return;
    };
    let answer = ground.policy(&["check", "-n", &ground.name, "--as", "nobody-in-particular"]);
    assert_says(&said(&answer), &["forbidden"]);
    assert_eq!(answer.status.code(), Some(3));
    let answer = ground.policy(&["install", "promote", "--yes", "--as", "nobody-in-particular"]);
    assert_says(&said(&answer), &["forbidden"]);
    assert_eq!(answer.status.code(), Some(3));
}

#[test]
fn bare_pods_and_owned_objects_are_looked_at_once() {
    let Some(mut ground) = Ground::new("once") else {
        return;
    };
    ground.create(&deployment("web", pod("x", "proxy", &["app", "proxy"]), 1));
    ground.create(&pod("bare", "proxy", &["app", "proxy"]));
    ground.wait(&["pods", "-l", "app=web"], |pods| {
        pods["items"].as_array().is_some_and(|items| !items.is_empty())
    });
    let output = said(&ground.check(&[]));
    assert_says(
        &output,
        &[
            "Deployment web",
            "Pod bare",
            "2 of 2 workloads have pods that are promoted",
        ],
    );
    ground.promote("once", &[]);
    ground.kubectl(&["delete", "pod", "bare", "--force", "--grace-period=0"], "");
    ground.create(&pod("bare", "proxy", &["app", "proxy"]));
    assert_promoted(&ground.get(&["pod", "bare"]), &["proxy"], &["app"]);
}

/// A custom resource with two pod templates, as Ray's has, of a group of its own that goes with the test.
struct Fleets {
    name: String,
}

impl Fleets {
    fn establish(ground: &Ground) -> Self {
        let fleets = Self {
            name: format!("fleets.{}.example.com", ground.name),
        };
        let open = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
        let group =
            json!({"type": "object", "properties": {"replicas": {"type": "integer"}, "template": open}});
        let spec = json!({"type": "object", "properties": {"lead": group, "workers": {"type": "array", "items": group}}});
        let schema = json!({"type": "object", "properties": {"spec": spec}});
        let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": fleets.name}, "spec": {
                "group": format!("{}.example.com", ground.name), "scope": "Namespaced",
                "names": {"plural": "fleets", "singular": "fleet", "kind": "Fleet"},
                "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}]}});
        succeeded(kubectl(&["create", "-f", "-"], &definition.to_string()));
        fleets
    }

    fn fleet(&self, spec: &Value) -> Value {
        let (_, group) = self.name.split_once('.').unwrap();
        json!({"apiVersion": format!("{group}/v1"), "kind": "Fleet", "metadata": {"name": "deep-sea"}, "spec": spec})
    }
}

impl Drop for Fleets {
    fn drop(&mut self) {
        kubectl(
            &["delete", "customresourcedefinition", &self.name, "--wait=false"],
            "",
        );
    }
}

#[test]
fn custom_resources_with_pod_templates_are_looked_at() {
    let Some(mut ground) = Ground::new("custom") else {
        return;
    };
    let fleets = Fleets::establish(&ground);
    let of = |pod: Value| json!({"metadata": {"annotations": pod["metadata"]["annotations"]}, "spec": pod["spec"]});
    let mut gated = pod("x", "proxy", &["app", "proxy"]);
    gated["spec"]["containers"][1]["readinessProbe"] = json!({"httpGet": {"port": 9000}});
    let fleet = fleets.fleet(&json!({
    "lead": {"template": of(pod("x", "", &["app", "proxy"]))},
    "workers": [
        {"replicas": 3, "template": of(gated)},
        {"replicas": 2, "template": of(pod("x", "app", &["app"]))},
    ]}));
    // The server serves a new kind a moment after it is told of it, and its schema a moment later.
    ground.until("the kind", || {
        ground
            .kubectl(&["create", "-f", "-"], &fleet.to_string())
            .status
            .success()
    });
    let mut found = Value::Null;
    ground.until("the schema", || {
        let output = ground.check(&["-o", "json"]);
        found = serde_json::from_slice(&output.stdout).unwrap_or_default();
        found["workloads"].as_array().is_some_and(|all| !all.is_empty())
    });
    // Kinds of other tests may come and go meanwhile.
    let lost: Vec<&Value> = found["notLookedAt"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|sentence| sentence.as_str().unwrap().contains(&ground.name))
        .collect();
    assert_eq!(lost, Vec::<&Value>::new());
    assert_eq!(found["lookedAt"], 1);
    assert_eq!(found["promotion"]["installed"], Value::Null);
    assert_eq!(
        found["workloads"],
        json!([
            {
                "namespace": ground.name, "apiVersion": fleet["apiVersion"], "kind": "Fleet", "name": "deep-sea",
                "template": "spec.workers[0].template.spec", "outcome": "promoted",
                "initContainers": {"before": [], "after": ["proxy"]},
                "containers": {"before": ["app", "proxy"], "after": ["app"]},
                "gates": ["proxy"], "deadlocks": [], "resources": {},
            },
            {
                "namespace": ground.name, "apiVersion": fleet["apiVersion"], "kind": "Fleet", "name": "deep-sea",
                "template": "spec.workers[1].template.spec", "outcome": "left",
                "reasons": ["no regular container would be left besides app"],
            },
        ])
    );
    // The same with the policy, whose pods the server makes.
    ground.promote("custom", &[]);
    let name = ground.policies[0].clone();
    let check = || {
        said(&sidecar(&[
            "policy",
            "check",
            "-n",
            &ground.name,
            "--policy-name",
            &name,
        ]))
    };
    assert_says(
        &check(),
        &[
            "1 of 1 workloads have pods that are promoted, 1 has pods that cannot be",
            &format!("installed: {name}, in step with this version"),
            "Fleet deep-sea (spec.workers[0].template.spec)\n  initContainers: none → proxy",
        ],
    );
    // What a controller of it makes is looked at with it, and what another one makes by itself.
    let owner = ground.get(&[&fleets.name, "deep-sea"]);
    let owned = |kind: &str, uid: &Value| json!([{"apiVersion": fleet["apiVersion"], "kind": kind, "name": "deep-sea", "uid": uid, "controller": true}]);
    for (name, kind) in [("of-the-fleet", "Fleet"), ("of-another", "Harbour")] {
        let mut workload = deployment(name, pod("x", "proxy", &["app", "proxy"]), 0);
        workload["metadata"]["ownerReferences"] = owned(kind, &owner["metadata"]["uid"]);
        ground.create(&workload);
    }
    let output = check();
    assert_says(&output, &["Deployment of-another"]);
    assert!(!output.contains("Deployment of-the-fleet"), "{output}");
}

/// On a cluster before 1.36: what is missing, and what does the same there.
#[test]
fn an_older_cluster_is_told_what_is_missing() {
    if std::env::var_os("KUBECONFIG").is_none() {
        crate::tell::skip("cluster", "KUBECONFIG is not set");
        return;
    }
    if has_policies() {
        crate::tell::skip(
            "older-cluster",
            "this cluster has MutatingAdmissionPolicy; the refusal is for one before 1.36",
        );
        return;
    }
    for arguments in [
        &["policy", "check"][..],
        &["policy", "install", "promote", "--yes"],
    ] {
        let answer = sidecar(arguments);
        assert_eq!(answer.status.code(), Some(3), "{}", said(&answer));
        assert_says(
            &said(&answer),
            &[
                "has no MutatingAdmissionPolicy in admissionregistration.k8s.io/v1, which came with 1.36",
                "migrate --target native` writes the same into manifests",
            ],
        );
    }
}
