//! The pictures, recordings and documents that come with the results of tools: which of them a service is
//! given, and what it is told of the others.

use std::borrow::Cow;

use crate::conversation::ToolCall;
use crate::input::{Attachment, AttachmentGroup};
use crate::provider::{ChatApi, Provider};

/// The names under which a profile tells what a model does not take.
const NAMES: [&str; 9] = ["image", "audio", "pdf", "png", "jpeg", "gif", "webp", "wav", "mp3"];

/// Which files of results a service is given, and where.
#[derive(Debug, Clone, Default)]
pub(crate) struct ResultFileTraits {
    /// Over `/chat/completions` they stand in the result itself, not in a message behind it.
    pub(super) in_chat_results: bool,
    /// The same over `/responses`.
    pub(super) in_responses_results: bool,
    /// It has refused them.
    pub(crate) none: bool,
    /// The formats and kinds that the model is known not to take.
    withheld: Vec<&'static str>,
}

impl ResultFileTraits {
    /// Those that the service's profile has.
    pub(super) fn of(provider: &Provider) -> Self {
        let model = provider.model.as_deref().unwrap_or_default();
        Self {
            in_chat_results: provider.takes_files_in_results(),
            in_responses_results: provider.responses_take_files_in_results(),
            none: false,
            withheld: NAMES.into_iter().filter(|name| provider.takes_no(model, &[name])).collect(),
        }
    }

    /// Whether a file goes along.
    pub(crate) fn pass(&self, file: &Attachment, api: ChatApi) -> bool {
        let (format, group) = (file.format.name(), file.format.group());
        let has_place = api == ChatApi::Completions || group != AttachmentGroup::Audio;
        let is_withheld = |name: &&str| *name == format || *name == group.name();
        !self.none && has_place && !self.withheld.iter().any(is_withheld)
    }

    /// The files of a call that go along.
    pub(super) fn passed<'c>(
        &self,
        call: &'c ToolCall,
        api: ChatApi,
    ) -> impl Iterator<Item = &'c Attachment> {
        let files = call.files.iter().filter_map(|file| file.attachment.as_ref());
        files.filter(move |file| self.pass(file, api))
    }

    /// The text of a call's result, with the names of the files that do not go along.
    pub(super) fn told<'c>(&self, call: &'c ToolCall, api: ChatApi) -> Cow<'c, str> {
        let missing = call.files.iter().filter(|file| {
            let passed = file.attachment.as_ref().is_some_and(|file| self.pass(file, api));
            !passed
        });
        let names: Vec<&str> = missing.map(|file| file.kept.name.as_str()).collect();
        match names.is_empty() {
            true => Cow::Borrowed(&call.result),
            false => format!("{}\n\n[not passed on: {}]", call.result, names.join(", ")).into(),
        }
    }
}

/// What stands in front of files that go along behind results.
pub(super) fn introduced(files: &[Attachment]) -> String {
    let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
    format!("[from the tools: {}]", names.join(", "))
}
