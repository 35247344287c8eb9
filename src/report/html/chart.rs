//! Bars as SVG.

use crate::report::escape;

/// Sizes in the picture's own units.
const LABEL_WIDTH: usize = 170;
const BAR_WIDTH: usize = 230;
const NUMBER_WIDTH: usize = 50;
const ROW_HEIGHT: usize = 24;
const BAR_HEIGHT: usize = 14;

/// A bar and what it is made of.
#[derive(Debug, Clone)]
pub(super) struct Bar {
    /// What it counts.
    pub(super) label: String,
    /// Its parts: the class in the style sheet, what it is called, how many.
    pub(super) parts: Vec<(&'static str, &'static str, usize)>,
}

impl Bar {
    fn sum(&self) -> usize {
        self.parts.iter().map(|(.., count)| count).sum()
    }
}

/// Bars below each other, as a figure that a screen reader reads as text.
pub(super) fn bars(title: &str, bars: &[Bar]) -> String {
    let most = bars.iter().map(Bar::sum).max().unwrap_or(0).max(1);
    let width = LABEL_WIDTH + BAR_WIDTH + NUMBER_WIDTH;
    let height = bars.len() * ROW_HEIGHT;
    let spoken: Vec<String> = bars
        .iter()
        .map(|bar| format!("{}: {}", bar.label, bar.sum()))
        .collect();
    let mut svg = format!(
        "<figure><figcaption>{}</figcaption><svg viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         role=\"img\" aria-label=\"{}\">\n",
        escape(title),
        escape(&format!("{title}: {}", spoken.join(", ")))
    );
    for (row, bar) in bars.iter().enumerate() {
        svg.push_str(&draw(bar, row * ROW_HEIGHT, most));
    }
    svg.push_str("</svg></figure>\n");
    svg
}

fn draw(bar: &Bar, top: usize, most: usize) -> String {
    let baseline = top + ROW_HEIGHT - 8;
    let bar_top = top + (ROW_HEIGHT - BAR_HEIGHT) / 2;
    let mut svg = format!(
        "<text class=\"end\" x=\"{}\" y=\"{baseline}\">{}</text>\
         <rect class=\"track\" x=\"{LABEL_WIDTH}\" y=\"{bar_top}\" width=\"{BAR_WIDTH}\" height=\"{BAR_HEIGHT}\" rx=\"3\"/>\n",
        LABEL_WIDTH - 8,
        escape(&bar.label)
    );
    let mut before = 0;
    for (class, name, count) in &bar.parts {
        // From the sums, so that what is rounded does not add up.
        let start = before * BAR_WIDTH / most;
        before += count;
        let end = before * BAR_WIDTH / most;
        if *count > 0 {
            svg.push_str(&format!(
                "<rect class=\"{class}\" x=\"{}\" y=\"{bar_top}\" width=\"{}\" height=\"{BAR_HEIGHT}\" rx=\"3\">\
                 <title>{}: {count}</title></rect>\n",
                LABEL_WIDTH + start,
                // A single one among thousands is seen too.
                (end - start).max(2),
                escape(name)
            ));
        }
    }
    svg.push_str(&format!(
        "<text x=\"{}\" y=\"{baseline}\">{}</text>\n",
        LABEL_WIDTH + BAR_WIDTH + 8,
        bar.sum()
    ));
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_stay_within_the_picture() {
        for parts in [vec![1, 1, 9998], vec![0, 0, 0], vec![3, 0, 0]] {
            let bar = Bar {
                label: "a < b".to_owned(),
                parts: parts.iter().map(|count| ("e", "error", *count)).collect(),
            };
            let svg = bars("title", &[bar]);
            assert!(svg.contains("a &lt; b"));
            let right = svg
                .split("<rect class=\"e\" x=\"")
                .skip(1)
                .map(|rest| {
                    let (x, rest) = rest.split_once('"').unwrap();
                    let width = rest.split("width=\"").nth(1).unwrap().split('"').next().unwrap();
                    x.parse::<usize>().unwrap() + width.parse::<usize>().unwrap()
                })
                .max();
            assert!(right.is_none_or(|right| right <= LABEL_WIDTH + BAR_WIDTH + 2));
        }
    }
}
