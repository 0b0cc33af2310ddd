//! What `llm batch submit` is about to hand over: resolved, written to files, copied, or shown.

use std::collections::HashSet;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::handed::part_words;
use super::keep::AnswerKeeper;
use super::kept::{BatchStore, KeptBatch, KeptPart, KeptService, cannot_write};
use super::kept_prompt::KeptPrompt;
use super::parts::{RequestFile, RequestFiles};
use super::preview;
use super::request::RowRequests;
use super::service;
use super::setup::RowSetup;
use super::survey::RowSurvey;
use super::tally::grouped;
use crate::api::batch::job::NewBatch;
use crate::cli::batch::{BatchAnswerArgs, BatchRowArgs, BatchRunArgs, BatchSubmitArgs};
use crate::command::options::RunOptions;
use crate::command::steps::print_request;
use crate::config::{self, Config};
use crate::error::Failure;
use crate::exchange;
use crate::http::form::BytePiece;
use crate::http::request::{Body, Method};
use crate::io::Io;
use crate::provider::Setting;
use crate::provider::batch_api::BatchApi;

/// What is to be handed over.
pub(super) struct Plan<'a> {
    args: &'a BatchSubmitArgs,
    run: &'a RunOptions,
    pub(super) setup: RowSetup,
    pub(super) api: BatchApi,
    requests: RowRequests,
    /// Rows that have their answer already.
    done: HashSet<u64>,
    prompt: Option<KeptPrompt>,
}

/// A batch that is ready to be handed over.
pub(super) struct Prepared {
    pub(super) batch: KeptBatch,
    pub(super) files: Vec<RequestFile>,
}

impl<'a> Plan<'a> {
    /// Resolves what was typed.
    ///
    /// # Errors
    /// Exit 2: wrong usage, a service without a Batch API; and those of looking up the model.
    pub(super) fn new(
        args: &'a BatchSubmitArgs,
        run: &'a RunOptions,
        io: &mut Io,
    ) -> Result<Self, Failure> {
        let config = config::load(run.config.as_deref(), io)?;
        let name = args.rows.template.as_deref();
        let prompt = name.and_then(|name| config.prompt(name)).map(KeptPrompt::from);
        let (mut setup, done) = match &args.output {
            None => (RowSetup::new(&args.rows, run, &config, io)?, HashSet::new()),
            Some(_) => done_rows(args, run, &config, io)?,
        };
        let mut api = service::api_of(&setup.provider)?;
        if let Some(window) = &args.window {
            let fixed = || {
                let name = &setup.provider.name;
                Failure::usage(format!("--window has no use: {name} takes no time for its batches"))
            };
            *api.window.as_mut().ok_or_else(fixed)? = window.clone();
        }
        if !run.dry_run {
            exchange::look_up_model(&mut setup.provider, run.exchange, io)?;
        }
        let options = setup.options.clone();
        let (requests, warnings) = RowRequests::new(&setup.template, options, &setup.provider)?;
        warnings.iter().for_each(|warning| io.warn(warning));
        Ok(Self { args, run, setup, api, requests, done, prompt })
    }

    /// Writes the requests into files in this folder.
    ///
    /// # Errors
    /// Exit 2: a row that can't be asked. Exit 1: a full disk, say.
    pub(super) fn write(&self, folder: &Path, io: &mut Io) -> Result<RequestFiles, Failure> {
        let Self { setup, api, requests, .. } = self;
        let id = setup.id.as_deref();
        let survey = RowSurvey::of(&setup.files, &setup.template, id, &mut |_, _| Ok(()))?;
        RequestFiles::write(folder, api, setup, requests, (&survey, &self.done), io)
    }

