//! Proxies: which one is asked, in which of its languages, and whose fault a failure is.

use crate::support::{Kind, Llm, Outcome, Proxy, Reply, Server, Tls, llm};

/// A question to a service at `url`, with the certificates of the tests trusted.
fn asking(url: &str) -> Llm {
    let authority = Tls::authority();
    llm()
        .config(&format!("[providers.test]\nbase_url = \"{url}\"\nmodel = \"m\"\n"))
        .env("SSL_CERT_FILE", authority)
        .args(["chat", "你好"])
}

/// A host that only a proxy knows, with TLS (`localhost` in its certificate) or without.
const PLAIN: &str = "http://service.invalid:8080/v1";

fn check_one_line(run: &Outcome) {
    let lines = run.stderr_lines();
    let is_ours = lines.iter().all(|line| line.starts_with("llm: ") || line.starts_with("hint: "));
    assert!(is_ours && lines.len() <= 2, "{run}");
    for word in ["geheim", "Error", "::", "os error", "hyper"] {
        run.stderr_lacks(word);
    }
}

#[test]
fn socks_leads_there_in_all_its_versions() {
    for (scheme, kind, asked) in [
        ("socks4a", Kind::Socks4, "@service.invalid:8080"),
        ("socks5", Kind::Socks5(None), "10.1.2.3:8080"),
        ("socks5h", Kind::Socks5(None), "service.invalid:8080"),
        ("socks", Kind::Socks5(None), "service.invalid:8080"),
        ("socks5h", Kind::Socks5(Some(("li", "g@heim"))), "service.invalid:8080"),
        ("socks4", Kind::Socks4, "@10.1.2.3:8080"),
    ] {
        let url = match asked.contains("10.1.2.3") {
            true => "http://10.1.2.3:8080/v1",
            false => PLAIN,
        };
        for variable in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
            let server = Server::start([Reply::chat(&["好"])]);
            let proxy = Proxy::start(kind.clone(), server.port());
            let user = match kind {
                Kind::Socks5(None) => "",
                _ => "li:g%40heim@",
            };
            let address = format!("{scheme}://{user}{}", proxy.address());
            let run = asking(url).env(variable, &address).run();
            run.code(0).stdout("好\n").stderr_empty();
            assert_eq!(proxy.asked(), [asked], "{scheme} {variable}");
            let request = server.request();
            assert_eq!(request.path, "/v1/chat/completions", "{scheme}");
            assert_eq!(request.header("proxy-authorization"), None);
        }
    }
}

#[test]
fn tls_goes_through_every_kind_of_proxy() {
    let authority = Tls::authority();
    for (scheme, kind) in [
        ("http", Kind::Http),
        ("socks4a", Kind::Socks4),
        ("socks5", Kind::Socks5(None)),
        ("socks5h", Kind::Socks5(None)),
    ] {
        let server = Server::start([Reply::chat(&["好"])]);
        let tls = Tls::in_front_of(&server);
        let proxy = Proxy::start(kind, tls.port());
        // A proxy of the profile is asked for this machine, too.
        let config = format!(
            "[providers.test]\nbase_url = \"https://localhost/v1\"\nmodel = \"m\"\n\
             proxy = \"{scheme}://{}\"\nca_file = \"{}\"\n",
            proxy.address(),
            authority.display()
        );
        let run = llm().config(&config).args(["chat", "你好"]).run();
        run.code(0).stdout("好\n").stderr_empty();
        assert_eq!(proxy.asked().len(), 1, "{scheme}");
    }
}

#[test]
fn a_proxy_that_is_spoken_to_over_tls_works() {
    let server = Server::start([Reply::chat(&["好"])]);
    let tls = Tls::in_front_of(&server);
    let address = format!("https://li:g%40heim@localhost:{}", tls.port());
    asking(PLAIN).env("http_proxy", address).run().code(0).stdout("好\n").stderr_empty();
    let request = server.request();
    assert_eq!(request.path, "http://service.invalid:8080/v1/chat/completions");
    assert_eq!(request.header("proxy-authorization"), Some("Basic bGk6Z0BoZWlt"));
}

