//! The profile file.

use std::path::Path;

use crate::config::document::document;
use crate::config::field::FieldRow;
use crate::config::origin::Origin;
use crate::config::profile::Profile;

/// The reader of profile files, its table of fields and its rules.
pub fn profile(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let lines = text.matches('\n').count() + 1;
    let document = match document(text, Some(Path::new("profiles"))) {
        Ok(document) => document,
        Err(failure) => {
            let place = failure.message.strip_prefix("profiles:").and_then(|it| it.split_once(':'));
            let line: usize = place.and_then(|(line, _)| line.parse().ok()).expect("a line");
            assert!((1..=lines).contains(&line), "line {line} of {lines}: {}", failure.message);
            return;
        }
    };
    let origins = |origin: &Origin| match origin {
        Origin::File { line, .. } => (1..=lines).contains(line),
        _ => false,
    };
    for profile in document.providers {
        let fields = profile.fields();
        for field in &fields {
            let name = if field.section.is_empty() { &field.key } else { field.section };
            assert!(Profile::FIELDS.contains(&name), "{name}");
            assert!(origins(&field.origin), "{:?}", field.origin);
            let is_same =
                |other: &&FieldRow| (other.section, &other.key) == (field.section, &field.key);
            assert_eq!(fields.iter().filter(is_same).count(), 1, "comes twice: {field:?}");
        }
        assert!(profile.rules.iter().all(|rule| origins(&rule.origin)));
        let mut twice = profile.clone();
        twice.lay_over(profile.clone());
        assert_eq!(twice.rules.len(), 2 * profile.rules.len());
        let (mut once, mut twice) = (fields, twice.fields());
        once.sort_by_key(|field| (field.section, field.key.clone()));
        twice.sort_by_key(|field| (field.section, field.key.clone()));
        assert_eq!(once, twice, "laid over itself");
    }
}
