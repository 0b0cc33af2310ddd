//! What must hold for any bytes of a server or a profile file: one function for each fuzz target,
//! which panics where it does not. Built for fuzzing and for tests alone; knows no I/O.
//!
//! Beside "no panic" it is always the same few promises: where the network cuts the bytes changes
//! nothing, what comes out is bounded by what went in, and what is encoded comes back.

mod calls;
mod cuts;
mod profile;
mod replies;
mod sound;
mod stream;
mod vectors;

pub use calls::{calls, finishes};
pub use profile::profile;
pub use replies::{pictures, replies};
pub use sound::sound;
pub use stream::{errors, events};
pub use vectors::vectors;

#[cfg(test)]
mod tests;
