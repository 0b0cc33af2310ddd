//! What the words of a refusal say of the endpoint of chat: that the model is served by the other one.
//! Pure.
//!
//! The words of OpenAI and Azure are established; gateways and other services write the like. A path that
//! is not there says nothing of the model, and a field that only one endpoint has says nothing of it either.

use super::refusals::{may_be_of_form, plain};
use crate::error::Refused;
use crate::provider::{ChatApi, rules};

/// How services write each endpoint, longer names first, and the sign that stands for it here.
const NAMES: [(ChatApi, &str, &[&str]); 2] = [
    (
        ChatApi::Completions,
        COMPLETIONS,
        &[
            "/v1/chat/completions",
            "v1/chat/completions",
            "/chat/completions",
            "chat/completions",
            "chat_completions",
            "chat completions",
            "chat-completions",
            "chatcompletions",
            "chat completion",
            "chatcompletion",
        ],
    ),
    (
        ChatApi::Responses,
        RESPONSES,
        &[
            "/v1/responses",
            "v1/responses",
            "/responses",
            "responses api",
            "responses-api",
            "responses endpoint",
            "responses operation",
            "responses 接口",
            "responses接口",
        ],
    ),
];
const COMPLETIONS: &str = "@completions";
const RESPONSES: &str = "@responses";

/// What ends a sentence.
const END: &str = "|";

/// Words that stand between a verb and a name without any weight.
const WEIGHTLESS: &[&str] = &[
    "the",
    "a",
    "an",
    "our",
    "this",
    "openai",
    "openais",
    "post",
    "endpoint",
    "api",
    "operation",
    "is",
    "are",
    "new",
];

/// What stands before the name of an endpoint that is to be asked.
const USE: &[&str] = &["use", "using", "try", "call", "mean", "requires", "require", "needs"];
const MOVE: &[&str] = &["switch", "migrate", "move", "change"];
const USE_IN_CHINESE: &[&str] = &["使用", "调用", "改用", "仅支持", "只支持"];
const NOT_IN_CHINESE: &[&str] = &["不支持", "不支持通过", "不支持使用", "不能使用"];

/// What stands between a word of [`SERVED`] and the name.
const IN: &[&str] =
    &["in", "by", "via", "through", "with", "on", "for", "at", "over", "to", "under"];
const SERVED: &[&str] = &[
    "supported",
    "available",
    "accessible",
    "served",
    "allowed",
    "work",
    "works",
    "usable",
    "used",
    "enabled",
    "offered",
    "compatible",
    "exclusive",
    "called",
    "accessed",
];
const TAKE: &[&str] = &["support", "supports", "supporting", "accept", "accepts"];
const NOT: &[&str] =
    &["not", "cannot", "t", "cant", "dont", "doesnt", "isnt", "never", "no", "unable", "neither"];
const UNSERVED: &[&str] = &["unsupported", "unavailable", "inaccessible", "incompatible"];

/// What else a refusal may be about: then it is not the model.
const FIELDS: &[&str] =
    &["parameter", "parameters", "param", "field", "fields", "argument", "arguments", "参数"];

/// The fields of a request that a refusal of the model may name.
const PARAMS: &[&str] = &["model", "reasoning", "tool", "function"];

/// Other endpoints, which words name where the model is none for chat.
const ELSEWHERE: &[&str] =
    &["v1/completions", "embeddings", "v1/messages", "v1/images", "v1/audio", "interactions"];

/// Models of which OpenAI says that they are none for chat, although `/responses` serves them.
const RESPONSES_ALONE: &[&str] = &["*codex*", "*-pro", "*-pro-2*", "*deep-research*"];

/// Parts of the names of models that are for other jobs.
const OTHER_JOBS: &[&str] = &[
    "embed",
    "whisper",
    "transcribe",
    "tts",
    "dall-e",
    "image",
    "sora",
    "video",
    "rerank",
    "moderation",
    "realtime",
    "davinci",
    "babbage",
    "instruct",
    "ocr",
    "bge",
];

/// The endpoint that serves the model, where the refusal of the one that was asked says that it is the
/// other one. `model` is the name that was asked.
pub(in crate::command) fn named(refused: &Refused, asked: ChatApi, model: &str) -> Option<ChatApi> {
    let other = asked.other();
    let param = refused.param.as_deref().unwrap_or_default();
    let is_of_field = !param.is_empty() && !PARAMS.iter().any(|known| param.starts_with(known));
    if !may_be_of_form(refused) || is_of_field {
        return None;
    }
    let said = plain(&refused.words);
    let words = words(&said);
    if words.iter().any(|word| FIELDS.contains(&word.as_str())) {
        return None;
    }
    let is_here = |word: &String| word == sign(asked);
    let is_model = |word: &str| {
        let is_asked = model.len() > 2 && word.contains(&model.to_lowercase());
        word == "model" || word == "models" || word.contains("模型") || is_asked
    };
    let is_about = param == "model" || words.iter().any(|word| is_model(word));
    let is_pointed = places(&words, sign(other)).any(|at| points(&words, at));
    if is_pointed && (is_about || words.iter().any(is_here)) {
        return Some(other);
    }
    let is_refused = places(&words, sign(asked)).any(|at| refuses(&words, at)) && is_about;
    let named = || words.iter().map(String::as_str).chain([model]);
    let is_any = |globs: &[&str]| named().any(|one| globs.iter().any(|it| rules::glob(it, one)));
    let is_elsewhere = ELSEWHERE.iter().any(|place| words.iter().any(|word| word.contains(place)));
    let is_served = match is_elsewhere || said.contains("not a chat model") {
        true => asked == ChatApi::Completions && is_any(RESPONSES_ALONE),
        false => !named().any(|one| {
            let one = one.to_lowercase();
            OTHER_JOBS.iter().any(|part| one.contains(part))
        }),
    };
    (is_refused && is_served).then_some(other)
}

