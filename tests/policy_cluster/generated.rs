//! Hundreds of generated pods: what the server makes of them is what the model in Rust says.

use std::collections::BTreeMap;

use kubectl_sidecar::policy::{Gate, Outcome, Promotion, promoted};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use serde_json::{Value, json};

use super::{Ground, image, kubectl, succeeded, text};

/// How many pods are generated.
const PODS: usize = 500;

fn probe() -> impl Strategy<Value = Value> {
    let handler = prop_oneof![
        (8000u16..8004).prop_map(|port| json!({"httpGet": {"port": port, "path": "/ready"}})),
        (8000u16..8004).prop_map(|port| json!({"tcpSocket": {"port": port}})),
        (8000u16..8004).prop_map(|port| json!({"grpc": {"port": port}})),
        Just(json!({"httpGet": {"port": "http"}})),
        Just(json!({"exec": {"command": ["true"]}})),
    ];
    let settings = (
        prop::option::of(1..30),
        prop::option::of(1..20),
        prop::option::of(1..9),
        prop::option::of(1..5),
    );
    (handler, settings).prop_map(|(mut probe, (delay, period, failures, timeout))| {
        for (field, number) in [
            ("initialDelaySeconds", delay),
            ("periodSeconds", period),
            ("failureThreshold", failures),
            ("timeoutSeconds", timeout),
        ] {
            if let Some(number) = number {
                probe[field] = json!(number);
            }
        }
        probe
    })
}

/// Something to set on a container, beside its name and image.
fn settings() -> impl Strategy<Value = Value> {
    let one = prop_oneof![
        3 => probe().prop_map(|probe| json!({"readinessProbe": probe})),
        1 => probe().prop_map(|probe| json!({"startupProbe": probe})),
        1 => probe().prop_map(|probe| json!({"livenessProbe": probe})),
        2 => (8000u16..8004).prop_map(|port| json!({"ports": [{"containerPort": port}]})),
        1 => (0u16..3, prop::option::of(prop::sample::select(vec!["10.0.0.1", "10.0.0.2", "0.0.0.0"])), any::<bool>())
            .prop_map(|(port, address, udp)| {
                let mut port = json!({"containerPort": 8000, "hostPort": 9000 + port, "protocol": if udp { "UDP" } else { "TCP" }});
                if let Some(address) = address { port["hostIP"] = json!(address); }
                json!({"ports": [port]})
            }),
        1 => Just(json!({"lifecycle": {"preStop": {"exec": {"command": ["sleep", "1"]}}}})),
        1 => Just(json!({"lifecycle": {"postStart": {"exec": {"command": ["true"]}}}})),
        1 => (1u16..500).prop_map(|amount| json!({"resources": {"requests": {"cpu": format!("{amount}m"), "memory": "32Mi"}}})),
        1 => Just(json!({"image": "registry.example:5000/daprio/daprd:1.14"})),
        1 => Just(json!({"restartPolicy": "Never"})),
        1 => Just(json!({"env": [{"name": "A", "value": "b"}], "workingDir": "/tmp", "tty": true})),
    ];
    prop::collection::vec(one, 0..4).prop_map(|parts| {
        let mut all = json!({});
        for part in parts {
            for (key, value) in part.as_object().unwrap() {
                all[key] = value.clone();
            }
        }
        all
    })
}

fn container(name: &str, settings: Value) -> Value {
    let mut container = json!({"name": name, "image": image()});
    for (key, value) in settings.as_object().unwrap() {
        container[key] = value.clone();
    }
    container
}

const NAMES: [&str; 8] = [
    "app", "proxy", "shipper", "agent", "daprd", "cache", "web", "worker",
];

/// A pod with containers of some of the names at any position, of which any may be declared.
fn pods() -> impl Strategy<Value = Value> {
    let containers = prop::sample::subsequence(NAMES.to_vec(), 1..=6)
        .prop_shuffle()
        .prop_flat_map(|names| {
            let length = names.len();
            (Just(names), prop::collection::vec(settings(), length))
        })
        .prop_map(|(names, settings)| {
            names
                .iter()
                .zip(settings)
                .map(|(name, settings)| container(name, settings))
                .collect::<Vec<Value>>()
        });
    let init = prop::collection::vec((settings(), any::<bool>()), 0..3).prop_map(|all| {
        all.into_iter()
            .enumerate()
            .map(|(index, (mut settings, native))| {
                let own = settings.as_object_mut().unwrap();
                own.remove("restartPolicy");
                if native {
                    own.insert("restartPolicy".into(), json!("Always"));
                } else {
                    // Only sidecars may have these.
                    for field in ["readinessProbe", "startupProbe", "livenessProbe", "lifecycle"] {
                        own.remove(field);
                    }
                }
                container(&format!("init-{index}"), settings)
            })
            .collect::<Vec<Value>>()
    });
    let declared = prop::option::weighted(
        0.9,
        (
            prop::collection::vec(
                prop::sample::select(vec![
                    "app", "proxy", "shipper", "agent", "cache", "init-0", "absent",
                ]),
                1..5,
            ),
            prop::sample::select(vec![",", ", ", " ,"]),
        )
            .prop_map(|(names, comma)| names.join(comma)),
    );
    let extras = (
        any::<bool>(),
        prop::option::of("init-0|absent,init-1|x"),
        any::<bool>(),
    );
    (containers, init, declared, extras).prop_map(
        |(containers, init, declared, (first, promoted, network))| {
            let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {},
            "spec": {"containers": containers, "hostNetwork": network && promoted.is_none()}});
            if !init.is_empty() {
                pod["spec"]["initContainers"] = json!(init);
            }
            if let Some(declared) = declared {
                pod["metadata"]["annotations"]["kubectl-sidecar/sidecars"] = json!(declared);
            }
            if first {
                pod["metadata"]["annotations"]["kubectl-sidecar/position"] = json!("first");
            }
            if let Some(promoted) = promoted {
                pod["metadata"]["annotations"]["kubectl-sidecar/promoted"] = json!(promoted);
            }
            pod
        },
    )
}

