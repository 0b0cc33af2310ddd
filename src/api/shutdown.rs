//! Which models of a list stop being served, and when: services say it in fields of several names, as a
//! date or as seconds.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::models::{id, items};

/// The names of the field, the usual ones first. `deprecated` may also be `true`, without a date.
const FIELDS: [&str; 9] = [
    "shutdown_date",
    "retirement_date",
    "deprecation_date",
    "expiration_date",
    "shutdown_at",
    "retired_at",
    "deprecation",
    "deprecated_at",
    "deprecated",
];

/// Below this a number is no time of ours: it is in 1973.
const LEAST_SECONDS: i64 = 100_000_000;

/// Above this a number counts milliseconds.
const MOST_SECONDS: i64 = 100_000_000_000;

/// A model that will not be served for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shutdown {
    /// The model's id.
    pub(crate) model: String,
    /// The day on which it ends, where the list says it.
    pub(crate) day: Option<Date>,
}

/// The models of a list of which it says that they end, in its order.
pub(crate) fn shutdowns(list: &Value) -> Vec<Shutdown> {
    let of_item = |item: &Value| {
        let mut found =
            FIELDS.iter().filter_map(|name| item.get(name)).filter(|value| is_set(value));
        let first = found.next()?;
        let day = std::iter::once(first).chain(found).find_map(day);
        Some(Shutdown { model: id(item)?, day })
    };
    items(list).unwrap_or_default().iter().filter_map(of_item).collect()
}

/// Today, by universal time, in which services give their days.
pub(crate) fn today() -> Date {
    Timestamp::now().to_zoned(TimeZone::UTC).date()
}

impl Shutdown {
    /// What there is to know, in words.
    pub(crate) fn words(&self, today: Date) -> String {
        let model = &self.model;
        match self.day.map(|day| (day, days(today, day))) {
            None => format!("{model} is deprecated"),
            Some((day, ..0)) => format!("{model} was shut down on {day}"),
            Some((day, 0)) => format!("{model} is shut down today, {day}"),
            Some((day, 1)) => format!("{model} is shut down on {day}, tomorrow"),
            Some((day, days)) => format!("{model} is shut down on {day}, in {days} days"),
        }
    }

    /// Whether that is so many days off at most, or past.
    pub(crate) fn is_within(&self, most: i32, today: Date) -> bool {
        self.day.is_some_and(|day| days(today, day) <= most)
    }
}

fn days(from: Date, to: Date) -> i32 {
    // Both are days of the calendar: no such span is too long.
    from.until(to).map_or(0, |span| span.get_days())
}

fn is_set(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.trim().is_empty(),
        Value::Number(number) => number.as_f64().is_some_and(|number| number > 0.0),
        Value::Object(fields) => fields.values().any(is_set),
        _ => true,
    }
}

/// A day out of `2027-01-14`, `2027-01-14T00:00:00Z`, seconds, milliseconds, these as text, or Azure's
/// object, which has one for each use.
fn day(value: &Value) -> Option<Date> {
    match value {
        Value::Number(number) => {
            number.as_i64().or(number.as_f64().map(|n| n as i64)).and_then(of_seconds)
        }
        Value::String(text) => {
            let text = text.trim();
            let date = text.get(..10).and_then(|date| date.parse().ok());
            date.or_else(|| of_seconds(text.parse().ok()?))
        }
        Value::Object(fields) => day(fields.get("inference").or(fields.get("date"))?),
        _ => None,
    }
}

fn of_seconds(number: i64) -> Option<Date> {
    let seconds = if number > MOST_SECONDS { number / 1000 } else { number };
    let time = Timestamp::from_second(seconds).ok().filter(|_| seconds > LEAST_SECONDS)?;
    Some(time.to_zoned(TimeZone::UTC).date())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_form_of_a_date_is_read() {
        for (entry, expected) in [
            (json!({"shutdown_date": "2027-01-14"}), Some(Some("2027-01-14"))),
            (json!({"shutdown_date": "2027-01-14T09:00:00Z"}), Some(Some("2027-01-14"))),
            (json!({"shutdown_date": 1_799_884_800}), Some(Some("2027-01-14"))),
            (json!({"shutdown_date": 1_799_884_800.5}), Some(Some("2027-01-14"))),
            (json!({"shutdown_date": "1799884800"}), Some(Some("2027-01-14"))),
            (json!({"shutdown_date": 1_799_884_800_000_i64}), Some(Some("2027-01-14"))),
            (json!({"shutdown_date": null, "deprecation": "2027-01-14"}), Some(Some("2027-01-14"))),
            (
                json!({"deprecation": {"fine_tune": 1, "inference": 1_799_884_800}}),
                Some(Some("2027-01-14")),
            ),
            (
                json!({"retirement_date": "2027-01-14", "deprecated": true}),
                Some(Some("2027-01-14")),
            ),
            (
                json!({"deprecated": true, "deprecation_date": "2027-01-14"}),
                Some(Some("2027-01-14")),
            ),
            (json!({"expiration_date": "2027-01-14"}), Some(Some("2027-01-14"))),
            (json!({"deprecated": true}), Some(None)),
            (json!({"shutdown_date": "soon"}), Some(None)),
            (json!({"shutdown_date": "二〇二七年一月十四日"}), Some(None)),
            (json!({"deprecated": false}), None),
            (json!({"shutdown_date": null}), None),
            (json!({"shutdown_date": ""}), None),
            (json!({"shutdown_date": 0}), None),
            (json!({"deprecation": {"inference": null}}), None),
            (json!({"created": 1_799_884_800}), None),
        ] {
            let mut item = entry.clone();
            item["id"] = json!("模型");
            let found = shutdowns(&json!({"data": [{"id": "other"}, item]}));
            let found: Vec<_> = found.into_iter().map(|one| (one.model, one.day)).collect();
            let day = |text: &str| text.parse::<Date>().expect("a date");
            let expected: Vec<_> =
                expected.iter().map(|date| ("模型".to_owned(), date.map(day))).collect();
            assert_eq!(found, expected, "{entry}");
        }
        assert!(shutdowns(&json!({"object": "error"})).is_empty());
    }

    #[test]
    fn words_say_how_far_off_it_is() {
        let today: Date = "2026-11-29".parse().expect("a date");
        let at = |day: &str| Shutdown { model: "m".into(), day: day.parse().ok() };
        for (day, words, is_near) in [
            ("2026-11-28", "m was shut down on 2026-11-28", true),
            ("2026-11-29", "m is shut down today, 2026-11-29", true),
            ("2026-11-30", "m is shut down on 2026-11-30, tomorrow", true),
            ("2027-02-26", "m is shut down on 2027-02-26, in 89 days", true),
            ("2027-02-27", "m is shut down on 2027-02-27, in 90 days", true),
            ("2027-02-28", "m is shut down on 2027-02-28, in 91 days", false),
            ("", "m is deprecated", false),
        ] {
            assert_eq!(at(day).words(today), words);
            assert_eq!(at(day).is_within(90, today), is_near, "{day}");
        }
    }
}
