//! Prompt templates: texts with variables, `{{name}}`.

use super::text;

/// The variable for the prompt itself.
pub(crate) const INPUT_NAME: &str = "input";

/// A text with variables.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PromptTemplate<'t> {
    pieces: Vec<TemplatePiece<'t>>,
}

/// A piece of a template.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum TemplatePiece<'t> {
    Text(&'t str),
    /// The name of a variable.
    Variable(&'t str),
}

/// A template in which only `{{input}}` is left to be replaced.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PromptFrame {
    /// The input goes between each two of them.
    parts: Vec<String>,
}

impl<'t> PromptTemplate<'t> {
    /// Finds the variables of a text: `{{`, a name, `}}`, with or without spaces around the name. Names
    /// have letters of any script, digits, `_` and `-`. Anything else in braces is text.
    pub(crate) fn parse(text: &'t str) -> Self {
        Self::parse_with(text, |_| false)
    }

    /// As [`PromptTemplate::parse`], with further names: those for which `is_name` holds.
    pub(crate) fn parse_with(mut text: &'t str, is_name: impl Fn(&str) -> bool) -> Self {
        let mut pieces = Vec::new();
        let mut from = 0;
        while let Some(at) = text[from..].find("{{").map(|at| from + at) {
            match variable(&text[at..], &is_name) {
                Some((name, length)) => {
                    pieces
                        .extend([TemplatePiece::Text(&text[..at]), TemplatePiece::Variable(name)]);
                    (text, from) = (&text[at + length..], 0);
                }
                // Of three braces the last two may begin a variable.
                None => from = at + 1,
            }
        }
        pieces.push(TemplatePiece::Text(text));
        Self { pieces }
    }

    /// The pieces in their order.
    pub(crate) fn pieces(&self) -> &[TemplatePiece<'t>] {
        &self.pieces
    }

    /// The names of the variables in their order, each once, without `input`.
    pub(crate) fn names(&self) -> Vec<&'t str> {
        let mut names = Vec::new();
        for piece in &self.pieces {
            if let TemplatePiece::Variable(name) = piece
                && *name != INPUT_NAME
                && !names.contains(name)
            {
                names.push(*name);
            }
        }
        names
    }

    /// Whether there is an `{{input}}`.
    pub(crate) fn takes_input(&self) -> bool {
        self.pieces.contains(&TemplatePiece::Variable(INPUT_NAME))
    }

    /// Replaces the variables by their values. A `{{x}}` in a value is text. A variable without a value
    /// stays.
    pub(crate) fn fill(&self, value: impl Fn(&str) -> Option<String>) -> PromptFrame {
        let mut parts = vec![String::new()];
        for piece in &self.pieces {
            let text = match piece {
                TemplatePiece::Variable(INPUT_NAME) => {
                    parts.push(String::new());
                    continue;
                }
                TemplatePiece::Variable(name) => {
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

/// The variable at the beginning of a text: its name, and its length in bytes with the braces.
fn variable<'t>(text: &'t str, is_other: &impl Fn(&str) -> bool) -> Option<(&'t str, usize)> {
    let inside = text.strip_prefix("{{")?;
    let end = inside.find("}}")?;
    let name = inside[..end].trim_matches(' ');
    (is_usual(name) || is_other(name)).then_some((name, end + 4))
}

fn is_usual(name: &str) -> bool {
    let is_letter = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-');
    !name.is_empty() && name.chars().all(is_letter)
}

impl PromptFrame {
    /// The text with an input in it. Without an `{{input}}` it comes at the end, after a blank line.
    pub(crate) fn around(&self, input: &str) -> String {
        match &self.parts[..] {
            [all] if input.is_empty() => all.clone(),
            [all] => text::joined([all.clone(), input.to_owned()]),
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
        PromptTemplate::parse(text).fill(value).around(input)
    }

    #[test]
    fn variables_are_replaced_once() {
        assert_eq!(filled("译成{{语言}}：\n{{ input }}。", "你好"), "译成法文：\n你好。");
        assert_eq!(filled("{{a-1}}|{{input}}", "{{语言}}"), "{{语言}} {{input}} {{b}}|{{语言}}");
        assert_eq!(filled("{{input}}{{input}}", "两"), "两两");
        assert_eq!(filled("{{{语言}}}", ""), "{法文}");
    }

    #[test]
    fn what_is_no_variable_stays() {
        for text in ["{{", "{{}}", "{{ }}", "{{两 词}}", "{{a.b}}", "{ {语言} }", "{{语言}", "}}{{"]
        {
            assert_eq!(filled(text, ""), text);
            assert!(PromptTemplate::parse(text).names().is_empty(), "{text}");
        }
        assert_eq!(filled("{{无}} {{{{语言}}", ""), "{{无}} {{法文");
    }

    #[test]
    fn the_input_comes_last_without_a_variable_for_it() {
        assert_eq!(filled("总结：", "正文\n"), "总结：\n\n正文\n");
        assert_eq!(filled("总结：\n", "正文"), "总结：\n\n正文");
        assert_eq!(filled("讲个笑话", ""), "讲个笑话");
        assert_eq!(filled("", "正文"), "正文");
    }

    #[test]
    fn names_are_told_once_and_without_the_input() {
        let text = PromptTemplate::parse("{{b}} {{a}} {{input}} {{b}}");
        assert_eq!((text.names(), text.takes_input()), (vec!["b", "a"], true));
        assert!(!PromptTemplate::parse("{{b}}").takes_input());
    }

    proptest! {
        #[test]
        fn without_values_the_text_stays(text in "([{}]{1,3}|[ab你]| |input){0,20}") {
            let template = PromptTemplate::parse(&text);
            let tight = text.replace(' ', "");
            let framed = template.fill(|_| None).around("{{input}}");
            let expected = if template.takes_input() { tight } else { format!("{tight}{{{{input}}}}") };
            prop_assert_eq!(framed.replace([' ', '\n'], ""), expected);
        }
    }
}
