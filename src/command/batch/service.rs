//! The calls of a service's Batch API, over the one exchange.

use std::io::Write as _;
use std::path::Path;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::api::batch::job::{self, NewBatch};
use crate::api::batch::state::{self, BatchState};
use crate::error::{Failure, FailureClass, FailureKind, reason};
use crate::exchange::{Draft, Exchange, Operation, ReadError, Reply, ReplyWords};
use crate::http::bad_reply::BadReply;
use crate::http::form::{BytePiece, FormPart, PartContent};
use crate::http::request::{Body, Method, Request};
use crate::http::{fault, odd_json};
use crate::io::Io;
use crate::output::progress::Progress;
use crate::provider::Provider;
use crate::provider::batch_api::BatchApi;

/// The most pages of the service's list that are looked through for a batch of ours.
const MOST_PAGES: usize = 3;

/// The state of an uploaded file that can't be used yet, and how long it is waited for, in seconds.
const PENDING: &str = "pending";
const LOOKS: [u64; 5] = [1, 2, 5, 10, 20];

/// A service that takes batches.
pub(super) struct BatchService<'e> {
    pub(super) api: BatchApi,
    pub(super) exchange: &'e mut Exchange,
}

/// The Batch API of a service.
///
/// # Errors
/// Exit 2: it has none, or one of another form.
pub(super) fn api_of(provider: &Provider) -> Result<BatchApi, Failure> {
    use crate::provider::batch_api::BatchForm;
    let name = &provider.name;
    let hint =
        "`llm batch run` asks for every row here; `llm batch make` writes the requests to a file";
    let Some(api) = provider.batch_api() else {
        let what = format!("{name} has no Batch API that is known");
        let own = format!(
            "{hint}; a profile with `batch = {{ form = \"openai\" }}` says that there is one"
        );
        return Err(Failure::usage(what).hint(own));
    };
    match api.form {
        BatchForm::Anthropic => {
            let what = format!(
                "the batches of {name} take its own form of requests, which llm does not write"
            );
            Err(Failure::usage(what).hint(hint))
        }
        _ => Ok(api),
    }
}

