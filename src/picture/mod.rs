//! Pictures as bytes: what they are, and how a terminal shows them. Knows no files and no services.

pub(crate) mod draw;
pub(crate) mod kind;
mod pixels;
mod sixel;
pub(crate) mod terminal;
