//! Repairs a request that is refused for one field which the user did not set, or which has another
//! name at this service: it is made once more with that field left out or renamed. No profile rule
//! knows such a field yet. What was learnt holds for the further requests of the run.

mod decide;
mod values;

use serde_json::{Map, Value, json};

use super::user_fields::{SetBy, UserFields, field_of};
use super::{Job, Provider};
use crate::config::name::{profile_table, toml_key};
use crate::error::Failure;
use crate::http::form::PartContent;
use crate::http::request::{Body, Request};
use crate::io::Stderr;
use decide::{FieldChange, RepairVerdict, decide};

/// What repairs the requests of one run. It learns one change, from the first refusal.
#[derive(Debug, Clone)]
pub(crate) struct FieldRepair {
    job: Job,
    /// The path of the endpoint, which the fields belong to.
    path: String,
    own: UserFields,
    /// Fields that we add for our own ease: to name one in a refusal is enough.
    eases: &'static [&'static str],
    /// What the first refusal taught.
    change: Option<FieldChange>,
}

impl FieldRepair {
    /// For requests of this job to this path; `own` tells which fields of them are the user's, as
    /// [`Provider::compose`] gives it.
    pub(crate) fn new(job: Job, path: &str, own: UserFields) -> Self {
        Self { job, path: path.to_owned(), own, eases: &[], change: None }
    }

    /// Whether both are for requests to the same endpoint.
    pub(crate) fn is_for_that_of(&self, other: &Self) -> bool {
        self.path == other.path
    }

    /// The same for requests with fields that we add for our own ease: of these the first that a
    /// refusal names is given up, whatever its words and its status are.
    pub(crate) fn with_eases(self, eases: &'static [&'static str]) -> Self {
        Self { eases, ..self }
    }

    /// Makes the change in a further request that an earlier one taught.
    pub(crate) fn prepare(&self, request: &mut Request) {
        if let Some(change) = &self.change {
            apply(change, &mut request.body);
        }
    }

    /// After a failure: changes the request if that may help, and warns, with the rule that spares
    /// the second request. `nothing_shown` is false once the user has seen a part of the answer.
    ///
    /// # Errors
    /// The failure, if nothing can be changed; with a hint where it is a field of the user's, and
    /// that as [`Failure::field`].
    pub(crate) fn repair(
        &mut self,
        failure: Failure,
        nothing_shown: bool,
        request: &mut Request,
        provider: &Provider,
        stderr: &Stderr,
    ) -> Result<(), Failure> {
        let Some(refused) = failure.refused.as_deref().filter(|_| nothing_shown) else {
            return Err(failure);
        };
        let mut own = self.own.clone();
        own.add_files(self.job, &request.body);
        let mut fields = fields(&request.body);
        fields.retain(|(name, _)| own.is_field(name));
        match decide(refused, &fields, &own, self.eases) {
            RepairVerdict::Change(change) if self.change.is_none() => {
                let model = request.body.model().map(str::to_owned);
                apply(&change, &mut request.body);
                stderr.warn(&self.warning(&change, model.as_deref(), provider));
                self.change = Some(change);
                Ok(())
            }
            // It was under way when another one taught the change.
            RepairVerdict::Change(change) if self.change.as_ref() == Some(&change) => {
                apply(&change, &mut request.body);
                Ok(())
            }
            RepairVerdict::Theirs { field, by } => {
                let advice = values::advice(&refused.words);
                let by = sets(&field, &by);
                let failure = failure.hint(match advice {
                    Some(advice) => format!("{by}; {advice}"),
                    None => format!("{by}, which is not accepted here; leave it out"),
                });
                Err(Failure { field: Some(field), ..failure })
            }
            RepairVerdict::TheirValue { field, by } => {
                let advice = values::advice(&refused.words);
                let advice = advice.unwrap_or_else(|| "another value may be accepted".to_owned());
                let failure = failure.hint(format!("{}; {advice}", sets(&field, &by)));
                Err(Failure { field: Some(field), ..failure })
            }
            _ => Err(failure),
        }
    }

    fn warning(&self, change: &FieldChange, model: Option<&str>, provider: &Provider) -> String {
        let name = &provider.name;
        let did = match change {
            FieldChange::Drop(field) => format!("{name} refuses `{field}`; sent again without it"),
            FieldChange::Rename { from, to } => {
                format!("{name} expects `{to}` instead of `{from}`; sent again that way")
            }
        };
        if let FieldChange::Rename { from, to } = change
            && self.own.by(from) == Some(&SetBy::Setting)
        {
            return format!("{did}; `-O {to}=…` avoids the refused request");
        }
        if provider.choice.starts_with("--base-url") {
            return did;
        }
        let (table, line) = (profile_table(name), self.line(change, model));
        format!("{did}; this line in {table} avoids the refused request: {line}")
    }

    /// The line for the profile that makes the change for good.
    fn line(&self, change: &FieldChange, model: Option<&str>) -> String {
        let what = match change {
            // The profile has a field of its own for it, as it is sent only for `--usage`.
            FieldChange::Drop(field) if field == "stream_options" => {
                return "stream_usage = \"never\"".to_owned();
            }
            FieldChange::Drop(field) => format!("drop = [{}]", json!(field)),
            FieldChange::Rename { from, to } => {
                format!("rename = {{ {} = {} }}", toml_key(from), json!(to))
            }
        };
        let job = json!(self.job.name());
        let model = model.map(|model| format!("models = [{}], ", json!(model)));
        format!("rules = [{{ jobs = [{job}], {}{what} }}]", model.unwrap_or_default())
    }
}

