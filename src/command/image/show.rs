//! `--show`: draws pictures in the terminal, on whichever stream has one.

use crate::error::Failure;
use crate::io::Io;
use crate::output::sink::to_stdout;
use crate::picture::draw::{CharacterArea, draw};
use crate::picture::terminal::{PictureProtocol, protocol};

/// A terminal that can be drawn on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Canvas {
    is_stdout: bool,
    protocol: PictureProtocol,
    room: CharacterArea,
}

/// The terminal to draw on; without one a warning, before anything is paid for. Where standard
/// output takes the picture's bytes, it takes nothing else.
pub(super) fn canvas(stdout_is_taken: bool, io: &Io) -> Option<Canvas> {
    let is_stdout = io.stdout_is_terminal && !stdout_is_taken;
    if !is_stdout && !io.stderr.is_terminal {
        io.warn("--show needs a terminal; nothing is drawn");
        return None;
    }
    let Some(protocol) = protocol(|name| io.env.get(name)) else {
        io.warn("--show can't draw on this terminal (TERM=dumb)");
        return None;
    };
    Some(Canvas { is_stdout, protocol, room: room() })
}

/// All of the terminal but a line for what comes next.
fn room() -> CharacterArea {
    let size = terminal_size::terminal_size();
    let (columns, rows) = size.map_or((80, 24), |(columns, rows)| (columns.0, rows.0));
    CharacterArea { columns: usize::from(columns).max(1), rows: usize::from(rows).max(2) - 1 }
}

impl Canvas {
    /// Draws the picture in `file`. One that can't be drawn earns a warning.
    ///
    /// # Errors
    /// Standard output that can't be written.
    pub(super) fn show(&self, file: &[u8], what: &str, io: &mut Io) -> Result<(), Failure> {
        match draw(file, self.protocol, self.room) {
            Ok(drawn) if self.is_stdout => to_stdout(&drawn, io),
            Ok(drawn) => {
                io.stderr.raw(&drawn);
                Ok(())
            }
            Err(why) => {
                io.warn(&format!("{what} is not drawn: {why}"));
                Ok(())
            }
        }
    }
}
