//! `--prompt NAME`: a prompt that the user wrote down, laid under the flags. Asks nothing and reads
//! no input by itself.

use crate::cli::Common;
use crate::cli::chat::ChatArgs;
use crate::config::Config;
use crate::config::profile::{Field, Profile};
use crate::config::schema::nearest;
use crate::error::Failure;
use crate::input::{self, InputSources, PromptFrame, PromptInput, PromptTemplate};
use crate::io::Io;
use crate::provider::Provider;

/// What the user asked for, by flags and by a prompt of the profile file.
pub(super) struct Prepared {
    pub(super) args: ChatArgs,
    pub(super) common: Common,
    pub(super) preset: Preset,
}

/// What a prompt of the profile file adds to a request beside the flags.
#[derive(Debug, Clone, Default)]
pub(super) struct Preset {
    /// What stands around the input.
    frame: Option<PromptFrame>,
    /// The prompt says all by itself.
    needs_no_input: bool,
    /// Request fields, over the profile's and under the flags'.
    options: Vec<Field>,
}

/// Whether the user means a conversation: a terminal, and nothing said that would be one question.
pub(super) fn is_conversation(args: &ChatArgs, common: &Common, io: &Io) -> bool {
    let is_plain = args.prompt.is_empty() && args.file.is_empty() && !args.no_stdin;
    let is_for_one = args.output.is_some()
        || args.schema.is_some()
        || args.schema_multi.is_some()
        || args.extract
        || args.extract_last
        || args.number.is_some()
        || common.json
        || common.dry_run;
    is_plain && !is_for_one && io.stdin_is_terminal && io.stdout_is_terminal
}

/// Lays the prompt that `--prompt` names under the flags.
///
/// # Errors
/// Exit 2: no such prompt, variables that are missing or that nothing asks for, a schema beside a
/// flag that does not go with it.
pub(super) fn prepare(
    args: &ChatArgs,
    common: &Common,
    config: &Config,
) -> Result<Prepared, Failure> {
    let (mut args, mut common) = (args.clone(), common.clone());
    let mut preset = Preset::default();
    if let Some(name) = &args.template {
        let prompt = config.prompt(name).ok_or_else(|| unknown(name, config))?;
        preset = filled(prompt, &args.var)?;
        choose_service(prompt, &mut common);
        let system = prompt.text("system").map(|text| frame(prompt, &args.var, text).around(""));
        args.system = args.system.or(system);
        take_output(prompt, &mut args)?;
    }
    Ok(Prepared { args, common, preset })
}

impl Preset {
    /// Whether a question can be asked with no word of the user's.
    pub(super) fn needs_no_input(&self) -> bool {
        self.needs_no_input
    }

    /// The user's input in its frame.
    ///
    /// # Errors
    /// As [`input::read_prompt`]; nothing at all is fine where the prompt says all by itself.
    pub(super) fn given(
        &self,
        sources: &InputSources<'_>,
        io: &mut Io,
    ) -> Result<PromptInput, Failure> {
        let given = match self.needs_no_input {
            true => input::read_optional_prompt(sources, io)?,
            false => input::read_prompt(sources, io)?,
        };
        Ok(PromptInput { frame: self.frame.clone(), ..given })
    }

    /// Whether words of the prompt's stand around the input.
    pub(super) fn has_frame(&self) -> bool {
        self.frame.is_some()
    }

    /// From now on the input stands alone: the frame is for one message.
    pub(super) fn forget_frame(&mut self) {
        (self.frame, self.needs_no_input) = (None, false);
    }

    /// Adds the options to those of the profile.
    pub(super) fn lay_over(&self, provider: &mut Provider) {
        for Field { section, key, value, origin } in &self.options {
            provider.profile.set(section, key, value.clone(), origin.clone());
        }
    }
}

/// The prompt with its variables filled in.
fn filled(prompt: &Profile, vars: &[(String, String)]) -> Result<Preset, Failure> {
    let name = &prompt.name;
    let text = prompt.text("prompt").map(PromptTemplate::read);
    let system = prompt.text("system").map(PromptTemplate::read);
    if system.as_ref().is_some_and(PromptTemplate::takes_input) {
        return Err(Failure::usage(format!(
            "the `system` of the prompt `{name}` holds {{{{input}}}}, which belongs into `prompt`"
        )));
    }
    let mut names: Vec<&str> = Vec::new();
    for found in text.iter().chain(&system).flat_map(PromptTemplate::names) {
        if !names.contains(&found) {
            names.push(found);
        }
    }
    if let Some((var, _)) = vars.iter().find(|(var, _)| !names.contains(&var.as_str())) {
        return Err(unused(name, var, &names));
    }
    names.retain(|var| value(prompt, vars, var).is_none());
    if !names.is_empty() {
        return Err(missing(name, &names));
    }
    let needs_no_input = text.as_ref().is_some_and(|text| !text.takes_input());
    let frame = text.map(|text| text.frame(|var| value(prompt, vars, var)));
    let options = prompt.section("options").cloned().collect();
    Ok(Preset { frame, needs_no_input, options })
}

