//! Programs that nobody sees: an image's own, and files and tasks that are not in the manifest.

use super::{Suspect, names_an_end};
use crate::{
    catalogue::program_reach::{Reach, is_called_a_script, reaches},
    pod::{Member, Pod},
    roles::Role,
    shell::command_index,
};

/// A container whose program nobody can see.
pub(super) fn hidden(pod: &Pod<'_>, at: usize, member: &Member<'_>) -> Option<Suspect> {
    let Some((_, program)) = Pod::entrypoint(member).filter(|_| !member.container.command().is_empty())
    else {
        return (member.role.role == Role::App).then_some(Suspect::Image(at));
    };
    let words: Vec<&str> = program.words.iter().filter_map(|word| word.as_str()).collect();
    let first = words
        .first()
        .map_or("", |word| word.rsplit('/').next().unwrap_or(word));
    // A file of the pod's own ConfigMaps is read, and so is what stands behind -c.
    let is_read = program.config_map.is_some()
        || program
            .invocation
            .as_ref()
            .is_some_and(|invocation| !invocation.file);
    if !is_read {
        let runs_code = |at: usize| {
            words
                .get(at)
                .is_some_and(|flag| matches!(*flag, "-r" | "-e" | "-E" | "-c"))
        };
        let code = (1..words.len()).find(|at| runs_code(*at));
        if reaches(first, Reach::File) && code.is_some() {
            return Some(Suspect::Program {
                container: at,
                name: first.to_owned(),
            });
        }
        // What `python -m` names is a package of the image, a program like any other.
        let module = words.get(2).filter(|_| words.get(1) == Some(&"-m"));
        let is_package = module.is_some_and(|module| first.starts_with("python") && !names_an_end(module));
        let file = words
            .iter()
            .copied()
            .find(|word| is_called_a_script(word) && !is_package)
            .or_else(|| {
                let is_file = |word: &&&str| !word.starts_with('-');
                (reaches(first, Reach::File) && !is_package)
                    .then(|| words.iter().skip(1).find(is_file).copied())?
            });
        // A task runner's tasks are in the image, and a program on a volume is whatever was put there.
        let is_on_a_volume = |word: &str| pod.workload.volume_of_file(&member.container, word).is_some();
        let unseen = || {
            let command = words.first().copied()?;
            (reaches(first, Reach::Task) || is_on_a_volume(command)).then_some(command)
        };
        return file.or_else(unseen).map(|file| Suspect::File {
            container: at,
            file: file.to_owned(),
        });
    }
    // Files that its script runs or sources.
    let script = program.script.as_ref()?;
    script
        .list
        .commands()
        .filter_map(|visit| visit.simple())
        .find_map(|simple| {
            let at_word = command_index(&simple.words);
            let word = simple.words.get(at_word)?.literal()?;
            let base = word.rsplit('/').next().unwrap_or(&word);
            let next = || simple.words.get(at_word + 1).and_then(|word| word.literal());
            let file = match base {
                "." | "source" => next()?.into_owned(),
                _ if reaches(base, Reach::File) => {
                    next().filter(|next| is_called_a_script(next))?.into_owned()
                }
                _ if reaches(base, Reach::Task) && next().is_some() => word.into_owned(),
                _ if is_called_a_script(&word) => word.into_owned(),
                _ => return None,
            };
            Some(Suspect::File { container: at, file })
        })
}
