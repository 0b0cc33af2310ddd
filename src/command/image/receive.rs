//! Reads a reply: its pictures go to their places while it arrives, the rest is understood at the end.

use serde_json::Value;

use super::places::{Picture, Places};
use super::waiting;
use crate::api::image::reply;
use crate::api::image::scan::{Piece, Scanner};
use crate::command::online::Online;
use crate::error::{Failure, Kind, Retry};
use crate::http::client::Response;
use crate::http::request::Request;
use crate::http::{Service, fault, refusal};
use crate::output::progress::Progress;

/// A reply may be this large, in bytes: no service sends more, and a disk can be filled.
const LARGEST: usize = 512 * 1024 * 1024;

/// A reply that carries no error.
pub(super) struct Received {
    /// The reply, with marks in the places of the pictures that were taken out.
    pub(super) reply: Value,
    pub(super) entries: Vec<reply::Entry>,
    /// The pictures that were taken out.
    pub(super) taken: Vec<Option<Picture>>,
}

/// Sends the request and reads the reply.
///
/// # Errors
/// Those of the exchange, an error that the reply carries, a reply that is no list of pictures.
pub(super) async fn receive(
    request: &Request,
    places: &mut Places,
    verbose: bool,
    online: &mut Online,
) -> Result<Received, Failure> {
    let mut reply = send(request, verbose, online).await?;
    let id = reply.request_id().map(str::to_owned);
    let mut scanner = Scanner::default();
    let mut taken: Vec<Option<Picture>> = Vec::new();
    let bar = receiving(&reply, verbose, online);
    let mut length = 0;
    let read = loop {
        let bytes = match reply.chunk(&mut online.client).await {
            Ok(Some(bytes)) => bytes,
            Ok(None) => break Ok(()),
            Err(failure) => break Err(failure),
        };
        length += bytes.len();
        if length > LARGEST {
            let what = format!("the answer of {} is larger than 512 MiB", online.provider.name);
            break Err(Failure::new(Kind::Network, what));
        }
        if let Some(bar) = &bar {
            bar.add(bytes.len() as u64);
        }
        let scanned = scanner.push(&bytes, &mut |piece| {
            match (piece, taken.last_mut().and_then(Option::as_mut)) {
                (Piece::Begin, _) => taken.push(Some(places.picture(taken.len())?)),
                (Piece::Bytes(bytes), Some(picture)) => picture.write(bytes)?,
                (Piece::End { whole }, Some(picture)) => picture.is_decoded = whole,
                (_, None) => {}
            }
            Ok(())
        });
        if let Err(failure) = scanned {
            break Err(failure);
        }
    };
    if let Some(bar) = bar {
        bar.done();
    }
    read?;
    let service = &online.client.service;
    let value = scanner.finish();
    let value = understood(value, scanner.rest(), id.as_deref(), request, service)?;
    let entries = reply::entries(&value).ok_or_else(|| no_list(scanner.rest(), service))?;
    if entries.is_empty() {
        let message = format!("the reply of {} has no picture", service.name);
        return Err(Failure::new(Kind::Refused, message).hint("--json prints the reply as it came"));
    }
    Ok(Received { reply: value, entries, taken })
}

/// Sends the request and gives the reply's bytes, as they are.
///
/// # Errors
/// As [`receive`].
pub(super) async fn whole(
    request: &Request,
    verbose: bool,
    online: &mut Online,
) -> Result<Vec<u8>, Failure> {
    let reply = send(request, verbose, online).await?;
    let id = reply.request_id().map(str::to_owned);
    let body = reply.whole_media(&mut online.client).await?;
    let value = serde_json::from_slice(&body);
    let service = &online.client.service;
    understood(value, &body, id.as_deref(), request, service)?;
    Ok(body)
}

async fn send(request: &Request, verbose: bool, online: &mut Online) -> Result<Response, Failure> {
    let bar = waiting(request, verbose, online);
    let sent = online.client.send(request, &online.io.voice).await;
    online.client.on_sent = None;
    if let Some(bar) = bar {
        bar.done();
    }
    sent
}

fn receiving(reply: &Response, verbose: bool, online: &Online) -> Option<Progress> {
    let total = reply.header("content-length").and_then(|length| length.parse().ok());
    (!verbose).then(|| Progress::bytes("receiving", total, &online.io))
}

/// The reply as JSON that carries no error.
fn understood(
    value: serde_json::Result<Value>,
    body: &[u8],
    id: Option<&str>,
    request: &Request,
    service: &Service,
) -> Result<Value, Failure> {
    let name = &service.name;
    if body.trim_ascii().is_empty() {
        return Err(Failure::new(Kind::Refused, format!("the reply of {name} is empty")));
    }
    let value = value.map_err(|error| {
        if error.is_eof() {
            let message = format!("the answer of {name} broke off before its end");
            return Failure::new(Kind::Network, message).retry(Retry::default());
        }
        no_list(body, service)
    })?;
    match fault::in_reply(&value) {
        Some(fault) => Err(refusal::carried(&fault, id, &request.secrets(), service)),
        None => Ok(value),
    }
}

fn no_list(body: &[u8], service: &Service) -> Failure {
    let words = fault::read(body).message;
    let message = format!("the reply of {} is no list of pictures: {words}", service.name);
    Failure::new(Kind::Refused, message)
        .hint("is the base URL that of an API? `-v` shows the exchange")
}
