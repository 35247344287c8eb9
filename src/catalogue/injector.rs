//! Who adds sidecars to pods: the marks its output carries, its switches for native sidecars, and since when.

mod rows;
mod version;

use crate::{
    workload::{Container, Workload},
    yaml::{Entry, Node},
};

pub use rows::INJECTORS;
pub use version::{InjectsNative, Installed, MeshError, Meshes, Version};

/// An injector of sidecars.
#[derive(Debug)]
pub struct Injector {
    /// Its name: that of [`super::KnownSidecar::injector`]. In a configuration it is in lower case, with hyphens.
    pub name: &'static str,
    /// What its output carries. Only such a mark makes a container the injector's: an image or a name never does.
    pub marks: &'static [Mark],
    /// The names of the containers that it adds.
    pub containers: &'static [&'static str],
    /// The image by which a pod asks for its sidecar in a container of its own, to give it other settings.
    pub placeholder: Option<&'static str>,
    /// How a pod asks for other templates of its sidecar.
    pub templates: Option<Templates>,
    /// The init container that redirects the pod's traffic into its proxy.
    pub redirecting: Option<&'static str>,
    /// Annotations with which its sidecar leaves by itself, or is told to by the app.
    pub leaves_with: &'static [Mark],
    /// It ends its sidecar itself when a Job's other containers have ended.
    pub ends_with_the_job: bool,
    /// What turns native sidecars on for one pod.
    pub pod_switch: Option<PodSwitch>,
    /// What turns them on for the whole installation.
    pub installation_switch: Option<&'static str>,
    /// The variable of its Deployment that does so.
    pub installation_variable: Option<&'static str>,
    /// What its native sidecar does when the pod is deleted, while the app still works.
    pub at_deletion: Option<AtDeletion>,
    /// The first version that can inject native sidecars.
    pub since: Option<Since>,
    /// The first version that does so without being told, where its condition holds.
    pub by_default: Option<NativeByDefault>,
    /// Annotations and labels by which a pod stays without its sidecar.
    pub opt_outs: &'static [Mark],
    /// It leaves pods on the node's network alone.
    pub skips_host_network: bool,
    /// The annotation in which a pod writes settings of its proxy, as YAML or JSON.
    pub settings_annotation: Option<&'static str>,
    /// Settings that hold the app back until its proxy is ready.
    pub holds: &'static [Hold],
    /// Annotations that delay its sidecar's end.
    pub drain_annotations: &'static [&'static str],
    /// Its native sidecars must not be combined with settings that delay their end.
    pub excludes_drain: bool,
    /// The Deployment that injects.
    pub deployment: Option<Deployment>,
    /// Where this is from.
    pub source: &'static str,
    /// The day on which somebody compared the row with its source.
    pub checked: &'static str,
}

/// An annotation by which a pod asks for templates, separated by commas.
#[derive(Debug, PartialEq, Eq)]
pub struct Templates {
    /// The annotation.
    pub annotation: &'static str,
    /// The template that has a native form. Others need not have one.
    pub native: &'static str,
    /// Templates of gateways, whose proxy is what the pod is for.
    pub gateways: &'static [&'static str],
}

/// An annotation of a pod (template) that only the injector itself writes.
#[derive(Debug, PartialEq, Eq)]
pub struct Mark {
    /// The annotation.
    pub annotation: &'static str,
    /// Its value; any where absent.
    pub value: Option<&'static str>,
}

/// An annotation that turns native sidecars on for one pod.
#[derive(Debug, PartialEq, Eq)]
pub struct PodSwitch {
    /// The annotation on the pod template.
    pub annotation: &'static str,
    /// The value that turns them on.
    pub value: &'static str,
    /// Names it had before, which are still read, the newest first.
    pub formerly: &'static [Formerly],
    /// The first version that reads it, where that is not the first one with native sidecars.
    pub since: Option<Since>,
    /// From which version on, in a message.
    pub note: &'static str,
    /// Versions in use ignore it: it may be set only where the injector's version is known to read it.
    pub needs_version: bool,
}

/// A name that a switch had before.
#[derive(Debug, PartialEq, Eq)]
pub struct Formerly {
    /// The annotation.
    pub annotation: &'static str,
    /// The first version that reads it.
    pub since: Since,
}

/// A setting that holds the app back until the injected proxy is ready.
#[derive(Debug, PartialEq, Eq)]
pub struct Hold {
    /// The annotation, or the key in [`Injector::settings_annotation`].
    pub name: &'static str,
    /// The value with which it holds; absent where any but `false` and `0` does.
    pub value: Option<&'static str>,
    /// It stands in [`Injector::settings_annotation`] (and in the configuration of the mesh).
    pub in_settings: bool,
}

impl Hold {
    /// Whether a value makes it hold.
    #[must_use]
    pub fn holds_with(&self, value: &str) -> bool {
        match self.value {
            Some(own) => own == value,
            None => !matches!(value, "false" | "0"),
        }
    }
}

