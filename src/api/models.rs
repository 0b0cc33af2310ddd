//! `GET /models`: the ids out of any shape of list, and what each model is for.

use serde_json::Value;

use crate::provider::Job;

/// The ids of a list of models, in its order; `None` when the value is not such a list.
///
/// Gemini's `models/` prefix is taken off, as requests take the name without it.
pub(crate) fn ids(value: &Value) -> Option<Vec<String>> {
    Some(items(value)?.iter().filter_map(id).collect())
}

/// The ids of those models of a list that are for a job: by what the list says of each, else by its
/// name. `None` when the value is not such a list.
///
/// A name that tells nothing is one of a chat model. For the other jobs such a name counts where no
/// model is known to be for the job; not for vectors, which a chat model has none of.
pub(crate) fn for_job(value: &Value, job: Job) -> Option<Vec<String>> {
    let models: Vec<(String, Vec<Purpose>)> =
        items(value)?.iter().filter_map(|item| Some((id(item)?, purposes(item)))).collect();
    let fitting = |purpose: Option<Purpose>| -> Vec<String> {
        let fits = |purposes: &[Purpose]| match purpose {
            Some(purpose) => purposes.contains(&purpose),
            None => purposes.is_empty(),
        };
        models.iter().filter(|(_, purposes)| fits(purposes)).map(|(id, _)| id.clone()).collect()
    };
    let by_name = |other: Option<Purpose>, purpose: Purpose| {
        let found = fitting(Some(purpose));
        if found.is_empty() { fitting(other) } else { found }
    };
    Some(match job {
        Job::Chat => {
            let is_one =
                |purposes: &[Purpose]| purposes.is_empty() || purposes.contains(&Purpose::Chat);
            let chat = models.iter().filter(|(_, purposes)| is_one(purposes));
            chat.map(|(id, _)| id.clone()).collect()
        }
        // A reranker is of their family, and better than nothing.
        Job::Embed => by_name(Some(Purpose::Rerank), Purpose::Embed),
        Job::Rerank => fitting(Some(Purpose::Rerank)),
        Job::Image | Job::ImageEdit => by_name(None, Purpose::Image),
        Job::Transcribe | Job::Translate => by_name(None, Purpose::Transcribe),
        Job::Speak => by_name(None, Purpose::Speak),
        Job::Models => models.iter().map(|(id, _)| id.clone()).collect(),
    })
}

/// What a model can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Chat,
    Embed,
    Rerank,
    Image,
    Transcribe,
    Speak,
    /// Something that no job of ours asks for.
    Other,
}

/// The entries of a list: `{"data": […]}` (the specification; `null` when Ollama has none), a bare
/// array (Together), and `{"models": […]}` (Cohere, older llama-server).
pub(super) fn items(value: &Value) -> Option<&[Value]> {
    match value {
        Value::Array(items) => Some(items),
        Value::Object(object) => match (object.get("data"), object.get("models")) {
            (Some(Value::Array(items)), _) | (_, Some(Value::Array(items))) => Some(items),
            (Some(Value::Null), _) | (_, Some(Value::Null)) => Some(&[]),
            _ => None,
        },
        _ => None,
    }
}

/// `id`, `name` or `model`, or the entry itself.
pub(super) fn id(item: &Value) -> Option<String> {
    let name = ["id", "name", "model"].iter().find_map(|key| item.get(key)?.as_str());
    let name = name.or(item.as_str())?;
    Some(name.strip_prefix("models/").unwrap_or(name).to_owned())
}

/// What an entry says that its model is for, else what its name says; none where neither tells.
fn purposes(item: &Value) -> Vec<Purpose> {
    let told = told(item);
    if !told.is_empty() {
        return told;
    }
    id(item).and_then(|id| of_name(&id)).into_iter().collect()
}

/// `task` (speaches), `model_type` (Xinference), `type` (LM Studio, Together), `capabilities` as a list
/// (Ollama, llama-server) or as flags (Mistral), what comes out (OpenRouter). That text comes out says
/// nothing: llama-server says it of models for vectors.
fn told(item: &Value) -> Vec<Purpose> {
    let mut words: Vec<&str> = Vec::new();
    for name in ["task", "model_type", "type"] {
        words.extend(item.get(name).and_then(Value::as_str));
    }
    for path in ["/capabilities", "/architecture/output_modalities"] {
        match item.pointer(path) {
            Some(Value::Array(list)) => words.extend(list.iter().filter_map(Value::as_str)),
            Some(Value::Object(flags)) => {
                let set = flags.iter().filter(|(_, is_set)| **is_set == Value::Bool(true));
                words.extend(set.map(|(name, _)| name.as_str()));
            }
            _ => {}
        }
    }
    let mut found: Vec<Purpose> = words.into_iter().flat_map(of_word).copied().collect();
    // What a model can do beside says nothing where the list says what it is for.
    if found.iter().any(|purpose| *purpose != Purpose::Other) {
        found.retain(|purpose| *purpose != Purpose::Other);
    }
    found
}

/// What a word of a list says; nothing for one that says nothing of a job (`tools`, `model`).
fn of_word(word: &str) -> &'static [Purpose] {
    let word = word.to_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|part| word.contains(part));
    if has(&["embed"]) {
        &[Purpose::Embed]
    } else if has(&["rerank"]) {
        &[Purpose::Rerank]
    } else if has(&["speech-recognition", "transcri", "asr", "stt", "speech-to-text"]) {
        &[Purpose::Transcribe]
    } else if has(&["text-to-speech", "tts"]) {
        &[Purpose::Speak]
    } else if word == "audio" {
        &[Purpose::Transcribe, Purpose::Speak]
    } else if has(&["text-to-image"]) || word == "image" {
        &[Purpose::Image]
    } else if has(&["moderation", "video"]) {
        &[Purpose::Other]
    } else if has(&["llm", "vlm", "chat", "completion", "language", "text-generation"]) {
        &[Purpose::Chat]
    } else {
        &[]
    }
}

