//! Typed values: variables, the identity, parameters, settings, fields of access records.
#![expect(unsafe_code, reason = "arguments of patches are read through their pointers")]

use forebay_engine::script::tools;
use forebay_patch_abi::{self as abi, Call, Slice, Status, Value};
use rhai::{Blob, Dynamic, ImmutableString, Map};
use serde_json::Value as Json;

use super::frame::{Fault, Frame, Kept, Phase, give, with};
use super::outcome;

/// A script value as a patch sees it. Text and bytes are borrowed where they stay in place, and kept where they do not.
fn shown(value: &Dynamic, keep: &mut Vec<Kept>) -> Result<Value, Fault> {
    if value.is_unit() {
        return Ok(Value::NONE);
    }
    if let Ok(number) = value.as_int() {
        return Ok(Value::integer(number));
    }
    if let Ok(flag) = value.as_bool() {
        return Ok(Value::boolean(flag));
    }
    if let Ok(number) = value.as_float() {
        return Ok(Value::real(number));
    }
    if let Some(text) = value.read_lock::<ImmutableString>() {
        let shown = Value { kind: abi::VALUE_TEXT, text: Slice::text(&text), ..Value::NONE };
        if value.is_shared() {
            // A closure of a script may change it at any time; the text itself is shared and stays.
            keep.push(Kept::Value(Dynamic::from(text.clone())));
        }
        return Ok(shown);
    }
    if let Ok(character) = value.as_char() {
        let text = character.to_string();
        let shown = Value { kind: abi::VALUE_TEXT, text: Slice::text(&text), ..Value::NONE };
        keep.push(Kept::Text(text));
        return Ok(shown);
    }
    if let Some(blob) = value.read_lock::<Blob>() {
        if value.is_shared() {
            let copy = bytes::Bytes::copy_from_slice(&blob);
            let shown = Value { kind: abi::VALUE_BYTES, text: Slice::of(&copy), ..Value::NONE };
            keep.push(Kept::Bytes(copy));
            return Ok(shown);
        }
        return Ok(Value { kind: abi::VALUE_BYTES, text: Slice::of(&blob), ..Value::NONE });
    }
    let text = tools::to_json(value).map_err(Fault::invalid)?.to_string();
    let shown = Value { kind: abi::VALUE_JSON, text: Slice::text(&text), ..Value::NONE };
    keep.push(Kept::Text(text));
    Ok(shown)
}

/// A value of a patch as scripts see it.
///
/// # Safety
/// `value` is null or can be read, and so can what it points to.
pub(super) unsafe fn taken(value: *const Value) -> Result<Dynamic, Fault> {
    if value.is_null() {
        return Err(Fault::invalid("the pointer to the value is null"));
    }
    // SAFETY: it is not null, and the caller promises that it can be read.
    let value = unsafe { value.read() };
    Ok(match value.kind {
        abi::VALUE_NONE => Dynamic::UNIT,
        abi::VALUE_BOOL => Dynamic::from_bool(value.boolean != 0),
        abi::VALUE_INTEGER => Dynamic::from_int(value.integer),
        abi::VALUE_REAL => Dynamic::from_float(value.real),
        abi::VALUE_TEXT => {
            // SAFETY: the caller promises that the text can be read.
            let text = unsafe { outcome::text(value.text, "the text") }?;
            Dynamic::from(ImmutableString::from(text))
        }
        // SAFETY: as above.
        abi::VALUE_BYTES => Dynamic::from_blob(unsafe { value.text.bytes() }.to_vec()),
        abi::VALUE_JSON => {
            // SAFETY: as above.
            let json = serde_json::from_slice::<Json>(unsafe { value.text.bytes() });
            tools::from_json(json.map_err(|error| Fault::invalid(format!("the value is not JSON: {error}")))?)
        }
        other => return Err(Fault::invalid(format!("there is no kind of value {other}"))),
    })
}

pub(super) unsafe extern "C" fn parameter(call: Call, name: Slice, value: *mut Slice) -> Status {
    give(call, value, Slice::ABSENT, |frame| {
        // SAFETY: the patch passes bytes that can be read during this call.
        let name = unsafe { name.bytes() };
        let params = &frame.exchange()?.route.params;
        let found = params.iter().find(|(known, _)| known.as_bytes() == name);
        Ok(found.map(|(_, value)| Slice::text(value)))
    })
}

/// Shows a value of the exchange.
fn show(
    frame: &mut Frame<'_>,
    find: impl FnOnce(&forebay_engine::Exchange) -> Option<&Dynamic>,
) -> Result<Option<Value>, Fault> {
    let mut kept = Vec::new();
    let value = match find(frame.exchange()?) {
        Some(value) => Some(shown(value, &mut kept)?),
        None => None,
    };
    frame.keep_all(kept);
    Ok(value)
}

