//! The direct helpers.

#![expect(unsafe_code, reason = "the helpers are called with pointers, as machine code does")]

use rhai::{Array, Dynamic, Engine, INT, Map};

use crate::{
    position::{pack, unpack},
    rt::{
        chain::{
            RuntimeKey,
            fast::{
                array_index, array_len, bounds_error, map_contains_str, map_get, map_get_str, map_insert,
                map_insert_str, string_char_at, string_len,
            },
        },
        context::Status,
    },
};

/// What a pointer that may be null points to.
fn value(pointer: *mut Dynamic) -> Option<String> {
    // SAFETY: null, or an entry of a container that is not touched meanwhile.
    unsafe { pointer.as_ref() }.map(|value| format!("{value:?}"))
}

#[test]
fn maps_are_read() {
    let mut map = Dynamic::from(Map::from([("a".into(), Dynamic::from(1 as INT))]));
    for (text, expected) in [("a", Some("1")), ("b", None)] {
        let (key, string) = (RuntimeKey::new(text), Dynamic::from(text.to_owned()));
        // SAFETY: the map and the key live.
        assert_eq!(value(unsafe { map_get(&raw mut map, &raw const key) }).as_deref(), expected);
        // SAFETY: the map and the key live.
        assert_eq!(value(unsafe { map_get_str(&raw mut map, &raw const string) }).as_deref(), expected);
        // SAFETY: the map and the key live.
        let contains = unsafe { map_contains_str(&raw const map, &raw const string) };
        assert_eq!(contains, u8::from(expected.is_some()));
    }
}

#[test]
fn maps_grow() {
    let mut map = Dynamic::from(Map::new());
    let mut insert = |key: &str, new: Option<INT>| {
        let key = RuntimeKey::new(key);
        // SAFETY: the map and the key live.
        let item = unsafe { map_insert(&raw mut map, &raw const key) };
        let old = value(item).expect("an entry");
        if let Some(new) = new {
            // SAFETY: an entry of the map, which lives.
            unsafe { *item = new.into() };
        }
        old
    };
    assert_eq!(insert("a", Some(1)), "()");
    assert_eq!(insert("a", None), "1");
    assert_eq!(insert("b", None), "()");
    let key = Dynamic::from("c".to_owned());
    // SAFETY: the map and the key live.
    assert_eq!(value(unsafe { map_insert_str(&raw mut map, &raw const key) }).as_deref(), Some("()"));
    assert_eq!(format!("{map:?}"), "#{\"a\": 1, \"b\": (), \"c\": ()}");
}

#[test]
fn arrays_are_indexed_from_both_ends() {
    let items: Array = vec![(1 as INT).into(), (2 as INT).into(), (3 as INT).into()];
    let mut array = Dynamic::from(items);
    let mut at = |index| {
        // SAFETY: the array lives.
        value(unsafe { array_index(&raw mut array, index) })
    };
    let found: Vec<_> = [0, 2, -1, -3].into_iter().map(&mut at).map(Option::unwrap).collect();
    assert_eq!(found, ["1", "3", "3", "1"]);
    assert!([3, -4, INT::MAX, INT::MIN].into_iter().all(|index| at(index).is_none()));
    // SAFETY: the array lives.
    assert_eq!(unsafe { array_len(&raw const array) }, 3);
}

#[test]
fn strings_count_characters() {
    for text in ["", "a", "hello", "héllo", "日本", "ab日"] {
        let string = Dynamic::from(text.to_owned());
        // SAFETY: the string lives.
        let length = unsafe { string_len(&raw const string) };
        let characters: Vec<char> = text.chars().collect();
        assert_eq!(length, INT::try_from(characters.len()).unwrap());
        for index in -7..8 {
            let place = if index < 0 { index + length } else { index };
            let expected = usize::try_from(place).ok().and_then(|place| characters.get(place));
            // SAFETY: the string lives.
            let found = unsafe { string_char_at(&raw const string, index) };
            assert_eq!(found, expected.map_or(-1, |found| i64::from(u32::from(*found))), "{text}[{index}]");
        }
        // SAFETY: the string lives.
        assert_eq!(unsafe { string_char_at(&raw const string, INT::MIN) }, -1);
    }
}

#[test]
fn errors_are_the_interpreters() {
    let engine = Engine::new();
    for (script, index) in [("[1, 2]", 2), ("[]", -1), ("\"é\"", 1), ("\"\"", -4), ("blob(3)", 3)] {
        let target: Dynamic = engine.eval(script).unwrap();
        let expected = engine.eval::<Dynamic>(&format!("({script})[{index}]")).unwrap_err();
        let mut context = super::limits::context(&engine);
        let position = pack(expected.position());
        // SAFETY: the context and the value live.
        let status = unsafe { bounds_error(&raw mut context, &raw const target, index, position) };
        assert_eq!(status, Status::Error);
        assert_eq!(format!("{:?}", context.error.unwrap()), format!("{expected:?}"));
        assert_eq!(unpack(position), expected.position());
    }
}
