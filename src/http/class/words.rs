//! A text in a form in which phrases are found whatever its case, its punctuation, its spacing.

/// How far the parts of a phrase may lie apart, in bytes: some words.
const GAP: usize = 48;

/// A service's words, ready to be searched.
///
/// Phrases are of two kinds. One in ASCII is found as whole words: `key` is not in `monkey`. It may
/// end in `~`, which stands for any ending: `throttl~`. One in Chinese is found anywhere. In both, `*`
/// stands for a few words or characters.
#[derive(Debug, Clone, Default)]
pub(super) struct Words {
    /// Words in lower case with a single space around each.
    spaced: String,
    /// The text in lower case without any space.
    dense: String,
    /// The text's pieces between spaces in lower case, without what encloses them; a comma and the
    /// end of a text are pieces of their own.
    pieces: Vec<String>,
}

impl Words {
    /// The words of these texts. Addresses are no words: a path that is repeated names nothing.
    pub(super) fn of<'t>(texts: impl IntoIterator<Item = &'t str>) -> Self {
        let mut words = Self { spaced: " ".to_owned(), ..Self::default() };
        for text in texts {
            for piece in text.split_whitespace().filter(|piece| !is_address(piece)) {
                words.add(piece);
            }
            // Nothing is near what stands in another text.
            words.spaced.push_str(&"| ".repeat(GAP));
            words.dense.push_str(&"|".repeat(GAP));
            words.pieces.push(",".to_owned());
        }
        words
    }

    fn add(&mut self, piece: &str) {
        let lower = piece.to_lowercase();
        self.dense.push_str(&lower);
        let is_mark = |letter: char| !letter.is_alphanumeric();
        self.pieces.push(lower.trim_matches(is_mark).to_owned());
        if lower.ends_with([',', ';', '.']) {
            self.pieces.push(",".to_owned());
        }
        for word in lower.split(|letter: char| !letter.is_alphanumeric()) {
            if !word.is_empty() {
                self.spaced.push_str(word);
                self.spaced.push(' ');
            }
        }
    }

    /// Whether one of these phrases is among the words.
    pub(super) fn have(&self, phrases: &[&str]) -> bool {
        phrases.iter().any(|phrase| self.has(phrase))
    }

    /// Whether a phrase is among the words.
    fn has(&self, phrase: &str) -> bool {
        let (text, parts) = self.search(phrase);
        let Some((first, rest)) = parts.split_first() else { return false };
        text.match_indices(first.as_str())
            .any(|(at, _)| follows(text, behind(text, at, first), rest))
    }

    /// Whether one of the phrases stands near one of the others, whichever comes first.
    pub(super) fn have_near(&self, some: &[&str], others: &[&str]) -> bool {
        some.iter().any(|one| {
            others.iter().any(|other| {
                self.has(&format!("{one}*{other}")) || self.has(&format!("{other}*{one}"))
            })
        })
    }

    /// Whether one of these things, named by one or two pieces behind it or not at all, is what is said
    /// by one of these phrases: `model 'x' does not exist`.
    pub(super) fn say_of(&self, things: &[&str], phrases: &[&str]) -> bool {
        let is_said = |from: usize| {
            phrases.iter().any(|phrase| {
                let mut rest = self.pieces[from..].iter();
                phrase.split(' ').all(|word| rest.next().is_some_and(|piece| piece == word))
            })
        };
        let is_thing = |at: &usize| {
            self.pieces[*at].split('/').next().is_some_and(|piece| things.contains(&piece))
        };
        (0..self.pieces.len()).filter(is_thing).any(|at| {
            let ends = (at + 4).min(self.pieces.len());
            let until_comma = (at + 1..ends).take_while(|next| self.pieces[*next] != ",");
            until_comma.into_iter().any(is_said)
        })
    }

    /// Whether a name stands among the words.
    pub(super) fn quote(&self, name: &str) -> bool {
        self.dense.contains(&name.to_lowercase())
    }

    /// The text to search, and the parts of the phrase as they stand in it.
    fn search<'w>(&'w self, phrase: &str) -> (&'w str, Vec<String>) {
        if !phrase.is_ascii() {
            return (
                &self.dense,
                phrase.replace([' ', '~'], "").split('*').map(str::to_owned).collect(),
            );
        }
        let part = |part: &str| match part.trim().strip_suffix('~') {
            Some(beginning) => format!(" {beginning}"),
            None => format!(" {} ", part.trim()),
        };
        (&self.spaced, phrase.split('*').map(part).collect())
    }
}

