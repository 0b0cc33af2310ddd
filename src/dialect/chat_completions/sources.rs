//! The pages that an answer cites, in the places where services name them: in a message, or beside the
//! choices.

use serde_json::Value;

use crate::dialect::event::CitedPage;

/// Lists of pages whose order is that of the numbers in the text. Where there are several, the first one
/// counts, and the others tell titles: Perplexity has `citations` and `search_results`, 千帆 the latter,
/// 智谱 `web_search`.
const LISTS: [&str; 3] = ["citations", "search_results", "web_search"];

/// No list is as long.
const MAX_NUMBER: u32 = 999;

/// Gives each page that a message, or a reply, names.
pub(in crate::dialect) fn found<'v>(value: &'v Value, each: &mut dyn FnMut(CitedPage<'v>)) {
    let list = |name: &str| value.get(name).and_then(Value::as_array);
    for note in list("annotations").into_iter().flatten() {
        annotation(note, each);
    }
    // 混元's.
    let info = value.pointer("/search_info/search_results").and_then(Value::as_array);
    let mut counts = true;
    for pages in LISTS.iter().filter_map(|name| list(name)).chain(info) {
        let is_empty = !numbered(pages, counts, each);
        counts &= is_empty;
    }
    // Those of Groq's tools, which search several times.
    for tool in list("executed_tools").into_iter().flatten() {
        let pages = tool.get("search_results");
        let pages = pages.and_then(|pages| pages.get("results").or(Some(pages)));
        let pages = pages.and_then(Value::as_array).into_iter().flatten();
        pages.for_each(|page| source(page, None, each));
    }
}

/// Gives the page of an annotation, if it has one.
pub(in crate::dialect) fn annotation<'v>(note: &'v Value, each: &mut dyn FnMut(CitedPage<'v>)) {
    // `/responses`, and gateways to it, leave the object out.
    source(note.get("url_citation").unwrap_or(note), None, each);
}

/// Gives the pages of a list; with numbers, if the text counts by it. False if there are none.
fn numbered<'v>(pages: &'v [Value], counts: bool, each: &mut dyn FnMut(CitedPage<'v>)) -> bool {
    let has_own = pages.iter().all(|page| own_number(page).is_some());
    let mut is_any = false;
    for (page, place) in pages.iter().zip(1..=MAX_NUMBER) {
        let number = if has_own { own_number(page) } else { Some(place) };
        source(page, number.filter(|_| counts), &mut |page| {
            is_any = true;
            each(page);
        });
    }
    is_any
}

/// The number that a page has itself: `"index": 1` (千帆, 混元), `"refer": "ref_1"` (智谱).
fn own_number(page: &Value) -> Option<u32> {
    let index = page.get("index").and_then(Value::as_u64);
    let refer = || page.get("refer")?.as_str()?.strip_prefix("ref_")?.parse().ok();
    let number = index.or_else(refer).and_then(|number| u32::try_from(number).ok());
    number.filter(|number| (1..=MAX_NUMBER).contains(number))
}

fn source<'v>(page: &'v Value, number: Option<u32>, each: &mut dyn FnMut(CitedPage<'v>)) {
    let filled = |name: &&str| page.get(*name)?.as_str().filter(|text| !text.trim().is_empty());
    let text = |names: &[&str]| names.iter().find_map(filled);
    // A bare text may be the name of a document too.
    let bare = page.as_str().filter(|text| text.contains("://"));
    let Some(url) = bare.or_else(|| text(&["url", "link", "uri"])) else { return };
    let title = text(&["title", "name"]).unwrap_or_default();
    // xAI has the number of the mark in the title's place.
    let mark = title.parse().ok().filter(|mark| (1..=MAX_NUMBER).contains(mark));
    let page = match (number, mark) {
        (None, Some(_)) => CitedPage { url, title: "", number: mark },
        _ => CitedPage { url, title, number },
    };
    each(page);
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn seen(value: &Value) -> Vec<(Option<u32>, &str, &str)> {
        let mut seen = Vec::new();
        found(value, &mut |page| seen.push((page.number, page.url, page.title)));
        seen
    }

    /// Every shape of a reply that is known.
    #[test]
    fn pages_stand_in_many_places() {
        let url = "https://a.example";
        for (value, number, title) in [
            (
                json!({"annotations": [{"type": "url_citation", "url_citation": {"url": url, "title": "甲", "start_index": 0}}]}),
                None,
                "甲",
            ),
            (
                json!({"annotations": [{"type": "url_citation", "url": url, "title": "甲"}]}),
                None,
                "甲",
            ),
            (
                json!({"annotations": [{"type": "url_citation", "url": url, "title": "3"}]}),
                Some(3),
                "",
            ),
            (
                json!({"annotations": [{"type": "url_citation", "url": url, "title": "1984"}, {"type": "file_citation", "file_id": "f"}]}),
                None,
                "1984",
            ),
            (json!({"citations": [url]}), Some(1), ""),
            (json!({"citations": [{"url": url, "title": "甲"}]}), Some(1), "甲"),
            (
                json!({"search_results": [{"title": "甲", "url": url, "date": "2026-11-01"}]}),
                Some(1),
                "甲",
            ),
            (json!({"search_results": [{"index": 4, "title": "甲", "url": url}]}), Some(4), "甲"),
            (json!({"search_results": [{"index": 0, "title": "甲", "url": url}]}), Some(1), "甲"),
            (
                json!({"web_search": [{"title": "甲", "link": url, "refer": "ref_2"}]}),
                Some(2),
                "甲",
            ),
            (
                json!({"search_info": {"search_results": [{"index": 1, "title": "甲", "url": url}]}}),
                Some(1),
                "甲",
            ),
            (
                json!({"executed_tools": [{"type": "search", "search_results": {"results": [{"title": "甲", "url": url, "score": 1}]}}]}),
                None,
                "甲",
            ),
            (
                json!({"executed_tools": [{"search_results": [{"title": "甲", "url": url}]}]}),
                None,
                "甲",
            ),
        ] {
            assert_eq!(seen(&value), [(number, url, title)], "{value}");
        }
    }

    #[test]
    fn anything_else_is_passed_over() {
        for value in [
            json!({"citations": {}, "search_info": [], "executed_tools": [null, {"search_results": 1}]}),
            json!({"annotations": [{"type": "file"}, 3, {"url": ""}, {"url": 5}], "web_search": true}),
            json!({"search_results": [{"title": "无", "url": " "}, null], "citations": ["a.pdf", "", 5]}),
            json!([]),
        ] {
            assert_eq!(seen(&value), [], "{value}");
        }
    }

    #[test]
    fn the_first_list_counts_and_the_others_have_titles() {
        let both = json!({
            "citations": ["https://b.example", "a.pdf", "https://a.example"],
            "search_results": [{"title": "甲", "url": "https://a.example"}]
        });
        let (a, b) = ("https://a.example", "https://b.example");
        assert_eq!(seen(&both), [(Some(1), b, ""), (Some(3), a, ""), (None, a, "甲")]);
        let empty = json!({"citations": [], "search_results": [{"title": "甲", "url": "https://a.example"}]});
        assert_eq!(seen(&empty), [(Some(1), a, "甲")]);
    }
}
