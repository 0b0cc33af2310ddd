//! Takes the items out of a list that is still being written: `{"items": […]}`, a bare array, or one
//! object behind the other. Knows brackets and strings; what an item is worth, a parser tells.

/// Splits a JSON list into its items while it comes.
#[derive(Debug, Default)]
pub(crate) struct ItemSplitter {
    place: ItemPlace,
    /// The item, or what may be the beginning of the list's wrapping; without space outside strings.
    held: String,
    /// Brackets that are open in `held`.
    depth: usize,
    in_string: bool,
    after_backslash: bool,
    /// Space came behind `held`.
    after_space: bool,
    /// An item came.
    has_item: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum ItemPlace {
    /// Before the list, or between two objects that stand alone.
    #[default]
    Outside,
    /// In an object that may be the wrapping.
    First,
    /// Within the list, between two items.
    List,
    /// Within an item of the list.
    Item,
    /// Within an object that stands alone.
    Alone,
    /// Behind the list.
    Behind,
}

/// How the wrapping of a list begins.
const WRAPPING: &str = "{\"items\":";

impl ItemSplitter {
    /// Takes the next text and gives every item that it completes, on one line.
    pub(crate) fn push(&mut self, text: &str, item: &mut impl FnMut(&str)) {
        for letter in text.chars() {
            self.take(letter, item);
        }
    }

    /// Whether the text ended where a list may end: behind it, or behind an object that stands
    /// alone.
    pub(crate) fn is_whole(&self) -> bool {
        self.place == ItemPlace::Behind || (self.place == ItemPlace::Outside && self.has_item)
    }

    /// How many bytes are kept.
    pub(crate) fn kept(&self) -> usize {
        self.held.len()
    }

    fn take(&mut self, letter: char, item: &mut impl FnMut(&str)) {
        match self.place {
            ItemPlace::Behind => {}
            ItemPlace::Outside => match letter {
                '{' => {
                    self.place = if self.has_item { ItemPlace::Alone } else { ItemPlace::First };
                    self.hold(letter);
                }
                '[' if !self.has_item => self.place = ItemPlace::List,
                _ => {}
            },
            ItemPlace::First => {
                if letter == '[' && !self.in_string && self.held == WRAPPING {
                    self.held.clear();
                    (self.depth, self.place) = (0, ItemPlace::List);
                    return;
                }
                self.hold(letter);
                if !WRAPPING.starts_with(&self.held) {
                    self.place = ItemPlace::Alone;
                    self.give_if_closed(ItemPlace::Outside, item);
                }
            }
            ItemPlace::Alone => {
                self.hold(letter);
                self.give_if_closed(ItemPlace::Outside, item);
            }
            ItemPlace::List => match letter {
                ']' => self.place = ItemPlace::Behind,
                ',' | ' ' | '\t' | '\n' | '\r' => {}
                _ => {
                    self.place = ItemPlace::Item;
                    self.hold(letter);
                }
            },
            ItemPlace::Item => self.take_in_item(letter, item),
        }
    }

    fn take_in_item(&mut self, letter: char, item: &mut impl FnMut(&str)) {
        let is_bare = self.depth == 0 && !self.in_string;
        if is_bare && matches!(letter, ',' | ']') {
            // A number, `true` or the like ends where something else begins.
            self.give(ItemPlace::List, item);
            if letter == ']' {
                self.place = ItemPlace::Behind;
            }
            return;
        }
        self.hold(letter);
        self.give_if_closed(ItemPlace::List, item);
    }

