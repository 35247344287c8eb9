//! A pod's timeline as SVG.

use super::text::role_name;
use crate::{
    report::escape,
    trace::{
        Moment, SECOND, describe_length,
        timeline::{Bar, Bound, Edge, Phase, Stretch, Timeline},
    },
};

/// Sizes in pixels.
const LABEL_WIDTH: i64 = 190;
const BAR_WIDTH: i64 = 760;
const ENDING_WIDTH: i64 = 70;
const ROW_HEIGHT: i64 = 28;
const BAR_HEIGHT: i64 = 16;
const AXIS_HEIGHT: i64 = 34;
/// Marks on the axis, about.
const MARKS: i64 = 8;
/// Bars are at least this wide, so that short ones are seen.
const LEAST_BAR: i64 = 2;

/// The class of a phase in the page's style sheet.
fn class(phase: Phase) -> &'static str {
    phase.name()
}

/// The x of a moment.
fn x(timeline: &Timeline, at: Moment) -> i64 {
    let length = i128::from(timeline.to.since(timeline.from).max(1));
    let offset = i128::from(at.since(timeline.from)).clamp(0, length);
    LABEL_WIDTH + i64::try_from(offset * i128::from(BAR_WIDTH) / length).unwrap_or(0)
}

/// A step between marks that people like, in nanoseconds.
fn mark_step(length: i64) -> i64 {
    let mut step = 100_000_000;
    for factor in [2, 5, 10].iter().cycle().take(40) {
        if length / step <= MARKS {
            break;
        }
        step = match factor {
            2 => step * 2,
            5 => step / 2 * 5,
            _ => step * 2,
        };
    }
    step
}

/// The timeline as an `<svg>` element.
#[must_use]
pub fn svg(timeline: &Timeline) -> String {
    let rows = i64::try_from(timeline.bars.len()).unwrap_or(0);
    let bottom = rows * ROW_HEIGHT;
    let width = LABEL_WIDTH + BAR_WIDTH + ENDING_WIDTH;
    let height = bottom + AXIS_HEIGHT;
    let mut svg = format!(
        "<svg viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\" \
         xmlns=\"http://www.w3.org/2000/svg\">\n"
    );
    svg.push_str(&axis(timeline, bottom));
    for (row, bar) in (0_i64..).zip(&timeline.bars) {
        let top = row * ROW_HEIGHT + (ROW_HEIGHT - BAR_HEIGHT) / 2;
        let baseline = top + BAR_HEIGHT - 3;
        svg.push_str(&format!(
            "<text class=\"label\" x=\"{}\" y=\"{baseline}\">{} <tspan class=\"role\">{}</tspan></text>\n",
            LABEL_WIDTH - 10,
            escape(&bar.container),
            role_name(bar.role, bar.undeclared)
        ));
        let mut end = LABEL_WIDTH;
        for stretch in &bar.stretches {
            let from = x(timeline, stretch.from);
            let to = x(timeline, stretch.to).max(from + LEAST_BAR);
            svg.push_str(&format!(
                "<rect class=\"{}\" x=\"{from}\" y=\"{top}\" width=\"{}\" height=\"{BAR_HEIGHT}\"><title>{} {}: {} to {} ({})</title></rect>\n",
                class(stretch.phase),
                to - from,
                escape(&bar.container),
                stretch.phase.name(),
                stretch.begin.words(),
                stretch.end.words(),
                length(stretch)
            ));
            end = to;
        }
        svg.push_str(&edges(timeline, bar, top));
        if let Some(code) = bar.ending {
            let class = if code == 0 { "ok" } else { "bad" };
            svg.push_str(&format!(
                "<text class=\"ending {class}\" x=\"{}\" y=\"{baseline}\">exit {code}</text>\n",
                end + 6
            ));
        }
    }
    if let Some(deletion) = timeline.deletion {
        let at = x(timeline, deletion);
        svg.push_str(&format!(
            "<line class=\"deletion\" x1=\"{at}\" x2=\"{at}\" y1=\"0\" y2=\"{bottom}\"><title>deletion requested</title></line>\n"
        ));
    }
    svg.push_str("</svg>\n");
    svg
}

