//! The safety net under the jobs beside chat: a field that nobody asked for is left out the second
//! time, one that has another name there is sent by it, and what the user set stays.

use serde_json::json;

use crate::image::samples::{png, reply as pictures};
use crate::support::{Llm, Outcome, Recorded, Reply, Server, llm, wav};

/// The user's file with `[providers.test]` at the server, and these lines in it.
fn place(server: &Server, lines: &str) -> Llm {
    let config = format!(
        "[providers.test]\nbase_url = \"{}\"\nmodel = \"m\"\n{MODELS}\n{lines}\n",
        server.url()
    );
    llm()
        .config(&config)
        .watch(server)
        .file("音.mp3", b"ID3\x04\0\0\0\0\0\0 \xff\xfb\x90")
        .file("猫.png", png("猫"))
}

const MODELS: &str = "models = { embed = \"e\", image = \"i\", image_edit = \"i\", transcribe = \"t\", speak = \"s\" }";

/// One job with all that its tests need.
struct Case {
    job: &'static str,
    args: &'static [&'static str],
    /// A field that goes out although nobody asked for it, and lines of the catalogue that are
    /// needed for that.
    unasked: &'static str,
    /// A flag, and the field that it sets.
    flag: &'static [&'static str],
    field: &'static str,
    /// The name that the field has with some other service.
    other: &'static str,
    answer: fn() -> Reply,
}

fn vector() -> Reply {
    Reply::json(200, json!({"data": [{"index": 0, "embedding": [0.5]}]}))
}

fn picture() -> Reply {
    pictures(&[png("neu")])
}

fn transcript() -> Reply {
    Reply::json(200, json!({"text": "好"}))
}

fn sound() -> Reply {
    Reply::bytes(200, "audio/mpeg", *b"ID3\x04\0\0\0\0\0\x05 sound")
}

const CASES: [Case; 4] = [
    Case {
        job: "embed",
        args: &["embed", "你好"],
        unasked: "encoding_format",
        flag: &["--dimensions", "1"],
        field: "dimensions",
        other: "output_dimension",
        answer: vector,
    },
    Case {
        job: "image",
        args: &["image", "猫"],
        unasked: "response_format",
        flag: &["--size", "512x512"],
        field: "size",
        other: "image_size",
        answer: picture,
    },
    Case {
        job: "image_edit",
        args: &["image", "-f", "猫.png", "变蓝"],
        unasked: "response_format",
        flag: &["--size", "512x512"],
        field: "size",
        other: "image_size",
        answer: picture,
    },
    Case {
        job: "transcribe",
        args: &["transcribe", "音.mp3"],
        unasked: "response_format",
        flag: &["--prompt", "人名"],
        field: "prompt",
        other: "context_prompt",
        answer: transcript,
    },
];

fn refusal(field: &str, more: &str) -> Reply {
    let words = format!("Unsupported parameter: '{field}' is not supported with this model.{more}");
    Reply::json(400, json!({"error": {"message": words, "param": field}}))
}

/// The names of the fields that a request carries, JSON or form.
fn fields(request: &Recorded) -> Vec<String> {
    match request.header("content-type") {
        Some("application/json") => {
            request.json().as_object().expect("an object").keys().cloned().collect()
        }
        _ => request.parts().into_iter().map(|part| part.name).collect(),
    }
}

/// The value of a field as text.
fn value(request: &Recorded, name: &str) -> String {
    match request.header("content-type") {
        Some("application/json") => request.json()[name].to_string().trim_matches('"').to_owned(),
        _ => {
            let parts = request.parts();
            parts.iter().find(|part| part.name == name).expect("the field is there").text()
        }
    }
}

/// The refusal itself, and a hint: no second request.
fn is_the_users(run: &Outcome, server: &Server, hint: &str) {
    run.code(4).stdout_empty().stderr_has("is not supported").stderr_has(hint);
    assert_eq!((run.stderr_lines().len(), server.requests().len()), (2, 1), "{run}");
}

