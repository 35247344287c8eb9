//! `policy check`: what is there, what could be done, and what it would do. Nothing is changed.

use std::{
    collections::BTreeMap,
    io::{self, BufWriter, Write},
};

use clap::Args;
use serde_json::Value;

use super::{
    super::{ConnectionArguments, Error, ExitStatus},
    promote::PromotionArguments,
    session::{RESOURCES, Session, converse},
    survey::{Survey, survey},
};
use crate::{
    cluster::may,
    policy::{Guard, OPTIONS_ANNOTATION, PolicyObject, Promotion, VERSION_ANNOTATION, is_in_step},
    report::printable,
    rules::RULES,
};

/// Say what a promotion would do to the cluster's workloads, and whether it can be installed
///
/// Where the policy is installed, the server tries a pod of each workload (dry-run). Where it is not, the server tries
/// the pod as it is and as the policy would make it. Nothing is changed.
#[derive(Debug, Args)]
pub(super) struct CheckArguments {
    #[command(flatten)]
    promotion: PromotionArguments,
    /// The policy's name
    #[arg(long, value_name = "NAME", default_value = Promotion::DEFAULT_NAME)]
    policy_name: String,
    /// Only workloads of this namespace [default: all]
    #[arg(short, long, value_name = "NAME")]
    namespace: Option<String>,
    /// Show the pods that would be changed, before and after
    #[arg(long)]
    diff: bool,
    #[command(flatten)]
    connection: ConnectionArguments,
}

/// The policy that is installed under the name, as far as it is this program's.
struct Installed {
    version: String,
    promotion: Promotion,
    is_in_step: bool,
}

/// Runs `policy check`.
pub(super) fn run(arguments: &CheckArguments, program: &str) -> Result<ExitStatus, Error> {
    let asked = arguments.promotion.promotion();
    asked.check().map_err(|error| Error::Usage(error.to_string()))?;
    converse(async {
        let session = Session::open(&arguments.connection, program).await?;
        session.needs_mutating()?;
        let mut out = BufWriter::new(io::stdout().lock());
        writeln!(
            out,
            "server: {}, which has MutatingAdmissionPolicy",
            session.version()
        )?;
        rights(&session, &mut out).await?;
        let held = session.installed().await?;
        let installed = installed(&held, &arguments.policy_name)?;
        let mut is_fine = true;
        match &installed {
            None => writeln!(
                out,
                "installed: no policy {}; this is what it would do",
                arguments.policy_name
            )?,
            Some(installed) => is_fine = describe(installed, &asked, arguments, program, &mut out)?,
        }
        is_fine &= guards(&held, program, &mut out)?;
        out.flush()?;
        let (promotion, is_installed) = match &installed {
            Some(installed) => (&installed.promotion, true),
            None => (&asked, false),
        };
        let survey = survey(
            &session.server,
            promotion,
            is_installed,
            arguments.namespace.as_deref(),
        )
        .await?;
        report(&survey, arguments.diff, &mut out)?;
        out.flush()?;
        Ok(match () {
            () if !survey.unread.is_empty() => ExitStatus::Unread,
            () if is_fine && survey.is_fine() => ExitStatus::Success,
            () => ExitStatus::Found,
        })
    })
}

/// Says whether whoever asks may install and remove policies.
async fn rights(session: &Session, out: &mut dyn Write) -> Result<(), Error> {
    let mut missing = Vec::new();
    for resource in RESOURCES {
        for verb in ["create", "patch", "delete"] {
            if !may(&session.server, verb, resource).await? {
                missing.push(format!("{verb} {resource}"));
            }
        }
    }
    if missing.is_empty() {
        writeln!(out, "rights: you may install and remove policies")?;
    } else {
        writeln!(out, "rights: you may not {}", missing.join(", "))?;
    }
    Ok(())
}

/// Everything of this program's that a server holds, by resource.
type Held = BTreeMap<&'static str, Vec<Value>>;

fn named<'h>(held: &'h Held, resource: &str, name: &str) -> Option<&'h Value> {
    held.get(resource)?.iter().find(|object| name_of(object) == name)
}

fn name_of(object: &Value) -> &str {
    object
        .pointer("/metadata/name")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

fn annotation<'o>(object: &'o Value, key: &str) -> Option<&'o str> {
    object.pointer("/metadata/annotations")?.get(key)?.as_str()
}

/// Whether all of these objects are there as this version prints them.
fn are_in_step(held: &Held, printed: &[PolicyObject]) -> bool {
    printed.iter().all(|object| {
        named(held, &object.resource(), &object.name).is_some_and(|held| is_in_step(&object.json(), held))
    })
}

