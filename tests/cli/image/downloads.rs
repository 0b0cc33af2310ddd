//! Pictures that a service gives as an address: fetched without anything of the profile.

use serde_json::json;

use crate::image::samples::{addresses, body, image, inline, jpeg, png};
use crate::support::{Recorded, Reply, Server};

fn picture(bytes: Vec<u8>) -> Reply {
    Reply::bytes(200, "application/octet-stream", bytes)
}

/// Fails if the request carries anything of the profile or the user.
fn assert_bare(request: &Recorded) {
    assert_eq!(request.method, "GET");
    for name in ["authorization", "x-team", "x-eigen", "cookie", "referer", "content-type"] {
        assert_eq!(request.header(name), None, "{request}");
    }
    assert!(!request.to_string().contains("geheim"), "{request}");
}

#[test]
fn an_address_is_fetched_without_the_key() {
    let store = Server::start([picture(jpeg("猫"))]);
    let url = format!("{}/bilder/1?sig=abc", store.origin());
    let server = Server::start([addresses(&[&url])]);
    let run = image(&server).args(["-H", "X-Eigen: 1", "猫", "-o", "猫.jpg"]).run();
    run.code(0).stdout("猫.jpg\n").stderr_empty();
    assert_eq!(run.read("猫.jpg"), jpeg("猫"));
    let request = store.request();
    assert_eq!(request.path, "/bilder/1?sig=abc");
    assert_bare(&request);
}

#[test]
fn even_the_services_own_host_gets_no_key_for_a_relative_address() {
    let server = Server::start([addresses(&["/generated-images/b.png"]), picture(png("b"))]);
    image(&server).args(["猫"]).run().code(0).stdout_bytes(&png("b")).stderr_empty();
    let requests = server.requests();
    assert_eq!(requests[1].path, "/generated-images/b.png");
    assert_bare(&requests[1]);
}

#[test]
fn redirects_are_followed_up_to_a_limit() {
    let store = Server::start([picture(png("b"))]);
    let target = format!("{}/b", store.origin());
    let server =
        Server::start([addresses(&["/a"]), Reply::text(302, "").header("location", &target)]);
    image(&server).arg("猫").run().code(0).stdout_bytes(&png("b"));
    assert_bare(&store.request());
    let endless = Reply::text(302, "").header("location", "/a").repeat();
    let server = Server::new().reply(addresses(&["/a"])).reply(endless).start();
    let run = image(&server).args(["猫", "-o", "a.png"]).run();
    run.code(4).stdout_empty().stderr_has("redirects too many times");
    assert_eq!(run.names(), [""; 0]);
    let file = Reply::text(302, "").header("location", "file:///etc/passwd");
    let server = Server::start([addresses(&["/a"]), file]);
    image(&server).arg("猫").run().code(4).stdout_empty().stderr_has("not followed");
}

#[test]
fn what_cannot_be_fetched_leaves_nothing() {
    let gone = || Reply::text(404, "NoSuchKey");
    for (reply, code, words) in [
        (gone(), 4, "the picture can't be fetched from http://"),
        (Reply::text(403, "expired"), 4, "(403): expired"),
        (Reply::text(500, "oops"), 6, "(500): oops"),
        (Reply::bytes(200, "image/png", ""), 4, "the picture that came has 0 bytes"),
        (
            Reply::html(200, "<html>\n<title>登录"),
            4,
            "is not a picture; it begins `<html> <title>登录`",
        ),
        (Reply::bytes(200, "image/png", png("ab")).content_length(500), 6, "broke off"),
    ] {
        let server = Server::start([addresses(&["/a.png"]), reply]);
        let llm = image(&server).file("a.png", "alt");
        let run = llm.args(["--retries", "0", "猫", "-o", "a.png"]).run();
        run.code(code).stdout_empty().stderr_has(words).stderr_lacks("/v1`");
        assert_eq!((run.names(), run.read("a.png")), (vec!["a.png".to_owned()], b"alt".to_vec()));
    }
    for address in ["file:///etc/passwd", "gopher://a/"] {
        let server = Server::start([addresses(&[address])]);
        image(&server).arg("猫").run().code(4).stdout_empty().stderr_has("can't be fetched");
    }
}

#[test]
fn a_download_is_tried_again() {
    let server = Server::start([
        addresses(&["/a.png"]),
        Reply::bytes(200, "image/png", png("halb")).content_length(500),
        Reply::text(503, "busy").header("retry-after-ms", "1"),
        picture(png("ganz")),
    ]);
    let run = image(&server).args(["猫", "-o", "a.png"]).run();
    run.code(0).stdout("a.png\n").stderr_has("trying again");
    assert_eq!((run.names(), run.read("a.png")), (vec!["a.png".to_owned()], png("ganz")));
}

#[test]
fn a_download_has_a_limit() {
    let large = png(&"x".repeat(1000));
    let chunked = Reply::chunks("image/png", large.chunks(100).map(<[u8]>::to_vec));
    for reply in [picture(large.clone()), chunked.keep_alive(false)] {
        let server = Server::start([addresses(&["/a.png"]), reply]);
        let run = image(&server).args(["--max-bytes", "999", "猫", "-o", "a.png"]).run();
        run.code(4).stdout_empty().stderr_has("the picture is larger than 999 bytes");
        run.stderr_has("hint: --max-bytes N allows more");
        assert_eq!(run.names(), [""; 0]);
    }
    let server = Server::start([addresses(&["/a.png"]), picture(large.clone())]);
    let limit = large.len().to_string();
    image(&server).args(["--max-bytes", &limit, "猫"]).run().code(0).stdout_bytes(&large);
}

#[test]
fn one_that_fails_does_not_stop_the_others() {
    let server = Server::start([
        addresses(&["/a", "/b", "/c"]),
        picture(png("a")),
        Reply::text(404, "gone"),
        picture(png("c")),
    ]);
    let run = image(&server).args(["-n", "3", "猫", "-o", "x.png"]).run();
    run.code(4).stdout("x-1.png\nx-3.png\n").stderr_has("picture 2 of 3 can't be fetched");
    assert_eq!(run.names(), ["x-1.png", "x-3.png"]);
}

#[test]
fn a_data_url_is_a_picture_too() {
    let text = inline(&png("猫"))["b64_json"].as_str().expect("text").to_owned();
    for entry in [
        json!({"url": format!("data:image/png;base64,{text}")}),
        json!({"b64_json": format!("data:image/png;base64,{text}")}),
        json!(text),
    ] {
        let server = Server::start([Reply::json(200, body([entry]))]);
        image(&server).arg("猫").run().code(0).stdout_bytes(&png("猫")).stderr_empty();
    }
}
