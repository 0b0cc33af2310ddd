//! Phrases with which services say what failed, in English and Chinese. Data only; how a phrase is
//! written is told at [`super::words::Words`].

mod money;
mod service;

pub(super) use money::*;
pub(super) use service::*;
