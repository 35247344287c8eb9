//! Which injectors a cluster has, by the Deployments that run them.

use serde_json::Value;

use crate::{
    catalogue::injector::{Deployment, INJECTORS, Injector, Installed, Meshes, Version},
    workload::Image,
};

/// The injectors that were seen.
#[derive(Debug, Default)]
pub(crate) struct Injectors {
    seen: Vec<(&'static Injector, Installed)>,
}

impl Injectors {
    /// Whether a Deployment of that name may run an injector: it is worth to be looked at.
    #[must_use]
    pub(crate) fn may_run_in(name: &str) -> bool {
        INJECTORS
            .iter()
            .filter_map(|injector| injector.deployment.as_ref())
            .any(|deployment| deployment.is_called(name))
    }

    /// Looks at a Deployment. One that runs no injector says nothing.
    pub(crate) fn look_at(&mut self, name: &str, object: &Value) {
        for injector in INJECTORS {
            let of_it = injector.deployment.as_ref().filter(|own| own.is_called(name));
            let installed = of_it.and_then(|deployment| installed(injector, deployment, object));
            self.seen.extend(installed.map(|installed| (injector, installed)));
        }
    }

    /// What is installed. Of an injector that runs in several versions beside each other it is not known which one
    /// a pod meets.
    #[must_use]
    pub(crate) fn meshes(&self) -> Meshes {
        let mut meshes = Meshes::default();
        for (injector, installed) in &self.seen {
            let is_alone = self
                .seen
                .iter()
                .all(|(other, its)| other.name != injector.name || its == installed);
            if is_alone {
                meshes.install(injector, *installed);
            }
        }
        meshes
    }
}

fn installed(injector: &Injector, deployment: &Deployment, object: &Value) -> Option<Installed> {
    let containers = object.pointer("/spec/template/spec/containers")?.as_array()?;
    let is_it = |container: &&Value| {
        let image = container.get("image").and_then(Value::as_str).map(Image::parse);
        image.is_some_and(|image| {
            let last = image.repository.rsplit('/').next().unwrap_or_default();
            deployment.images.contains(&last)
        })
    };
    let container = containers.iter().find(is_it)?;
    let image = Image::parse(container.get("image")?.as_str()?);
    Some(Installed {
        version: image.tag.and_then(Version::parse),
        native: injector
            .installation_variable
            .and_then(|variable| setting(container, variable)),
    })
}

/// Whether a variable turns something on or off for good; `auto` does neither.
fn setting(container: &Value, variable: &str) -> Option<bool> {
    let variables = container.get("env")?.as_array()?;
    let own = variables
        .iter()
        .find(|own| own.get("name").and_then(Value::as_str) == Some(variable))?;
    match own.get("value")?.as_str()? {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::catalogue::injector::by_name;

    fn deployment(image: &str, env: &Value) -> Value {
        json!({"spec": {"template": {"spec": {"containers": [
            {"name": "other", "image": "example.com/other:9.9"},
            {"name": "it", "image": image, "env": env},
        ]}}}})
    }

    fn version(injectors: &Injectors, name: &str) -> Option<String> {
        let installed = injectors.meshes().of(by_name(name).unwrap());
        installed.version.map(|version| version.to_string())
    }

    #[test]
    fn the_tag_of_its_image_is_the_version() {
        for (name, of, image, expected) in [
            (
                "istiod",
                "Istio",
                "docker.io/istio/pilot:1.27.1-distroless",
                "1.27.1",
            ),
            (
                "istiod-1-26",
                "Istio",
                "gcr.io/istio-release/pilot:1.26.0",
                "1.26.0",
            ),
            (
                "linkerd-proxy-injector",
                "Linkerd",
                "cr.l5d.io/linkerd/controller:edge-25.4.1",
                "edge-25.4.1",
            ),
            (
                "dapr-sidecar-injector",
                "Dapr",
                "ghcr.io/dapr/injector:1.18.0",
                "1.18.0",
            ),
            (
                "mesh-consul-connect-injector",
                "Consul",
                "hashicorp/consul-k8s-control-plane:1.9.0",
                "1.9.0",
            ),
            (
                "kuma-control-plane",
                "Kuma",
                "docker.io/kumahq/kuma-cp:2.14.0",
                "2.14.0",
            ),
        ] {
            let mut injectors = Injectors::default();
            assert!(Injectors::may_run_in(name));
            injectors.look_at(name, &deployment(image, &json!([])));
            assert_eq!(version(&injectors, of).as_deref(), Some(expected), "{name}");
        }
    }

    #[test]
    fn what_is_no_injector_says_nothing() {
        let mut injectors = Injectors::default();
        for (name, image) in [
            ("istiod-exporter", "example.com/exporter:1.27.0"),
            ("istiod", "istio/pilot@sha256:0000"),
            ("pilot", "istio/pilot:1.27.0"),
            ("myistiod", "istio/pilot:1.27.0"),
        ] {
            injectors.look_at(name, &deployment(image, &json!([])));
            assert_eq!(version(&injectors, "Istio"), None, "{name}");
        }
    }

    #[test]
    fn of_two_versions_none_is_known() {
        let mut injectors = Injectors::default();
        injectors.look_at("istiod-1-26", &deployment("istio/pilot:1.26.3", &json!([])));
        injectors.look_at("istiod-1-27", &deployment("istio/pilot:1.27.0", &json!([])));
        assert_eq!(version(&injectors, "Istio"), None);
    }

    #[test]
    fn its_variable_turns_native_sidecars_on_or_off() {
        for (value, expected) in [("true", Some(true)), ("false", Some(false)), ("auto", None)] {
            let mut injectors = Injectors::default();
            let env = json!([{"name": "ENABLE_NATIVE_SIDECARS", "value": value}]);
            injectors.look_at("istiod", &deployment("istio/pilot:1.27.0", &env));
            assert_eq!(injectors.meshes().of(by_name("Istio").unwrap()).native, expected);
        }
    }
}
