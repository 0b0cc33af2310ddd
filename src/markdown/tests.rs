use proptest::prelude::*;

use super::*;

/// What a terminal shows: each character with the SGR codes that hold for it.
fn cells(shown: &str) -> Vec<(char, String)> {
    let (mut cells, mut style) = (Vec::new(), String::new());
    let mut rest = shown;
    while let Some(character) = rest.chars().next() {
        if let Some(behind) = rest.strip_prefix("\u{1b}[") {
            let (codes, behind) = behind.split_once('m').expect("a sequence has its end");
            style = codes.strip_prefix('0').expect("each begins anew").to_owned();
            rest = behind;
            continue;
        }
        cells.push((character, style.clone()));
        rest = &rest[character.len_utf8()..];
    }
    assert!(style.is_empty(), "the style goes on behind {shown:?}");
    cells
}

fn shown<'t>(pieces: impl IntoIterator<Item = &'t str>) -> String {
    let (mut markdown, mut out) = (Markdown::default(), String::new());
    let mut ends_line = true;
    for piece in pieces {
        markdown.push(piece, &mut out);
        ends_line = piece.is_empty() && ends_line || piece.ends_with('\n');
        let held = markdown.held.chars().count();
        assert!(held <= MAX_HELD_CHARS, "{held} characters are held back: {:?}", markdown.held);
    }
    if !ends_line {
        markdown.push("\n", &mut out);
    }
    assert_eq!(markdown.held, "", "a line end gives out everything");
    out
}

/// The text with its styles in brackets, the same however it is cut.
fn marked(text: &str) -> String {
    let whole = cells(&shown([text]));
    for (at, _) in text.char_indices() {
        let (first, second) = text.split_at(at);
        assert_eq!(cells(&shown([first, second])), whole, "cut at {at}: {text:?}");
    }
    let characters = text.split_inclusive(|_| true);
    assert_eq!(cells(&shown(characters)), whole, "character by character: {text:?}");
    let (mut marked, mut style) = (String::new(), String::new());
    for (character, codes) in whole {
        if codes != style {
            marked.push_str(&format!("⟨{}⟩", codes.trim_start_matches(';')));
            style = codes;
        }
        marked.push(character);
    }
    marked.trim_end_matches('\n').trim_end_matches("⟨⟩").to_owned()
}

#[track_caller]
fn shows(text: &str, expected: &str) {
    assert_eq!(marked(text), expected, "{text:?}");
}

#[track_caller]
fn is_plain(text: &str) {
    shows(text, text);
}

#[test]
fn emphasis_is_shown_beside_chinese_text() {
    shows("**你好**世界", "⟨2⟩**⟨1⟩你好⟨2⟩**⟨⟩世界");
    shows("要**“注意：”**这个", "要⟨2⟩**⟨1⟩“注意：”⟨2⟩**⟨⟩这个");
    shows("*斜*体 _斜_ ~~旧~~新", "⟨2⟩*⟨3⟩斜⟨2⟩*⟨⟩体 ⟨2⟩_⟨3⟩斜⟨2⟩_⟨⟩ ⟨2⟩~~⟨9⟩旧⟨2⟩~~⟨⟩新");
    shows("***全***", "⟨2⟩***⟨1;3⟩全⟨2⟩***");
    shows("**粗*斜*粗**", "⟨2⟩**⟨1⟩粗⟨2⟩*⟨1;3⟩斜⟨2⟩*⟨1⟩粗⟨2⟩**");
    shows(
        "**a**b**c**",
        "⟨2⟩**⟨1⟩a⟨2⟩**⟨⟩b⟨2⟩**⟨1⟩c⟨2⟩**".replace("⟨⟩b⟨2⟩**⟨1⟩c⟨2⟩**", "⟨⟩b**c**").as_str(),
    );
}

