//! Bodies: read whole, replaced, or passed chunk by chunk.
#![expect(unsafe_code, reason = "arguments of patches are read through their pointers")]

use std::ffi::c_void;

use bytes::Bytes;
use forebay_engine::exchange::{Body, Exchange};
use forebay_engine::script::tools;
use forebay_engine::{Answer, Hook, Wait};
use forebay_patch_abi::{self as abi, Call, Slice, Status};
use http::{HeaderMap, header};

use super::frame::{Fault, Frame, Pending, Phase, give, wait, with};
use crate::patch::adapter::ChunkFilter;

/// Longest body or output of one chunk that a patch may pass at once.
const OUTPUT_BYTES_MAX: usize = 64 << 20;

fn message(exchange: &mut Exchange, side: u32) -> Result<(&mut Body, &mut HeaderMap), Fault> {
    match side {
        abi::REQUEST_SIDE => Ok((&mut exchange.request.body, &mut exchange.request.headers)),
        abi::RESPONSE_SIDE => match &mut exchange.response {
            Some(response) => Ok((&mut response.body, &mut response.headers)),
            None => Err(Fault::unavailable("there is no response yet")),
        },
        other => Err(Fault::invalid(format!("message {other} has no body to be read or replaced"))),
    }
}

/// The bytes of a body that is in memory.
fn in_memory(frame: &Frame<'_>, side: u32) -> Result<Option<Slice>, Fault> {
    let exchange = frame.exchange()?;
    let body = match (side, &exchange.response) {
        (abi::REQUEST_SIDE, _) => &exchange.request.body,
        (abi::RESPONSE_SIDE, Some(response)) => &response.body,
        (abi::RESPONSE_SIDE, None) => return Err(Fault::unavailable("there is no response yet")),
        (other, _) => return Err(Fault::invalid(format!("message {other} has no body to be read"))),
    };
    Ok(body.bytes().map(|bytes| Slice::of(bytes)))
}

pub(super) unsafe extern "C" fn body(call: Call, side: u32, body: *mut Slice) -> Status {
    let mut missing = false;
    let status = give(call, body, Slice::ABSENT, |frame| {
        let there = in_memory(frame, side)?;
        missing = there.is_none();
        Ok(there)
    });
    if !missing {
        return status;
    }
    let needed = if side == abi::REQUEST_SIDE { Wait::RequestBody } else { Wait::ResponseBody };
    // A callback that may look and not change has no place to keep what was read.
    let status = with(call, |frame| frame.exchange_mut().map(|_| abi::OK));
    if status != abi::OK {
        return status;
    }
    let answer = match wait(call, needed) {
        Ok(answer) => answer,
        Err(status) => return status,
    };
    give(call, body, Slice::ABSENT, |frame| match answer {
        Answer::Body(Ok(bytes)) => {
            *message(frame.exchange_mut()?, side)?.0 = Body::Read(bytes);
            in_memory(frame, side)
        }
        Answer::Body(Err(reason)) => Err(Fault::new(abi::UNREACHABLE, reason)),
        other => {
            Err(Fault::new(abi::FAILED, format!("a body was answered with {other:?}; please report this")))
        }
    })
}

pub(super) unsafe extern "C" fn set_body(call: Call, side: u32, body: Slice) -> Status {
    with(call, |frame| {
        // SAFETY: the patch passes bytes that can be read during this call.
        let bytes = Bytes::copy_from_slice(unsafe { body.bytes() });
        if side == abi::REPLY_SIDE {
            return match &mut frame.pending {
                Some(Pending::Reply(reply)) => {
                    reply.body = bytes;
                    Ok(abi::OK)
                }
                Some(Pending::Refusal(_)) => {
                    Err(Fault::unavailable("the gateway writes the body of an error"))
                }
                None => Err(Fault::unavailable("no reply was begun")),
            };
        }
        let (body, headers) = message(frame.exchange_mut()?, side)?;
        *body = if bytes.is_empty() { Body::Empty } else { Body::Replaced(bytes) };
        tools::forget_body(headers);
        Ok(abi::OK)
    })
}

pub(super) unsafe extern "C" fn stream_body(call: Call, side: u32, flags: u32, state: *mut c_void) -> Status {
    with(call, |frame| {
        let wanted = match side {
            abi::REQUEST_SIDE => Hook::Request,
            abi::RESPONSE_SIDE => Hook::Response,
            other => return Err(Fault::invalid(format!("message {other} has no chunks"))),
        };
        if frame.phase != Phase::Hook(wanted) {
            return Err(Fault::unavailable(format!(
                "the chunks of this message are to be had in {}",
                wanted.function()
            )));
        }
        if flags & !abi::STREAM_INSPECT != 0 {
            return Err(Fault::invalid(format!("unknown flags {flags:#x}")));
        }
        let Some(instance) = frame.instance else {
            return Err(Fault::unavailable("this callback has no chunks"));
        };
        if instance.table().on_chunk.is_none() {
            return Err(Fault::unavailable("the middleware has no on_chunk"));
        }
        let inspects = flags & abi::STREAM_INSPECT != 0;
        let filter = Box::new(ChunkFilter::new(instance.clone(), state, side, inspects));
        let exchange = frame.exchange_mut()?;
        if !inspects {
            let headers = message(exchange, side)?.1;
            tools::forget_body(headers);
            headers.remove(header::CONTENT_LENGTH);
        }
        match wanted {
            Hook::Request => exchange.filters.request.push(filter),
            _ => exchange.filters.response.push(filter),
        }
        Ok(abi::OK)
    })
}

pub(super) unsafe extern "C" fn chunk_write(call: Call, data: Slice) -> Status {
    with(call, |frame| {
        if frame.phase != Phase::Chunk {
            return Err(Fault::unavailable("chunks are written in on_chunk"));
        }
        // SAFETY: the patch passes bytes that can be read during this call.
        let data = unsafe { data.bytes() };
        if frame.output.len().saturating_add(data.len()) > OUTPUT_BYTES_MAX {
            return Err(Fault::invalid(format!("more than {OUTPUT_BYTES_MAX} bytes instead of one chunk")));
        }
        frame.output.extend_from_slice(data);
        Ok(abi::OK)
    })
}
