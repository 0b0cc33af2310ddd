//! A reply that calls tools, and what follows: the calls are carried out and the model is asked again
//! with their results. Knows neither how a tool runs nor how a reply is read.

use serde_json::{Map, Value, json};

use super::super::turn::Chat;
use crate::api::chat::calls::Call;
use crate::error::{Failure, Kind};
use crate::exchange::Exchange;
use crate::history;
use crate::http::request::Request;
use crate::io::Io;

/// What came before the reply at hand, in the same answer to the user.
#[derive(Debug, Default)]
pub(in super::super) struct Rounds {
    /// The messages of the rounds that are done, as the history keeps them.
    pub(in super::super) steps: Vec<Value>,
    /// Token counts of the replies of these rounds.
    pub(in super::super) spent: Option<Value>,
    /// How many rounds are done.
    pub(in super::super) done: u32,
    /// Something of an earlier reply was printed.
    pub(in super::super) is_touched: bool,
}

impl Rounds {
    /// The token counts of all replies, the last one's given.
    pub(in super::super) fn usage(&self, last: Option<&Value>) -> Option<Value> {
        match (&self.spent, last) {
            (Some(spent), Some(last)) => Some(sum(spent, last)),
            (spent, last) => spent.as_ref().or(last).cloned(),
        }
    }
}

/// Carries out the calls of the reply that just ended, and adds them and their results to the
/// request. False if there is nothing to do: the reply is the answer.
///
/// # Errors
/// Exit 4 after too many rounds; an interruption.
pub(in super::super) async fn carry_out(
    chat: &mut Chat,
    request: &mut Request,
    exchange: &mut Exchange,
    io: &mut Io,
) -> Result<bool, Failure> {
    let Some(tools) = chat.plan.tools.clone().filter(|_| !chat.plan.json) else {
        return Ok(false);
    };
    let calls = chat.answers.calls();
    if calls.is_empty() {
        return Ok(false);
    }
    chat.settle(io)?;
    if chat.rounds.done >= tools.most_rounds {
        let (name, rounds) = (&exchange.provider.name, tools.most_rounds);
        let times = if rounds == 1 { "round" } else { "rounds" };
        let what = format!("{name} still calls tools after {rounds} {times}");
        return Err(Failure::new(Kind::Refused, what).hint("--max-turns N allows more"));
    }
    let mut results = Vec::new();
    for call in &calls {
        let content = tools.answer(call, exchange, io).await?;
        results.push(json!({"role": "tool", "tool_call_id": call.id, "content": content}));
    }
    chat.rounds.spent = chat.rounds.usage(chat.answers.usage());
    let (text, thoughts) = chat.answers.take_kept().next().unwrap_or_default();
    let steps = std::iter::once(calling(&text, &thoughts, &calls)).chain(results);
    let echo = exchange.provider.echoes_reasoning();
    let messages = request.body.fields_mut().and_then(|fields| fields.get_mut("messages"));
    if let Some(messages) = messages.and_then(Value::as_array_mut) {
        for step in steps {
            messages.push(history::step_message(&step, echo));
            chat.rounds.steps.push(step);
        }
    }
    chat.rounds.done += 1;
    chat.renew();
    Ok(true)
}

/// The message in which the model called, as the history keeps it.
fn calling(text: &str, thoughts: &str, calls: &[Call]) -> Value {
    let calls: Vec<Value> = calls.iter().map(Call::sent_back).collect();
    // Never `null`, which chat templates of local servers stumble over.
    let mut step = json!({"role": "assistant", "content": text});
    if !thoughts.is_empty() {
        step["reasoning"] = thoughts.into();
    }
    step["tool_calls"] = calls.into();
    step
}

/// Two accounts of tokens as one: numbers are added, anything else is the later one's.
fn sum(first: &Value, second: &Value) -> Value {
    match (first, second) {
        (Value::Object(first), Value::Object(second)) => {
            let mut both: Map<String, Value> = first.clone();
            for (name, value) in second {
                let value = first.get(name).map_or_else(|| value.clone(), |old| sum(old, value));
                both.insert(name.clone(), value);
            }
            Value::Object(both)
        }
        (first, second) => match (first.as_u64(), second.as_u64()) {
            (Some(first), Some(second)) => first.saturating_add(second).into(),
            _ if second.is_null() => first.clone(),
            _ => second.clone(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_counts_are_added() {
        let first = json!({"prompt_tokens": 3, "details": {"cached": 1}, "only": 5, "note": "x"});
        let second = json!({"prompt_tokens": 4, "details": {"cached": 2, "more": 1}, "note": null});
        let both = json!({"prompt_tokens": 7, "details": {"cached": 3, "more": 1}, "only": 5, "note": "x"});
        assert_eq!(sum(&first, &second), both);
        let rounds = Rounds { spent: Some(first.clone()), ..Rounds::default() };
        assert_eq!(rounds.usage(Some(&second)), Some(both));
        assert_eq!(rounds.usage(None), Some(first));
        assert_eq!(Rounds::default().usage(None), None);
    }
}