impl BatchService<'_> {
    /// Uploads a file of requests from the disk; gives its id.
    ///
    /// # Errors
    /// Those of the exchange.
    pub(super) async fn upload(&mut self, path: &Path, io: &Io) -> Result<String, Failure> {
        let length = std::fs::metadata(path).map_err(|error| unreadable(path, &error))?.len();
        let piece = BytePiece::File { path: path.to_owned(), offset: 0, length };
        let parts = upload_parts(&self.api, piece);
        let path = self.api.upload.clone();
        let progress = Progress::bytes("uploading", Some(length), io);
        let mut call = Call::new("is not an uploaded file", state::file, move |provider| {
            provider.form_at(&path, parts.clone())
        });
        call.progress = Some(progress);
        let (id, mut status) = self.exchange.ask(&mut call).await?;
        // Azure looks at a file before a batch can be made of it.
        for wait in LOOKS.into_iter() {
            if status.as_deref() != Some(PENDING) {
                break;
            }
            self.exchange.wait(tokio::time::sleep(Duration::from_secs(wait))).await?;
            let path = job::file(&id);
            let mut call = Call::new("is not an uploaded file", state::file, move |provider| {
                provider.request_at(Method::Get, &path, Body::Empty)
            });
            status = self.exchange.ask(&mut call).await?.1;
        }
        Ok(id)
    }

    /// Makes a batch. It may be paid for each time, so nothing is sent twice where it may have been made.
    ///
    /// # Errors
    /// Those of the exchange.
    pub(super) async fn create(
        &mut self,
        new: &NewBatch<'_>,
        requests: Vec<Value>,
    ) -> Result<BatchState, Failure> {
        let (path, body) = (self.api.path(), Value::Object(self.api.create(new, requests)));
        let mut call = Call::new("is not a batch", state::read, move |provider| {
            provider.request_at(Method::Post, path, Body::Json(body.clone()))
        });
        call.is_charged = true;
        self.exchange.ask(&mut call).await
    }

    /// How far a batch is; what the service said of it as it came, too.
    ///
    /// # Errors
    /// Those of the exchange; exit 4 with its words where it was deleted.
    pub(super) async fn state(&mut self, id: &str) -> Result<(BatchState, Value), Failure> {
        let path = self.api.batch(id);
        let read = |value: &Value| Some((state::read(value)?, value.clone()));
        let mut call = Call::new("is not a batch", read, move |provider| {
            provider.request_at(Method::Get, &path, Body::Empty)
        });
        let result = self.exchange.ask(&mut call).await;
        result.map_err(|failure| self.gone(failure, &format!("the batch {id}")))
    }

    /// The batch of ours with this mark, if the service's list has it. A service without a list has none.
    ///
    /// # Errors
    /// Those of the exchange, but for a list that is not there.
    pub(super) async fn find(&mut self, mark: &str) -> Result<Option<BatchState>, Failure> {
        let mut after: Option<String> = None;
        for _ in 0..MOST_PAGES {
            let path = self.api.list(after.as_deref());
            let mut call = Call::new("is not a list of batches", state::list, move |provider| {
                provider.request_at(Method::Get, &path, Body::Empty)
            });
            let (batches, has_more) = match self.exchange.ask(&mut call).await {
                Ok(page) => page,
                Err(failure) if failure.kind == FailureKind::Refused => return Ok(None),
                Err(failure) => return Err(failure),
            };
            let last = batches.last().map(|batch| batch.id.clone());
            if let Some(found) =
                batches.into_iter().find(|batch| batch.mark.as_deref() == Some(mark))
            {
                return Ok(Some(found));
            }
            match last.filter(|_| has_more) {
                Some(last) => after = Some(last),
                None => break,
            }
        }
        Ok(None)
    }

    /// The path that stops a batch.
    ///
    /// # Errors
    /// Exit 2: the service has no call for it.
    pub(super) fn cancel_path(&self, id: &str) -> Result<String, Failure> {
        let name = &self.exchange.provider.name;
        let none = || Failure::usage(format!("{name} has no way to stop a batch"));
        self.api.cancel(id).ok_or_else(none)
    }

    /// Stops a batch.
    ///
    /// # Errors
    /// Those of the exchange; exit 2 where the service has no call for it.
    pub(super) async fn cancel(&mut self, id: &str) -> Result<(), Failure> {
        let path = self.cancel_path(id)?;
        self.plain(Method::Post, path)
            .await
            .map_err(|failure| self.gone(failure, &format!("the batch {id}")))
    }

    /// Whether a file is still there, as far as the service tells.
    ///
    /// # Errors
    /// Those of the exchange, but for a service that does not tell.
    pub(super) async fn has_file(&mut self, id: &str) -> Result<bool, Failure> {
        match self.plain(Method::Get, job::file(id)).await {
            Err(failure) if failure.kind == FailureKind::Refused => Ok(!is_absent(&failure)),
            result => result.map(|()| true),
        }
    }

    /// Removes a file from the service; false if it was not there any more.
    ///
    /// # Errors
    /// Those of the exchange.
    pub(super) async fn remove_file(&mut self, id: &str) -> Result<bool, Failure> {
        match self.plain(Method::Delete, job::file(id)).await {
            Ok(()) => Ok(true),
            Err(failure) if is_absent(&failure) => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    /// A call whose answer says nothing more than that it is done.
    async fn plain(&mut self, method: Method, path: String) -> Result<(), Failure> {
        let mut call = Call::new(
            "is not an answer",
            |_| Some(()),
            move |provider| provider.request_at(method, &path, Body::Empty),
        );
        call.may_be_empty = true;
        self.exchange.ask(&mut call).await
    }

    /// Writes the bytes of a file at the service behind those of `target`.
    ///
    /// # Errors
    /// Those of the exchange; exit 1 where the target can't be written.
    pub(super) async fn download(
        &mut self,
        id: &str,
        target: &mut std::fs::File,
        io: &Io,
    ) -> Result<(), Failure> {
        use std::io::Seek as _;
        let start = target.stream_position().map_err(|error| unwritable(&error))?;
        let progress = Progress::bytes("fetching", None, io);
        let mut call =
            Download { path: job::content(id), target, start, progress: progress.clone() };
        let result = self.exchange.ask(&mut call).await;
        progress.done();
        result.map_err(|failure| self.gone(failure, &format!("the results of the batch ({id})")))
    }

    /// Writes the pages of results behind those of `target`, a line each; false if it has none.
    ///
    /// # Errors
    /// As [`BatchService::download`].
    pub(super) async fn download_pages(
        &mut self,
        id: &str,
        target: &mut std::fs::File,
    ) -> Result<bool, Failure> {
        let mut page: Option<String> = None;
        loop {
            let Some(path) = self.api.results(id, page.as_deref()) else { return Ok(false) };
            let read = |value: &Value| {
                let (results, next) = state::page(value)?;
                Some((results.to_vec(), next.map(str::to_owned)))
            };
            let mut call = Call::new("is not a page of results", read, move |provider| {
                provider.request_at(Method::Get, &path, Body::Empty)
            });
            let (results, next) = self.exchange.ask(&mut call).await?;
            write_lines(&results, target)?;
            // A page that names itself would never end.
            if next.is_none() || next == page {
                return Ok(true);
            }
            page = next;
        }
    }

    /// In words that tell a batch or a file that is not there from an endpoint that is not.
    fn gone(&self, mut failure: Failure, what: &str) -> Failure {
        if is_absent(&failure) {
            let name = &self.exchange.provider.name;
            let words = failure.refused.as_ref().map(|refused| refused.words.clone());
            let words = words.filter(|words| !words.is_empty()).map(|words| format!(": {words}"));
            failure.message = format!("{name} does not have {what}{}", words.unwrap_or_default());
            failure.hint =
                Some("it may have been deleted, or belong to another account".to_owned());
        }
        failure
    }
}

/// The parts of the form that uploads a file of requests.
pub(super) fn upload_parts(api: &BatchApi, piece: BytePiece) -> Vec<FormPart> {
    let content = PartContent::File {
        filename: "requests.jsonl".to_owned(),
        content_type: "application/jsonl".to_owned(),
        pieces: vec![piece],
    };
    vec![FormPart::text("purpose", &api.purpose), FormPart { name: "file".to_owned(), content }]
}

/// Writes entries of a list, one a line.
///
/// # Errors
/// Exit 1: a full disk, say.
pub(super) fn write_lines(entries: &[Value], target: &mut std::fs::File) -> Result<(), Failure> {
    let mut bytes = Vec::new();
    for entry in entries {
        bytes.extend_from_slice(entry.to_string().as_bytes());
        bytes.push(b'\n');
    }
    target.write_all(&bytes).map_err(|error| unwritable(&error))
}

fn is_absent(failure: &Failure) -> bool {
    let refused = failure.refused.as_deref();
    refused.is_some_and(|refused| {
        matches!(refused.status, Some(404 | 410)) || refused.class == FailureClass::Endpoint
    })
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(FailureKind::Other, format!("cannot read {}: {}", path.display(), reason(error)))
}

fn unwritable(error: &std::io::Error) -> Failure {
    Failure::new(FailureKind::Other, format!("cannot keep the results: {}", reason(error)))
}

/// A call that is answered with JSON.
struct Call<T, R> {
    request: R,
    read: fn(&Value) -> Option<T>,
    lack: &'static str,
    is_charged: bool,
    may_be_empty: bool,
    progress: Option<Progress>,
}

impl<T, R: Fn(&Provider) -> Request> Call<T, R> {
    /// `lack` says what a reply is not that `read` makes nothing of.
    fn new(lack: &'static str, read: fn(&Value) -> Option<T>, request: R) -> Self {
        Self { request, read, lack, is_charged: false, may_be_empty: false, progress: None }
    }
}

impl<T: Send, R: Fn(&Provider) -> Request + Send> Operation for Call<T, R> {
    type Output = T;

    fn request(&mut self, provider: &Provider) -> Result<Draft, Failure> {
        let request = (self.request)(provider);
        Ok(if self.is_charged { Draft::charged(request) } else { request.into() })
    }

    fn words(&self) -> ReplyWords {
        ReplyWords::new("answer", self.lack)
    }

    fn sending(&mut self, _: &Request) -> Option<Progress> {
        self.progress.clone()
    }

    async fn read(&mut self, reply: &mut Reply<'_>) -> Result<T, ReadError> {
        let body = reply.whole().await?;
        let value = match body.is_empty() && self.may_be_empty {
            true => Some(Value::Object(Map::new())),
            false => odd_json::value(&body).ok(),
        };
        // A batch has fields of errors of its own, so it is looked for first.
        if let Some(found) = value.as_ref().and_then(self.read) {
            return Ok(found);
        }
        Err(match value.as_ref().and_then(fault::in_reply) {
            Some(fault) => BadReply::from(fault).into(),
            None => BadReply::of_body(&body).into(),
        })
    }
}

/// A file that is written while it comes.
struct Download<'t> {
    path: String,
    target: &'t mut std::fs::File,
    start: u64,
    progress: Progress,
}

impl Operation for Download<'_> {
    type Output = ();

    fn request(&mut self, provider: &Provider) -> Result<Draft, Failure> {
        Ok(provider.request_at(Method::Get, &self.path, Body::Empty).into())
    }

    async fn read(&mut self, reply: &mut Reply<'_>) -> Result<(), ReadError> {
        while let Some(bytes) = reply.chunk().await? {
            self.target.write_all(&bytes).map_err(|error| unwritable(&error))?;
            self.progress.add(bytes.len() as u64);
        }
        // Another file may follow it.
        self.target.write_all(b"\n").map_err(|error| unwritable(&error))?;
        Ok(())
    }

    fn begin_again(&mut self) {
        use std::io::{Seek as _, SeekFrom};
        // If this fails, the lines that came twice are told apart by what they hold.
        let _ = self.target.set_len(self.start);
        let _ = self.target.seek(SeekFrom::Start(self.start));
    }
}
