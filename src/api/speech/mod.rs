//! `POST /audio/speech`: the request's fields, a long text in parts, and the sound out of any reply.

pub(crate) mod answer;
pub(crate) mod pcm;
pub(crate) mod plain;
pub(crate) mod refusal;
pub(crate) mod request;
pub(crate) mod sentences;
pub(crate) mod split;