pub(super) unsafe extern "C" fn variable(call: Call, name: Slice, value: *mut Value) -> Status {
    give(call, value, Value::NONE, |frame| {
        // SAFETY: the patch passes bytes that can be read during this call.
        let name = unsafe { outcome::text(name, "the name of the variable") }?;
        show(frame, |exchange| exchange.vars.get(name))
    })
}

pub(super) unsafe extern "C" fn set_variable(call: Call, name: Slice, value: *const Value) -> Status {
    with(call, |frame| {
        // SAFETY: the patch passes bytes that can be read during this call.
        let name = unsafe { outcome::text(name, "the name of the variable") }?;
        // SAFETY: the patch passes a value that can be read during this call.
        let value = unsafe { taken(value) }?;
        let vars = &mut frame.exchange_mut()?.vars;
        if value.is_unit() {
            vars.remove(name);
        } else {
            vars.insert(name.into(), value);
        }
        Ok(abi::OK)
    })
}

pub(super) unsafe extern "C" fn identity(call: Call, name: Slice, value: *mut Value) -> Status {
    give(call, value, Value::NONE, |frame| {
        if !name.is_present() {
            return show(frame, |exchange| Some(&exchange.identity).filter(|identity| !identity.is_unit()));
        }
        // SAFETY: the patch passes bytes that can be read during this call.
        let name = unsafe { outcome::text(name, "the name of the entry") }?;
        // The map is locked while it is looked at, so what is shown of it is a copy.
        let entry = frame.exchange()?.identity.read_lock::<Map>().and_then(|map| map.get(name).cloned());
        let Some(entry) = entry else { return Ok(None) };
        let mut kept = Vec::new();
        let text = entry.read_lock::<ImmutableString>().map(|text| text.to_string());
        let value = match text {
            Some(text) => Value { kind: abi::VALUE_TEXT, text: frame.keep_text(text), ..Value::NONE },
            None => match entry.read_lock::<Blob>().map(|blob| bytes::Bytes::copy_from_slice(&blob)) {
                Some(copy) => Value { kind: abi::VALUE_BYTES, text: frame.keep_bytes(copy), ..Value::NONE },
                None => shown(&entry, &mut kept)?,
            },
        };
        frame.keep_all(kept);
        Ok(Some(value))
    })
}

pub(super) unsafe extern "C" fn set_identity(call: Call, value: *const Value) -> Status {
    with(call, |frame| {
        // SAFETY: the patch passes a value that can be read during this call.
        let value = unsafe { taken(value) }?;
        let has_id = value.read_lock::<Map>().is_some_and(|map| map.contains_key("id"));
        if !value.is_unit() && !has_id {
            return Err(Fault::invalid("an identity is an object with at least an `id`, or nothing"));
        }
        frame.exchange_mut()?.identity = value;
        Ok(abi::OK)
    })
}

pub(super) unsafe extern "C" fn config(call: Call, pointer: Slice, value: *mut Value) -> Status {
    give(call, value, Value::NONE, |frame| {
        // SAFETY: the patch passes bytes that can be read during this call.
        let pointer = unsafe { outcome::text(pointer, "the pointer") }?;
        let (Phase::Create, Some(settings)) = (frame.phase, frame.settings) else {
            return Err(Fault::unavailable(
                "settings are given while an instance is made; keep what is needed of them",
            ));
        };
        let Some(found) = settings.pointer(pointer) else { return Ok(None) };
        Ok(Some(match found {
            Json::Null => Value::NONE,
            Json::Bool(flag) => Value::boolean(*flag),
            Json::Number(number) => match number.as_i64() {
                Some(whole) => Value::integer(whole),
                None => Value::real(number.as_f64().unwrap_or(f64::NAN)),
            },
            Json::String(text) => Value { kind: abi::VALUE_TEXT, text: Slice::text(text), ..Value::NONE },
            Json::Array(_) | Json::Object(_) => {
                Value { kind: abi::VALUE_JSON, text: frame.keep_text(found.to_string()), ..Value::NONE }
            }
        }))
    })
}

pub(super) unsafe extern "C" fn access_field(call: Call, name: Slice, value: *const Value) -> Status {
    with(call, |frame| {
        // SAFETY: the patch passes bytes that can be read during this call.
        let name = unsafe { outcome::text(name, "the name of the field") }?;
        // SAFETY: the patch passes a value that can be read during this call.
        let value = unsafe { taken(value) }?;
        let json = tools::to_json(&value).map_err(Fault::invalid)?;
        if let Some(fields) = &mut frame.fields {
            if value.is_unit() {
                fields.remove(name);
            } else {
                fields.insert(name.to_owned(), json);
            }
            return Ok(abi::OK);
        }
        let Some(access) = &mut frame.exchange_mut()?.access else {
            return Err(Fault::unavailable("the access record exists in on_log only"));
        };
        if value.is_unit() {
            access.extra.remove(name);
        } else {
            access.extra.insert(name.into(), value);
        }
        Ok(abi::OK)
    })
}
