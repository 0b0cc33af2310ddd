//! The chunks of a stream, or a whole reply, as [`ChatEvent`]s.

use serde_json::Value;

use super::template::Template;
use super::view::{self, Before};
use crate::dialect::chat_dialect::{ReadEvents, Seen};
use crate::dialect::event::ChatEvent;
use crate::http::fault;
use crate::http::sse::Event;
use crate::json_repair::JsonRepair;

/// Reads the chunks of a stream, or a whole reply.
#[derive(Debug, Default)]
pub(super) struct Events {
    template: Template,
    repair: JsonRepair,
    before: Before,
}

impl ReadEvents for Events {
    fn event(&mut self, event: Event<'_>, seen: &mut Seen, each: &mut dyn FnMut(ChatEvent<'_>)) {
        // What stands behind the end belongs to no answer.
        if seen.is_done {
            return;
        }
        let data = event.data.trim_ascii();
        if event.event.is_empty()
            && let Some(text) = self.template.text(data)
        {
            if !text.is_empty() {
                each(ChatEvent::Text {
                    index: self.template.index,
                    text: &text,
                    is_thought: false,
                });
            }
            return;
        }
        // By its beginning, as the official SDKs do.
        if data.starts_with(b"[DONE]") {
            seen.is_done = true;
            return;
        }
        let is_error = event.event == b"error";
        match self.value(data) {
            Some(value) => {
                self.take(&value, Some(data), seen, each);
                if is_error && seen.fault.is_none() {
                    seen.fault = Some(fault::read(data));
                }
            }
            // transformers serve writes its errors without escaping what they quote.
            None if is_error || data.starts_with(b"{\"error\"") => {
                seen.fault.get_or_insert_with(|| fault::read(data));
            }
            None if data.starts_with(b"{") && seen.unreadable.is_none() => {
                seen.unreadable = Some("it holds a piece that is not JSON".to_owned());
            }
            // `data: ping` and the like.
            None => {}
        }
    }

    fn document(
        &mut self,
        body: &[u8],
        seen: &mut Seen,
        each: &mut dyn FnMut(ChatEvent<'_>),
    ) -> bool {
        let value = self.value(body);
        if let Some(value) = &value {
            self.take(value, None, seen, each);
        }
        value.is_some()
    }
}

impl Events {
    fn value(&mut self, data: &[u8]) -> Option<Value> {
        let parsed = serde_json::from_slice(data).ok();
        parsed.or_else(|| serde_json::from_slice(&self.repair.mend(data)?).ok())
    }

    /// Gives a value's events on, and remembers the error that it may carry. `chunk` is the value's
    /// text, if more of its kind may follow.
    fn take(
        &mut self,
        value: &Value,
        chunk: Option<&[u8]>,
        seen: &mut Seen,
        each: &mut dyn FnMut(ChatEvent<'_>),
    ) {
        if seen.replied.is_none() {
            seen.replied = view::replied(value);
        }
        let mut count = 0;
        let mut only_text = None;
        view::events(value, &mut self.before, &mut |event| {
            count += 1;
            if let ChatEvent::Text { index, text, is_thought: false } = event {
                only_text = Some((index, text));
            }
            each(event);
        });
        seen.owes_reason |= self.before.has_reason_field;
        if seen.fault.is_none() {
            seen.fault = fault::in_reply(value);
        }
        if let (Some((index, text)), 1, Some(chunk), None) = (only_text, count, chunk, &seen.fault)
        {
            self.template.learn(chunk, index, text);
        }
    }
}
