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

/// What wins where one field is set in several ways: the later of these, and the larger.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum SettingWeight {
    /// Ours, or the built-in list's.
    #[default]
    Unset,
    Profile,
    Flag,
    /// `-O`; the later one of two has the larger number.
    Setting(usize),
}

/// A field that the user set.
#[derive(Debug, Clone, PartialEq, Eq)]
struct UserField {
    name: String,
    /// The way to the one member that was set; empty where all of the field was.
    path: Vec<String>,
    by: SetBy,
}

/// The fields of one request that the user set, under the names that they have on the wire.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct UserFields {
    set: Vec<UserField>,
    /// The fields that a request has at all; `None` if all that it carries are fields.
    fields: Option<Vec<String>>,
}

impl UserFields {
    /// By what the user set a field; `None` for one that is ours or the built-in list's.
    pub(crate) fn by(&self, field: &str) -> Option<&SetBy> {
        let is_it = |name: &str| name == field || field_of(name) == field;
        self.set.iter().rev().find(|field| is_it(&field.name)).map(|field| &field.by)
    }

    /// How much what the user set of a field, or of one `member` of it, weighs against the same under
    /// another name; and whether it is a part of that alone.
    pub(crate) fn weight(&self, field: &str, member: Option<&str>) -> (SettingWeight, bool) {
        let way: Vec<&str> = member.into_iter().collect();
        let is_it = |own: &UserField| {
            own.name == field && own.path.iter().zip(&way).all(|(own, other)| own == other)
        };
        let weighed = self.set.iter().enumerate().filter(|(_, own)| is_it(own)).map(|(at, own)| {
            let weight = match own.by {
                SetBy::Profile(_) => SettingWeight::Profile,
                SetBy::Flag(_) => SettingWeight::Flag,
                SetBy::Setting => SettingWeight::Setting(at),
            };
            (weight, own.path.len() > way.len())
        });
        weighed.max().unwrap_or_default()
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
        self.set.push(UserField { name: field.to_owned(), path: Vec::new(), by });
    }

    /// Tells that `-O` set a field, or a member of it.
    pub(super) fn add_setting(&mut self, path: &[String]) {
        if let [name, path @ ..] = path {
            let (name, path) = (name.clone(), path.to_vec());
            self.set.push(UserField { name, path, by: SetBy::Setting });
        }
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
        for field in self.set.iter_mut().filter(|field| field.name == from) {
            to.clone_into(&mut field.name);
        }
    }

    /// The same without what flags set: for a command that makes its flags up itself.
    pub(crate) fn without_flags(mut self) -> Self {
        self.set.retain(|field| !matches!(field.by, SetBy::Flag(_)));
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
