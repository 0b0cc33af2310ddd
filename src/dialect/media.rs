//! Pictures and sound that a model made in its answer, while their pieces come in. Decodes and fetches
//! nothing.

use super::event::{MediaContent, MediaDelta, MediaKind};

/// A picture or a sound of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReplyMedia {
    pub(crate) kind: MediaKind,
    /// Its format as the service names it: a media type, or a short name such as `wav`.
    pub(crate) format: Option<String>,
    pub(crate) source: MediaSource,
    /// What tells it from others of its kind, while it comes in pieces.
    id: Option<String>,
    /// Pieces of it may follow.
    is_open: bool,
}

/// Where its bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MediaSource {
    /// Here, as base64 text; of several texts one behind the other, where it came in pieces.
    Base64(String),
    /// In a data URL, or at an address that it can be fetched from.
    Url(String),
}

/// The pictures and sounds of one answer.
#[derive(Debug, Default)]
pub(super) struct MediaList(Vec<ReplyMedia>);

/// The most of them in one answer.
const MAX_MEDIA: usize = 256;

impl MediaList {
    /// Takes one, or the next piece of one. Gives how many bytes are kept of it.
    pub(super) fn take(&mut self, delta: &MediaDelta<'_>) -> usize {
        let source = match delta.content {
            MediaContent::More(text) => {
                if let Some(MediaSource::Base64(begun)) = self.begun(delta) {
                    begun.push_str(text);
                    return text.len();
                }
                MediaSource::Base64(text.to_owned())
            }
            MediaContent::Base64(text) => MediaSource::Base64(text.to_owned()),
            MediaContent::Url(url) => MediaSource::Url(url.to_owned()),
        };
        // Services repeat what they made with the end of the answer.
        let is_known = || self.0.iter().any(|one| one.source == source);
        let is_open = matches!(delta.content, MediaContent::More(_));
        if self.0.len() >= MAX_MEDIA || (!is_open && is_known()) {
            return 0;
        }
        let length = match &source {
            MediaSource::Base64(text) | MediaSource::Url(text) => text.len(),
        };
        let (format, id) = (delta.format.map(str::to_owned), delta.id.map(str::to_owned));
        self.0.push(ReplyMedia { kind: delta.kind, format, source, id, is_open });
        length
    }

    /// What a piece goes on with: the last one of its kind that comes in pieces, unless it is said to be
    /// another one.
    fn begun(&mut self, delta: &MediaDelta<'_>) -> Option<&mut MediaSource> {
        let last = self.0.iter_mut().rev().find(|one| one.kind == delta.kind && one.is_open)?;
        let is_other = matches!((&last.id, delta.id), (Some(known), Some(id)) if known != id);
        if is_other {
            return None;
        }
        last.id = last.id.take().or_else(|| delta.id.map(str::to_owned));
        last.format = last.format.take().or_else(|| delta.format.map(str::to_owned));
        Some(&mut last.source)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Gives them away.
    pub(super) fn take_all(&mut self) -> Vec<ReplyMedia> {
        std::mem::take(&mut self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(deltas: &[(MediaKind, Option<&str>, MediaContent<'_>)]) -> Vec<MediaSource> {
        let mut list = MediaList::default();
        for (kind, id, content) in deltas {
            list.take(&MediaDelta { kind: *kind, id: *id, format: None, content: *content });
        }
        list.take_all().into_iter().map(|one| one.source).collect()
    }

    #[test]
    fn pieces_of_a_sound_are_joined_and_pictures_stay_apart() {
        use MediaContent::{Base64, More, Url};
        use MediaKind::{Picture, Sound};
        let base64 = |text: &str| MediaSource::Base64(text.to_owned());
        let url = |text: &str| MediaSource::Url(text.to_owned());
        assert_eq!(
            list(&[
                (Sound, Some("a"), More("AA")),
                (Picture, None, Url("data:x")),
                (Sound, None, More("BB")),
                (Picture, None, Base64("CC")),
                (Sound, Some("a"), More("DD")),
                (Sound, Some("b"), More("EE")),
                (Sound, Some("b"), More("EE")),
            ]),
            [base64("AABBDD"), url("data:x"), base64("CC"), base64("EEEE")]
        );
        assert_eq!(
            list(&[(Picture, None, Url("data:x")), (Picture, Some("1"), Url("data:x"))]),
            [url("data:x")],
            "what is repeated is one"
        );
    }
}