    /// Puts all that belongs to the batch into a folder of its own, before anything is sent.
    ///
    /// # Errors
    /// Exit 1: a full disk, say.
    pub(super) fn prepared(
        &self,
        files: RequestFiles,
        store: &BatchStore,
    ) -> Result<Prepared, Failure> {
        let base_url = self.setup.provider.base_url.as_str();
        let fingerprint = files.fingerprint(base_url, self.api.window.as_deref())?;
        let home = store.folder_of(&fingerprint)?;
        let mut moved = files.files;
        for file in &mut moved {
            let target = home.join(file.path.file_name().unwrap_or_default());
            std::fs::rename(&file.path, &target).map_err(|error| cannot_write(&target, &error))?;
            file.path = target;
        }
        let (args, names) = self.kept_args(&home)?;
        let part = |file: &RequestFile| KeptPart {
            first: file.first,
            rows: file.rows,
            ..KeptPart::default()
        };
        let created = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let batch = KeptBatch {
            llm: 1,
            id: String::new(),
            fingerprint,
            service: self.kept_service(),
            url: files.url,
            model: files.model,
            created,
            rows: moved.iter().map(|file| file.rows).sum(),
            parts: moved.iter().map(part).collect(),
            args,
            is_noted: false,
            names,
            prompt: self.prompt.clone(),
        };
        Ok(Prepared { batch, files: moved })
    }

    /// What was typed of rows and prompt, so that it means the same later; and what the files were called.
    fn kept_args(&self, home: &Path) -> Result<(BatchRowArgs, Vec<String>), Failure> {
        let mut args = self.args.rows.clone();
        args.file.retain(|path| path.to_string_lossy().contains("{{"));
        let (copies, names): (Vec<_>, Vec<_>) = self.setup.files.copy_to(home)?.into_iter().unzip();
        args.file.extend(copies);
        if let Some(schema) = self.requests.schema() {
            // A file of that name may hold another one later.
            args.schema = Some(schema.sent.to_string());
        }
        Ok((args, names))
    }

    fn kept_service(&self) -> KeptService {
        let service = &self.run.service;
        let name = self.setup.provider.name.clone();
        KeptService {
            provider: Some(name).filter(|_| service.base_url.is_none()),
            base_url: service.base_url.clone(),
            api_key_env: service.api_key_env.clone(),
            settings: service.settings.iter().map(Setting::typed).collect(),
        }
    }

    /// `--dry-run`: prints the upload of the first file as a curl command, and tells how much there is.
    ///
    /// # Errors
    /// Those of printing.
    pub(super) fn show(&self, files: &RequestFiles, io: &mut Io) -> Result<(), Failure> {
        let (api, mut provider) = (&self.api, self.setup.provider.clone());
        print_request(&mut provider, io, |provider| {
            let first = files.files.first();
            Ok(match first.filter(|_| api.uploads()) {
                Some(file) => {
                    let (path, length) = ("requests.jsonl".into(), file.bytes);
                    let piece = BytePiece::File { path, offset: 0, length };
                    provider.form_at(&api.upload, service::upload_parts(api, piece))
                }
                None => {
                    let new =
                        NewBatch { file: "", model: Some(&files.model), window: None, mark: "" };
                    let requests = first.map(RequestFile::requests).transpose()?;
                    let body = api.create(&new, requests.unwrap_or_default());
                    provider.request_at(Method::Post, api.path(), Body::Json(Value::Object(body)))
                }
            })
        })?;
        let rows: u64 = files.files.iter().map(|file| file.rows).sum();
        let requests = if rows == 1 { "request" } else { "requests" };
        let (parts, size) = (part_words(files.files.len()), preview::size(files.bytes));
        let tokens = grouped(files.tokens);
        io.say(&format!("{} {requests}{parts}, {size}, about {tokens} tokens in", grouped(rows)));
        Ok(())
    }
}

/// The rows that FILE.part has an answer for, as a run with this output would find them.
fn done_rows(
    args: &BatchSubmitArgs,
    run: &RunOptions,
    config: &Config,
    io: &mut Io,
) -> Result<(RowSetup, HashSet<u64>), Failure> {
    let answers = BatchAnswerArgs { output: args.output.clone(), ..BatchAnswerArgs::default() };
    let like = BatchRunArgs { rows: args.rows.clone(), answers, ..BatchRunArgs::default() };
    let job = super::run::Prepared::new(&like, run, config, io)?.open(&like, false)?;
    let done = (1..=job.tally.all).filter(|number| job.keeper.is_done(*number)).collect();
    if let AnswerKeeper::Journal(mut keeper) = job.keeper {
        keeper.journal.leave();
    }
    Ok((job.setup, done))
}
