//! The `kubectl-sidecar` binary.
use kubectl_sidecar::{lint::*, roles::Catalogue, rules::Settings, source::SourceFile};
use std::sync::Arc;
fn main() {
    let options = Options {
        settings: Settings::default(),
        catalogue: Arc::new(Catalogue::built_in().clone()),
    };
    let files: Vec<String> = std::env::args().skip(1).collect();
    let outcomes = lint(
        &files,
        |f| {
            std::fs::read_to_string(f).map(|t| {
                Arc::new(SourceFile {
                    name: f.clone(),
                    text: t.into(),
                })
            })
        },
        &options,
    );
    for (f, o) in files.iter().zip(outcomes) {
        let o = o.unwrap();
        println!(
            "== {f} {}",
            o.unparsed.map(|u| u.error.to_string()).unwrap_or_default()
        );
        for w in &o.workloads {
            for c in &w.containers {
                println!(
                    "     {} {:?} {} {:?}",
                    c.name,
                    c.role,
                    c.declared,
                    c.evidence.iter().map(|e| e.text.as_str()).collect::<Vec<_>>()
                );
            }
        }
        for x in &o.findings {
            let p = x.primary();
            let line = p.map_or(0, |p| p.source.text[..p.span.start].lines().count());
            println!(
                "  {line}: {:?}/{:?}[{}] {} ({:?})  >>{}<<",
                x.severity,
                x.confidence,
                x.rule.name,
                x.message,
                x.fix.class,
                p.map_or("", |p| &p.source.text[p.span.clone()])
                    .chars()
                    .take(120)
                    .collect::<String>()
            );
        }
    }
}
