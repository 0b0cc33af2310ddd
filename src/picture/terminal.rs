//! What a terminal can draw, judged by environment variables. Sends nothing to the terminal.

/// The ways to draw a picture in a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PictureProtocol {
    /// kitty's graphics protocol.
    Kitty,
    /// iTerm2's inline images.
    Iterm,
    /// DEC's sixel graphics.
    Sixel,
    /// Characters whose upper half has one colour and whose lower half another.
    Blocks(ColorDepth),
}

/// The colours that characters can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ColorDepth {
    TrueColor,
    /// xterm's palette of 256.
    Palette,
}

/// The best protocol that the terminal is known to support; `None` if it supports none. `variable`
/// reads an environment variable.
pub(crate) fn protocol(variable: impl Fn(&str) -> Option<String>) -> Option<PictureProtocol> {
    let text = |name: &str| variable(name).unwrap_or_default();
    let (term, program) = (text("TERM"), text("TERM_PROGRAM"));
    let is = |names: &[&str]| names.iter().any(|name| program.eq_ignore_ascii_case(name));
    let begins = |names: &[&str]| names.iter().any(|name| term.starts_with(name));
    if term == "dumb" {
        return None;
    }
    let blocks = Some(PictureProtocol::Blocks(color_depth(&text("COLORTERM"), &term)));
    // A multiplexer forwards none of the other protocols, whatever terminal it runs in.
    let is_multiplexed = variable("TMUX").is_some() || variable("STY").is_some();
    if is_multiplexed || begins(&["screen", "tmux"]) {
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

/// The first version of Konsole with kitty's protocol: 22.04.
const FIRST_KONSOLE: u32 = 220_400;

/// <https://github.com/termstandard/colors>: true colour only where the environment says so.
fn color_depth(colorterm: &str, term: &str) -> ColorDepth {
    let says_so = matches!(colorterm, "truecolor" | "24bit") || term.ends_with("-direct");
    if says_so { ColorDepth::TrueColor } else { ColorDepth::Palette }
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
            (&[("COLORTERM", "truecolor")], PictureProtocol::Blocks(ColorDepth::TrueColor)),
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
