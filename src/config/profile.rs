//! A profile as data: fields, each with the place that it came from, and request rules. Knows
//! neither files nor what a field is used for.

use std::fmt;
use std::path::PathBuf;

use serde_json::{Map, Value};

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The list of services inside the binary.
    BuiltIn,
    /// A line of the user's file, counted from 1.
    File { path: PathBuf, line: usize },
    /// An environment variable.
    Environment(String),
    /// A command-line flag.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::BuiltIn => f.write_str("built in"),
            Origin::File { path, line } => write!(f, "{}:{line}", path.display()),
            Origin::Environment(name) => write!(f, "environment {name}"),
            Origin::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

/// One value of a profile. `section` is empty for the profile's own fields and the table's name for
/// fields of `models`, `headers`, `options`, `embed` and the like.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Field {
    pub(crate) section: String,
    pub(crate) key: String,
    pub(crate) value: Value,
    pub(crate) origin: Origin,
}

/// A request rule: what is done to the fields of a request when job and model match. The vocabulary
/// is explained at the head of `providers.example.toml`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rule {
    /// Job names; empty means every job.
    pub(crate) jobs: Vec<String>,
    /// Globs over the model's name; empty means every model.
    pub(crate) models: Vec<String>,
    /// Globs over models that the rule leaves alone.
    pub(crate) models_except: Vec<String>,
    /// Fields of the request without which the rule leaves it alone.
    pub(crate) with: Vec<String>,
    pub(crate) rename: Vec<(String, String)>,
    pub(crate) drop: Vec<String>,
    pub(crate) set: Map<String, Value>,
    /// Field, then old value (as text) to new value.
    pub(crate) map: Vec<(String, Vec<(String, Value)>)>,
    /// Kinds of attachments that the model is known not to take.
    pub(crate) takes_no: Vec<String>,
    /// One short reason, for warnings.
    pub(crate) why: Option<String>,
    pub(crate) origin: Origin,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        let renames = self.rename.iter().map(|(from, to)| format!("rename {from} to {to}"));
        parts.extend(renames);
        if !self.drop.is_empty() {
            parts.push(format!("drop {}", self.drop.join(", ")));
        }
        parts.extend(self.set.iter().map(|(name, value)| format!("set {name} = {value}")));
        for (field, changes) in &self.map {
            parts.extend(changes.iter().map(|(old, new)| format!("{field} {old} becomes {new}")));
        }
        if !self.takes_no.is_empty() {
            parts.push(format!("takes no {}", self.takes_no.join(", ")));
        }
        for (word, list) in [
            ("for", &self.jobs),
            ("of", &self.models),
            ("not of", &self.models_except),
            ("with", &self.with),
        ] {
            if !list.is_empty() {
                parts.push(format!("{word} {}", list.join(", ")));
            }
        }
        f.write_str(&parts.join(" · "))
    }
}

/// A named profile: the fields and rules of all layers that were laid over each other.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Profile {
    pub(crate) name: String,
    pub(crate) fields: Vec<Field>,
    pub(crate) rules: Vec<Rule>,
}

/// The fields that say where a key is; a layer that names one replaces those of the layers below.
const KEY_FIELDS: [&str; 4] = ["api_key", "api_key_env", "api_key_cmd", "api_key_file"];

impl Profile {
    /// A profile without any field.
    pub(crate) fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), fields: Vec::new(), rules: Vec::new() }
    }

    /// The field `key` of `section` (empty for the profile's own).
    pub(crate) fn field(&self, section: &str, key: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.section == section && field.key == key)
    }

    /// The text of one of the profile's own fields.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        self.field("", key)?.value.as_str()
    }

    /// The texts of a field that takes one text or a list of them.
    pub(crate) fn texts(&self, key: &str) -> Option<Vec<&str>> {
        match &self.field("", key)?.value {
            Value::String(text) => Some(vec![text]),
            Value::Array(items) => Some(items.iter().filter_map(Value::as_str).collect()),
            _ => None,
        }
    }

    /// All fields of a section, in the order in which they were written.
    pub(crate) fn section<'a>(&'a self, section: &'a str) -> impl Iterator<Item = &'a Field> {
        self.fields.iter().filter(move |field| field.section == section)
    }

    /// Sets one field, over an older value of the same name.
    pub(crate) fn set(&mut self, section: &str, key: &str, value: Value, origin: Origin) {
        let field = Field { section: section.to_owned(), key: key.to_owned(), value, origin };
        match self.fields.iter_mut().find(|old| old.section == section && old.key == key) {
            Some(old) => *old = field,
            None => self.fields.push(field),
        }
    }

    /// Whether the profile names any source of a key.
    pub(crate) fn names_a_key(&self) -> bool {
        KEY_FIELDS.iter().any(|key| self.field("", key).is_some())
    }

    /// Removes every source of a key.
    pub(crate) fn forget_keys(&mut self) {
        let is_key = |f: &Field| f.section.is_empty() && KEY_FIELDS.contains(&f.key.as_str());
        self.fields.retain(|field| !is_key(field));
    }

    /// Lays `upper` over this profile, field by field; its rules come after the ones here.
    ///
    /// Where `upper` says where its key is, the key fields below it are gone: a key that the user
    /// wrote down for this service must not lose to a variable that happens to be set.
    pub(crate) fn lay_over(&mut self, upper: Profile) {
        if upper.names_a_key() {
            self.forget_keys();
        }
        for field in upper.fields {
            self.set(&field.section, &field.key, field.value, field.origin);
        }
        self.rules.extend(upper.rules);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn profile(fields: &[(&str, &str, Value)], origin: &Origin) -> Profile {
        let mut profile = Profile::new("x");
        for (section, key, value) in fields {
            profile.set(section, key, value.clone(), origin.clone());
        }
        profile
    }

    #[test]
    fn a_layer_overrides_field_by_field() {
        let mut below = profile(
            &[
                ("", "model", json!("a")),
                ("models", "embed", json!("e")),
                ("", "title", json!("T")),
            ],
            &Origin::BuiltIn,
        );
        let user = Origin::File { path: "p.toml".into(), line: 3 };
        below.lay_over(profile(&[("", "model", json!("b"))], &user));
        assert_eq!(below.text("model"), Some("b"));
        assert_eq!(below.field("", "model").map(|f| f.origin.to_string()), Some("p.toml:3".into()));
        assert_eq!(below.text("title"), Some("T"));
        assert!(below.field("models", "embed").is_some());
    }

    #[test]
    fn the_users_key_source_replaces_the_built_in_one() {
        let mut below = profile(&[("", "api_key_env", json!("A"))], &Origin::BuiltIn);
        below.lay_over(profile(&[("", "api_key_cmd", json!("pass"))], &Origin::Flag("-x")));
        assert_eq!(below.text("api_key_env"), None);
        assert_eq!(below.text("api_key_cmd"), Some("pass"));
    }
}
