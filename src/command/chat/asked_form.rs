//! The form in which a question goes out now, and which other forms there are. Sends nothing.

use super::ways_out::WayOut;
use crate::conversation::{Message, ToolCall};
use crate::dialect::ServiceTraits;
use crate::dialect::schema::SchemaForm;
use crate::provider::{ChatApi, ToolSchemaForm};

/// What the user sets by `-O` or in the profile, so that no other form of it goes out.
#[derive(Debug, Clone, Copy)]
pub(super) struct FixedFields {
    pub(super) messages: bool,
    pub(super) response_format: bool,
}

/// The form in which a question goes out.
pub(super) struct AskedForm<'a> {
    pub(super) service: ServiceTraits<'a>,
    pub(super) api: ChatApi,
    pub(super) messages: &'a [Message],
    pub(super) instructions: Option<&'a str>,
    pub(super) has_schema: bool,
    pub(super) has_tools: bool,
    pub(super) wants_thinking: bool,
    /// The other endpoint can be asked.
    pub(super) may_leave: bool,
    pub(super) fixed: FixedFields,
}

impl AskedForm<'_> {
    /// Whether the question would go out in another form.
    pub(super) fn is_open(&self, way: WayOut) -> bool {
        let Self { service, fixed, .. } = self;
        let is_here = self.api == ChatApi::Responses;
        match way {
            WayOut::EchoThinking(_) => {
                let is_reply = |message: &Message| matches!(message, Message::Model { .. });
                service.echo_field.is_none() && self.messages.iter().any(is_reply)
            }
            WayOut::SystemInFront => {
                let tells_schema = self.has_schema && service.schema_form != SchemaForm::JsonSchema;
                let own = self.instructions.unwrap_or_default();
                let has_system = !own.is_empty() || tells_schema;
                !service.takes_no_system && !fixed.messages && has_system
            }
            // Messages of the user's are in one dialect.
            WayOut::Endpoint { .. } => self.may_leave && !fixed.messages,
            // The instructions are among the messages.
            WayOut::Schema(_) => self.has_schema && !fixed.response_format && !fixed.messages,
            WayOut::SignCalls => !service.signs_calls && self.calls().next().is_some(),
            WayOut::PlainSchemas => {
                self.has_tools && service.tool_schema == ToolSchemaForm::JsonSchema
            }
            WayOut::NoResultFiles(_) => {
                let passes = |call: &ToolCall| {
                    let mut files = call.files.iter().filter_map(|file| file.attachment.as_ref());
                    files.any(|file| service.result_files.pass(file, self.api))
                };
                !fixed.messages && self.calls().any(passes)
            }
            WayOut::NoSummary => is_here && service.responses.summary && self.wants_thinking,
            WayOut::NoEncrypted => is_here && service.responses.asks_encrypted,
            WayOut::NoThinking => {
                let is_sealed = |message: &Message| match message {
                    Message::Model { reply, .. } => reply.sealed.is_some(),
                    Message::User { .. } => false,
                };
                is_here && !service.responses.no_thinking && self.messages.iter().any(is_sealed)
            }
        }
    }

    fn calls(&self) -> impl Iterator<Item = &ToolCall> {
        self.messages.iter().flat_map(|message| match message {
            Message::Model { reply, .. } => reply.calls.as_slice(),
            Message::User { .. } => &[],
        })
    }
}