/// The Deployment that an injector runs in.
#[derive(Debug, PartialEq, Eq)]
pub struct Deployment {
    /// Its name, or a part of it between hyphens: revisions and releases add theirs.
    pub name: &'static str,
    /// The last parts of its images, whose tag is the injector's version.
    pub images: &'static [&'static str],
}

/// What a native sidecar does when its pod is deleted, in a sentence, and where that is from.
#[derive(Debug, PartialEq, Eq)]
pub struct AtDeletion {
    /// The sentence.
    pub what: &'static str,
    /// Where it is from.
    pub source: &'static str,
}

/// A version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Since {
    /// `1.27`, `edge-25.4.1`
    pub version: &'static str,
    /// Names of the same release in another numbering.
    pub also: &'static [&'static str],
}

/// When an injector adds native sidecars without being told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NativeByDefault {
    /// The first such version; from the first one with native sidecars on where absent.
    pub since: Option<Since>,
    /// The lowest minor version of Kubernetes 1.x on which it does; wherever it runs at all where absent.
    pub kubernetes: Option<u32>,
    /// Every node's kubelet has to be that new, not only the API server.
    pub on_every_node: bool,
}

/// A container that an injector wrote.
#[derive(Debug, Clone, Copy)]
pub struct InjectedOutput<'t> {
    /// Whose output it is.
    pub injector: &'static Injector,
    /// The annotation that shows it.
    pub mark: Entry<'t>,
}

impl Mark {
    const fn any(annotation: &'static str) -> Self {
        Self {
            annotation,
            value: None,
        }
    }

    const fn value(annotation: &'static str, value: &'static str) -> Self {
        Self {
            annotation,
            value: Some(value),
        }
    }
}

impl Since {
    const fn version(version: &'static str) -> Self {
        Self { version, also: &[] }
    }
}

impl Deployment {
    const fn new(name: &'static str, images: &'static [&'static str]) -> Self {
        Self { name, images }
    }

    /// Whether a Deployment of that name may be it.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        format!("-{name}-").contains(&format!("-{}-", self.name))
    }
}

impl Injector {
    /// Whether a label or annotation of the pod keeps its sidecar out: its settings are then in force for nobody.
    #[must_use]
    pub fn is_kept_out(&self, workload: &Workload<'_>) -> bool {
        let says_so = |entry: &Entry<'_>| {
            self.opt_outs
                .iter()
                .any(|mark| entry.key.as_str() == Some(mark.annotation) && entry.value.as_str() == mark.value)
        };
        let is_told =
            || workload.pod_annotations().iter().any(says_so) || workload.pod_labels().iter().any(says_so);
        self.skips_host_network && is_on_host_network(workload) || is_told()
    }
}

/// Whether a pod shares the node's network.
fn is_on_host_network(workload: &Workload<'_>) -> bool {
    let asks = workload.pod_spec.get("hostNetwork");
    asks.and_then(Node::as_bool) == Some(true)
}

impl Injector {
    /// Whether annotations, which `says` looks up by name and value, ask for native sidecars or keep its sidecar out.
    pub fn is_told_natively_or_out(&self, says: &dyn Fn(&str, &str) -> bool) -> bool {
        let is_on = self.pod_switch.as_ref().is_some_and(|switch| {
            let names = switch.formerly.iter().map(|own| own.annotation);
            names
                .chain([switch.annotation])
                .any(|name| says(name, switch.value))
        });
        let is_out = |mark: &Mark| mark.value.is_some_and(|value| says(mark.annotation, value));
        is_on || self.opt_outs.iter().any(is_out)
    }
}

/// The injector whose proxy reads its settings from that annotation.
#[must_use]
pub fn of_settings(annotation: &str) -> Option<&'static Injector> {
    INJECTORS
        .iter()
        .find(|injector| injector.settings_annotation == Some(annotation))
}

/// The injector that an annotation or label keeps away from a pod.
#[must_use]
pub fn opted_out_by(name: &str, value: &str) -> Option<&'static Injector> {
    INJECTORS.iter().find(|injector| {
        injector
            .opt_outs
            .iter()
            .any(|mark| mark.annotation == name && mark.value == Some(value))
    })
}

/// The injector and its setting of that name that holds apps back, in an annotation of its own.
#[must_use]
pub fn hold_annotation(annotation: &str) -> Option<(&'static Injector, &'static Hold)> {
    INJECTORS.iter().find_map(|injector| {
        let hold = injector
            .holds
            .iter()
            .find(|hold| !hold.in_settings && hold.name == annotation)?;
        Some((injector, hold))
    })
}

