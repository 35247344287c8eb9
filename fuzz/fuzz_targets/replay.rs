//! Damaged recordings never panic, each bad line is named by its number, and everything that is left is
//! judged and drawn.

#![no_main]

use kubectl_sidecar::trace::{
    Engine, MILLISECOND, Settings,
    recording::{Content, Lines},
    report::{draw, line_of_news, line_of_verdict, svg, verdict_table},
    timeline::timeline,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut engine = Engine::new(Settings {
        attach_margin: 150 * MILLISECOND,
        attach: true,
        logs: true,
        metrics: true,
        ..Settings::default()
    });
    let mut last = 0;
    for entry in Lines::new("fuzz", None, data) {
        match entry.content {
            Ok(Content::Evidence(evidence)) => {
                for news in engine.push(evidence) {
                    let _ = length_of_line(&news);
                }
            }
            Ok(Content::Header(_) | Content::Listed | Content::End { .. } | Content::Nothing) => {}
            Err(bad) => {
                assert!(bad.line > last, "bad lines are named in order");
                assert!(!bad.message.is_empty());
                last = bad.line;
            }
        }
    }
    for pod in engine.take_all() {
        let verdicts = engine.verdicts(&pod);
        for verdict in &verdicts {
            let _ = line_of_verdict(verdict);
        }
        let drawn = timeline(&pod, pod.received.1);
        let _ = draw(&drawn, 80);
        let _ = svg(&drawn);
        let _ = verdict_table(&verdicts, 80);
    }
});

fn length_of_line(news: &kubectl_sidecar::trace::News) -> usize {
    format!("{:?}", line_of_news(news)).len()
}
