//! What a terminal of 80 columns shows after all that was written to it. Of control sequences it knows those that
//! clear a line, and passes over the others.

/// The lines on the screen, without blanks at their ends.
pub(crate) fn screen(written: &str) -> Vec<String> {
    let (mut lines, mut row, mut column) = (vec![Vec::new()], 0, 0);
    let mut letters = written.chars();
    while let Some(letter) = letters.next() {
        let line: &mut Vec<char> = &mut lines[row];
        match letter {
            '\r' => column = 0,
            '\n' => {
                row += 1;
                if row == lines.len() {
                    lines.push(Vec::new());
                }
            }
            '\u{1b}' => {
                // `ESC [`, parameters, a letter.
                let mut parameters = String::new();
                for letter in letters.by_ref().skip(1) {
                    parameters.push(letter);
                    if letter.is_ascii_alphabetic() {
                        break;
                    }
                }
                match parameters.as_str() {
                    "K" | "0K" => line.truncate(column),
                    "2K" => line.clear(),
                    _ => {}
                }
            }
            letter => {
                line.resize(line.len().max(column + 1), ' ');
                line[column] = letter;
                column += 1;
            }
        }
    }
    let text = |line: Vec<char>| line.into_iter().collect::<String>().trim_end().to_owned();
    let mut lines: Vec<String> = lines.into_iter().map(text).collect();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}
