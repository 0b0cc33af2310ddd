//! What the user should know of a request that a profile changed: fields of theirs that were left out,
//! got another value, or have no effect.

use serde_json::{Map, Value};

use super::user_fields::{SetBy, UserFields};
use super::{Job, Provider};
use crate::config::origin::Origin;
use crate::config::rule::Rule;

/// The field that says what a reply looks like. What comes back is made into what was asked for, so
/// another value of it is our own affair.
const FORMAT: &str = "response_format";

impl Provider {
    /// What the user should know of a field that is left out: by a rule, or as the service's own shape
    /// has no place for it. Nothing if it is not theirs, or if the rule is theirs too.
    pub(super) fn told(
        &self,
        job: Job,
        field: &str,
        model: &str,
        rule: Option<&Rule>,
        own: &UserFields,
    ) -> Option<String> {
        let what = match own.by(field)? {
            SetBy::Flag(_) => format!("`{field}`"),
            SetBy::Profile(place) if rule.is_none_or(|rule| rule.origin == Origin::BuiltIn) => {
                place.clone()
            }
            _ => return None,
        };
        let why = rule.and_then(|rule| rule.why.as_deref());
        let why = why.map(|why| format!(": {why}")).unwrap_or_default();
        let of = if model.is_empty() { String::new() } else { format!(" for {model}") };
        let what = format!("{what} is left out: {} does not accept it{of}{why}", self.name);
        // In a shape of the service's own it might have another name and place.
        Some(match self.has_own_shape(job) {
            true => what,
            false => format!("{what}; `-O {field}=…` sends it anyway"),
        })
    }

    /// What the user should know of fields of theirs that the service ignores by this rule.
    pub(super) fn told_ignored(
        &self,
        rule: &Rule,
        body: &Map<String, Value>,
        own: &UserFields,
    ) -> Option<String> {
        let is_theirs = |name: &&String| body.contains_key(*name) && own.by(name).is_some();
        let names: Vec<String> =
            rule.ignored.iter().filter(is_theirs).map(|name| format!("`{name}`")).collect();
        let (verb, them) = match names.len() {
            0 => return None,
            1 => ("has", "it"),
            _ => ("have", "them"),
        };
        let why = rule.why.as_deref().map(|why| format!("; {why}")).unwrap_or_default();
        Some(format!("{} {verb} no effect: {} ignores {them}{why}", names.join(", "), self.name))
    }

    /// What the user should know of a field of theirs that has another value now. Nothing if the rule
    /// is theirs too.
    pub(super) fn told_mapped(
        &self,
        (field, old, new): &(String, String, String),
        model: &str,
        rule: &Rule,
        own: &UserFields,
    ) -> Option<String> {
        let is_own_affair = field == FORMAT || rule.origin != Origin::BuiltIn;
        let what = match own.by(field).filter(|_| !is_own_affair)? {
            SetBy::Flag(_) => format!("`{field}`"),
            SetBy::Profile(place) => place.clone(),
            SetBy::Setting => return None,
        };
        let why = rule.why.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
        let of = if model.is_empty() { String::new() } else { format!(" for {model}") };
        let name = &self.name;
        Some(format!(
            "{what} is {new} instead of {old}, which {name} does not know{of}{why}; `-O {field}={old}` sends it anyway"
        ))
    }
}