/// How long a stretch was, with no more digits than are known.
fn length(stretch: &Stretch) -> String {
    let (begin, end) = (stretch.begin, stretch.end);
    let is_exact = |edge: Edge| edge.width() == 0 && !edge.is_second && edge.bound == Bound::Within;
    if is_exact(begin) && is_exact(end) {
        return describe_length(stretch.to.since(stretch.from));
    }
    let latest = |edge: Edge| {
        let within = if edge.is_second && edge.width() == 0 {
            SECOND
        } else {
            0
        };
        edge.latest.plus(within)
    };
    let least = end.earliest.since(latest(begin)).max(0);
    let most = latest(end).since(begin.earliest).max(0);
    let by_the_second = |edge: Edge| edge.is_second || edge.width() >= SECOND;
    let unit = if by_the_second(begin) || by_the_second(end) {
        SECOND
    } else {
        SECOND / 10
    };
    let (least, most) = (least / unit, most / unit + i64::from(most % unit > 0));
    let words = |units: i64| {
        if unit == SECOND {
            units.to_string()
        } else {
            format!("{}.{}", units / 10, units % 10)
        }
    };
    match (begin.bound, end.bound) {
        (Bound::From, Bound::From) => "length unknown".to_owned(),
        (Bound::From, _) => format!("at most {} s", words(most)),
        (_, Bound::From) => format!("at least {} s", words(least)),
        _ => format!("{} to {} s", words(least), words(most)),
    }
}

/// Where phases become others, as blurred as that is known.
fn edges(timeline: &Timeline, bar: &Bar, top: i64) -> String {
    let mut blurred = String::new();
    for (before, after) in bar.stretches.iter().zip(bar.stretches.iter().skip(1)) {
        let edge = after.begin;
        let (from, to) = (x(timeline, edge.earliest), x(timeline, edge.latest));
        if to - from < LEAST_BAR {
            continue;
        }
        let (one, two) = (class(before.phase), class(after.phase));
        let what = if one == two {
            "run again".to_owned()
        } else {
            format!("{one} or {two}")
        };
        blurred.push_str(&format!(
            "<linearGradient id=\"{one}-{two}\"><stop offset=\"0\" class=\"stop-{one}\"/><stop offset=\"1\" class=\"stop-{two}\"/></linearGradient>\
             <rect class=\"edge\" fill=\"url(#{one}-{two})\" x=\"{from}\" y=\"{top}\" width=\"{}\" height=\"{BAR_HEIGHT}\"><title>{} {what}: {}</title></rect>\n",
            to - from,
            escape(&bar.container),
            edge.words(),
        ));
    }
    blurred
}

fn axis(timeline: &Timeline, bottom: i64) -> String {
    let mut axis = String::new();
    let length = timeline.to.since(timeline.from);
    let step = mark_step(length).max(1);
    let mut at = timeline.from.plus(step - timeline.from.0.rem_euclid(step));
    let digits = if step % 1_000_000_000 == 0 { 0 } else { 1 };
    for _ in 0..=MARKS {
        if at > timeline.to {
            break;
        }
        let place = x(timeline, at);
        axis.push_str(&format!(
            "<line class=\"grid\" x1=\"{place}\" x2=\"{place}\" y1=\"0\" y2=\"{bottom}\"/>\
             <text class=\"tick\" x=\"{place}\" y=\"{}\">{}</text>\n",
            bottom + 18,
            at.clock(digits)
        ));
        at = at.plus(step);
    }
    axis
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_neither_crowded_nor_missing() {
        for length in [1, 5, 11, 60, 600, 86_400] {
            let marks = length * 1_000_000_000 / mark_step(length * 1_000_000_000);
            assert!((3..=MARKS).contains(&marks), "{length} s: {marks} marks");
        }
    }

    #[test]
    fn lengths_have_no_digits_that_are_not_known() {
        let edge = |at: i64, width: i64, is_second: bool, bound: Bound| Edge {
            at: Moment(at),
            earliest: Moment(at),
            latest: Moment(at + width),
            is_second,
            bound,
        };
        let between = |begin: Edge, end: Edge| {
            length(&Stretch {
                phase: Phase::Running,
                from: begin.at,
                to: end.at,
                begin,
                end,
            })
        };
        let exact = |at: i64| edge(at, 0, false, Bound::Within);
        let tenth = SECOND / 10;
        let event = |at: i64| edge(at - 2 * tenth, 2 * tenth, false, Bound::By);
        let second = |at: i64| edge(at, SECOND, true, Bound::Within);
        let asked = |at: i64| edge(at, 0, true, Bound::From);
        assert_eq!(between(exact(0), exact(3 * tenth)), "300 ms");
        assert_eq!(between(event(10 * tenth), event(17 * tenth)), "0.5 to 0.9 s");
        assert_eq!(between(second(0), second(SECOND)), "0 to 2 s");
        assert_eq!(between(event(SECOND), second(5 * SECOND)), "4 to 6 s");
        assert_eq!(between(event(SECOND), asked(5 * SECOND)), "at least 4 s");
        assert_eq!(between(asked(5 * SECOND), second(6 * SECOND)), "at most 2 s");
    }
}
