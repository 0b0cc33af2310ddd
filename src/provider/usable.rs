//! What can be used right now, for a user who has chosen no service: profiles whose key is there, and servers
//! that take connections on this machine.

use std::net::{TcpStream, ToSocketAddrs as _};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::environment;
use crate::config::Config;
use crate::config::profile::Profile;
use crate::error::Failure;
use crate::http::request::{Url, is_this_machine};
use crate::io::Env;

/// How long is waited for all servers together. One that is there takes a connection at once.
const PATIENCE: Duration = Duration::from_millis(250);

/// How many profiles a hint names.
const MOST_NAMES: usize = 8;

/// The failure where no service is chosen: what could be named now.
pub(super) fn none_chosen(config: &Config, env: &Env) -> Failure {
    let what = match config.user_names().is_empty() {
        true => "no service is chosen, and you have no profile of your own",
        false => "no service is chosen, and the profile file has no `default`",
    };
    let mut usable = Vec::new();
    let mut servers = Vec::new();
    for name in config.names() {
        let Some(mut profile) = config.profile(name) else { continue };
        environment::lay_over(&mut profile, env);
        let key = key_words(&profile, env);
        let lacks_key = key.is_none() && profile.names_a_key();
        match (key, server(&profile)) {
            _ if lacks_key => {}
            _ if config.has_own(name) => usable.push(name.to_owned()),
            (Some(words), _) => usable.push(format!("{name} ({words})")),
            (None, Some(address)) => servers.push((name.to_owned(), address)),
            (None, None) => {}
        }
    }
    usable.extend(
        answering(servers).into_iter().map(|(name, at)| format!("{name} (a server is at {at})")),
    );
    let more = usable.len().saturating_sub(MOST_NAMES);
    usable.truncate(MOST_NAMES);
    let hint = match usable.is_empty() {
        true => "choose one with -p NAME or LLM_PROVIDER: openai, deepseek, dashscope and others once their key \
                 is set (`export OPENAI_API_KEY=…`), ollama and others once they run here, or demo, which needs \
                 nothing; `llm providers` lists all"
            .to_owned(),
        false => {
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let names = usable.join(", ");
            format!("choose one with -p NAME or LLM_PROVIDER: {names}{more}; `llm providers` lists all")
        }
    };
    Failure::usage(what).hint(hint)
}

/// Where the profile's key is, if it can be found without running or opening anything.
fn key_words(profile: &Profile, env: &Env) -> Option<String> {
    if profile.api_key.is_set() || profile.api_key_cmd.is_set() || profile.api_key_file.is_set() {
        return Some("its key is in the profile".to_owned());
    }
    let name = profile.key_variables().iter().find(|name| env.get(name).is_some())?;
    Some(format!("{name} is set"))
}

/// Host and port of a profile that is for a server on this machine.
fn server(profile: &Profile) -> Option<(String, u16)> {
    let url = Url::parse(profile.base_url.as_deref()?).ok()?;
    let is_here = url.scheme() != "demo" && is_this_machine(&url);
    let host = url.host_str().filter(|_| is_here)?.trim_matches(['[', ']']);
    Some((host.to_owned(), url.port_or_known_default()?))
}

/// The servers that take a connection, each with its address. Of several profiles with one address the
/// first is named: nothing is asked that would tell which of them it is.
fn answering(servers: Vec<(String, (String, u16))>) -> Vec<(String, String)> {
    let mut different: Vec<(String, (String, u16))> = Vec::new();
    for (name, address) in servers {
        if different.iter().all(|(_, other)| *other != address) {
            different.push((name, address));
        }
    }
    let (found, there) = mpsc::channel();
    for (at, (_, address)) in different.iter().enumerate() {
        let (found, (host, port)) = (found.clone(), address.clone());
        // A name that takes long to look up is not waited for: the thread ends by itself.
        let look = move || {
            let addresses = (host.as_str(), port).to_socket_addrs().into_iter().flatten();
            for address in addresses {
                if TcpStream::connect_timeout(&address, PATIENCE).is_ok() {
                    let _ = found.send(at);
                    break;
                }
            }
        };
        // Without a thread this server is not looked for.
        let _ = std::thread::Builder::new().spawn(look);
    }
    drop(found);
    let end = Instant::now() + PATIENCE;
    let mut running = Vec::new();
    while let Ok(at) = there.recv_timeout(end.saturating_duration_since(Instant::now())) {
        running.push(at);
    }
    running.sort_unstable();
    let named = running.into_iter().map(|at| {
        let (name, (host, port)) = &different[at];
        (name.clone(), format!("{host}:{port}"))
    });
    named.collect()
}
