//! Addresses among what goes along with a question: fetched before it is sent.

use super::question::Question;
use crate::error::Failure;
use crate::exchange::Exchange;
use crate::http::request::{Url, shown};
use crate::input::{self, InputItem, PromptInput};
use crate::io::Io;

/// The most that an address may give, in bytes: it is kept in memory.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// Refuses addresses where nothing may be fetched.
///
/// # Errors
/// Exit 2: what an address holds is known only when it is fetched.
pub(super) fn refuse(given: &PromptInput) -> Result<(), Failure> {
    let Some(url) = given.address() else { return Ok(()) };
    let what = format!("a dry run fetches nothing, so what {} contains is not known", shown(url));
    Err(Failure::usage(what).hint("save it to a file and attach that"))
}

/// Puts what the addresses hold in their places.
///
/// # Errors
/// Those of fetching, and content that can't go into a request to this service.
pub(super) async fn fetch_all(
    question: &mut Question,
    exchange: &mut Exchange,
    io: &Io,
) -> Result<(), Failure> {
    for index in 0..question.given.items.len() {
        if let InputItem::Address(url) = question.given.items[index].clone() {
            let bytes = fetch(&url, exchange, io).await?;
            question.put(index, input::fetched_item(&url, bytes, io)?, &exchange.provider)?;
        }
    }
    Ok(())
}

/// What an address holds.
async fn fetch(url: &Url, exchange: &mut Exchange, io: &Io) -> Result<Vec<u8>, Failure> {
    exchange.fetch(url, MAX_BYTES, io).await?.ok_or_else(|| {
        let what = format!("{} is larger than {} MiB", shown(url), MAX_BYTES >> 20);
        Failure::usage(what).hint("save it to a file and attach that")
    })
}
