//! `llm transcribe`: audio files to text and subtitles, each sent from the disk as it is.

use serde_json::{Map, Value};

use super::options::RunOptions;
use super::steps::{print_request, settle_output, warn_and_check};
use crate::cli::transcribe::TranscribeArgs;
use crate::config;
use crate::error::Failure;
use crate::exchange::{self, Exchange};
use crate::io::Io;
use crate::provider::{Job, Provider, RequestLimit, resolve};

mod ahead;
mod ask;
mod file;
mod form;
mod inputs;
mod options;
mod outputs;
mod request;
mod script;
mod split;
mod tally;

use inputs::AudioInput;
use options::TranscribeOptions;
use outputs::TranscriptOutputs;
use tally::Tally;

/// Runs the command.
///
/// # Errors
/// As the table of exit codes has them.
pub(crate) fn run(args: &TranscribeArgs, run: &RunOptions, io: &mut Io) -> anyhow::Result<()> {
    settle_output(args.output.as_deref(), io);
    let config = config::load(run.config.as_deref(), io)?;
    let job = if args.translate { Job::Translate } else { Job::Transcribe };
    let mut provider = resolve(&run.service, job, &config, io)?;
    let options = TranscribeOptions::new(args, run)?;
    if job == Job::Transcribe {
        let other = match options.speakers {
            true => provider.take_speakers_model(),
            false if options.has_times() => provider.take_timed_model(),
            false => None,
        };
        other.iter().for_each(|words| io.note(words));
    }
    if options.speakers {
        refuse_speakers(&provider, &config)?;
    }
    let mut tally = Tally::new(options.files.len());
    let mut inputs = inputs(&options, &mut tally, io)?;
    let outputs = TranscriptOutputs::settle(&options, &inputs)?;
    let mut composed = request::compose(&options, &provider, options.wire());
    composed.warnings.retain(|warning| !is_of_format(warning));
    warn_and_check(&composed, "transcription", &provider, io)?;
    refuse_times(&options, &composed.body, &provider, &config)?;
    if run.dry_run {
        show(&options, &mut inputs, &mut provider, io)?;
        return Ok(tally.end()?);
    }
    if inputs.is_empty() {
        return Ok(tally.end()?);
    }
    outputs.try_out(&inputs)?;
    let user_fields = composed.own;
    Ok(exchange::run(provider, run.exchange, io, move |exchange, io| {
        Box::pin(async move {
            let mut asking = ask::TranscribeRun::new(options, outputs, user_fields);
            all(&inputs, &mut asking, tally, exchange, io).await
        })
    })?)
}

/// The files that can be transcribed. Of several, one that can't be does not stop the others.
fn inputs(
    options: &TranscribeOptions,
    tally: &mut Tally,
    io: &Io,
) -> Result<Vec<AudioInput>, Failure> {
    if options.files.iter().filter(|path| path.as_os_str() == "-").count() > 1 {
        return Err(Failure::usage("standard input (`-`) can be read only once"));
    }
    let mut inputs = Vec::new();
    for path in &options.files {
        match AudioInput::check(path, io) {
            Ok(input) => inputs.push(input),
            // Such a message names the file itself.
            Err(failure) => tally.failed(failure, "", io)?,
        }
    }
    Ok(inputs)
}

/// Refuses a format with times where the model is known to give none.
fn refuse_times(
    options: &TranscribeOptions,
    body: &Map<String, Value>,
    provider: &Provider,
    config: &config::Config,
) -> Result<(), Failure> {
    let model = body.get("model").and_then(Value::as_str).unwrap_or_default();
    if !options.has_times() || options.speakers || !provider.gives_no_times(model) {
        return Ok(());
    }
    let name = &provider.name;
    let what = match options.words {
        true => "--words can't be had".to_owned(),
        false => format!("{} can't be written", options.format.name()),
    };
    let what = format!("{name} gives no timestamps for {model}, so {what}");
    let others = Provider::with_times(config).join(", ");
    // A model without a name is one of all models.
    let there = match provider.gives_no_times("") {
        true => "services that give timestamps",
        false => "another model (-m) or service may give timestamps",
    };
    Err(Failure::usage(what)
        .hint(format!("--format text prints the words alone; {there}: {others}")))
}

/// Refuses to say who speaks where the service is not known to tell.
fn refuse_speakers(provider: &Provider, config: &config::Config) -> Result<(), Failure> {
    if provider.speakers().is_some() {
        return Ok(());
    }
    let name = &provider.name;
    let others = Provider::with_speakers(config).join(", ");
    Err(Failure::usage(format!("{name} is not known to say who speaks")).hint(format!(
        "these services do: {others}; a model with `diarize` in its name does (-m); what else is to \
         be asked for stands in the profile: speakers = {{ diarize = true }}"
    )))
}

/// One file after the other.
async fn all(
    inputs: &[AudioInput],
    asking: &mut ask::TranscribeRun,
    mut tally: Tally,
    exchange: &mut Exchange,
    io: &mut Io,
) -> Result<(), Failure> {
    for input in inputs {
        if let Err(failure) = asking.file(input, exchange, io).await {
            tally.failed(failure, &input.name(), io)?;
        }
    }
    tally.end()
}

/// Prints the request of each file. Of one that would be sent in parts it is the whole.
fn show(
    options: &TranscribeOptions,
    inputs: &mut [AudioInput],
    provider: &mut Provider,
    io: &mut Io,
) -> Result<(), Failure> {
    for input in inputs {
        if input.is_stdin {
            input.look_at_stdin(io)?;
        }
        let sound = input.sketch();
        let mut part = split::whole(&sound);
        if input.is_stdin {
            part.pieces = Vec::new();
        }
        let body = request::compose(options, provider, options.wire()).body;
        let length = request::request(options, provider, &body, part.clone())?.body.length();
        // Of what comes through a pipe nobody knows the length yet.
        let is_above = |limit: &u64| sound.size > 0 && length > *limit;
        if let Some(limit) = provider.limit(RequestLimit::UploadBytes).filter(is_above) {
            io.warn(&format!(
                "{} is above the limit of {limit} bytes: it would be sent in parts",
                input.name()
            ));
        }
        print_request(provider, io, |provider| request::request(options, provider, &body, part))?;
    }
    Ok(())
}

/// A format that the service takes no field for is made of what it answers: nothing to warn of.
fn is_of_format(warning: &str) -> bool {
    let fields = ["`response_format`", "`transcribe.response_format`"];
    fields.iter().any(|field| warning.starts_with(field))
}
