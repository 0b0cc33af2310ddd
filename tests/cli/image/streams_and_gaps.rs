//! `llm image` where pictures come as a stream, where one of several is missing, and in rarer formats.

use serde_json::{Value, json};

use crate::image::samples::{body, image, inline, png, reply};
use crate::support::{Reply, Server, in_terminal};

/// An event stream of these events.
fn stream(events: &[Value]) -> Reply {
    let events: Vec<String> = events.iter().map(Value::to_string).collect();
    Reply::sse(&events)
}

fn event(kind: &str, picture: &[u8]) -> Value {
    let mut event = inline(picture);
    event["type"] = kind.into();
    event
}

#[test]
fn the_last_picture_of_a_stream_is_written() {
    for job in ["image_generation", "image_edit"] {
        let server = Server::start([stream(&[
            event(&format!("{job}.partial_image"), &png("half")),
            event(&format!("{job}.completed"), &png("whole")),
        ])]);
        let run = image(&server)
            .args(["猫", "-o", "猫.png", "-O", "stream=true", "-O", "partial_images=1"])
            .run();
        run.code(0).stdout("猫.png\n").stderr_empty();
        assert_eq!(run.read("猫.png"), png("whole"));
        assert_eq!(run.names(), ["猫.png"]);
        assert_eq!(server.request().json()["stream"], true);
    }
}

#[test]
fn errors_in_a_stream_are_told() {
    let half = || event("image_generation.partial_image", &png("half"));
    let error = json!({"type": "error", "error": {"message": "blocked", "code": 400}});
    let server = Server::start([stream(&[half(), error])]);
    let run = image(&server).args(["猫", "-o", "猫.png"]).run();
    run.code(4).stdout_empty().stderr_has("blocked");
    assert!(run.names().is_empty());
    let server = Server::start([stream(&[half()])]);
    let run = image(&server).args(["猫", "-o", "猫.png", "--retries", "0"]).run();
    run.code(6).stdout_empty().stderr_has("ended early");
    assert!(run.names().is_empty());
}

#[test]
fn a_picture_that_is_missing_leaves_its_number_free() {
    let gap = json!({"error": {"message": "blocked"}});
    let replies = [
        Reply::json(200, body([inline(&png("1")), gap.clone(), inline(&png("3"))])),
        stream(&[
            json!({"type": "image_generation.partial_failed", "image_index": 1, "error": {"message": "blocked"}}),
            json!({"type": "image_generation.partial_succeeded", "image_index": 2, "b64_json": inline(&png("3"))["b64_json"]}),
            json!({"type": "image_generation.partial_succeeded", "image_index": 0, "b64_json": inline(&png("1"))["b64_json"]}),
            json!({"type": "image_generation.completed"}),
        ]),
    ];
    for reply in replies {
        let server = Server::start([reply]);
        let run = image(&server).args(["-n", "3", "猫", "-o", "猫.png"]).run();
        run.code(4).stdout("猫-1.png\n猫-3.png\n").stderr_has("blocked");
        assert_eq!(run.names(), ["猫-1.png", "猫-3.png"]);
        assert_eq!(run.read("猫-3.png"), png("3"));
    }
    // The first one too, and where nobody gave a name.
    let server = Server::start([Reply::json(200, body([gap, inline(&png("2"))]))]);
    let run = image(&server).args(["-n", "2", "猫", "-o", "猫.png"]).run();
    run.code(4).stdout("猫-2.png\n");
    assert_eq!((run.names(), run.read("猫-2.png")), (vec!["猫-2.png".to_owned()], png("2")));
}

#[test]
fn svg_and_gif_can_be_asked_for() {
    let svg =
        b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\"/>";
    let server = Server::start([reply(&[svg.to_vec()])]);
    let run = image(&server).args(["猫", "-o", "猫.svg"]).run();
    run.code(0).stdout("猫.svg\n").stderr_empty();
    assert_eq!(run.read("猫.svg"), svg);
    assert_eq!(server.request().json()["output_format"], "svg");
    let server = Server::start([reply(&[b"GIF89a...".to_vec()])]);
    image(&server).args(["猫", "-o", "猫.gif", "--format", "gif"]).run().code(0).stderr_empty();
    assert_eq!(server.request().json()["output_format"], "gif");
    // An error page of XML is no picture.
    let xml =
        b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>AccessDenied</Code></Error>";
    let server = Server::start([reply(&[xml.to_vec()])]);
    let run = image(&server).args(["猫", "-o", "猫.svg"]).run();
    run.code(4).stderr_has("is not a picture");
}

#[test]
fn words_are_passed_on_as_they_are_typed() {
    for (args, field, value) in [
        (["--size", "2K"], "size", "2K"),
        (["--size", "16:9"], "size", "16:9"),
        (["--size", "landscape_4_3"], "size", "landscape_4_3"),
        (["--size", "16×9"], "size", "16x9"),
        (["--quality", "HD"], "quality", "HD"),
    ] {
        let server = Server::start([reply(&[png("猫")])]);
        image(&server).args(["猫", "-o", "猫.png"]).args(args).run().code(0);
        assert_eq!(server.request().json()[field], value);
    }
    image(&Server::start([])).args(["猫", "--size", "5x"]).run().code(2);
}

#[test]
fn a_refused_value_is_met_with_those_that_would_do() {
    let words = "Invalid value: 'HD'. Supported values are: 'low', 'medium', 'high', and 'auto'.";
    let error = json!({"error": {"message": words, "param": "quality", "code": "invalid_value"}});
    let server = Server::start([Reply::json(400, error)]);
    let run = image(&server).args(["猫", "-o", "猫.png", "--quality", "HD"]).run();
    run.code(4).stderr_has("hint: `--quality` sets `quality`; it takes low, medium, high, auto\n");
}

#[test]
fn an_address_that_has_expired_is_told() {
    for (status, words) in [
        (403, "AuthenticationFailed"),
        (404, "BlobNotFound"),
        (410, "gone"),
        (400, "Request has expired"),
    ] {
        let pictures = Server::start([Reply::text(status, words)]);
        let address = format!("{}/a.png?se=2026", pictures.origin());
        let server = Server::start([Reply::json(200, json!({"data": [{"url": address}]}))]);
        let run = image(&server).args(["猫", "-o", "猫.png"]).run();
        run.code(4).stdout_empty().stderr_has("hint: such an address expires");
    }
}

#[test]
fn an_unfinished_picture_is_drawn_while_the_rest_comes() {
    // A picture of one pixel.
    const PIXEL: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    let server = Server::new()
        .reply(stream(&[
            json!({"type": "image_generation.partial_image", "b64_json": PIXEL}),
            json!({"type": "image_generation.completed", "b64_json": PIXEL}),
        ]))
        .allow_unused()
        .start();
    let llm = image(&server).args(["猫", "-o", "猫.png", "--show"]).env("KITTY_WINDOW_ID", "1");
    let Some(shown) = in_terminal(&llm) else { return };
    assert_eq!(shown.matches("\u{1b}_Gf=100,a=T").count(), 2, "{shown:?}");
}
