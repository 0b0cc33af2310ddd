//! How a connection is made: through which proxy, and which certificates are trusted.

use reqwest::{Certificate, ClientBuilder, Proxy};

use super::Service;
use super::request::Url;
use crate::error::{Failure, reason};
use crate::io::Env;

/// Sets the proxy: the profile's, else the environment's. None for this machine.
///
/// # Errors
/// A profile's proxy that is no URL.
pub(super) fn with_proxy(
    builder: ClientBuilder,
    service: &Service,
    url: &Url,
) -> Result<ClientBuilder, Failure> {
    if let Some(proxy) = &service.proxy {
        let proxy = Proxy::all(proxy.as_str()).map_err(|_| {
            Failure::usage(format!("the `proxy` of {} is no URL", service.name))
                .hint("a proxy looks like http://host:8080")
        })?;
        return Ok(builder.proxy(proxy));
    }
    // A proxy could not reach the caller's own loopback.
    Ok(if is_this_machine(url) { builder.no_proxy() } else { builder })
}

/// Sets the trusted certificates: the system's, and those of the profile's `ca_file`. None at all
/// for plain HTTP: reading some 150 certificate files takes longer than a short answer.
///
/// # Errors
/// A `ca_file` that can't be read or holds no certificate.
pub(super) fn with_roots(
    builder: ClientBuilder,
    service: &Service,
    url: &Url,
    env: &Env,
) -> Result<ClientBuilder, Failure> {
    let is_tls_proxy = |url: &str| url.starts_with("https://");
    if url.scheme() == "http"
        && !has_tls_proxy(env)
        && !service.proxy.as_deref().is_some_and(is_tls_proxy)
    {
        return Ok(builder.tls_certs_only([]));
    }
    let Some(path) = &service.ca_file else { return Ok(builder) };
    let wrong = |what: String| Failure::usage(format!("the `ca_file` of {} {what}", service.name));
    let home = path.strip_prefix("~/").zip(env.get("HOME"));
    let file =
        home.map_or_else(|| path.into(), |(rest, home)| std::path::Path::new(&home).join(rest));
    let pem = std::fs::read(file)
        .map_err(|error| wrong(format!("can't be read: {path}: {}", reason(&error))))?;
    match Certificate::from_pem_bundle(&pem) {
        Ok(certificates) if !certificates.is_empty() => Ok(builder.tls_certs_merge(certificates)),
        _ => Err(wrong(format!("holds no certificate in PEM form: {path}"))),
    }
}

/// Whether a URL's host is the machine itself.
pub(crate) fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host.eq_ignore_ascii_case("localhost")
        || host.to_ascii_lowercase().ends_with(".localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether plain HTTP would go through a proxy that is itself reached by TLS.
fn has_tls_proxy(env: &Env) -> bool {
    let names = ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];
    names.iter().filter_map(|name| env.get(name)).any(|url| url.starts_with("https://"))
}
