//! Pictures as bytes: their pixels, and how a terminal shows them. Knows no files and no services.

pub(crate) mod draw;
mod pixels;
mod sixel;
pub(crate) mod terminal;
