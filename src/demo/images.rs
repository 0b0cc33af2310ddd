//! `POST /v1/images/generations` and `/v1/images/edits`: pictures that depend on the prompt's
//! hash, and their addresses.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::fields::{choice, field, text, whole};
use super::hash::{hash, mixed};
use super::multipart::{self, FormField};
use super::picture;
use super::pieces;
use super::reply::{DemoReply, Stamp};
use crate::media::{self, FileFormat};

const DEFAULT_SIDE: usize = 256;
const SIDES: std::ops::RangeInclusive<usize> = 16..=2048;

/// OpenAI's limit for its newer models, in characters.
const MAX_PROMPT_CHARS: usize = 32_000;

/// The most pictures that an edit may start from (OpenAI's limit).
const MAX_SOURCE_PICTURES: usize = 16;

/// Answers a request for new pictures; invalid fields are a 400.
pub(crate) fn generate(body: &Value, stamp: &Stamp) -> Result<DemoReply, DemoReply> {
    answer(body, 0, stamp)
}

/// Answers a request for an edit that came as a form.
pub(crate) fn edit_form(parts: &[FormField<'_>], stamp: &Stamp) -> Result<DemoReply, DemoReply> {
    let named = |names: &[&str]| -> Vec<&[u8]> {
        parts
            .iter()
            .filter(|part| names.contains(&part.name.as_str()))
            .map(|part| part.data)
            .collect()
    };
    let sources = named(&["image", "image[]"]);
    check(&sources, &named(&["mask"]), "image")?;
    answer(&multipart::fields(parts), seed(&sources), stamp)
}

/// Answers a request for an edit that came as JSON, its pictures as data URLs.
pub(crate) fn edit_json(body: &Value, stamp: &Stamp) -> Result<DemoReply, DemoReply> {
    let listed = field(body, "images")
        .and_then(Value::as_array)
        .ok_or_else(|| DemoReply::missing("images"))?;
    let sources =
        listed.iter().map(|source| embedded(source, "images")).collect::<Result<Vec<_>, _>>()?;
    let mask = field(body, "mask").map(|mask| embedded(mask, "mask")).transpose()?;
    let sources: Vec<&[u8]> = sources.iter().map(Vec::as_slice).collect();
    check(&sources, &mask.iter().map(Vec::as_slice).collect::<Vec<_>>(), "images")?;
    answer(body, seed(&sources), stamp)
}

/// The picture at an address of [`answer`], whose path ends in `WxH-SEED.png`.
pub(crate) fn file(name: &str) -> Result<DemoReply, DemoReply> {
    let seeded = |name: &str| {
        let (size, seed) = name.strip_suffix(".png")?.split_once('-')?;
        Some((sides(size)?, u64::from_str_radix(seed, 16).ok()?))
    };
    let Some(((width, height), seed)) = seeded(name) else {
        let message = format_args!("there is no picture '{name}'");
        return Err(DemoReply::error(404, message, None, Some("not_found")));
    };
    Ok(DemoReply::content("image/png", picture::png(width, height, seed)))
}

fn answer(body: &Value, source: u64, stamp: &Stamp) -> Result<DemoReply, DemoReply> {
    let prompt = text(body, "prompt")?.unwrap_or_default();
    if prompt.is_empty() {
        return Err(DemoReply::missing("prompt"));
    }
    if prompt.chars().count() > MAX_PROMPT_CHARS {
        let problem = format_args!("is longer than {MAX_PROMPT_CHARS} characters");
        return Err(DemoReply::refused("prompt", problem));
    }
    let (width, height) = size(body)?;
    let number = whole(body, "n", 1..=10)?.unwrap_or(1);
    choice(body, "output_format", &["png"])?;
    let as_url = choice(body, "response_format", &["b64_json", "url"])? == "url";
    let revised = format!("drawn by the demo inside llm from a hash, no model: {prompt}");
    let entry = |index: u64| {
        let seed = mixed(hash(prompt.as_bytes()) ^ source).wrapping_add(mixed(index));
        if as_url {
            let base = &stamp.base;
            let url = format!("{base}/demo/images/{width}x{height}-{seed:016x}.png");
            return json!({"url": url, "revised_prompt": revised});
        }
        let encoded = STANDARD.encode(picture::png(width, height, seed));
        json!({"b64_json": encoded, "revised_prompt": revised})
    };
    let tokens = pieces::count(prompt);
    Ok(DemoReply::json(&json!({
        "created": stamp.created, "data": (0..number).map(entry).collect::<Vec<_>>(),
        "background": "opaque", "output_format": "png", "quality": "low",
        "size": format!("{width}x{height}"),
        "usage": {"input_tokens": tokens, "output_tokens": number, "total_tokens": tokens + number,
            "input_tokens_details": {"text_tokens": tokens, "image_tokens": 0}},
    })))
}

fn size(body: &Value) -> Result<(usize, usize), DemoReply> {
    match text(body, "size")? {
        None | Some("auto") => Ok((DEFAULT_SIDE, DEFAULT_SIDE)),
        Some(size) => sides(size).ok_or_else(|| {
            let (least, most) = (SIDES.start(), SIDES.end());
            DemoReply::refused(
                "size",
                format_args!(
                    "must be auto or WIDTHxHEIGHT, both from {least} to {most}, not '{size}'"
                ),
            )
        }),
    }
}

fn sides(size: &str) -> Option<(usize, usize)> {
    let (width, height) = size.split_once('x')?;
    let side = |side: &str| side.parse().ok().filter(|side| SIDES.contains(side));
    Some((side(width)?, side(height)?))
}

fn seed(sources: &[&[u8]]) -> u64 {
    sources.iter().fold(1, |seed, source| mixed(seed ^ hash(source)))
}

/// The bytes of `{"image_url": "data:…;base64,…"}`.
fn embedded(source: &Value, param: &str) -> Result<Vec<u8>, DemoReply> {
    let data = source["image_url"]
        .as_str()
        .and_then(|url| url.strip_prefix("data:")?.split_once(";base64,"));
    let problem =
        "needs an image_url that is a data URL, the demo downloads nothing and keeps no files";
    let (_, data) = data.ok_or_else(|| DemoReply::refused(param, problem))?;
    STANDARD.decode(data).map_err(|_| DemoReply::refused(param, "contains invalid base64"))
}

/// Refuses what is not a picture by its first bytes, none at all, and too many.
fn check(sources: &[&[u8]], masks: &[&[u8]], param: &str) -> Result<(), DemoReply> {
    if sources.is_empty() {
        return Err(DemoReply::missing(param));
    }
    if sources.len() > MAX_SOURCE_PICTURES {
        let count = sources.len();
        let problem =
            format_args!("has {count} pictures, at most {MAX_SOURCE_PICTURES} can be edited");
        return Err(DemoReply::refused(param, problem));
    }
    for (data, param) in
        sources.iter().map(|data| (data, param)).chain(masks.iter().map(|data| (data, "mask")))
    {
        if !is_picture(data) {
            let message = format!("'{param}' is no PNG, JPEG or WebP picture");
            return Err(DemoReply::error(400, message, Some(param), Some("invalid_image_file")));
        }
    }
    Ok(())
}

fn is_picture(data: &[u8]) -> bool {
    use FileFormat::{Jpeg, Png, WebP};
    matches!(media::format_of(data), Some(Png | Jpeg | WebP))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp() -> Stamp {
        Stamp { number: 1, created: 1_700_000_000, base: "http://127.0.0.1:9/v1".to_owned() }
    }

    fn document(result: Result<DemoReply, DemoReply>) -> Value {
        result.unwrap_or_else(|refusal| refusal).into_json()
    }

    fn png_of(entry: &Value) -> Vec<u8> {
        STANDARD.decode(entry["b64_json"].as_str().expect("base64")).expect("base64")
    }

    #[test]
    fn pictures_are_real_and_differ() {
        let made =
            document(generate(&json!({"prompt": "一只猫", "n": 2, "size": "40x30"}), &stamp()));
        assert_eq!((&made["size"], &made["output_format"]), (&json!("40x30"), &json!("png")));
        let (first, second) = (png_of(&made["data"][0]), png_of(&made["data"][1]));
        let (width, height, _) = picture::decoded(&first);
        assert_eq!((width, height), (40, 30));
        assert_ne!(first, second);
        let again = document(generate(&json!({"prompt": "一只猫", "size": "40x30"}), &stamp()));
        assert_eq!(png_of(&again["data"][0]), first);
        let usual = document(generate(&json!({"prompt": "狗", "size": "auto"}), &stamp()));
        assert_eq!(usual["size"], "256x256");
        assert!(
            usual["data"][0]["revised_prompt"]
                .as_str()
                .is_some_and(|prompt| prompt.contains("no model: 狗"))
        );
    }

    #[test]
    fn an_address_leads_to_the_same_picture() {
        let body =
            |format: &str| json!({"prompt": "猫", "size": "32x16", "response_format": format});
        let url = document(generate(&body("url"), &stamp()))["data"][0]["url"]
            .as_str()
            .expect("a url")
            .to_owned();
        let name = url.strip_prefix("http://127.0.0.1:9/v1/demo/images/").expect("this server's");
        let reply = file(name).unwrap_or_else(|refusal| refusal);
        assert_eq!(reply.content_type, "image/png");
        let inline = document(generate(&body("b64_json"), &stamp()));
        assert_eq!(reply.into_bytes(), png_of(&inline["data"][0]));
        for wrong in ["", "x.png", "8x8-0.png", "32x16-g.png", "9999x16-0.png"] {
            assert_eq!(file(wrong).err().map(|reply| reply.status), Some(404), "{wrong}");
        }
    }

    #[test]
    fn edits_need_a_real_picture() {
        let png = picture::png(16, 16, 3);
        let part = |name: &str, data: &'static [u8]| {
            let file_name = (name != "prompt").then(|| "图.png".to_owned());
            FormField { name: name.to_owned(), file_name, data }
        };
        let prompt = || part("prompt", "变蓝".as_bytes());
        let image = FormField {
            name: "image[]".to_owned(),
            file_name: Some("图.png".to_owned()),
            data: &png,
        };
        let edited = document(edit_form(&[prompt(), image], &stamp()));
        picture::decoded(&png_of(&edited["data"][0]));
        let data_url = format!("data:image/png;base64,{}", STANDARD.encode(&png));
        let body = json!({"prompt": "变蓝", "images": [{"image_url": data_url}]});
        assert_eq!(document(edit_json(&body, &stamp()))["data"], edited["data"]);
        let param = |parts: &[FormField<'_>]| {
            document(edit_form(parts, &stamp()))["error"]["param"].clone()
        };
        assert_eq!(param(&[prompt()]), "image");
        assert_eq!(param(&[prompt(), part("image", b"GIF89a")]), "image");
        assert_eq!(
            param(&[prompt(), part("image", b"\xFF\xD8\xFF\xE0"), part("mask", b"")]),
            "mask"
        );
        assert_eq!(param(&[part("image", b"\xFF\xD8\xFF\xE0")]), "prompt");
        let remote =
            json!({"prompt": "变蓝", "images": [{"image_url": "https://example.com/a.png"}]});
        assert_eq!(document(edit_json(&remote, &stamp()))["error"]["param"], "images");
    }

    #[test]
    fn fields_of_the_wrong_kind_are_refused() {
        let param = |fields: Value| document(generate(&fields, &stamp()))["error"]["param"].clone();
        assert_eq!(param(json!({})), "prompt");
        assert_eq!(param(json!({"prompt": ""})), "prompt");
        assert_eq!(param(json!({"prompt": "猫", "size": "15x16"})), "size");
        assert_eq!(param(json!({"prompt": "猫", "size": "2049x16"})), "size");
        assert_eq!(param(json!({"prompt": "猫", "size": "large"})), "size");
        assert_eq!(param(json!({"prompt": "猫", "n": 11})), "n");
        assert_eq!(param(json!({"prompt": "猫", "output_format": "webp"})), "output_format");
        assert_eq!(param(json!({"prompt": "猫", "response_format": "png"})), "response_format");
    }
}
