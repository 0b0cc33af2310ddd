//! Request bodies in a shape of the service's own: the fields of a request, and the files that go along
//! with it, laid into a profile's template. Knows no service, reads no file.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::endpoint::MODEL;
use super::{Job, Provider, rules};
use crate::config::template::{self, REST, REST_MEMBER, TemplatePiece};
use crate::error::Failure;
use crate::http::request::Request;
use crate::http::splice::SplicedFile;

/// What a file is to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileRole {
    /// One of the pictures of an edit.
    Picture,
    Mask,
    Audio,
}

/// A file that goes along with the fields of a request. Its bytes stay where they are until they are
/// sent.
#[derive(Debug, Clone)]
pub(crate) struct BodyFile {
    pub(crate) role: FileRole,
    pub(crate) media_type: String,
    /// As services name it: `png`, `mp3`.
    pub(crate) format: String,
    pub(crate) insert: SplicedFile,
}

impl Provider {
    /// The template of the job's request bodies; `None` where they have the specification's form.
    fn template(&self, job: Job) -> Option<&Value> {
        let template = &self.profile.bodies.get(job.name())?.value;
        template.as_object().is_some_and(|members| !members.is_empty()).then_some(template)
    }

    /// Whether requests for the job are JSON in a shape of the service's own: then [`Provider::shape`]
    /// makes them, files and all.
    pub(crate) fn has_own_shape(&self, job: Job) -> bool {
        self.template(job).is_some()
    }

    /// The fields that the job's requests have a place for; `None` if any field has one.
    pub(super) fn placed(&self, job: Job) -> Option<BTreeSet<&str>> {
        let words = template::all_words(self.template(job)?);
        (!words.contains(&REST)).then(|| self.named(job, &words))
    }

    /// The fields that template or path name.
    fn named<'a>(&self, job: Job, words: &[&'a str]) -> BTreeSet<&'a str> {
        let fields = words.iter().map(|word| word.split('.').next().unwrap_or(word));
        let path = self.profile.paths.get(job.name());
        let in_path = path.is_some_and(|path| path.value.contains(MODEL)).then_some("model");
        fields.chain(in_path).collect()
    }

    /// A POST request whose JSON body is the profile's template for the job, filled with these fields
    /// and files; without a template the fields are the body. What `-O` sets is set in the body that
    /// goes out.
    ///
    /// # Errors
    /// A file that the template has no place for.
    pub(crate) fn shape(
        &self,
        job: Job,
        fields: &Map<String, Value>,
        attached: Vec<BodyFile>,
    ) -> Result<Request, Failure> {
        let Some(template) = self.template(job) else { return Ok(self.post(job, fields.clone())) };
        let words = template::all_words(template);
        let named = self.named(job, &words);
        let rest = fields.iter().filter(|(name, _)| !named.contains(name.as_str()));
        let rest = rest.map(|(name, value)| (name.clone(), value.clone())).collect();
        let mut filler =
            TemplateFiller { fields, rest, attached: &attached, used: BTreeSet::new() };
        let mut body = filler.body(template);
        let used = filler.used;
        if let Some(left) = (0..attached.len()).find(|index| !used.contains(index)) {
            return Err(self.no_place(&attached, attached[left].role));
        }
        for setting in &self.settings {
            if setting.path != ["model"] || !named.contains("model") {
                rules::set_path(&mut body, &setting.path, setting.value.clone());
            }
        }
        let model = fields.get("model").and_then(Value::as_str);
        let inserts = attached.into_iter().map(|one| one.insert).collect();
        Ok(self.post_at(self.url(job, model), job, body).with_inserts(inserts))
    }

    fn no_place(&self, attached: &[BodyFile], role: FileRole) -> Failure {
        let name = &self.name;
        let count = attached.iter().filter(|one| one.role == role).count();
        Failure::usage(match role {
            FileRole::Picture if count > 1 => {
                format!("{name} edits one picture at a time, not {count}")
            }
            FileRole::Picture => format!("{name} takes no picture to edit"),
            FileRole::Mask => format!("{name} takes no mask"),
            FileRole::Audio => format!("{name} takes no recording"),
        })
    }
}

/// Lays fields and files into a template.
///
/// Left out are: a member whose word has no value, an object or list of which nothing is left, and an
/// object within the body none of whose own words has a value, as what stands beside them then says
/// nothing.
struct TemplateFiller<'a> {
    fields: &'a Map<String, Value>,
    rest: Map<String, Value>,
    attached: &'a [BodyFile],
    /// Which of the files have found a place.
    used: BTreeSet<usize>,
}

