//! Rewrites workarounds into declared sidecars.
//!
//! Findings and links become a [`Plan`]: changes with a class, refusals with a reason. The changes are carried
//! out round by round on the text and, apart from that, on plain values; where the two differ nothing is
//! written. No terminal, no files, no network.

mod carry_over;
mod judgement;
mod moved;
mod proposal;
mod resource_list;
mod resources;
mod scratch;
mod shared_processes;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
};

use crate::{
    edit::{Change, rewrite},
    lint,
    pod::{Outsiders, Pod, Settings, Sources},
    remedy::{self, Remedies},
    roles::{Evidence, Role, Strength},
    rules::{self, Finding, FixClass, Severity},
    source::SourceFile,
    workload::{self, ConfigMaps},
    yaml::{self, ParseError, Stream},
};

pub use crate::edit::RewriteError;
pub use crate::remedy::{Action, Class, Elsewhere, Form, Holders, Plan, Refusal, Surroundings};
pub use carry_over::carry_over;
pub use proposal::{Proposal, Replacement, propose, propose_each};
pub use resource_list::describe_results;

/// What decides about a rewrite besides the text.
#[derive(Debug, Clone)]
pub struct Options {
    /// What decides about findings.
    pub lint: lint::Options,
    /// What the user wishes.
    pub remedy: remedy::Options,
}

impl Options {
    /// Those of findings as a lint makes them, rewritten to `form`; with what a person has to look at, or without.
    #[must_use]
    pub fn of(lint: &lint::Options, form: Form, review: bool) -> Self {
        Self {
            lint: lint::Options {
                settings: Settings {
                    target: Some(form.into()),
                    ..lint.settings
                },
                catalogue: Arc::clone(&lint.catalogue),
            },
            remedy: remedy::Options::of(form).reviewed(review),
        }
    }
}

/// What became of one source.
#[derive(Debug, Clone)]
pub struct Migration {
    /// The source.
    pub source: Arc<SourceFile>,
    /// Its new text; the old one where nothing is changed.
    pub text: String,
    /// What was done to each workload, in the order of the text. Workloads without findings are left out.
    pub plans: Vec<Plan>,
    /// Rewrites that failed the check of their result: bugs. Nothing of these workloads was changed.
    pub failures: Vec<RewriteError>,
}

/// Chooses among the findings of one pod those that are to go.
pub type Choose<'c> = &'c mut dyn FnMut(Vec<Finding>) -> Vec<Finding>;

/// Rewrites one source. The ConfigMaps in `others` serve its workloads too, and the patches there follow them.
///
/// # Errors
/// A source that is no YAML.
pub fn migrate(
    source: &Arc<SourceFile>,
    others: &[Arc<SourceFile>],
    options: &Options,
    choose: Choose<'_>,
) -> Result<Migration, ParseError> {
    let mut sources = others.to_vec();
    if !sources.contains(source) {
        sources.push(Arc::clone(source));
    }
    let holders = Holders::read(&sources);
    migrate_within(source, &Surroundings::of(&holders), options, choose)
}

/// Rewrites one source of an input. What its plans change in other sources is for [`carry_over`] to do.
///
/// # Errors
/// A source that is no YAML.
pub fn migrate_within(
    source: &Arc<SourceFile>,
    surroundings: &Surroundings<'_>,
    options: &Options,
    choose: Choose<'_>,
) -> Result<Migration, ParseError> {
    // What the user does not want to see gone of a pod, by rule and container.
    let mut spared = HashSet::new();
    let mut migration = pass(source, surroundings, options, &mut |pod, findings| {
        let all: HashSet<_> = findings.iter().map(subject).collect();
        let chosen = choose(findings);
        let wanted: HashSet<_> = chosen.iter().map(subject).collect();
        spared.extend(all.difference(&wanted).map(|subject| (pod, subject.clone())));
        Some(chosen)
    })?;
    let converted: Vec<usize> = migration.converted().collect();
    if converted.is_empty() {
        return Ok(migration);
    }
    // What is left of a workaround is judged beside the new form of its sidecar.
    let between = Arc::new(SourceFile {
        name: source.name.clone(),
        text: migration.text.as_str().into(),
    });
    let rest = pass(&between, surroundings, options, &mut |pod, mut findings| {
        findings.retain(|finding| !spared.contains(&(pod, subject(finding))));
        converted.contains(&pod).then(|| choose(findings))
    })?;
    migration.then(rest);
    Ok(migration)
}

/// What a finding is about, wherever it stands.
fn subject(finding: &Finding) -> (&'static str, Option<String>) {
    (finding.rule.name, finding.container.clone())
}

