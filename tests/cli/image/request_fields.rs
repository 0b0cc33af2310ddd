//! What `llm image` sends for a new picture.

use serde_json::{Value, json};

use crate::image::samples::{image, png, reply};
use crate::support::{Llm, Reply, Server, llm};

/// The body that goes out for these arguments.
fn sent(args: &[&str]) -> Value {
    sent_by(|llm| llm.args(args))
}

fn sent_by(command: impl FnOnce(Llm) -> Llm) -> Value {
    let server = Server::start([reply(&[png("a"), png("b")])]);
    let run = command(image(&server)).run();
    run.code(0);
    let request = server.request();
    assert_eq!((&*request.method, &*request.path), ("POST", "/v1/images/generations"));
    assert_eq!(request.header("authorization"), Some("Bearer sk-geheim-123456"));
    assert_eq!(request.header("x-team"), Some("rot"));
    request.json()
}

#[test]
fn a_plain_prompt_asks_for_the_picture_itself() {
    let expected = json!({"model": "maler", "prompt": "一只 猫", "response_format": "b64_json"});
    assert_eq!(sent(&["一只", "猫"]), expected);
}

#[test]
fn every_flag_has_its_field() {
    for (args, fields) in [
        (&["-n", "2", "-o", "x"][..], json!({"n": 2})),
        (&["--size", "1024x768"], json!({"size": "1024x768"})),
        (&["--size", "auto"], json!({"size": "auto"})),
        (&["--quality", "high"], json!({"quality": "high"})),
        (&["--background", "transparent"], json!({"background": "transparent"})),
        (&["--format", "jpeg"], json!({"output_format": "jpeg"})),
        (&["--format", "jpg", "-o", "x.jpeg"], json!({"output_format": "jpeg"})),
        (&["-o", "猫.webp"], json!({"output_format": "webp"})),
        (&["-o", "cat.JPG"], json!({"output_format": "jpeg"})),
        (&["-o", "cat.gif"], json!({"output_format": "gif"})),
        (&["-o", "cat.bmp"], json!({})),
        (
            &["-O", "seed=7", "-O", "response_format=url"],
            json!({"seed": 7, "response_format": "url"}),
        ),
        (&["-m", "andere"], json!({"model": "andere"})),
    ] {
        let mut expected = json!({"model": "maler", "prompt": "猫", "response_format": "b64_json"});
        let object = expected.as_object_mut().expect("an object");
        object.extend(fields.as_object().expect("an object").clone());
        let body = sent(&[args, &["猫"]].concat());
        assert_eq!(body, expected, "{args:?}");
    }
}

#[test]
fn a_pipe_stands_before_the_prompt() {
    assert_eq!(sent_by(|llm| llm.stdin("海上\n").arg("风筝"))["prompt"], "海上\n\n风筝");
    assert_eq!(sent_by(|llm| llm.stdin("海上\n"))["prompt"], "海上");
    assert_eq!(sent_by(|llm| llm.stdin("x").args(["--no-stdin", "风筝"]))["prompt"], "风筝");
}

#[test]
fn rules_rename_and_drop() {
    let server = Server::start([reply(&[png("a")])]);
    let url = server.url();
    let llm = llm().config(&format!("[providers.openai]\nbase_url = \"{url}\"\napi_key = \"k\"\n"));
    let run = llm.watch(&server).args(["image", "-p", "openai", "-m", "gpt-image-2", "猫"]).run();
    run.code(0).stderr_empty().stdout_bytes(&png("a"));
    assert_eq!(server.request().json(), json!({"model": "gpt-image-2", "prompt": "猫"}));
}

