//! `llm transcribe`: sound files to text and subtitles, each sent from the disk as it is.

use serde_json::{Map, Value};

use super::online::{self, Online};
use super::{settle_output, was_dry_run, with_model};
use crate::api::transcribe::request::{self, Ask};
use crate::cli::Common;
use crate::cli::transcribe::{Format, TranscribeArgs};
use crate::config;
use crate::error::{Failure, Kind};
use crate::http::form::{Content, Part};
use crate::http::request::Request;
use crate::http::splice::Insert;
use crate::io::Io;
use crate::provider::shape::{Attached, Role};
use crate::provider::{Asked, Job, Provider, RequestLimit, resolve};

mod ask;
mod inputs;
mod outputs;
mod scratch;
mod script;
mod split;

use inputs::Input;
use outputs::Outputs;

/// What a run is to do.
#[derive(Debug, Clone)]
struct Plan {
    args: TranscribeArgs,
    job: Job,
    format: Format,
    /// The user named the format.
    is_chosen: bool,
    /// Print the provider's JSON as it is.
    json: bool,
    shows_usage: bool,
    is_many: bool,
}

/// Runs the command.
///
/// # Errors
/// As the table of exit codes has them.
pub(crate) fn run(args: &TranscribeArgs, common: &Common, io: &mut Io) -> anyhow::Result<()> {
    settle_output(args.output.as_deref(), io);
    let config = config::load(common.config.as_deref(), io)?;
    let job = if args.translate { Job::Translate } else { Job::Transcribe };
    let mut provider = resolve(Asked { common, job }, &config, io)?;
    let (format, is_chosen) = outputs::format(args, common.json)?;
    if job == Job::Transcribe
        && needs_times(format)
        && let Some(words) = provider.take_timed_model()
    {
        io.note(&words);
    }
    let plan = Plan {
        args: args.clone(),
        job,
        format,
        is_chosen,
        json: common.json,
        shows_usage: common.usage,
        is_many: args.files.len() > 1,
    };
    let mut tally = Tally::new(args.files.len());
    let inputs = plan.inputs(&mut tally, io)?;
    let is_json = plan.json || matches!(format, Format::Json | Format::VerboseJson);
    let output = args.output.as_deref();
    let outputs = Outputs::settle(output, &inputs, plan.is_many, format, is_json)?;
    let composed = plan.compose(&provider, format);
    for warning in composed.warnings.iter().filter(|warning| !is_of_format(warning)) {
        io.warn(warning);
    }
    with_model(&composed, "transcription", &provider)?;
    refuse_times(format, &composed.body, &provider, &config)?;
    if common.dry_run {
        show(&plan, &inputs, &mut provider, common, io)?;
        return Ok(tally.end()?);
    }
    if inputs.is_empty() {
        return Ok(tally.end()?);
    }
    outputs.try_out(&inputs)?;
    let own = composed.own;
    online::run(provider, common, io, move |mut online| async move {
        let mut asking = ask::Asking::new(plan, outputs, own);
        let result = all(&inputs, &mut asking, tally, &mut online).await;
        (online.io, result.map_err(Into::into))
    })
}

fn needs_times(format: Format) -> bool {
    !matches!(format, Format::Text | Format::Json)
}

/// Refuses a format with times where the model is known to give none.
fn refuse_times(
    format: Format,
    body: &Map<String, Value>,
    provider: &Provider,
    config: &config::Config,
) -> Result<(), Failure> {
    let model = body.get("model").and_then(Value::as_str).unwrap_or_default();
    if !needs_times(format) || !provider.gives_no_times(model) {
        return Ok(());
    }
    let (name, format) = (&provider.name, outputs::name(format));
    let what = format!("{name} gives no times for {model}, so no {format} can be made");
    let others = Provider::with_times(config).join(", ");
    // A model without a name is one of all models.
    let there = match provider.gives_no_times("") {
        true => "services that give times",
        false => "another model may give times (-m), as may other services",
    };
    Err(Failure::usage(what)
        .hint(format!("--format text takes the words alone; {there}: {others}")))
}

/// One file after the other.
async fn all(
    inputs: &[Input],
    asking: &mut ask::Asking,
    mut tally: Tally,
    online: &mut Online,
) -> Result<(), Failure> {
    for input in inputs {
        if let Err(failure) = asking.file(input, online).await {
            tally.failed(failure, &input.name(), &online.io)?;
        }
    }
    tally.end()
}

