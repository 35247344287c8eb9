//! What promotion costs: pods created per second in a namespace with the policy and in one without, in turn, in one
//! run.
//!
//! `KUBECONFIG=… cargo bench --bench policy` on a cluster from Kubernetes 1.36 on. The pods are gated from scheduling, so
//! that only the API server works. Everything that is made is removed.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program for developers"
)]

use std::time::{Duration, Instant};

use futures::{StreamExt, stream};
use http::Method;
use kubectl_sidecar::{
    cluster::{Connection, Server, apply_policy, created_pod, delete_policy, send_json},
    policy::Promotion,
};
use serde_json::{Value, json};

/// Pods of one round.
const PODS: usize = 200;
/// Rounds of each kind.
const ROUNDS: usize = 7;
/// Requests at the same time.
const AT_ONCE: usize = 4;

const POLICY: &str = "bench-promotion";
const WITH: &str = "bench-promotion-with";
const WITHOUT: &str = "bench-promotion-without";

#[tokio::main(flavor = "current_thread")]
async fn main() {
    if std::env::var_os("KUBECONFIG").is_none() {
        println!("skipped: KUBECONFIG is not set");
        return;
    }
    let server = Server::connect(&Connection::default()).await.unwrap();
    for namespace in [WITH, WITHOUT] {
        let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
        post(&server, "/api/v1/namespaces", &object).await;
    }
    let promotion = Promotion {
        namespace_selector: Some(format!("kubernetes.io/metadata.name={WITH}")),
        ..Promotion::default()
    };
    let objects = promotion.objects(POLICY).unwrap();
    for object in &objects {
        apply_policy(&server, &object.resource(), &object.json(), false)
            .await
            .unwrap();
    }
    wait(&server).await;
    let (mut with, mut without) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        without.push(rate(&server, WITHOUT, round).await);
        with.push(rate(&server, WITH, round).await);
    }
    for object in objects.iter().rev() {
        delete_policy(&server, &object.resource(), POLICY, false)
            .await
            .unwrap();
    }
    for namespace in [WITH, WITHOUT] {
        let path = format!("/api/v1/namespaces/{namespace}");
        send_json(
            &server.client(),
            Method::DELETE,
            &path,
            "application/json",
            &json!({}),
        )
        .await
        .unwrap();
    }
    let (with, without) = (median(with), median(without));
    println!("pods created per second, medians of {ROUNDS} rounds of {PODS} pods, {AT_ONCE} at once:");
    println!("  without the policy  {without:6.1}");
    println!("  with the policy     {with:6.1}, {:.2} of it", with / without);
}

/// A pod that nobody runs: one app between two sidecars, one of which has a readinessProbe.
fn pod(name: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "annotations": {"kubectl-sidecar/sidecars": "proxy,shipper"}},
        "spec": {
            "schedulingGates": [{"name": "kubectl-sidecar/bench"}],
            "containers": [
                {"name": "proxy", "image": "example.com/proxy", "readinessProbe": {"httpGet": {"port": 8099}}},
                {"name": "app", "image": "example.com/app"},
                {"name": "shipper", "image": "example.com/shipper"},
            ],
        },
    })
}

async fn post(server: &Server, path: &str, object: &Value) -> Value {
    send_json(&server.client(), Method::POST, path, "application/json", object)
        .await
        .unwrap()
}

/// Until the policy acts, and both namespaces have their service account.
async fn wait(server: &Server) {
    loop {
        let answers = (
            created_pod(server, WITH, &pod("probe")).await,
            created_pod(server, WITHOUT, &pod("probe")).await,
        );
        if let (Ok(with), Ok(_)) = answers
            && with.pointer("/spec/initContainers").is_some()
        {
            return;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn rate(server: &Server, namespace: &str, round: usize) -> f64 {
    let path = format!("/api/v1/namespaces/{namespace}/pods");
    let started = Instant::now();
    stream::iter(0..PODS)
        .for_each_concurrent(AT_ONCE, |index| {
            let path = &path;
            async move {
                post(server, path, &pod(&format!("pod-{round}-{index}"))).await;
            }
        })
        .await;
    PODS as f64 / started.elapsed().as_secs_f64()
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates.get(rates.len() / 2).copied().unwrap_or_default()
}
