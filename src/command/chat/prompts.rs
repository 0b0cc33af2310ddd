//! `--prompt NAME`: a prompt that the user wrote down in the profile file, with its gaps filled.
//! Asks nothing and reads no input by itself.

use serde_json::Value;

use crate::config::Config;
use crate::config::field::{FieldMap, Layer as _};
use crate::config::prompt::Prompt;
use crate::config::schema::nearest;
use crate::error::Failure;
use crate::input::{self, InputSources, PromptFrame, PromptInput, PromptTemplate};
use crate::io::Io;
use crate::output::extract::BlockChoice;
use crate::provider::Provider;

/// What a prompt of the profile file adds to a request beside the flags.
#[derive(Debug, Clone, Default)]
pub(in crate::command) struct Preset {
    /// What the user calls it; empty where no prompt was named.
    pub(in crate::command) name: String,
    /// The service and the model that it is written for.
    pub(in crate::command) provider: Option<String>,
    pub(in crate::command) model: Option<String>,
    /// Instructions for the model.
    pub(in crate::command) system: Option<String>,
    /// The schema that its answers must fit, as the user wrote it.
    pub(in crate::command) schema: Option<String>,
    pub(in crate::command) extract: Option<BlockChoice>,
    /// What stands around the input.
    frame: Option<PromptFrame>,
    /// The prompt says all by itself.
    needs_no_input: bool,
    /// Request fields, over the profile's and under the flags'.
    options: FieldMap<Value>,
}

impl Preset {
    /// The prompt of this name, its gaps filled with `vars`.
    ///
    /// # Errors
    /// Exit 2: no such prompt, variables that are missing or that nothing asks for.
    pub(in crate::command) fn read(
        name: &str,
        vars: &[(String, String)],
        config: &Config,
    ) -> Result<Self, Failure> {
        let prompt = config.prompt(name).ok_or_else(|| unknown(name, config))?;
        let (frame_text, needs_no_input) = filled(prompt, vars)?;
        Ok(Self {
            system: prompt.system.as_deref().map(|text| frame(prompt, vars, text).around("")),
            frame: frame_text,
            needs_no_input,
            ..Self::beside_texts(prompt)
        })
    }

    /// The prompt of this name for rows, whose columns fill its gaps; what it adds beside its texts.
    ///
    /// # Errors
    /// Exit 2: no such prompt.
    pub(in crate::command) fn for_rows<'c>(
        name: &str,
        config: &'c Config,
    ) -> Result<(Self, &'c Prompt), Failure> {
        let prompt = config.prompt(name).ok_or_else(|| unknown(name, config))?;
        Ok((Self::beside_texts(prompt), prompt))
    }

    fn beside_texts(prompt: &Prompt) -> Self {
        let last = prompt.extract_last.then_some(BlockChoice::Last);
        Self {
            name: prompt.name.clone(),
            provider: prompt.provider.clone(),
            model: prompt.model.clone(),
            schema: prompt.schema.clone(),
            extract: last.or(prompt.extract.then_some(BlockChoice::First)),
            options: prompt.options.clone(),
            ..Self::default()
        }
    }

    /// Whether a question can be asked with no word of the user's.
    pub(in crate::command) fn needs_no_input(&self) -> bool {
        self.needs_no_input
    }

    /// The user's input in its frame.
    ///
    /// # Errors
    /// As [`input::read_prompt`]; nothing at all is fine where the prompt says all by itself.
    pub(in crate::command) fn given(
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
    pub(in crate::command) fn has_frame(&self) -> bool {
        self.frame.is_some()
    }

    /// From now on the input stands alone: the frame is for one message.
    pub(in crate::command) fn forget_frame(&mut self) {
        (self.frame, self.needs_no_input) = (None, false);
    }

    /// Adds the options to those of the profile.
    pub(in crate::command) fn lay_over(&self, provider: &mut Provider) {
        provider.profile.options.lay_over(self.options.clone());
    }
}

/// The frame with its variables filled in, and whether it says all by itself.
fn filled(
    prompt: &Prompt,
    vars: &[(String, String)],
) -> Result<(Option<PromptFrame>, bool), Failure> {
    let name = &prompt.name;
    let text = prompt.prompt.as_deref().map(PromptTemplate::parse);
    let system = prompt.system.as_deref().map(PromptTemplate::parse);
    if system.as_ref().is_some_and(PromptTemplate::takes_input) {
        return Err(Failure::usage(format!(
            "the `system` of the prompt `{name}` holds {{{{input}}}}, which belongs in `prompt`"
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
    Ok((text.map(|text| text.fill(|var| value(prompt, vars, var))), needs_no_input))
}

fn frame(prompt: &Prompt, vars: &[(String, String)], text: &str) -> PromptFrame {
    PromptTemplate::parse(text).fill(|var| value(prompt, vars, var))
}

/// What stands for a variable: the last `--var`, else what the prompt has for it.
fn value(prompt: &Prompt, vars: &[(String, String)], name: &str) -> Option<String> {
    let given = vars.iter().rev().find(|(var, _)| var == name).map(|(_, value)| value.clone());
    given.or_else(|| Some(prompt.vars.get(name)?.value.clone()))
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
    failure.hint(format!("{near}known prompts: {}", names.join(", ")))
}