    /// Keeps a letter and counts brackets.
    fn hold(&mut self, letter: char) {
        if self.in_string {
            self.held.push(letter);
            match letter {
                _ if self.after_backslash => self.after_backslash = false,
                '\\' => self.after_backslash = true,
                '"' => self.in_string = false,
                _ => {}
            }
            return;
        }
        if matches!(letter, ' ' | '\t' | '\n' | '\r') {
            self.after_space = true;
            return;
        }
        // Space means nothing, except that it parts what else would be one word.
        let is_mark = |letter: char| matches!(letter, '{' | '}' | '[' | ']' | ',' | ':' | '"');
        if std::mem::take(&mut self.after_space)
            && !is_mark(letter)
            && !self.held.ends_with(is_mark)
        {
            self.held.push(' ');
        }
        self.held.push(letter);
        match letter {
            '"' => self.in_string = true,
            '{' | '[' => self.depth += 1,
            '}' | ']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
    }

    /// Gives the item if its last bracket was just closed.
    fn give_if_closed(&mut self, next: ItemPlace, item: &mut impl FnMut(&str)) {
        if self.depth == 0 && !self.in_string && self.held.ends_with(['}', ']']) {
            self.give(next, item);
        }
    }

    fn give(&mut self, next: ItemPlace, item: &mut impl FnMut(&str)) {
        item(&self.held);
        self.held.clear();
        (self.place, self.has_item, self.after_space) = (next, true, false);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn split<'t>(texts: impl IntoIterator<Item = &'t str>) -> (Vec<String>, bool) {
        let (mut splitter, mut items) = (ItemSplitter::default(), Vec::new());
        for text in texts {
            splitter.push(text, &mut |item| items.push(item.to_owned()));
        }
        (items, splitter.is_whole())
    }

    fn items(text: &str) -> (Vec<String>, bool) {
        let whole = split([text]);
        for (at, _) in text.char_indices() {
            assert_eq!(split([&text[..at], &text[at..]]), whole, "{text} at {at}");
        }
        whole
    }

    fn texts(list: &[&str]) -> Vec<String> {
        list.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn every_shape_of_a_list_is_read() {
        let two = texts(&[r#"{"名":"a ]}\"你"}"#, r#"{"b":[1,{"c":2}]}"#]);
        let [one, other] = [r#"{"名" : "a ]}\"你"}"#, "{ \"b\": [1,\n {\"c\": 2}]\n}"];
        for text in [
            format!("{{\"items\": [{one}, {other}]}}"),
            format!("[{one},{other}]"),
            format!("{one}\n{other}\n"),
            format!("这是列表：\n```json\n{{ \"items\" :\n[{one},\n{other}] }}\n```\n共 [2] 个"),
            format!("```\n{one}\n{other}\n```"),
        ] {
            assert_eq!(items(&text), (two.clone(), true), "{text}");
        }
    }

    #[test]
    fn values_that_are_no_objects_are_items_of_a_list() {
        let expected = texts(&["1.50", "\"a,]\"", "true", "[]", "{}", "null"]);
        assert_eq!(items("[1.50 , \"a,]\" ,true,[ ],{ }, null]"), (expected, true));
        assert_eq!(items("{\"items\":[]}"), (Vec::new(), true));
    }

    #[test]
    fn an_object_with_other_fields_is_an_item() {
        let whole = |text: &str| (texts(&[text]), true);
        assert_eq!(items("{\"itemsize\": 1}"), whole("{\"itemsize\":1}"));
        assert_eq!(items("{\"items\": {\"a\": []}}"), whole("{\"items\":{\"a\":[]}}"));
        assert_eq!(items("{}"), whole("{}"));
    }

    #[test]
    fn what_is_cut_is_not_whole() {
        assert_eq!(items("[1 2, {\"a\": t rue}]").0, texts(&["1 2", "{\"a\":t rue}"]));
        for text in ["", "没有", "[", "[1", "[1,", "{\"items\":[{\"a\":1}", "{\"a\":", "{\"items\""]
        {
            assert!(!items(text).1, "{text}");
        }
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(json!(null)),
            any::<i32>().prop_map(|number| json!(number)),
            "[\\[\\]{},:\"\\\\ a你\n]{0,6}".prop_map(|text| json!(text)),
        ];
        leaf.prop_recursive(3, 12, 3, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                proptest::collection::vec(("[a\"{你]{1,2}", inner), 0..3)
                    .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_list_is_split_however_it_comes(list in proptest::collection::vec(value(), 0..4), wrapped: bool, pretty: bool) {
            let all = if wrapped { json!({ "items": list }) } else { json!(list) };
            let text = match pretty {
                true => serde_json::to_string_pretty(&all),
                false => serde_json::to_string(&all),
            };
            let (found, is_whole) = items(&text.expect("can be written"));
            let found: Vec<Value> = found.iter().map(|item| serde_json::from_str(item).expect("is JSON")).collect();
            prop_assert_eq!(found, list);
            prop_assert!(is_whole);
        }

        #[test]
        fn nothing_makes_it_panic(text in "([\\[\\]{},:\"\\\\]|items|a| |\n|你){0,40}") {
            items(&text);
        }
    }
}
