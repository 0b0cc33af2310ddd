//! `llm providers check`: asks services whether they work, several at a time, and tells what it found.

use std::time::Duration;

use tokio::task::JoinSet;

use crate::command::options::RunOptions;
use crate::command::steps::as_curl;
use crate::config::Config;
use crate::config::profile::Profile;
use crate::error::Failure;
use crate::exchange::{self, Exchange, ExchangeOptions, ended_early};
use crate::http::request::{Url, shown};
use crate::io::Io;
use crate::output::sink::to_stdout;
use crate::provider::{Job, Provider, profile_for, provider_of};
use crate::sanitize;
use ask::ServiceCheck;
use report::{CheckResult, LocalServer, ServiceReport};

mod ask;
mod ending;
mod local;
mod one_token;
mod report;

/// The time limit of one service, unless `--max-time` says otherwise.
const SERVICE_TIMEOUT: Duration = Duration::from_secs(10);

/// How many services are asked at a time.
const CONCURRENT_CHECKS: usize = 8;

/// A service to be asked, or the report on one that can't be.
type CheckSubject = Result<Provider, ServiceReport>;

/// What is to be done.
struct CheckPlan {
    subjects: Vec<CheckSubject>,
    /// Servers to look for.
    candidates: Vec<local::Candidate>,
    /// Those of the subjects that need not run: nobody named them.
    may_be_off: Vec<String>,
    options: ExchangeOptions,
}

/// Runs the check.
///
/// # Errors
/// An unknown name; the class of the first service that does not work; an interruption.
pub(super) fn run(
    names: &[String],
    options: &RunOptions,
    config: &Config,
    io: &mut Io,
) -> anyhow::Result<()> {
    let mut plan = plan(names, options, config, io)?;
    for provider in plan.subjects.iter_mut().flatten() {
        provider.is_noted &= config.keeps_log();
    }
    if options.dry_run {
        return Ok(show(plan, io)?);
    }
    let (reports, locals) = exchange::on_runtime(io, |io| Box::pin(look(plan, io)))?;
    if options.json {
        to_stdout(report::json(&reports, &locals).as_bytes(), io)?;
    } else {
        let text = report::table(&reports, &locals, io.colors_stdout());
        to_stdout(text.as_bytes(), io)?;
        if text.is_empty() {
            io.note(
                "nothing to check: no profile of yours, no key, no server on this machine; \
                 `llm providers check NAME` asks a service",
            );
        }
    }
    for warning in reports.iter().flat_map(|report| &report.warnings) {
        io.warn(&sanitize::one_line(warning));
    }
    verdict(&reports)
}

/// The first service that does not work decides the exit code.
fn verdict(reports: &[ServiceReport]) -> anyhow::Result<()> {
    let failed: Vec<&ServiceReport> =
        reports.iter().filter(|report| report.failed.is_some()).collect();
    let Some(kind) = failed.first().and_then(|report| report.failed) else { return Ok(()) };
    let names: Vec<&str> = failed.iter().map(|report| report.name.as_str()).collect();
    let what = match (&names[..], reports.len()) {
        ([name], 1) => format!("{name} does not work"),
        (names, all) => {
            format!("{} of {all} services do not work: {}", names.len(), names.join(", "))
        }
    };
    Err(Failure::new(kind, what).into())
}

/// Whom to ask: those named; else the user's own, those whose key is found, and what runs here.
fn plan(
    names: &[String],
    options: &RunOptions,
    config: &Config,
    io: &mut Io,
) -> Result<CheckPlan, Failure> {
    let time = options.exchange.max_time.unwrap_or(SERVICE_TIMEOUT);
    let mut plan = CheckPlan {
        subjects: Vec::new(),
        candidates: Vec::new(),
        may_be_off: Vec::new(),
        options: ExchangeOptions {
            max_time: Some(time),
            // The end of the time is to be what ends the wait.
            silence: options.exchange.silence.or(Some(time * 2)),
            retries: Some(0),
            ..options.exchange
        },
    };
    if names.is_empty()
        && (options.service.provider.is_some() || options.service.base_url.is_some())
    {
        let profile = profile_for(&options.service, None, config, io)?;
        plan.subjects.push(subject(profile, options, io));
        return Ok(plan);
    }
    let mut seen: Vec<&str> = Vec::new();
    for name in names {
        if !seen.contains(&config.meant(name)) {
            seen.push(config.meant(name));
            let profile = profile_for(&options.service, Some(name), config, io)?;
            plan.subjects.push(subject(profile, options, io));
        }
    }
    if names.is_empty() {
        of_themselves(&mut plan, options, config, io)?;
    }
    Ok(plan)
}

