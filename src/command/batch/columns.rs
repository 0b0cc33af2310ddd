//! Columns whose names have other signs than usual ones: what stands in double braces may be one of them, or
//! the user's own text, such as JSON or code.

use std::cell::RefCell;

use super::source::{NumberedRow, RowFiles};
use super::template::TemplateSources;
use crate::error::Failure;
use crate::input::PromptTemplate;

/// What of the names in double braces, beside usual ones, names a column that only rows behind the first one
/// have. Only where such names stand in the prompt, rows are read for it.
///
/// # Errors
/// Exit 2: what differs from a column's name by a typing error; a row that can't be read.
pub(super) fn of_later_rows(
    sources: &TemplateSources<'_>,
    files: &RowFiles,
    first: &NumberedRow,
) -> Result<Vec<String>, Failure> {
    let mut names = odd_names(sources);
    names.retain(|name| first.row.get(name).is_none());
    let (mut found, mut columns) = (Vec::new(), first.row.columns());
    let mut rows = files.rows();
    while !names.is_empty() {
        let Some(row) = rows.next()? else { break };
        found.extend(names.extract_if(.., |name| row.row.get(name).is_some()));
        for column in row.row.columns() {
            if !columns.contains(&column) {
                columns.push(column);
            }
        }
    }
    let meant = |name: &String| {
        let column = columns.iter().find(|column| is_near(name, column))?;
        Some((name.clone(), column.clone()))
    };
    match names.iter().find_map(meant) {
        None => Ok(found),
        Some((name, column)) => Err(Failure::usage(format!("no row has a column `{name}`"))
            .hint(format!("did you mean {{{{{column}}}}}?"))),
    }
}

/// What stands in double braces and is no usual name.
fn odd_names(sources: &TemplateSources<'_>) -> Vec<String> {
    let names = RefCell::new(Vec::new());
    for text in sources.texts() {
        PromptTemplate::parse_with(&text, |name| {
            let mut names = names.borrow_mut();
            if !name.is_empty() && !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
            false
        });
    }
    names.into_inner()
}

/// Whether two names differ by their letters' case and width, by spaces, or by one letter at most.
fn is_near(name: &str, column: &str) -> bool {
    let [name, column] = [name, column].map(|name| name.chars().filter_map(plain).collect());
    let (name, column): (String, String) = (name, column);
    name == column || (column.chars().count() > 3 && strsim::osa_distance(&name, &column) <= 1)
}

/// A letter without its case and width; none of a space and what joins words.
fn plain(letter: char) -> Option<char> {
    let letter = match letter {
        // Letters and signs that are as wide as Chinese ones.
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(letter as u32 - 0xfee0)?,
        letter => letter,
    };
    let is_joint = letter.is_whitespace() || matches!(letter, '_' | '-');
    letter.to_lowercase().next().filter(|_| !is_joint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_is_told_from_code() {
        for (name, column) in [
            ("First Nam", "First Name"),
            ("first name", "First Name"),
            ("价格(元)", "价格（元）"),
            ("e mail", "e-mail"),
            ("user.nmae", "user.name"),
        ] {
            assert!(is_near(name, column), "{name}");
        }
        for (name, column) in [
            ("user.name", "name"),
            ("{\"x\": 1}", "x"),
            ("#if a", "a"),
            ("a | upper", "a"),
            (".a", "b"),
            ("item.name", "item"),
        ] {
            assert!(!is_near(name, column), "{name}");
        }
    }
}