#[test]
fn marks_that_mark_nothing_are_text() {
    for text in [
        "2 * 3 * 4",
        "2*3*4",
        "snake_case_name 变量_名_称",
        "a_{i}_{j}",
        "甲****",
        "甲*****乙*****",
        "a ~ b ~甲~ ~~~~",
        "x = arr[0] (1)",
        "]](甲)",
        "#标签",
        "####### 七",
        "12345678901. 年",
        "2024 年",
        "1.5 倍",
        "-5 度",
        &format!("甲{}", "`".repeat(40)),
        "https://a.org/_b_/c~~d~~",
        "https://x.org/_next/static~~a",
        "$5 和 $6",
    ] {
        is_plain(text);
    }
}

#[test]
fn what_is_not_closed_ends_with_its_line() {
    shows("**甲\n乙", "⟨2⟩**⟨1⟩甲⟨⟩\n乙");
    shows("`甲\n乙", "⟨2⟩`⟨36⟩甲⟨⟩\n乙");
    shows("[甲](http://x\n乙", "[甲⟨2⟩](http://x⟨⟩\n乙");
    shows(r"\(甲*乙*", r"\(甲*乙*");
}

#[test]
fn escapes_spans_links_and_formulas() {
    shows(r"\*甲\* \a", r"⟨2⟩\⟨⟩*甲⟨2⟩\⟨⟩* \a");
    shows("`a*b*` ``a`b`` `甲``乙`", "⟨2⟩`⟨36⟩a*b*⟨2⟩`⟨⟩ ⟨2⟩``⟨36⟩a`b⟨2⟩``⟨⟩ ⟨2⟩`⟨36⟩甲``乙⟨2⟩`");
    shows("[官网](https://a.b/c_(d)_e \"题\")。", "[官网⟨2⟩](https://a.b/c_(d)_e \"题\")⟨⟩。");
    shows("![图](a.png)", "![图⟨2⟩](a.png)");
    shows("[1] [甲][乙]", "[1] [甲][乙]");
    shows("**https://a.b/_c**", "⟨2⟩**⟨1⟩https://a.b/_c⟨2⟩**");
    shows("\\[\na*b*c\n\\]\n*斜*", "\\[\na*b*c\n\\]\n⟨2⟩*⟨3⟩斜⟨2⟩*");
    shows("$$\na *b*\n\n*斜*", "$$\na *b*\n\n⟨2⟩*⟨3⟩斜⟨2⟩*");
    shows(r"由 \(x *y* \\ z\) 得 *z*", r"由 \(x *y* \\ z\) 得 ⟨2⟩*⟨3⟩z⟨2⟩*");
}

#[test]
fn blocks_begin_with_their_marks() {
    shows("## 标题 `码`\n文", "⟨1;35⟩## 标题 ⟨2⟩`⟨36⟩码⟨2⟩`⟨⟩\n文");
    shows("- 一\n  * 二\n    1. 三\n+ 四", "⟨35⟩-⟨⟩ 一\n  ⟨35⟩*⟨⟩ 二\n    ⟨35⟩1.⟨⟩ 三\n⟨35⟩+⟨⟩ 四");
    shows(
        "- [ ] 做\n- [x] 成\n- [甲](b)",
        "⟨35⟩-⟨⟩ ⟨35⟩[ ]⟨⟩ 做\n⟨35⟩-⟨⟩ ⟨35⟩[x]⟨⟩ 成\n⟨35⟩-⟨⟩ [甲⟨2⟩](b)",
    );
    shows("> > **引**\n> - 项", "⟨2⟩>⟨⟩ ⟨2⟩>⟨⟩ ⟨2⟩**⟨1⟩引⟨2⟩**⟨⟩\n⟨2⟩>⟨⟩ ⟨35⟩-⟨⟩ 项");
    shows("---\n***\n--- 甲", "⟨2⟩---⟨⟩\n⟨2⟩***⟨⟩\n⟨2⟩--- ⟨⟩甲");
    shows("| 甲 | *乙* |\n|:--|--:|", "⟨2⟩| ⟨⟩甲 ⟨2⟩|⟨⟩ ⟨2⟩*⟨3⟩乙⟨2⟩*⟨⟩ ⟨2⟩|⟨⟩\n⟨2⟩|:--|--:|");
    shows("a | b", "a | b");
}