fn frame(prompt: &Profile, vars: &[(String, String)], text: &str) -> PromptFrame {
    PromptTemplate::read(text).frame(|var| value(prompt, vars, var))
}

/// What stands for a variable: the last `--var`, else what the prompt has for it.
fn value(prompt: &Profile, vars: &[(String, String)], name: &str) -> Option<String> {
    let given = vars.iter().rev().find(|(var, _)| var == name).map(|(_, value)| value.clone());
    given.or_else(|| prompt.field("vars", name)?.value.as_str().map(str::to_owned))
}

/// Takes the prompt's service and model where no flag names any. A prompt that is written for one
/// service wins over the one that is set for everyday use (`LLM_PROVIDER`), and its model is not
/// asked for at another service.
fn choose_service(prompt: &Profile, common: &mut Common) {
    let provider = prompt.text("provider");
    let names_other = common.base_url.is_some()
        || common.provider.as_deref().is_some_and(|name| Some(name) != provider);
    if provider.is_some() && names_other {
        return;
    }
    common.provider = common.provider.take().or_else(|| provider.map(str::to_owned));
    common.model = common.model.take().or_else(|| prompt.text("model").map(str::to_owned));
}

/// Takes what the prompt says of the answer where no flag says otherwise.
fn take_output(prompt: &Profile, args: &mut ChatArgs) -> Result<(), Failure> {
    let is_set = |name: &str| prompt.field("", name).is_some_and(|field| field.value == true);
    let extracts = [is_set("extract"), is_set("extract_last")];
    let has_schema = args.schema.is_some() || args.schema_multi.is_some();
    let schema = prompt.text("schema").filter(|_| !has_schema);
    let others = [
        (args.extract, "-x"),
        (args.extract_last, "--extract-last"),
        (args.number.is_some(), "-n"),
        (extracts.contains(&true), "its own `extract`"),
    ];
    match (schema, others.iter().find(|(is_set, _)| *is_set)) {
        (Some(_), Some((_, other))) => Err(Failure::usage(format!(
            "the schema of the prompt `{}` does not go with {other}",
            prompt.name
        ))),
        (Some(schema), None) => {
            args.schema = Some(schema.to_owned());
            Ok(())
        }
        (None, _) => {
            if !has_schema && !args.extract && !args.extract_last {
                [args.extract, args.extract_last] = extracts;
            }
            Ok(())
        }
    }
}

fn missing(name: &str, vars: &[&str]) -> Failure {
    let words = if vars.len() == 1 { "the variable" } else { "the variables" };
    let list: Vec<String> = vars.iter().map(|var| format!("`{var}`")).collect();
    let flags: Vec<String> = vars.iter().map(|var| format!("--var {var}=TEXT")).collect();
    Failure::usage(format!("the prompt `{name}` needs {words} {}", list.join(", ")))
        .hint(format!("add {}", flags.join(" ")))
}

fn unused(name: &str, var: &str, names: &[&str]) -> Failure {
    let failure = Failure::usage(format!("the prompt `{name}` has no variable `{var}`"));
    match (nearest(var, names.iter().copied()), names) {
        _ if var == "input" => failure.hint("{{input}} is the input itself: words, stdin, files"),
        (Some(near), _) => failure.hint(format!("did you mean `{near}`?")),
        (None, []) => failure.hint("it has none"),
        (None, names) => failure.hint(format!("its variables: {}", names.join(", "))),
    }
}

/// All prompts that there are, the nearest first.
fn unknown(name: &str, config: &Config) -> Failure {
    let failure = Failure::usage(format!("there is no prompt `{name}` in the profile file"));
    let mut names = config.prompt_names();
    if names.is_empty() {
        return failure
            .hint("a prompt is a table [prompts.NAME]; `llm config edit` opens the profile file");
    }
    let near = nearest(name, names.iter().copied());
    names.sort_by_key(|known| Some(*known) != near);
    let near = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
    failure.hint(format!("{near}prompts that there are: {}", names.join(", ")))
}
