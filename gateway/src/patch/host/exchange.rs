//! Texts and numbers of an exchange.
#![expect(unsafe_code, reason = "arguments of patches are read through their pointers")]

use std::net::IpAddr;
use std::str::FromStr;

use bytes::Bytes;
use forebay_engine::Hook;
use forebay_engine::exchange::{Exchange, Origin};
use forebay_patch_abi::{self as abi, Call, Slice, Status};
use http::{Method, StatusCode, Uri, Version};

use super::frame::{Fault, Frame, Pending, Phase, give, with};
use super::outcome;

pub(super) unsafe extern "C" fn text(call: Call, which: u32, text: *mut Slice) -> Status {
    give(call, text, Slice::ABSENT, |frame| {
        match which {
            abi::TEXT_CLIENT_IP => {
                let address = frame.exchange()?.client.ip.to_string();
                return Ok(Some(frame.keep_text(address)));
            }
            abi::BYTES_CLIENT_IP => {
                let bytes = match frame.exchange()?.client.ip {
                    IpAddr::V4(address) => Bytes::copy_from_slice(&address.octets()),
                    IpAddr::V6(address) => Bytes::copy_from_slice(&address.octets()),
                };
                return Ok(Some(frame.keep_bytes(bytes)));
            }
            _ => {}
        }
        Ok(borrowed(frame.exchange()?, which)?.map(Slice::text))
    })
}

fn borrowed(exchange: &Exchange, which: u32) -> Result<Option<&str>, Fault> {
    let request = &exchange.request;
    Ok(match which {
        abi::TEXT_REQUEST_ID => Some(&exchange.id),
        abi::TEXT_METHOD => Some(request.method.as_str()),
        abi::TEXT_TARGET => Some(request.uri.path_and_query().map_or("/", |target| target.as_str())),
        abi::TEXT_PATH => Some(request.uri.path()),
        abi::TEXT_QUERY => request.uri.query(),
        abi::TEXT_RAW_TARGET => Some(&request.raw_target),
        abi::TEXT_HOST => Some(&request.host),
        abi::TEXT_SCHEME => Some(request.scheme),
        abi::TEXT_ROUTE => Some(&exchange.route.name),
        abi::TEXT_UPSTREAM => exchange.upstream_override.as_deref(),
        abi::TEXT_ORIGIN => exchange.response.as_ref().map(|response| response.origin.as_str()),
        abi::TEXT_SERVER => match exchange.response.as_ref().map(|response| &response.origin) {
            Some(Origin::Upstream { address, .. }) => Some(address),
            _ => None,
        },
        abi::TEXT_FAILURE_KIND => exchange.failure.as_ref().map(|failure| failure.kind),
        abi::TEXT_FAILURE_MESSAGE => exchange.failure.as_ref().map(|failure| &*failure.message),
        abi::TEXT_END_REASON => exchange.access.as_ref().map(|access| access.end_reason),
        other => return Err(Fault::invalid(format!("there is no text {other}"))),
    })
}

pub(super) unsafe extern "C" fn set_text(call: Call, which: u32, text: Slice) -> Status {
    with(call, |frame| {
        // SAFETY: the patch passes bytes that can be read during this call.
        let value = unsafe { outcome::text(text, "the text") }?;
        in_request_phase(frame)?;
        let exchange = frame.exchange_mut()?;
        let uri = &mut exchange.request.uri;
        match which {
            abi::TEXT_METHOD => exchange.request.method = method(value)?,
            abi::TEXT_TARGET => *uri = target(value)?,
            abi::TEXT_PATH => {
                if value.contains(['?', '#']) {
                    return Err(Fault::invalid(format!("{value:?} is no path: it holds ? or #")));
                }
                let whole = uri.query().map_or_else(|| value.to_owned(), |query| format!("{value}?{query}"));
                *uri = target(&whole)?;
            }
            abi::TEXT_QUERY if value.is_empty() => *uri = target(uri.path())?,
            abi::TEXT_QUERY => *uri = target(&format!("{}?{value}", uri.path()))?,
            abi::TEXT_UPSTREAM => {
                exchange.upstream_override = text.is_present().then(|| value.to_owned());
            }
            other => return Err(Fault::invalid(format!("text {other} cannot be set"))),
        }
        Ok(abi::OK)
    })
}

fn in_request_phase(frame: &Frame<'_>) -> Result<(), Fault> {
    match frame.phase {
        Phase::Hook(Hook::Request) => Ok(()),
        _ => Err(Fault::unavailable("this can be set in the request phase only")),
    }
}

fn method(text: &str) -> Result<Method, Fault> {
    match Method::from_str(text) {
        Ok(Method::CONNECT) | Err(_) => {
            Err(Fault::invalid(format!("{text:?} is no method that can be forwarded")))
        }
        Ok(method) => Ok(method),
    }
}