/// What a name says.
fn of_name(id: &str) -> Option<Purpose> {
    let id = id.to_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|part| id.contains(part));
    let mut words = id.split(|letter: char| !letter.is_alphanumeric());
    let mut begins = |starts: &[&str]| {
        words.any(|word| {
            starts.iter().any(|start| {
                let rest = word.strip_prefix(start);
                rest.is_some_and(|rest| !rest.starts_with(|letter: char| letter.is_ascii_digit()))
            })
        })
    };
    if has(&["rerank"]) {
        Some(Purpose::Rerank)
    } else if has(&["embed", "minilm"]) || begins(&["bge", "e5"]) {
        Some(Purpose::Embed)
    } else if has(&["whisper", "transcribe", "parakeet"]) {
        Some(Purpose::Transcribe)
    } else if has(&["tts", "kokoro"]) {
        Some(Purpose::Speak)
    } else if has(&["stable-diffusion", "sdxl", "dall-e", "gpt-image", "flux"]) {
        Some(Purpose::Image)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_shape_of_list_is_read() {
        let two = Some(vec!["a".to_owned(), "通义".to_owned()]);
        assert_eq!(ids(&json!({"object": "list", "data": [{"id": "a"}, {"id": "通义"}]})), two);
        assert_eq!(ids(&json!([{"id": "a"}, {"id": "models/通义"}])), two);
        assert_eq!(ids(&json!({"models": [{"name": "a"}, {"model": "通义"}]})), two);
        assert_eq!(ids(&json!({"data": ["a", "通义", 3]})), two);
        assert_eq!(ids(&json!({"object": "list", "data": null})), Some(Vec::new()));
        assert_eq!(ids(&json!({"id": "a"})), None);
        assert_eq!(ids(&json!("a")), None);
    }

    #[test]
    fn names_tell_what_a_model_is_for() {
        let vectors = [
            "nomic-embed-text:latest",
            "bge-m3",
            "BAAI/bge-large-zh-v1.5",
            "intfloat/multilingual-e5-large",
            "e5-mistral-7b",
            "all-minilm:22m",
            "bge-reranker-v2-m3",
            "text-embedding-nomic-embed-text-v1.5",
        ];
        let chats = ["qwen3:8b", "phi3.5", "gemma-e50:2b", "bigbge", "模型", "granite3.3"];
        for vector in vectors {
            for chat in chats {
                let list = json!({"data": [{"id": vector}, {"id": chat}]});
                let of = |job| for_job(&list, job).expect("a list");
                assert_eq!(of(Job::Chat), [chat], "{vector}");
                assert_eq!(of(Job::Embed), [vector], "{chat}");
            }
        }
        let only_chat = json!({"data": [{"id": "qwen3"}]});
        assert_eq!(for_job(&only_chat, Job::Embed), Some(Vec::new()));
        assert_eq!(for_job(&only_chat, Job::Transcribe), Some(vec!["qwen3".to_owned()]));
        let two = json!({"data": [{"id": "bge-m3"}, {"id": "bge-reranker-v2-m3"}]});
        assert_eq!(for_job(&two, Job::Embed), Some(vec!["bge-m3".to_owned()]));
        let sound = json!({"data": [{"id": "gpt-4"}, {"id": "whisper-1"}, {"id": "tts-1"}]});
        assert_eq!(for_job(&sound, Job::Transcribe), Some(vec!["whisper-1".to_owned()]));
        assert_eq!(for_job(&sound, Job::Speak), Some(vec!["tts-1".to_owned()]));
        assert_eq!(for_job(&sound, Job::Chat), Some(vec!["gpt-4".to_owned()]));
    }

    #[test]
    fn what_the_list_says_wins_over_the_name() {
        for (entry, job) in [
            (json!({"id": "embed-chat", "model_type": "LLM"}), Job::Chat),
            (json!({"id": "m", "model_type": "embedding"}), Job::Embed),
            (json!({"id": "m", "type": "embeddings"}), Job::Embed),
            (json!({"id": "m", "task": "automatic-speech-recognition"}), Job::Transcribe),
            (json!({"id": "m", "task": "text-to-speech"}), Job::Speak),
            (json!({"id": "m", "capabilities": ["embedding"]}), Job::Embed),
            (json!({"id": "bge", "capabilities": ["completion", "tools"]}), Job::Chat),
            (
                json!({"id": "m", "capabilities": {"completion_chat": false, "embedding": true}}),
                Job::Embed,
            ),
            (json!({"id": "m", "architecture": {"output_modalities": ["image"]}}), Job::Image),
        ] {
            for other in [Job::Chat, Job::Embed, Job::Transcribe, Job::Speak, Job::Image] {
                let found = for_job(&json!({"data": [&entry]}), other).expect("a list");
                assert_eq!(!found.is_empty(), other == job, "{entry} {}", other.name());
            }
        }
        let llamacpp = json!({"data": [{"id": "tiny-embed", "architecture": {"output_modalities": ["text"]}}]});
        assert_eq!(for_job(&llamacpp, Job::Chat), Some(Vec::new()));
        let silent = json!({"data": [{"id": "m", "type": "model", "capabilities": ["tools"]}]});
        assert_eq!(for_job(&silent, Job::Chat), Some(vec!["m".to_owned()]));
    }
}
