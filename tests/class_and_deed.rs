//! What lint says can be done is what migrate does: over all cases, the rules' examples, and the manifests in
//! `../shared`, which may not be there.

#![allow(
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used
)]

#[path = "support/generated_pods.rs"]
mod generated_pods;
#[path = "migrate_meaning/random.rs"]
mod random;
#[path = "support/tell.rs"]
mod tell;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use kubectl_sidecar::{
    lint::{self, lint_source},
    migrate::{self, Class, Form, migrate},
    pod::Settings,
    remedy,
    roles::Catalogue,
    rules::{Finding, FixClass, RULES},
    source::SourceFile,
};

fn options(form: Form, review: bool) -> migrate::Options {
    migrate::Options {
        lint: lint::Options {
            settings: Settings {
                target: Some(form.into()),
                ..Settings::default()
            },
            catalogue: Arc::new(Catalogue::built_in().clone()),
        },
        remedy: remedy::Options::of(form).reviewed(review),
    }
}

/// The class of what migrate does about a finding, if it does anything.
fn deed(source: &Arc<SourceFile>, form: Form, review: bool, finding: &Finding) -> Option<Class> {
    let migration = migrate(source, &[], &options(form, review), &mut |all| all).ok()?;
    let plans = migration
        .plans
        .iter()
        .filter(|plan| plan.document == finding.document && plan.object == finding.object);
    let mut actions = plans.flat_map(|plan| &plan.actions);
    let action = actions.find(|action| action.subjects.contains(&finding.subject))?;
    assert!(
        migration.is_changed(),
        "{}: done, and nothing changes",
        source.name
    );
    Some(action.class)
}

/// What is wrong about the findings of one text.
fn wrong(source: &Arc<SourceFile>, form: Form) -> Vec<String> {
    let mut wrong = Vec::new();
    for finding in lint_source(source, &[], &options(form, false).lint).findings {
        let plain = deed(source, form, false, &finding);
        let reviewed = deed(source, form, true, &finding);
        let is_right = match finding.fix.class {
            FixClass::Safe => plain == Some(Class::Safe),
            FixClass::Review => plain.is_none() && reviewed.is_some(),
            FixClass::Manual | FixClass::None => plain.is_none() && reviewed.is_none(),
        };
        if !is_right {
            wrong.push(format!(
                "{} {form:?} {} {:?}: plain {plain:?}, with review {reviewed:?}",
                source.name, finding.rule.name, finding.fix
            ));
        }
    }
    wrong
}

fn wrong_of_all(sources: &[Arc<SourceFile>]) -> Vec<String> {
    let forms = [Form::Native, Form::Lifecycle, Form::Annotation];
    let wrong_of = |sources: &[Arc<SourceFile>]| -> Vec<String> {
        let each = |source| forms.into_iter().flat_map(move |form| wrong(source, form));
        sources.iter().flat_map(each).collect()
    };
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        let workers: Vec<_> = sources
            .chunks(sources.len().div_ceil(threads).max(1))
            .map(|chunk| scope.spawn(move || wrong_of(chunk)))
            .collect();
        let each = workers
            .into_iter()
            .flat_map(|worker| worker.join().expect("a worker"));
        each.collect()
    })
}

fn manifests(folder: &Path, found: &mut BTreeSet<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            manifests(&path, found);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "yaml" || extension == "yml")
        {
            found.insert(path);
        }
    }
}

fn sources_in(folder: &Path) -> Vec<Arc<SourceFile>> {
    let mut found = BTreeSet::new();
    manifests(folder, &mut found);
    let read = |path: &PathBuf| {
        Some(Arc::new(SourceFile {
            name: path.display().to_string(),
            text: fs::read_to_string(path).ok()?.into(),
        }))
    };
    found.iter().filter_map(read).collect()
}

#[test]
fn of_every_case_and_example() {
    let mut sources = sources_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases"));
    assert!(sources.len() > 100);
    sources.extend(RULES.iter().map(|rule| {
        Arc::new(SourceFile {
            name: rule.name.to_owned(),
            text: rule.before.into(),
        })
    }));
    assert_eq!(wrong_of_all(&sources), Vec::<String>::new());
}

#[test]
fn of_manifests_that_were_not_made_for_it() {
    for folder in ["faults", "corpus"] {
        let shared = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../shared")
            .join(folder);
        let sources = sources_in(&shared);
        if sources.is_empty() {
            tell::skip(folder, &format!("there is no {}", shared.display()));
            continue;
        }
        assert_eq!(wrong_of_all(&sources), Vec::<String>::new());
    }
}

/// `PODS` and `PODS_SEED` make it longer, and another one.
#[test]
fn of_generated_pods() {
    let number = |variable: &str, default: u64| {
        std::env::var(variable).map_or(default, |number| number.parse().expect(variable))
    };
    let (count, seed) = (number("PODS", 300), number("PODS_SEED", 15));
    let sources: Vec<_> = (0..count)
        .map(|index| {
            let mut random = random::Random::new(seed.wrapping_mul(0x0100_0000).wrapping_add(index));
            let workload = generated_pods::workload(&mut random);
            Arc::new(SourceFile {
                name: format!("pod {index}"),
                text: serde_yaml::to_string(&workload).expect("YAML").into(),
            })
        })
        .collect();
    let wrong = wrong_of_all(&sources);
    println!("{count} pods (seed {seed}): {} differ", wrong.len());
    if let Some(folder) = std::env::var_os("DUMP") {
        for s in &sources {
            let n = s.name.replace(' ', "-");
            fs::write(Path::new(&folder).join(format!("{n}.yaml")), s.text.as_bytes()).unwrap();
        }
    }
    assert_eq!(wrong.iter().take(12).collect::<Vec<_>>(), Vec::<&String>::new());
}
