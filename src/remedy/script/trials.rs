//! Cuts that were made before. A cut depends on the script, its shell and the commands that go, and on nothing else:
//! both plans of a pod ask for the same ones, and so do the pods of all environments of one app.

use std::{cell::RefCell, collections::VecDeque};

use super::{
    cut::{Extent, Remains, Shell, cut_parsed},
    hindrance::Hindrance,
};
use crate::shell::{Script, Span};

/// As many are remembered, by each thread.
const MOST: usize = 64;

/// Texts up to this size, in bytes: longer ones take more memory than they are likely to save time.
const LONGEST: usize = 16 << 10;

thread_local! {
    /// The latest comes last.
    static MADE: RefCell<VecDeque<Trial>> = const { RefCell::new(VecDeque::new()) };
}

/// A cut, and what came of it.
struct Trial {
    text: String,
    shell: Shell,
    cuts: Vec<Span>,
    extent: Extent,
    outcome: Result<Remains, Hindrance>,
}

impl Trial {
    fn is_of(&self, text: &str, shell: &Shell, cuts: &[Span], extent: Extent) -> bool {
        self.extent == extent && self.cuts == cuts && self.text == text && self.shell == *shell
    }
}

/// [`cut_parsed`], made once.
pub(super) fn cut_once(
    text: &str,
    script: &Script,
    shell: Shell,
    cuts: Vec<Span>,
    extent: Extent,
) -> Result<Remains, Hindrance> {
    let known = MADE.with_borrow(|made| {
        let mut made = made.iter().rev();
        let trial = made.find(|trial| trial.is_of(text, &shell, &cuts, extent));
        trial.map(|trial| trial.outcome.clone())
    });
    if let Some(known) = known {
        return known;
    }
    let outcome = cut_parsed(text, script, &shell, &cuts, extent);
    if text.len() <= LONGEST {
        MADE.with_borrow_mut(|made| {
            if made.len() == MOST {
                made.pop_front();
            }
            made.push_back(Trial {
                text: text.to_owned(),
                shell,
                cuts,
                extent,
                outcome: outcome.clone(),
            });
        });
    }
    outcome
}
