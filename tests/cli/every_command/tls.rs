//! TLS: the way to every service that is not on this machine.

use crate::every_command::faults::subjects;
use crate::support::{Door, Llm, Outcome, Reply, Server, Step, Tls, chat_events, llm};

/// The program at a door of TLS that it trusts.
fn trusting(tls: &Tls) -> Llm {
    let (url, authority) = (tls.url(), Tls::authority());
    let models = r#"{ transcribe = "m", embed = "m" }"#;
    llm().env("TEST_KEY", "sk-geheim-0001").config(&format!(
        "[providers.test]\nbase_url = \"{url}\"\nmodel = \"m\"\nmodels = {models}\n\
         api_key_env = \"TEST_KEY\"\nca_file = \"{}\"\n",
        authority.display()
    ))
}

#[test]
fn an_answer_comes_through_tls() {
    let server = Server::start([Reply::chat(&["早", "上好"])]);
    let tls = Tls::in_front_of(&server);
    trusting(&tls).args(["chat", "你好"]).run().code(0).stdout("早上好\n").stderr_empty();
    let request = server.request();
    assert_eq!(request.path, "/v1/chat/completions");
    assert_eq!(request.header("authorization"), Some("Bearer sk-geheim-0001"));
    assert_eq!(request.header("user-agent"), Some(concat!("llm/", env!("CARGO_PKG_VERSION"))));
}

#[test]
fn an_upload_goes_through_tls() {
    let server = Server::start([Reply::json(200, serde_json::json!({"text": "你好"}))]);
    let tls = Tls::in_front_of(&server);
    let sound = subjects::sound().repeat(20);
    let run = trusting(&tls).file("a.wav", &sound).args(["transcribe", "a.wav"]).run();
    run.code(0).stdout("你好\n").stderr_empty();
    let parts = server.request().parts();
    assert!(parts.iter().any(|part| part.bytes == sound), "the file arrived whole");
}

#[test]
fn what_came_before_a_break_is_printed() {
    let mut bytes = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n".to_vec();
    for data in &chat_events(&["半句"])[..2] {
        bytes.extend(format!("data: {data}\n\n").bytes());
    }
    let steps = vec![Step::Write(bytes), Step::Close];
    let server = Server::start([Reply::raw(steps)]);
    let tls = Tls::in_front_of(&server);
    let run = trusting(&tls).args(["chat", "你好"]).run();
    run.code(6).stdout("半句\n").stderr_has("ended early");
}

#[test]
fn a_stranger_is_not_trusted() {
    let server = Server::start([]);
    let tls = Tls::in_front_of(&server);
    let run = llm().profile_at(&tls.url()).args(["chat", "你好"]).run();
    run.code(6).stdout_empty().stderr_has("nobody known to this machine signed it");
    run.stderr_has("hint: ").stderr_has("`ca_file`").stderr_has("SSL_CERT_FILE");
    assert_eq!(run.stderr_lines().len(), 2, "not tried again: {run}");
}

/// A door with this certificate.
fn door(certificate: &'static str) -> Door {
    Door { certificate, ..Door::USUAL }
}

/// A question at a door, with these lines in the profile and these variables.
fn asked(url: &str, lines: &str, variables: &[(&str, &str)], args: &[&str]) -> Outcome {
    let profile = format!("[providers.test]\nbase_url = \"{url}\"\nmodel = \"m\"\n{lines}\n");
    let llm =
        variables.iter().fold(llm().config(&profile), |llm, (name, value)| llm.env(name, value));
    let folder = llm.config_file().parent().expect("it is in a folder").to_owned();
    for name in ["self.pem", "client.pem", "client.key"] {
        std::fs::copy(Tls::file(name), folder.join(name)).expect("copied");
    }
    llm.args(["chat", "你好"]).args(args).run()
}

