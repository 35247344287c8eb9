//! Native sidecars become annotated and native again, and the policy makes the same of them.

use proptest::prelude::*;

use super::*;
use crate::policy::{Outcome, Promotion, promoted};

/// Native sidecars of any probes among init containers, in a pod with one app or two.
fn native_pod() -> impl Strategy<Value = String> {
    let probes = prop::sample::select(vec![
        "",
        ", startupProbe: {tcpSocket: {port: 1}}",
        ", startupProbe: {tcpSocket: {port: 1}}, readinessProbe: {exec: {command: [x]}}",
        ", lifecycle: {postStart: {sleep: {seconds: 1}}}",
    ]);
    let sidecar = (probes, any::<bool>());
    let inits = prop::collection::vec(prop::option::of(sidecar), 0..5);
    let annotations = prop::sample::select(vec![
        "",
        "        team: x\n",
        "        # mind\n        a/b: 'c' # d\n",
    ]);
    (inits, annotations, any::<bool>(), any::<bool>()).prop_map(|(inits, annotations, two, windows)| {
        let mut spec = String::new();
        for (index, init) in inits.iter().enumerate() {
            spec += &match init {
                None => format!("      - {{name: init{index}, image: i}}\n"),
                Some((probes, false)) => {
                    format!("      - {{name: side{index}, image: s{probes}, restartPolicy: Always}}\n")
                }
                Some((probes, true)) => {
                    let probes = probes.trim_start_matches(", ").replace("}, ", "}\n        ");
                    format!("      # about {index}\n      - name: side{index}\n        image: s\n        restartPolicy: Always\n        {probes}\n")
                }
            };
        }
        if !inits.is_empty() {
            spec.insert_str(0, "      initContainers:\n");
        }
        spec += "      containers:\n      - {name: app, image: a}\n";
        if two {
            spec += "      - name: app2\n        image: a\n";
        }
        let text = deployment(annotations, &spec);
        if windows { text.replace('\n', "\r\n") } else { text }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_policy_makes_of_the_annotation_what_was_native(text in native_pod()) {
        let annotated = converted(&text, Form::Annotation, true);
        let template = |text: &str| -> serde_json::Value {
            let object: serde_json::Value = serde_yaml::from_str(text).unwrap();
            object["spec"]["template"].clone()
        };
        let promoted = match promoted(&template(&annotated.text), &Promotion::default()) {
            Outcome::Promoted { pod, .. } => pod,
            Outcome::Unchanged => template(&annotated.text),
            Outcome::Conflict(reasons) => panic!("{reasons:?}\n{}", annotated.text),
        };
        prop_assert_eq!(&promoted["spec"], &template(&text)["spec"], "{}", annotated.text);
    }

    #[test]
    fn native_to_annotation_and_back_is_the_same_object(text in native_pod()) {
        let annotated = converted(&text, Form::Annotation, true);
        let native = converted(&annotated.text, Form::Native, false);
        let (old, new) = (value(&text), value(&native.text));
        prop_assert_eq!(old.difference(&new), None, "{}\n{}\n{}", text, annotated.text, native.text);
        for comment in text.lines().filter_map(|line| line.split_once("# ")) {
            prop_assert!(native.text.contains(comment.1), "{}", native.text);
        }
    }
}
