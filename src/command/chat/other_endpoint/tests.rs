//! Words of real refusals and of their neighbours.

use super::*;
use crate::error::FailureClass;

fn said(words: &str, param: Option<&str>) -> Refused {
    let param = param.map(str::to_owned);
    Refused { status: Some(400), param, words: words.to_owned(), ..Refused::default() }
}

const HERE: ChatApi = ChatApi::Completions;
const THERE: ChatApi = ChatApi::Responses;

#[test]
fn words_name_the_endpoint_that_serves_the_model() {
    // OpenAI, Azure, Copilot, xAI, gateways; the model that was asked, the words, the field.
    for (model, words, param) in [
        (
            "gpt-5.6-terra",
            "Function tools with reasoning_effort are not supported for gpt-5.6-terra in /v1/chat/completions. To use function tools, use /v1/responses or set reasoning_effort to 'none'.",
            Some("reasoning_effort"),
        ),
        (
            "x",
            "Function tools with reasoning_effort are not supported for this model in /v1/chat/completions. Please use /v1/responses instead.",
            Some("reasoning_effort"),
        ),
        (
            "o1-pro",
            "This model is only supported in v1/responses and not in v1/chat/completions.",
            Some("model"),
        ),
        (
            "gpt-5-codex",
            "This is not a chat model and thus not supported in the v1/chat/completions endpoint. Did you mean to use v1/completions?",
            Some("model"),
        ),
        (
            "openai/gpt-5-pro",
            "This is not a chat model and thus not supported in the v1/chat/completions endpoint. Did you mean to use v1/completions?",
            None,
        ),
        (
            "my-deployment",
            "The chatCompletion operation does not work with the specified model, gpt-5-codex. Please choose different model and try again. You can learn more about which models can be used with each operation here: https://go.microsoft.com/fwlink/?linkid=2197993.",
            None,
        ),
        (
            "gpt-5.2-codex",
            "model \"gpt-5.2-codex\" is not accessible via the /chat/completions endpoint",
            None,
        ),
        ("m", "This model is only available via the Responses API.", None),
        ("m", "The model `m` does not support Chat Completions.", None),
        (
            "multi",
            "Model multi is not supported on chat completions; please use the responses API",
            None,
        ),
        ("m", "m only supports the /v1/responses endpoint, the model has no other", None),
        ("m", "Chat completions is not supported for this model", None),
        ("m", "model m requires the Responses API", None),
        ("m", "This model can only be used with /v1/responses", None),
        (
            "m",
            "Error code: 400 - {'error': {'message': 'This model is only supported in v1/responses and not in v1/chat/completions.'}}",
            None,
        ),
        ("m", "该模型不支持 chat/completions 接口，请使用 /v1/responses", None),
        ("m", "模型 m 仅支持 /v1/responses 接口", None),
    ] {
        assert_eq!(named(&said(words, param), HERE, model), Some(THERE), "{words}");
        assert_eq!(named(&said(words, param), THERE, model), None, "asked there: {words}");
    }
    for (model, words) in [
        ("m", "This model is not supported in the v1/responses endpoint."),
        (
            "gpt-audio",
            "This model is only supported in v1/chat/completions and not in v1/responses.",
        ),
        ("gpt-audio", "gpt-audio is only available through the Chat Completions API"),
        ("m", "The model m does not support the Responses API. Please use /v1/chat/completions."),
        ("m", "Responses API is not supported for this model"),
        ("m", "The responses operation does not work with the specified model, m."),
        ("m", "The requested model is not available on /v1/responses"),
        ("m", "该模型不支持 /v1/responses"),
    ] {
        assert_eq!(named(&said(words, None), THERE, model), Some(HERE), "{words}");
        assert_eq!(named(&said(words, None), HERE, model), None, "asked here: {words}");
    }
}

#[test]
fn what_says_something_else_is_not_taken_for_it() {
    for (model, words, param) in [
        // A path that is not there.
        ("m", "Invalid URL (POST /v1/responses)", Some("")),
        ("m", "Invalid URL (POST /v1/chat/completions)", None),
        ("m", "404 page not found", None),
        ("m", "Not Found", None),
        ("m", "", None),
        ("m", "no route for POST /v1/responses", None),
        ("m", "Method Not Allowed", None),
        ("m", "Unexpected endpoint or method. (POST /v1/responses)", None),
        ("m", "Responses API is not supported", None),
        ("m", "/v1/chat/completions is not supported by this server", None),
        // A model that is not there, or is for another job.
        ("m", "The model `m` does not exist or you do not have access to it.", Some("model")),
        (
            "m",
            "model 'm' not found. See https://platform.openai.com/docs/api-reference/responses/create",
            Some("model"),
        ),
        (
            "davinci-002",
            "This is not a chat model and thus not supported in the v1/chat/completions endpoint. Did you mean to use v1/completions?",
            Some("model"),
        ),
        (
            "gpt-3.5-turbo-instruct",
            "This is not a chat model and thus not supported in the v1/chat/completions endpoint. Did you mean to use v1/completions?",
            Some("model"),
        ),
        (
            "my-deployment",
            "The chatCompletion operation does not work with the specified model, text-embedding-3-small. Please choose different model and try again.",
            None,
        ),
        ("whisper-1", "This model is not supported in the v1/responses endpoint.", None),
        ("gemini-omni-flash", "This model only supports Interactions API.", None),
        ("m", "Unsupported model `qwen-image` for OpenAI compatibility mode.", None),
        // A field.
        (
            "m",
            "Unsupported parameter: 'response_format'. In the Responses API, this parameter has moved to 'text.format'. Try again with the new parameter.",
            Some("response_format"),
        ),
        (
            "m",
            "The parameter 'truncation' is only supported in v1/responses, for every model",
            None,
        ),
        ("m", "'truncation' is only supported in v1/responses with this model", Some("truncation")),
        (
            "m",
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
            Some("max_tokens"),
        ),
        ("m", "This model does not support the field seed in v1/responses", None),
        // What is said of a tool, a file, a price.
        (
            "m",
            "Function tools are not supported for this model in /v1/chat/completions.",
            Some("tools"),
        ),
        ("m", "input_audio is not supported in v1/responses", None),
        ("m", "Do not use /v1/responses with this model", None),
        ("m", "You cannot use /v1/responses with this model", None),
        ("m", "This model is not only supported in v1/responses", None),
        ("m", "responses with more than 5 items are not supported for this model", None),
        ("m", "the model gave 3 chat completions and no more", None),
    ] {
        for asked in [HERE, THERE] {
            assert_eq!(named(&said(words, param), asked, model), None, "{words}");
        }
    }
}

#[test]
fn money_keys_and_pace_are_no_matter_of_the_endpoint() {
    let words = "This model is only supported in v1/responses and not in v1/chat/completions.";
    for (status, class) in [
        (Some(401), FailureClass::Key),
        (Some(403), FailureClass::Access),
        (Some(429), FailureClass::Rate),
        (Some(400), FailureClass::Money),
    ] {
        let refused = Refused { status, class, ..said(words, None) };
        assert_eq!(named(&refused, HERE, "m"), None, "{status:?}");
    }
    for status in [None, Some(400), Some(404), Some(422), Some(500)] {
        let refused = Refused { status, ..said(words, None) };
        assert_eq!(named(&refused, HERE, "m"), Some(THERE), "{status:?}");
    }
}
