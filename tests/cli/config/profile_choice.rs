//! Which profile a command uses, which of its layers a setting comes from, and where the request goes.

use crate::support::{Llm, Outcome, Recorded, Reply, Server, llm};

/// Three profiles at the server, each with its own name as the model, behind the first lines given.
fn three(server: &Server, first: &str) -> String {
    let url = server.url();
    let profile = |name: &str| {
        format!("[providers.{name}]\nbase_url = \"{url}\"\nmodel = \"model-of-{name}\"\n")
    };
    format!("{first}\n{}{}{}", profile("a"), profile("b"), profile("c"))
}

/// Asks, expects the answer and nothing else, and gives the request.
#[track_caller]
fn asked(run: &Llm, server: &Server) -> Recorded {
    let before = server.requests().len();
    run.run().code(0).stdout("好\n").stderr_empty();
    let mut requests = server.requests();
    assert_eq!(requests.len(), before + 1);
    requests.pop().expect("one came")
}

#[track_caller]
fn model(run: &Llm, server: &Server) -> String {
    asked(run, server).json()["model"].as_str().unwrap_or_default().to_owned()
}

/// Expects exit 2, a line of ours and a hint, nothing on standard output.
#[track_caller]
fn refused(run: &Llm) -> Outcome {
    let outcome = run.run();
    outcome.code(2).stdout_empty();
    let lines = outcome.stderr_lines();
    if lines.len() != 2 || !lines[0].starts_with("llm: ") || !lines[1].starts_with("hint: ") {
        outcome.fail("expected one line of ours and one hint");
    }
    outcome
}

#[test]
fn the_profile_is_chosen_in_the_documented_order() {
    let server = Server::always(Reply::chat(&["好"]));
    let openai =
        |run: Llm| run.env("OPENAI_API_KEY", "sk-openai-0001").env("OPENAI_BASE_URL", server.url());
    let run = || openai(llm().watch(&server)).args(["chat", "你好"]);
    let many = || run().config(&three(&server, "default = \"c\""));
    for flag in ["-p", "--provider", "--profile"] {
        let flagged = many().env("LLM_PROVIDER", "b").args([flag, "a"]);
        assert_eq!(model(&flagged, &server), "model-of-a", "{flag}");
    }
    assert_eq!(model(&many().env("LLM_PROVIDER", "b"), &server), "model-of-b");
    assert_eq!(model(&many(), &server), "model-of-c");
    assert_eq!(model(&run().profile(&server), &server), "test-model", "the file's only profile");
    for openai in [run(), run().config(&three(&server, ""))] {
        let request = asked(&openai, &server);
        assert_eq!(request.header("authorization"), Some("Bearer sk-openai-0001"));
        assert_eq!(request.path, "/v1/chat/completions");
    }
}

