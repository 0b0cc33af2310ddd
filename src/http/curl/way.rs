//! The way to the server as flags of curl: proxy and certificates. What curl reads out of the environment by itself
//! is left to it.

use std::path::PathBuf;

use super::shell::{PROXY_CREDENTIALS, Word, quoted};
use crate::error::Failure;
use crate::http::address::{basic_credentials, without_user};
use crate::http::proxy::Proxy;
use crate::http::request::{Url, is_this_machine};
use crate::http::{NamedFile, Service};
use crate::io::Env;

/// The variables that curl looks at too. `HTTP_PROXY` is none of them.
const PROXY_VARIABLES: [&str; 5] =
    ["http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
const NO_PROXY_VARIABLES: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// The flags, each with a blank before it. No certificate is checked if `is_insecure`.
///
/// # Errors
/// Exit 2: a proxy that can't be used.
pub(super) fn flags(
    url: &Url,
    service: &Service,
    is_insecure: bool,
    env: &Env,
) -> Result<String, Failure> {
    let mut flags = String::new();
    if is_insecure {
        flags.push_str(" -k");
    }
    flags.push_str(&proxy_flags(url, Proxy::of(service, env, url)?, env));
    let path = |file: &NamedFile| env.expand_home(&file.path);
    let mut add = |flag: &str, path: PathBuf, escape: fn(String) -> String| {
        let path = escape(path.display().to_string());
        flags.push_str(&format!(" {flag} {}", quoted(&path)));
    };
    if let Some(file) = &service.ca_file {
        add("--cacert", path(file), |path| path);
    }
    if service.origin == Some(url.origin().ascii_serialization()) {
        if let Some(file) = &service.client_certificate {
            // Behind a colon curl expects the password.
            add("--cert", path(file), |path| path.replace('\\', r"\\").replace(':', r"\:"));
        }
        if let Some(file) = &service.client_key {
            add("--key", path(file), |path| path);
        }
    }
    Ok(flags)
}

fn proxy_flags(url: &Url, proxy: Option<Proxy>, env: &Env) -> String {
    let is_set = |names: &[&str]| names.iter().any(|name| env.get(name).is_some());
    let Some(proxy) = proxy else {
        // Unlike curl we ask no proxy of the environment for this machine.
        let is_asked = is_this_machine(url) && is_set(&PROXY_VARIABLES);
        return String::from(if is_asked { " --noproxy '*'" } else { "" });
    };
    if PROXY_VARIABLES.contains(&proxy.source.as_str()) {
        return String::new();
    }
    if proxy.source == "HTTP_PROXY" {
        return format!(" --proxy {}", Word::default().variable(proxy.source));
    }
    let address = without_user(&proxy.url);
    let mut flags = format!(" --proxy {}", quoted(address.as_str().trim_end_matches('/')));
    if basic_credentials(&proxy.url).is_some() {
        let variable = Word::default().variable(PROXY_CREDENTIALS.to_owned());
        flags.push_str(&format!(" --proxy-user {variable}"));
    }
    if is_set(&NO_PROXY_VARIABLES) {
        flags.push_str(" --noproxy ''");
    }
    flags
}
