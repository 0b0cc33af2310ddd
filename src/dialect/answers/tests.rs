//! Replies of one answer and of several: what is shown, and when.

use super::super::event::ToolCallDelta;
use super::super::kept::{GAP_SIGN, MAX_KEPT_TEXT};
use super::*;

fn text(index: u64, text: &str) -> ChatEvent<'_> {
    ChatEvent::Text { index, text, is_thought: false }
}

fn by(base_url: &str) -> Addressee {
    Addressee { provider: "azure".to_owned(), base_url: base_url.to_owned() }
}

fn finish(index: u64, word: &str) -> ChatEvent<'_> {
    let finish = match word {
        "length" => Finish::Length,
        "sensitive" => Finish::Filter,
        "error" => Finish::Failed,
        _ => Finish::Done,
    };
    ChatEvent::Finish { index, finish, word }
}

fn run(number: u32, events: Vec<ChatEvent<'_>>) -> (String, String, Answers) {
    let (mut answers, mut shown) = (Answers::new(number), VisibleText::default());
    for event in events {
        answers.take(event, &mut shown);
    }
    answers.finish(&mut shown);
    (shown.text, shown.thinking, answers)
}

#[test]
fn thinking_without_its_opening_tag_is_told_apart_where_it_is_known() {
    let run = |events: Vec<ChatEvent<'_>>| {
        let (mut answers, mut shown) = (Answers::new(1), VisibleText::default());
        answers = answers.thinking_untagged(true);
        for event in events {
            answers.take(event, &mut shown);
        }
        answers.finish(&mut shown);
        (shown.text, shown.thinking)
    };
    let pair = |text: &str, thinking: &str| (text.to_owned(), thinking.to_owned());
    let end = |word| finish(0, word);
    let thought = vec![text(0, "嗯</th"), text(0, "ink>\n\n好"), end("stop")];
    assert_eq!(run(thought), pair("好", "嗯"));
    assert_eq!(run(vec![text(0, "<think>嗯</think>好"), end("stop")]), pair("好", "嗯"));
    assert_eq!(run(vec![text(0, "</think>好"), end("stop")]), pair("好", ""));
    // A text without any tag was the answer; one that was cut may be thinking.
    assert_eq!(run(vec![text(0, "好<"), end("stop")]), pair("好<", "好<"));
    assert_eq!(run(vec![text(0, "嗯"), end("length")]), pair("", "嗯"));
    assert_eq!(run(vec![text(0, "嗯")]), pair("", "嗯"));
    // A field of its own for thinking leaves the text to the answer.
    let own = ChatEvent::Thinking { index: 0, text: "嗯", sealed: None };
    assert_eq!(run(vec![own, text(0, "好"), end("stop")]), pair("好", "嗯"));
}

#[test]
fn answers_come_in_index_order_with_a_blank_line_between() {
    let events = vec![text(1, "二"), text(0, "一\n"), text(2, "三"), text(0, ""), text(1, "!")];
    assert_eq!(run(3, events).0, "一\n\n二!\n\n三");
}

#[test]
fn answers_can_be_numbered() {
    let mut answers = Answers::new(2).numbered(true);
    let mut shown = VisibleText::default();
    for (index, piece) in [(0, "一"), (1, "二"), (0, "!\n"), (1, "?")] {
        answers.take(text(index, piece), &mut shown);
    }
    assert_eq!(shown.text, "[1]\n一!\n");
    answers.finish(&mut shown);
    assert_eq!(shown.text, "[1]\n一!\n\n[2]\n二?");
    let kept: Vec<String> =
        answers.take_replies(&by("")).into_iter().map(|reply| reply.text).collect();
    assert_eq!(kept, ["一!\n", "二?"]);
}

#[test]
fn the_first_answer_is_live() {
    let (mut answers, mut shown) = (Answers::new(2), VisibleText::default());
    answers.take(text(1, "b"), &mut shown);
    assert_eq!(shown.text, "");
    answers.take(text(0, "a"), &mut shown);
    assert_eq!(shown.text, "a");
}

#[test]
fn one_answer_may_carry_any_index() {
    assert_eq!(run(1, vec![text(7, "x")]).0, "x");
}

#[test]
fn a_stream_without_end_does_not_fill_the_memory() {
    let piece = "很长".repeat(10_000);
    let events: Vec<_> = (0..8).map(|_| text(0, &piece)).collect();
    let (shown, _, mut answers) = run(1, events);
    assert_eq!(shown.len(), 8 * piece.len());
    assert!(!answers.is_kept_whole());
    let kept = answers.take_replies(&by("")).remove(0).text;
    assert!(
        kept.len() <= MAX_KEPT_TEXT + GAP_SIGN.len() && kept.ends_with(GAP_SIGN),
        "{}",
        kept.len()
    );
    assert!(shown.starts_with(kept.trim_end_matches(GAP_SIGN)));
}

