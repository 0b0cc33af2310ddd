//! The rows of vector files that are nearest to a query, by their cosine, over all rows. Knows neither
//! services nor the command line.
//!
//! A file is cut into regions that threads read at the same time. No file is held whole: what stays is
//! the best rows of each region.

mod best;
mod cosine;
mod header;
mod lines;
mod look;
mod numbers;
mod search;
mod texts;

pub(crate) use best::{Best, Hit};
pub(crate) use cosine::Query;
pub(crate) use look::{count_rows, look};
pub(crate) use search::{SearchError, search};
pub(crate) use texts::add_texts;

#[cfg(test)]
mod tests;
