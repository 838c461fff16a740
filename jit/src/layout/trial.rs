//! Tries a layout out: touches values as machine code does and asks the safe interface what came of it.
#![expect(unsafe_code, reason = "touches values as machine code does")]

use std::hint::black_box;
use std::mem::{ManuallyDrop, MaybeUninit};

use rhai::{Array, Dynamic};

use super::{Layout, SIZE};
use crate::rt::values::ValueKind;

const INTS: [i64; 5] = [0, -1, i64::MIN, i64::MAX, 0x0102_0304_0506_0708];
const FLOATS: [f64; 5] = [0.0, -0.0, 1.5, f64::MAX, f64::INFINITY];
const CHARS: [char; 4] = ['\0', 'a', 'ß', '\u{10ffff}'];

/// Whether values can be touched inline with this layout.
pub(super) fn holds(layout: &Layout) -> bool {
    in_bounds(layout) && scalars(layout) && unit(layout) && updates(layout) && items(layout)
}

/// Whether all offsets are inside of the value and do not overlap where they must not.
fn in_bounds(layout: &Layout) -> bool {
    let vec = [layout.vec_pointer, layout.vec_length, layout.vec_capacity];
    let overlaps = |at: usize, size: usize, other: usize, other_size: usize| {
        at < other + other_size && other < at + size
    };
    let mut header = vec![(layout.tag, 1), (layout.user_tag, 4)];
    header.extend(layout.access.map(|at| (at, 1)));
    layout.payload + 8 <= SIZE
        && layout.user_tag + 4 <= SIZE
        && layout.bool_value < SIZE
        && vec.iter().all(|at| at % 8 == 0 && *at < 24)
        && header.iter().all(|&(at, size)| at + size <= SIZE && !overlaps(at, size, layout.payload, 8))
        && !overlaps(layout.user_tag, 4, layout.bool_value, 1)
        && layout.access.iter().all(|&at| at != layout.tag && !overlaps(at, 1, layout.user_tag, 4))
        && layout.access_of(ValueKind::Bool) != layout.bool_value
}

/// A value put together from its bytes, over memory that held something else.
struct Raw {
    bytes: MaybeUninit<Dynamic>,
}

impl Raw {
    fn new(layout: &Layout, kind: ValueKind, junk: u8) -> Self {
        let mut raw = Self { bytes: MaybeUninit::zeroed() };
        for at in 0..SIZE {
            raw.write(at, junk);
        }
        raw.write(layout.tag, layout.tag_of(kind));
        raw.write(layout.access_of(kind), layout.read_write);
        raw.write(layout.user_tag, 0_i32);
        raw
    }

    fn write<T>(&mut self, at: usize, value: T) {
        debug_assert!(at + size_of::<T>() <= SIZE);
        let start = black_box(self.bytes.as_mut_ptr()).cast::<u8>();
        // SAFETY: offsets are checked to be within the value before anything is tried.
        let place = unsafe { start.add(at) };
        // SAFETY: writable memory of this object; it need not be aligned.
        unsafe { place.cast::<T>().write_unaligned(value) };
    }

    /// The value, if its tag says that it is a scalar of this kind; anything else would not be safe to look at.
    fn value(self, layout: &Layout, kind: ValueKind) -> Option<Dynamic> {
        // A wrong tag must not lead to a value of another kind with a pointer inside, so compare with a real one.
        let real = match kind {
            ValueKind::Unit => Dynamic::UNIT,
            ValueKind::Bool => true.into(),
            ValueKind::Int => 1.into(),
            ValueKind::Float => 1.0.into(),
            ValueKind::Char => 'x'.into(),
            _ => return None,
        };
        if byte(&real, layout.tag) != layout.tag_of(kind) || byte(&real, layout.access_of(kind)) > 1 {
            return None;
        }
        // SAFETY: a scalar whose tag is that of a real one; where a part of it may be invalid (a truth value, a
        // character, the access mode) the caller has written a valid one if the layout is right, and the real value
        // has shown that its own bytes are where the layout says.
        Some(unsafe { self.bytes.assume_init() })
    }
}

fn byte(value: &Dynamic, at: usize) -> u8 {
    let start = black_box(std::ptr::from_ref(value)).cast::<u8>();
    // SAFETY: offsets are checked to be within the value before anything is tried.
    let place = unsafe { start.add(at) };
    // SAFETY: readable memory; the read is volatile because the byte may be padding.
    unsafe { place.read_volatile() }
}

/// Whether the bytes of real truth values and characters are where the layout says: without that, values put
/// together from bytes might be invalid.
fn is_safe_to_try(layout: &Layout) -> bool {
    let mode = |value: &Dynamic, kind| byte(value, layout.access_of(kind));
    let scalars: [(ValueKind, Dynamic); 5] = [
        (ValueKind::Unit, Dynamic::UNIT),
        (ValueKind::Bool, false.into()),
        (ValueKind::Int, 3.into()),
        (ValueKind::Float, 2.5.into()),
        (ValueKind::Char, 'ß'.into()),
    ];
    scalars.into_iter().all(|(kind, value)| {
        let writable = mode(&value, kind) == layout.read_write;
        let value = value.into_read_only();
        writable && mode(&value, kind) == layout.read_only && byte(&value, layout.tag) == layout.tag_of(kind)
    }) && [false, true].into_iter().all(|truth| {
        let value = Dynamic::from(truth);
        byte(&value, layout.bool_value) == u8::from(truth)
    }) && CHARS.into_iter().all(|char| read::<u32>(&char.into(), layout.payload) == char as u32)
}

