//! The profile file.

use std::path::Path;

use crate::config::profile::Origin;
use crate::config::read::document;
use crate::config::schema;

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
    for profile in document.profiles {
        for field in &profile.fields {
            let name = if field.section.is_empty() { &field.key } else { &field.section };
            assert!(schema::PROFILE.iter().any(|(known, _)| known == name), "{name}");
            assert!(origins(&field.origin), "{:?}", field.origin);
            assert_eq!(profile.field(&field.section, &field.key), Some(field), "comes twice");
        }
        for rule in &profile.rules {
            assert!(origins(&rule.origin));
            assert!(rule.jobs.iter().all(|job| schema::JOBS.contains(&job.as_str())));
            assert!(rule.takes_no.iter().all(|kind| schema::KINDS.contains(&kind.as_str())));
        }
        let mut twice = profile.clone();
        twice.lay_over(profile.clone());
        assert_eq!(twice.rules.len(), 2 * profile.rules.len());
        let key =
            |field: &crate::config::profile::Field| (field.section.clone(), field.key.clone());
        let (mut once, mut twice) = (profile.fields, twice.fields);
        once.sort_by_key(key);
        twice.sort_by_key(key);
        assert_eq!(once, twice, "laid over itself");
    }
}
