//! `--dry-run`: what the printed command says of the way to the server, and that curl takes that way.
#![cfg(unix)]

use crate::support::{Kind, Llm, Proxy, Reply, Server, llm, program};

fn dry(lines: &str) -> Llm {
    let config = format!(
        "[providers.x]\nbase_url = \"https://h.example/v1\"\nmodel = \"m\"\napi_key = \"sk-geheim1\"\n{lines}\n"
    );
    llm().config(&config).args(["chat", "hi", "--dry-run"])
}

#[test]
fn certificates_are_named() {
    let run = dry("").arg("-k").run();
    run.code(0).stdout_has("curl -sN -k 'https://h.example/v1/chat/completions' ");
    let lines = "ca_file = \"/c/ca.pem\"\nclient_cert_file = \"/c/me:1.pem\"\nclient_key_file = \"/c/it's.key\"";
    let run = dry(lines).run();
    run.code(0).stderr_empty().stdout_has(
        "curl -sN --cacert '/c/ca.pem' --cert '/c/me\\:1.pem' --key '/c/it'\\''s.key' 'https://h.example/v1/",
    );
}

#[test]
fn the_proxy_of_a_profile_is_named_without_its_password() {
    let run = dry("proxy = \"socks://li:ge%40heim@127.0.0.1\"").env("NO_PROXY", "h.example").run();
    run.code(0).stderr_empty().stdout_has(
        "curl -sN --proxy 'socks5h://127.0.0.1:1080' --proxy-user \"$PROXY_CREDENTIALS\" --noproxy '' 'https://",
    );
    run.stdout_has("\"Authorization: Bearer $LLM_API_KEY\"");
    assert!(!run.stdout_text().contains("heim"), "{run}");
    let run = dry("proxy = \"ftp://127.0.0.1\"").run();
    run.code(2).stdout_empty().stderr_has("the `proxy` of x names a proxy of the kind `ftp`");
}

/// What curl reads by itself needs no flag; what it reads otherwise than we do does.
#[test]
fn proxies_of_the_environment_are_left_to_curl() {
    let run = dry("").env("HTTPS_PROXY", "http://li:geheim@127.0.0.1:81").run();
    run.code(0).stdout_has("curl -sN 'https://");
    let at = |url: &str| llm().args(["chat", "hi", "-m", "m", "--dry-run", "--base-url", url]);
    let run = at("http://h.example/v1").env("HTTP_PROXY", "http://127.0.0.1:81").run();
    run.code(0).stdout_has("curl -sN --proxy \"$HTTP_PROXY\" 'http://h.example");
    let run = at("http://127.0.0.1:1/v1").env("ALL_PROXY", "http://127.0.0.1:81").run();
    run.code(0).stdout_has("curl -sN --noproxy '*' 'http://127.0.0.1:1");
}

#[test]
fn curl_takes_the_way_of_a_proxy_with_a_password() {
    let server = Server::always(Reply::chat(&["好"]));
    let port: u16 = server
        .url()
        .trim_end_matches("/v1")
        .rsplit(':')
        .next()
        .and_then(|port| port.parse().ok())
        .expect("a port");
    let proxy = Proxy::start(Kind::Socks5(Some(("li", "geheim"))), port);
    let config = format!(
        "[providers.x]\nbase_url = \"http://h.example/v1\"\nmodel = \"m\"\nproxy = \"socks5h://li:geheim@{}\"\n",
        proxy.address()
    );
    let dry = llm().config(&config).args(["chat", "hi", "--dry-run"]).run();
    dry.code(0).stderr_empty();
    if program("sh").args(["-c", "command -v curl"]).run().code != Some(0) {
        return;
    }
    let shell = program("sh").args(["-c", &dry.stdout_text()]);
    shell.env("PROXY_CREDENTIALS", "li:geheim").watch(&server).run().code(0).stdout_has("好");
    assert_eq!(proxy.asked(), ["h.example:80"]);
}
