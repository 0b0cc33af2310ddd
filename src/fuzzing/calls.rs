//! Calls of tools in a stream, put together from pieces that are cut, numbered and named as services do
//! it, and why answers end.

use serde_json::{Map, Value, json};

use crate::dialect::answers::{Answers, ReplyVerdict, VisibleText};
use crate::dialect::reader::{ChatReader, ReplyEnd};
use crate::dialect::{AskedFor, ChatEvent};

/// Calls that are sent in one of the ways known, in pieces, up to where the bytes say that the stream is
/// cut: what would be carried out is one of them, and all of it came.
pub fn calls(data: &[u8]) {
    let mut bytes = data.iter().copied();
    let mut next = move || bytes.next().unwrap_or_default();
    let way = Way::ALL[usize::from(next()) % Way::ALL.len()];
    let meant: Vec<Meant> = (0..=next() % 3).map(|number| Meant::new(number, &mut next)).collect();
    let pieces = way.pieces(&meant, &mut next);
    let sent = if next().is_multiple_of(2) {
        pieces.len()
    } else {
        usize::from(next()) % (pieces.len() + 1)
    };
    let is_cut = sent < pieces.len();
    let mut stream: Vec<Value> = pieces[..sent]
        .iter()
        .map(|piece| chunk(json!({"tool_calls": [piece]}), Value::Null))
        .collect();
    if !is_cut {
        stream.push(chunk(json!({}), "tool_calls".into()));
    }
    let carried_out = carried_out(&stream);
    for (name, arguments) in &carried_out {
        let is_meant = |one: &Meant| one.name == *name && one.value() == *arguments;
        assert!(
            meant.iter().any(is_meant),
            "{way:?}: {name} {arguments:?} of {meant:?}: {stream:?}"
        );
    }
    if !is_cut {
        assert_eq!(carried_out.len(), meant.len(), "{way:?}: {meant:?}: {stream:?}");
    }
}

/// A chunk of a stream.
fn chunk(delta: Value, reason: Value) -> Value {
    json!({"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]})
}

/// The calls that are carried out after a stream of these chunks: with their arguments.
fn carried_out(chunks: &[Value]) -> Vec<(String, Map<String, Value>)> {
    let (answers, end) = read(chunks);
    if end != (ReplyEnd::Stream { done: true }) || !answers.is_ended() {
        return Vec::new();
    }
    let calls = answers.calls();
    let mut ids: Vec<&str> = calls.iter().map(|call| call.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), calls.len(), "an id stands twice: {calls:?}");
    assert!(calls.iter().all(|call| !call.name.is_empty() && !call.id.is_empty()), "{calls:?}");
    let run = calls.into_iter().filter_map(|call| Some((call.name.clone(), call.parsed().ok()?)));
    run.collect()
}

fn read(chunks: &[Value]) -> (Answers, ReplyEnd) {
    let mut reader = ChatReader::new(AskedFor::default(), "text/event-stream");
    let (mut answers, mut shown) = (Answers::new(1), VisibleText::default());
    let mut each = |event: ChatEvent<'_>| answers.take(event, &mut shown);
    for chunk in chunks {
        reader.push(format!("data: {chunk}\n\n").as_bytes(), &mut each);
    }
    reader.push(b"data: [DONE]\n\n", &mut each);
    let end = reader.finish(&mut each);
    (answers, end)
}

/// A call that the model means.
#[derive(Debug)]
struct Meant {
    name: String,
    id: String,
    arguments: String,
}

impl Meant {
    fn new(number: u8, next: &mut dyn FnMut() -> u8) -> Self {
        const ARGUMENTS: [&str; 5] = [
            "{\"城市\":\"上海\"}",
            "{\"a\":{\"b\":[1,{}]},\"c\":\"}\"}",
            "{\"q\":\"\\\"{\"}",
            "{\"x\": 1}",
            "{ \"路径\" : \"/tmp/你好.txt\" , \"n\" : [ ] }",
        ];
        let name = ["查", "算"][usize::from(next()) % 2].to_owned();
        // Each has other arguments, so that they are told apart.
        let own = ARGUMENTS[usize::from(next()) % ARGUMENTS.len()];
        let arguments = format!("{{\"号\":{number},{}", &own[1..]);
        Self { name, id: format!("call_{number}"), arguments }
    }

    fn value(&self) -> Map<String, Value> {
        serde_json::from_str(&self.arguments).expect("it is an object")
    }

    /// The arguments in pieces of some characters.
    fn cut(&self, next: &mut dyn FnMut() -> u8) -> Vec<String> {
        let (mut pieces, mut rest) = (Vec::new(), self.arguments.as_str());
        while !rest.is_empty() {
            let length = rest.char_indices().nth(usize::from(next() % 9) + 1);
            let (piece, behind) = rest.split_at(length.map_or(rest.len(), |(at, _)| at));
            pieces.push(piece.to_owned());
            rest = behind;
        }
        pieces
    }
}

/// How a service tells which call a piece belongs to.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    /// By a number; the id stands in the first piece.
    Numbered,
    /// By the id alone.
    Identified,
    /// By the id, and all have the number 0.
    AllZero,
    /// By the id, and the number is another one in each piece.
    WanderingNumber,
    /// By the number, and the id is a new one in each piece.
    WanderingId,
    /// By nothing: one call comes after the other.
    InTurn,
    /// By nothing, and both are new in each piece.
    AllNew,
    /// By the id and the name, which each piece has.
    NamedAgain,
    /// By nothing: the head is at one number, what follows at the next.
    Shifted,
}

