//! The pages that one answer cites, while they come in: in the order of the service's own numbers where it
//! has some, else as they came. Each once, and not without end.

use super::event::CitedPage;
use crate::conversation::Citation;

/// The pages that one answer cites.
#[derive(Debug, Default)]
pub(super) struct CitedPages(Vec<Citation>);

/// The most pages of one answer.
const MAX_PAGES: usize = 256;

/// The longest address, in bytes: beyond that it is no page's.
const MAX_ADDRESS: usize = 8 << 10;

/// The longest title, in letters.
const MAX_TITLE: usize = 300;

impl CitedPages {
    /// Takes a page, or more of one: its title may come later than its address, and its number than both.
    pub(super) fn take(&mut self, page: &CitedPage<'_>) {
        if page.url.len() > MAX_ADDRESS {
            return;
        }
        let pages = &mut self.0;
        // A list that comes again may count anew, and an address may have several numbers.
        let numbered =
            pages.iter().position(|known| known.number.is_some() && known.number == page.number);
        let is_it = |known: &Citation| {
            known.url == page.url && (page.number.is_none() || known.number.is_none())
        };
        match numbered.or_else(|| pages.iter().position(is_it)) {
            Some(at) => {
                let known = &mut pages[at];
                if known.url != page.url {
                    page.url.clone_into(&mut known.url);
                    known.title.clear();
                }
                known.number = known.number.or(page.number);
                if known.title.is_empty() {
                    known.title = page.title.chars().take(MAX_TITLE).collect();
                }
            }
            None if pages.len() < MAX_PAGES => {
                let same = pages.iter().find(|known| known.url == page.url);
                let title = same.map_or(page.title, |known| &known.title);
                let title = title.chars().take(MAX_TITLE).collect();
                pages.push(Citation { url: page.url.to_owned(), title, number: page.number });
            }
            None => {}
        }
    }

    /// All pages with their numbers; those that have none come behind the others.
    pub(super) fn all(&self) -> Vec<Citation> {
        let mut pages: Vec<Citation> = Vec::with_capacity(self.0.len());
        let is_numbered = |page: &&Citation| page.number.is_some();
        pages.extend(self.0.iter().filter(is_numbered).cloned());
        pages.sort_by_key(|page| page.number);
        let mut next = pages.last().and_then(|page| page.number).unwrap_or(0);
        for page in self.0.iter().filter(|page| page.number.is_none()) {
            if pages.iter().all(|other| other.url != page.url) {
                next = next.saturating_add(1);
                pages.push(Citation { number: Some(next), ..page.clone() });
            }
        }
        pages
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(taken: &[(Option<u32>, &str, &str)]) -> Vec<(u32, String, String)> {
        let mut pages = CitedPages::default();
        for (number, url, title) in taken {
            pages.take(&CitedPage { url, title, number: *number });
        }
        let told = |page: Citation| (page.number.expect("a number"), page.url, page.title);
        pages.all().into_iter().map(told).collect()
    }

    #[test]
    fn the_services_numbers_decide_and_each_page_is_told_once() {
        for (taken, expected) in [
            (&[][..], &[][..]),
            (
                &[(None, "b", "乙"), (None, "a", ""), (None, "b", "丙")],
                &[(1, "b", "乙"), (2, "a", "")],
            ),
            // A title that comes later.
            (&[(None, "a", ""), (None, "a", "甲")], &[(1, "a", "甲")]),
            // Annotations before the list that the text counts by.
            (
                &[(None, "b", "乙"), (None, "c", ""), (Some(1), "a", ""), (Some(2), "b", "")],
                &[(1, "a", ""), (2, "b", "乙"), (3, "c", "")],
            ),
            // The list again with each piece, longer each time, and titles behind it.
            (
                &[(Some(1), "a", ""), (Some(1), "a", ""), (Some(2), "b", ""), (None, "a", "甲")],
                &[(1, "a", "甲"), (2, "b", "")],
            ),
            // One that counts anew.
            (&[(Some(1), "a", "甲"), (Some(1), "b", "乙")], &[(1, "b", "乙")]),
            // One page under two numbers, and numbers that are left out.
            (
                &[(Some(5), "a", "甲"), (Some(2), "a", ""), (None, "b", "")],
                &[(2, "a", "甲"), (5, "a", "甲"), (6, "b", "")],
            ),
        ] {
            let expected: Vec<_> = expected
                .iter()
                .map(|(number, url, title): &(u32, &str, &str)| {
                    (*number, (*url).to_owned(), (*title).to_owned())
                })
                .collect();
            assert_eq!(all(taken), expected, "{taken:?}");
        }
    }

    #[test]
    fn a_flood_of_pages_and_long_ones_are_bounded() {
        let urls: Vec<String> =
            (0..2_000).map(|number| format!("https://a.example/{number}")).collect();
        let many: Vec<_> = urls.iter().map(|url| (None, url.as_str(), "")).collect();
        assert_eq!(all(&many).len(), MAX_PAGES);
        let (long, title) = ("a".repeat(MAX_ADDRESS + 1), "题".repeat(10_000));
        let told = all(&[(None, &long, "甲"), (None, "b", &title)]);
        assert_eq!((told.len(), told[0].2.chars().count()), (1, MAX_TITLE));
    }
}