/// Adds what is checked when nothing is named.
fn of_themselves(
    plan: &mut CheckPlan,
    options: &RunOptions,
    config: &Config,
    io: &mut Io,
) -> Result<(), Failure> {
    let users = config.user_names();
    let default = config.default().as_deref().map(|name| config.meant(name));
    let mut usual = Vec::new();
    for name in config.names() {
        let profile = profile_for(&options.service, Some(name), config, io)?;
        let is_usual = local::is_usual(&profile, config);
        let is_users = users.contains(&name) || default == Some(name);
        let has_key = profile.key_variables().iter().any(|variable| io.env.get(variable).is_some());
        if is_usual && let Ok(provider) = resolved(profile.clone(), options, io) {
            usual.push(provider);
        }
        if is_users || has_key {
            if is_usual {
                plan.may_be_off.push(name.to_owned());
            }
            plan.subjects.push(subject(profile, options, io));
        }
    }
    plan.candidates = local::candidates(usual);
    Ok(())
}

fn resolved(profile: Profile, options: &RunOptions, io: &mut Io) -> Result<Provider, Failure> {
    provider_of(profile, &options.service, Job::Chat, io)
}

fn subject(profile: Profile, options: &RunOptions, io: &mut Io) -> CheckSubject {
    let url = profile.base_url.as_deref().unwrap_or_default().to_owned();
    let name = profile.name.clone();
    resolved(profile, options, io).map_err(|failure| {
        let parsed = Url::parse(&url).ok().filter(|_| !url.contains('{'));
        let what = if parsed.is_some() { "key" } else { "host" };
        let base_url = parsed.map_or(url, |url| shown(&url));
        unasked(name, base_url, what, &failure)
    })
}

/// The report on a service that could not even be asked.
fn unasked(name: String, base_url: String, what: &'static str, failure: &Failure) -> ServiceReport {
    let checks = vec![CheckResult::failed(what, failure)];
    ServiceReport {
        name,
        base_url,
        model: None,
        checks,
        failed: Some(failure.kind),
        warnings: Box::default(),
    }
}

/// `--dry-run`: all requests as commands, and what can't be asked.
fn show(plan: CheckPlan, io: &mut Io) -> Result<(), Failure> {
    let mut text = String::new();
    for subject in plan.subjects {
        match subject {
            Ok(mut provider) => {
                exchange::name_demo(&mut provider, io)?;
                for request in ask::requests(&provider) {
                    text.push_str(&as_curl(&request, &provider, io)?);
                }
            }
            Err(report) => {
                for check in &report.checks {
                    io.warn(&check.words);
                }
            }
        }
    }
    for candidate in &plan.candidates {
        let provider = &candidate.provider;
        text.push_str(&as_curl(&provider.get(Job::Models), provider, io)?);
    }
    to_stdout(text.as_bytes(), io)
}

/// Looks for local servers, then asks all that are to be asked.
async fn look(
    mut plan: CheckPlan,
    io: &Io,
) -> Result<(Vec<ServiceReport>, Vec<LocalServer>), Failure> {
    let locals = local::look(std::mem::take(&mut plan.candidates), plan.options, io).await?;
    let is_off = |name: &String| {
        plan.may_be_off.contains(name) && !locals.iter().any(|local| local.names.contains(name))
    };
    plan.subjects.retain(|subject| match subject {
        Ok(provider) => !is_off(&provider.name),
        // Without its key it can't be asked whether it runs.
        Err(report) => !is_off(&report.name),
    });
    let reports = ask_all(plan.subjects, plan.options, io).await?;
    Ok((reports, locals))
}

/// The reports on all subjects, in their order.
async fn ask_all(
    subjects: Vec<CheckSubject>,
    options: ExchangeOptions,
    io: &Io,
) -> Result<Vec<ServiceReport>, Failure> {
    let mut reports: Vec<Option<ServiceReport>> = subjects.iter().map(|_| None).collect();
    let mut waiting = subjects.into_iter().enumerate();
    let mut running = JoinSet::new();
    loop {
        while running.len() < CONCURRENT_CHECKS
            && let Some((at, subject)) = waiting.next()
        {
            let provider = match subject {
                Ok(provider) => provider,
                Err(report) => {
                    reports[at] = Some(report);
                    continue;
                }
            };
            let (name, url) = (provider.name.clone(), shown(&provider.base_url));
            match Exchange::open(provider, options, Duration::ZERO, io).await {
                Ok(exchange) => {
                    let (asking, env) = (ServiceCheck::new(exchange), io.env.clone());
                    running.spawn(async move { (at, asking.run(&env).await) });
                }
                Err(failure) => reports[at] = Some(unasked(name, url, "host", &failure)),
            }
        }
        let Some(done) = running.join_next().await else { break };
        let (at, report) = done.map_err(ended_early)?;
        reports[at] = Some(report?);
    }
    Ok(reports.into_iter().flatten().collect())
}
