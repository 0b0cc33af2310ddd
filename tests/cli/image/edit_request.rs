//! What `llm image -f` sends: a form with the pictures in it.

use crate::image::samples::{image, jpeg, png, reply};
use crate::support::{Part, Server};

/// The parts that go out, for a run in a folder with some pictures.
fn sent(args: &[&str], stdin: Option<Vec<u8>>) -> Vec<Part> {
    let server = Server::start([reply(&[png("neu")])]);
    let mut llm = image(&server)
        .file("猫\"1\n.png", png("一"))
        .file("foto.txt", jpeg("二"))
        .file("maske.png", png("三"));
    if let Some(bytes) = stdin {
        llm = llm.stdin(bytes);
    }
    let run = llm.args(args).run();
    run.code(0).stdout_bytes(&png("neu")).stderr_empty();
    let request = server.request();
    assert_eq!((&*request.method, &*request.path), ("POST", "/v1/images/edits"));
    assert!(request.header("content-length").is_some());
    request.parts()
}

fn text(name: &str, value: &str) -> Part {
    let bytes = value.as_bytes().to_vec();
    Part { name: name.to_owned(), filename: None, content_type: None, bytes }
}

fn file(name: &str, filename: &str, content_type: &str, bytes: Vec<u8>) -> Part {
    let (filename, content_type) = (Some(filename.to_owned()), Some(content_type.to_owned()));
    Part { name: name.to_owned(), filename, content_type, bytes }
}

#[test]
fn one_picture_is_image_with_its_real_type() {
    let parts = sent(&["-f", "foto.txt", "变蓝"], None);
    assert_eq!(
        parts,
        [
            text("model", "maler"),
            text("prompt", "变蓝"),
            text("response_format", "b64_json"),
            file("image", "foto.txt", "image/jpeg", jpeg("二")),
        ]
    );
}

#[test]
fn several_pictures_are_a_list_and_a_mask_comes_last() {
    let args = ["-f", "猫\"1\n.png", "-f", "foto.txt", "--mask", "maske.png", "--quality", "low"];
    let more = ["-O", "n=1", "-O", "tags=[\"a\",2]", "-O", "o.k=true", "变蓝"];
    let parts = sent(&[args.as_slice(), &more].concat(), None);
    assert_eq!(
        parts,
        [
            text("model", "maler"),
            text("prompt", "变蓝"),
            text("response_format", "b64_json"),
            text("quality", "low"),
            text("n", "1"),
            text("tags[]", "a"),
            text("tags[]", "2"),
            text("o[k]", "true"),
            file("image[]", "猫%221%0A.png", "image/png", png("一")),
            file("image[]", "foto.txt", "image/jpeg", jpeg("二")),
            file("mask", "maske.png", "image/png", png("三")),
        ]
    );
}

#[test]
fn standard_input_can_be_the_picture() {
    let parts = sent(&["-f", "-", "变蓝"], Some(jpeg("管")));
    assert_eq!(parts[1], text("prompt", "变蓝"));
    assert_eq!(parts[3], file("image", "stdin.jpg", "image/jpeg", jpeg("管")));
}

#[test]
fn a_refused_upload_is_sent_again_whole() {
    use crate::support::Reply;
    let server = Server::start([
        Reply::text(503, "busy").header("retry-after-ms", "1"),
        reply(&[png("neu")]),
    ]);
    let run =
        image(&server).file("a.png", png("一")).args(["-f", "a.png", "变蓝", "-o", "b.png"]).run();
    run.code(0).stdout("b.png\n").stderr_has("trying again");
    for request in server.requests() {
        assert_eq!(request.parts()[4], file("image", "a.png", "image/png", png("一")));
    }
}

#[test]
fn a_dry_run_names_the_files() {
    let server = Server::start([]);
    let run =
        image(&server).file("a.png", png("一")).args(["--dry-run", "-f", "a.png", "变蓝"]).run();
    run.code(0).stdout_has(r#"-F 'image=@"a.png";filename="a.png";type=image/png'"#);
    run.stdout_has("--form-string 'prompt=变蓝'");
}
