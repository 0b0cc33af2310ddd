//! The right field for one that people write in other words. The nearest spelling may be the wrong one:
//! a key that was put into the field next to it would be shown.

/// Request fields of the specification and its dialects, which stand in `options`.
const REQUEST_FIELDS: &[&str] = &[
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "max_tokens",
    "max_completion_tokens",
    "max_output_tokens",
    "frequency_penalty",
    "presence_penalty",
    "repetition_penalty",
    "seed",
    "stop",
    "n",
    "reasoning_effort",
    "reasoning",
    "response_format",
    "logit_bias",
    "logprobs",
    "top_logprobs",
    "user",
    "store",
    "service_tier",
    "verbosity",
    "thinking",
    "enable_thinking",
    "prompt_cache_key",
    "num_ctx",
    "keep_alive",
    "stream",
];

/// Words for one of the jobs, in the names of fields and among the names of `models`.
const JOB_WORDS: &[(&str, &[&str])] = &[
    ("embed", &["embed", "embedding", "embeddings"]),
    ("image", &["image", "images", "picture", "img"]),
    ("transcribe", &["transcribe", "transcription", "whisper", "stt", "asr"]),
    ("translate", &["translate", "translation"]),
    ("speak", &["speak", "speech", "tts", "voice"]),
];

const KEY_WORDS: &[&str] = &[
    "key",
    "keys",
    "apikey",
    "apikeys",
    "token",
    "secret",
    "auth",
    "authorization",
    "password",
    "pass",
    "passwd",
    "bearer",
    "credential",
    "credentials",
    "jwt",
    "authtoken",
    "accesstoken",
    "accesskey",
];

const URL_WORDS: &[&str] = &[
    "url", "uri", "endpoint", "base", "baseurl", "host", "hostname", "server", "address", "domain",
];

/// What a field of a profile is called that somebody wrote as `name`, as a profile has it.
pub(super) fn meant(name: &str, known: &[&str]) -> Option<String> {
    let flat = flat(name);
    let words: Vec<&str> = flat.split('_').collect();
    let has = |list: &[&str]| words.iter().any(|word| list.contains(word));
    let last = words.last().copied().unwrap_or_default();
    let field = |field: &str| Some(field.to_owned());
    if known.contains(&flat.as_str()) {
        return field(&flat);
    }
    if REQUEST_FIELDS.contains(&flat.as_str()) {
        return Some(format!("options = {{ {flat} = … }}"));
    }
    if has(KEY_WORDS) {
        return field(match last {
            "env" | "var" | "variable" | "envvar" => "api_key_env",
            "cmd" | "command" => "api_key_cmd",
            "file" | "path" => "api_key_file",
            "header" => "key_header",
            "page" => "key_url",
            _ => "api_key",
        });
    }
    if has(&["model", "models"]) || words.len() == 1 {
        if let Some(job) = job(&words) {
            return Some(format!("models = {{ {job} = … }}"));
        }
        if has(&["model"]) {
            return field("model");
        }
    }
    if has(&["proxy"]) {
        return field("proxy");
    }
    if has(&["ca", "cacert", "cert", "certs", "certificate", "certificates"]) {
        return field("ca_file");
    }
    if has(URL_WORDS) {
        return field("base_url");
    }
    if has(&["search", "websearch", "online"]) {
        return field("search");
    }
    if has(&["header", "headers"]) {
        return field("headers");
    }
    match flat.as_str() {
        "extra_body" | "body" | "params" | "parameters" | "settings" | "defaults" => {
            field("options = { … }")
        }
        "organization" | "org" | "project" => field("headers = { … }"),
        "inherits" | "inherit" | "extends" | "type" | "kind" | "provider" => field("like"),
        "name" | "label" | "description" => field("title"),
        _ => None,
    }
}

/// The name of a job that somebody wrote in other words.
pub(super) fn job(words: &[&str]) -> Option<&'static str> {
    let fits = |(_, list): &&(&str, &[&str])| words.iter().any(|word| list.contains(word));
    JOB_WORDS.iter().find(fits).map(|(job, _)| *job)
}

/// `baseURL`, `base-url` and `BASE_URL` as `base_url`.
fn flat(name: &str) -> String {
    let mut flat = String::with_capacity(name.len() + 2);
    let mut was_small = false;
    for letter in name.chars() {
        if was_small && letter.is_ascii_uppercase() {
            flat.push('_');
        }
        was_small = letter.is_ascii_lowercase();
        flat.push(match letter {
            '-' | ' ' | '.' => '_',
            letter => letter.to_ascii_lowercase(),
        });
    }
    flat
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::profile::Profile;

    #[test]
    fn other_words_lead_to_the_right_field() {
        for (name, field) in [
            ("apikey", "api_key"),
            ("apiKey", "api_key"),
            ("API_KEY", "api_key"),
            ("api-key", "api_key"),
            ("token", "api_key"),
            ("secret", "api_key"),
            ("openai_api_key", "api_key"),
            ("auth_token", "api_key"),
            ("password", "api_key"),
            ("token_env", "api_key_env"),
            ("apiKeyEnv", "api_key_env"),
            ("key_command", "api_key_cmd"),
            ("token_file", "api_key_file"),
            ("url", "base_url"),
            ("endpoint", "base_url"),
            ("api_base", "base_url"),
            ("baseURL", "base_url"),
            ("api_url", "base_url"),
            ("host", "base_url"),
            ("http_proxy", "proxy"),
            ("temperature", "options = { temperature = … }"),
            ("maxTokens", "options = { max_tokens = … }"),
            ("embed_model", "models = { embed = … }"),
            ("embedding_model", "models = { embed = … }"),
            ("tts_model", "models = { speak = … }"),
            ("whisper", "models = { transcribe = … }"),
            ("image-model", "models = { image = … }"),
            ("model_name", "model"),
            ("default_model", "model"),
            ("extra_headers", "headers"),
            ("web_search", "search"),
            ("enableSearch", "search"),
            ("extra_body", "options = { … }"),
            ("ca_cert", "ca_file"),
        ] {
            assert_eq!(meant(name, Profile::FIELDS).as_deref(), Some(field), "{name}");
        }
        assert_eq!(meant("colour", Profile::FIELDS), None);
    }
}
