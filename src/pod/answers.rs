//! What has been asked of a member. Many rules and every plan ask the same, and most answers take a walk through scripts.

use std::cell::OnceCell;

use super::{Lifetime, Member, Pod, Suspect};
use crate::roles::{RunsServer, runs_its_server};

/// The answers that are known by now. Each follows from the member, its pod's links and its pod's catalogue, none of
/// which changes once the pod is put together. Roles do, so that no answer may rest on one but who may end it, which is
/// asked by rules and remedies alone, when roles are settled.
#[derive(Debug, Default)]
pub struct Answers {
    pub(super) runs_server: OnceCell<RunsServer>,
    pub(super) lifetime: OnceCell<Lifetime>,
    pub(super) ends_with_another: OnceCell<bool>,
    pub(super) stops_another: OnceCell<bool>,
    pub(super) suspects: OnceCell<Vec<Suspect>>,
}

impl<'a> Pod<'a> {
    /// Whether one of its members runs its image's server.
    pub(crate) fn runs_server<'m>(&self, member: &'m Member<'a>) -> &'m RunsServer {
        member.answers.runs_server.get_or_init(|| {
            let entrypoint = Pod::entrypoint(member).map(|(_, program)| program);
            runs_its_server(&member.container, entrypoint, self.catalogue)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{path::Path, sync::Arc};

    use super::*;
    use crate::{
        lint,
        pod::{Outsiders, Settings, Sources, ends_with_another, stops_another},
        roles::{Catalogue, Role},
        source::SourceFile,
        workload::{ConfigMaps, config_maps, discover, objects_of},
        yaml,
    };

    /// What is asked of a member, in the order of [`Answers`].
    fn answers(pod: &Pod<'_>) -> Vec<(RunsServer, Lifetime, bool, bool)> {
        let members = pod.members.iter().enumerate();
        let of_member = |(index, member)| {
            let runs_server = pod.runs_server(member).clone();
            let lifetime = pod.lifetime(index).clone();
            (
                runs_server,
                lifetime,
                ends_with_another(member),
                stops_another(member),
            )
        };
        members.map(of_member).collect()
    }

    /// Injected containers and those that the command line names get their roles when somebody may have asked already.
    #[test]
    fn no_answer_rests_on_a_role() {
        let options = lint::Options {
            settings: Settings::default(),
            catalogue: Arc::new(Catalogue::built_in().clone()),
        };
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
        let mut count = 0;
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            let source = Arc::new(SourceFile {
                name: path.display().to_string(),
                text: std::fs::read_to_string(&path).unwrap().into(),
            });
            let Ok(stream) = yaml::parse(&source.text) else {
                continue;
            };
            let maps = ConfigMaps::new(config_maps(&stream, |_| true), None);
            let outsiders = Outsiders::of(&stream);
            for object in objects_of(&stream) {
                for workload in discover(&object) {
                    let pod = || {
                        lint::pod(
                            &workload,
                            &maps,
                            &[],
                            &outsiders,
                            Sources::new(&source, &[]),
                            &options,
                        )
                    };
                    let expected = answers(&pod());
                    for role in [Role::App, Role::Sidecar] {
                        let mut other = pod();
                        for member in &mut other.members {
                            member.role.role = role;
                            member.role.declared = role == Role::Sidecar;
                            member.role.evidence.clear();
                        }
                        assert_eq!(answers(&other), expected, "{}", source.name);
                    }
                    count += 1;
                }
            }
        }
        assert!(count > 100, "{count} pods");
    }
}
