//! Which profile a command uses when several could be meant.

use super::ServiceOptions;
use crate::config::Config;
use crate::config::origin::Origin;
use crate::config::profile::Profile;
use crate::error::Failure;
use crate::io::Env;
use crate::secret;

/// In this order: `-p`, `LLM_PROVIDER`, `default` in the user's file, the file's only profile,
/// `openai` if `OPENAI_API_KEY` is set.
///
/// `None` without any of these.
///
/// # Errors
/// An unknown name, with the nearest known one.
pub(super) fn choose(
    flag: Option<&str>,
    config: &Config,
    env: &Env,
) -> Result<Option<Profile>, Failure> {
    if let Some(name) = flag {
        return chosen(name, Origin::Flag("--provider"), config);
    }
    if let Some(name) = env.get("LLM_PROVIDER") {
        return chosen(&name, Origin::Environment("LLM_PROVIDER".to_owned()), config);
    }
    if let Some(field) = config.default().sourced() {
        return chosen(&field.value, field.origin.clone(), config);
    }
    if let [name] = config.user_names()[..] {
        return chosen(name, Origin::BuiltIn, config);
    }
    if env.get("OPENAI_API_KEY").is_some() {
        return chosen("openai", Origin::Environment("OPENAI_API_KEY".to_owned()), config);
    }
    Ok(None)
}

/// Whether anything tells which service is meant.
pub(crate) fn is_chosen(service: &ServiceOptions, config: &Config, env: &Env) -> bool {
    service.provider.is_some()
        || service.base_url.is_some()
        || matches!(choose(None, config, env), Ok(Some(_)) | Err(_))
}

fn chosen(name: &str, origin: Origin, config: &Config) -> Result<Option<Profile>, Failure> {
    if let Some(profile) = config.profile(name) {
        return Ok(Some(profile));
    }
    let by = match &origin {
        Origin::Flag(_) => String::new(),
        origin => format!(" (from {origin})"),
    };
    let failure = Failure::usage(format!("there is no profile {}{by}", secret::named(name)));
    Err(failure.hint(config.hint_for_unknown(name)))
}
