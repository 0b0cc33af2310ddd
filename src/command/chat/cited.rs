//! The pages that an answer cites, listed behind it: a line each, with the number that the text has for it.

use super::turn::ChatTurn;
use crate::conversation::Citation;
use crate::io::Io;

impl ChatTurn {
    /// Lists the pages that the answers cite, and those of the words before calls of tools.
    pub(super) fn tell_sources(&self, io: &Io) {
        if !self.plan.shows_sources {
            return;
        }
        let mut lists = self.answers.sources();
        let earlier = self.rounds.replies.iter().flat_map(|reply| &reply.sources);
        match lists.first_mut() {
            Some(first) => earlier.for_each(|source| add(source, first)),
            None => lists.push(earlier.cloned().collect()),
        }
        for (sources, number) in lists.iter().zip(1..) {
            if self.plan.number > 1 && !sources.is_empty() {
                io.say(&format!("sources of answer {number}:"));
            }
            let lines = sources.iter().enumerate().map(|(place, source)| source.line(place));
            lines.for_each(|line| io.say(&line));
        }
    }
}

/// Adds a page behind the others, under a number of its own, unless it is among them.
fn add(source: &Citation, sources: &mut Vec<Citation>) {
    if sources.iter().all(|known| known.url != source.url) {
        let last = sources.iter().filter_map(|known| known.number).max().unwrap_or(0);
        sources.push(Citation { number: Some(last.saturating_add(1)), ..source.clone() });
    }
}
