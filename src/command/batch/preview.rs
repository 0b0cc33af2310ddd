//! `--dry-run`: the first row's request, and how much all rows would send.

use super::request::RowRequests;
use super::setup::RowSetup;
use super::survey::RowSurvey;
use super::tally::grouped;
use super::{attach, template::RowQuestion};
use crate::api::about_tokens::about_tokens;
use crate::command::chat::SilentCuts;
use crate::command::steps::print_request;
use crate::error::Failure;
use crate::io::Io;
use crate::provider::Provider;

/// Prints the first row's request as a curl command, and tells how many there would be.
///
/// # Errors
/// Exit 2: a row that can't be asked; and those of printing.
pub(super) fn show(
    mut setup: RowSetup,
    requests: &RowRequests,
    io: &mut Io,
) -> Result<(), Failure> {
    let made = requests.made();
    let (mut bytes, mut tokens) = (0, 0);
    let mut count = |_: &_, question: &RowQuestion| {
        let body = made.filled(question).to_string();
        bytes += body.len() as u64;
        tokens += about_tokens(&body);
        Ok(())
    };
    let survey = RowSurvey::of(&setup.files, &setup.template, setup.id.as_deref(), &mut count)?;
    let first = setup.files.rows().next()?;
    if let Some(row) = first {
        let question = setup.template.fill(&row)?;
        let items = attach::items(&row, &question, io)?;
        let request = |provider: &Provider| {
            if question.body.is_some() {
                requests.remake(provider)?;
                return Ok(requests.made().fill(&question).into_request());
            }
            let mut question = requests.question(&question, items, provider)?;
            Ok(question.draft(provider, &mut SilentCuts::default()).into_request())
        };
        print_request(&mut setup.provider, io, request)?;
    }
    let plural = if survey.count == 1 { "request" } else { "requests" };
    let (size, tokens) = (size(bytes), grouped(tokens));
    io.say(&format!("{} {plural}, {size}, about {tokens} tokens in", grouped(survey.count)));
    Ok(())
}

/// `312 B`, `4.1 kB`, `3.1 MB`.
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        ..1_000 => format!("{bytes} B"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_told_roughly() {
        assert_eq!([size(312), size(4_100), size(3_100_000)], ["312 B", "4.1 kB", "3.1 MB"]);
    }
}
