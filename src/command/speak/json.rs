//! `--json`: the replies as they are.

use super::part::TextPart;
use super::plan::Plan;
use crate::api::speech::answer::SpeechReader;
use crate::error::{Failure, FailureKind};
use crate::exchange::{Draft, Exchange, Operation, ReadError, Reply, ReplyWords};
use crate::io::Io;
use crate::output::sink::Sink;
use crate::provider::Provider;

/// `--json`: the replies as they are, one after the other.
pub(super) async fn json(
    plan: Plan,
    mut sink: Sink,
    exchange: &mut Exchange,
    io: &mut Io,
) -> Result<(), Failure> {
    let is_several = plan.parts.len() > 1;
    for part in plan.parts {
        let mut reply = exchange.ask(&mut JsonPart(part)).await?;
        if (is_several || io.stdout_is_terminal) && !reply.ends_with(b"\n") {
            reply.push(b'\n');
        }
        sink.write(&reply, io)?;
    }
    sink.commit()
}

/// A part whose reply is wanted as it is, once it is known to be text that holds sound.
struct JsonPart(TextPart);

impl Operation for JsonPart {
    type Output = Vec<u8>;

    fn request(&mut self, provider: &Provider) -> Result<Draft, Failure> {
        self.0.draft(provider)
    }

    fn words(&self) -> ReplyWords {
        TextPart::words()
    }

    async fn read(&mut self, reply: &mut Reply<'_>) -> Result<Vec<u8>, ReadError> {
        let mut reader = SpeechReader::new(reply.content_type(), self.0.format);
        let body = reply.whole_media().await?;
        let mut sound = Vec::new();
        reader.push(body.clone().into(), &mut sound)?;
        reader.finish(&mut sound)?;
        if reader.is_bare() {
            let name = &reply.exchange().provider.name;
            let message = format!("{name} answers with the audio itself, not with JSON");
            let failure = Failure::new(FailureKind::Refused, message).hint("leave --json out");
            return Err(failure.into());
        }
        reply.exchange().spend(self.0.spent(reader.usage()));
        Ok(body)
    }
}
