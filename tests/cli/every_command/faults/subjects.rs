//! The commands that the faults are tried on: what each is run with, what a good server answers, and
//! what it then puts out. Knows no faults.

use std::path::Path;

use serde_json::json;

use crate::image::samples::{inline, png};
use crate::support::{Llm, Server, chat_body, chunk, llm, wav};

/// A command, and the reply that it works with.
pub(crate) struct Subject {
    pub(crate) name: &'static str,
    args: &'static [&'static str],
    pub(crate) content_type: &'static str,
    /// The whole body of a good reply.
    pub(crate) body: Vec<u8>,
    /// Where the body can be cut between two things that it says, and where within a character (of
    /// sound: within a frame).
    pub(crate) between: usize,
    pub(crate) inside: usize,
    /// The file that it writes; it holds [`OLD`] before.
    pub(crate) file: Option<&'static str>,
    /// What it puts out, to standard output or into the file, if all goes well.
    pub(crate) whole: Vec<u8>,
    /// Standard output if all goes well; what else it prints beside the file is told there.
    pub(crate) stdout: Vec<u8>,
    /// Standard output if the body breaks off at `between` and at `inside`.
    pub(crate) half: [Vec<u8>; 2],
    /// Whether the body itself says where it ends, so that the transfer's end need not be seen.
    pub(crate) knows_its_end: bool,
}

/// What stands in the file before the run.
pub(crate) const OLD: &[u8] = "旧的内容\n".as_bytes();

/// A sound file of 16 bits that is 0.1 s long.
const SOUND: &str = "a.wav";

/// What [`SOUND`] holds.
pub(crate) fn sound() -> Vec<u8> {
    wav(16_000, &[1; 3200])
}

/// How the program reaches a server: by connections of its own, or as it reaches all that is behind a
/// proxy or TLS, which is the work of a library. Both must do the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Direct,
    /// The scripted server is the proxy, and answers for a service that there is none of.
    Proxy,
}

impl Subject {
    /// The command at this server, in a place with its files.
    pub(crate) fn llm(&self, server: &Server) -> Llm {
        self.llm_by(Way::Direct, server)
    }

    /// The same, on one of the ways to the server.
    pub(crate) fn llm_by(&self, way: Way, server: &Server) -> Llm {
        let models = ["embed", "image", "transcribe", "speak"].map(|job| format!("{job} = \"m\""));
        let models = models.join(", ");
        let place = match way {
            Way::Direct => format!("base_url = \"{}\"", server.url()),
            Way::Proxy => {
                let proxy = server.origin();
                format!("base_url = \"http://service.invalid/v1\"\nproxy = \"{proxy}\"")
            }
        };
        let config = format!("[providers.test]\n{place}\nmodel = \"m\"\nmodels = {{ {models} }}\n");
        let llm = llm().config(&config).watch(server).args(self.args).file(SOUND, sound());
        match self.file {
            Some(file) => llm.file(file, OLD),
            None => llm,
        }
    }

    /// Asserts that the folder holds the files given, the one to be written with this content, and
    /// no other: no part file. Beside a whole file of vectors stands the one that tells their model.
    pub(crate) fn check_files(&self, folder: &Path, content: &[u8]) -> Result<(), String> {
        let entries = std::fs::read_dir(folder).map_err(|error| error.to_string())?;
        let beside = self.file.filter(|_| self.name == "embed -o" && content != OLD);
        let beside = beside.map(|file| format!("{file}.json"));
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_known = Some(name.as_str()) == self.file || Some(&name) == beside.as_ref();
            if name != SOUND && !is_known {
                return Err(format!("`{name}` is left"));
            }
        }
        match self.file.map(|file| std::fs::read(folder.join(file))) {
            Some(Err(error)) => Err(format!("the file: {error}")),
            Some(Ok(found)) if found != content => Err(format!("the file holds {found:?}")),
            _ => Ok(()),
        }
    }
}

/// The offset behind `text` in `body`.
fn behind(body: &[u8], text: &str) -> usize {
    let at = body.windows(text.len()).position(|window| window == text.as_bytes());
    at.expect("the body holds it") + text.len()
}

fn event(data: &str) -> String {
    format!("data: {data}\n\n")
}

/// A stream of events: the first says `一半`, so that this much is there at `between`.
fn stream(events: &[String]) -> (Vec<u8>, usize, usize) {
    let body = events.concat().into_bytes();
    let between = events[0].len();
    // Of a Chinese character in the second event, the first two bytes of three.
    let inside = between + behind(&body[between..], "好") - 1;
    (body, between, inside)
}

/// A document that is cut behind its first character, and within that one.
fn document(body: String) -> (Vec<u8>, usize, usize) {
    let body = body.into_bytes();
    let between = behind(&body, "你");
    (body, between, between - 1)
}

/// All commands.
pub(crate) fn all() -> Vec<Subject> {
    let mut all = chats();
    all.extend(documents());
    all.extend(sounds());
    all
}

