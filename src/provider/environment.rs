//! What environment variables change in a profile.

use super::host;
use crate::config::origin::Origin;
use crate::config::profile::Profile;
use crate::io::Env;

/// Lays the variables that a profile names, and those of every profile, over it.
pub(super) fn lay_over(profile: &mut Profile, env: &Env) {
    // The variable replaces the built-in address, as in the service's own programs; not one that the
    // user wrote into the file for this very profile.
    if profile.base_url.origin().is_none_or(|origin| *origin == Origin::BuiltIn) {
        let variable = |name: Option<&String>| Some((name?.clone(), env.get(name?)?));
        let host = variable(profile.host_env.get()).and_then(|(name, text)| {
            Some((name, host::base_url(&text, profile.base_url.as_deref()?)?))
        });
        if let Some((name, url)) = host.or_else(|| variable(profile.base_url_env.get())) {
            profile.base_url.set(url, Origin::Environment(name));
        }
    }
    // Of the user's own pair no half is replaced.
    if profile.client_cert_file.get().is_none() && profile.client_key_file.get().is_none() {
        for (variable, field) in [
            (&profile.client_cert_file_env, &mut profile.client_cert_file),
            (&profile.client_key_file_env, &mut profile.client_key_file),
        ] {
            if let Some((name, path)) = variable.get().and_then(|name| Some((name, env.get(name)?)))
            {
                field.set(path, Origin::Environment(name.clone()));
            }
        }
    }
    if let Some(model) = env.get("LLM_MODEL") {
        profile.model.set(model, Origin::Environment("LLM_MODEL".to_owned()));
    }
}
