//! Finds the parts of a `Dynamic` by looking at many of them.
#![expect(unsafe_code, reason = "looks at the bytes of values")]

use std::hint::black_box;

use rhai::{Dynamic, FnPtr, Map};

use super::{Layout, SIZE};
use crate::rt::values::ValueKind;

const INTS: [i64; 4] = [0x0102_0304_0506_0708, -2, 0x7766_5544_3322_1100, 0];
const USER_TAGS: [i32; 3] = [0, 0x1122_3344, -0x0102_0305];

/// One value and what is known of it.
struct Sample {
    kind: ValueKind,
    /// The 8 bytes that the payload must be, where they are known.
    payload: Option<u64>,
    /// The truth value, of those.
    truth: Option<bool>,
    user_tag: i32,
    read_only: bool,
    bytes: [u8; SIZE],
}

/// The layout that all samples agree with.
pub(super) fn probe() -> Option<Layout> {
    let samples = samples()?;
    let of = |kind| samples.iter().filter(move |sample| sample.kind == kind);
    let tag = (0..SIZE).find(|&at| is_tag(&samples, at))?;
    let mut tags = [0; 12];
    let mut access = [0; 12];
    let mut modes = None;
    for kind in ValueKind::ALL {
        tags[kind as usize] = of(kind).next()?.bytes[tag];
        let (at, mode) = (0..SIZE).find_map(|at| Some((at, access_at(of(kind), at)?)))?;
        access[kind as usize] = at;
        if *modes.get_or_insert(mode) != mode {
            return None;
        }
    }
    let (read_write, read_only) = modes?;
    let payload = (0..=SIZE - 8).find(|&at| {
        samples.iter().all(|sample| sample.payload.is_none_or(|known| word(&sample.bytes, at) == known))
    })?;
    let bool_value = (0..SIZE)
        .find(|&at| samples.iter().all(|s| s.truth.is_none_or(|truth| s.bytes[at] == u8::from(truth))))?;
    let user_tag = (0..=SIZE - 4).find(|&at| {
        let value = |bytes: &[u8; SIZE]| i32::from_ne_bytes([0, 1, 2, 3].map(|i| bytes[at + i]));
        samples.iter().all(|sample| value(&sample.bytes) == sample.user_tag)
    })?;
    let (vec_pointer, vec_length, vec_capacity) = probe_vec(payload)?;
    Some(Layout {
        tag,
        tags,
        payload,
        bool_value,
        user_tag,
        access,
        read_write,
        read_only,
        vec_pointer,
        vec_length,
        vec_capacity,
        maps: None,
    })
}

/// Whether the byte is the same for all values of a kind and different for each kind.
fn is_tag(samples: &[Sample], at: usize) -> bool {
    samples
        .iter()
        .all(|one| samples.iter().all(|two| (one.bytes[at] == two.bytes[at]) == (one.kind == two.kind)))
}

/// The two values of the byte when it follows the access mode and nothing else.
fn access_at<'s>(mut samples: impl Iterator<Item = &'s Sample>, at: usize) -> Option<(u8, u8)> {
    let mut modes = [None, None];
    let same = samples.all(|sample| {
        let byte = sample.bytes[at];
        *modes[usize::from(sample.read_only)].get_or_insert(byte) == byte
    });
    let (read_write, read_only) = (modes[0]?, modes[1]?);
    (same && read_write != read_only).then_some((read_write, read_only))
}

/// Values of all kinds, with all tags and both modes.
fn samples() -> Option<Vec<Sample>> {
    let mut samples = Vec::new();
    for variant in 0..INTS.len() {
        for kind in ValueKind::ALL {
            for user_tag in USER_TAGS {
                for read_only in [false, true] {
                    let (value, payload, truth) = value(kind, variant)?;
                    let mut value = if read_only { value.into_read_only() } else { value };
                    value.set_tag(user_tag);
                    let bytes = bytes(&value);
                    samples.push(Sample { kind, payload, truth, user_tag, read_only, bytes });
                }
            }
        }
    }
    Some(samples)
}

fn value(kind: ValueKind, variant: usize) -> Option<(Dynamic, Option<u64>, Option<bool>)> {
    let int = INTS[variant];
    let value: Dynamic = match kind {
        ValueKind::Unit => Dynamic::UNIT,
        ValueKind::Bool => {
            let truth = variant.is_multiple_of(2);
            return Some((truth.into(), None, Some(truth)));
        }
        ValueKind::Int => return Some((int.into(), Some(int.cast_unsigned()), None)),
        ValueKind::Float => {
            let float = f64::from_bits(int.cast_unsigned());
            return Some((float.into(), Some(float.to_bits()), None));
        }
        ValueKind::Char => ['a', '\u{10ffff}', 'ß', '\0'][variant].into(),
        ValueKind::Str => "x".repeat(variant).into(),
        ValueKind::Array => Dynamic::from_array(vec![int.into(); variant]),
        ValueKind::Blob => Dynamic::from_blob(vec![7; variant]),
        ValueKind::Map => Map::new().into(),
        ValueKind::FnPtr => FnPtr::new("name").ok()?.into(),
        ValueKind::Other => Dynamic::from(0..int),
        ValueKind::Shared => Dynamic::from(int).into_shared(),
    };
    Some((value, None, None))
}

fn bytes(value: &Dynamic) -> [u8; SIZE] {
    let start = black_box(std::ptr::from_ref(value)).cast::<u8>();
    std::array::from_fn(|at| {
        // SAFETY: the address is within the value.
        let place = unsafe { start.add(at) };
        // SAFETY: readable memory. Some of these bytes are padding: the read is volatile and of a pointer whose
        // origin is hidden, so such a byte is just whatever the memory holds, and nothing is built upon it.
        unsafe { place.read_volatile() }
    })
}

fn word(bytes: &[u8; SIZE], at: usize) -> u64 {
    u64::from_ne_bytes([0, 1, 2, 3, 4, 5, 6, 7].map(|i| bytes[at + i]))
}

/// The word at this offset, as an address.
pub(super) fn pointer_at(value: &Dynamic, at: usize) -> usize {
    usize::try_from(word(&bytes(value), at)).unwrap_or_default()
}

/// Where a vector has its pointer, length and capacity.
fn probe_vec(payload: usize) -> Option<(usize, usize, usize)> {
    const { assert!(size_of::<rhai::Array>() == 24) };
    let mut items = rhai::Array::with_capacity(7);
    items.extend([1, 2, 3].map(Dynamic::from_int));
    let array = Dynamic::from_array(items);
    let known = {
        let items = array.as_array_ref().ok()?;
        [items.as_ptr() as usize, items.len(), items.capacity()]
    };
    let header = usize::try_from(word(&bytes(&array), payload)).ok()?;
    // The payload was found with scalars; that it is also where pointers are shows here.
    let items = array.as_array_ref().ok()?;
    if header != std::ptr::from_ref::<rhai::Array>(&items) as usize {
        return None;
    }
    let words: [usize; 3] = std::array::from_fn(|index| {
        let place = std::ptr::with_exposed_provenance::<usize>(header + index * 8);
        // SAFETY: the vector is 24 bytes there, which was just compared with its address, and has no padding.
        unsafe { black_box(place).read_volatile() }
    });
    let find = |value: usize| {
        let mut places = (0..3).filter(|&index| words[index] == value);
        let first = places.next()?;
        places.next().is_none().then_some(first * 8)
    };
    Some((find(known[0])?, find(known[1])?, find(known[2])?))
}
