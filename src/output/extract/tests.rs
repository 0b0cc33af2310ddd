//! The first and the last block of texts, however the texts are split.

use proptest::prelude::*;

use super::*;

/// Texts of fences and what can be mistaken for them.
fn fenced() -> impl Strategy<Value = String> {
    "([`~]{1,4}| {1,4}|[\n\r\ta你😀]){0,24}"
}

fn extracted<'t>(choice: BlockChoice, texts: impl IntoIterator<Item = &'t str>) -> String {
    let mut extractor = CodeBlockExtractor::new(choice);
    let mut out = String::new();
    for text in texts {
        extractor.push(text, &mut out);
    }
    extractor.finish(&mut out);
    out
}

/// The block of a text, the same however the text is split in two or into characters.
fn chosen(choice: BlockChoice, text: &str) -> String {
    let whole = extracted(choice, [text]);
    for (at, _) in text.char_indices() {
        let (first, second) = text.split_at(at);
        assert_eq!(extracted(choice, [first, second]), whole, "split at {at}: {text:?}");
    }
    let characters = extracted(choice, text.split_inclusive(|_| true));
    assert_eq!(characters, whole, "character by character: {text:?}");
    whole
}

/// The first block.
fn block(text: &str) -> String {
    chosen(BlockChoice::First, text)
}

#[test]
fn the_first_block_is_given() {
    assert_eq!(
        block("说明：\n\n```python\nprint('你好')\n```\n\n```\n第二\n```\n"),
        "print('你好')\n"
    );
    assert_eq!(block("~~~ `a` b\n```\n~~\n~~~~ \t\nafter"), "```\n~~\n");
    assert_eq!(block("```\n```"), "");
    assert_eq!(block("```\n\n  \n```"), "\n  \n");
    assert_eq!(block("甲 ```\n```\n乙\n```"), "乙\n");
}

#[test]
fn without_a_block_the_text_is_given() {
    for text in [
        "",
        "没有代码块",
        "``\n甲\n``\n",
        "    ```\n甲\n    ```\n",
        "\t```\n甲\n",
        "```a`b\n甲\n",
        "```行内``` 甲\n",
        "\r\n甲\r乙\n\r",
        "> 甲\n> ``\n",
    ] {
        assert_eq!(block(text), text);
    }
}

#[test]
fn the_closing_fence_is_as_long_and_of_the_same_kind() {
    assert_eq!(
        block("````\n```\n~~~~\n````甲\n    ````\n   ````` \t\n乙"),
        "```\n~~~~\n````甲\n    ````\n"
    );
    assert_eq!(block("```\na ```\n`` `\n```\u{a0}\n```"), "a ```\n`` `\n```\u{a0}\n");
}

#[test]
fn an_unclosed_block_goes_to_the_end() {
    assert_eq!(block("```rust\nfn 主() {\n``"), "fn 主() {\n``");
    assert_eq!(block("```\n甲\n```"), "甲\n");
    assert_eq!(block("```\n甲\n  "), "甲\n  ");
    assert_eq!(block("前\n```rust"), "");
    assert_eq!(block("```"), "");
}

#[test]
fn the_indentation_of_the_fence_is_taken_from_the_content() {
    assert_eq!(block("  ```\n甲\n 乙\n  丙\n   丁\n      戊\n  ```"), "甲\n乙\n丙\n 丁\n    戊\n");
    assert_eq!(block("   ~~~\n   \n  ``\n ~~~"), "\n``\n");
    assert_eq!(block(" ```\n\t甲\n \t乙\n\t\t丙\n```"), "   甲\n\t乙\n   \t丙\n");
    assert_eq!(block("  ```\n "), "");
}

#[test]
fn line_ends_are_those_of_a_shell() {
    assert_eq!(block("前\r\n```\r\n甲\r\n\r\n``\r\n```\r\n后"), "甲\n\n``\n");
    assert_eq!(block("前\r```\r甲\r乙\n\r```\r后"), "甲\r乙\n\r");
    assert_eq!(block("```\r\r\n甲"), "\n甲");
    assert_eq!(block("```\n甲\r"), "甲\r");
}

