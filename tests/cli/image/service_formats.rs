//! Services whose pictures are asked for in a shape of their own: the request that goes out for each job,
//! and what becomes of the reply. The profiles are the built-in ones, at another host.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::image::samples::{image_at, jpeg, png};
use crate::support::{Llm, Recorded, Reply, Server, llm};

/// A built-in profile at this server, with a key.
pub(crate) fn service(name: &str, base: &str, server: &Server) -> Llm {
    let url = format!("{}{base}", server.origin());
    let text =
        format!("[providers.{name}]\nbase_url = \"{url}\"\napi_key = \"sk-geheim-123456\"\n");
    llm().config(&text).watch(server).env("LLM_PROVIDER", name)
}

/// Where the services have their base, behind the host.
pub(crate) fn base(name: &str) -> &'static str {
    match name.trim_end_matches("-intl") {
        "dashscope" => "/compatible-mode/v1",
        "gemini" => "/v1beta/openai",
        "openrouter" => "/api/v1",
        _ => "/v1",
    }
}

/// The reply of a service as it is in `tests/shapes`, with addresses at this server and pictures in it.
fn sample(name: &str, store: &str) -> Reply {
    let path = format!("{}/tests/shapes/pictures/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).expect("the sample is there");
    let text = text.replace("{store}", store).replace("{1}", &STANDARD.encode(png("一")));
    Reply::bytes(200, "application/json", text)
}

fn url(picture: &[u8], kind: &str) -> String {
    format!("data:image/{kind};base64,{}", STANDARD.encode(picture))
}

/// The request that goes out for these arguments of `llm image`, and the picture that comes back.
#[track_caller]
fn asked(name: &str, reply: &str, args: &[&str]) -> Recorded {
    let store =
        Server::start(vec![Reply::bytes(200, "image/png", png("一")); downloads(reply, args)]);
    let server = Server::start([sample(reply, &store.origin())]);
    let llm = service(name, base(name), &server).file("a.png", png("甲")).file("b.jpg", jpeg("乙"));
    let run = llm.args(["image", "-o", "猫.png"]).args(args).run();
    run.code(0).stderr_lacks("refuse");
    assert!(run.names().iter().any(|name| name.starts_with('猫')));
    for request in store.requests() {
        assert!(!request.to_string().contains("geheim"), "{request}");
    }
    let request = server.request();
    assert_eq!(request.method, "POST");
    assert_eq!(request.header("content-type"), Some("application/json"));
    request
}

/// How many addresses of a sample are asked: as many as it has, but no more than `-n` says.
fn downloads(sample: &str, args: &[&str]) -> usize {
    let number = args.iter().skip_while(|arg| **arg != "-n").nth(1);
    let number = number.and_then(|number| number.parse().ok()).unwrap_or(1);
    match sample {
        "gemini" | "openrouter" => 0,
        "dashscope" => number.min(2),
        _ => 1,
    }
}

#[test]
fn a_picture_is_asked_for_as_each_service_wants_it() {
    for (name, reply, args, path, body) in [
        (
            "dashscope",
            "dashscope",
            &["-n", "2", "--size", "1024x768", "一只猫"][..],
            "/api/v1/services/aigc/multimodal-generation/generation",
            json!({
                "model": "qwen-image-2.0-pro",
                "input": {"messages": [{"role": "user", "content": [{"text": "一只猫"}]}]},
                "parameters": {"n": 2, "size": "1024*768"},
            }),
        ),
        (
            "dashscope-intl",
            "dashscope",
            &["-m", "z-image-turbo", "-O", "parameters.prompt_extend=false", "-O", "x=1", "一只猫"],
            "/api/v1/services/aigc/multimodal-generation/generation",
            json!({
                "model": "z-image-turbo",
                "input": {"messages": [{"role": "user", "content": [{"text": "一只猫"}]}]},
                "parameters": {"prompt_extend": false},
                "x": 1,
            }),
        ),
        (
            "together",
            "together",
            &["--size", "1024x768", "-n", "1", "一只猫"],
            "/v1/images/generations",
            json!({
                "model": "black-forest-labs/FLUX.1-schnell", "prompt": "一只猫", "n": 1,
                "response_format": "base64", "output_format": "png", "width": 1024, "height": 768,
            }),
        ),
    ] {
        let request = asked(name, reply, args);
        assert_eq!(request.path, path, "{name}");
        assert_eq!(request.json(), body, "{name}");
        assert_eq!(request.header("authorization"), Some("Bearer sk-geheim-123456"), "{name}");
    }
}

/// One picture with the prompt `变蓝`: service, path, header of the key, body.
fn edits() -> Vec<(&'static str, &'static str, &'static str, Value)> {
    let picture = url(&png("甲"), "png");
    vec![
        (
            "dashscope",
            "/api/v1/services/aigc/multimodal-generation/generation",
            "authorization",
            json!({
                "model": "qwen-image-2.0-pro",
                "input": {"messages": [
                    {"role": "user", "content": [{"image": picture}, {"text": "变蓝"}]},
                ]},
            }),
        ),
        (
            "gemini",
            "/v1beta/models/gemini-nano-banana-2.1:generateContent",
            "x-goog-api-key",
            json!({"contents": [{"parts": [
                {"inlineData": {"mimeType": "image/png", "data": STANDARD.encode(png("甲"))}},
                {"text": "变蓝"},
            ]}]}),
        ),
        (
            "xai",
            "/v1/images/edits",
            "authorization",
            json!({
                "model": "grok-imagine-image-2.0", "prompt": "变蓝", "response_format": "b64_json",
                "image": {"type": "image_url", "url": picture},
            }),
        ),
        (
            "openrouter",
            "/api/v1/images",
            "authorization",
            json!({
                "model": "openai/gpt-image-2", "prompt": "变蓝", "output_format": "png",
                "input_references": [{"type": "image_url", "image_url": {"url": picture}}],
            }),
        ),
        (
            "siliconflow",
            "/v1/images/generations",
            "authorization",
            json!({
                "model": "Qwen/Qwen-Image-Edit-2509", "prompt": "变蓝", "output_format": "png",
                "image": picture,
            }),
        ),
        (
            "together",
            "/v1/images/generations",
            "authorization",
            json!({
                "model": "black-forest-labs/FLUX.1-kontext-pro", "prompt": "变蓝",
                "response_format": "base64", "output_format": "png", "image_url": picture,
            }),
        ),
    ]
}

#[test]
fn an_edit_is_asked_for_as_each_service_wants_it() {
    for (name, path, header, body) in edits() {
        let request = asked(name, name, &["-f", "a.png", "变蓝"]);
        assert_eq!(request.path, path, "{name}");
        assert_eq!(request.json(), body, "{name}");
        let scheme = if header == "authorization" { "Bearer " } else { "" };
        let key = format!("{scheme}sk-geheim-123456");
        assert_eq!(request.header(header), Some(&*key), "{name}");
        let others: Vec<&str> = ["authorization", "x-goog-api-key", "api-key"]
            .into_iter()
            .filter(|other| *other != header && request.header(other).is_some())
            .collect();
        assert!(others.is_empty(), "{name} gets the key twice: {others:?}");
    }
}

#[test]
fn several_pictures_are_a_list_where_the_service_takes_one() {
    let both = ["-f", "a.png", "-f", "b.jpg", "变蓝"];
    let (a, b) = (url(&png("甲"), "png"), url(&jpeg("乙"), "jpeg"));
    let body = asked("xai", "xai", &both).json();
    let expected = json!([{"type": "image_url", "url": a}, {"type": "image_url", "url": b}]);
    assert_eq!((&body["images"], body.get("image")), (&expected, None));
    let body = asked("dashscope", "dashscope", &both).json();
    let expected = json!([{"image": a}, {"image": b}, {"text": "变蓝"}]);
    assert_eq!(body["input"]["messages"][0]["content"], expected);
    let body = asked("gemini", "gemini", &both).json();
    let parts = body["contents"][0]["parts"].as_array().map(Vec::len);
    assert_eq!(parts, Some(3));
    for (name, args, words) in [
        ("siliconflow", &both[..], "siliconflow edits one picture at a time, not 2"),
        ("xai", &["-f", "a.png", "--mask", "a.png", "x"], "xai takes no mask"),
    ] {
        let server = Server::start([]);
        let llm =
            service(name, base(name), &server).file("a.png", png("甲")).file("b.jpg", jpeg("乙"));
        llm.arg("image").args(args).run().code(2).stdout_empty().stderr_has(words);
        assert!(server.requests().is_empty());
    }
}

#[test]
fn what_a_service_has_no_place_for_is_said() {
    for (name, args, words) in [
        ("gemini", &["-f", "a.png", "-n", "2", "--size", "1x1"][..], &["`n`", "`size`"][..]),
        ("dashscope", &["--quality", "high"], &["`quality`", "know no such thing"]),
        ("xai", &["-f", "a.png", "--size", "1x1"], &["`size`", "aspect_ratio"]),
    ] {
        let server = Server::start([]);
        let llm = service(name, base(name), &server).file("a.png", png("甲"));
        let run = llm.args(["image", "--dry-run"]).args(args).arg("猫").run();
        run.code(0).stdout_has("curl");
        for word in words {
            run.stderr_has(word);
        }
        run.stderr_lacks("response_format");
    }
}

#[test]
fn a_finished_task_is_read_and_a_refusal_keeps_its_words() {
    asked("dashscope", "dashscope-task", &["猫"]);
    for (status, body, code, words) in [
        (
            200,
            json!({"code": "DataInspectionFailed", "message": "内容不合规", "request_id": "r9"}),
            4,
            "内容不合规",
        ),
        (
            401,
            json!({"code": "InvalidApiKey", "message": "密钥无效", "request_id": "r9"}),
            3,
            "密钥无效",
        ),
        (
            200,
            json!({"output": {"choices": [{"finish_reason": "stop", "message": {"content": [{"text": "画不了"}]}}]}}),
            4,
            "画不了",
        ),
    ] {
        let server = Server::start([Reply::json(status, body)]);
        let run = service("dashscope", base("dashscope"), &server)
            .args(["image", "-o", "a.png", "猫"])
            .run();
        run.code(code).stdout_empty().stderr_has(words);
    }
    let held =
        json!({"candidates": [{"finishReason": "IMAGE_SAFETY", "index": 0}], "usageMetadata": {}});
    let server = Server::start([Reply::json(200, held)]);
    let llm = service("gemini", base("gemini"), &server).file("a.png", png("甲"));
    llm.args(["image", "-f", "a.png", "变蓝"]).run().code(4).stderr_has("IMAGE_SAFETY");
}

#[test]
fn a_dry_run_shows_the_shape_and_json_the_reply() {
    let server = Server::start([]);
    let llm = service("gemini", base("gemini"), &server).file("a.png", png("甲"));
    let run = llm.args(["image", "--dry-run", "-f", "a.png", "变蓝"]).run();
    run.code(0).stderr_empty().stdout_has("gemini-nano-banana-2.1:generateContent");
    run.stdout_has("-H \"x-goog-api-key: $LLM_API_KEY\"").stdout_has(&STANDARD.encode(png("甲")));
    let large = png(&"甲".repeat(100_000));
    let llm = service("gemini", base("gemini"), &server).file("大 图.png", &large);
    let run = llm.args(["image", "--dry-run", "-f", "大 图.png", "变蓝"]).run();
    run.code(0).stdout_has("base64 < '大 图.png'").stdout_has("--data-binary @-");
    let reply = r#"{"output": {"choices":[{"message":{"content":[{"image":"http://x.example/1.png"}]}}]} }"#;
    let server = Server::start([Reply::bytes(200, "application/json", reply)]);
    let run =
        service("dashscope", base("dashscope"), &server).args(["image", "--json", "猫"]).run();
    run.code(0).stdout(reply).stderr_empty();
}

#[test]
fn a_service_of_ones_own_needs_no_more_than_a_template() {
    let server = Server::start([Reply::json(200, json!({"images": [STANDARD.encode(png("一"))]}))]);
    let url = server.url();
    let text = format!(
        "[providers.eigen]\nbase_url = \"{url}\"\nmodels = {{ image = \"maler\" }}\n\
         paths = {{ image = \"/draw/{{model}}\" }}\n\
         bodies.image = {{ text = \"画：$prompt\", opts = {{ count = \"$n\" }}, more = \"$rest\" }}\n"
    );
    let llm = image_at(&url).config(&text).watch(&server);
    llm.args(["-n", "1", "猫"]).run().code(0).stdout_bytes(&png("一")).stderr_empty();
    let request = server.request();
    assert_eq!(request.path, "/v1/draw/maler");
    let body =
        json!({"text": "画：猫", "opts": {"count": 1}, "more": {"response_format": "b64_json"}});
    assert_eq!(request.json(), body);
}
