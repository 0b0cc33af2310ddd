//! Pictures, replies that hold them, and a run of `llm image`, for the tests of that command.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::{Llm, Reply, Server, llm};

/// Bytes that begin as a PNG does and differ by `tag`.
pub(crate) fn png(tag: &str) -> Vec<u8> {
    [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".as_slice(), tag.as_bytes()].concat()
}

/// Bytes that begin as a JPEG does.
pub(crate) fn jpeg(tag: &str) -> Vec<u8> {
    [b"\xff\xd8\xff\xe0\0\x10JFIF\0".as_slice(), tag.as_bytes()].concat()
}

/// An entry of a reply that holds this picture.
pub(crate) fn inline(picture: &[u8]) -> Value {
    json!({"b64_json": STANDARD.encode(picture)})
}

/// A whole reply with these entries.
pub(crate) fn body(entries: impl IntoIterator<Item = Value>) -> Value {
    let data: Vec<Value> = entries.into_iter().collect();
    json!({"created": 1_760_000_000, "data": data, "usage": {"input_tokens": 12, "output_tokens": 196}})
}

/// The answer with these pictures in it.
pub(crate) fn reply(pictures: &[Vec<u8>]) -> Reply {
    Reply::json(200, body(pictures.iter().map(|picture| inline(picture))))
}

/// The answer with pictures at these addresses.
pub(crate) fn addresses(urls: &[&str]) -> Reply {
    Reply::json(200, body(urls.iter().map(|url| json!({"url": url}))))
}

/// `llm image` with the profile `test` at this server, which has a key, a header and a model.
pub(crate) fn image(server: &Server) -> Llm {
    image_at(&server.url()).watch(server)
}

/// As [`image`], at any base URL.
pub(crate) fn image_at(base_url: &str) -> Llm {
    llm()
        .config(&format!(
            "[providers.test]\nbase_url = \"{base_url}\"\napi_key = \"sk-geheim-123456\"\n\
             models = {{ image = \"maler\" }}\nheaders = {{ \"X-Team\" = \"rot\" }}\n"
        ))
        .arg("image")
}