/// Says of the guards whether they are what this version would install, and gives whether they are.
fn guards(held: &Held, program: &str, out: &mut dyn Write) -> io::Result<bool> {
    let (mut count, mut strays) = (0, Vec::new());
    // Only what guards has options of its own among these.
    for policy in held.get("validatingadmissionpolicies").into_iter().flatten() {
        let Some(options) = annotation(policy, OPTIONS_ANNOTATION) else {
            continue;
        };
        count += 1;
        let name = name_of(policy);
        let guard = serde_json::from_str::<Guard>(options).ok();
        let printed = guard.and_then(|guard| {
            let (rule, prefix) = RULES
                .iter()
                .find_map(|rule| Some((*rule, name.strip_suffix(rule.name)?.strip_suffix('-')?)))?;
            guard.objects(prefix, &[rule]).ok()
        });
        if !printed.is_some_and(|printed| are_in_step(held, &printed)) {
            strays.push(name);
        }
    }
    let own = env!("CARGO_PKG_VERSION");
    match (count, strays.as_slice()) {
        (0, _) => writeln!(out, "guards: none is installed")?,
        (count, []) => writeln!(
            out,
            "guards: {count} installed, in step with this version ({own})"
        )?,
        (count, strays) => writeln!(
            out,
            "guards: {count} installed; this version ({own}) makes others of {}; `{program} policy install guard` brings them into step",
            printable(&strays.join(", "))
        )?,
    }
    Ok(strays.is_empty())
}

/// Reads the policy and compares all of its objects with what this version prints for its options.
fn installed(held: &Held, name: &str) -> Result<Option<Installed>, Error> {
    let Some(policy) = named(held, "mutatingadmissionpolicies", name) else {
        return Ok(None);
    };
    let Ok(promotion) =
        serde_json::from_str::<Promotion>(annotation(policy, OPTIONS_ANNOTATION).unwrap_or_default())
    else {
        return Err(Error::Cluster(format!(
            "the annotation {OPTIONS_ANNOTATION} of the installed {name} does not say its options"
        )));
    };
    let printed = promotion
        .objects(name)
        .map_err(|error| Error::Cluster(error.to_string()))?;
    Ok(Some(Installed {
        version: annotation(policy, VERSION_ANNOTATION)
            .unwrap_or_default()
            .to_owned(),
        promotion,
        is_in_step: are_in_step(held, &printed),
    }))
}

/// Says whether what is installed is what this version would install, and gives whether it is.
fn describe(
    installed: &Installed,
    asked: &Promotion,
    arguments: &CheckArguments,
    program: &str,
    out: &mut dyn Write,
) -> io::Result<bool> {
    let own = env!("CARGO_PKG_VERSION");
    let name = &arguments.policy_name;
    let version = printable(&installed.version);
    let again = format!("`{program} policy install promote` brings it into step");
    match (installed.is_in_step, version == own) {
        (true, _) => writeln!(out, "installed: {name}, in step with this version ({own})")?,
        (false, true) => writeln!(
            out,
            "installed: {name}, changed since this version made it; {again}"
        )?,
        (false, false) => writeln!(
            out,
            "installed: {name}, made by {version}; this version ({own}) makes another; {again}"
        )?,
    }
    let has_options = *asked != Promotion::default();
    if has_options && *asked != installed.promotion {
        writeln!(
            out,
            "           with other options than these; what follows is what the installed one does"
        )?;
        return Ok(false);
    }
    Ok(installed.is_in_step)
}

fn report(survey: &Survey, with_diff: bool, out: &mut dyn Write) -> io::Result<()> {
    for effect in &survey.effects {
        writeln!(out, "\n{}", printable(&effect.workload))?;
        for line in &effect.lines {
            writeln!(out, "  {}", printable(line))?;
        }
        if with_diff {
            for line in effect.diff.lines() {
                writeln!(out, "  {}", printable(line))?;
            }
        }
    }
    for sentence in &survey.quotas {
        writeln!(out, "\n{}", printable(sentence))?;
    }
    for sentence in &survey.unread {
        writeln!(out, "\nnot looked at: {}", printable(sentence))?;
    }
    writeln!(
        out,
        "\n{} of {} workloads have pods that are promoted{}",
        survey.promoted(),
        survey.seen,
        match survey.conflicts() {
            0 => String::new(),
            1 => ", 1 has pods that cannot be".to_owned(),
            more => format!(", {more} have pods that cannot be"),
        }
    )
}
