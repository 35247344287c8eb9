//! Who else writes an object and would write it again.

use serde_json::Value;

/// Somebody who makes an object of something else, so that a change has to be made there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keeper {
    /// Who it is, and how that shows: `Helm (release web in namespace shop)`.
    pub who: String,
    /// What to change instead, and why, as the end of a sentence.
    pub instead: String,
}

/// Who keeps the object as it is: its controller, or a tool that brings it from elsewhere.
#[must_use]
pub fn keeper(object: &Value) -> Option<Keeper> {
    let metadata = Metadata(object);
    controller(metadata)
        .or_else(|| flux(metadata))
        .or_else(|| argo(metadata))
        .or_else(|| helm(metadata))
        .or_else(|| olm(metadata))
        .or_else(|| crossplane(metadata))
        .or_else(|| terraform(metadata))
        .or_else(|| others(metadata))
}

#[derive(Clone, Copy)]
struct Metadata<'o>(&'o Value);

impl<'o> Metadata<'o> {
    fn text(self, map: &str, key: &str) -> Option<&'o str> {
        self.0.get("metadata")?.get(map)?.get(key)?.as_str()
    }

    fn label(self, key: &str) -> Option<&'o str> {
        self.text("labels", key)
    }

    fn annotation(self, key: &str) -> Option<&'o str> {
        self.text("annotations", key)
    }

    fn field(self, key: &str) -> &'o str {
        let field = self.0.get("metadata").and_then(|metadata| metadata.get(key));
        field.and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether somebody of this name has written fields of the object.
    fn has_manager(self, is_it: impl Fn(&str) -> bool) -> bool {
        let managers = self
            .0
            .pointer("/metadata/managedFields")
            .and_then(Value::as_array);
        let mut names = managers
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.get("manager")?.as_str());
        names.any(is_it)
    }
}

fn keeper_of(who: impl Into<String>, instead: impl Into<String>) -> Keeper {
    Keeper {
        who: who.into(),
        instead: instead.into(),
    }
}

fn controller(metadata: Metadata<'_>) -> Option<Keeper> {
    let references = metadata.0.pointer("/metadata/ownerReferences")?.as_array()?;
    let owner = references
        .iter()
        .find(|reference| reference.get("controller").and_then(Value::as_bool) == Some(true))?;
    let text = |key: &str| owner.get(key).and_then(Value::as_str).unwrap_or_default();
    Some(keeper_of(
        format!("{} {} ({})", text("kind"), text("name"), text("apiVersion")),
        "change that one: its controller would undo a change of what it made",
    ))
}

/// Labels of kustomize-controller and helm-controller (fluxcd.io, "Kustomization" and "HelmRelease").
fn flux(metadata: Metadata<'_>) -> Option<Keeper> {
    let named = |kind: &str, group: &str| {
        let name = metadata.label(&format!("{group}/name"))?;
        let namespace = metadata.label(&format!("{group}/namespace")).unwrap_or_default();
        Some(format!("Flux ({kind} {namespace}/{name})"))
    };
    if let Some(who) = named("HelmRelease", "helm.toolkit.fluxcd.io") {
        return Some(keeper_of(
            who,
            "change the chart or the values it is made of: the next upgrade would be refused or undo the change",
        ));
    }
    let group = "kustomize.toolkit.fluxcd.io";
    let is = |key: &str, value: &str| {
        metadata
            .annotation(&format!("{group}/{key}"))
            .is_some_and(|set| set.eq_ignore_ascii_case(value))
    };
    if is("reconcile", "disabled") || is("ssa", "Ignore") || is("ssa", "IfNotPresent") {
        return None;
    }
    Some(keeper_of(
        named("Kustomization", group)?,
        "change its source in Git: the next reconciliation would be refused or undo the change",
    ))
}

/// Both ways in which Argo CD tracks what it has made (argo-cd.readthedocs.io, "Resource Tracking").
fn argo(metadata: Metadata<'_>) -> Option<Keeper> {
    let application = tracked(metadata)
        .or_else(|| metadata.label("argocd.argoproj.io/instance"))
        .or_else(|| {
            // Charts set this label too; what Argo CD applies bears its name besides.
            let label = metadata.label("app.kubernetes.io/instance")?;
            metadata
                .has_manager(|name| name.starts_with("argocd-"))
                .then_some(label)
        })?;
    Some(keeper_of(
        format!("Argo CD (application {application})"),
        "change its source in Git: the next sync would be refused or undo the change",
    ))
}

