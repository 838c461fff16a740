//! Tests of `maps`: each compares with the interpreter.

use super::*;

fn right() -> (MapLayout, usize) {
    let layout = crate::layout::layout().expect("a layout");
    (layout.maps.expect("maps of this build can be looked into"), layout.payload)
}

#[test]
fn this_build_has_a_layout_of_maps() {
    let (layout, payload) = right();
    assert!(trial::holds(&layout, payload), "{layout:?}");
    assert_eq!(find(payload), Some(layout));
}

#[test]
fn a_wrong_layout_of_maps_is_found_out() {
    let (right, payload) = right();
    let wrong = [
        MapLayout { root: right.length, length: right.root, ..right },
        MapLayout { root: right.height, height: right.root, ..right },
        MapLayout { height: right.length, length: right.height, ..right },
        MapLayout { root: right.height, ..right },
        MapLayout { root: 24, ..right },
        MapLayout { keys: right.keys + 8, ..right },
        MapLayout { keys: right.keys + KEY_SIZE, ..right },
        MapLayout { values: right.values + 8, ..right },
        MapLayout { values: right.values + 16, ..right },
        MapLayout { keys: right.values, values: right.keys, ..right },
        MapLayout { keys: right.values, ..right },
        MapLayout { values: usize::MAX - 1024, ..right },
    ];
    for layout in wrong {
        assert!(!trial::holds(&layout, payload), "{layout:?}");
    }
    assert!(!trial::holds(&right, 0));
}

#[test]
fn keys_in_place_have_an_image() {
    for length in 0..=40 {
        let text = "k".repeat(length);
        assert_eq!(KeyImage::of(&text).is_some(), length <= KEY_SIZE, "{length}");
    }
    let telling = |text: &str| {
        let image = KeyImage::of(text).expect("an image");
        image.telling().into_iter().map(|(at, size, _)| (at, size)).collect::<Vec<_>>()
    };
    assert_eq!(telling(""), [(23, 1)]);
    assert_eq!(telling("four"), [(0, 4), (23, 1)]);
    assert_eq!(telling("eightlet"), [(0, 8), (23, 1)]);
    assert_eq!(telling("nineletter"), [(0, 8), (8, 8), (23, 1)]);
    assert_eq!(telling("語語語語語語語語"), [(0, 8), (8, 8), (16, 8)]);
}

#[test]
fn images_tell_keys_apart() {
    let mut texts: Vec<String> = (0..=24).map(|length| "k".repeat(length)).collect();
    texts.extend((1..=24).map(|length| "\0".repeat(length)));
    texts.extend((1..=23).map(|length| format!("{}z", "k".repeat(length))));
    for one in &texts {
        let image = KeyImage::of(one).expect("an image");
        for other in &texts {
            let words = words(&Identifier::from(other.as_str()));
            let bytes: Vec<u8> = words.into_iter().flat_map(u64::to_ne_bytes).collect();
            let same = image
                .telling()
                .into_iter()
                .all(|(at, size, number)| bytes[at..at + size] == number.to_le_bytes()[..size]);
            assert_eq!(same, one == other, "{one:?} {other:?}");
        }
    }
}