#[test]
fn code_blocks_are_code_to_their_fence() {
    shows("```\n*甲* | # x\n``\n```\n*乙*", "⟨2⟩```⟨⟩\n*甲* | # x\n``\n⟨2⟩```⟨⟩\n⟨2⟩*⟨3⟩乙⟨2⟩*");
    shows("~~~~ text\n~~~\n```\n~~~~~  \n甲", "⟨2⟩~~~~⟨36⟩ text⟨⟩\n~~~\n```\n⟨2⟩~~~~~  ⟨⟩\n甲");
    shows("````md\n```sh\nls\n```\n````\n甲", "⟨2⟩````⟨36⟩md⟨⟩\n```sh\nls\n```\n⟨2⟩````⟨⟩\n甲");
    shows("1. 甲\n   ```\n   a\n   ```\n乙", "⟨35⟩1.⟨⟩ 甲\n   ⟨2⟩```⟨⟩\n   a\n   ⟨2⟩```⟨⟩\n乙");
    shows(
        "> ```\n> a\n>\n> ```\n> *b*",
        "⟨2⟩>⟨⟩ ⟨2⟩```⟨⟩\n⟨2⟩>⟨⟩ a\n⟨2⟩>⟨⟩\n⟨2⟩>⟨⟩ ⟨2⟩```⟨⟩\n⟨2⟩>⟨⟩ ⟨2⟩*⟨3⟩b⟨2⟩*",
    );
    shows("> ```\n> a\n*b*", "⟨2⟩>⟨⟩ ⟨2⟩```⟨⟩\n⟨2⟩>⟨⟩ a\n⟨2⟩*⟨3⟩b⟨2⟩*");
    shows("```行内``` *甲*", "⟨2⟩```⟨36⟩行内⟨2⟩```⟨⟩ ⟨2⟩*⟨3⟩甲⟨2⟩*");
    shows("```\na\n        ```\n```", "⟨2⟩```⟨⟩\na\n        ```\n⟨2⟩```");
}

/// Code in a block of this language.
#[track_caller]
fn code(language: &str, code: &str, expected: &str) {
    let text = format!("```{language}\n{code}\n```\n甲");
    let expected = format!("⟨2⟩```⟨36⟩{language}⟨⟩\n{expected}\n⟨2⟩```⟨⟩\n甲");
    shows(&text, &expected);
}

#[test]
fn code_is_coloured_by_its_language() {
    code(
        "Rust,ignore",
        "fn 主<'a>() -> u8 { '\\'' /* 甲\n乙 */ + 0x1F // 丙",
        "⟨35⟩fn⟨⟩ 主<'a>() -> u8 { ⟨32⟩'\\''⟨⟩ ⟨2⟩/* 甲⟨⟩\n⟨2⟩乙 */⟨⟩ + ⟨36⟩0x1F⟨⟩ ⟨2⟩// 丙⟨⟩",
    );
    code(
        "rust",
        "r#\"甲\"乙\"# \"a\\\"\n b\" for_",
        "⟨32⟩r#\"甲\"乙\"#⟨⟩ ⟨32⟩\"a\\\"⟨⟩\n⟨⟩ ⟨32⟩b\"⟨⟩ for_"
            .replace("⟨⟩ ⟨32⟩b", " ⟨32⟩b")
            .as_str(),
    );
    code(
        "{.python}",
        "def f(x1):\n    '''甲\n乙''' + 'it\\'s' # 丙",
        "⟨35⟩def⟨⟩ f(x1):\n    ⟨32⟩'''甲⟨⟩\n⟨32⟩乙'''⟨⟩ + ⟨32⟩'it\\'s'⟨⟩ ⟨2⟩# 丙⟨⟩",
    );
    code(
        "bash",
        "echo \"$#\" x#y 'a\\' | sed 2 # 注",
        "⟨35⟩echo⟨⟩ ⟨32⟩\"$#\"⟨⟩ x#y ⟨32⟩'a\\'⟨⟩ | sed ⟨36⟩2⟨⟩ ⟨2⟩# 注⟨⟩",
    );
    code("sql", "Select 1 -- 甲", "⟨35⟩Select⟨⟩ ⟨36⟩1⟨⟩ ⟨2⟩-- 甲⟨⟩");
    code("diff", "@@ -1 +1 @@\n-旧\n+新\n +平", "⟨36⟩@@ -1 +1 @@⟨⟩\n⟨31⟩-旧⟨⟩\n⟨32⟩+新⟨⟩\n +平");
    code("json", "{\"a\": [1.5e3, null]}", "{⟨32⟩\"a\"⟨⟩: [⟨36⟩1.5e3⟨⟩, ⟨35⟩null⟨⟩]}");
    code("lua", "x = 1 -- 甲\ny", "x = ⟨36⟩1⟨⟩ ⟨2⟩-- 甲⟨⟩\ny");
    code("unknown", "let x = 'a'", "let x = 'a'");
    code("rust", "\"没有结束", "⟨32⟩\"没有结束⟨⟩");
}

