//! One row on its way to its answer: asked, and asked once more where the answer does not fit its schema.

use std::sync::{Arc, Mutex, PoisonError};

use super::outcome::{RowError, RowOutcome};
use super::reply::{AnswerWish, ReadReply};
use super::request::{MadeRequest, RowRequests};
use super::template::RowQuestion;
use crate::command::chat::{Question, SilentCuts};
use crate::command::spent;
use crate::conversation::{Message, ModelReply};
use crate::dialect::schema::correction;
use crate::error::Failure;
use crate::exchange::{Draft, Exchange, Operation, ReadError, Reply};
use crate::input::InputItem;
use crate::io::{Io, Stderr};
use crate::provider::Provider;

/// Asks for rows; shared by all that are asked at a time.
pub(super) struct RowAsker {
    requests: RowRequests,
    pub(super) wish: AnswerWish,
    stderr: Stderr,
    /// Warnings that were given.
    warned: Mutex<Vec<String>>,
}

/// A row that is to be asked.
#[derive(Debug)]
pub(super) struct RowTask {
    pub(super) question: RowQuestion,
    /// What goes along with it.
    pub(super) items: Vec<InputItem>,
}

impl RowAsker {
    /// Asks in this way.
    pub(super) fn new(requests: RowRequests, wish: AnswerWish, io: &Io) -> Self {
        Self { requests, wish, stderr: io.stderr.clone(), warned: Mutex::default() }
    }

    /// Asks for a row. A refusal of the row alone is an outcome.
    ///
    /// # Errors
    /// What failed, where the service gave no reply that is one.
    pub(super) async fn ask(
        &self,
        task: &RowTask,
        exchange: &mut Exchange,
    ) -> Result<RowOutcome, Failure> {
        let provider = Arc::clone(&exchange.provider);
        let form = match task.items.is_empty() {
            true => RequestForm::Filled(self.requests.made()),
            false => {
                let items = task.items.clone();
                match self.requests.question(&task.question, items, &provider) {
                    Ok(question) => RequestForm::Own(Box::new(question)),
                    // An attachment that the service does not take is the row's own fault.
                    Err(failure) => return Ok(RowOutcome::failed(RowError::of(&failure))),
                }
            }
        };
        let mut operation = AskRow { asker: self, task, form };
        let first = exchange.ask(&mut operation).await?;
        let misfit = match first.outcome(&self.wish, &provider.name) {
            Ok(outcome) => return Ok(outcome.of_limited(task.question.limits_length())),
            Err(misfit) => misfit,
        };
        if !misfit.is_whole {
            return Ok(first.unfit(&misfit, &provider.name));
        }
        operation.correct(&first.text, &misfit.why, &provider)?;
        let second = exchange.ask(&mut operation).await?;
        let second = second.behind(&first);
        let outcome = second.outcome(&self.wish, &provider.name);
        Ok(outcome.unwrap_or_else(|misfit| second.unfit(&misfit, &provider.name)))
    }

    /// Gives a warning once.
    fn warn(&self, text: String) {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        if !warned.contains(&text) {
            self.stderr.warn(&text);
            warned.push(text);
        }
    }
}

/// In what form a row's request is at hand.
enum RequestForm {
    /// The request with marks, which the row's texts fill.
    Filled(Arc<MadeRequest>),
    /// A question of the row's own.
    Own(Box<Question>),
}

/// A row's request.
struct AskRow<'a> {
    asker: &'a RowAsker,
    task: &'a RowTask,
    form: RequestForm,
}

impl AskRow<'_> {
    /// Asks again, behind the answer that does not fit.
    fn correct(&mut self, answer: &str, why: &str, provider: &Provider) -> Result<(), Failure> {
        if matches!(self.form, RequestForm::Filled(_)) {
            let requests = &self.asker.requests;
            let question = requests.question(&self.task.question, Vec::new(), provider)?;
            self.form = RequestForm::Own(Box::new(question));
        }
        if let RequestForm::Own(question) = &mut self.form {
            // Services refuse a message without any text.
            if !answer.trim().is_empty() {
                let reply = ModelReply { text: answer.to_owned(), ..ModelReply::default() };
                question.go_on(Message::Model { reply, provider: provider.name.clone() });
            }
            question.go_on(Message::of_user(correction(why)));
        }
        Ok(())
    }
}

impl Operation for AskRow<'_> {
    type Output = ReadReply;

    fn request(&mut self, provider: &Provider) -> Result<Draft, Failure> {
        match &mut self.form {
            RequestForm::Filled(made) => Ok(made.fill(&self.task.question)),
            RequestForm::Own(question) => {
                let draft = question.draft(provider, &mut SilentCuts::default());
                let untold = question.take_untold();
                untold.into_iter().for_each(|warning| self.asker.warn(warning));
                Ok(draft)
            }
        }
    }

    fn changes_request(&mut self, failure: &Failure, provider: &Provider) -> bool {
        let requests = &self.asker.requests;
        let warnings = match &mut self.form {
            RequestForm::Filled(made) => {
                let Some(warnings) = requests.changes(made.generation, failure, provider) else {
                    return false;
                };
                *made = requests.made();
                warnings
            }
            RequestForm::Own(question) => {
                let Some(way) = question.take_way_out(failure, provider) else { return false };
                requests.learn(question, provider);
                vec![way.warning(&question.first.model, provider)]
            }
        };
        warnings.into_iter().for_each(|warning| self.asker.warn(warning));
        true
    }

    fn reword(&self, failure: Failure, provider: &Provider) -> Failure {
        match &self.form {
            RequestForm::Filled(_) => self.asker.requests.named(failure, provider),
            RequestForm::Own(question) => {
                crate::command::chat::lack_named(failure, question, provider)
            }
        }
    }

    async fn read(&mut self, reply: &mut Reply<'_>) -> Result<ReadReply, ReadError> {
        let body = reply.whole().await?;
        let wish = &self.asker.wish;
        let reader = match &self.form {
            RequestForm::Filled(_) => self.asker.requests.reader(reply.content_type()),
            RequestForm::Own(question) => question.reader(reply.content_type()),
        };
        let mut read = ReadReply::read(&body, reader, wish, &reply.exchange().provider)?;
        read.spent = reply.exchange().spend(spent::of_usage(read.usage.as_ref()));
        if wish.keeps_replies {
            read.keep(reply.status(), reply.request_id(), &body);
        }
        Ok(read)
    }
}
