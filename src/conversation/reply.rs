//! What a model said in one reply, and the calls that it made.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::file::ResultFile;

/// One reply of a model.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ModelReply {
    #[serde(rename = "content")]
    pub(crate) text: String,
    /// Its thinking in words, which some services want back.
    #[serde(rename = "reasoning", default, skip_serializing_if = "String::is_empty")]
    pub(crate) thinking: String,
    /// Its thinking as the service alone can read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sealed: Option<SealedThinking>,
    /// The calls of tools, with their results once they were carried out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) calls: Vec<ToolCall>,
    /// What the text cites.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) sources: Vec<Citation>,
    /// The service that gave it, where that is not the one that was asked first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) by: Option<Answerer>,
}

/// A service that answered in the place of the one that was asked first, and its model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Answerer {
    pub(crate) provider: String,
    pub(crate) model: String,
}

/// What a service wants back as it came with the next request: encrypted thinking, say. Only the
/// service that made it can do anything with it, and others refuse it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SealedThinking {
    /// The profile of the service that made it.
    pub(crate) provider: String,
    /// The base URL that it came from: a profile can be pointed elsewhere.
    pub(crate) base_url: String,
    /// In the order in which they came.
    pub(crate) items: Vec<Value>,
}

/// A call of a tool, whole or as much of it as came.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct ToolCall {
    /// What joins call and result; not empty once the reply has ended, and not that of another call
    /// of the reply.
    pub(crate) id: String,
    pub(crate) name: String,
    /// JSON text, if the model kept to the rules.
    pub(crate) arguments: String,
    /// What else the service wrote into the call and wants back, it alone (Gemini's
    /// `extra_content`, with the signature of its thinking).
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub(crate) extra: Map<String, Value>,
    /// Why it can't be carried out, whatever the arguments look like.
    #[serde(skip)]
    pub(crate) flaw: Option<CallFlaw>,
    /// What the model was told of it; empty until the call was carried out.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) result: String,
    /// The pictures, recordings and documents that came with the result.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) files: Vec<ResultFile>,
}

/// What is wrong with a call of which not all came, or too much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallFlaw {
    /// Its arguments are longer than any tool's.
    TooLong,
    /// Its parts can't be told from those of other calls.
    Mixed,
}

impl CallFlaw {
    fn words(self) -> &'static str {
        match self {
            CallFlaw::TooLong => "they are longer than 1 MiB",
            CallFlaw::Mixed => "they can't be told from those of other calls",
        }
    }
}

/// A page or a file that an answer cites.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Citation {
    pub(crate) url: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) title: String,
    /// The number by which the text names it; files of earlier versions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) number: Option<u32>,
}

impl Citation {
    /// The source as a line for a reader: `[1] title URL`, without line ends and control signs. One that
    /// has no number gets that of its `place`, which counts from 0.
    pub(crate) fn line(&self, place: usize) -> String {
        let number = self.number.map_or(place + 1, |number| number as usize);
        let shown = |letter: &char| !letter.is_control();
        let title: Vec<&str> = self.title.split_whitespace().collect();
        let title: String = title.join(" ").chars().filter(shown).collect();
        let url: Vec<&str> = self.url.split_whitespace().collect();
        let url: String = url.join("%20").chars().filter(shown).collect();
        let space = if title.is_empty() { "" } else { " " };
        format!("[{number}] {title}{space}{url}")
    }
}

impl ToolCall {
    /// The arguments. No text at all is what some models write where a tool takes none.
    ///
    /// # Errors
    /// What is wrong with them, in words for the model.
    pub(crate) fn parsed(&self) -> Result<Map<String, Value>, String> {
        if let Some(flaw) = self.flaw {
            return Err(flaw.words().to_owned());
        }
        if self.arguments.trim().is_empty() {
            return Ok(Map::new());
        }
        match serde_json::from_str(&self.arguments) {
            Ok(Value::Object(arguments)) => Ok(arguments),
            Ok(_) => Err("they are not a JSON object".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Whether all of the arguments came for certain: a JSON object, to its last brace.
    pub(crate) fn is_whole(&self) -> bool {
        self.arguments.trim_end().ends_with('}') && self.parsed().is_ok()
    }

    /// The arguments as they came if they are a JSON object, else `{}`: Ollama and vLLM refuse
    /// others when the call is sent back.
    pub(crate) fn object(&self) -> &str {
        match self.parsed() {
            Ok(arguments) if !arguments.is_empty() => &self.arguments,
            _ => "{}",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_one_line() {
        let line = |url: &str, title: &str, number| {
            Citation { url: url.to_owned(), title: title.to_owned(), number }.line(1)
        };
        assert_eq!(line("https://a.example", "甲", Some(7)), "[7] 甲 https://a.example");
        assert_eq!(line("https://a.example", "", None), "[2] https://a.example");
        assert_eq!(
            line(
                "https://a.example/\u{7}一 二\n",
                " 甲\r\n\u{1b}[31m\t乙\u{2028}\u{9b}丙\0 ",
                None
            ),
            "[2] 甲 [31m 乙 丙 https://a.example/一%20二"
        );
    }

    #[test]
    fn arguments_are_a_json_object_or_none() {
        for (arguments, is_right) in [("", true), ("{", false), ("[1]", false), ("\"x\"", false)] {
            let call = ToolCall { arguments: arguments.to_owned(), ..ToolCall::default() };
            assert_eq!(call.parsed().is_ok(), is_right, "{arguments}");
            assert_eq!(call.object(), "{}");
        }
        let call = ToolCall { arguments: "{\"a\": 1}".to_owned(), ..ToolCall::default() };
        assert_eq!(call.object(), "{\"a\": 1}");
    }
}