#[test]
fn what_nobody_asked_for_is_left_out_the_second_time() {
    for case in &CASES {
        let server = Server::start([refusal(case.unasked, ""), (case.answer)()]);
        let run = place(&server, "").args(case.args).run();
        run.code(0).stderr_has(&format!("llm: warning: test refuses `{}`;", case.unasked));
        assert_eq!(run.stderr_lines().len(), 1, "{run}");
        let [first, second] = server.requests().try_into().expect("two requests");
        let mut expected = fields(&first);
        expected.retain(|name| name != case.unasked);
        assert_eq!((fields(&second), fields(&first).len()), (expected.clone(), expected.len() + 1));
        // The rule that is printed avoids the refused request.
        let line = run.stderr_text();
        let rule =
            line.split_once("avoids the refused request: ").expect("a rule").1.trim().to_owned();
        assert!(rule.contains(&format!("jobs = [\"{}\"]", case.job)), "{rule}");
        let server = Server::start([(case.answer)()]);
        place(&server, &rule).args(case.args).run().code(0).stderr_empty();
        assert_eq!(fields(&server.request()), expected);
    }
}

#[test]
fn a_field_of_the_users_goes_by_its_other_name() {
    for case in &CASES {
        let more = format!(" Use '{}' instead.", case.other);
        let server = Server::start([refusal(case.field, &more), (case.answer)()]);
        let run = place(&server, "").args(case.args).args(case.flag).run();
        run.code(0)
            .stderr_has(&format!("test expects `{}` instead of `{}`", case.other, case.field));
        let requests = server.requests();
        assert_eq!(value(&requests[1], case.other), case.flag[1]);
        assert!(!fields(&requests[1]).contains(&case.field.to_owned()));
    }
}

#[test]
fn what_the_user_set_is_the_users_error() {
    for case in &CASES {
        let server = Server::start([refusal(case.field, "")]);
        let run = place(&server, "").args(case.args).args(case.flag).run();
        is_the_users(&run, &server, &format!("hint: `{}` sets `{}`", case.flag[0], case.field));
        // In the profile's section, whose name is that of the command.
        let server = Server::start([refusal(case.unasked, "")]);
        let section = case.args[0];
        let lines = format!("{section} = {{ {} = \"x\" }}", case.unasked);
        let run = place(&server, &lines).args(case.args).run();
        is_the_users(&run, &server, &format!("hint: `{section}.{}` (", case.unasked));
        // By -O, and where its items are parts of a form too.
        let server = Server::start([refusal("tags", "")]);
        let run = place(&server, "").args(case.args).args(["-O", "tags=[1,2]"]).run();
        is_the_users(&run, &server, "hint: `-O tags=…` sets it");
    }
    let server = Server::start([refusal("timestamp_granularities", "")]);
    let args = ["transcribe", "音.mp3", "-O", "timestamp_granularities[]=word"];
    let run = place(&server, "").args(args).run();
    is_the_users(&run, &server, "timestamp_granularities");
    let server = Server::start([refusal("mask", "")]);
    let args = ["image", "-f", "猫.png", "--mask", "猫.png", "变蓝"];
    is_the_users(&place(&server, "").args(args).run(), &server, "hint: `--mask` sets `mask`");
}

#[test]
fn it_catches_once() {
    for case in &CASES {
        let server = Server::start([refusal(case.unasked, ""), refusal("model", "")]);
        place(&server, "").args(case.args).run().code(4).stdout_empty();
        let words = format!("no {} here", case.field);
        let first = || Reply::json(400, json!({"error": {"message": words}}));
        // `embed` asks for numbers once, whatever the words are.
        let count = if case.args[0] == "embed" { 2 } else { 1 };
        let server = Server::start((0..count).map(|_| first()));
        place(&server, "").args(case.args).run().code(4).stderr_lacks("asked again");
    }
}

