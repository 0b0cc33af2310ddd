//! Audio files as formats: what a file is, where its samples lie, where it is quiet. Knows no service.

pub(crate) mod kind;
pub(crate) mod quiet;
pub(crate) mod wav;
