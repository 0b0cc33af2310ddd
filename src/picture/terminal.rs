//! What a terminal can draw, told from its environment. Asks no terminal.

/// The ways to draw a picture in a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PictureProtocol {
    /// kitty's graphics protocol.
    Kitty,
    /// iTerm2's inline images.
    Iterm,
    /// DEC's sixel graphics.
    Sixel,
    /// Characters, the upper half in one colour and the lower in another.
    Blocks(ColorDepth),
}

/// How a character's colour can be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ColorDepth {
    All,
    /// xterm's palette of 256.
    Palette,
}

/// The best way that the terminal is known to understand; `None` for one without any. `variable`
/// reads the environment.
pub(crate) fn protocol(variable: impl Fn(&str) -> Option<String>) -> Option<PictureProtocol> {
    let text = |name: &str| variable(name).unwrap_or_default();
    let (term, program) = (text("TERM"), text("TERM_PROGRAM"));
    let is = |names: &[&str]| names.iter().any(|name| program.eq_ignore_ascii_case(name));
    let begins = |names: &[&str]| names.iter().any(|name| term.starts_with(name));
    if term == "dumb" {
        return None;
    }
    let blocks = Some(PictureProtocol::Blocks(colours(&text("COLORTERM"), &term)));
    // A multiplexer passes none of the others on, whatever terminal it runs in.
    let is_within = variable("TMUX").is_some() || variable("STY").is_some();
    if is_within || begins(&["screen", "tmux"]) {
        return blocks;
    }
    let konsole = text("KONSOLE_VERSION").parse().unwrap_or(0);
    let is_kitty = variable("KITTY_WINDOW_ID").is_some()
        || begins(&["xterm-kitty", "xterm-ghostty"])
        || is(&["ghostty"])
        || konsole >= FIRST_KONSOLE;
    if is_kitty {
        return Some(PictureProtocol::Kitty);
    }
    if is(&["iTerm.app", "WezTerm", "mintty", "rio"]) || text("LC_TERMINAL") == "iTerm2" {
        return Some(PictureProtocol::Iterm);
    }
    if begins(&["foot", "mlterm", "contour", "yaft"]) || term.contains("sixel") {
        return Some(PictureProtocol::Sixel);
    }
    blocks
}

/// The first Konsole that draws by kitty's protocol: 22.04.
const FIRST_KONSOLE: u32 = 220_400;

/// <https://github.com/termstandard/colors>: all colours only where the environment says so.
fn colours(colorterm: &str, term: &str) -> ColorDepth {
    let says_so = matches!(colorterm, "truecolor" | "24bit") || term.ends_with("-direct");
    if says_so { ColorDepth::All } else { ColorDepth::Palette }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(variables: &[(&str, &str)]) -> Option<PictureProtocol> {
        protocol(|name| {
            let pair = variables.iter().find(|(known, _)| *known == name);
            pair.map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn terminals_are_known_by_their_environment() {
        for (variables, expected) in [
            (&[("TERM", "xterm-kitty")][..], PictureProtocol::Kitty),
            (&[("TERM", "xterm-256color"), ("KITTY_WINDOW_ID", "1")], PictureProtocol::Kitty),
            (&[("TERM_PROGRAM", "ghostty")], PictureProtocol::Kitty),
            (&[("KONSOLE_VERSION", "230800")], PictureProtocol::Kitty),
            (&[("TERM_PROGRAM", "iTerm.app")], PictureProtocol::Iterm),
            (&[("TERM_PROGRAM", "WezTerm")], PictureProtocol::Iterm),
            (&[("LC_TERMINAL", "iTerm2")], PictureProtocol::Iterm),
            (&[("TERM", "foot-extra")], PictureProtocol::Sixel),
            (&[("TERM", "xterm-sixel")], PictureProtocol::Sixel),
            (&[("TERM", "xterm-256color")], PictureProtocol::Blocks(ColorDepth::Palette)),
            (&[("COLORTERM", "truecolor")], PictureProtocol::Blocks(ColorDepth::All)),
            (&[("KONSOLE_VERSION", "210000")], PictureProtocol::Blocks(ColorDepth::Palette)),
            (
                &[("TERM", "tmux-256color"), ("TERM_PROGRAM", "iTerm.app")],
                PictureProtocol::Blocks(ColorDepth::Palette),
            ),
            (
                &[("KITTY_WINDOW_ID", "1"), ("TMUX", "x")],
                PictureProtocol::Blocks(ColorDepth::Palette),
            ),
        ] {
            assert_eq!(found(variables), Some(expected), "{variables:?}");
        }
        assert_eq!(found(&[("TERM", "dumb"), ("KITTY_WINDOW_ID", "1")]), None);
    }
}
