//! Controllers beside Kubernetes that order a pod's containers, or end some of them from outside.

/// OpenKruise: `pub/launch_priority.go` and `v1beta1/well_known_labels.go` in its types.
pub const OPEN_KRUISE: Controller = Controller {
    name: "OpenKruise",
    ordered: Ordered {
        annotation: "apps.kruise.io/container-launch-priority",
        value: "Ordered",
        variable: "KRUISE_CONTAINER_PRIORITY",
    },
    ends_with_the_job: &[
        ("KRUISE_TERMINATE_SIDECAR_WHEN_JOB_EXIT", Some("true")),
        ("KRUISE_TERMINATE_SIDECAR_WHEN_JOB_EXIT_WITH_IMAGE", None),
    ],
    source: "https://github.com/openkruise/kruise/tree/master/apis/apps",
    checked: "2026-11-29",
};

/// The annotation by which controllers from outside the pod are told which containers to kill when only they are left
/// (`controller.go` of nrmitchi/k8s-controller-sidecars, 2026-11-30).
pub const KILLED_WHEN_ALONE: &str = "pod.kubernetes.io/sidecars";

/// A controller with settings of its own in pods.
#[derive(Debug)]
pub struct Controller {
    /// Its name.
    pub name: &'static str,
    /// How it is told to start containers one after the other.
    pub ordered: Ordered,
    /// Variables in a sidecar's own environment that let it be ended with the Job, with the value that does.
    pub ends_with_the_job: &'static [(&'static str, Option<&'static str>)],
    /// Where this is from.
    pub source: &'static str,
    /// The day on which somebody compared the row with its source.
    pub checked: &'static str,
}

/// Settings that order containers.
#[derive(Debug)]
pub struct Ordered {
    /// The annotation of the pod (template).
    pub annotation: &'static str,
    /// Its value.
    pub value: &'static str,
    /// The variable that gives a container its place.
    pub variable: &'static str,
}

/// An image whose only purpose is to end other containers of the pod, or the pods of other Jobs.
#[derive(Debug)]
pub struct Killer {
    /// The base name of its image.
    pub image: &'static str,
    /// Where this is from.
    pub source: &'static str,
    /// The day on which somebody compared the row with its source.
    pub checked: &'static str,
}

/// All such images.
pub const KILLERS: &[Killer] = &[
    killer(
        "envoy-sidecar-helper",
        "https://github.com/maksim-paskal/envoy-sidecar-helper/blob/main/README.md",
    ),
    killer(
        "istio-job-cleaner",
        "https://github.com/rmendal/istio-job-cleaner/blob/main/examples/cleaner-manifest.yaml",
    ),
    killer(
        "kubernetes-sidecar-terminator",
        "https://github.com/zachomedia/kubernetes-sidecar-terminator/blob/master/manifests/deployment.yaml",
    ),
    killer(
        "controller-sidecars",
        "https://github.com/lemonade-hq/k8s-controller-sidecars/blob/master/manifest.yml",
    ),
    Killer {
        image: "linkerd-proxy-terminator",
        source: "https://github.com/channyein87/linkerd-proxy-terminator/blob/main/examples/simple-job/job.yaml",
        checked: "2026-12-01",
    },
];

const fn killer(image: &'static str, source: &'static str) -> Killer {
    Killer {
        image,
        source,
        checked: "2026-11-29",
    }
}

/// Whether an image's only purpose is to end other containers.
#[must_use]
pub fn is_killer(image: &str) -> bool {
    KILLERS.iter().any(|killer| killer.image == image)
}

impl Controller {
    /// Whether a variable in a container's environment lets it be ended with the Job.
    #[must_use]
    pub fn ends(&self, variable: &str, value: &str) -> bool {
        self.ends_with_the_job
            .iter()
            .any(|(name, wanted)| *name == variable && wanted.is_none_or(|wanted| wanted == value))
    }

    /// Whether it reads an environment variable of that name.
    #[must_use]
    pub fn reads(&self, variable: &str) -> bool {
        variable == self.ordered.variable || self.ends_with_the_job.iter().any(|(name, _)| *name == variable)
    }
}
