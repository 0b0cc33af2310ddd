//! `llm chat -f URL`: fetched without anything of the profile, then treated by its content. And large
//! attachments: the memory that they take, and the command that a dry run shows for them.

use serde_json::json;

use crate::chat::attachments::PNG;
use crate::support::{Llm, Reply, Server, llm, program};

const KEY: &str = "sk-geheim-0123456789";

fn page(content_type: &str, bytes: &[u8]) -> Reply {
    Reply::bytes(200, content_type, bytes)
}

/// A run with a key and a secret header, that must stay with the service.
fn with_key(server: &Server) -> Llm {
    let profile = format!(
        "[providers.x]\nbase_url = \"{}\"\nmodel = \"m\"\napi_key = \"{KEY}\"\nheaders = {{ X-Api-Key = \"{KEY}\" }}\n",
        server.url()
    );
    llm().watch(server).config(&profile).arg("chat")
}

#[test]
fn an_address_is_fetched_without_the_key() {
    let service = Server::start([Reply::chat(&["好"])]);
    let web = Server::start([page("text/plain", PNG), page("image/png", "正文\n".as_bytes())]);
    let picture = format!("{}/%E5%9B%BE.png?size=1", web.origin());
    let words = format!("{}/文", web.origin());
    let run = with_key(&service).args(["-H", &format!("X-Mine: {KEY}")]);
    run.args(["-f", &picture, "-f", &words, "看"]).run().code(0).stdout("好\n").stderr_empty();
    for request in web.requests() {
        assert_eq!(request.method, "GET");
        assert!(!request.to_string().contains(KEY), "{request}");
        assert_eq!(request.header("authorization"), None, "{request}");
    }
    assert_eq!(web.requests()[0].path, "/%E5%9B%BE.png?size=1");
    let content = service.request().json()["messages"][0]["content"].clone();
    let shown = format!("{}/%E6%96%87", web.origin());
    assert_eq!(content[0]["text"], json!(format!("{shown}:\n```\n正文\n```\n\n看")));
    assert_eq!(content[1]["image_url"]["url"], "data:image/png;base64,iVBORw0KGgoAAAANSUhEUg==");
}

#[test]
fn redirects_are_followed_a_few_times() {
    let service = Server::start([Reply::chat(&["好"])]);
    let target = Server::start([page("text/plain", b"there")]);
    let moved = |to: &str| Reply::bytes(302, "", "").header("location", to);
    let first = Server::start([moved("/b"), moved(&format!("{}/c", target.origin()))]);
    let run = with_key(&service).args(["-f", &format!("{}/a", first.origin()), "看"]).run();
    run.code(0);
    assert!(service.request().text().contains("there"));
    let circle = Server::new().reply(moved("/again").repeat()).allow_unused().start();
    let service = Server::start([]);
    let run = with_key(&service).args(["-f", &format!("{}/a", circle.origin()), "看"]).run();
    run.code(4).stderr_has("cannot fetch").stderr_has("redirects too many times");
    assert!(circle.requests().len() <= 10, "{run}");
}

#[test]
fn what_can_not_be_fetched_ends_as_elsewhere() {
    let service = Server::start([]);
    let failed = |web: &Server, code: i32, words: &[&str]| {
        let address = format!("{}/图.png?token={KEY}", web.origin());
        let run = with_key(&service).args(["-f", &address, "-o", "答.txt", "看"]);
        let run = run.args(["--retries", "0"]).run();
        run.code(code).stdout_empty();
        for word in words {
            run.stderr_has(word);
        }
        assert!(!run.stderr_text().contains(KEY), "{run}");
        assert_eq!(std::fs::read_dir(run.dir()).expect("a folder").count(), 0, "{run}");
    };
    let replies = |reply: Reply| Server::start([reply]);
    failed(&replies(Reply::text(404, "没有")), 4, &["cannot fetch http://", "(404)", "没有"]);
    failed(&replies(Reply::text(401, "no")), 4, &["cannot fetch"]);
    failed(&replies(Reply::text(503, "忙")), 6, &["cannot fetch", "(503)"]);
    failed(&replies(page("image/png", b"")), 2, &["is empty"]);
    failed(&replies(page("audio/flac", b"fLaC\0\0\0\x22")), 2, &["a FLAC recording"]);
    let nobody = format!("http://127.0.0.1:{}/a", Server::refusing().port());
    let run = with_key(&service).args(["-f", &nobody, "看", "--retries", "0"]).run();
    run.code(6).stderr_has("cannot fetch").stderr_has("connection refused");
}

#[test]
fn a_fetch_is_tried_again() {
    let service = Server::start([Reply::chat(&["好"])]);
    let web = Server::start([Reply::text(503, "忙"), page("text/plain", "文".as_bytes())]);
    let run = with_key(&service).args(["-f", &format!("{}/a", web.origin())]).run();
    run.code(0).stderr_has("trying again").stderr_has("cannot fetch");
    assert_eq!(
        service.request().json()["messages"][0]["content"],
        json!(format!("{}/a:\n```\n文\n```\n", web.origin()))
    );
}

#[test]
fn what_came_is_checked_against_the_service() {
    let service = Server::start([]);
    let web = Server::start([page("x/y", PNG)]);
    let profile = format!(
        "[providers.x]\nbase_url = \"{}\"\nmodel = \"m\"\ntakes_no = [\"image\"]\n",
        service.url()
    );
    let run =
        llm().config(&profile).args(["chat", "-f", &format!("{}/a", web.origin()), "看"]).run();
    run.code(2).stderr_has("a PNG picture, which x does not accept");
}

#[test]
fn a_dry_run_fetches_nothing() {
    let service = Server::start([]);
    let run = with_key(&service).args(["--dry-run", "-f", "http://127.0.0.1:9/a", "看"]).run();
    run.code(2).stdout_empty().stderr_has("a dry run fetches nothing");
}

/// The command that a dry run shows sends what the program sends, whatever the size.
#[cfg(unix)]
#[test]
fn a_dry_run_shows_a_command_that_sends_the_same() {
    let has_curl = program("sh").args(["-c", "command -v curl base64"]).run().code == Some(0);
    let mut large = PNG.to_vec();
    large.extend((0..300_000_u32).map(|at| (at % 253) as u8));
    for (bytes, start) in [(PNG.to_vec(), "curl "), (large, "{ printf")] {
        let server = Server::new().reply(Reply::chat(&["好"]).repeat()).allow_unused().start();
        let run = with_key(&server).file("它's 图.png", &bytes);
        for run in [
            run.clone().args(["-f", "它's 图.png", "it's 'x' %s \\n"]),
            run.clone().args(["-f", "-", "看"]).stdin(&bytes),
        ] {
            let before = server.requests().len();
            let dry = run.clone().arg("--dry-run").run();
            dry.code(0).stderr_empty();
            let text = dry.stdout_text();
            assert!(text.starts_with(start), "{}", &text[..200]);
            assert!(!text.contains(KEY));
            run.run().code(0);
            if has_curl {
                let folder = format!("cd '{}'\n{text}", run.dir().display());
                let script = program("sh").env("LLM_API_KEY", KEY).stdin(folder);
                script.run().code(0).stderr_empty();
                let requests = server.requests();
                assert!(requests[before].body == requests[before + 1].body, "the bodies differ");
            }
        }
    }
}
