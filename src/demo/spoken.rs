//! The words of a chat answer, in Chinese or English as the question is.

use super::messages::UserMessage;
use super::pieces::has_cjk;

/// The question, in any letter case, that is answered with a sample of all Markdown that a terminal can
/// show.
const MARKDOWN: &str = "markdown";

const SAMPLE: &str = include_str!("sample.md");

/// Answer `index` of `number`, counted from 0. It tells its number if there are several.
pub(crate) fn answer(heard: &UserMessage, index: usize, number: usize) -> String {
    if heard.text.trim().eq_ignore_ascii_case(MARKDOWN) {
        return SAMPLE.to_owned();
    }
    let is_chinese = has_cjk(&heard.text);
    let said = if is_chinese { chinese(heard) } else { english(heard) };
    match (number, is_chinese) {
        (1, _) => said,
        (_, true) => format!("【第 {} 个回答】{said}", index + 1),
        (_, false) => format!("[answer {}] {said}", index + 1),
    }
}

fn chinese(heard: &UserMessage) -> String {
    let text = &heard.text;
    let mut said = format!("这是 llm 自带的演示服务，背后没有模型。你说的是：“{text}”。");
    let came = attachments(heard, ["张图片", "段音频", "个文件"]);
    if !came.is_empty() {
        let came: Vec<String> = came.iter().map(|(n, unit)| format!("{n} {unit}")).collect();
        said += &format!("随消息收到 {}。", came.join("、"));
    }
    if heard.system {
        said += "还收到了系统消息。";
    }
    for result in &heard.results {
        said += &format!("工具给出：“{}”。", result.trim());
    }
    if heard.messages > 1 {
        said += &format!("这次一共发来 {} 条消息。", heard.messages);
    }
    said
}

fn english(heard: &UserMessage) -> String {
    let counted =
        |(n, unit): &(usize, &str)| format!("{n} {unit}{}", if *n == 1 { "" } else { "s" });
    let mut extras = Vec::new();
    let came = attachments(heard, ["picture", "sound", "file"]);
    if !came.is_empty() {
        let came: Vec<String> = came.iter().map(counted).collect();
        extras.push(format!("It came with {}.", came.join(" and ")));
    }
    if heard.system {
        extras.push("There was a system message.".to_owned());
    }
    for result in &heard.results {
        extras.push(format!("A tool says: \"{}\".", result.trim()));
    }
    if heard.messages > 1 {
        extras.push(format!("The conversation has {}.", counted(&(heard.messages, "message"))));
    }
    let text = &heard.text;
    let said =
        format!("This is the demo inside llm; there is no model behind it. You said: \"{text}\"");
    if extras.is_empty() { said } else { format!("{said}. {}", extras.join(" ")) }
}

/// The counts of pictures, recordings and files, without zeros.
fn attachments<'a>(heard: &UserMessage, units: [&'a str; 3]) -> Vec<(usize, &'a str)> {
    let counts = [heard.pictures, heard.sounds, heard.files];
    counts.into_iter().zip(units).filter(|(count, _)| *count > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(text: &str) -> UserMessage {
        UserMessage { text: text.to_owned(), messages: 1, ..UserMessage::default() }
    }

    #[test]
    fn it_answers_in_the_language_of_the_question() {
        let chinese = "这是 llm 自带的演示服务，背后没有模型。你说的是：“你好”。";
        assert_eq!(answer(&heard("你好"), 0, 1), chinese);
        let english =
            "This is the demo inside llm; there is no model behind it. You said: \"hello\"";
        assert_eq!(answer(&heard("hello"), 0, 1), english);
        assert_eq!(answer(&heard("你好"), 1, 2), format!("【第 2 个回答】{chinese}"));
        assert_eq!(answer(&heard("hello"), 0, 2), format!("[answer 1] {english}"));
    }

    #[test]
    fn it_shows_markdown_when_asked_for() {
        let sample = answer(&heard("Markdown\n"), 0, 1);
        assert!(sample.contains("```rust\n") && sample.contains("**"), "{sample}");
        assert_ne!(answer(&heard("什么是 markdown"), 0, 1), sample);
    }

    #[test]
    fn it_tells_what_came_with_the_message() {
        let of = |text: &str| {
            let all =
                UserMessage { pictures: 2, files: 1, system: true, messages: 3, ..heard(text) };
            answer(&all, 0, 1)
        };
        let chinese = of("看图");
        let end =
            "“看图”。随消息收到 2 张图片、1 个文件。还收到了系统消息。这次一共发来 3 条消息。";
        assert!(chinese.ends_with(end), "{chinese}");
        let english = of("look");
        let end = "\"look\". It came with 2 pictures and 1 file. There was a system message. \
            The conversation has 3 messages.";
        assert!(english.ends_with(end), "{english}");
    }
}
