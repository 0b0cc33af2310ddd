//! `GET /models`: the ids out of any shape of list.

use serde_json::Value;

/// The ids of a list of models, in its order; `None` when the value is not such a list.
///
/// Read are `{"data": […]}` (the specification; `null` when Ollama has none), a bare array
/// (Together), and `{"models": […]}` (Cohere, older llama-server), with `id`, `name` or `model` as
/// the id. Gemini's `models/` prefix is taken off, as requests take the name without it.
pub(crate) fn ids(value: &Value) -> Option<Vec<String>> {
    let list = match value {
        Value::Array(items) => items,
        Value::Object(object) => match (object.get("data"), object.get("models")) {
            (Some(Value::Array(items)), _) | (_, Some(Value::Array(items))) => items,
            (Some(Value::Null), _) | (_, Some(Value::Null)) => return Some(Vec::new()),
            _ => return None,
        },
        _ => return None,
    };
    let id = |item: &Value| {
        let name = ["id", "name", "model"].iter().find_map(|key| item.get(key)?.as_str());
        let name = name.or(item.as_str())?;
        Some(name.strip_prefix("models/").unwrap_or(name).to_owned())
    };
    Some(list.iter().filter_map(id).collect())
}

#[cfg(test)]
mod tests {
    use super::ids;
    use serde_json::json;

    #[test]
    fn every_shape_of_list_is_read() {
        let two = Some(vec!["a".to_owned(), "通义".to_owned()]);
        assert_eq!(ids(&json!({"object": "list", "data": [{"id": "a"}, {"id": "通义"}]})), two);
        assert_eq!(ids(&json!([{"id": "a"}, {"id": "models/通义"}])), two);
        assert_eq!(ids(&json!({"models": [{"name": "a"}, {"model": "通义"}]})), two);
        assert_eq!(ids(&json!({"data": ["a", "通义", 3]})), two);
        assert_eq!(ids(&json!({"object": "list", "data": null})), Some(Vec::new()));
        assert_eq!(ids(&json!({"id": "a"})), None);
        assert_eq!(ids(&json!("a")), None);
    }
}
