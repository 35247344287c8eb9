//! Changes within a line: words that go and come between actions that stay.

use crate::{
    diff::hunks,
    template::action::{Kind, actions},
};

/// Words of a line that go, what comes in their place, and how far to the left the same words could go instead.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Swap {
    gone: Vec<String>,
    come: String,
}

/// The ways to tell what makes `after` of `before`, the plainest first.
pub(super) fn swaps(before: &str, after: &str) -> Vec<Vec<Swap>> {
    let (before, after) = (before.trim(), after.trim());
    let (old, new) = (tokens(before), tokens(after));
    let same = |pair: &(&&str, &&str)| pair.0 == pair.1;
    let head = old.iter().zip(&new).take_while(same).count();
    let most = old.len().min(new.len()) - head;
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(same).count();
    let tail = tail.min(most);
    let whole = swap(&old, head..old.len() - tail, &new, head..new.len() - tail);
    let mut all: Vec<Vec<Swap>> = whole.map(|swap| vec![swap]).into_iter().collect();
    let parts: Option<Vec<Swap>> = hunks(&old.join("\n"), &new.join("\n"))
        .into_iter()
        .map(|hunk| swap(&old, hunk.before, &new, hunk.after))
        .collect();
    all.extend(parts.filter(|parts| parts.len() > 1));
    all
}

/// A written line with all swaps made behind one another; nothing where one of them is not about words that stand there
/// once.
pub(super) fn swapped(line: &str, swaps: &[Swap]) -> Option<String> {
    let mut done = String::new();
    let mut rest = line.to_owned();
    for swap in swaps {
        let is_once = |gone: &&String| rest.matches(gone.as_str()).count() == 1;
        let gone = swap.gone.iter().find(is_once)?;
        let (before, after) = rest.split_once(gone.as_str())?;
        done.push_str(before);
        done.push_str(&swap.come);
        rest = after.to_owned();
    }
    done.push_str(&rest);
    Some(without_emptied_condition(done))
}

/// A line without a condition that holds nothing, unless it takes the blanks around it away.
fn without_emptied_condition(mut line: String) -> String {
    let found = actions(&line);
    let emptied = found.windows(2).find_map(|pair| match pair {
        [open, end] if end.kind == Kind::End && open.span.end == end.span.start => {
            let whole = open.span.start..end.span.end;
            let text = line.get(whole.clone())?;
            let is_condition = matches!(open.kind, Kind::Open(_));
            (is_condition && !text.contains("{{-") && !text.contains("-}}")).then_some(whole)
        }
        _ => None,
    });
    if let Some(emptied) = emptied {
        line.replace_range(emptied, "");
    }
    line
}

/// The lines that go as a whole where a quoted script loses them and nothing comes instead; nothing where that is not all.
pub(super) fn whole_lines(swaps: &[Swap]) -> Option<Vec<Vec<String>>> {
    let of = |swap: &Swap| {
        let decoded = |gone: &String| serde_json::from_str::<String>(&format!("\"{gone}\"")).ok();
        let is_whole = |text: &String| text.starts_with('\n') || text.ends_with('\n');
        let text = swap.gone.iter().filter_map(decoded).find(is_whole)?;
        let lines = text
            .trim_matches('\n')
            .split('\n')
            .map(|line| line.trim().to_owned());
        swap.come.is_empty().then(|| lines.collect())
    };
    swaps.iter().map(of).collect()
}

/// The length of the shortest words that go.
pub(super) fn shortest(swaps: &[Swap]) -> usize {
    let lengths = swaps.iter().filter_map(|swap| swap.gone.first()).map(String::len);
    lengths.min().unwrap_or_default()
}

/// One swap; nothing where no word goes: where others come is not known then.
fn swap(
    old: &[&str],
    range: std::ops::Range<usize>,
    new: &[&str],
    come: std::ops::Range<usize>,
) -> Option<Swap> {
    let come = new.get(come)?.concat();
    let mut gone = vec![old.get(range.clone())?.concat()];
    let (mut start, mut end) = (range.start, range.end);
    // `a; b; c` loses `; b` or `b; `: what is written may hold only one of them.
    while come.is_empty() && start > 0 && start < end && old.get(start - 1) == old.get(end - 1) {
        start -= 1;
        end -= 1;
        gone.push(old.get(start..end)?.concat());
    }
    (!gone.first()?.is_empty()).then_some(Swap { gone, come })
}

/// Words and the signs between them.
fn tokens(text: &str) -> Vec<&str> {
    let is_word = |sign: char| sign.is_alphanumeric() || "_-./".contains(sign);
    let mut all = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match is_word(first) {
            true => rest.find(|sign| !is_word(sign)).unwrap_or(rest.len()),
            false => first.len_utf8(),
        };
        let (token, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        all.push(token);
        rest = after;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(written: &str, before: &str, after: &str) -> Option<String> {
        swaps(before, after)
            .iter()
            .find_map(|swaps| swapped(written, swaps))
    }

    #[test]
    fn words_go_out_of_what_an_action_formats() {
        assert_eq!(
            made(
                "- {{ printf \"./run %s; curl :9091/quit\" .x | quote }}",
                "- \"./run --day; curl :9091/quit\"",
                "- \"./run --day\"",
            )
            .as_deref(),
            Some("- {{ printf \"./run %s\" .x | quote }}")
        );
    }

    #[test]
    fn words_may_go_with_the_sign_on_either_side() {
        assert_eq!(
            made("x {{ if .a }}b; {{ end }}c", "x b; b2; c", "x b; c"),
            None,
            "what goes is not there"
        );
        assert_eq!(
            made("{{ .a }}; b; c", "1; b; c", "1; c").as_deref(),
            Some("{{ .a }}; c")
        );
        assert_eq!(
            made("\"{{ .a }}{{ if .q }}b; {{ end }}c\"", "\"1; b; c\"", "\"1; c\"").as_deref(),
            Some("\"{{ .a }}c\"")
        );
    }

    #[test]
    fn whole_lines_go_out_of_a_quoted_script() {
        let lines = |before, after| swaps(before, after).iter().find_map(|swaps| whole_lines(swaps));
        assert_eq!(
            lines("\"set -e\\n./run\\ncurl 'x'\\n\"", "\"set -e\\n./run\\n\""),
            Some(vec![vec!["curl 'x'".to_owned()]])
        );
        assert_eq!(lines("\"a; b\\n\"", "\"a\\n\""), None, "half a line");
    }

    #[test]
    fn words_that_an_action_brings_are_not_written() {
        assert_eq!(made("a {{ .x }} c", "a b c", "a c"), None);
        assert_eq!(made("a b b", "a b", "a"), None, "which one goes is not known");
    }
}
