//! The last part of a question: the pictures and sounds of its answer go to their files.

use super::made::MadeFiles;
use super::question::Question;
use super::turn::ChatTurn;
use crate::error::{Failure, FailureKind};
use crate::exchange::Exchange;
use crate::io::Io;

impl ChatTurn {
    /// Writes the pictures and sounds that came; of an answer that failed, the pictures that came whole.
    ///
    /// # Errors
    /// Those of `result`, else those of [`MadeFiles::give`].
    pub(super) async fn give_made(
        &mut self,
        result: Result<(), Failure>,
        question: &Question,
        exchange: &mut Exchange,
        io: &Io,
    ) -> Result<(), Failure> {
        let (first, name) = (&question.first, exchange.provider.name.clone());
        self.media.append(&mut self.answers.take_media());
        match &result {
            _ if self.plan.json => return result,
            Err(failure) if failure.is_silent() => return result,
            Err(failure) if failure.kind != FailureKind::Cut => {
                let media = std::mem::take(&mut self.media);
                MadeFiles::rescue(media, &first.title, &mut self.made, &name, io);
                return result;
            }
            _ => {}
        }
        let (media, made) = (std::mem::take(&mut self.media), &mut self.made);
        let (files, wanted) = (std::mem::take(&mut self.files), first.sound_format.as_deref());
        let given = files.give(media, wanted, &first.title, made, exchange, io).await;
        result.and(given)
    }
}