/// Chooses among the findings of a pod, which is known by its place among all of a source; nothing where it is not
/// looked at.
type ChooseOf<'c> = &'c mut dyn FnMut(usize, Vec<Finding>) -> Option<Vec<Finding>>;

/// Rewrites a source once.
fn pass(
    source: &Arc<SourceFile>,
    surroundings: &Surroundings<'_>,
    options: &Options,
    choose: ChooseOf<'_>,
) -> Result<Migration, ParseError> {
    let stream = yaml::parse(&source.text)?;
    let mut migration = Migration {
        source: Arc::clone(source),
        text: source.text.to_string(),
        plans: plans(&stream, source, surroundings, options, choose),
        failures: Vec::new(),
    };
    migration.carry_out();
    if migration.is_changed() {
        migration.look_at_result(&stream, surroundings, options);
    }
    Ok(migration)
}

fn plans(
    stream: &Stream<'_>,
    source: &Arc<SourceFile>,
    surroundings: &Surroundings<'_>,
    options: &Options,
    choose: ChooseOf<'_>,
) -> Vec<Plan> {
    let mut plans = Vec::new();
    pods_of(stream, source, surroundings, options, &mut |index, pod| {
        let mut all = rules::find(pod);
        let remedies_of = |findings: &[Finding]| {
            Remedies::of(
                pod,
                &rules::wanted_of(findings),
                &surroundings.patches,
                &options.remedy,
            )
        };
        let mut remedies = remedies_of(&all);
        rules::settle(&mut all, &remedies);
        let count = all.len();
        let Some(findings) = choose(index, all) else {
            return;
        };
        if findings.len() != count {
            remedies = remedies_of(&findings);
        }
        let mut plan = remedies.into_plan(options.remedy.review);
        by_hand(&findings, &mut plan);
        plan.pod = index;
        plan.span = pod.workload.object.node.span();
        if !plan.is_empty() || !plan.refusals.is_empty() {
            plans.push(plan);
        }
    });
    plans
}

