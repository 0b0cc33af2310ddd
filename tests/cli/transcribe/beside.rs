//! The parts of a long recording are asked for beside each other.

use std::time::Duration;

use serde_json::json;

use crate::support::{ByBody, llm};

/// The first byte of the sound in a form.
fn first_sample(body: &[u8]) -> u8 {
    let name = memchr::memmem::find(body, b"name=\"file\"").expect("a file");
    let head = memchr::memmem::find(&body[name..], b"\r\n\r\n").expect("its head ends");
    body[name + head + 4]
}

#[test]
fn parts_are_asked_for_at_a_time_and_joined_in_order() {
    let server = ByBody::start(|body, crowd| {
        let number = first_sample(body);
        if number > 0 {
            crowd.wait_for(3);
            // The last one answers first.
            std::thread::sleep(Duration::from_millis(u64::from(20 - number) * 10));
        }
        ("application/json", json!({"text": format!("p{number}")}).to_string().into_bytes())
    });
    // A number in each second tells the parts apart.
    let sound: Vec<u8> = (0..320_000_u32).map(|at| (at / 32_000) as u8).collect();
    let profile = format!(
        "[providers.test]\nbase_url = \"{}\"\nmodel = \"m\"\nlimits = {{ upload_bytes = 50000 }}\n",
        server.url
    );
    for args in [&[][..], &["-o", "a.txt"]] {
        let llm = llm().config(&profile).file("a.pcm", &sound);
        let run = llm.args(["transcribe", "-p", "test", "-q", "a.pcm"]).args(args).run();
        run.code(0);
        let text = if args.is_empty() { run.stdout.clone() } else { run.read("a.txt") };
        let text = String::from_utf8(text).expect("text");
        let numbers: Vec<u8> = text
            .split_whitespace()
            .map(|word| word[1..].parse().expect("the number of a second"))
            .collect();
        assert!(numbers.len() > 5 && numbers.is_sorted(), "{text}");
        assert!(server.most_out() >= 3);
        let names = run.names();
        assert!(names.iter().all(|name| name == "a.pcm" || name == "a.txt"), "{names:?}");
    }
}