/// The sign that stands for an endpoint.
fn sign(api: ChatApi) -> &'static str {
    match api {
        ChatApi::Completions => COMPLETIONS,
        ChatApi::Responses => RESPONSES,
    }
}

/// The words that have weight, in lower case without punctuation, with a sign for each endpoint and one
/// for the end of a sentence. Web addresses are no words.
fn words(said: &str) -> Vec<String> {
    // The colon is gone.
    let is_address = |word: &&str| word.starts_with("//") || word.starts_with("www.");
    let mut text =
        said.split_whitespace().filter(|word| !is_address(word)).collect::<Vec<_>>().join(" ");
    text = text.replace("not only ", "");
    for (_, sign, names) in NAMES {
        for name in names {
            text = text.replace(name, &format!(" {sign} "));
        }
    }
    let mut words = Vec::new();
    for piece in text.split_whitespace() {
        let is_mark = |letter: char| !letter.is_alphanumeric() && letter != '@';
        let word = piece.trim_matches(is_mark);
        if !word.is_empty() && !WEIGHTLESS.contains(&word) {
            words.push(word.to_owned());
        }
        if piece.ends_with(['.', ';', '?', '!', '。', '；', '，']) {
            words.push(END.to_owned());
        }
    }
    words
}

/// Where a sign stands.
fn places(words: &[String], sign: &str) -> impl Iterator<Item = usize> {
    let is_it = move |(at, word): (usize, &String)| (word == sign).then_some(at);
    words.iter().enumerate().filter_map(is_it)
}

/// The words before a place, nearest first, as far as its sentence goes and `most` of them.
fn before(words: &[String], at: usize, most: usize) -> impl Iterator<Item = &str> {
    words[..at].iter().rev().map(String::as_str).take_while(|word| *word != END).take(most)
}

fn is_one_of(word: Option<&str>, known: &[&str]) -> bool {
    word.is_some_and(|word| known.contains(&word))
}

/// Whether one of these words says no.
fn say_no<'w>(mut words: impl Iterator<Item = &'w str>) -> bool {
    words.any(|word| NOT.contains(&word))
}

/// Whether a word, whose beginning may be another one in Chinese, ends as one of these.
fn ends_as(word: Option<&str>, known: &[&str]) -> bool {
    word.is_some_and(|word| known.iter().any(|end| word.ends_with(end)))
}

/// Whether the endpoint named here is the one to be asked.
fn points(words: &[String], at: usize) -> bool {
    let mut near = before(words, at, 2);
    let (next, second) = (near.next(), near.next());
    let is_only = |word: &str| matches!(word, "only" | "exclusively" | "exclusive");
    let is_used = is_one_of(next, USE)
        || is_one_of(next, &["to"]) && is_one_of(second, MOVE)
        || is_one_of(next, TAKE) && before(words, at, 3).any(is_only);
    if is_used {
        return !say_no(before(words, at, 4));
    }
    let nearby = || before(words, at, 6);
    let is_alone = || nearby().any(is_only) && !say_no(nearby().take_while(|word| !is_only(word)));
    is_one_of(next, IN) && is_alone()
        || ends_as(next, USE_IN_CHINESE) && !ends_as(next, NOT_IN_CHINESE)
}

/// Whether the endpoint named here is said not to serve the model.
fn refuses(words: &[String], at: usize) -> bool {
    let mut near = before(words, at, 2);
    let (next, second) = (near.next(), near.next());
    let is_denied = |most| say_no(before(words, at, most));
    let is_before = is_one_of(next, IN)
        && (is_one_of(second, SERVED) && is_denied(5) || is_one_of(second, UNSERVED))
        || is_one_of(next, TAKE) && is_denied(3)
        || ends_as(next, NOT_IN_CHINESE);
    let behind: Vec<&str> = words[at + 1..].iter().map(String::as_str).take(3).collect();
    let is_behind = match behind[..] {
        [first, ..] if UNSERVED.contains(&first) => true,
        [not, "supported" | "available" | "enabled", ..] => NOT.contains(&not),
        ["does", "not", "work"] | ["doesnt", "work", _] => true,
        _ => false,
    };
    is_before || is_behind
}

#[cfg(test)]
mod tests;
