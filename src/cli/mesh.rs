//! Versions of injectors on the command line and in a configuration.

use crate::catalogue::injector::{MeshError, Meshes};

/// `NAME=VERSION`: the version of an injector.
#[derive(Debug, Clone)]
pub(super) struct MeshArgument(Meshes);

/// Reads `istio=1.27`.
pub(super) fn parse_mesh(text: &str) -> Result<MeshArgument, String> {
    let (name, version) = text
        .split_once('=')
        .ok_or_else(|| format!("{text:?} names no version: NAME=VERSION, such as istio=1.27"))?;
    let mut meshes = Meshes::default();
    meshes
        .set_version(name.trim(), version.trim())
        .map_err(|error| error.to_string())?;
    Ok(MeshArgument(meshes))
}

/// What the command line says goes before the configuration; of one injector that is named twice the last word counts.
pub(super) fn meshes(arguments: &[MeshArgument], configured: Meshes) -> Meshes {
    arguments
        .iter()
        .rev()
        .fold(Meshes::default(), |meshes, argument| meshes.or(argument.0))
        .or(configured)
}

/// The versions of a configuration; of one that says nothing its name too.
pub(super) fn configured<'c>(
    versions: impl IntoIterator<Item = (&'c String, &'c String)>,
) -> Result<Meshes, (&'c str, MeshError)> {
    let mut meshes = Meshes::default();
    for (name, version) in versions {
        meshes
            .set_version(name, version)
            .map_err(|error| (name.as_str(), error))?;
    }
    Ok(meshes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::injector::by_name;

    #[test]
    fn the_command_line_goes_before_the_configuration() {
        let arguments =
            ["istio=1.26", "istio=1.27", "linkerd=edge-25.4.1"].map(|text| parse_mesh(text).unwrap());
        let mut of_file = Meshes::default();
        of_file.set_version("istio", "1.24").unwrap();
        of_file.set_version("dapr", "1.18").unwrap();
        let meshes = meshes(&arguments, of_file);
        let version = |name| {
            meshes
                .of(by_name(name).unwrap())
                .version
                .map(|version| version.to_string())
        };
        assert_eq!(version("Istio").as_deref(), Some("1.27"));
        assert_eq!(version("Linkerd").as_deref(), Some("edge-25.4.1"));
        assert_eq!(version("Dapr").as_deref(), Some("1.18"));
    }

    #[test]
    fn what_says_nothing_is_named() {
        for (text, expected) in [
            (
                "istio",
                "\"istio\" names no version: NAME=VERSION, such as istio=1.27",
            ),
            ("istio=latest", "\"latest\" is no version of Istio such as 1.27"),
            (
                "=1.27",
                "no injector of sidecars called \"\" is known; these are: istio, ",
            ),
            (
                "nobody=1.27",
                "no injector of sidecars called \"nobody\" is known; these are: istio, ",
            ),
        ] {
            let error = parse_mesh(text).unwrap_err();
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
