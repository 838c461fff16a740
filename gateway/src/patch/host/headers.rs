//! Header fields of the request, the response, the reply in the making and the answer to come.
#![expect(unsafe_code, reason = "arguments of patches are read through their pointers")]

use std::cell::RefCell;

use forebay_engine::exchange::{FieldChange, FieldValue};
use forebay_engine::header_rules;
use forebay_patch_abi::{self as abi, Call, Field, Fields, Slice, Status};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::frame::{Fault, Frame, Pending, View, give, with};

const NO_FIELDS: Fields = Fields { ptr: std::ptr::null(), len: 0 };

fn map<'f>(frame: &'f Frame<'_>, side: u32) -> Result<&'f HeaderMap, Fault> {
    match side {
        abi::REQUEST_SIDE => match &frame.view {
            View::Headers(headers) => Ok(headers),
            _ => Ok(&frame.exchange()?.request.headers),
        },
        abi::RESPONSE_SIDE => match &frame.exchange()?.response {
            Some(response) => Ok(&response.headers),
            None => Err(Fault::unavailable("there is no response yet")),
        },
        abi::REPLY_SIDE => match &frame.pending {
            Some(Pending::Reply(reply)) => Ok(&reply.headers),
            Some(Pending::Refusal(refusal)) => Ok(&refusal.headers),
            None => Err(Fault::unavailable("no reply was begun")),
        },
        abi::ANSWER_SIDE => {
            Err(Fault::unavailable("the answer is not there yet, so it has no fields to read"))
        }
        other => Err(Fault::invalid(format!("there is no message {other}"))),
    }
}

fn map_mut<'f>(frame: &'f mut Frame<'_>, side: u32) -> Result<&'f mut HeaderMap, Fault> {
    match side {
        abi::REQUEST_SIDE => Ok(&mut frame.exchange_mut()?.request.headers),
        abi::RESPONSE_SIDE => match &mut frame.exchange_mut()?.response {
            Some(response) => Ok(&mut response.headers),
            None => Err(Fault::unavailable("there is no response yet")),
        },
        abi::REPLY_SIDE => match &mut frame.pending {
            Some(Pending::Reply(reply)) => Ok(&mut reply.headers),
            Some(Pending::Refusal(refusal)) => Ok(&mut refusal.headers),
            None => Err(Fault::unavailable("no reply was begun")),
        },
        other => Err(Fault::invalid(format!("there is no message {other}"))),
    }
}

/// A header name that a patch may set.
///
/// Patches pass names as text, and mostly the same few: each thread keeps those it has seen, since making a name again
/// costs more than everything else here.
pub(super) fn settable(name: &[u8]) -> Result<HeaderName, Fault> {
    let (Some(first), Some(last)) = (name.first(), name.last()) else {
        return Err(Fault::invalid("the name of the header field is empty"));
    };
    let slot = (name.len() * 31 + usize::from(*first) * 7 + usize::from(*last)) % NAMES_KEPT;
    NAMES.with_borrow_mut(|names| {
        if let Some(known) = &names[slot]
            && known.as_str().as_bytes() == name
        {
            return Ok(known.clone());
        }
        let parsed = parse_name(name)?;
        names[slot] = Some(parsed.clone());
        Ok(parsed)
    })
}

/// Names that a thread keeps.
const NAMES_KEPT: usize = 64;

thread_local! {
    /// Names that may be set, each at its place.
    static NAMES: RefCell<[Option<HeaderName>; NAMES_KEPT]> = const { RefCell::new([const { None }; NAMES_KEPT]) };
}

fn parse_name(name: &[u8]) -> Result<HeaderName, Fault> {
    let parsed = HeaderName::from_bytes(name)
        .map_err(|_| Fault::invalid(format!("{:?} is no header name", String::from_utf8_lossy(name))))?;
    match header_rules::settable(&parsed) {
        Ok(()) => Ok(parsed),
        Err(reason) => {
            Err(Fault::new(abi::REFUSED, format!("header {parsed} cannot be changed by a patch: {reason}")))
        }
    }
}

/// The value of a header field.
pub(super) fn parse_value(name: &HeaderName, value: &[u8]) -> Result<HeaderValue, Fault> {
    HeaderValue::from_bytes(value).map_err(|_| {
        Fault::invalid(format!("the value for header {name} holds a control character or line break"))
    })
}

pub(super) unsafe extern "C" fn header(
    call: Call,
    side: u32,
    name: Slice,
    nth: usize,
    value: *mut Slice,
) -> Status {
    give(call, value, Slice::ABSENT, |frame| {
        let fields = map(frame, side)?;
        // SAFETY: the patch passes bytes that can be read during this call.
        let name = unsafe { name.bytes() };
        // Names come as text, and what is no text is no name.
        let Ok(name) = std::str::from_utf8(name) else { return Ok(None) };
        let found = match nth {
            0 => fields.get(name),
            nth => fields.get_all(name).iter().nth(nth),
        };
        Ok(found.map(|value| Slice::of(value.as_bytes())))
    })
}

pub(super) unsafe extern "C" fn headers(call: Call, side: u32, fields: *mut Fields) -> Status {
    give(call, fields, NO_FIELDS, |frame| {
        let list: Vec<Field> = map(frame, side)?.iter().map(|(name, value)| field(name, value)).collect();
        Ok(Some(frame.keep_fields(list)))
    })
}

/// A field as a patch sees it.
pub(super) fn field(name: &HeaderName, value: &HeaderValue) -> Field {
    Field { name: Slice::text(name.as_str()), value: Slice::of(value.as_bytes()) }
}

fn store(call: Call, side: u32, name: Slice, value: Slice, adds: bool) -> Status {
    with(call, |frame| {
        // SAFETY: the patch passes bytes that can be read during this call.
        let name = settable(unsafe { name.bytes() })?;
        // SAFETY: as above.
        let value = parse_value(&name, unsafe { value.bytes() })?;
        if side == abi::ANSWER_SIDE {
            let to = if adds { FieldValue::Append(value) } else { FieldValue::Set(value) };
            frame.exchange_mut()?.answer_fields.push(FieldChange { name, to });
            return Ok(abi::OK);
        }
        let fields = map_mut(frame, side)?;
        let stored = if adds {
            fields.try_append(name, value).is_ok()
        } else {
            fields.try_insert(name, value).is_ok()
        };
        if stored { Ok(abi::OK) } else { Err(Fault::new(abi::REFUSED, "too many header fields")) }
    })
}

pub(super) unsafe extern "C" fn set_header(call: Call, side: u32, name: Slice, value: Slice) -> Status {
    store(call, side, name, value, false)
}

pub(super) unsafe extern "C" fn add_header(call: Call, side: u32, name: Slice, value: Slice) -> Status {
    store(call, side, name, value, true)
}

pub(super) unsafe extern "C" fn remove_header(call: Call, side: u32, name: Slice) -> Status {
    with(call, |frame| {
        // SAFETY: the patch passes bytes that can be read during this call.
        let name = settable(unsafe { name.bytes() })?;
        if side == abi::ANSWER_SIDE {
            let to = FieldValue::Removed;
            frame.exchange_mut()?.answer_fields.push(FieldChange { name, to });
            return Ok(abi::OK);
        }
        let removed = map_mut(frame, side)?.remove(name).is_some();
        Ok(if removed { abi::OK } else { abi::ABSENT })
    })
}
