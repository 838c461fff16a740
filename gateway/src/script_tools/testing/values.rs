//! Values of test scripts: how they compare, how they are shown, and header fields.

use std::sync::Arc;

use forebay_engine::script::tools;
use http::HeaderMap;
use rhai::{Array, Blob, Dynamic, ImmutableString, Map};

use super::api::Api;

/// Header fields of a message in a test: `fields["Name"]` is the first value or `()`, in any case of letters.
#[derive(Debug, Clone)]
pub(super) struct Fields(Arc<HeaderMap>);

/// Registers header fields.
pub(super) fn register(api: &mut Api) {
    api.add_type::<Fields>("Headers");
    api.add(
        "Headers",
        "index[name: string] -> any",
        "The first value of a header, in any case of letters, or `()`; also `headers.name`.",
        Fields::get,
    );
    api.add("Headers", "get_all(name: string) -> array", "All values of a header.", Fields::get_all);
    api.add(
        "Headers",
        "contains(name: string) -> bool",
        "Whether the header is there; also `name in headers`.",
        Fields::contains,
    );
    api.add(
        "Headers",
        "to_map() -> map",
        "All headers by lower-case name; several values of one become an array.",
        Fields::as_map,
    );
}

impl Fields {
    pub(super) fn new(headers: &HeaderMap) -> Self {
        Self(Arc::new(headers.clone()))
    }

    pub(super) fn get(&mut self, name: &str) -> Dynamic {
        self.0.get(name).map_or(Dynamic::UNIT, |value| tools::header_text(value).into())
    }

    pub(super) fn get_all(&mut self, name: &str) -> Array {
        self.0.get_all(name).iter().map(|value| tools::header_text(value).into()).collect()
    }