/// The application of `<application>:<group>/<kind>:<namespace>/<name>`. Argo CD takes no notice of an annotation
/// that was copied from another object, and neither does this.
fn tracked(metadata: Metadata<'_>) -> Option<&str> {
    let id = metadata.annotation("argocd.argoproj.io/tracking-id")?;
    let mut parts = id.splitn(3, ':');
    let (application, kind, object) = (parts.next()?, parts.next()?, parts.next()?);
    let own_kind = metadata.0.get("kind").and_then(Value::as_str);
    let is_own =
        kind.rsplit('/').next() == own_kind && object.rsplit('/').next() == Some(metadata.field("name"));
    is_own.then_some(application)
}

/// What Helm (since 3.2) puts on all it installs, and looks for before it changes it (helm.sh, `checkOwnership`).
fn helm(metadata: Metadata<'_>) -> Option<Keeper> {
    let release = metadata.annotation("meta.helm.sh/release-name")?;
    let namespace = metadata
        .annotation("meta.helm.sh/release-namespace")
        .unwrap_or_else(|| metadata.field("namespace"));
    Some(keeper_of(
        format!("Helm (release {release} in namespace {namespace})"),
        "change the chart or its values, or give helm a post-renderer: the next upgrade would be refused or undo the change",
    ))
}

/// What the Operator Lifecycle Manager installs for a ClusterServiceVersion (olm.operatorframework.io): its labels, or an
/// owner of that kind, which need not be the controller.
fn olm(metadata: Metadata<'_>) -> Option<Keeper> {
    let references = metadata
        .0
        .pointer("/metadata/ownerReferences")
        .and_then(Value::as_array);
    let owner = references
        .into_iter()
        .flatten()
        .find(|reference| reference.get("kind").and_then(Value::as_str) == Some("ClusterServiceVersion"));
    let version = owner
        .and_then(|owner| owner.get("name")?.as_str())
        .or_else(|| metadata.label("olm.owner"))?;
    Some(keeper_of(
        format!("the Operator Lifecycle Manager (ClusterServiceVersion {version})"),
        "change the ClusterServiceVersion, or the operator's Subscription: the change would be undone",
    ))
}

/// What Crossplane makes of a composite, or its Kubernetes provider of an Object (docs.crossplane.io).
fn crossplane(metadata: Metadata<'_>) -> Option<Keeper> {
    let composite = metadata.label("crossplane.io/composite");
    let is_provided = metadata.has_manager(|name| {
        name.starts_with("apiextensions.crossplane.io/") || name.contains("provider-kubernetes")
    });
    let who = match composite {
        Some(composite) => format!("Crossplane (composite {composite})"),
        None if is_provided => "Crossplane".to_owned(),
        None => return None,
    };
    Some(keeper_of(
        who,
        "change the composition or the Object that it is made of: the next reconciliation would undo the change",
    ))
}

/// The field managers of Terraform's providers for Kubernetes (hashicorp/kubernetes).
fn terraform(metadata: Metadata<'_>) -> Option<Keeper> {
    let is_it = metadata.has_manager(|name| matches!(name, "Terraform" | "HashiCorp" | "OpenTofu"))
        || metadata.label("app.kubernetes.io/managed-by").is_some_and(|by| {
            ["terraform", "opentofu"]
                .iter()
                .any(|tool| by.eq_ignore_ascii_case(tool))
        });
    is_it.then(|| {
        keeper_of(
            "Terraform",
            "change its configuration: the next apply would undo the change",
        )
    })
}