fn chats() -> Vec<Subject> {
    let says = |text: &str| event(&chunk(json!({"content": text}), None));
    let end = event(&chunk(json!({}), Some("stop"))) + &event("[DONE]");
    let (body, between, inside) = stream(&[says("一半"), says("好的"), end]);
    let half = b"\xe4\xb8\x80\xe5\x8d\x8a\n".to_vec();
    let streamed = Subject {
        name: "chat",
        args: &["chat", "你好"],
        content_type: "text/event-stream",
        body,
        between,
        inside,
        file: None,
        whole: "一半好的\n".into(),
        stdout: "一半好的\n".into(),
        half: [half.clone(), half],
        knows_its_end: true,
    };
    let to_file = Subject {
        name: "chat -o",
        args: &["chat", "你好", "-o", "a.txt"],
        file: Some("a.txt"),
        body: streamed.body.clone(),
        whole: streamed.whole.clone(),
        stdout: Vec::new(),
        half: [Vec::new(), Vec::new()],
        ..streamed
    };
    let (body, between, inside) = document(chat_body("你好").to_string());
    let whole = Subject {
        name: "chat -S",
        args: &["chat", "-S", "你好"],
        content_type: "application/json",
        body,
        between,
        inside,
        file: None,
        whole: "你好\n".into(),
        stdout: "你好\n".into(),
        half: [Vec::new(), Vec::new()],
        knows_its_end: true,
    };
    vec![streamed, to_file, whole]
}

/// Replies of which nothing is put out before they are whole.
fn documents() -> Vec<Subject> {
    let subject = |name, args, body: String, whole: Vec<u8>, file: Option<&'static str>| {
        let (body, between, inside) = document(body);
        Subject {
            name,
            args,
            content_type: "application/json",
            body,
            between,
            inside,
            file,
            stdout: if file.is_some() { Vec::new() } else { whole.clone() },
            whole,
            half: [Vec::new(), Vec::new()],
            knows_its_end: false,
        }
    };
    let vectors = json!({
        "object": "list", "model": "你", "data": [{"index": 0, "embedding": [0.5, -0.25]}]
    });
    let npy = {
        let mut head =
            b"\x93NUMPY\x01\x00\x76\x00{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }"
                .to_vec();
        head.resize(127, b' ');
        head.push(b'\n');
        [head, 0.5_f32.to_le_bytes().to_vec(), (-0.25_f32).to_le_bytes().to_vec()].concat()
    };
    let pictures = crate::image::samples::body([inline(&png("猫"))]).to_string();
    let pictures = pictures.replacen('{', "{\"model\":\"你\",", 1);
    let models = json!({"object": "list", "data": [{"id": "你好"}, {"id": "m"}]}).to_string();
    let text = json!({"text": "你好"}).to_string();
    let mut picture = subject(
        "image -o",
        &["image", "猫", "-o", "p.png"],
        pictures.clone(),
        png("猫"),
        Some("p.png"),
    );
    picture.stdout = b"p.png\n".to_vec();
    vec![
        subject("embed", &["embed", "你好"], vectors.to_string(), b"[0.5,-0.25]\n".into(), None),
        subject(
            "embed -o",
            &["embed", "你好", "-o", "v.npy"],
            vectors.to_string(),
            npy,
            Some("v.npy"),
        ),
        subject("image", &["image", "猫"], pictures, png("猫"), None),
        picture,
        subject("models", &["models"], models, "你好\nm\n".into(), None),
        subject(
            "transcribe -o",
            &["transcribe", SOUND, "-o", "t.txt"],
            text,
            "你好\n".into(),
            Some("t.txt"),
        ),
    ]
}

fn sounds() -> Vec<Subject> {
    let delta =
        |text: &str| event(&json!({"type": "transcript.text.delta", "delta": text}).to_string());
    let done = event(&json!({"type": "transcript.text.done", "text": "一半好的"}).to_string());
    let (body, between, inside) = stream(&[delta("一半"), delta("好的"), done + &event("[DONE]")]);
    let half: Vec<u8> = "一半\n".into();
    let heard = Subject {
        name: "transcribe",
        args: &["transcribe", SOUND],
        content_type: "text/event-stream",
        body,
        between,
        inside,
        file: None,
        whole: "一半好的\n".into(),
        stdout: "一半好的\n".into(),
        half: [half.clone(), half],
        knows_its_end: true,
    };
    let body = [b"ID3\x04\0\0\0\0\0\x05hello".to_vec(), vec![0x55; 600]].concat();
    let (between, inside) = (100, 333);
    let spoken = Subject {
        name: "speak",
        args: &["speak", "你好"],
        content_type: "audio/mpeg",
        half: [body[..between].to_vec(), body[..inside].to_vec()],
        whole: body.clone(),
        stdout: body.clone(),
        body,
        between,
        inside,
        file: None,
        knows_its_end: false,
    };
    let to_file = Subject {
        name: "speak -o",
        args: &["speak", "你好", "-o", "s.mp3"],
        file: Some("s.mp3"),
        body: spoken.body.clone(),
        whole: spoken.whole.clone(),
        stdout: Vec::new(),
        half: [Vec::new(), Vec::new()],
        ..spoken
    };
    vec![heard, spoken, to_file]
}
