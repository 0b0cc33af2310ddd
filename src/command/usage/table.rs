//! The sums as a table for eyes, which is made to fit into the terminal. Writes nothing.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::cells::{amounts, counts, grouped, seconds};
use crate::ledger::{Sum, Sums};
use crate::sanitize;

/// What the counts are called, in their order.
const HEADS: [&str; 7] =
    ["in", "cached", "cache written", "out", "thinking", "characters", "pictures"];

/// What is left out first where there is no room.
const LEAST_TOLD: [&str; 7] =
    ["cache written", "thinking", "pictures", "characters", "seconds", "cached", "runs"];

/// A name is not cut below this many columns for the sake of others.
const LEAST_NAME: usize = 24;

/// What stands between two columns.
const GAP: usize = 2;

/// A column. A cell has one line or several.
struct Column {
    head: &'static str,
    cells: Vec<Vec<String>>,
}

impl Column {
    fn width(&self) -> usize {
        let cells = self.cells.iter().flatten().map(|line| line.width());
        cells.chain([self.head.width()]).max().unwrap_or(0)
    }
}

/// The table, and the names of the columns for which `room` columns of letters are too few. Columns in which
/// there is nothing are not there. The first column is called `by`.
pub(super) fn table(
    sums: &Sums,
    groups: &[(&str, &Sum)],
    by: &'static str,
    room: usize,
) -> (String, Vec<&'static str>) {
    if sums.total.runs == 0 {
        return (String::new(), Vec::new());
    }
    let mut columns = all_columns(sums, groups, by);
    let left_out = fit(&mut columns, room);
    (drawn(&columns), left_out)
}

fn all_columns(sums: &Sums, groups: &[(&str, &Sum)], by: &'static str) -> Vec<Column> {
    let mut columns = Vec::new();
    let all = || groups.iter().copied().chain([("total", &sums.total)]);
    let mut column = |head, cell: &dyn Fn((&str, &Sum)) -> String| {
        columns.push(Column { head, cells: all().map(|row| vec![cell(row)]).collect() });
    };
    let shown = |key: &str| if key.is_empty() { "–".to_owned() } else { sanitize::one_line(key) };
    column(by, &|(key, _)| shown(key));
    column("runs", &|(_, sum)| grouped(sum.runs));
    for (at, head) in HEADS.into_iter().enumerate() {
        if counts(&sums.total)[at].1 > 0 {
            column(head, &|(_, sum)| grouped(counts(sum)[at].1));
        }
    }
    if sums.total.spent.seconds.is_some() {
        column("seconds", &|(_, sum)| seconds(sum));
    }
    if !sums.total.spent.cost.is_empty() {
        column("cost", &|(_, sum)| sanitize::one_line(&amounts(sum).join(", ")));
    }
    columns
}

/// Makes a table narrow enough: amounts go below each other, what tells least goes, names are cut. Gives the
/// names of what went.
fn fit(columns: &mut Vec<Column>, room: usize) -> Vec<&'static str> {
    // What all columns take, with a first one of this width at most.
    let taken = |columns: &[Column], name: usize| {
        let widths = columns.iter().enumerate().map(|(at, column)| match at {
            0 => column.width().min(name),
            _ => column.width() + GAP,
        });
        widths.sum::<usize>()
    };
    if taken(columns, usize::MAX) <= room {
        return Vec::new();
    }
    for cell in columns.iter_mut().filter(|column| column.head == "cost").flat_map(|c| &mut c.cells)
    {
        *cell = cell.iter().flat_map(|line| line.split(", ").map(str::to_owned)).collect();
    }
    let mut left_out = Vec::new();
    for head in LEAST_TOLD {
        if taken(columns, LEAST_NAME) <= room {
            break;
        }
        if let Some(at) = columns.iter().position(|column| column.head == head) {
            left_out.push(columns.remove(at).head);
        }
    }
    let others = taken(columns, 0);
    if let Some(names) = columns.first_mut() {
        let width = room.saturating_sub(others).max(LEAST_NAME);
        for line in names.cells.iter_mut().flatten() {
            *line = shortened(line, width);
        }
    }
    left_out
}