#[test]
fn a_user_of_the_proxy_is_told_to_it_alone() {
    let server = Server::start([Reply::chat(&["好"])]);
    let tls = Tls::in_front_of(&server);
    let proxy = Proxy::start(Kind::Http, tls.port());
    let config = format!(
        "[providers.test]\nbase_url = \"https://localhost/v1\"\nmodel = \"m\"\n\
         proxy = \"http://li:g%40heim@{}\"\nca_file = \"{}\"\n",
        proxy.address(),
        Tls::authority().display()
    );
    let run = llm().config(&config).args(["chat", "-v", "你好"]).run();
    run.code(0).stdout("好\n").stderr_lacks("heim");
    let asked = proxy.asked().remove(0);
    assert!(
        asked.starts_with("CONNECT localhost:443 HTTP/1.1\r\nHost: localhost:443\r\n"),
        "{asked}"
    );
    assert!(
        asked.to_lowercase().contains("proxy-authorization: basic bgk6z0bozwlt\r\n"),
        "{asked}"
    );
    assert_eq!(server.request().header("proxy-authorization"), None);
}

#[test]
fn a_kind_of_proxy_that_is_not_spoken_is_said_before_anything_is_sent() {
    for (text, words) in [
        ("ftp://li:geheim@h:1", "names a proxy of the kind `ftp`"),
        ("socks6://h:1", "names a proxy of the kind `socks6`"),
        ("http://", "is no address of a proxy"),
        ("http://li:geheim@h:99999", "is no address of a proxy"),
    ] {
        let run = asking(PLAIN).env("ALL_PROXY", text).run();
        run.code(2).stdout_empty().stderr_has(&format!("llm: ALL_PROXY {words}"));
        run.stderr_has("hint: http, https, socks4, socks4a, socks5 and socks5h work");
        check_one_line(&run);
        let config = format!(
            "[providers.test]\nbase_url = \"{PLAIN}\"\nmodel = \"m\"\nproxy = \"{text}\"\n"
        );
        let run = llm().config(&config).args(["chat", "你好"]).run();
        run.code(2).stdout_empty().stderr_has(&format!("llm: the `proxy` of test {words}"));
        check_one_line(&run);
    }
}

#[test]
fn a_dead_proxy_is_told_as_the_proxy() {
    let refusing = Server::refusing();
    let address = format!("127.0.0.1:{}", refusing.port());
    for scheme in ["http", "socks4a", "socks5h"] {
        for url in [PLAIN, "https://service.invalid/v1"] {
            let proxy = format!("{scheme}://li:geheim@{address}");
            let run = asking(url).env("ALL_PROXY", proxy).args(["--retries", "0"]).run();
            run.code(6).stdout_empty();
            let words = if scheme == "http" { "connection refused" } else { "it can't be reached" };
            run.stderr_has(&format!("the proxy {scheme}://{address} (ALL_PROXY): {words}"));
            run.stderr_has("NO_PROXY=service.invalid");
            check_one_line(&run);
        }
    }
    let run = asking(PLAIN).env("http_proxy", "http://proxy.invalid:3128").args(["--retries", "0"]);
    let run = run.run();
    run.code(6)
        .stderr_has("the proxy http://proxy.invalid:3128 (http_proxy): the name was not found");
    let config = format!(
        "[providers.test]\nbase_url = \"{PLAIN}\"\nmodel = \"m\"\nproxy = \"http://{address}\"\n"
    );
    let run = llm().config(&config).args(["chat", "--retries", "0", "你好"]).run();
    run.code(6).stderr_has("(the `proxy` of test): connection refused").stderr_lacks("NO_PROXY");
    check_one_line(&run);
}

