//! Patches and overlays that touch what a conversion changes.

use super::*;

#[test]
fn a_patch_of_a_converted_container_stops_the_conversion() {
    let text = deployment("", NATIVE);
    let with = |path: &str| {
        let patches = format!(
            "kind: Kustomization\nresources: [a.yaml]\npatches:\n- target: {{kind: Deployment, name: a}}\n  patch: |\n    - {{op: replace, path: {path}, value: x}}\n"
        );
        let patches = std::sync::Arc::new(crate::source::SourceFile {
            name: "kustomization.yaml".into(),
            text: patches.into(),
        });
        let options = converting(Form::Annotation, true);
        migrate(&source(&text), &[patches], &options, &mut |findings| findings).unwrap()
    };
    for path in [
        "/spec/template/spec/initContainers/1/image",
        "/spec/template/spec/initContainers/1/restartPolicy",
        "/spec/template/metadata/annotations",
    ] {
        let left = with(path);
        assert!(
            !left.is_changed() && said(&left).contains("change the two together"),
            "{path}: {}",
            said(&left)
        );
    }
    for path in [
        "/spec/template/spec/initContainers/0/image",
        "/spec/template/spec/containers/0/image",
        "/spec/replicas",
    ] {
        assert!(with(path).is_changed(), "{path}");
    }
}

#[test]
fn an_overlay_that_takes_the_declaration_away_stops_the_rewrite() {
    let template = |metadata: &str, containers: &str| {
        format!(
            "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: a}}\nspec:\n  template:\n    metadata: {metadata}\n{containers}"
        )
    };
    let undeclared = template("{annotations: {team: x}}", CONTAINERS);
    // Declared already, with what is left of the workaround.
    let polls = CONTAINERS.replace(
        "command: [/app]",
        "command: [sh, -c, 'until curl -sf localhost:5066/stats; do sleep 1; done; exec /app']",
    );
    let polls = polls.replace(
        "elastic/filebeat}",
        "elastic/filebeat, ports: [{containerPort: 5066}]}",
    );
    let declared = template("{annotations: {kubectl-sidecar/sidecars: filebeat}}", &polls);
    let with = |text: &str, overlay: &str, kustomization: Option<&str>, form: Form| {
        let file = |name: &str, text: &str| {
            std::sync::Arc::new(crate::source::SourceFile {
                name: name.into(),
                text: text.into(),
            })
        };
        let mut others = vec![file("overlay.yaml", overlay)];
        others.extend(kustomization.map(|text| file("kustomization.yaml", text)));
        let options = options(form, true);
        migrate(&source(text), &others, &options, &mut |findings| findings).unwrap()
    };
    let referred = "kind: Kustomization\nresources: [a.yaml]\npatches: [{path: overlay.yaml}]\n";
    let takes_away = [
        "{annotations: {kubectl-sidecar/sidecars: null}}",
        "{annotations: {kubectl-sidecar/sidecars: }}",
        "{annotations: {kubectl-sidecar/sidecars: other}}",
        "{annotations: null}",
        "{annotations: {$patch: replace, team: y}}",
        "null",
    ];
    for metadata in takes_away {
        let overlay = template(metadata, "");
        for kustomization in [Some(referred), None] {
            for text in [&undeclared, &declared] {
                let left = with(text, &overlay, kustomization, Form::Annotation);
                assert!(
                    !left.is_changed() && said(&left).contains("take the annotation away"),
                    "{metadata}\n{text}\n{}",
                    said(&left)
                );
            }
            assert!(with(&undeclared, &overlay, kustomization, Form::Native).is_changed());
        }
    }
    for harmless in [
        template("{annotations: {team: y}, labels: null}", ""),
        template("{annotations: {kubectl-sidecar/sidecars: null}}", "").replace("name: a", "name: b"),
        "apiVersion: batch/v1\nkind: Job\nmetadata: {name: a, annotations: {kubectl-sidecar/sidecars: null}}\n".to_owned(),
    ] {
        for text in [&undeclared, &declared] {
            let done = with(text, &harmless, Some(referred), Form::Annotation);
            assert!(done.is_changed(), "{harmless}\n{text}\n{}", said(&done));
        }
    }
}

#[test]
fn a_patch_that_replaces_the_annotations_stops_the_rewrite() {
    let text = format!(
        "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: a}}\nspec:\n  template:\n    metadata: {{annotations: {{team: x}}}}\n{CONTAINERS}"
    );
    let with = |path: &str, form| {
        let patches = source(&format!(
            "kind: Kustomization\nresources: [a.yaml]\npatches:\n- target: {{kind: Job, name: a}}\n  patch: |\n    - {{op: add, path: {path}, value: x}}\n"
        ));
        let patches = std::sync::Arc::new(crate::source::SourceFile {
            name: "kustomization.yaml".into(),
            text: patches.text.clone(),
        });
        migrate(
            &source(&text),
            &[patches],
            &options(form, false),
            &mut |findings| findings,
        )
        .unwrap()
    };
    for path in [
        "/spec/template/metadata/annotations",
        "/spec/template/metadata",
        "/spec/template/metadata/annotations/kubectl-sidecar~1sidecars",
    ] {
        let left = with(path, Form::Annotation);
        assert!(
            !left.is_changed() && said(&left).contains("take the annotation away"),
            "{}",
            said(&left)
        );
        assert!(with(path, Form::Native).is_changed());
    }
    for path in [
        "/spec/template/metadata/annotations/team",
        "/metadata/annotations",
        "/spec/template/metadata/labels",
    ] {
        assert!(with(path, Form::Annotation).is_changed(), "{path}");
    }
}