/// Hands over each pod of a source that is no overlay of another one, with its place among all.
fn pods_of(
    stream: &Stream<'_>,
    source: &Arc<SourceFile>,
    surroundings: &Surroundings<'_>,
    options: &Options,
    take: &mut dyn FnMut(usize, &Pod<'_>),
) {
    let mut count = 0;
    let sources = Sources::new(source, surroundings.files);
    let config_maps = ConfigMaps::new(
        workload::config_maps(stream, |_| true),
        Some(&surroundings.config_maps),
    );
    let own_services = workload::services(stream);
    let services_beside = surroundings.services.beside(source);
    let services = [&own_services, services_beside.as_ref()];
    let outsiders = Outsiders::of(stream);
    for object in workload::objects_of(stream) {
        if surroundings.is_overlay_of_another(source, object.document, &object.reference) {
            continue;
        }
        for workload in workload::discover(&object)
            .into_iter()
            .filter(|workload| !workload.is_patch())
        {
            let mut pod = lint::pod(
                &workload,
                &config_maps,
                &services,
                &outsiders,
                sources,
                &options.lint,
            );
            name_sidecars(&mut pod, options);
            remedy::script::shared::settle(&mut pod, surroundings.config_map_uses, surroundings.is_live);
            take(count, &pod);
            count += 1;
        }
    }
}

/// What only a person can do.
fn by_hand(findings: &[Finding], plan: &mut Plan) {
    if plan.is_conversion {
        return;
    }
    for finding in findings
        .iter()
        .filter(|finding| finding.severity >= Severity::Warning)
    {
        let is_told =
            plan.action_on(&finding.subject).next().is_some() || plan.refusal_of(&finding.subject).is_some();
        let has_reason = !finding.fix.reason.is_empty() && finding.fix.class == FixClass::Manual;
        if !is_told && has_reason {
            plan.left(
                finding.message.clone(),
                finding.fix.reason.clone(),
                false,
                [finding.subject.clone()],
            );
        }
    }
}

/// Makes sidecars of the containers that the user names.
fn name_sidecars(pod: &mut Pod<'_>, options: &Options) {
    let named: Vec<bool> = pod
        .members
        .iter()
        .map(|member| remedy::planner::is_named(pod, member, &options.remedy))
        .collect();
    for (member, named) in pod.members.iter_mut().zip(named) {
        if named {
            member.role.role = Role::Sidecar;
            member.role.evidence.insert(
                0,
                Evidence {
                    strength: Strength::Explicit,
                    text: "named on the command line".to_owned(),
                },
            );
        }
    }
}

impl Migration {
    /// Whether the text is another one.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        self.text != *self.source.text
    }

    /// The names of the sources that change with this one: all of them, or none.
    pub fn changes_elsewhere(&self) -> impl Iterator<Item = &str> {
        let elsewhere = self.plans.iter().flat_map(|plan| &plan.elsewhere);
        elsewhere.map(|elsewhere| elsewhere.source.name.as_str())
    }

    /// The pods whose sidecars are declared in another form now.
    fn converted(&self) -> impl Iterator<Item = usize> {
        let conversions = self.plans.iter().filter(|plan| plan.is_conversion);
        conversions.map(|plan| plan.pod)
    }

    /// Takes in what was done to the text that this one has made.
    fn then(&mut self, next: Self) {
        for plan in next.plans {
            if let Some(own) = self.plans.iter_mut().find(|own| own.pod == plan.pod) {
                own.then(plan);
            }
        }
        self.text = next.text;
        self.failures.extend(next.failures);
    }

    /// Carries all plans out at once, or, where that fails, one by one without those that fail.
    fn carry_out(&mut self) {
        if self.plans.iter().all(Plan::is_empty) {
            return;
        }
        let all = joined(self.plans.iter());
        if let Ok(text) = rewrite(&self.source.text, &all) {
            self.text = text;
        } else {
            for index in 0..self.plans.len() {
                self.carry_out_one(index);
            }
        }
        self.text = scratch::sweep(std::mem::take(&mut self.text), &mut self.plans);
        self.text = shared_processes::sweep(std::mem::take(&mut self.text), &mut self.plans);
    }

    /// Takes back what would bring an error of its own, and notes what the result means beyond what was asked for.
    fn look_at_result(&mut self, before: &Stream<'_>, surroundings: &Surroundings<'_>, options: &Options) {
        let kubernetes = options.lint.settings.kubernetes_version;
        let note = |plans: &mut [Plan], after: &Stream<'_>| {
            resources::compare(before, after, plans);
            moved::note(before, after, plans, surroundings.watchers, kubernetes);
        };
        let result = self.result();
        // What can't be read is refused by the rewrite's own check.
        let Ok(after) = yaml::parse(&result.text) else {
            return;
        };
        if !self.judge(before, (&after, &result), surroundings, options) {
            note(&mut self.plans, &after);
            return;
        }
        self.text = self.source.text.to_string();
        self.carry_out();
        let result = self.result();
        if let (true, Ok(after)) = (self.is_changed(), yaml::parse(&result.text)) {
            note(&mut self.plans, &after);
        }
    }

    /// The new text as a source.
    fn result(&self) -> Arc<SourceFile> {
        Arc::new(SourceFile {
            name: self.source.name.clone(),
            text: self.text.as_str().into(),
        })
    }

    /// Gives up the plans that would bring an error of their own; whether there are any. What lint goes on to say of the
    /// others is noted.
    fn judge(
        &mut self,
        before: &Stream<'_>,
        (after, result): (&Stream<'_>, &Arc<SourceFile>),
        surroundings: &Surroundings<'_>,
        options: &Options,
    ) -> bool {
        let after = judgement::objections(after, result, surroundings, options);
        if after.values().all(BTreeSet::is_empty) {
            return false;
        }
        let before = judgement::objections(before, &self.source, surroundings, options);
        let mut is_taken_back = false;
        for plan in self.plans.iter_mut().filter(|plan| !plan.is_empty()) {
            if let Some(reason) = judgement::brought(&before, &after, plan.pod) {
                plan.abandon(reason);
                is_taken_back = true;
                continue;
            }
            for note in judgement::stands(&before, &after, plan.pod) {
                plan.note(note);
            }
        }
        is_taken_back
    }

    fn carry_out_one(&mut self, index: usize) {
        let Some(plan) = self.plans.get_mut(index) else {
            return;
        };
        match rewrite(&self.text, &plan.rounds) {
            Ok(text) => self.text = text,
            Err(error) => {
                plan.abandon(error.to_string());
                if matches!(error, RewriteError::Guard(_)) {
                    self.failures.push(error);
                }
            }
        }
    }
}

/// The rounds of several plans as those of one.
fn joined<'p>(plans: impl Iterator<Item = &'p Plan>) -> Vec<Vec<Change>> {
    let mut rounds: Vec<Vec<Change>> = Vec::new();
    for plan in plans {
        for (index, round) in plan.rounds.iter().enumerate() {
            if rounds.len() <= index {
                rounds.push(Vec::new());
            }
            if let Some(joined) = rounds.get_mut(index) {
                joined.extend(round.iter().cloned());
            }
        }
    }
    rounds
}
