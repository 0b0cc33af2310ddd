//! One exchange with a service: the only place that sends a request, waits, tries again, repairs a
//! refused field, has the reply read, and says in words why a reply holds no answer.
//!
//! A command gives an [`Operation`]: how its request is made for a service, and how its reply is read.
//! [`Exchange::ask`] does the rest. What all requests of a run share (what the repair of fields learnt)
//! and, in a bulk run, how fast the service may be asked) is in
//! `state::Shared`; what belongs to one request (its retries) is made for each. A request is made
//! again for the service that is asked, so an operation knows no service beforehand.

mod account;
mod ask;
mod bad_reply;
mod draft;
mod fetch;
mod hints;
mod kept_reply;
mod meter;
mod models;
mod operation;
mod pace;
mod reply;
mod retries;
mod run;
mod state;
mod throttle;

pub(crate) use bad_reply::ReplyWords;
pub(crate) use draft::Draft;
pub(crate) use fetch::{plain_get, resolved};
pub(crate) use kept_reply::KeptHead;
pub(crate) use models::look_up_model;
pub(crate) use operation::{Operation, ReadError};
pub(crate) use pace::MinuteLimits;
pub(crate) use reply::Reply;
pub(crate) use run::{ended_early, name_demo, on_runtime, run};
pub(crate) use state::{Exchange, ExchangeOptions};