impl TemplateFiller<'_> {
    /// The whole body.
    fn body(&mut self, template: &Value) -> Map<String, Value> {
        let members = template.as_object().into_iter().flatten();
        let mut body = Map::new();
        for (name, member) in members {
            if name == REST_MEMBER {
                body.extend(self.rest.clone());
            } else if let Some(value) = self.fill(member, None) {
                body.insert(name.clone(), value);
            }
        }
        body
    }

    /// `picture`: the one that a list is being made for.
    fn fill(&mut self, template: &Value, picture: Option<usize>) -> Option<Value> {
        match template {
            Value::String(text) => self.text(text, picture),
            Value::Array(items) => self.list(items, picture).map(Value::Array),
            Value::Object(members) => self.object(members, picture).map(Value::Object),
            other => Some(other.clone()),
        }
    }

    fn list(&mut self, items: &[Value], picture: Option<usize>) -> Option<Vec<Value>> {
        let mut filled = Vec::new();
        for item in items {
            let words = outer_words(item);
            let mentions = |file: &str| words.iter().any(|word| word.starts_with(file));
            let count = self.of(FileRole::Picture).len();
            if picture.is_some() || !mentions("picture") {
                filled.extend(self.fill(item, picture));
            } else if count > 1 || !mentions("pictures") {
                filled.extend((0..count).filter_map(|index| self.fill(item, Some(index))));
            }
        }
        (!filled.is_empty() || items.is_empty()).then_some(filled)
    }

    fn object(
        &mut self,
        members: &Map<String, Value>,
        picture: Option<usize>,
    ) -> Option<Map<String, Value>> {
        let mut filled = Map::new();
        let (mut words, mut values) = (0, 0);
        for (name, member) in members {
            if name == REST_MEMBER {
                words += 1;
                values += usize::from(!self.rest.is_empty());
                filled.extend(self.rest.clone());
                continue;
            }
            let value = self.fill(member, picture);
            if member.is_string() && !template::all_words(member).is_empty() {
                words += 1;
                values += usize::from(value.is_some());
            }
            if let Some(value) = value {
                filled.insert(name.clone(), value);
            }
        }
        let says_nothing = filled.is_empty() && !members.is_empty();
        (!says_nothing && (words == 0 || values > 0)).then_some(filled)
    }

    /// A word that stands alone keeps the type of its value; among others it becomes text.
    fn text(&mut self, text: &str, picture: Option<usize>) -> Option<Value> {
        let pieces = template::pieces(text);
        if let [TemplatePiece::Word(word)] = pieces[..] {
            return self.word(word, picture);
        }
        let mut whole = String::new();
        for piece in pieces {
            match piece {
                TemplatePiece::Plain(plain) => whole.push_str(plain),
                TemplatePiece::Word(word) => match self.word(word, picture)? {
                    Value::String(text) => whole.push_str(&text),
                    other => whole.push_str(&other.to_string()),
                },
            }
        }
        Some(Value::String(whole))
    }

    fn word(&mut self, word: &str, picture: Option<usize>) -> Option<Value> {
        match word.split_once('.') {
            None if word == REST => {
                (!self.rest.is_empty()).then(|| Value::Object(self.rest.clone()))
            }
            None => self.fields.get(word).cloned(),
            Some(("size", side)) => self.side(side == "width"),
            Some((file, facet)) => self.file(file, facet, picture),
        }
    }

    /// A side of a size that is written as `1024x768`.
    fn side(&self, is_width: bool) -> Option<Value> {
        let (width, height) = self.fields.get("size")?.as_str()?.split_once('x')?;
        let side: u64 = if is_width { width } else { height }.parse().ok()?;
        Some(side.into())
    }

    fn file(&mut self, file: &str, facet: &str, picture: Option<usize>) -> Option<Value> {
        let index = match file {
            "mask" => *self.of(FileRole::Mask).first()?,
            "audio" => *self.of(FileRole::Audio).first()?,
            _ => match (self.of(FileRole::Picture).as_slice(), picture) {
                (all, Some(picture)) => *all.get(picture)?,
                ([only], None) => *only,
                // Which of them? A list has a place for each.
                _ => return None,
            },
        };
        let one = self.attached.get(index)?;
        self.used.insert(index);
        let mark = &one.insert.mark;
        Some(Value::String(match facet {
            "url" => format!("data:{};base64,{mark}", one.media_type),
            "data" => mark.clone(),
            "type" => one.media_type.clone(),
            _ => one.format.clone(),
        }))
    }

    /// Where the files of a role are among those attached.
    fn of(&self, role: FileRole) -> Vec<usize> {
        let is_of_role = |index: &usize| self.attached[*index].role == role;
        (0..self.attached.len()).filter(is_of_role).collect()
    }
}

/// The words of an item that stand in no list of its own: an entry is repeated in the innermost list.
fn outer_words(item: &Value) -> Vec<&str> {
    match item {
        Value::Object(members) => members.values().flat_map(outer_words).collect(),
        Value::Array(_) => Vec::new(),
        other => template::all_words(other),
    }
}

#[cfg(test)]
mod tests;