#[test]
fn with_nothing_to_go_by_the_choices_are_listed() {
    let none = refused(&llm().args(["chat", "你好"]));
    for name in ["openai", "ollama", "dashscope", "demo", "-p NAME", "LLM_PROVIDER"] {
        none.stderr_has(name);
    }
    let server = Server::always(Reply::chat(&["好"]));
    let several = refused(&llm().config(&three(&server, "")).args(["chat", "你好"]));
    several.stderr_has("a, b, c").stderr_has("default");
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn an_unknown_profile_is_met_with_the_nearest_and_the_users_own() {
    let server = Server::always(Reply::chat(&["好"]));
    let run = llm().config(&three(&server, "default = \"weg\"")).args(["chat", "你好"]);
    let typed = refused(&run.clone().args(["-p", "opnai"]));
    typed
        .stderr_has("`opnai`")
        .stderr_has("did you mean `openai`?")
        .stderr_has("profiles: a, b, c;");
    typed.stderr_has("`llm providers` lists all").stderr_lacks("siliconflow");
    refused(&run.clone().env("LLM_PROVIDER", "olama"))
        .stderr_has("LLM_PROVIDER")
        .stderr_has("`ollama`");
    let place = format!("{}:1", run.config_file().display());
    refused(&run).stderr_has("`weg`").stderr_has(&place);
    refused(&llm().args(["models", "-p", "没有"])).stderr_has("`没有`");
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn a_profile_of_the_user_overrides_the_built_in_one_field_by_field() {
    let server = Server::always(Reply::chat(&["好"]));
    let config = format!(
        "[providers.mistral]\nbase_url = \"{}\"\napi_key = \"sk-mistral-01\"\noptions = {{ top_p = 0.5 }}\n",
        server.url()
    );
    let run = llm().watch(&server).config(&config).args(["chat", "你好", "--seed", "7"]);
    let request = asked(&run, &server);
    let body = request.json();
    assert_eq!(body["model"], "mistral-small-latest", "the model is the built-in one");
    assert_eq!(body["random_seed"], 7, "the built-in rules hold");
    assert_eq!(body["top_p"], 0.5);
    assert_eq!(request.header("authorization"), Some("Bearer sk-mistral-01"));
    let with_model = format!("{config}model = \"老模型\"\n");
    assert_eq!(model(&run.config(&with_model), &server), "老模型");
}

#[test]
fn the_model_comes_from_the_highest_layer_that_names_one() {
    let server = Server::always(Reply::chat(&["好"]));
    let url = ("OPENAI_BASE_URL", server.url());
    let run = || {
        let run = llm().watch(&server).env(url.0, &url.1).env("OPENAI_API_KEY", "sk-openai-0001");
        run.args(["chat", "-p", "openai", "你好"])
    };
    let file = "[providers.openai]\nmodel = \"aus-der-datei\"\n";
    let all = || run().config(file).env("LLM_MODEL", "aus-der-umgebung");
    assert_eq!(model(&all().args(["-m", "vom-schalter"]), &server), "vom-schalter");
    assert_eq!(model(&all().args(["--model", "vom-schalter"]), &server), "vom-schalter");
    assert_eq!(model(&all(), &server), "aus-der-umgebung");
    assert_eq!(model(&run().config(file), &server), "aus-der-datei");
    assert_eq!(model(&run().config(file).env("LLM_MODEL", ""), &server), "aus-der-datei");
    assert!(model(&run(), &server).starts_with("gpt-"));
}

#[test]
fn no_model_anywhere_is_said_before_anything_is_sent() {
    let server = Server::always(Reply::chat(&["好"]));
    let far = llm().config("[providers.leer]\nbase_url = \"http://llm.invalid/v1\"\n");
    let run = far.args(["chat", "你好"]);
    refused(&run).stderr_has("no model").stderr_has("leer").stderr_has("-m MODEL");
    let one_off = llm().args(["chat", "你好", "--base-url", "http://llm.invalid/v1"]);
    let outcome = refused(&one_off);
    outcome.stderr_has("no model").stderr_has("llm models --base-url http://llm.invalid/v1");
    outcome.stderr_lacks("llm models -p");
    // `-O` names one too, and nothing is looked up on this machine then.
    let config = format!("[providers.leer]\nbase_url = \"{}\"\n", server.url());
    let run = llm().config(&config).args(["chat", "你好"]);
    assert_eq!(model(&run.args(["-O", "model=m"]), &server), "m");
}

#[test]
fn the_base_url_is_used_as_it_is_given() {
    let server = Server::always(Reply::chat(&["好"]));
    for (base, path) in [
        ("", "/chat/completions"),
        ("/", "/chat/completions"),
        ("/v1", "/v1/chat/completions"),
        ("/v1/", "/v1/chat/completions"),
        ("/api/paas/v4", "/api/paas/v4/chat/completions"),
        ("/openai/v1?api-version=preview", "/openai/v1/chat/completions?api-version=preview"),
        ("/v1/?a=b%20c&d=%E4%BD%A0", "/v1/chat/completions?a=b%20c&d=%E4%BD%A0"),
        ("/v1#teil", "/v1/chat/completions"),
    ] {
        let url = format!("{}{base}", server.origin());
        let run = llm().watch(&server).profile_at(&url).args(["chat", "你好"]);
        assert_eq!(asked(&run, &server).path, path, "{base}");
    }
    let big = server.url().replace("http://", "HTTP://");
    let run = llm().watch(&server).profile_at(&big).args(["chat", "你好"]);
    assert_eq!(asked(&run, &server).path, "/v1/chat/completions");
}

#[test]
fn openai_base_url_is_for_the_openai_profile() {
    let server = Server::always(Reply::chat(&["好"]));
    let run = || llm().watch(&server).env("OPENAI_BASE_URL", server.url()).args(["chat", "你好"]);
    let keyed = || run().env("OPENAI_API_KEY", "sk-openai-0001");
    assert_eq!(asked(&keyed(), &server).path, "/v1/chat/completions");
    let flag = Server::start([Reply::chat(&["好"])]);
    let flagged = keyed().args(["-p", "openai", "--api-key-env", "OPENAI_API_KEY"]);
    asked(&flagged.args(["--base-url", &flag.url()]), &flag);
    // Another profile does not go there.
    let other = Server::start([Reply::chat(&["好"])]);
    let request = asked(&keyed().profile(&other), &other);
    assert_eq!(request.header("authorization"), None);
    // An empty variable counts as unset.
    let unset = keyed().env("OPENAI_BASE_URL", "").arg("--dry-run").run();
    unset.code(0).stdout_has("'https://api.openai.com/v1/chat/completions'").stderr_empty();
}

#[test]
fn a_one_off_server_needs_no_profile_and_gets_no_key() {
    let server = Server::always(Reply::chat(&["好"]));
    let base = ["--base-url", &server.url()];
    let run = || {
        let run = llm().watch(&server).env("OPENAI_API_KEY", "sk-openai-0001").args(base);
        run.env("EIGENER", "sk-eigener-01").args(["chat", "你好", "-m", "m"])
    };
    let request = asked(&run(), &server);
    assert_eq!(
        (request.path.as_str(), request.header("authorization")),
        ("/v1/chat/completions", None)
    );
    assert_eq!(request.json()["model"], "m");
    // Nor does the file's own profile lend it anything.
    let config = "default = \"a\"\n[providers.a]\nbase_url = \"http://a.invalid\"\napi_key = \"sk-datei-0001\"\n";
    assert_eq!(asked(&run().config(config), &server).header("authorization"), None);
    let request = asked(&run().args(["--api-key-env", "EIGENER"]), &server);
    assert_eq!(request.header("authorization"), Some("Bearer sk-eigener-01"));
    let missing = refused(&run().args(["--api-key-env", "NICHT_DA"]));
    missing.stderr_has("NICHT_DA");
    // What helps is no profile: there is none.
    for (status, words, code, hint) in [
        (401, "who are you?", 3, "--api-key-env"),
        (404, "the model does not exist", 4, "llm models --base-url http://"),
    ] {
        let words = serde_json::json!({"error": {"message": words}});
        let server = Server::start([Reply::json(status, words)]);
        let outcome = llm().args(["chat", "你好", "-m", "m", "--base-url", &server.url()]).run();
        outcome.code(code).stdout_empty().stderr_has(hint).stderr_lacks("the profile");
    }
}

#[test]
fn a_key_does_not_follow_its_profile_to_another_host() {
    let (own, other) = (Server::always(Reply::chat(&["好"])), Server::always(Reply::chat(&["好"])));
    let config = format!(
        "[providers.a]\nbase_url = \"{}\"\nmodel = \"m\"\napi_key = \"sk-geheim-01\"\nheaders = {{ X-Team = \"forschung\" }}\n",
        own.url()
    );
    let run =
        || llm().config(&config).env("ANDERER", "sk-anderer-1").args(["chat", "-p", "a", "你好"]);
    let same = asked(&run().args(["--base-url", &format!("{}/v2", own.origin())]), &own);
    assert_eq!(same.path, "/v2/chat/completions");
    assert_eq!(same.header("authorization"), Some("Bearer sk-geheim-01"));
    assert_eq!(same.header("x-team"), Some("forschung"));
    let base = ["--base-url", &other.url()];
    let outcome = run().watch(&other).args(base).run();
    outcome.code(0).stdout("好\n").stderr_has("llm: warning: ").stderr_has("--api-key-env");
    outcome.stderr_lacks("sk-geheim");
    let request = other.request();
    assert_eq!((request.header("authorization"), request.header("x-team")), (None, None));
    assert_eq!(request.json()["model"], "m");
    run().args(base).arg("-q").run().code(0).stderr_empty();
    let keyed = asked(&run().args(base).args(["--api-key-env", "ANDERER"]), &other);
    assert_eq!(keyed.header("authorization"), Some("Bearer sk-anderer-1"));
    assert_eq!(keyed.header("x-team"), None);
}

#[test]
fn the_profile_file_can_be_named() {
    let server = Server::always(Reply::chat(&["好"]));
    let file = |model: &str| {
        format!("[providers.x]\nbase_url = \"{}\"\nmodel = \"{model}\"\n", server.url())
    };
    let run = || {
        let run = llm().watch(&server).config(&file("haus")).file("eins.toml", file("eins"));
        run.file("zwei.toml", file("zwei")).args(["chat", "你好"])
    };
    assert_eq!(model(&run(), &server), "haus");
    assert_eq!(model(&run().env("LLM_CONFIG", "zwei.toml"), &server), "zwei");
    let both = run().env("LLM_CONFIG", "zwei.toml").args(["--config", "eins.toml"]);
    assert_eq!(model(&both, &server), "eins");
    assert_eq!(model(&run().env("LLM_CONFIG", ""), &server), "haus");
    refused(&run().args(["--config", "fehlt.toml"])).stderr_has("fehlt.toml");
    refused(&run().env("LLM_CONFIG", "fehlt.toml")).stderr_has("fehlt.toml");
    refused(&run().env("LLM_CONFIG", "fehlt.toml").args(["-p", "demo"])).stderr_has("fehlt.toml");
    let folder = run().args(["--config", "."]).run();
    folder.code(2).stdout_empty().stderr_lacks("config init");
}

#[test]
fn where_none_is_chosen_what_can_be_used_now_is_named() {
    let ask = || llm().args(["chat", "你好"]).env("OLLAMA_HOST", "127.0.0.1:9");
    let nothing = refused(&ask());
    nothing
        .stderr_has("no service is chosen")
        .stderr_has("`llm providers`")
        .stderr_lacks("mistral");
    let keyed = refused(&ask().env("DEEPSEEK_API_KEY", "sk-geheim-01").env("MOONSHOT_API_KEY", ""));
    keyed.stderr_has("-p NAME").stderr_has("deepseek (DEEPSEEK_API_KEY is set)");
    keyed.stderr_lacks("moonshot").stderr_lacks("sk-geheim-01");
    // A server is found by its port alone; nothing is sent to it.
    let server = Server::new().start();
    let host = format!("127.0.0.1:{}", server.port());
    refused(&llm().args(["chat", "你好"]).env("OLLAMA_HOST", &host))
        .stderr_has(&format!("ollama (a server is at {host})"));
    assert_eq!(server.requests().len(), 0);
    let own = "[providers.甲]\nbase_url = \"https://a.example/v1\"\n\
               [providers.乙]\nbase_url = \"https://b.example/v1\"\nkey = \"sk-geheim-02\"\n\
               [providers.丙]\nbase_url = \"https://c.example/v1\"\napi_key_env = \"FEHLT\"\n"
        .replace("[providers.", "[providers.'")
        .replace("]\n", "']\n");
    let own = refused(&ask().config(&own));
    own.stderr_has("has no `default`").stderr_has("甲, 乙");
    own.stderr_lacks("丙").stderr_lacks("sk-geheim-02");
}

#[test]
fn empty_variables_count_as_unset() {
    let server = Server::always(Reply::chat(&["好"]));
    let empty = ["LLM_PROVIDER", "LLM_MODEL", "LLM_CONFIG", "OPENAI_API_KEY", "OPENAI_BASE_URL"];
    let run = empty.iter().fold(llm().args(["chat", "你好"]), |run, name| run.env(name, ""));
    refused(&run).stderr_has("no service is chosen");
    let run = run.profile(&server);
    assert_eq!(model(&run, &server), "test-model");
    let config = format!(
        "[providers.x]\nbase_url = \"{}\"\nmodel = \"m\"\napi_key_env = [\"ERSTE\", \"ZWEITE\"]\n",
        server.url()
    );
    let run = run.config(&config).env("ERSTE", "").env("ZWEITE", "sk-zweite-01");
    assert_eq!(asked(&run, &server).header("authorization"), Some("Bearer sk-zweite-01"));
}

#[test]
fn a_base_url_that_is_none_is_refused_with_its_place() {
    for (url, words) in [
        ("localhost:8000/v1", "has no scheme"),
        ("api.example.com", "has no scheme"),
        ("ftp://host.example/v1", "scheme `ftp`"),
        ("http://", "has no host"),
        ("http://host.example:99999/v1", "not valid"),
    ] {
        let run = llm().profile_at(url).args(["chat", "你好"]);
        let place = format!("{}:2", run.config_file().display());
        refused(&run).stderr_has(words).stderr_has(url).stderr_has(&place);
        let flag = llm().args(["chat", "你好", "-m", "m", "--base-url", url]);
        refused(&flag).stderr_has(words).stderr_has("--base-url");
        let env =
            llm().args(["chat", "你好"]).env("OPENAI_BASE_URL", url).env("OPENAI_API_KEY", "x");
        refused(&env).stderr_has(words).stderr_has("OPENAI_BASE_URL");
    }
    let azure = llm()
        .env("AZURE_OPENAI_API_KEY", "sk-azure-0001")
        .args(["chat", "-p", "azure", "你好", "-m", "m"]);
    refused(&azure)
        .stderr_has("{resource}")
        .stderr_has("[providers.azure]")
        .stderr_lacks("sk-azure");
    let none = llm().config("[providers.nichts]\nmodel = \"m\"\n").args(["chat", "你好"]);
    refused(&none).stderr_has("base_url").stderr_has("nichts");
    // A password in an address is a secret, even in an address that is wrong.
    let secret =
        llm().profile_at("https://u:geheim12@host.example:99999/v1").args(["chat", "你好"]);
    refused(&secret).stderr_lacks("geheim12");
}

#[test]
fn flags_win_over_the_profile_and_o_over_both() {
    let server = Server::always(Reply::chat(&["好"]));
    let config = format!(
        "[providers.x]\nbase_url = \"{}\"\nmodel = \"m\"\nheaders = {{ X-Team = \"datei\", X-Mehr = \"值\" }}\n\
         options = {{ temperature = 0.7, top_p = 0.5, stop = [\"bis\"] }}\n",
        server.url()
    );
    let run = llm().watch(&server).config(&config).args(["chat", "你好"]);
    let plain = asked(&run, &server).json();
    assert_eq!((&plain["temperature"], &plain["top_p"]), (&0.7.into(), &0.5.into()));
    let run = run.args(["-t", "0.2", "-O", "top_p=0.9", "-O", "a.b=1", "-H", "x-team: schalter"]);
    let request = asked(&run, &server);
    let body = request.json();
    assert_eq!((&body["temperature"], &body["top_p"]), (&0.2.into(), &0.9.into()));
    assert_eq!((&body["stop"][0], &body["a"]["b"]), (&"bis".into(), &1.into()));
    let team: Vec<_> =
        request.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("x-team")).collect();
    assert_eq!(team.len(), 1, "{request}");
    assert_eq!(team[0].1, "schalter");
    assert_eq!(request.header("x-mehr"), Some("值"));
    assert_eq!(asked(&run.args(["-O", "temperature=1"]), &server).json()["temperature"], 1);
}

#[test]
fn a_profile_can_name_a_proxy_and_certificates() {
    let server = Server::start(vec![Reply::chat(&["好"])]);
    let config = format!(
        "[providers.far]\nbase_url = \"http://host.invalid/v1\"\nmodel = \"m\"\nproxy = \"{}\"\n",
        server.origin()
    );
    llm().config(&config).args(["chat", "-p", "far", "hi"]).run().code(0).stdout("好\n");
    assert_eq!(server.request().path, "http://host.invalid/v1/chat/completions");

    let config = "[providers.far]\nbase_url = \"https://host.invalid/v1\"\nmodel = \"m\"\nca_file = \"no.pem\"\n";
    let outcome = llm().config(config).args(["chat", "-p", "far", "hi"]).run();
    outcome.code(2).stderr_has("the `ca_file` of far names a file that can't be read: ");
    outcome.stderr_has("/llm/no.pem: no such file");
    let llm = llm().config(config);
    std::fs::write(llm.config_file().with_file_name("no.pem"), "nothing").expect("written");
    let outcome = llm.args(["chat", "-p", "far", "hi"]).run();
    outcome.code(2).stderr_has("the `ca_file` of far names a file without a certificate (PEM): ");
}

#[test]
fn a_profile_like_another_asks_as_that_one_does() {
    let server = Server::always(Reply::chat(&["好"]));
    let config = format!(
        "[providers.mistral]\napi_key = \"sk-mistral-01\"\n\
         [providers.zweit]\nlike = \"mistral\"\nbase_url = \"{}\"\noptions = {{ top_p = 0.5 }}\n",
        server.url()
    );
    let run =
        llm().watch(&server).config(&config).args(["chat", "-p", "zweit", "--seed", "7", "你好"]);
    let request = asked(&run, &server);
    let body = request.json();
    assert_eq!(body["model"], "mistral-small-latest");
    assert_eq!(body["random_seed"], 7, "the rules hold");
    assert_eq!(body["top_p"], 0.5);
    assert_eq!(
        request.header("authorization"),
        None,
        "a key is for the address that it was written for"
    );
    // A built-in twin has nothing of the user's key for the other.
    let twin = llm().config("[providers.moonshot]\napi_key = \"sk-peking-001\"\n");
    let twin = refused(&twin.args(["chat", "-p", "moonshot-intl", "你好"]));
    twin.stderr_has("MOONSHOT_API_KEY is not set").stderr_has("platform.moonshot.ai");
}

#[test]
fn a_like_that_leads_nowhere_is_refused() {
    let refusal = |config: &str, args: &[&str]| {
        let run = llm().config(config).args(args);
        let outcome = run.run();
        outcome.code(2).stdout_empty();
        let place = format!("llm: {}:2: ", run.config_file().display());
        assert!(outcome.stderr_lines()[0].starts_with(&place), "{outcome}");
        outcome
    };
    for args in [&["chat", "-p", "demo", "你好"][..], &["providers"], &["providers", "show", "x"]]
    {
        let unknown = refusal("[providers.x]\nlike = \"dashscop\"\n", args);
        unknown.stderr_has("names no profile: `dashscop`");
        unknown.stderr_has("did you mean `dashscope`?");
    }
    let circle = "[providers.a]\nlike = \"a\"\n";
    refusal(circle, &["models", "-p", "a"]).stderr_has("`like` goes in a circle: a, a");
}

/// The address that a dry run of this command asks.
#[track_caller]
fn leads_to(run: Llm, address: &str) {
    let run = run.args(["chat", "--dry-run", "你好"]).run();
    run.code(0).stderr_empty().stdout_has(address);
}

#[test]
fn a_service_is_found_by_the_names_that_people_have_for_it() {
    for (alias, host) in [
        ("qwen", "dashscope.aliyuncs.com"),
        ("bailian", "dashscope.aliyuncs.com"),
        ("百炼", "dashscope.aliyuncs.com"),
        ("aliyun", "dashscope.aliyuncs.com"),
        ("kimi", "api.moonshot.cn"),
        ("豆包", "ark.cn-beijing.volces.com"),
        ("混元", "tokenhub.tencentmaas.com"),
    ] {
        leads_to(llm().args(["-p", alias]), host);
        leads_to(llm().env("LLM_PROVIDER", alias), host);
        leads_to(llm().config(&format!("default = \"{alias}\"\n")), host);
        let like = format!("[providers.mine]\nlike = \"{alias}\"\n");
        leads_to(llm().config(&like), host);
        llm().args(["providers", "show", alias]).run().code(0).stdout_has(alias).stderr_empty();
    }
    let missing = llm().args(["chat", "-p", "千帆", "-m", "x", "你好"]).run();
    missing.code(2).stdout_empty().stderr_has("qianfan").stderr_has("QIANFAN_API_KEY");
}

#[test]
fn a_profile_of_the_users_goes_before_an_alias() {
    let own = "[providers.qwen]\nbase_url = \"http://mine.example/v1\"\nmodel = \"m\"\n";
    leads_to(llm().config(own).args(["-p", "qwen"]), "http://mine.example/v1/");
    leads_to(llm().config(own).args(["-p", "百炼"]), "dashscope.aliyuncs.com");
    let aliased = "[providers.x]\naliases = [\"team\", \"研发\"]\nbase_url = \"http://x.example/v1\"\nmodel = \"m\"\n";
    for alias in ["x", "team", "研发"] {
        leads_to(llm().config(aliased).args(["-p", alias]), "http://x.example/v1/");
    }
    let run = llm().args(["chat", "-p", "qwenn", "你好"]).run();
    run.code(2).stdout_empty().stderr_has("did you mean `qwen` (dashscope)?");
    // The list of profiles has each once, under its name.
    let list = llm().args(["providers", "list"]).run();
    assert!(!list.code(0).stdout_text().contains("qwen"), "{list}");
}