#[test]
fn thinking_is_told_apart() {
    let (shown, thinking, _) = run(1, vec![text(0, "<thi"), text(0, "nk>嗯</think>\n\n好")]);
    assert_eq!((shown.as_str(), thinking.as_str()), ("好", "嗯"));
}

#[test]
fn verdicts() {
    let finish = |word| finish(0, word);
    let verdict = |events| run(1, events).2.verdict();
    assert_eq!(verdict(vec![text(0, "a"), finish("stop")]), ReplyVerdict::Done);
    assert_eq!(verdict(vec![text(0, "a"), finish("eos")]), ReplyVerdict::Done);
    assert_eq!(verdict(vec![text(0, "a"), finish("length")]), ReplyVerdict::Length);
    assert_eq!(
        verdict(vec![text(0, "a"), finish("sensitive")]),
        ReplyVerdict::Filter(String::new())
    );
    assert_eq!(run(1, vec![text(0, "a"), finish("error")]).2.failure(), Some("error"));
    let no_text = |events| match verdict(events) {
        ReplyVerdict::NoText(words) => words,
        other => panic!("{other:?}"),
    };
    assert_eq!(no_text(vec![]), "it holds nothing");
    let delta = ToolCallDelta { name: Some("查天气"), ..ToolCallDelta::default() };
    let call = ChatEvent::ToolCall { index: 0, delta: Box::new(delta) };
    let words = "the model asks for tool calls: `查天气`";
    assert_eq!(no_text(vec![call.clone(), finish("tool_calls")]), words);
    let cut = format!("{words}; the token limit cut the call");
    assert_eq!(no_text(vec![call, finish("length")]), cut);
    let nameless = ChatEvent::ToolCall { index: 0, delta: Box::default() };
    assert_eq!(no_text(vec![nameless]), "the model asks for tool calls");
    assert_eq!(
        no_text(vec![ChatEvent::Refusal { index: 0, text: "不行" }]),
        "the model refuses: 不行"
    );
    let thought = ChatEvent::Thinking { index: 0, text: "嗯", sealed: None };
    assert_eq!(
        no_text(vec![thought, finish("length")]),
        "it holds only thinking, up to the token limit"
    );
}

#[test]
fn a_reply_is_finished_when_each_of_its_answers_is() {
    let finish = |index| finish(index, "stop");
    assert!(!run(2, vec![]).2.is_finished());
    assert!(!run(2, vec![text(0, "a"), text(1, "b"), finish(0)]).2.is_finished());
    assert!(run(2, vec![text(0, "a"), text(1, "b"), finish(0), finish(1)]).2.is_finished());
}

#[test]
fn answers_that_wait_do_not_fill_the_memory() {
    let piece = "很".repeat(1 << 20);
    let (mut answers, mut shown) = (Answers::new(2), VisibleText::default());
    answers.take(text(0, "a"), &mut shown);
    for _ in 0..21 {
        answers.take(text(1, &piece), &mut shown);
        assert!(!answers.is_overfull());
    }
    answers.take(text(1, &piece), &mut shown);
    assert!(answers.is_overfull());
    let mut answers = Answers::new(2);
    (0..=MAX_CHOICES as u64).for_each(|index| answers.take(text(index, ""), &mut shown));
    assert!(answers.is_overfull());
}

#[test]
fn what_is_sealed_and_cited_goes_with_the_reply() {
    let item = Value::from("gAAA");
    let sealed = ChatEvent::Thinking { index: 0, text: "", sealed: Some(&item) };
    let cite = |url| {
        let page = super::super::event::CitedPage { url, title: "甲", number: None };
        ChatEvent::Source { index: 0, page }
    };
    let events = vec![sealed, text(0, "答"), cite("https://a.example"), cite("https://a.example")];
    let (_, _, mut answers) = run(1, events);
    let reply = answers.take_replies(&by("https://b.example/v1")).remove(0);
    let sealed = reply.sealed.expect("something is sealed");
    assert_eq!(sealed.base_url, "https://b.example/v1");
    assert_eq!((sealed.items, reply.sources.len()), (vec![item], 1));
    let (_, _, mut answers) = run(1, vec![text(0, "答")]);
    assert_eq!(answers.take_replies(&by("")).remove(0).sealed, None);
}