#[test]
fn a_block_in_a_quotation_is_one() {
    assert_eq!(block("> ```sh\n> ls\n>  -l\n> ```\n后"), "ls\n -l\n");
    assert_eq!(block("说：\n>```\n>ls\n>```"), "ls\n");
    assert_eq!(block("> > ```\n> > ls\n>\n> ```"), "ls\n");
    assert_eq!(block("> ```\n> a > b\n>\n> c\n> ```"), "a > b\n\nc\n");
    // The quotation ends, and the block with it.
    assert_eq!(block("> ```\n> ls\n\n后"), "ls\n");
    assert_eq!(block("> ```\n> ls\n后"), "ls\n");
    assert_eq!(chosen(BlockChoice::Last, "> ```\n> 一\n```\n二\n```"), "二\n");
    assert_eq!(block("```\n> ls\n```"), "> ls\n");
}

#[test]
fn a_fence_behind_the_last_words_closes_the_block() {
    for text in ["```sh\nls```", "```\nls```\n", "```\nls````  \n\n"] {
        assert_eq!(block(text), "ls", "{text:?}");
    }
    assert_eq!(block("```\n一\nls```"), "一\nls");
    // More follows, or it is none.
    assert_eq!(block("```\necho ```\nls\n```"), "echo ```\nls\n");
    assert_eq!(block("```\necho ```\n```\n后"), "echo ```\n");
    assert_eq!(block("```\necho ``"), "echo ``");
    assert_eq!(block("~~~\necho ```"), "echo ```");
}

#[test]
fn content_is_given_before_its_line_ends() {
    let mut extractor = CodeBlockExtractor::new(BlockChoice::First);
    let mut given = |text: &str| {
        let mut out = String::new();
        extractor.push(text, &mut out);
        out
    };
    let steps = [
        ("文\n``", ""),
        ("`sh\ne", "e"),
        ("cho", "cho"),
        (" `", " "),
        ("\n", ""),
        (" ", ""),
        ("``", ""),
        ("x", "`\n ``x"),
        ("\n```", "\n"),
        (" ", ""),
        ("y", "``` y"),
        ("\n```\n", "\n"),
        ("后", ""),
    ];
    for (text, expected) in steps {
        assert_eq!(given(text), expected, "{text:?}");
    }
}

/// The same rules over the whole text at once, a line at a time, without tabs and lone CR.
fn reference(text: &str) -> String {
    let mut block: Option<(block::OpenFence, String)> = None;
    let mut is_closed = false;
    for line in text.split_inclusive('\n') {
        let bare = line.trim_end_matches(['\n', '\r']);
        let Some((fence, content)) = &mut block else {
            block = block::opening(bare).map(|fence| (fence, String::new()));
            continue;
        };
        let spaces = bare.len() - bare.trim_start_matches(' ').len();
        let marks = bare.trim_matches(' ');
        if spaces <= 3
            && marks.len() >= fence.length
            && marks.chars().all(|mark| mark == fence.mark)
        {
            is_closed = true;
            break;
        }
        let line = line.replace("\r\n", "\n");
        content.push_str(&line[spaces.min(fence.indentation)..]);
    }
    block.map_or_else(
        || text.to_owned(),
        |(fence, content)| {
            let end = content.trim_end();
            let words = end.trim_end_matches(fence.mark);
            let has_fence = !is_closed && end.len() - words.len() >= fence.length;
            if has_fence { words.to_owned() } else { content }
        },
    )
}

#[test]
fn the_last_block_is_given() {
    for (text, block) in [
        ("```\n一\n```\n文\n~~~py\n二\n~~~\n尾", "二\n"),
        ("```\n一\n```\r\n````\n```\n二\n````", "```\n二\n"),
        ("```\n一\n```\n  ```\n  二\n未完", "二\n未完"),
        ("```\n一\n```\n```", "一\n"),
        ("```\n一\n```\n```sh\n", "一\n"),
        ("```\n一\n```\n```\n```\n", ""),
        ("没有代码块\r\n", "没有代码块\r\n"),
        ("```\n只有一个", "只有一个"),
    ] {
        assert_eq!(chosen(BlockChoice::Last, text), block, "{text:?}");
    }
}

proptest! {
    #[test]
    fn splitting_never_changes_the_block(text in fenced()) {
        chosen(BlockChoice::First, &text);
        chosen(BlockChoice::Last, &text);
    }

    #[test]
    fn the_reference_agrees(text in "(`{1,4}|~{3}| {1,4}|\n|\r\n|[a你]){0,24}") {
        prop_assert_eq!(block(&text), reference(&text));
    }

    /// A text of one block has the same first and last block.
    #[test]
    fn the_only_block_is_the_last(content in "([`~]{1,2}|[\n\ta你]){0,12}") {
        let fence = "`".repeat(30);
        let text = format!("前\n{fence}\n{content}\n{fence}\n后");
        prop_assert_eq!(chosen(BlockChoice::Last, &text), block(&text));
    }
}