/// Prints the request of each file. Of one that would be sent in parts it is the whole.
fn show(
    plan: &Plan,
    inputs: &[Input],
    provider: &mut Provider,
    common: &Common,
    io: &mut Io,
) -> Result<(), Failure> {
    online::name_demo(provider, io)?;
    for input in inputs {
        let sound = input.sketch();
        let mut part = split::whole(&sound);
        if input.is_stdin {
            part.pieces = Vec::new();
        }
        let (body, _) = plan.body(provider, plan.format);
        let request = plan.request(provider, &body, part)?;
        // Of what comes through a pipe nobody knows the length yet.
        let is_above = |limit: &u64| sound.size > 0 && request.body.length() > *limit;
        if let Some(limit) = provider.limit(RequestLimit::UploadBytes).filter(is_above) {
            io.warn(&format!(
                "{} is above the limit of {limit} bytes: it would be sent in parts",
                input.name()
            ));
        }
        was_dry_run(common, &request, io)?;
    }
    Ok(())
}

/// A format that the service takes no field for is made of what it answers: nothing to warn of.
fn is_of_format(warning: &str) -> bool {
    let fields = ["`response_format`", "`transcribe.response_format`"];
    fields.iter().any(|field| warning.starts_with(field))
}

impl Plan {
    /// The files that can be transcribed. Of several, one that can't be does not stop the others.
    fn inputs(&self, tally: &mut Tally, io: &Io) -> Result<Vec<Input>, Failure> {
        if self.args.files.iter().filter(|path| path.as_os_str() == "-").count() > 1 {
            return Err(Failure::usage("standard input (`-`) can be read only once"));
        }
        let mut inputs = Vec::new();
        for path in &self.args.files {
            match Input::check(path, io) {
                Ok(input) => inputs.push(input),
                // Such a message names the file itself.
                Err(failure) => tally.failed(failure, "", io)?,
            }
        }
        Ok(inputs)
    }

    fn compose(&self, provider: &Provider, wire: Format) -> crate::provider::Composed {
        let model = provider.model.as_deref();
        let ask = Ask { model, format: wire, is_chosen: self.is_chosen, with_times: false };
        let composed = provider.compose(self.job, request::fields(&self.args, ask));
        let needs_times = !matches!(wire, Format::Text | Format::Json);
        if !needs_times || composed.body.contains_key("response_format") {
            return composed;
        }
        provider.compose(self.job, request::fields(&self.args, Ask { with_times: true, ..ask }))
    }

    /// The request's fields when `wire` is asked for, and whether they ask for a stream.
    fn body(&self, provider: &Provider, wire: Format) -> (Map<String, Value>, bool) {
        let body = self.compose(provider, wire).body;
        let streams = body.get("stream") == Some(&Value::Bool(true));
        (body, streams)
    }

    /// The request that carries one part of a sound: in the service's own shape, or as a form with its
    /// file last.
    ///
    /// # Errors
    /// A shape that has no place for a recording.
    fn request(
        &self,
        provider: &Provider,
        body: &Map<String, Value>,
        part: split::Part,
    ) -> Result<Request, Failure> {
        if provider.has_own_shape(self.job) {
            let audio = Attached {
                role: Role::Audio,
                media_type: part.kind.content_type.to_owned(),
                format: part.kind.format(),
                insert: Insert::new(part.pieces),
            };
            return provider.shape(self.job, body, vec![audio]);
        }
        let mut parts = request::parts(body);
        let content = Content::File {
            filename: part.kind.filename,
            content_type: part.kind.content_type.to_owned(),
            pieces: part.pieces,
        };
        parts.push(Part { name: "file".to_owned(), content });
        Ok(provider.post_form(self.job, parts))
    }
}

/// What became of the files of a run.
#[derive(Debug)]
struct Tally {
    files: usize,
    failed: usize,
    first: Option<Kind>,
}

impl Tally {
    fn new(files: usize) -> Self {
        Self { files, failed: 0, first: None }
    }

    /// Takes note of a file that failed, and says so where others follow.
    ///
    /// # Errors
    /// The failure itself where it ends the run: the only file, an interruption, a reader that went
    /// away.
    fn failed(&mut self, failure: Failure, name: &str, io: &Io) -> Result<(), Failure> {
        if self.files == 1 || failure.is_silent() {
            return Err(failure);
        }
        let name = if name.is_empty() { String::new() } else { format!("{name}: ") };
        io.say(&format!("{name}{}", failure.message));
        if let Some(hint) = &failure.hint {
            io.hint(hint);
        }
        self.failed += 1;
        self.first.get_or_insert(failure.kind);
        Ok(())
    }

    /// The run's outcome: the first failure decides the exit code.
    fn end(&self) -> Result<(), Failure> {
        let Some(kind) = self.first else { return Ok(()) };
        let words = format!("{} of {} files were not transcribed", self.failed, self.files);
        Err(Failure::new(kind, words))
    }
}