fn target(text: &str) -> Result<Uri, Fault> {
    let parsed = if text.starts_with('/') { Uri::from_str(text).ok() } else { None };
    parsed.ok_or_else(|| {
        Fault::invalid(format!("{text:?} is no target: expected /PATH?QUERY, percent-encoded"))
    })
}

pub(super) unsafe extern "C" fn number(call: Call, which: u32, number: *mut i64) -> Status {
    give(call, number, 0, |frame| {
        if which == abi::NUMBER_STATUS {
            let status = match &frame.pending {
                Some(Pending::Reply(reply)) => Some(reply.status),
                Some(Pending::Refusal(refusal)) => Some(refusal.status),
                None => frame.exchange()?.response.as_ref().map(|response| response.status),
            };
            return Ok(status.map(|status| i64::from(status.as_u16())));
        }
        counted(frame.exchange()?, which)
    })
}

fn counted(exchange: &Exchange, which: u32) -> Result<Option<i64>, Fault> {
    let whole = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    let access = exchange.access.as_ref();
    Ok(match which {
        abi::NUMBER_CLIENT_PORT => Some(i64::from(exchange.client.port)),
        abi::NUMBER_HTTP_VERSION => Some(match exchange.request.version {
            Version::HTTP_10 => 10,
            Version::HTTP_2 => 20,
            Version::HTTP_3 => 30,
            _ => 11,
        }),
        abi::NUMBER_ATTEMPT => Some(i64::from(exchange.attempt)),
        abi::NUMBER_SERVER_MICROSECONDS => {
            match exchange.response.as_ref().map(|response| &response.origin) {
                Some(Origin::Upstream { microseconds, .. }) => Some(whole(*microseconds)),
                _ => None,
            }
        }
        abi::NUMBER_FAILURE_STATUS => {
            exchange.failure.as_ref().map(|failure| i64::from(failure.status.as_u16()))
        }
        abi::NUMBER_TOTAL_MICROSECONDS => access.map(|access| whole(access.total_microseconds)),
        abi::NUMBER_UPSTREAM_MICROSECONDS => access.map(|access| whole(access.upstream_microseconds)),
        abi::NUMBER_STEPS_MICROSECONDS => access.map(|access| whole(access.steps_microseconds)),
        abi::NUMBER_REQUEST_BYTES => access.map(|access| whole(access.request_bytes)),
        abi::NUMBER_RESPONSE_BYTES => access.map(|access| whole(access.response_bytes)),
        abi::NUMBER_STARTED_UNIX_MICROSECONDS => {
            access.map(|access| i64::try_from(access.started_unix_ns / 1_000).unwrap_or(i64::MAX))
        }
        abi::NUMBER_REQUEST_BODY_MAX => exchange.request_body_max.map(whole),
        other => return Err(Fault::invalid(format!("there is no number {other}"))),
    })
}

pub(super) unsafe extern "C" fn set_number(call: Call, which: u32, number: i64) -> Status {
    with(call, |frame| {
        match which {
            abi::NUMBER_STATUS => {
                let refuses = matches!(frame.pending, Some(Pending::Refusal(_)));
                let least = if refuses { 400 } else { 200 };
                let code = u16::try_from(number).ok().filter(|code| (least..600).contains(code));
                let Some(code) = code.and_then(|code| StatusCode::from_u16(code).ok()) else {
                    return Err(Fault::invalid(format!("{number} is no status for this")));
                };
                match &mut frame.pending {
                    Some(Pending::Reply(reply)) => reply.status = code,
                    Some(Pending::Refusal(refusal)) => refusal.status = code,
                    None => match &mut frame.exchange_mut()?.response {
                        Some(response) => response.status = code,
                        None => return Err(Fault::unavailable("there is no response yet")),
                    },
                }
            }
            abi::NUMBER_REQUEST_BODY_MAX => {
                in_request_phase(frame)?;
                let most = u64::try_from(number).map_err(|_| Fault::invalid("a size is not negative"))?;
                let limit = &mut frame.exchange_mut()?.request_body_max;
                // Several steps may limit it, and each means its own.
                *limit = Some(limit.map_or(most, |before| before.min(most)));
            }
            other => return Err(Fault::invalid(format!("number {other} cannot be set"))),
        }
        Ok(abi::OK)
    })
}

pub(super) unsafe extern "C" fn access_drop(call: Call) -> Status {
    with(call, |frame| match &mut frame.exchange_mut()?.access {
        Some(access) => {
            access.suppressed = true;
            Ok(abi::OK)
        }
        None => Err(Fault::unavailable("the access record exists in on_log only")),
    })
}
