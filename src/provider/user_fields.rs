//! Which fields of a request are the user's, and by what they were set. Knows no values.

use serde_json::{Map, Value};

use super::Job;
use crate::config::origin::Origin;
use crate::config::rule::Rule;
use crate::http::form::PartContent;
use crate::http::request::Body;

/// How a field came into a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SetBy {
    /// A flag, as it is typed: `--max-tokens`.
    Flag(String),
    /// `-O`, which rules leave alone.
    Setting,
    /// The user's profile file, with the place.
    Profile(String),
}

/// The fields of one request that the user set, under the names that they have on the wire.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct UserFields {
    set: Vec<(String, SetBy)>,
    /// The fields that a request has at all; `None` if all that it carries are fields.
    fields: Option<Vec<String>>,
}

impl UserFields {
    /// By what the user set a field; `None` for one that is ours or the built-in list's.
    pub(crate) fn by(&self, field: &str) -> Option<&SetBy> {
        let is_it = |name: &str| name == field || field_of(name) == field;
        self.set.iter().rev().find(|(name, _)| is_it(name)).map(|(_, by)| by)
    }

    /// What else stands in the bodies of these requests, beside these fields, is a shape of the
    /// service's own.
    pub(super) fn keep_to(&mut self, body: &Map<String, Value>) {
        self.fields = Some(body.keys().cloned().collect());
    }

    /// Whether what has this name in a body is a field of the request.
    pub(super) fn is_field(&self, name: &str) -> bool {
        self.fields.as_ref().is_none_or(|fields| fields.iter().any(|field| field == name))
    }

    /// Tells by what the user set a field.
    pub(crate) fn add(&mut self, field: &str, by: SetBy) {
        self.set.push((field.to_owned(), by));
    }

    /// The user's part of a profile's section.
    pub(super) fn add_field(&mut self, section: &str, key: &str, origin: &Origin) {
        if *origin != Origin::BuiltIn {
            self.add(key, SetBy::Profile(format!("`{section}.{key}` ({origin})")));
        }
    }

    pub(super) fn add_flags(&mut self, job: Job, flags: &Map<String, Value>) {
        for name in flags.keys() {
            self.add(name, SetBy::Flag(flag(job, name)));
        }
    }

    /// Files in a form beside the one that the job is about: nobody but the user puts one there.
    pub(super) fn add_files(&mut self, job: Job, body: &Body) {
        let Body::Form(form) = body else { return };
        for part in &form.parts {
            let name = field_of(&part.name);
            let is_subject = matches!(name, "file" | "image");
            if matches!(part.content, PartContent::File { .. }) && !is_subject {
                self.add(name, SetBy::Flag(flag(job, name)));
            }
        }
    }

    /// Follows a rule that is about to be applied: fields under their new names, and those that a
    /// rule of the user's will set.
    pub(super) fn follow(&mut self, rule: &Rule, body: &Map<String, Value>) {
        for (from, to) in &rule.rename {
            self.rename(from, to);
        }
        for name in rule.set.keys().filter(|name| !body.contains_key(*name)) {
            if rule.origin != Origin::BuiltIn {
                self.add(name, SetBy::Profile(format!("a rule ({})", rule.origin)));
            }
        }
    }

    /// Follows a field to its new name.
    pub(crate) fn rename(&mut self, from: &str, to: &str) {
        for (name, _) in self.set.iter_mut().filter(|(name, _)| name == from) {
            to.clone_into(name);
        }
    }

    /// The same without what flags set: for a command that makes its flags up itself.
    pub(crate) fn without_flags(mut self) -> Self {
        self.set.retain(|(_, by)| !matches!(by, SetBy::Flag(_)));
        self
    }
}

/// The name of the field that a part of a form belongs to: `a[]` and `a[b]` belong to `a`.
pub(super) fn field_of(part: &str) -> &str {
    part.split('[').next().unwrap_or(part)
}

/// The flag that sets a field, as it is typed.
fn flag(job: Job, field: &str) -> String {
    match (job, field) {
        (_, "n") => "-n".to_owned(),
        (Job::Chat, "response_format") => "--schema".to_owned(),
        (Job::Chat, "tools") => "--tool".to_owned(),
        (_, "response_format" | "output_format") => "--format".to_owned(),
        _ => format!("--{}", field.trim_end_matches("[]").replace('_', "-")),
    }
}