#[test]
fn text_is_shown_before_its_line_ends() {
    let mut markdown = Markdown::default();
    let mut given = |text: &str| {
        let mut out = String::new();
        markdown.push(text, &mut out);
        cells(&out).into_iter().map(|(character, _)| character).collect::<String>()
    };
    let steps = [
        ("你好", "你好"),
        ("，**重", "，**重"),
        ("要*", "要"),
        ("*。`co", "**。`co"),
        ("de`", "de"),
        ("\n", "`\n"),
        ("#", ""),
        ("# 题", "## 题"),
        ("\n```ru", "\n```ru"),
        ("st\nlet x = \"甲", "st\nlet x = \"甲"),
        ("乙\"; retu", "乙\"; "),
        ("rn", ""),
        (";", "return;"),
        ("\n``", "\n"),
        ("`", ""),
        ("\n后", "```\n后"),
    ];
    for (text, expected) in steps {
        assert_eq!(given(text), expected, "{text:?}");
    }
}

/// A long line is read once, and not again for each of its characters.
#[test]
fn hostile_text_takes_linear_time() {
    let parts =
        ["*", "_", "`", "[", "](", "\\", "a*", "*a", "**a", "> ", "- ", "#", "1", "$", "~", " "];
    let begun = std::time::Instant::now();
    for part in parts {
        let line = part.repeat(HOSTILE / part.len());
        for start in ["", "甲 ", "```rust\n", "```sh\n\""] {
            for size in [7, HOSTILE] {
                let (mut markdown, mut out) = (Markdown::default(), String::new());
                markdown.push(start, &mut out);
                for piece in line.as_bytes().chunks(size) {
                    markdown.push(std::str::from_utf8(piece).expect("it is ASCII"), &mut out);
                    out.clear();
                }
                assert!(markdown.held.len() <= MAX_HELD_CHARS);
            }
        }
    }
    // Quadratic time would be minutes.
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
}

/// In bytes.
const HOSTILE: usize = 1 << 15;

proptest! {
    #[test]
    fn the_text_stays_and_cutting_it_changes_nothing(
        text in "([*_~`]{1,5}|[-+#>|$:\\[\\](){}'\"/\\\\]|\\d|[\n ]|```(rust|sh|py|js|diff)?\n|\"\"\"|/\\*|\\*/|r#|fn|你|，|😀|\u{301}|\\PC){0,40}",
        cuts in proptest::collection::vec(0_usize..200, 0..6),
    ) {
        let mut cuts: Vec<usize> =
            cuts.iter().map(|cut| text.floor_char_boundary(*cut)).collect();
        cuts.extend([0, text.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&str> = cuts.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect();
        let whole = cells(&shown([text.as_str()]));
        prop_assert_eq!(&cells(&shown(pieces)), &whole);
        prop_assert_eq!(&cells(&shown(text.split_inclusive(|_| true))), &whole);
        let kept: String = whole.iter().map(|(character, _)| *character).collect();
        prop_assert_eq!(kept.trim_end_matches('\n'), text.trim_end_matches('\n'));
        let is_styled = |cell: &&(char, String)| cell.0 == '\n' && !cell.1.is_empty();
        prop_assert_eq!(whole.iter().find(is_styled), None);
    }
}
