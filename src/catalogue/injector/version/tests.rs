use super::*;
use crate::catalogue::injector::by_name;

#[test]
fn versions_are_compared_within_their_series() {
    for (version, since, expected) in [
        ("1.27", "1.27", Some(true)),
        ("v1.27.3-gke.1", "1.27", Some(true)),
        ("1.9", "1.27", Some(false)),
        ("1.9", "1.9.0", Some(true)),
        ("edge-25.4.1", "edge-23.11.4", Some(true)),
        ("edge-23.9.1", "edge-23.11.4", Some(false)),
        ("stable-2.14.10", "2.15", Some(false)),
        ("edge-25.4.1", "2.15", None),
    ] {
        let since = Since {
            version: since,
            also: &[],
        };
        let parsed = Version::parse(version).unwrap();
        assert_eq!(since.is_reached_by(parsed), expected, "{version} {since:?}");
    }
}

#[test]
fn a_version_has_numbers() {
    for text in [
        "latest", "", "v", "27", "edge", "edge-", "1.x", "main-1.2", "1..2", "-1.2",
    ] {
        assert_eq!(Version::parse(text), None, "{text:?}");
    }
    for (text, shown) in [
        ("1.27", "1.27"),
        ("v1.27.3-distroless", "1.27.3"),
        ("stable-2.14.10", "2.14.10"),
        ("edge-25.4.1", "edge-25.4.1"),
        ("1.18.0-rc.3", "1.18.0"),
    ] {
        assert_eq!(Version::parse(text).unwrap().to_string(), shown);
    }
}

#[test]
fn what_an_injector_does_rests_on_its_version_kubernetes_and_the_switch() {
    use InjectsNative::{Proved, Refuted, Unknown};
    for (name, version, kubernetes, switch, expected) in [
        ("Istio", "1.27", Some(33), None, Proved),
        ("Istio", "1.27", Some(32), None, Unknown),
        ("Istio", "1.27", None, None, Unknown),
        ("Istio", "1.26", Some(33), None, Unknown),
        ("Istio", "1.26", None, Some(true), Proved),
        ("Istio", "1.27", Some(33), Some(false), Refuted),
        ("Istio", "1.18", Some(33), Some(true), Refuted),
        // It injects native sidecars, where it is told for all pods, and has no annotation yet.
        ("Istio", "1.20", Some(33), Some(true), Unknown),
        ("Istio", "", Some(33), Some(true), Unknown),
        // It reads an older name.
        ("Linkerd", "edge-25.4.1", Some(33), Some(true), Unknown),
        ("Linkerd", "edge-25.4.1", Some(33), None, Unknown),
        ("Linkerd", "edge-26.5.2", Some(33), None, Proved),
        ("Linkerd", "2.20", None, None, Proved),
        ("Linkerd", "2.14", Some(33), Some(true), Refuted),
        ("Dapr", "1.17", Some(33), Some(true), Refuted),
        ("Dapr", "1.18.1", Some(33), Some(true), Proved),
        ("Dapr", "1.18.1", Some(33), None, Unknown),
        ("Kuma", "2.14.0", Some(33), None, Proved),
        ("Vault", "1.6", Some(33), None, Refuted),
    ] {
        let injector = by_name(name).unwrap();
        let installed = Installed {
            version: Version::parse(version),
            native: None,
        };
        let name = injector
            .pod_switch
            .as_ref()
            .map_or("", |switch| switch.annotation);
        let switches: Vec<_> = switch.map(|on: bool| (name, on)).into_iter().collect();
        assert_eq!(
            injector.injects_native(installed, kubernetes, &switches),
            expected,
            "{name} {version:?} {kubernetes:?} {switch:?}"
        );
    }
}

#[test]
fn of_several_names_of_a_switch_the_one_that_is_read_counts() {
    let linkerd = by_name("Linkerd").unwrap();
    let installed = |version| Installed {
        version: Version::parse(version),
        native: None,
    };
    let alpha = ("config.alpha.linkerd.io/proxy-enable-native-sidecar", true);
    let present = ("config.linkerd.io/proxy-enable-native-sidecar", false);
    for (version, expected) in [
        ("edge-25.4.1", InjectsNative::Proved),
        ("edge-26.5.2", InjectsNative::Refuted),
    ] {
        assert_eq!(
            linkerd.injects_native(installed(version), None, &[present, alpha]),
            expected
        );
    }
    assert_eq!(
        linkerd.injects_native(installed("edge-26.5.2"), None, &[alpha]),
        InjectsNative::Proved
    );
}

#[test]
fn a_setting_of_the_installation_goes_before_its_default() {
    let istio = by_name("Istio").unwrap();
    let installed = |native| Installed {
        version: Version::parse("1.27"),
        native,
    };
    assert_eq!(
        istio.injects_native(installed(Some(false)), Some(34), &[]),
        InjectsNative::Refuted
    );
    assert_eq!(
        istio.injects_native(installed(Some(true)), Some(30), &[]),
        InjectsNative::Proved
    );
    assert_eq!(
        istio.injects_native(
            installed(Some(false)),
            Some(34),
            &[("sidecar.istio.io/nativeSidecar", true)]
        ),
        InjectsNative::Proved
    );
}

#[test]
fn it_is_said_where_a_sidecar_is_an_ordinary_container() {
    for (name, version, kubernetes, expected) in [
        (
            "Istio",
            "",
            None,
            "in Istio before 1.27, or where a node's kubelet is older than 1.33",
        ),
        ("Istio", "", Some(34), "in Istio before 1.27"),
        ("Istio", "1.27", None, "where a node's kubelet is older than 1.33"),
        ("Linkerd", "", None, "in Linkerd before 2.20 (edge-26.5.2)"),
        (
            "Dapr",
            "",
            None,
            "in Dapr before 1.18, and later unless dapr_sidecar_injector.nativeSidecar is on",
        ),
        ("Vault", "", None, "with Vault"),
    ] {
        let installed = Installed {
            version: Version::parse(version),
            native: None,
        };
        let said = by_name(name).unwrap().where_ordinary(installed, kubernetes);
        assert_eq!(said, expected);
    }
}

#[test]
fn meshes_are_set_by_name() {
    let mut meshes = Meshes::default();
    meshes.set_version("Istio", "1.26").unwrap();
    meshes.set_version("istio", "1.27").unwrap();
    meshes.set_version("cloud-sql-proxy-operator", "1.6.0").unwrap();
    let version = |name| {
        meshes
            .of(by_name(name).unwrap())
            .version
            .map(|version| version.to_string())
    };
    assert_eq!(version("Istio").as_deref(), Some("1.27"));
    assert_eq!(version("Cloud SQL Proxy Operator").as_deref(), Some("1.6.0"));
    assert_eq!(version("Linkerd"), None);
    let unknown = meshes.set_version("nobody", "1.2").unwrap_err().to_string();
    assert!(
        unknown.contains("istio, linkerd, dapr, consul, kuma"),
        "{unknown}"
    );
    let unreadable = meshes.set_version("istio", "latest").unwrap_err();
    assert_eq!(
        unreadable.to_string(),
        "\"latest\" is no version of Istio such as 1.27"
    );
}