fn others(metadata: Metadata<'_>) -> Option<Keeper> {
    let source = "change its source: the next sync would be refused or undo the change";
    if metadata.annotation("configmanagement.gke.io/managed") == Some("enabled") {
        return Some(keeper_of("Config Sync", source));
    }
    if let Some(identity) = metadata.annotation("kapp.k14s.io/identity") {
        return Some(keeper_of(format!("kapp ({identity})"), source));
    }
    // k3s, RKE2 and Rancher Fleet apply sets of objects by Wrangler.
    if let Some(name) = metadata.annotation("objectset.rio.cattle.io/owner-name") {
        let kind = metadata
            .annotation("objectset.rio.cattle.io/owner-gvk")
            .and_then(|kind| kind.rsplit_once("Kind="))
            .map_or("an object set", |(_, kind)| kind);
        return Some(keeper_of(
            format!("{kind} {name} (objectset.rio.cattle.io)"),
            source,
        ));
    }
    (metadata.label("addonmanager.kubernetes.io/mode") == Some("Reconcile"))
        .then(|| keeper_of("the cluster's addon manager", source))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn who(metadata: Value) -> Option<String> {
        let mut object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata});
        object["metadata"]["name"] = json!("web");
        object["metadata"]["namespace"] = json!("shop");
        keeper(&object).map(|keeper| keeper.who)
    }

    #[test]
    fn each_keeper_is_known_by_its_own_marks() {
        for (metadata, expected) in [
            (
                json!({"ownerReferences": [{"apiVersion": "example.com/v1", "kind": "Shop", "name": "x", "controller": true}]}),
                "Shop x (example.com/v1)",
            ),
            (
                json!({"labels": {"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}}),
                "Flux (Kustomization flux-system/apps)",
            ),
            (
                json!({"labels": {"helm.toolkit.fluxcd.io/name": "web", "helm.toolkit.fluxcd.io/namespace": "shop"},
                    "annotations": {"meta.helm.sh/release-name": "web"}}),
                "Flux (HelmRelease shop/web)",
            ),
            (
                json!({"annotations": {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/web"}}),
                "Argo CD (application shop)",
            ),
            (
                json!({"labels": {"app.kubernetes.io/instance": "shop"},
                    "managedFields": [{"manager": "argocd-controller"}]}),
                "Argo CD (application shop)",
            ),
            (
                json!({"labels": {"app.kubernetes.io/managed-by": "Helm"},
                    "annotations": {"meta.helm.sh/release-name": "web", "meta.helm.sh/release-namespace": "shop"}}),
                "Helm (release web in namespace shop)",
            ),
            (
                json!({"annotations": {"configmanagement.gke.io/managed": "enabled"}}),
                "Config Sync",
            ),
            (
                json!({"labels": {"olm.owner": "shop.v1", "olm.owner.kind": "ClusterServiceVersion"}}),
                "the Operator Lifecycle Manager (ClusterServiceVersion shop.v1)",
            ),
            (
                json!({"ownerReferences": [{"kind": "ClusterServiceVersion", "name": "shop.v2", "controller": false}]}),
                "the Operator Lifecycle Manager (ClusterServiceVersion shop.v2)",
            ),
            (
                json!({"labels": {"crossplane.io/composite": "shop-x"}}),
                "Crossplane (composite shop-x)",
            ),
            (
                json!({"managedFields": [{"manager": "crossplane-contrib/provider-kubernetes"}]}),
                "Crossplane",
            ),
            (json!({"managedFields": [{"manager": "Terraform"}]}), "Terraform"),
            (
                json!({"labels": {"app.kubernetes.io/managed-by": "terraform"}}),
                "Terraform",
            ),
            (
                json!({"annotations": {"objectset.rio.cattle.io/owner-gvk": "k3s.cattle.io/v1, Kind=Addon",
                    "objectset.rio.cattle.io/owner-name": "coredns"}}),
                "Addon coredns (objectset.rio.cattle.io)",
            ),
        ] {
            assert_eq!(who(metadata.clone()).as_deref(), Some(expected), "{metadata}");
        }
    }

    #[test]
    fn marks_that_bind_nobody_are_none() {
        for metadata in [
            json!({}),
            json!({"ownerReferences": [{"kind": "Shop", "name": "x"}]}),
            // Written by `helm template | kubectl apply`, and by nearly every chart.
            json!({"labels": {"app.kubernetes.io/managed-by": "Helm", "app.kubernetes.io/instance": "web"},
                "managedFields": [{"manager": "kubectl-client-side-apply"}]}),
            json!({"annotations": {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:shop/other"}}),
            json!({"annotations": {"configmanagement.gke.io/managed": "disabled"}}),
            json!({"labels": {"kustomize.toolkit.fluxcd.io/name": "apps"},
                "annotations": {"kustomize.toolkit.fluxcd.io/reconcile": "disabled"}}),
        ] {
            assert_eq!(who(metadata.clone()), None, "{metadata}");
        }
    }
}