#[test]
fn what_a_proxy_answers_is_told_as_its_own() {
    let page = "<html><head><title>Zugriff verweigert</title></head><body>geheim</body></html>";
    let http = |status: &str, body: &str| {
        format!("HTTP/1.1 {status}\r\nContent-Type: text/html\r\n\r\n{body}")
    };
    for (scheme, answer, words) in [
        (
            "http",
            http("407 Proxy Authentication Required", page),
            "it refuses the user and the password",
        ),
        ("http", http("403 Forbidden", page), "it does not connect"),
        ("http", http("502 Bad Gateway", ""), "it does not connect"),
        (
            "http",
            http("200", "")[..12].to_owned(),
            "it closed the connection instead of making one",
        ),
        ("http", "\u{5}\u{1}garbage".to_owned(), "it does not connect"),
        ("http", String::new(), "it closed the connection instead of making one"),
        ("socks5h", "HTTP/1.1 400 Bad Request\r\n\r\n".to_owned(), "what it answers is no SOCKS"),
        ("socks5h", String::new(), "it closed the connection instead of making one"),
        (
            "socks5h",
            "\u{5}\u{0}\u{5}\u{2}\u{0}\u{1}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}".to_owned(),
            "it does not connect: its rules do not allow it",
        ),
        (
            "socks5h",
            "\u{5}\u{0}\u{5}\u{5}\u{0}\u{1}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}".to_owned(),
            "it does not connect: connection refused",
        ),
        ("socks5h", "\u{5}\u{2}\u{1}\u{1}".to_owned(), "it refuses the user and the password"),
        (
            "socks4a",
            "\u{0}\u{5b}\u{0}\u{0}\u{0}\u{0}\u{0}\u{0}".to_owned(),
            "it does not connect: it failed",
        ),
        ("socks4a", "HTTP/1.1 400".to_owned(), "what it answers is no SOCKS"),
    ] {
        // A proxy that asks for nobody, where SOCKS 5 asks in the first answer.
        let user = if answer.starts_with("\u{5}\u{0}") { "" } else { "li:geheim@" };
        let proxy = Proxy::start(Kind::Says(answer.into_bytes()), 1);
        let place = format!("the proxy {scheme}://{} (https_proxy): ", proxy.address());
        let address = format!("{scheme}://{user}{}", proxy.address());
        let run = asking("https://service.invalid/v1").env("https_proxy", address);
        let run = run.args(["--retries", "0"]).run();
        run.code(6).stdout_empty().stderr_has(&(place + words)).stderr_has("hint: ");
        check_one_line(&run);
    }
}

#[test]
fn a_refusal_that_will_not_change_is_met_once() {
    let proxy = Proxy::start(Kind::Says(b"HTTP/1.1 407 Nein\r\n\r\n".to_vec()), 1);
    let run = asking("https://service.invalid/v1").env("HTTPS_PROXY", proxy.address()).run();
    run.code(6).stdout_empty().stderr_has("it asks for a user and a password (407)");
    run.stderr_has("hint: write them into HTTPS_PROXY: http://USER:PASSWORD@HOST:PORT");
    check_one_line(&run);
}

#[test]
fn what_a_proxy_says_in_the_service_s_place_is_told() {
    let page = "<html><head><title>Anmeldung im WLAN</title></head></html>";
    for (reply, code, words) in [
        (
            Reply::html(407, page),
            4,
            "the proxy http://{} (http_proxy): it asks for a user and a password (407)",
        ),
        (
            Reply::html(502, page),
            6,
            "Anmeldung im WLAN (a page, perhaps of the proxy http://{} (http_proxy))",
        ),
        (Reply::html(200, page), 4, "hint: it may be a page of the proxy http://{} (http_proxy)"),
    ] {
        let server = Server::start([reply]);
        let address = format!("127.0.0.1:{}", server.port());
        let run = asking(PLAIN).env("http_proxy", format!("http://{address}"));
        let run = run.args(["--retries", "0"]).run();
        run.code(code).stdout_empty().stderr_has(&words.replace("{}", &address));
        check_one_line(&run);
    }
}

#[test]
fn some_hosts_are_reached_without_the_proxy() {
    let refusing = Server::refusing();
    let dead = format!("http://127.0.0.1:{}", refusing.port());
    // This machine needs no entry.
    let server = Server::start([Reply::chat(&["好"])]);
    asking(&server.url()).env("ALL_PROXY", &dead).run().code(0).stdout("好\n").stderr_empty();
    for name in ["NO_PROXY", "no_proxy"] {
        for (list, is_listed) in [
            ("service.invalid", true),
            (".invalid", true),
            ("x.example, invalid", true),
            ("*", true),
            ("ervice.invalid", false),
            ("service.invalid:80", false),
        ] {
            let run = asking(PLAIN).env("ALL_PROXY", &dead).env(name, list);
            let run = run.args(["--retries", "0"]).run();
            let words = if is_listed { "the name was not found" } else { "(ALL_PROXY)" };
            run.code(6).stdout_empty().stderr_has(words);
        }
    }
}