/// The injector that fills in a container of the manifest: one of its names with its placeholder for an image.
#[must_use]
pub fn fills_in(container: &Container<'_>) -> Option<&'static Injector> {
    let image = container.node.get("image").and_then(|node| node.as_str())?;
    INJECTORS
        .iter()
        .find(|injector| injector.placeholder == Some(image) && injector.containers.contains(&container.name))
}

/// Whether an init container of that name redirects the pod's traffic into a proxy.
#[must_use]
pub fn redirects(container: &str) -> bool {
    INJECTORS
        .iter()
        .any(|injector| injector.redirecting == Some(container))
}

/// The injector of that name.
#[must_use]
pub fn by_name(name: &str) -> Option<&'static Injector> {
    INJECTORS.iter().find(|injector| injector.name == name)
}

/// Whose output a container of a manifest is, and by which mark. Nothing where its author put it there, whatever its
/// image and name: then it may be edited and declared like any other.
#[must_use]
pub fn injected_output<'t>(workload: &Workload<'t>, container: &Container<'t>) -> Option<InjectedOutput<'t>> {
    INJECTORS.iter().find_map(|injector| {
        let mark = injector.marks.iter().find_map(|mark| {
            let entry = workload.pod_annotation(mark.annotation)?;
            let value = entry.value.as_str();
            let is_it = mark.value.is_none_or(|wanted| value == Some(wanted));
            let adds = match value.and_then(listed) {
                Some(names) => names.iter().any(|name| name == container.name),
                None => injector.containers.contains(&container.name),
            };
            (is_it && adds).then_some(entry)
        });
        mark.map(|mark| InjectedOutput { injector, mark })
    })
}

/// The containers that Istio's own record names: `{"initContainers": ["istio-init"], "containers": ["istio-proxy"], …}`
/// (istio pkg/kube/inject, `SidecarInjectionStatus`).
fn listed(status: &str) -> Option<Vec<String>> {
    let status: serde_json::Value = serde_json::from_str(status).ok()?;
    let lists = ["initContainers", "containers"];
    if !lists.iter().any(|list| status.get(list).is_some()) {
        return None;
    }
    Some(
        lists
            .iter()
            .filter_map(|list| status.get(list)?.as_array())
            .flatten()
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{workload, yaml};

    /// The injector and the mark of each container of a pod.
    fn outputs(text: &str) -> Vec<(String, Option<(&'static str, String)>)> {
        let stream = yaml::parse(text).unwrap();
        let (document, root) = stream.roots().next().unwrap();
        let object = workload::objects(root, document).into_iter().next().unwrap();
        let workload = workload::discover(&object).into_iter().next().unwrap();
        workload
            .containers
            .iter()
            .map(|container| {
                let output = injected_output(&workload, container);
                let shown = output.map(|output| {
                    let mark = output.mark.key.as_str().unwrap().to_owned();
                    (output.injector.name, mark)
                });
                (container.name.to_owned(), shown)
            })
            .collect()
    }

    fn pod(annotations: &str, containers: &[&str]) -> String {
        let containers: String = containers
            .iter()
            .map(|name| format!("  - {{name: {name}, image: x}}\n"))
            .collect();
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: x\n  annotations: {{{annotations}}}\nspec:\n  containers:\n{containers}"
        )
    }

    #[test]
    fn every_mark_shows_the_containers_of_its_injector_and_no_others() {
        for injector in INJECTORS {
            for mark in injector.marks {
                let value = mark.value.unwrap_or("anything");
                for name in injector.containers {
                    let text = pod(&format!("{}: {value:?}", mark.annotation), &[name, "app"]);
                    let expected = Some((injector.name, mark.annotation.to_owned()));
                    assert_eq!(
                        outputs(&text),
                        [((*name).to_owned(), expected), ("app".to_owned(), None)]
                    );
                    if mark.value.is_some() {
                        let text = pod(&format!("{}: other", mark.annotation), &[name]);
                        assert_eq!(outputs(&text), [((*name).to_owned(), None)]);
                    }
                }
            }
        }
    }

    #[test]
    fn a_name_an_image_or_a_wish_for_injection_is_no_mark() {
        for annotations in [
            "",
            "sidecar.istio.io/inject: \"true\"",
            "linkerd.io/inject: enabled",
            "dapr.io/enabled: \"true\"",
            "vault.hashicorp.com/agent-inject: \"true\"",
        ] {
            let names = ["istio-proxy", "linkerd-proxy", "daprd", "vault-agent"];
            let text = pod(annotations, &names);
            assert!(
                outputs(&text).iter().all(|(_, output)| output.is_none()),
                "{annotations}"
            );
        }
    }

    #[test]
    fn what_istio_records_counts_before_the_usual_names() {
        let status = r#"sidecar.istio.io/status: '{"initContainers":["my-init"],"containers":["my-proxy"]}'"#;
        let output = outputs(&pod(status, &["my-proxy", "istio-proxy", "app"]));
        let found: Vec<_> = output
            .iter()
            .filter(|(_, output)| output.is_some())
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(found, ["my-proxy"]);
    }
}