/// A name in this width: begin and end of a longer one, as models differ at both.
fn shortened(name: &str, width: usize) -> String {
    if name.width() <= width {
        return name.to_owned();
    }
    let taken = |letters: &mut dyn Iterator<Item = char>, most: usize| {
        let mut used = 0;
        let fits = |letter: &char| {
            used += letter.width().unwrap_or(0);
            used <= most
        };
        letters.take_while(fits).collect::<Vec<char>>()
    };
    let of_end = (width - 1) / 2;
    let begin = taken(&mut name.chars(), width - 1 - of_end);
    let end = taken(&mut name.chars().rev(), of_end);
    begin.into_iter().chain(['…']).chain(end.into_iter().rev()).collect()
}

/// Columns beside each other: the first one from the left, numbers from the right.
fn drawn(columns: &[Column]) -> String {
    let widths: Vec<usize> = columns.iter().map(Column::width).collect();
    let mut text = String::new();
    let mut draw = |cells: &[&str]| {
        let mut row = String::new();
        for (at, (cell, width)) in cells.iter().zip(&widths).enumerate() {
            let space = " ".repeat(width - cell.width());
            match at {
                0 => row.extend([cell, space.as_str()]),
                _ => row.extend(["  ", &space, cell]),
            }
        }
        text.push_str(row.trim_end());
        text.push('\n');
    };
    draw(&columns.iter().map(|column| column.head).collect::<Vec<_>>());
    for row in 0..columns.first().map_or(0, |column| column.cells.len()) {
        let lines = columns.iter().map(|column| column.cells[row].len()).max().unwrap_or(0);
        for line in 0..lines {
            let cells = columns.iter().map(|column| &column.cells[row]);
            let cells = cells.map(|lines| lines.get(line).map_or("", String::as_str));
            draw(&cells.collect::<Vec<_>>());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Spent;

    fn sum(runs: u64, input: u64, cost: &[(&str, f64)]) -> Sum {
        let cost = cost.iter().map(|(name, amount)| ((*name).to_owned(), *amount)).collect();
        let counted =
            Spent { input_tokens: Some(input), output_tokens: Some(7), ..Spent::default() };
        let spent =
            Spent { cache_write_tokens: Some(3), reasoning_tokens: Some(2), cost, ..counted };
        Sum { runs, uncounted: 0, spent }
    }

    fn shown(groups: &[(&str, Sum)], room: usize) -> (String, Vec<&'static str>) {
        let mut sums = Sums::default();
        for (_, sum) in groups {
            sums.total.runs += sum.runs;
            sums.total.spent.add(&sum.spent);
        }
        let groups: Vec<(&str, &Sum)> = groups.iter().map(|(key, sum)| (*key, sum)).collect();
        table(&sums, &groups, "model", room)
    }

    #[test]
    fn wide_letters_take_two_columns() {
        let groups = [("千问", sum(1, 5, &[])), ("x", sum(1, 1000, &[]))];
        let (text, left_out) = shown(&groups, 80);
        let expected = "model  runs     in  cache written  out  thinking\n\
                        千问      1      5              3    7         2\n\
                        x         1  1,000              3    7         2\n\
                        total     2  1,005              6   14         4\n";
        assert_eq!((text.as_str(), left_out.len()), (expected, 0));
    }

    #[test]
    fn a_table_fits_into_its_terminal() {
        let name = "通义千问-最大版-2026-11-01-长上下文预览版";
        let groups = [
            (name, sum(1, 5, &[("USD", 1.5), ("元", 12.0)])),
            ("gpt-6-luna", sum(2, 1_000_000, &[("USD", 0.25)])),
        ];
        for room in [40, 45, 50, 60, 70, 80, 100, 200] {
            let (text, _) = shown(&groups, room);
            let widest = text.lines().map(|line| line.width()).max();
            assert!(widest <= Some(room.max(50)), "{room}: {widest:?}\n{text}");
        }
        let (text, left_out) = shown(&groups, 60);
        let expected = "model                       runs         in  out      cost\n\
                        通义千问-最大…上下文预览版     1          5    7  1.50 USD\n\
                        \u{20}                                                 12.00 元\n\
                        gpt-6-luna                     2  1,000,000    7  0.25 USD\n\
                        total                          3  1,000,005   14  1.75 USD\n\
                        \u{20}                                                 12.00 元\n";
        assert_eq!((text.as_str(), left_out), (expected, vec!["cache written", "thinking"]));
    }

    #[test]
    fn names_are_cut_in_their_middle() {
        assert_eq!(shortened("claude-sonnet-5.5", 17), "claude-sonnet-5.5");
        assert_eq!(shortened("claude-sonnet-5.5", 9), "clau…-5.5");
        assert_eq!(shortened("通义千问", 7), "通…问");
    }
}