impl Way {
    const ALL: [Way; 9] = [
        Way::Numbered,
        Way::Identified,
        Way::AllZero,
        Way::WanderingNumber,
        Way::WanderingId,
        Way::InTurn,
        Way::AllNew,
        Way::NamedAgain,
        Way::Shifted,
    ];

    /// Whether pieces of several calls can come in turns.
    fn can_alternate(self) -> bool {
        !matches!(self, Way::InTurn | Way::AllNew | Way::Shifted)
    }

    fn pieces(self, meant: &[Meant], next: &mut dyn FnMut() -> u8) -> Vec<Value> {
        let mut waiting: Vec<(usize, std::vec::IntoIter<String>)> = Vec::new();
        let mut pieces = Vec::new();
        let mut begun = 0;
        loop {
            waiting.retain(|(_, rest)| rest.len() > 0);
            let begins = begun < meant.len() && (waiting.is_empty() || next().is_multiple_of(3));
            if begins && (self.can_alternate() || waiting.is_empty()) {
                pieces.push(self.piece(begun, &meant[begun], "", true, pieces.len()));
                waiting.push((begun, meant[begun].cut(next).into_iter()));
                begun += 1;
            } else if let Some(at) = usize::from(next()).checked_rem(waiting.len()) {
                let (number, rest) = &mut waiting[at];
                let text = rest.next().expect("what is empty was taken away");
                pieces.push(self.piece(*number, &meant[*number], &text, false, pieces.len()));
            } else if begun == meant.len() {
                return pieces;
            }
        }
    }

    fn piece(self, number: usize, call: &Meant, text: &str, is_head: bool, sent: usize) -> Value {
        let new = format!("new_{sent}");
        let (index, id) = match self {
            Way::Numbered => (json!(number), is_head.then_some(&call.id)),
            Way::Identified => (Value::Null, Some(&call.id)),
            Way::AllZero | Way::NamedAgain => (json!(0), Some(&call.id)),
            Way::WanderingNumber => (json!(sent), Some(&call.id)),
            Way::WanderingId => (json!(number), Some(&new)),
            Way::InTurn => (Value::Null, None),
            Way::AllNew => (json!(sent), Some(&new)),
            Way::Shifted => (json!(number + usize::from(!is_head)), is_head.then_some(&call.id)),
        };
        let name = (is_head || self == Way::NamedAgain).then_some(&call.name);
        json!({"index": index, "id": id, "function": {"name": name, "arguments": text}})
    }
}

/// The words for the end of an answer: a word means the same wherever it stands and however it is
/// written, a bad one is never taken for a good end, and an answer without one has not ended.
pub fn finishes(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    for word in text.split(['\n', '"']).filter(|word| !word.is_empty()).take(16) {
        let of = |choice: Value| Ending::of(&choice);
        let own = of(json!({"finish_reason": word}));
        let native = of(json!({"finish_reason": "stop", "native_finish_reason": word}));
        let alone = of(json!({"finish_reason": null, "native_finish_reason": word}));
        if own.is_bad() {
            assert!(native == own && alone == own, "{word}: {own:?} {native:?} {alone:?}");
        } else {
            assert!(!native.is_bad() && !alone.is_bad(), "{word}: {own:?} {native:?} {alone:?}");
            assert!(!alone.is_ended, "{word}");
        }
        let written = [word.to_ascii_uppercase(), word.to_ascii_lowercase(), format!(" {word} ")];
        for again in written {
            let again = of(json!({"finish_reason": again}));
            assert_eq!((again.verdict, again.has_failed), (own.verdict.clone(), own.has_failed));
        }
    }
    assert!(!Ending::of(&json!({"finish_reason": ""})).is_ended);
}

/// What became of an answer.
#[derive(Debug, PartialEq)]
struct Ending {
    verdict: String,
    has_failed: bool,
    is_ended: bool,
}

impl Ending {
    /// That of a stream whose last choice has these fields.
    fn of(last: &Value) -> Self {
        let mut choice = json!({"index": 0, "delta": {}});
        let fields = last.as_object().cloned().unwrap_or_default();
        choice.as_object_mut().expect("an object").extend(fields);
        let text = chunk(json!({"content": "好"}), Value::Null);
        let (answers, _) = read(&[text, json!({"choices": [choice]})]);
        Self {
            verdict: format!("{:?}", answers.verdict()),
            has_failed: answers.failure().is_some(),
            is_ended: answers.is_ended(),
        }
    }

    fn is_bad(&self) -> bool {
        self.has_failed || self.verdict != format!("{:?}", ReplyVerdict::Done)
    }
}
