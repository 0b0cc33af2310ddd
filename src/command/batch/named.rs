//! A batch that the user names by its id: what is kept of it here, and which service has it.

use super::kept::{BatchStore, KeptBatch};
use crate::api::batch::state::BatchState;
use crate::command::options::RunOptions;
use crate::error::Failure;
use crate::io::Io;
use crate::provider::Setting;

/// A batch that the user names.
pub(super) struct HandedBatch {
    pub(super) store: BatchStore,
    /// What is kept of it, where it was handed over from here.
    pub(super) kept: Option<KeptBatch>,
    pub(super) id: String,
}

impl HandedBatch {
    /// Looks for a batch of this id.
    ///
    /// # Errors
    /// Exit 1: there is no data folder.
    pub(super) fn find(id: &str, io: &Io) -> Result<Self, Failure> {
        let store = BatchStore::find(&io.env)?;
        let kept = store.get(id);
        Ok(Self { store, kept, id: id.to_owned() })
    }

    /// The options with the service that has the batch, where the user names none.
    pub(super) fn with_service(&self, run: &RunOptions) -> RunOptions {
        let mut run = run.clone();
        let service = &mut run.service;
        if let Some(kept) = &self.kept
            && service.provider.is_none()
            && service.base_url.is_none()
        {
            service.provider.clone_from(&kept.service.provider);
            service.base_url.clone_from(&kept.service.base_url);
            service.api_key_env =
                service.api_key_env.take().or_else(|| kept.service.api_key_env.clone());
            let settings = kept.service.settings.iter();
            let mut settings: Vec<Setting> =
                settings.filter_map(|text| Setting::parse(text).ok()).collect();
            settings.append(&mut service.settings);
            service.settings = settings;
            let model = || Some(kept.model.clone()).filter(|model| !model.is_empty());
            service.model = service.model.take().or_else(model);
        }
        run
    }

    /// The service's ids of its parts.
    pub(super) fn parts(&self) -> Vec<String> {
        match &self.kept {
            None => vec![self.id.clone()],
            Some(kept) => kept.parts.iter().filter_map(|part| part.batch.clone()).collect(),
        }
    }

    /// Takes note of what the service says of the parts.
    pub(super) fn note(&mut self, states: &[BatchState]) {
        let Some(kept) = &mut self.kept else { return };
        for part in &mut kept.parts {
            let state = states.iter().find(|state| part.batch.as_ref() == Some(&state.id));
            part.state = state.map_or(std::mem::take(&mut part.state), |state| state.word.clone());
        }
        // It is only for `list`.
        let _ = self.store.put(kept);
    }
}