#[test]
fn siliconflow_has_its_own_names_and_list() {
    let pictures = ["/1.png", "/2.png"].map(|url| json!({"url": url}));
    let server = Server::start([
        Reply::json(200, json!({"images": pictures, "data": []})),
        Reply::bytes(200, "image/png", png("1")),
        Reply::bytes(200, "image/png", png("2")),
    ]);
    let url = server.url();
    let config = format!("[providers.siliconflow]\nbase_url = \"{url}\"\napi_key = \"k\"\n");
    let args = ["image", "-p", "siliconflow", "-n", "2", "--size", "1024x1024", "-o", "x", "猫"];
    let run = llm().config(&config).watch(&server).args(args).run();
    run.code(0).stdout("x-1\nx-2\n").stderr_empty();
    assert_eq!(run.read("x-2"), png("2"));
    let body = json!({
        "model": "Qwen/Qwen-Image", "prompt": "猫", "batch_size": 2, "image_size": "1024x1024",
    });
    assert_eq!(server.requests()[0].json(), body);
}

#[test]
fn a_field_of_our_own_that_is_refused_is_left_out() {
    let refused = json!({"error": {"message": "Unknown parameter: 'response_format'.", "param": "response_format"}});
    let server = Server::start([Reply::json(400, refused.clone()), reply(&[png("a")])]);
    let run = image(&server).args(["-q", "猫"]).run();
    run.code(0).stdout_bytes(&png("a")).stderr_empty();
    let requests = server.requests();
    assert_eq!(requests[1].json(), json!({"model": "maler", "prompt": "猫"}));
    let server = Server::start([Reply::json(400, refused)]);
    let run = image(&server).args(["-O", "response_format=url", "猫"]).run();
    run.code(4).stderr_has("Unknown parameter").stdout_empty();
}

#[test]
fn a_dry_run_sends_nothing_and_hides_the_key() {
    let server = Server::start([]);
    let run = image(&server).args(["--dry-run", "-n", "3", "--size", "512x512", "猫's"]).run();
    run.code(0).stderr_empty().stdout_has("/v1/images/generations").stdout_has(r#""n":3"#);
    assert!(!run.stdout_text().contains("geheim"));
}

#[test]
fn wrong_usage_is_said_before_anything_is_sent() {
    for (args, words) in [
        (&["--size", "5x", "猫"][..], "write WIDTHxHEIGHT"),
        (&["-n", "0", "猫"], "0 is not in 1.."),
        (&["--format", "bmp", "猫"], "invalid value 'bmp'"),
        (&["--max-bytes", "0", "猫"], "--max-bytes"),
        (&["--mask", "m.png", "猫"], "--file"),
        (
            &["--format", "png", "-o", "猫.jpg", "x"],
            "--format png contradicts the ending of 猫.jpg",
        ),
        (&["--json", "-o", "猫.png", "x"], "--json writes no picture"),
        (&["-n", "2", "猫"], "2 pictures can't go to standard output"),
        (&["-n", "2", "-o", "-", "猫"], "2 pictures can't go to standard output"),
        (&["-O", "n=2", "猫"], "2 pictures can't go to standard output"),
        (&[], "there is no prompt and no input"),
        (&["-f", "fehlt.png", "猫"], "cannot read fehlt.png: no such file or directory"),
        (&["-f", ".", "猫"], "it is a directory"),
        (&["-f", "leer.png", "猫"], "leer.png is empty"),
        (&["-f", "text.png", "猫"], "text.png is not a picture"),
        (
            &["-f", "h.jpg", "猫"],
            "h.jpg is a HEIC picture, and png, jpeg, webp, gif or avif is needed",
        ),
        (&["-f", "h.jpg", "猫"], "hint: `magick h.jpg picture.png` converts it"),
        (&["-f", "-", "-f", "-", "猫"], "standard input"),
    ] {
        let server = Server::start([]);
        let llm = image(&server)
            .file("leer.png", "")
            .file("text.png", "kein Bild")
            .file("h.jpg", b"\0\0\0\x1cftypheic\0\0\0\0mif1heic")
            .file("m.png", png(""));
        let run = llm.args(args).run();
        run.code(2).stdout_empty().stderr_has(words);
        assert!(run.stderr_lines().len() <= 2, "{run}");
    }
    let far = "[providers.test]\nbase_url = \"http://llm.invalid/v1\"\n";
    let run = llm().config(far).args(["image", "猫"]).run();
    run.code(2).stderr_has("no model is set for pictures at test").stderr_has("-m MODEL");
}