/// By what the user set a field, in words.
fn sets(field: &str, by: &SetBy) -> String {
    match by {
        SetBy::Flag(flag) => format!("`{flag}` sets `{field}`"),
        SetBy::Setting => format!("`-O {field}=…` sets it"),
        SetBy::Profile(place) => format!("{place} sets `{field}`"),
    }
}

/// The fields of a body: name, and value where it is a text.
fn fields(body: &Body) -> Vec<(String, Option<String>)> {
    let mut found: Vec<(String, Option<String>)> = Vec::new();
    for (name, value) in body.fields().into_iter().flatten() {
        found.push((name.clone(), value.as_str().map(str::to_owned)));
    }
    let Body::Form(form) = body else { return found };
    for part in &form.parts {
        let name = field_of(&part.name);
        if found.iter().all(|(known, _)| known != name) {
            let text = match &part.content {
                PartContent::Text(text) => Some(text.clone()),
                PartContent::File { .. } => None,
            };
            found.push((name.to_owned(), text));
        }
    }
    found
}

fn apply(change: &FieldChange, body: &mut Body) {
    let new_name = |name: &str| match change {
        // Several services refuse `stream_options` where no stream is asked for.
        FieldChange::Drop(field) if field == "stream" && name == "stream_options" => None,
        FieldChange::Drop(field) => (field != name).then(|| name.to_owned()),
        FieldChange::Rename { from, to } => {
            Some(if from == name { to.clone() } else { name.to_owned() })
        }
    };
    if let Some(object) = body.fields_mut() {
        let fields = std::mem::take(object).into_iter();
        let kept = fields.filter_map(|(name, value)| Some((new_name(&name)?, value)));
        *object = kept.collect::<Map<String, Value>>();
    }
    if let Body::Form(form) = body {
        let parts = std::mem::take(&mut form.parts).into_iter();
        let kept = parts.filter_map(|mut part| {
            let field = field_of(&part.name);
            let rest = part.name[field.len()..].to_owned();
            part.name = new_name(field)? + &rest;
            Some(part)
        });
        form.parts = kept.collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::form::{Form, FormPart};

    #[test]
    fn a_change_is_made_in_place() {
        let mut body =
            Body::Json(json!({"model": "m", "seed": 1, "stream": true, "stream_options": {}}));
        let rename = FieldChange::Rename { from: "seed".into(), to: "random_seed".into() };
        apply(&rename, &mut body);
        apply(&FieldChange::Drop("stream".into()), &mut body);
        assert_eq!(body.bytes(), br#"{"model":"m","random_seed":1}"#);
        let value = json!({"model": "m", "seed": 1, "n": 2});
        let mut body = Body::Spliced(crate::http::splice::Spliced::new(value, Vec::new()));
        apply(&FieldChange::Drop("seed".into()), &mut body);
        let names: Vec<String> = fields(&body).into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["model", "n"]);
        let names = ["model", "granularities[]", "granularities[]", "file"];
        let parts = names.map(|name| FormPart::text(name, "x")).to_vec();
        let mut body = Body::Form(Form::new(parts));
        assert_eq!(fields(&body).len(), 3);
        let rename = FieldChange::Rename { from: "granularities".into(), to: "g".into() };
        apply(&rename, &mut body);
        apply(&FieldChange::Drop("model".into()), &mut body);
        let Body::Form(form) = body else { panic!("it stays a form") };
        let names: Vec<String> = form.parts.into_iter().map(|part| part.name).collect();
        assert_eq!(names, ["g[]", "g[]", "file"]);
    }

    #[test]
    fn the_line_is_valid_toml() {
        let repair = FieldRepair::new(Job::Chat, "/v1/chat/completions", UserFields::default());
        let drop = |field: &str| FieldChange::Drop(field.to_owned());
        let rename = FieldChange::Rename { from: "a[]".into(), to: "b".into() };
        for change in [drop("stop"), drop("stream_options"), rename] {
            let text =
                format!("{}\n{}", profile_table("a.b"), repair.line(&change, Some("通义\"\\")));
            text.parse::<toml::Table>().expect("it is TOML");
        }
        assert_eq!(
            repair.line(&drop("stop"), Some("m")),
            r#"rules = [{ jobs = ["chat"], models = ["m"], drop = ["stop"] }]"#
        );
    }
}