fn read<T>(value: &Dynamic, at: usize) -> T {
    debug_assert!(at + size_of::<T>() <= SIZE);
    let start = black_box(std::ptr::from_ref(value)).cast::<u8>();
    // SAFETY: offsets are checked to be within the value before anything is tried.
    let place = unsafe { start.add(at) };
    // SAFETY: readable memory; `T` is an integer, for which all bytes will do.
    unsafe { place.cast::<T>().read_unaligned() }
}

fn is_plain(value: &Dynamic) -> bool {
    value.tag() == 0 && !value.is_read_only()
}

/// Integers, floats, truth values and characters, written raw and read raw.
fn scalars(layout: &Layout) -> bool {
    if !is_safe_to_try(layout) {
        return false;
    }
    let made = |kind: ValueKind, write: &dyn Fn(&mut Raw)| {
        let made = [0_u8, 0xa5].map(|junk| {
            let mut raw = Raw::new(layout, kind, junk);
            write(&mut raw);
            raw.value(layout, kind)
        });
        made.into_iter().collect::<Option<Vec<_>>>().filter(|made| made.iter().all(is_plain))
    };
    let all = |made: Option<Vec<Dynamic>>, test: &dyn Fn(&Dynamic) -> bool| {
        made.is_some_and(|made| made.iter().all(test))
    };
    INTS.into_iter().all(|int| {
        let made = made(ValueKind::Int, &|raw| raw.write(layout.payload, int));
        all(made, &|value| value.as_int() == Ok(int))
            && read::<i64>(&Dynamic::from(int), layout.payload) == int
    }) && FLOATS.into_iter().all(|float| {
        let bits = float.to_bits();
        let made = made(ValueKind::Float, &|raw| raw.write(layout.payload, bits));
        all(made, &|value| value.as_float().map(f64::to_bits) == Ok(bits))
            && read::<u64>(&Dynamic::from(float), layout.payload) == bits
    }) && [false, true].into_iter().all(|truth| {
        let made = made(ValueKind::Bool, &|raw| raw.write(layout.bool_value, u8::from(truth)));
        all(made, &|value| value.as_bool() == Ok(truth))
    }) && CHARS.into_iter().all(|char| {
        let made = made(ValueKind::Char, &|raw| raw.write(layout.payload, char as u32));
        all(made, &|value| value.as_char() == Ok(char))
    })
}

fn unit(layout: &Layout) -> bool {
    let value = Raw::new(layout, ValueKind::Unit, 0xff).value(layout, ValueKind::Unit);
    value.is_some_and(|value| value.is_unit() && is_plain(&value))
}

/// New payloads in old values: what a script attached and the access mode must stay.
fn updates(layout: &Layout) -> bool {
    INTS.into_iter().all(|int| {
        let mut value = Dynamic::from_int(77).into_read_only();
        value.set_tag(-5);
        let mut raw = Raw { bytes: MaybeUninit::new(value) };
        raw.write(layout.payload, int);
        let value = raw.value(layout, ValueKind::Int);
        value.is_some_and(|value| value.as_int() == Ok(int) && value.tag() == -5 && value.is_read_only())
    })
}

/// The items of an array, reached through its parts.
fn items(layout: &Layout) -> bool {
    let mut items = Array::with_capacity(9);
    items.extend(INTS.map(Dynamic::from_int));
    let array = ManuallyDrop::new(Dynamic::from_array(items));
    let header = read::<usize>(&array, layout.payload);
    let known = array.as_array_ref().map(|items| {
        let parts = [(layout.vec_pointer, items.as_ptr() as usize), (layout.vec_length, items.len())];
        (std::ptr::from_ref::<Array>(&items) as usize, parts, (layout.vec_capacity, items.capacity()))
    });
    let Ok((address, parts, capacity)) = known else { return false };
    if header != address || byte(&array, layout.tag) != layout.tag_of(ValueKind::Array) {
        drop(ManuallyDrop::into_inner(array));
        return false;
    }
    let part = |at: usize| {
        let place = std::ptr::with_exposed_provenance::<usize>(header + at);
        // SAFETY: within the 24 bytes of the vector, whose address was just compared.
        unsafe { black_box(place).read_volatile() }
    };
    let as_expected = parts.iter().chain([&capacity]).all(|&(at, value)| part(at) == value);
    let mut array = ManuallyDrop::into_inner(array);
    if !as_expected {
        return false;
    }
    let first = std::ptr::with_exposed_provenance_mut::<u8>(part(layout.vec_pointer));
    for (index, int) in INTS.into_iter().enumerate() {
        // SAFETY: within the payload of the item with this index.
        let place = unsafe { first.add(index * SIZE + layout.payload) };
        // SAFETY: the item's payload, which is an aligned integer as the item is one.
        if unsafe { place.cast::<i64>().read_unaligned() } != int {
            return false;
        }
        // SAFETY: as above; no reference to the item is alive.
        unsafe { place.cast::<i64>().write_unaligned(int.wrapping_add(1)) };
    }
    array
        .as_array_mut()
        .is_ok_and(|items| items.iter().zip(INTS).all(|(item, int)| item.as_int() == Ok(int.wrapping_add(1))))
}
