//! The program: all of it is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(llm::run(std::env::args_os(), &mut llm::Io::system()))
}