#[test]
fn a_certificate_that_signed_itself_is_trusted_where_the_user_names_it() {
    for certificate in ["self", "nameless"] {
        let path = Tls::file(&format!("{certificate}.pem"));
        let path = path.to_str().expect("UTF-8");
        let field = format!("ca_file = \"{path}\"");
        for (lines, variables) in [(field.as_str(), vec![]), ("", vec![("SSL_CERT_FILE", path)])] {
            let server = Server::start([Reply::chat(&["好"])]);
            let tls = Tls::with(door(certificate), &server);
            let run = asked(&tls.url(), lines, &variables, &[]);
            run.code(0).stdout("好\n").stderr_empty();
            let elsewhere = format!("https://127.0.0.1:{}/v1", tls.port());
            let run = asked(&elsewhere, lines, &variables, &[]);
            run.code(6).stdout_empty().stderr_has("it is made out to another name");
            let run = asked(&tls.url(), "", &[], &[]);
            run.code(6)
                .stdout_empty()
                .stderr_has("it signed itself, and this machine does not know it");
            run.stderr_has("`ca_file`").stderr_has("SSL_CERT_FILE").stderr_lacks("CaUsed");
        }
    }
    let server = Server::start([]);
    let tls = Tls::with(door("expired"), &server);
    let path = Tls::file("expired.pem");
    let run = asked(&tls.url(), "", &[("SSL_CERT_FILE", path.to_str().expect("UTF-8"))], &[]);
    run.code(6).stdout_empty().stderr_has("it has expired");
}

#[test]
fn a_relative_path_counts_from_the_file_of_the_profile() {
    let server = Server::start([Reply::chat(&["好"])]);
    let tls = Tls::with(door("self"), &server);
    asked(&tls.url(), "ca_file = \"self.pem\"", &[], &[]).code(0).stdout("好\n").stderr_empty();
}

#[test]
fn a_file_of_certificates_that_is_of_no_use_is_said_before_anything_is_sent() {
    let server = Server::start([]);
    let tls = Tls::in_front_of(&server);
    let missing = "names a file that can't be read: ";
    let empty = "names a file without a certificate (PEM): ";
    for (path, words) in [("/no/where.pem", missing), ("/dev/null", empty)] {
        let run = asked(&tls.url(), "", &[("SSL_CERT_FILE", path)], &[]);
        run.code(2).stdout_empty().stderr_has(&format!("llm: SSL_CERT_FILE {words}{path}"));
        let run = asked(&tls.url(), &format!("ca_file = \"{path}\""), &[], &[]);
        run.code(2).stdout_empty().stderr_has(&format!("llm: the `ca_file` of test {words}{path}"));
        let run = asked(&tls.url(), &format!("client_cert_file = \"{path}\""), &[], &[]);
        run.code(2).stdout_empty();
        run.stderr_has(&format!("llm: the `client_cert_file` of test {words}{path}"));
    }
    let run = asked(&tls.url(), "client_key_file = \"client.key\"", &[], &[]);
    run.code(2)
        .stderr_has("the `client_key_file` of test names a key, but there is no certificate");
    let run = asked(&tls.url(), "client_cert_file = \"client.pem\"", &[], &[]);
    run.code(2)
        .stderr_has("the `client_cert_file` of test names a file without a private key (PEM)");
    let other = Tls::file("server.key");
    let lines =
        format!("client_cert_file = \"client.pem\"\nclient_key_file = \"{}\"", other.display());
    let run = asked(&tls.url(), &lines, &[], &[]);
    run.code(2).stderr_has("the private key of the `client_key_file` of test belongs to another");
    // A variable that is set to nothing is not set.
    let run = asked(&tls.url(), "", &[("SSL_CERT_FILE", ""), ("SSL_CERT_DIR", "")], &[]);
    run.code(6).stderr_has("nobody known to this machine signed it");
}

#[test]
fn without_the_check_a_warning_is_given_every_time() {
    const WARNING: &str = "llm: warning: no certificate is checked (--insecure)";
    for certificate in ["self", "expired", "server"] {
        for flag in ["-k", "--insecure"] {
            let server = Server::start([Reply::chat(&["好"])]);
            let tls = Tls::with(door(certificate), &server);
            let url = format!("https://127.0.0.1:{}/v1", tls.port());
            asked(&url, "", &[], &[flag]).code(0).stdout("好\n").stderr_has(WARNING);
        }
    }
    let run = asked("https://localhost/v1", "insecure = true", &[], &[]);
    run.code(2).stderr_has("unknown field `insecure`");
}