/// What the server would store of each pod that it takes, by name; in pieces that a request may have.
fn stored(namespace: &str, pods: &[Value]) -> BTreeMap<String, Value> {
    let mut stored = BTreeMap::new();
    for some in pods.chunks(50) {
        let list = json!({"apiVersion": "v1", "kind": "List", "items": some}).to_string();
        let answer = kubectl(
            &[
                "create",
                "-n",
                namespace,
                "--dry-run=server",
                "--validate=ignore",
                "-o",
                "json",
                "-f",
                "-",
            ],
            &list,
        );
        let answers = serde_json::Deserializer::from_slice(&answer.stdout).into_iter::<Value>();
        for object in answers.map(Result::unwrap) {
            let items = match object["items"].as_array() {
                Some(items) => items.clone(),
                None => vec![object],
            };
            for item in items {
                stored.insert(item["metadata"]["name"].as_str().unwrap().to_owned(), item);
            }
        }
    }
    stored
}

/// A pod without what differs between two requests: identity, and the name of its token's volume.
fn comparable(pod: &Value) -> Value {
    let volume = pod["spec"]["volumes"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|volume| volume["name"].as_str())
        .find(|name| name.starts_with("kube-api-access"));
    let text = json!({"annotations": pod["metadata"]["annotations"], "spec": pod["spec"]}).to_string();
    let text = match volume {
        Some(volume) => text.replace(volume, "token"),
        None => text,
    };
    serde_json::from_str(&text).unwrap()
}

fn hold_to_the_model(ground: &mut Ground, arguments: &[&str], promotion: &Promotion) {
    let mut runner = TestRunner::deterministic();
    let strategy = pods();
    let mut generated: Vec<Value> = (0..PODS)
        .map(|_| strategy.new_tree(&mut runner).unwrap().current())
        .collect();
    for (index, pod) in generated.iter_mut().enumerate() {
        pod["metadata"]["name"] = json!(format!("generated-{index}"));
    }
    let plain = stored(&ground.name, &generated);
    ground.promote("generated", arguments);
    let with_policy = stored(&ground.name, &generated);
    let (mut promotions, mut conflicts, mut unchanged, mut gates) = (0, 0, 0, 0);
    for (name, before) in &plain {
        let after = with_policy
            .get(name)
            .map(comparable)
            .unwrap_or_else(|| panic!("{name} is refused: {before}"));
        let expected = match promoted(before, promotion) {
            Outcome::Promoted { pod, gated, .. } => {
                promotions += 1;
                gates += gated.len();
                comparable(&pod)
            }
            Outcome::Unchanged => {
                unchanged += 1;
                comparable(before)
            }
            Outcome::Conflict(_) => {
                conflicts += 1;
                comparable(before)
            }
        };
        assert_eq!(after, expected, "{name} was {before}");
    }
    tell!("{promotions} promoted with {gates} gates, {conflicts} left for conflicts, {unchanged} unchanged");
    assert!(promotions > 100 && conflicts > 20 && unchanged > 10 && gates > 20);
}

#[test]
fn the_annotation_does_what_the_model_says() {
    let Some(mut ground) = Ground::new("model") else {
        return;
    };
    hold_to_the_model(&mut ground, &[], &Promotion::default());
}

#[test]
fn names_and_gates_do_what_the_model_says() {
    let Some(mut ground) = Ground::new("names") else {
        return;
    };
    let promotion = Promotion {
        names: vec!["worker".into(), "daprd".into()],
        gates: [
            ("proxy".to_owned(), Gate::None),
            ("daprd".to_owned(), Gate::Readiness),
        ]
        .into(),
        ..Promotion::default()
    };
    hold_to_the_model(
        &mut ground,
        &["--names", "worker,daprd", "--gate", "proxy=none,daprd=readiness"],
        &promotion,
    );
}

/// `kubectl` reads what is printed, whatever the options.
#[test]
fn what_is_printed_is_taken_by_a_strict_server() {
    let Some(ground) = Ground::new("printed") else {
        return;
    };
    let selector = ground.selector();
    for arguments in [
        &[][..],
        &["--known", "--on-conflict", "deny"],
        &[
            "--names",
            "a,b",
            "--gate",
            "a=none,b=readiness",
            "--include-kube-system",
        ],
    ] {
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
        assert!(answer.status.success(), "{}", text(&answer.stderr));
    }
}
