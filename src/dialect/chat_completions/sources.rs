//! The pages that an answer cites, in the places where services name them: in a message, or beside the
//! choices.

use serde_json::Value;

/// Lists of pages: xAI's and Perplexity's `citations`, whose order is that of the numbers in the text;
/// the titles to them in `search_results` (千帆 has that one too); 智谱's `web_search`.
const LISTS: [&str; 3] = ["citations", "search_results", "web_search"];

/// Gives address and title of each page that a message, or a reply, names. The title may be empty.
pub(in crate::dialect) fn found<'v>(value: &'v Value, each: &mut dyn FnMut(&'v str, &'v str)) {
    let list = |name: &str| value.get(name).and_then(Value::as_array);
    for note in list("annotations").into_iter().flatten() {
        // Gateways to `/responses` leave the object out.
        source(note.get("url_citation").unwrap_or(note), each);
    }
    LISTS.iter().filter_map(|name| list(name)).flatten().for_each(|page| source(page, each));
    // 混元's, and those of Groq's tools.
    let tools = list("executed_tools").into_iter().flatten();
    for searched in value.get("search_info").into_iter().chain(tools) {
        let results = searched.get("search_results");
        let results = results.and_then(|results| results.get("results").or(Some(results)));
        let results = results.and_then(Value::as_array).into_iter().flatten();
        results.for_each(|page| source(page, each));
    }
}

fn source<'v>(page: &'v Value, each: &mut dyn FnMut(&'v str, &'v str)) {
    let filled = |name: &&str| page.get(*name)?.as_str().filter(|text| !text.trim().is_empty());
    let text = |names: &[&str]| names.iter().find_map(filled);
    // A bare text may be the name of a document too.
    let bare = page.as_str().filter(|text| text.contains("://"));
    if let Some(url) = bare.or_else(|| text(&["url", "link", "uri"])) {
        each(url, text(&["title", "name"]).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn pages_stand_in_many_places() {
        for value in [
            json!({"annotations": [{"type": "url_citation", "url_citation": {"url": "https://a.example", "title": "甲"}}]}),
            json!({"annotations": [{"type": "url_citation", "url": "https://a.example", "title": "甲"}]}),
            json!({"search_results": [{"title": "甲", "url": "https://a.example", "date": "2026-11-01"}]}),
            json!({"web_search": [{"title": "甲", "link": "https://a.example", "refer": "ref_1"}]}),
            json!({"search_info": {"search_results": [{"index": 1, "title": "甲", "url": "https://a.example"}]}}),
            json!({"executed_tools": [{"type": "search", "search_results": {"results": [{"title": "甲", "url": "https://a.example", "score": 1}]}}]}),
            json!({"citations": [{"url": "https://a.example", "title": "甲"}]}),
        ] {
            let mut seen = Vec::new();
            found(&value, &mut |url, title| seen.push((url.to_owned(), title.to_owned())));
            assert_eq!(seen, [("https://a.example".to_owned(), "甲".to_owned())], "{value}");
        }
        let both = json!({
            "citations": ["https://b.example", "https://a.example", "a.pdf", "", 5],
            "search_results": [{"title": "甲", "url": "https://a.example"}, {"title": "无", "url": ""}, null]
        });
        let mut seen = Vec::new();
        found(&both, &mut |url, title| seen.push((url, title)));
        assert_eq!(
            seen,
            [("https://b.example", ""), ("https://a.example", ""), ("https://a.example", "甲")]
        );
        for value in [json!({"citations": {}}), json!({"annotations": [{"type": "file"}, 3]})] {
            found(&value, &mut |url, _| panic!("{url}"));
        }
    }
}
