//! Opus in Ogg (RFC 7845): the packets of the parts as one logical stream, with the first part's header,
//! renumbered pages, and positions that count the samples of all parts.

use super::format_join::{FormatJoin, LengthPatch, Unjoinable};
use super::ogg_page::{BEGINS, OggPage};

/// Joins Ogg files.
#[derive(Debug, Default)]
pub(super) struct OggJoin {
    rest: Vec<u8>,
    stage: OggStage,
    /// Channels and mapping family of the first part (RFC 7845, section 5.1).
    channels: Option<[u8; 2]>,
    has_tags: bool,
    serial: u32,
    number: u32,
    /// The samples so far.
    position: i64,
    /// The samples of a packet that continues on the next page.
    open: Option<i64>,
    /// The samples of the current part.
    part_samples: i64,
    /// The newest page and its position. It is not written yet, as it may be the last of all.
    held: Option<(OggPage, i64)>,
    /// How many samples at the end of the newest page are not played (RFC 7845, section 4.4).
    trimmed: i64,
}

#[derive(Debug, Default, PartialEq)]
enum OggStage {
    #[default]
    Head,
    Tags,
    Sound,
}

impl FormatJoin for OggJoin {
    fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Unjoinable> {
        self.rest.extend_from_slice(bytes);
        let mut at = 0;
        while let Some(page) = self.page_at(at)? {
            at += page.length();
            self.add(page, out)?;
        }
        self.rest.drain(..at);
        Ok(())
    }

    fn end_part(&mut self, _: &mut Vec<u8>) -> Result<(), Unjoinable> {
        self.stage = OggStage::Head;
        if !std::mem::take(&mut self.rest).is_empty() {
            return Err(Unjoinable::new("ends inside an Ogg page"));
        }
        self.check_packet()?;
        if self.part_samples == 0 {
            Err(Unjoinable::no_audio("contains no Opus audio"))
        } else {
            Ok(())
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> Vec<LengthPatch> {
        if let Some((_, position)) = &mut self.held
            && *position >= 0
        {
            *position -= self.trimmed;
        }
        self.write_held(true, out);
        Vec::new()
    }
}

impl OggJoin {
    fn add(&mut self, page: OggPage, out: &mut Vec<u8>) -> Result<(), Unjoinable> {
        if page.flags() & BEGINS != 0 {
            return self.begin(page, out);
        }
        match self.stage {
            OggStage::Head => Err(Unjoinable::new("has no Opus header")),
            OggStage::Tags => {
                if page.ends_a_packet() {
                    self.stage = OggStage::Sound;
                }
                if !self.has_tags {
                    self.has_tags = page.ends_a_packet();
                    let position = if self.has_tags { 0 } else { -1 };
                    self.write(page, position, false, out);
                }
                Ok(())
            }
            OggStage::Sound => {
                self.add_audio(page, out);
                Ok(())
            }
        }
    }

    fn begin(&mut self, page: OggPage, out: &mut Vec<u8>) -> Result<(), Unjoinable> {
        let head = match page.content() {
            [b'O', b'p', b'u', b's', b'H', b'e', b'a', b'd', _, channels, rest @ ..] => {
                [*channels, rest.get(8).copied().unwrap_or_default()]
            }
            _ => return Err(Unjoinable::new("is an Ogg file without Opus")),
        };
        self.check_packet()?;
        self.stage = OggStage::Tags;
        self.part_samples = 0;
        match self.channels {
            None => {
                self.channels = Some(head);
                self.serial = page.serial();
                self.write(page, 0, false, out);
                Ok(())
            }
            Some(first) if first == head => Ok(()),
            Some(_) => Err(Unjoinable::new("has a different number of channels")),
        }
    }

    /// Fails inside a packet: the first packet of the next part would become its rest.
    fn check_packet(&mut self) -> Result<(), Unjoinable> {
        match self.open.take() {
            None => Ok(()),
            Some(_) => Err(Unjoinable::new("ends inside an Opus packet")),
        }
    }

    fn page_at(&self, at: usize) -> Result<Option<OggPage>, Unjoinable> {
        let page = OggPage::read(&self.rest[at..]);
        // Without a first page the part can be any file.
        page.map_err(|broken| match self.stage {
            OggStage::Head => Unjoinable::new("is not an Ogg file"),
            _ => broken,
        })
    }

    fn add_audio(&mut self, page: OggPage, out: &mut Vec<u8>) {
        let samples = page.samples(&mut self.open);
        self.part_samples += samples;
        self.position += samples;
        // Only the last page of a stream may end before its packets. So between the parts the few
        // samples stay that a position would cut off.
        let cut = self.part_samples.saturating_sub(page.position());
        self.trimmed = if (0..=samples).contains(&cut) { cut } else { 0 };
        let position = if page.ends_a_packet() { self.position } else { -1 };
        self.write_held(false, out);
        self.held = Some((page, position));
    }

    fn write(&mut self, mut page: OggPage, position: i64, is_last: bool, out: &mut Vec<u8>) {
        page.place(self.serial, self.number, position, is_last);
        self.number += 1;
        out.extend_from_slice(page.bytes());
    }

    /// Writes the page that was held back.
    fn write_held(&mut self, is_last: bool, out: &mut Vec<u8>) {
        if let Some((page, position)) = self.held.take() {
            self.write(page, position, is_last, out);
        }
    }
}