#[test]
fn a_client_certificate_is_shown_to_the_service_that_asks_for_one() {
    static OLD: &[&rustls::SupportedProtocolVersion] = &[&rustls::version::TLS12];
    let authority = format!("ca_file = \"{}\"\n", Tls::authority().display());
    for versions in [rustls::ALL_VERSIONS, OLD] {
        let server = Server::start([Reply::chat(&["好"])]);
        let tls = Tls::with(Door { asks: true, versions, ..Door::USUAL }, &server);
        let pair = "client_cert_file = \"client.pem\"\nclient_key_file = \"client.key\"";
        asked(&tls.url(), &(authority.clone() + pair), &[], &[])
            .code(0)
            .stdout("好\n")
            .stderr_empty();
        let run = asked(&tls.url(), &authority, &[], &[]);
        run.code(6).stdout_empty();
        run.stderr_has("the server asks for a client's certificate, and there is none");
        run.stderr_has("hint: name it in `client_cert_file`");
        assert_eq!(run.stderr_lines().len(), 2, "not tried again: {run}");
        let file = |name: &str| Tls::file(name).display().to_string();
        let other = format!(
            "client_cert_file = \"{}\"\nclient_key_file = \"{}\"",
            file("self.pem"),
            file("self.key")
        );
        let run = asked(&tls.url(), &(authority.clone() + &other), &[], &[]);
        run.code(6)
            .stdout_empty()
            .stderr_has("the server does not accept the client's certificate");
        assert_eq!(run.stderr_lines().len(), 2, "not tried again: {run}");
    }
}

#[test]
fn certificate_and_key_may_be_in_one_file_and_named_by_variables() {
    let server = Server::start([Reply::chat(&["好"]), Reply::chat(&["好"])]);
    let tls = Tls::with(Door { asks: true, ..Door::USUAL }, &server);
    let both =
        ["client.key", "client.pem"].map(|name| std::fs::read(Tls::file(name)).expect("there"));
    let authority = Tls::authority();
    let file = |name: &str| Tls::file(name).display().to_string();
    let url = tls.url();
    let lines = format!("ca_file = \"{}\"\nmodel = \"m\"", authority.display());
    let config = format!(
        "[providers.test]\nbase_url = \"{url}\"\n{lines}\nclient_cert_file = \"~/both.pem\"\n"
    );
    let run = llm().config(&config);
    std::fs::write(run.folder("home").join("both.pem"), both.concat()).expect("written");
    run.args(["chat", "你好"]).run().code(0).stdout("好\n").stderr_empty();
    let config = format!("[providers.openai]\n{lines}\n");
    let run =
        llm().config(&config).env("OPENAI_API_KEY", "sk-geheim-0001").env("OPENAI_BASE_URL", &url);
    let run = run
        .env("OPENAI_MTLS_CLIENT_CERT_FILE", file("client.pem"))
        .env("OPENAI_MTLS_CLIENT_KEY_FILE", file("client.key"));
    let run = run.args(["chat", "你好"]);
    run.run().code(0).stdout("好\n").stderr_empty();
    let run = run.env("OPENAI_MTLS_CLIENT_CERT_FILE", "/no/where.pem").run();
    run.code(2)
        .stderr_has("OPENAI_MTLS_CLIENT_CERT_FILE names a file that can't be read: /no/where.pem");
}

#[test]
fn a_wrong_scheme_is_told() {
    let server = Server::start([]);
    let tls = Tls::in_front_of(&server);
    let url = format!("http://localhost:{}/v1", tls.port());
    let run = asked(&url, "", &[], &[]);
    run.code(6).stdout_empty().stderr_has("it speaks TLS there").stderr_has("`https://`");
    assert_eq!(run.stderr_lines().len(), 2, "not tried again: {run}");
    for words in [
        "<html><head><title>400 The plain HTTP request was sent to HTTPS port</title></head></html>",
        "Client sent an HTTP request to an HTTPS server.\n",
        "Reason: You're speaking plain HTTP to an SSL-enabled server port.",
    ] {
        let server = Server::start([Reply::text(400, words)]);
        asked(&server.url(), "", &[], &[]).code(4).stdout_empty().stderr_has("`https://` meant?");
    }
    for reply in ["HTTP/1.1 400 Bad Request\r\n\r\n", ""] {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("bound").port();
        std::thread::spawn(move || {
            use std::io::{Read as _, Write as _};
            for mut stream in listener.incoming().flatten() {
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(reply.as_bytes());
            }
        });
        let run = asked(&format!("https://localhost:{port}/v1"), "", &[], &["--retries", "0"]);
        run.code(6).stdout_empty().stderr_has("is `http://` meant?");
    }
}