/// Where the text goes on behind a part that was found; the space at its end belongs to the next one.
fn behind(text: &str, at: usize, part: &str) -> usize {
    let end = at + part.len();
    if text[..end].ends_with(' ') { end - 1 } else { end }
}

/// Whether the parts stand in the text one behind the other from here on, each near the one before.
fn follows(text: &str, from: usize, parts: &[String]) -> bool {
    let Some((next, rest)) = parts.split_first() else { return true };
    text[from..]
        .match_indices(next.as_str())
        .take_while(|(gap, _)| *gap <= GAP)
        .any(|(gap, _)| follows(text, behind(text, from + gap, next), rest))
}

fn is_address(piece: &str) -> bool {
    let bare = piece.trim_start_matches(['(', '"', '\'', '`', '<', '[']);
    bare.starts_with('/') || bare.contains("://") || bare.starts_with("www.")
}

/// A code as words: `EndpointRPMExceeded` is `Endpoint RPM Exceeded`.
pub(super) fn split_code(code: &str) -> String {
    let mut words = String::new();
    let mut last = ' ';
    let mut letters = code.chars().peekable();
    while let Some(letter) = letters.next() {
        let begins = letters.peek().is_some_and(|next| next.is_lowercase());
        if letter.is_uppercase() && (last.is_lowercase() || last.is_uppercase() && begins) {
            words.push(' ');
        }
        last = letter;
        words.push(letter);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_are_found_as_whole_words() {
        let words =
            Words::of(["The monkey's Rate-limit was_exceeded; see https://a.example/billing"]);
        assert!(words.have(&["rate limit"]) && words.have(&["was exceeded"]));
        assert!(words.have(&["monk~"]) && words.have(&["rate*exceeded"]));
        assert!(
            !words.have(&["key"]) && !words.have(&["billing"]) && !words.have(&["exceeded*rate"])
        );
        let words = Words::of(["账户 余额 不足", "x"]);
        assert!(
            words.have(&["余额不足"]) && words.have(&["账户*不足"]) && !words.have(&["不足*账户"])
        );
    }

    #[test]
    fn nearness_has_no_order_and_ends() {
        let near =
            |text: &str| Words::of([text]).have_near(&["quota", "额度"], &["used up", "用尽"]);
        assert!(near("the quota is used up") && near("used up is your quota"));
        assert!(near("额度已用尽") && near("已用尽您的额度"));
        assert!(!near(&format!("quota {} used up", "and so on ".repeat(9))));
        assert!(!Words::of(["quota", "used up"]).have_near(&["quota"], &["used up"]));
    }

    #[test]
    fn what_is_said_of_a_thing_stands_behind_it() {
        let said = |text: &str| {
            Words::of([text]).say_of(&["model"], &["does not exist", "not found", "doesn't exist"])
        };
        for text in
            ["Model does not exist.", "model 'a:7b' not found", "the model `x/y` doesn't exist"]
        {
            assert!(said(text), "{text}");
        }
        for text in [
            "for this model, a stop does not exist",
            "the model has a file not found here",
            "not found",
        ] {
            assert!(!said(text), "{text}");
        }
    }

    #[test]
    fn codes_are_words() {
        assert_eq!(
            split_code("RateLimitExceeded.EndpointRPMExceeded"),
            "Rate Limit Exceeded.Endpoint RPM Exceeded"
        );
        assert_eq!(split_code("rate_limit"), "rate_limit");
    }
}
