//! `GET /v1/models` and `GET /v1/models/{id}`: the one entry `demo`. Knows no other endpoint.

use serde_json::{Value, json};

use super::reply::{DemoReply, MODEL, Stamp};

fn entry(stamp: &Stamp) -> Value {
    json!({"id": MODEL, "object": "model", "created": stamp.created, "owned_by": "llm demo, no model"})
}

/// The list of models.
pub(crate) fn list(stamp: &Stamp) -> DemoReply {
    DemoReply::json(&json!({"object": "list", "data": [entry(stamp)]}))
}

/// One model; a 404 for any but `demo`.
pub(crate) fn one(id: &str, stamp: &Stamp) -> DemoReply {
    if id == MODEL {
        return DemoReply::json(&entry(stamp));
    }
    DemoReply::error(
        404,
        format_args!("the model '{id}' does not exist"),
        Some("model"),
        Some("model_not_found"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_model_and_no_other() {
        let stamp = Stamp { number: 1, created: 1_700_000_000, base: String::new() };
        let listed = list(&stamp).into_json();
        assert_eq!(listed["object"], "list");
        assert_eq!(listed["data"], json!([one("demo", &stamp).into_json()]));
        let other = one("gpt-文", &stamp);
        assert_eq!(other.status, 404);
        assert_eq!(other.into_json()["error"]["code"], "model_not_found");
    }
}
