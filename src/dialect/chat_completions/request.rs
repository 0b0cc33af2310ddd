//! The fields of a chat request, out of what the user asked for.

use serde_json::{Map, Value, json};

use super::schema::{Form, response_format};
use crate::cli::chat::ChatArgs;
use crate::provider::Fields;

/// What a chat request is made of, besides the flags.
#[derive(Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) model: Option<&'a str>,
    /// The conversation, the user's message last.
    pub(crate) messages: Vec<Value>,
    /// A JSON Schema that the answer must fit, and how the service is told.
    pub(crate) schema: Option<(&'a Value, Form)>,
    /// Tools that the model may call, as [`tool`] makes them.
    pub(crate) tools: Vec<Value>,
    /// Whether the answer is to come as a stream.
    pub(crate) stream: bool,
}

/// The request's fields: only what the job needs, and what the user set.
pub(crate) fn fields(args: &ChatArgs, ask: Ask<'_>) -> Fields {
    let mut needed = Map::new();
    if let Some(model) = ask.model {
        needed.insert("model".into(), model.into());
    }
    needed.insert("messages".into(), ask.messages.into());
    if ask.stream {
        needed.insert("stream".into(), true.into());
    }
    let mut flags = Map::new();
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            flags.insert(name.to_owned(), value);
        }
    };
    set("temperature", args.temperature.clone().map(Value::Number));
    set("top_p", args.top_p.clone().map(Value::Number));
    set("max_tokens", args.max_tokens.map(Value::from));
    set("seed", args.seed.map(Value::from));
    set("stop", (!args.stop.is_empty()).then(|| args.stop.clone().into()));
    set("reasoning_effort", args.reasoning_effort.clone().map(Value::from));
    // One answer is what comes anyway; Groq and Cohere refuse the field itself.
    set("n", args.number.filter(|number| *number > 1).map(Value::from));
    match ask.schema.map(|(schema, form)| (response_format(schema, form), form)) {
        // The service is known to take it: then a refusal is about the user's own schema.
        Some((format, Form::JsonSchema)) => set("response_format", format),
        // The instructions say the same, so it may be left out.
        Some((Some(format), _)) => {
            needed.insert("response_format".into(), format);
        }
        _ => {}
    }
    // Mistral and vLLM refuse an empty list.
    set("tools", (!ask.tools.is_empty()).then(|| ask.tools.into()));
    Fields { needed, flags }
}

/// One message of a conversation. `content` is a text, or a list of typed parts.
pub(crate) fn message(role: &str, content: impl Into<Value>) -> Value {
    json!({"role": role, "content": content.into()})
}

/// A tool that the model may call (specification, `ChatCompletionTool`). No `strict`, which Cohere
/// refuses.
pub(crate) fn tool(name: &str, description: Option<&str>, parameters: &Value) -> Value {
    let mut function = json!({"name": name});
    if let Some(description) = description {
        function["description"] = description.into();
    }
    function["parameters"] = parameters.clone();
    json!({"type": "function", "function": function})
}
