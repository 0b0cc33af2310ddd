//! A text with gaps, `{{name}}`, and what fills them. Knows neither where the text was written nor
//! what it is for.

use super::text;

/// The gap for what the prompt would be without the text around it.
const INPUT_NAME: &str = "input";

/// A text that was written down with gaps.
#[derive(Debug, PartialEq)]
pub(crate) struct PromptTemplate<'t> {
    pieces: Vec<TemplatePiece<'t>>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum TemplatePiece<'t> {
    Text(&'t str),
    /// The name in the gap.
    Gap(&'t str),
}

/// What stands around an input, every gap but `{{input}}` filled.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PromptFrame {
    /// The input goes between any two of them.
    parts: Vec<String>,
}

impl<'t> PromptTemplate<'t> {
    /// Finds the gaps of a text: `{{`, a name, `}}`, with or without spaces beside the name. A name
    /// is made of letters of any script, digits, `_` and `-`. Anything else between braces is text.
    pub(crate) fn read(mut text: &'t str) -> Self {
        let mut pieces = Vec::new();
        let mut from = 0;
        while let Some(at) = text[from..].find("{{").map(|at| from + at) {
            match gap(&text[at..]) {
                Some((name, length)) => {
                    pieces.extend([TemplatePiece::Text(&text[..at]), TemplatePiece::Gap(name)]);
                    (text, from) = (&text[at + length..], 0);
                }
                // Of three braces the last two may open the gap.
                None => from = at + 1,
            }
        }
        pieces.push(TemplatePiece::Text(text));
        Self { pieces }
    }

    /// The names in the gaps, each once, in their order, without `input`.
    pub(crate) fn names(&self) -> Vec<&'t str> {
        let mut names = Vec::new();
        for piece in &self.pieces {
            if let TemplatePiece::Gap(name) = piece
                && *name != INPUT_NAME
                && !names.contains(name)
            {
                names.push(*name);
            }
        }
        names
    }

    /// Whether the input has a gap of its own.
    pub(crate) fn takes_input(&self) -> bool {
        self.pieces.contains(&TemplatePiece::Gap(INPUT_NAME))
    }

    /// The text with its gaps filled. Values are put in as they are: one that holds `{{x}}` has no
    /// gap. A name without a value keeps its gap.
    pub(crate) fn frame(&self, value: impl Fn(&str) -> Option<String>) -> PromptFrame {
        let mut parts = vec![String::new()];
        for piece in &self.pieces {
            let text = match piece {
                TemplatePiece::Gap(INPUT_NAME) => {
                    parts.push(String::new());
                    continue;
                }
                TemplatePiece::Gap(name) => {
                    value(name).unwrap_or_else(|| format!("{{{{{name}}}}}"))
                }
                TemplatePiece::Text(text) => (*text).to_owned(),
            };
            if let Some(part) = parts.last_mut() {
                part.push_str(&text);
            }
        }
        PromptFrame { parts }
    }
}

/// The gap that a text begins with: the name in it, and its length in bytes.
fn gap(text: &str) -> Option<(&str, usize)> {
    let inside = text.strip_prefix("{{")?;
    let end = inside.find("}}")?;
    let name = inside[..end].trim_matches(' ');
    is_name(name).then_some((name, end + 4))
}

fn is_name(name: &str) -> bool {
    let is_letter = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-');
    !name.is_empty() && name.chars().all(is_letter)
}

impl PromptFrame {
    /// The frame with an input in it. Where no gap waits for the input, it comes behind, with a
    /// blank line between.
    pub(crate) fn around(&self, input: &str) -> String {
        match &self.parts[..] {
            [all] if input.is_empty() => all.clone(),
            [all] => text::joined([all.as_str(), input]),
            parts => parts.join(input),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn filled(text: &str, input: &str) -> String {
        let value = |name: &str| match name {
            "语言" => Some("法文".to_owned()),
            "a-1" => Some("{{语言}} {{input}} {{b}}".to_owned()),
            _ => None,
        };
        PromptTemplate::read(text).frame(value).around(input)
    }

    #[test]
    fn gaps_are_filled_once() {
        assert_eq!(filled("译成{{语言}}：\n{{ input }}。", "你好"), "译成法文：\n你好。");
        assert_eq!(filled("{{a-1}}|{{input}}", "{{语言}}"), "{{语言}} {{input}} {{b}}|{{语言}}");
        assert_eq!(filled("{{input}}{{input}}", "两"), "两两");
        assert_eq!(filled("{{{语言}}}", ""), "{法文}");
    }

    #[test]
    fn what_is_no_gap_stays() {
        for text in ["{{", "{{}}", "{{ }}", "{{两 词}}", "{{a.b}}", "{ {语言} }", "{{语言}", "}}{{"]
        {
            assert_eq!(filled(text, ""), text);
            assert!(PromptTemplate::read(text).names().is_empty(), "{text}");
        }
        assert_eq!(filled("{{无}} {{{{语言}}", ""), "{{无}} {{法文");
    }

    #[test]
    fn the_input_comes_behind_where_no_gap_waits_for_it() {
        assert_eq!(filled("总结：", "正文\n"), "总结：\n\n正文\n");
        assert_eq!(filled("总结：\n", "正文"), "总结：\n\n正文");
        assert_eq!(filled("讲个笑话", ""), "讲个笑话");
        assert_eq!(filled("", "正文"), "正文");
    }

    #[test]
    fn names_are_told_once_and_without_the_input() {
        let text = PromptTemplate::read("{{b}} {{a}} {{input}} {{b}}");
        assert_eq!((text.names(), text.takes_input()), (vec!["b", "a"], true));
        assert!(!PromptTemplate::read("{{b}}").takes_input());
    }

    proptest! {
        #[test]
        fn without_values_the_text_stays(text in "([{}]{1,3}|[ab你]| |input){0,20}") {
            let gapped = PromptTemplate::read(&text);
            let tight = text.replace(' ', "");
            let framed = gapped.frame(|_| None).around("{{input}}");
            let expected = if gapped.takes_input() { tight } else { format!("{tight}{{{{input}}}}") };
            prop_assert_eq!(framed.replace([' ', '\n'], ""), expected);
        }
    }
}
