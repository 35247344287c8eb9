//! The remedies of one pod: what its findings can count on, and what is done about them, from one decision.

use super::{
    Class, Options, Plan, declare::declaration::Form, plan::ALL, planner, surroundings::patches::Patch,
    wanted::Wanted, workaround::managing::Managing,
};
use crate::pod::{Pod, Settings, Subject, Target};

/// What can be done about everything that is wanted of a pod.
#[derive(Debug, Clone)]
pub(crate) struct Remedies {
    /// What is done without a person's look.
    plain: Plan,
    /// What is done with it.
    reviewed: Plan,
}

/// What can be done about one subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Remedy {
    /// How far it can be trusted.
    pub(crate) class: Class,
    /// Why it is no better, or what it is.
    pub(crate) reason: String,
}

impl Remedies {
    pub(crate) fn of(pod: &Pod<'_>, wanted: &Wanted, patches: &[Patch], options: &Options) -> Self {
        let managing = Managing::new(pod, wanted, options.form);
        let with =
            |review: bool| planner::plan(pod, wanted, &managing, patches, &options.clone().reviewed(review));
        let reviewed = with(true);
        // What is only looked at with a person may hide what is done without one.
        let is_all_safe = !wanted.some_sleep()
            && options.sidecars.is_empty()
            && reviewed.actions.iter().all(|action| action.class == Class::Safe)
            && !reviewed.is_conversion;
        let mut plain = match is_all_safe {
            true => reviewed.clone(),
            false => with(false),
        };
        plain.keep_promises(&reviewed);
        Self { plain, reviewed }
    }

    /// What can be done about a subject.
    pub(crate) fn remedy(&self, subject: &Subject) -> Remedy {
        if let Some(action) = self.plain.action_on(subject).next() {
            return Remedy {
                class: Class::Safe,
                reason: format!("all that it rests on is proved: {}", action.what),
            };
        }
        if self.reviewed.action_on(subject).next().is_some() {
            let doubt = self
                .plain
                .refusal_of(subject)
                .map(|refusal| refusal.reason.clone());
            return Remedy {
                class: Class::Review,
                reason: doubt.unwrap_or_else(|| "it has to be looked at".to_owned()),
            };
        }
        let refusal = self
            .reviewed
            .refusal_of(subject)
            .or_else(|| self.reviewed.refusals.iter().find(|refusal| refusal.what == ALL));
        Remedy {
            class: Class::Manual,
            reason: refusal.map_or_else(
                || "nothing in the manifest tells how".to_owned(),
                |refusal| refusal.reason.clone(),
            ),
        }
    }

    pub(crate) fn into_plan(self, review: bool) -> Plan {
        match review {
            true => self.reviewed,
            false => self.plain,
        }
    }
}

/// The form that sidecars are declared in where nothing else is asked for: the configured one, or the one that runs on
/// the Kubernetes version that the manifests are for, or the first design.
pub(crate) fn form(settings: &Settings) -> Form {
    match (settings.target, settings.kubernetes_version) {
        (Some(Target::Lifecycle), _) => Form::Lifecycle,
        (Some(Target::Annotation), _) => Form::Annotation,
        (Some(Target::Native | Target::Auto), _) | (None, Some(_)) => Form::Native,
        (None, None) => Form::Lifecycle,
    }
}
