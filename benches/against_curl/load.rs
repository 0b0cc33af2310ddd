//! What the flood server sends, as bytes, and what is known of its lengths. Sends nothing itself.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What the chunks say, over and over.
pub(crate) const TEXTS: [&str; 4] = ["你好，", "hello ", "世界", "world. "];

/// Bytes of speech, and of the recording that is sent.
pub(crate) const SPEECH: u64 = 1 << 30;

/// Bytes of the picture, before it is base64.
pub(crate) const PICTURE: usize = 20_000_000;

/// Numbers of a vector, and the most vectors of a reply.
pub(crate) const DIMENSIONS: usize = 1536;
pub(crate) const MOST_VECTORS: usize = 2048;

/// The answer to a recording.
pub(crate) const HEARD: &str = r#"{"text":"你好"}"#;

/// So many vectors differ; more of them are the same ones again.
const DIFFERENT: usize = 16;

/// The bytes of text in so many chunks.
pub(crate) fn text_bytes(chunks: usize) -> u64 {
    (0..chunks).map(|number| text(number).len() as u64).sum()
}

/// The bytes of the events of so many chunks, with the two that end the stream.
pub(crate) fn body_bytes(chunks: usize) -> u64 {
    let events = (0..TEXTS.len()).map(|number| event(number).len() as u64).collect::<Vec<_>>();
    let sent: u64 = (0..chunks).map(|number| events[number % TEXTS.len()]).sum();
    sent + end_events().iter().map(|event| event.len() as u64).sum::<u64>()
}

fn text(number: usize) -> &'static str {
    TEXTS[number % TEXTS.len()]
}

/// One event of some 200 bytes.
pub(crate) fn event(number: usize) -> String {
    event_with(text(number))
}

/// An event with this text.
pub(crate) fn event_with(text: &str) -> String {
    let delta = format!(r#"{{"index":0,"delta":{{"content":"{text}"}},"finish_reason":null}}"#);
    let model = r#""model":"flood","system_fingerprint":"fp_0123456789""#;
    format!(
        "data: {{\"id\":\"chatcmpl-0123456789\",\"object\":\"chat.completion.chunk\",\
         \"created\":1763800000,{model},\"choices\":[{delta}]}}\n\n"
    )
}

/// One event of a stream over `/responses`.
pub(crate) fn response_event(number: usize) -> String {
    let (text, number) = (text(number), 1000 + number % 1000);
    format!(
        "event: response.output_text.delta\ndata: {{\"type\":\"response.output_text.delta\",\
         \"content_index\":0,\"delta\":\"{text}\",\"item_id\":\"msg_0123456789\",\"logprobs\":[],\
         \"obfuscation\":\"x9Fq{number}\",\"output_index\":0,\"sequence_number\":{number}}}\n\n"
    )
}

/// What ends such a stream.
pub(crate) fn response_end() -> String {
    let response = r#"{"status":"completed","model":"flood","output":[]}"#;
    format!("data: {{\"type\":\"response.completed\",\"response\":{response}}}\n\n")
}

/// The bytes of the events of so many pieces over `/responses`, with the one that ends the stream.
pub(crate) fn response_bytes(pieces: usize) -> u64 {
    let events = (0..TEXTS.len()).map(|number| response_event(number).len() as u64);
    let events: Vec<u64> = events.collect();
    let sent: u64 = (0..pieces).map(|number| events[number % TEXTS.len()]).sum();
    sent + response_end().len() as u64
}

/// What ends a stream.
pub(crate) fn end_events() -> [String; 2] {
    let stop = r#"data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
    [format!("{stop}\n\n"), "data: [DONE]\n\n".to_owned()]
}

/// A piece of speech; [`SPEECH`] is a multiple of its length.
pub(crate) fn speech_block() -> Vec<u8> {
    b"\xff\xfb\x90\x64speech..".repeat(1 << 17)[..1 << 20].to_vec()
}

const PICTURE_HEAD: &str = r#"{"created":1763800000,"data":[{"b64_json":""#;
const PICTURE_TAIL: &str = r#""}]}"#;

/// The length of [`picture_reply`].
pub(crate) fn picture_reply_bytes() -> u64 {
    (PICTURE_HEAD.len() + PICTURE.div_ceil(3) * 4 + PICTURE_TAIL.len()) as u64
}

/// A reply with one picture in base64: a PNG by its first bytes, noise by the others.
pub(crate) fn picture_reply() -> Vec<u8> {
    let mut noise = Noise(1);
    let mut picture = b"\x89PNG\r\n\x1a\n".to_vec();
    picture.resize_with(PICTURE, || noise.next().to_be_bytes()[0]);
    let encoded = STANDARD.encode(picture);
    [PICTURE_HEAD, &encoded, PICTURE_TAIL].concat().into_bytes()
}

/// Replies with vectors, of which each is the beginning of one long reply.
pub(crate) struct Vectors {
    bytes: Vec<u8>,
    /// Where each entry ends.
    ends: Vec<usize>,
}

impl Vectors {
    /// The longest reply; `written` writes a vector as the value of its field.
    pub(crate) fn new(written: fn(&[f32]) -> String) -> Self {
        let mut noise = Noise(7);
        let mut number = || (noise.next() >> 8) as f32 / (1 << 23) as f32 * 0.06 - 0.06;
        let mut vector = || (0..DIMENSIONS).map(|_| number()).collect::<Vec<_>>();
        let values: Vec<_> = (0..DIFFERENT).map(|_| written(&vector())).collect();
        let mut reply = Self { bytes: br#"{"object":"list","data":["#.to_vec(), ends: Vec::new() };
        for index in 0..MOST_VECTORS {
            let comma = if index == 0 { "" } else { "," };
            let value = &values[index % DIFFERENT];
            let entry =
                format!(r#"{comma}{{"object":"embedding","index":{index},"embedding":{value}}}"#);
            reply.bytes.extend_from_slice(entry.as_bytes());
            reply.ends.push(reply.bytes.len());
        }
        reply
    }

    /// A reply with so many vectors, in two parts.
    pub(crate) fn reply(&self, count: usize) -> (&[u8], &[u8]) {
        let end = self.ends[count.clamp(1, MOST_VECTORS) - 1];
        let usage = br#"],"model":"flood","usage":{"prompt_tokens":9,"total_tokens":9}}"#;
        (&self.bytes[..end], usage)
    }
}

pub(crate) fn vector_in_base64(vector: &[f32]) -> String {
    let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
    format!("\"{}\"", STANDARD.encode(bytes))
}

pub(crate) fn vector_in_floats(vector: &[f32]) -> String {
    let numbers: Vec<String> = vector.iter().map(ToString::to_string).collect();
    format!("[{}]", numbers.join(","))
}

/// Numbers without a pattern: the generator of G. Marsaglia, "Xorshift RNGs", 2003.
struct Noise(u32);

impl Noise {
    fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }
}