    pub(super) fn contains(&mut self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Names in lower case; several values of a name become an array.
    pub(super) fn as_map(&mut self) -> Map {
        let values = |name| {
            let mut values = self.0.get_all(name).iter().map(|value| tools::header_text(value).into());
            match (values.next(), values.next()) {
                (Some(only), None) => only,
                (first, second) => {
                    Dynamic::from_array(first.into_iter().chain(second).chain(values).collect())
                }
            }
        };
        self.0.keys().map(|name| (name.as_str().into(), values(name))).collect()
    }
}

/// The value with header fields turned into maps, which is how they compare and look.
pub(super) fn plain(value: &Dynamic) -> Dynamic {
    if let Some(fields) = value.read_lock::<Fields>() {
        return Dynamic::from_map(fields.clone().as_map());
    }
    if let Some(items) = value.read_lock::<Array>() {
        return Dynamic::from_array(items.iter().map(plain).collect());
    }
    if let Some(entries) = value.read_lock::<Map>() {
        return Dynamic::from_map(entries.iter().map(|(key, entry)| (key.clone(), plain(entry))).collect());
    }
    value.clone().flatten()
}

/// How a value is shown: as it would be written in a script.
pub(super) fn show(value: &Dynamic) -> String {
    format!("{:?}", plain(value))
}

/// The first place where two values differ, such as `.items[1].name`; `None` if they are equal. Whole and
/// broken numbers of the same amount are equal, as in scripts.
pub(super) fn difference(found: &Dynamic, expected: &Dynamic) -> Option<String> {
    differ(&plain(found), &plain(expected))
}

fn differ(found: &Dynamic, expected: &Dynamic) -> Option<String> {
    if let (Some(a), Some(b)) = (found.read_lock::<Array>(), expected.read_lock::<Array>()) {
        let inner = a.iter().zip(b.iter()).enumerate();
        let mut inner =
            inner.filter_map(|(index, (a, b))| differ(a, b).map(|rest| format!("[{index}]{rest}")));
        let shorter = a.len().min(b.len());
        return inner.next().or_else(|| (a.len() != b.len()).then(|| format!("[{shorter}]")));
    }
    if let (Some(a), Some(b)) = (found.read_lock::<Map>(), expected.read_lock::<Map>()) {
        let missing = || b.keys().find(|key| !a.contains_key(*key)).map(|key| format!(".{key}"));
        let mut inner = a.iter().filter_map(|(key, a)| match b.get(key) {
            Some(b) => differ(a, b).map(|rest| format!(".{key}{rest}")),
            None => Some(format!(".{key}")),
        });
        return inner.next().or_else(missing);
    }
    (!same_scalar(found, expected)).then(String::new)
}

fn same_scalar(a: &Dynamic, b: &Dynamic) -> bool {
    #[expect(clippy::cast_precision_loss, reason = "as Rhai compares an integer with a float")]
    let number = |value: &Dynamic| value.as_float().or_else(|_| value.as_int().map(|whole| whole as f64));
    if let (Ok(a), Ok(b)) = (a.as_int(), b.as_int()) {
        return a == b;
    }
    if let (Ok(a), Ok(b)) = (number(a), number(b)) {
        #[expect(clippy::float_cmp, reason = "a test says exactly what it expects")]
        return a == b;
    }
    if let (Some(a), Some(b)) = (a.read_lock::<ImmutableString>(), b.read_lock::<ImmutableString>()) {
        return *a == *b;
    }
    if let (Some(a), Some(b)) = (a.read_lock::<Blob>(), b.read_lock::<Blob>()) {
        return *a == *b;
    }
    // Units, booleans, characters and ranges; other types are never equal.
    a.type_id() == b.type_id() && format!("{a:?}") == format!("{b:?}") && !a.is_fnptr()
}

/// Whether a text, array, map or set of header fields holds something; `None` for other values.
pub(super) fn holds(whole: &Dynamic, part: &Dynamic) -> Option<bool> {
    let key = || part.read_lock::<ImmutableString>().map(|text| text.to_string());
    if let Some(text) = whole.read_lock::<ImmutableString>() {
        let part = part.as_char().map(String::from).ok().or_else(key)?;
        return Some(text.contains(&part));
    }
    if let Some(fields) = whole.read_lock::<Fields>() {
        return Some(fields.0.contains_key(key()?));
    }
    if let Some(entries) = whole.read_lock::<Map>() {
        return Some(entries.contains_key(key()?.as_str()));
    }
    let items = whole.read_lock::<Array>()?;
    Some(items.iter().any(|item| difference(item, part).is_none()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn diff(a: Value, b: Value) -> Option<String> {
        difference(&tools::from_json(a), &tools::from_json(b))
    }

    #[test]
    fn values_compare_deeply_and_name_the_first_difference() {
        assert_eq!(diff(json!({ "a": [1, 2.0], "b": null }), json!({ "a": [1.0, 2], "b": null })), None);
        assert_eq!(
            diff(json!({ "a": [1, { "b": 2 }] }), json!({ "a": [1, { "b": 3 }] })),
            Some(".a[1].b".into())
        );
        assert_eq!(diff(json!([1]), json!([1, 2])), Some("[1]".into()));
        assert_eq!(diff(json!({}), json!({ "x": 1 })), Some(".x".into()));
        assert_eq!(diff(json!({ "x": 1 }), json!({})), Some(".x".into()));
        for (a, b) in [(json!("1"), json!(1)), (json!(null), json!(false)), (json!([]), json!({}))] {
            assert_eq!(diff(a, b), Some(String::new()));
        }
        let large = (json!(9_007_199_254_740_993_i64), json!(9_007_199_254_740_992_i64));
        assert_eq!(diff(large.0, large.1), Some(String::new()), "integers compare exactly");
    }

    #[test]
    fn header_fields_compare_and_look_like_maps() {
        let mut headers = HeaderMap::new();
        headers.append("X-Many", "1".parse().unwrap());
        headers.append("x-many", "2".parse().unwrap());
        headers.append("x-one", "a".parse().unwrap());
        let mut fields = Fields::new(&headers);
        assert_eq!(fields.get("X-One").to_string(), "a");
        assert!(fields.get("x-none").is_unit());
        assert_eq!(show(&Dynamic::from(fields.clone())), r#"#{"x-many": ["1", "2"], "x-one": "a"}"#);
        let map = tools::from_json(json!({ "x-many": ["1", "2"], "x-one": "a" }));
        assert_eq!(difference(&Dynamic::from(fields.clone()), &map), None);
        assert_eq!(holds(&Dynamic::from(fields), &"X-ONE".into()), Some(true));
    }

    #[test]
    fn containers_hold_parts_and_other_values_do_not() {
        assert_eq!(holds(&"abc".into(), &"bc".into()), Some(true));
        assert_eq!(holds(&"abc".into(), &'c'.into()), Some(true));
        assert_eq!(
            holds(&tools::from_json(json!([1, { "a": 2 }])), &tools::from_json(json!({ "a": 2 }))),
            Some(true)
        );
        assert_eq!(holds(&tools::from_json(json!({ "a": 2 })), &"b".into()), Some(false));
        assert_eq!(holds(&Dynamic::from(1_i64), &Dynamic::from(1_i64)), None);
    }
}