#[test]
fn only_the_first_of_several_requests_pays() {
    // Batches.
    let replies = [refusal("encoding_format", ""), vector(), vector(), vector()];
    let server = Server::start(replies);
    let args = ["embed", "--lines", "--batch-size", "1", "--concurrency", "1"];
    let run = place(&server, "").args(args).stdin("一\n二\n三\n").run();
    run.code(0).stdout(&"[0.5]\n".repeat(3));
    assert_eq!(run.stderr_lines().len(), 1, "{run}");
    for request in &server.requests()[1..] {
        assert_eq!(fields(request), ["model", "input"]);
    }
    // Files.
    let server = Server::start([refusal("response_format", ""), transcript(), transcript()]);
    let run = place(&server, "").args(["transcribe", "音.mp3", "音.mp3"]).run();
    run.code(0);
    assert_eq!(run.stderr_lines().len(), 1, "{run}");
    assert_eq!(fields(&server.requests()[2]), ["model", "file"]);
    // Parts of a text, with --json too.
    let limits = "limits = { speech_characters = 3 }";
    for args in [
        &["speak", "-o", "a.wav", "一二。三四。五六。"][..],
        &["speak", "--json", "一二。三四。五六。"],
    ] {
        let answer = || match args[1] {
            "--json" => Reply::json(200, json!({"audio": "SUQzBAAAAAAABSBzb3VuZA=="})),
            _ => Reply::bytes(200, "audio/wav", wav(24_000, &[1, 2, 3, 4])),
        };
        let words = "speed was renamed to `speech_speed`";
        let refused = Reply::json(400, json!({"error": {"message": words, "param": "speed"}}));
        let server = Server::start([refused, answer(), answer(), answer()]);
        let run = place(&server, limits).args(args).args(["--speed", "1.5"]).run();
        run.code(0).stderr_has("test expects `speech_speed` instead of `speed`");
        let requests = server.requests();
        for request in &requests[1..] {
            let mut fields = fields(request);
            fields.retain(|name| name != "response_format");
            assert_eq!(fields, ["model", "input", "voice", "speech_speed"]);
        }
    }
}

#[test]
fn speech_goes_by_what_the_built_in_list_sets_too() {
    // `response_format` is in the list of services, and so nobody's wish.
    let server = Server::start([refusal("response_format", ""), sound()]);
    let config = format!(
        "[providers.openrouter]\nbase_url = \"{}\"\napi_key = \"sk-netz-0001\"\nmodels = {{ speak = \"s\" }}\n",
        server.url()
    );
    let speak = |server: &Server| {
        llm().config(&config).watch(server).args(["speak", "你好", "--voice", "v"])
    };
    speak(&server).run().code(0).stderr_has("openrouter refuses `response_format`");
    assert_eq!(fields(&server.requests()[1]), ["model", "input", "voice"]);
    for (args, hint) in [
        (&["-o", "a.mp3"][..], "hint: `--format` sets `response_format`"),
        (&["--format", "mp3"], "hint: `--format` sets `response_format`"),
    ] {
        let server = Server::start([refusal("response_format", "")]);
        let config = config.replace(
            &config[config.find("http").expect("a URL")..config.find("\"\napi").expect("its end")],
            &server.url(),
        );
        let run = llm().config(&config).watch(&server).args(["speak", "你好"]).args(args).run();
        is_the_users(&run, &server, hint);
    }
    // A service that refuses a voice wants another one.
    let server = Server::start([refusal("voice", "")]);
    let config = format!(
        "[providers.openai]\nbase_url = \"{}\"\napi_key = \"sk-netz-0001\"\n",
        server.url()
    );
    let run = llm().config(&config).watch(&server).args(["speak", "你好"]).run();
    run.code(4).stderr_lacks("asked again");
}

#[test]
fn subtitles_are_asked_for_as_segments_before_the_net_is_needed() {
    let words = "response_format 'srt' is not compatible with this model. Use 'json' instead.";
    let refused =
        || Reply::json(400, json!({"error": {"message": words, "param": "response_format"}}));
    let server = Server::start([refused(), refused()]);
    let run = place(&server, "").args(["transcribe", "音.mp3", "--format", "srt"]).run();
    run.code(4).stderr_has("hint: this model may give no times").stderr_lacks("asked again");
    assert_eq!(value(&server.requests()[1], "response_format"), "verbose_json");
}
