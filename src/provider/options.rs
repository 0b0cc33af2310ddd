//! What a run says of the service that it asks. Knows no command line.

use serde_json::Value;

/// How deep a key may nest: as deep as JSON is read. What is made of it is walked through by functions
/// that call themselves.
const MAX_NESTING: usize = 127;

/// Which service is asked, and what is added to its requests.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ServiceOptions {
    /// The profile; without it the usual rules choose one.
    pub(crate) provider: Option<String>,
    /// The model, instead of the profile's.
    pub(crate) model: Option<String>,
    /// The base URL, instead of the profile's.
    pub(crate) base_url: Option<String>,
    /// The environment variable that holds the key, instead of the profile's sources.
    pub(crate) api_key_env: Option<String>,
    /// Further headers: name and value.
    pub(crate) headers: Vec<(String, String)>,
    /// Further fields of the request body.
    pub(crate) settings: Vec<Setting>,
    /// The key is not looked up: nothing is sent.
    pub(crate) is_dry: bool,
    /// No certificate of the service is checked.
    pub(crate) is_insecure: bool,
    /// Nothing of the run is kept.
    pub(crate) no_log: bool,
}

/// A field of the request body that the user sets: where the value goes, and the value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Setting {
    /// `a.b` as `["a", "b"]`.
    pub(crate) path: Vec<String>,
    pub(crate) value: Value,
}

impl Setting {
    /// As it is typed.
    pub(crate) fn typed(&self) -> String {
        format!("{}={}", self.path.join("."), self.value)
    }

    /// Reads `KEY=VALUE`. The value is JSON if it parses as JSON, else text; `a.b=1` nests.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (key, value) = text.split_once('=').ok_or("it has no `=`; write KEY=VALUE")?;
        let path: Vec<String> = key.split('.').map(str::to_owned).collect();
        if path.iter().any(String::is_empty) {
            return Err("the key is empty; write KEY=VALUE".to_owned());
        }
        if path.len() > MAX_NESTING {
            return Err(format!("the key nests deeper than {MAX_NESTING} levels"));
        }
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::String(value.to_owned()));
        Ok(Self { path, value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_setting_is_json_when_it_parses_as_json() {
        let value = |text| Setting::parse(text).map(|setting| setting.value);
        assert_eq!(value("a=1"), Ok(json!(1)));
        assert_eq!(value("a=你好"), Ok(json!("你好")));
        assert_eq!(value("a=\"1\""), Ok(json!("1")));
        assert_eq!(value("a={\"b\":[true]}"), Ok(json!({"b": [true]})));
        assert_eq!(value("a="), Ok(json!("")));
        assert_eq!(value("a=b=c"), Ok(json!("b=c")));
        assert_eq!(Setting::parse("a.b.c=1").map(|setting| setting.path.len()), Ok(3));
        for text in ["a", "=1", "a..b=1"] {
            assert!(Setting::parse(text).is_err(), "{text}");
        }
        let deep = |levels: usize| Setting::parse(&format!("{}a=1", "a.".repeat(levels - 1)));
        assert!(deep(127).is_ok());
        assert_eq!(deep(128), Err("the key nests deeper than 127 levels".to_owned()));
    }
}
