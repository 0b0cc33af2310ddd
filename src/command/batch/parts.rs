//! The requests of all rows in files that a service takes: as many as its limits need.

use std::collections::HashSet;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::kept::{cannot_write, private_file};
use super::lines::{self, RowLine};
use super::request::RowRequests;
use super::setup::RowSetup;
use super::survey::RowSurvey;
use crate::api::about_tokens::about_tokens;
use crate::api::batch::line;
use crate::error::{Failure, FailureKind, reason};
use crate::io::Io;
use crate::output::kept::{file_key, key};
use crate::provider::batch_api::{BatchApi, BatchForm};

/// How much is written at once.
const WRITE_SIZE: usize = 256 * 1024;

/// So much of a hash tells batches apart.
const FINGERPRINT: usize = 16;

/// One file of requests.
#[derive(Debug, Clone)]
pub(super) struct RequestFile {
    pub(super) path: PathBuf,
    /// Its first row, from 1, and how many there are.
    pub(super) first: u64,
    pub(super) rows: u64,
    pub(super) bytes: u64,
}

impl RequestFile {
    /// The requests, for a service that takes them with the call.
    ///
    /// # Errors
    /// Exit 1: the file can't be read.
    pub(super) fn requests(&self) -> Result<Vec<Value>, Failure> {
        let text = std::fs::read_to_string(&self.path).map_err(|error| {
            let what = format!("cannot read {}: {}", self.path.display(), reason(&error));
            Failure::new(FailureKind::Other, what)
        })?;
        // We wrote them.
        Ok(text.split('\n').filter_map(|line| serde_json::from_str(line).ok()).collect())
    }
}

/// All files of a batch.
#[derive(Debug)]
pub(super) struct RequestFiles {
    pub(super) files: Vec<RequestFile>,
    /// The endpoint that all rows are for.
    pub(super) url: String,
    /// The model that all rows name.
    pub(super) model: String,
    pub(super) bytes: u64,
    /// About so many tokens.
    pub(super) tokens: u64,
}

impl RequestFiles {
    /// Writes the requests of all rows into files in `folder`, but for those that are done.
    ///
    /// # Errors
    /// Exit 2: a row that can't be asked or is larger than the service takes, rows that name several models
    /// where the service takes one. Exit 1: a full disk, say.
    pub(super) fn write(
        folder: &Path,
        api: &BatchApi,
        setup: &RowSetup,
        requests: &RowRequests,
        (survey, done): (&RowSurvey, &HashSet<u64>),
        io: &mut Io,
    ) -> Result<Self, Failure> {
        let mut writer = PartWriter::new(folder, api);
        lines::each(
            setup,
            requests,
            survey,
            io,
            &mut |row, _| match done.contains(&row.row.number) {
                true => Ok(()),
                false => writer.add(&row),
            },
        )?;
        writer.end()
    }

    /// What these requests are, asked of this service, as a hash.
    ///
    /// # Errors
    /// Exit 1: a file can't be read.
    pub(super) fn fingerprint(
        &self,
        base_url: &str,
        window: Option<&str>,
    ) -> Result<String, Failure> {
        let mut keys = vec![base_url.to_owned(), window.unwrap_or_default().to_owned()];
        for file in &self.files {
            keys.push(file_key(&file.path).map_err(|error| cannot_write(&file.path, &error))?);
        }
        let mut hash = key(&keys.iter().map(String::as_bytes).collect::<Vec<_>>());
        hash.truncate(FINGERPRINT);
        Ok(hash)
    }
}

struct PartWriter<'a> {
    folder: &'a Path,
    api: &'a BatchApi,
    current: Option<File>,
    out: Vec<u8>,
    files: Vec<RequestFile>,
    /// The model, and the row that names it.
    model: Option<(String, String)>,
    url: Option<String>,
    bytes: u64,
    tokens: u64,
}

impl<'a> PartWriter<'a> {
    fn new(folder: &'a Path, api: &'a BatchApi) -> Self {
        let (current, out, files, model) = (None, Vec::new(), Vec::new(), None);
        Self { folder, api, current, out, files, model, url: None, bytes: 0, tokens: 0 }
    }

    fn add(&mut self, row: &RowLine<'_>) -> Result<(), Failure> {
        self.check_model(row)?;
        self.note_url(row);
        let line = match self.api.form {
            BatchForm::Mistral | BatchForm::OpenRouter => {
                line::short_line(&row.custom_id, &row.body)
            }
            _ => line::line(&row.custom_id, &line::url_for(&self.api.url, &row.body), &row.body),
        };
        let length = line.len() as u64;
        if let Some(most) = self.api.most_bytes.filter(|most| length > *most) {
            let what = format!(
                "the request of {} has {length} bytes, the service takes {most} in a file",
                row.row.place()
            );
            return Err(Failure::usage(what));
        }
        let is_full = self.files.last().is_none_or(|file| {
            self.api.most_requests.is_some_and(|most| file.rows >= most)
                || self.api.most_bytes.is_some_and(|most| file.bytes + length > most)
        });
        if is_full {
            self.begin(row.row.number)?;
        }
        if let Some(file) = self.files.last_mut() {
            file.rows += 1;
            file.bytes += length;
        }
        self.bytes += length;
        self.tokens += about_tokens(&line);
        self.out.extend_from_slice(line.as_bytes());
        if self.out.len() >= WRITE_SIZE { self.flush() } else { Ok(()) }
    }

    /// The batch is for the endpoint of its rows.
    fn note_url(&mut self, row: &RowLine<'_>) {
        if self.url.is_none() {
            self.url = Some(line::url_for(&self.api.url, &row.body));
        }
    }

    fn check_model(&mut self, row: &RowLine<'_>) -> Result<(), Failure> {
        match &self.model {
            None => self.model = Some((row.model().to_owned(), row.row.place())),
            Some((model, place)) if self.api.one_model && *model != row.model() => {
                let (other, there) = (row.model(), row.row.place());
                let what = format!(
                    "{place} asks `{model}` and {there} `{other}`: all rows of a batch must name one model"
                );
                return Err(Failure::usage(what));
            }
            Some(_) => {}
        }
        Ok(())
    }

    fn begin(&mut self, first: u64) -> Result<(), Failure> {
        self.flush()?;
        let path = self.folder.join(format!("requests-{}.jsonl", self.files.len() + 1));
        self.current = Some(private_file(&path).map_err(|error| cannot_write(&path, &error))?);
        self.files.push(RequestFile { path, first, rows: 0, bytes: 0 });
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Failure> {
        let Some((file, part)) = self.current.as_mut().zip(self.files.last()) else {
            return Ok(());
        };
        file.write_all(&self.out).map_err(|error| cannot_write(&part.path, &error))?;
        self.out.clear();
        Ok(())
    }

    fn end(mut self) -> Result<RequestFiles, Failure> {
        self.flush()?;
        let model = self.model.map(|(model, _)| model).unwrap_or_default();
        let url = self.url.unwrap_or_default();
        Ok(RequestFiles { files: self.files, url, model, bytes: self.bytes, tokens: self.tokens })
    }
}
