//! The events of a stream, or a whole reply, as [`ChatEvent`]s.

use serde_json::Value;

use super::ending;
use super::open::TextKind;
use super::output::{Each, Given, Output, cite, cite_note};
use super::piece::{Piece, Place};
use super::template::Template;
use crate::dialect::chat_dialect::{AskedFor, ReadEvents, Seen};
use crate::dialect::event::{ChatEvent, Finish};
use crate::http::fault;
use crate::http::sse::Event;
use crate::json_repair::JsonRepair;

/// Reads the events of a stream, or a whole reply.
#[derive(Debug)]
pub(super) struct Events {
    asked: AskedFor,
    template: Template,
    /// The text that the template's event belongs to.
    learned: Option<Given>,
    repair: JsonRepair,
    output: Output,
}

impl Events {
    pub(super) fn new(asked: AskedFor) -> Self {
        let template = Template::default();
        let (repair, output) = (JsonRepair::default(), Output::default());
        Self { asked, template, learned: None, repair, output }
    }
}

impl ReadEvents for Events {
    fn event(&mut self, event: Event<'_>, seen: &mut Seen, each: &mut dyn FnMut(ChatEvent<'_>)) {
        // What stands behind the end belongs to no answer.
        if seen.is_done || seen.is_cut {
            return;
        }
        let data = event.data.trim_ascii();
        if let Some((kind, text)) = self.template.text(data) {
            return match self.output.given().filter(|given| self.learned == Some(*given)) {
                Some(given) => self.output.go_on(given, &text, each),
                None => self.output.text(kind, self.template.place(), &text, each),
            };
        }
        if let Some(piece) = Piece::read(data)
            && self.piece(data, &piece, each)
        {
            return;
        }
        if data.starts_with(b"[DONE]") {
            return self.close(seen, each);
        }
        let is_error = event.event == b"error";
        let value = serde_json::from_slice(data).ok();
        let value: Option<Value> =
            value.or_else(|| serde_json::from_slice(&self.repair.mend(data)?).ok());
        match value {
            Some(value) => {
                self.take(&value, seen, each);
                if is_error && seen.fault.is_none() {
                    seen.fault = Some(fault::read(data));
                }
            }
            None if is_error || data.starts_with(b"{\"error\"") => {
                seen.fault.get_or_insert_with(|| fault::read(data));
            }
            None if data.starts_with(b"{") && seen.unreadable.is_none() => {
                seen.unreadable = Some("it holds an event that is not JSON".to_owned());
            }
            None => {}
        }
    }

    fn document(
        &mut self,
        body: &[u8],
        seen: &mut Seen,
        each: &mut dyn FnMut(ChatEvent<'_>),
    ) -> bool {
        let value = serde_json::from_slice(body).ok();
        let value: Option<Value> =
            value.or_else(|| serde_json::from_slice(&self.repair.mend(body)?).ok());
        match &value {
            Some(value) if value.get("output").is_some_and(Value::is_array) => {
                self.end(value, "", seen, each);
            }
            Some(value) => {
                seen.fault = ending::failure(value, "").or_else(|| fault::in_reply(value));
            }
            None => {}
        }
        value.is_some()
    }

    fn close(&mut self, seen: &mut Seen, each: &mut dyn FnMut(ChatEvent<'_>)) {
        if seen.is_done || seen.is_cut {
            return;
        }
        // All items came to their end: what is missing is the frame around them.
        if self.output.is_done() && seen.fault.is_none() {
            self.output.seal(self.asked.keeps_thinking, each);
            each(ChatEvent::Finish { index: 0, finish: Finish::Done, word: "done" });
            seen.is_done = true;
        } else {
            seen.is_cut = true;
        }
    }
}

impl Events {
    /// A piece of text. False if it is one of something else.
    fn piece(&mut self, data: &[u8], piece: &Piece<'_>, each: Each<'_>) -> bool {
        let kind = match &*piece.kind {
            "response.output_text.delta" => TextKind::Answer,
            "response.refusal.delta" => TextKind::Refusal,
            "response.reasoning_text.delta" | "response.reasoning.delta" => TextKind::Thinking,
            "response.reasoning_summary_text.delta" | "response.reasoning_summary.delta" => {
                TextKind::Summary
            }
            "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta" => {
                self.output.arguments(piece.place(), &piece.delta, each);
                return true;
            }
            _ => return false,
        };
        self.template.learn(data, kind, piece.place(), &piece.delta);
        self.output.text(kind, piece.place(), &piece.delta, each);
        self.learned = self.output.given();
        true
    }

    /// Any other event.
    fn take(&mut self, event: &Value, seen: &mut Seen, each: Each<'_>) {
        let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
        let number = |name: &str| event.get(name).and_then(Value::as_u64);
        let place = Place {
            index: number("output_index"),
            id: text("item_id"),
            part: number("content_index").or(number("summary_index")).unwrap_or_default(),
        };
        let item = event.get("item").unwrap_or(&Value::Null);
        let response = event.get("response").filter(|response| response.is_object());
        if let Some(model) = response.and_then(|response| response.get("model")?.as_str())
            && seen.replied.is_none()
        {
            seen.replied = Some(model.to_owned());
        }
        match text("type") {
            "response.output_item.added" => {
                self.output.begin(place, item, each);
            }
            "response.output_item.done" => self.output.end_item(place, item, each),
            "response.output_text.done" => {
                self.output.whole_text(TextKind::Answer, place, text("text"), each);
            }
            "response.refusal.done" => {
                self.output.whole_text(TextKind::Refusal, place, text("refusal"), each);
            }
            "response.output_text.annotation.added" => {
                cite_note(event.get("annotation").unwrap_or(&Value::Null), each);
            }
            "response.function_call_arguments.done" => {
                self.output.whole_arguments(place, text("arguments"), each);
            }
            "response.custom_tool_call_input.done" => {
                self.output.whole_arguments(place, text("input"), each);
            }
            "response.done" => self.end(response.unwrap_or(event), "", seen, each),
            "response.completed"
            | "response.incomplete"
            | "response.failed"
            | "response.cancelled" => {
                let status = text("type").trim_start_matches("response.");
                self.end(response.unwrap_or(event), status, seen, each);
            }
            kind if kind.starts_with("response.") => {}
            _ => {
                if seen.fault.is_none() {
                    seen.fault = fault::in_reply(event);
                }
            }
        }
    }

    /// The reply came to its end, which the event calls `event`.
    fn end(&mut self, response: &Value, event: &str, seen: &mut Seen, each: Each<'_>) {
        let (finish, word) = ending::of(response, event, self.asked.limit);
        if seen.replied.is_none() {
            seen.replied = response.get("model").and_then(Value::as_str).map(str::to_owned);
        }
        let items = response.get("output").and_then(Value::as_array);
        self.output.settle(items.map(Vec::as_slice).unwrap_or_default(), each);
        self.output.seal(self.asked.keeps_thinking, each);
        // Gateways put the lists of other services beside the items.
        cite(response, each);
        if let Some(usage) = ending::usage(response) {
            each(ChatEvent::Usage(&usage));
        }
        seen.fault = seen.fault.take().or_else(|| ending::failure(response, event));
        each(ChatEvent::Finish { index: 0, finish, word: &word });
        seen.is_done = true;
    }
}
