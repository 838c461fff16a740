//! Tests of `values`: each compares with the interpreter.

#![expect(unsafe_code, reason = "calls helpers as machine code does")]

use rhai::{Dynamic, Engine};

use super::*;
use crate::rt::testing::context;

/// One value of every kind, in the order of the kinds.
fn samples() -> Vec<Dynamic> {
    let engine = Engine::new();
    let sources = ["()", "true", "42", "1.5", "'x'", "\"abc\"", "[1, \"b\", [2]]", "blob(3, 7)"];
    let mut samples: Vec<Dynamic> = sources.iter().map(|source| engine.eval(source).expect(source)).collect();
    samples.push(engine.eval("#{a: 1, b: [2]}").expect("a map"));
    samples.push(engine.eval("Fn(\"f\").curry(1)").expect("a function pointer"));
    samples.push(engine.eval("1..5").expect("a range"));
    samples.push(Dynamic::from_int(7).into_shared());
    samples
}

#[test]
fn kinds_are_told_apart() {
    for (value, kind) in samples().iter().zip(ValueKind::ALL) {
        assert_eq!(ValueKind::of(value), kind, "{value:?}");
        // SAFETY: a live value.
        assert_eq!(unsafe { value_kind(value) }, kind as u32);
    }
}

#[test]
fn copies_are_equal_and_writable_and_keep_the_tag() {
    for value in samples() {
        let mut value = value.into_read_only();
        value.set_tag(77);
        for helper in [value_clone, value_copy] {
            let mut out = Dynamic::UNIT;
            // SAFETY: pointers to live values.
            unsafe { helper(&raw mut out, &raw const value) };
            let shown = format!("{value:?}");
            let shown = if out.is_shared() { shown } else { shown.replace(" (shared)", "") };
            assert_eq!(format!("{out:?}"), shown);
            assert!(!out.is_read_only() || out.is_shared());
            if out.is_shared() == value.is_shared() {
                assert_eq!(out.tag(), 77);
            }
            // SAFETY: a live value.
            unsafe { value_drop(&raw mut out) };
            assert!(out.is_unit());
        }
    }
}

#[test]
fn access_is_set_for_all_that_is_inside() {
    for value in samples() {
        let shown = format!("{value:?}");
        let mut value = value;
        value.set_tag(5);
        // SAFETY: a live value, here and below.
        unsafe { value_set_access(&raw mut value, 1) };
        if !value.is_shared() {
            assert!(value.is_read_only(), "{shown}");
        }
        assert!(inside(&value).iter().all(Dynamic::is_read_only), "{shown}");
        // SAFETY: as above.
        unsafe { value_set_access(&raw mut value, 0) };
        assert!(!value.is_read_only(), "{shown}");
        assert!(!inside(&value).iter().any(Dynamic::is_read_only), "{shown}");
        assert_eq!((format!("{value:?}"), value.tag()), (shown, 5));
    }
}

/// The items as they are: a clone of a container would make them writable.
fn inside(value: &Dynamic) -> Vec<Dynamic> {
    let keep = |item: &Dynamic| {
        let copy = item.clone();
        if item.is_read_only() { copy.into_read_only() } else { copy }
    };
    if let Ok(array) = value.as_array_ref() {
        return array.iter().map(keep).collect();
    }
    value.as_map_ref().map(|map| map.values().map(keep).collect()).unwrap_or_default()
}

#[test]
fn cells_are_made_and_unmade() {
    let mut value: Dynamic = 5.into();
    // SAFETY: live values, here and below.
    unsafe { value_share(&raw mut value) };
    assert!(value.is_shared());
    let other = value.clone();
    // SAFETY: as above.
    unsafe { value_share(&raw mut value) };
    *value.write_lock::<i64>().expect("not locked") = 6;
    assert_eq!(other.as_int(), Ok(6), "sharing a cell again must not make a new one");
    // SAFETY: as above.
    assert_eq!(unsafe { value_int(&raw const value) }, 6);
    // SAFETY: as above.
    unsafe { value_flatten(&raw mut value) };
    assert!(!value.is_shared());
    assert_eq!(value.as_int(), Ok(6));
}

#[test]
fn scalars_go_in_and_out() {
    let mut slot = Dynamic::UNIT;
    let slot = &raw mut slot;
    // SAFETY: a live slot, here and below.
    unsafe { value_set_int(slot, -9) };
    // SAFETY: as above.
    assert_eq!(unsafe { value_int(slot) }, -9);
    // SAFETY: as above.
    unsafe { value_set_float(slot, 2.5) };
    // SAFETY: as above.
    assert_eq!(unsafe { value_float(slot) }.to_bits(), 2.5_f64.to_bits());
    // SAFETY: as above.
    unsafe { value_set_bool(slot, 1) };
    // SAFETY: as above.
    assert_eq!(unsafe { value_bool(slot) }, 1);
    // SAFETY: as above.
    unsafe { value_set_char(slot, 'ß' as u32) };
    // SAFETY: as above.
    assert_eq!(unsafe { value_char(slot) }, 'ß' as u32);
}

#[test]
fn unit_is_seen_through_cells_and_truth_too() {
    let engine = Engine::new();
    let mut context = context(&engine);
    let cases: [(Dynamic, u8, u8); 4] = [
        (Dynamic::UNIT.into_shared(), 1, 2),
        (Dynamic::UNIT, 1, 2),
        (Dynamic::TRUE.into_shared(), 0, 1),
        (Dynamic::FALSE, 0, 0),
    ];
    for (value, unit, truth) in cases {
        // SAFETY: live values, here and below.
        assert_eq!(unsafe { is_unit(&raw const value) }, unit);
        // SAFETY: as above.
        assert_eq!(unsafe { expect_bool(&raw mut context, &raw const value, 0) }, truth);
        assert_eq!(context.error.take().is_some(), truth == 2);
    }
}
