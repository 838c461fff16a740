//! Request ids: kept from trusted proxies, else made here.
//!
//! An id made here is 32 hexadecimal digits, half random per source, half a scrambled counter. It is
//! unique, which costs no system call; it is not secret and must not guard anything.

use std::cell::Cell;

use http::HeaderMap;

use super::{PeerTrust, X_REQUEST_ID};

/// Most characters of an id that is kept.
const ID_LEN_MAX: usize = 128;

/// Makes request ids for one worker.
#[derive(Debug)]
pub struct RequestIds {
    source: u64,
    counter: Cell<u64>,
}

impl RequestIds {
    /// A source that shares no ids with others.
    pub fn new() -> Self {
        let (source, start) = uuid::Uuid::new_v4().as_u64_pair();
        Self { source, counter: Cell::new(start) }
    }

    /// The id of a request: its `X-Request-Id` if the peer is trusted and sent exactly one of 1 to 128
    /// visible ASCII characters, else a new one.
    pub fn choose(&self, headers: &HeaderMap, trust: PeerTrust) -> String {
        if trust == PeerTrust::Trusted {
            let mut values = headers.get_all(X_REQUEST_ID).iter();
            if let (Some(value), None) = (values.next(), values.next())
                && let Ok(text) = value.to_str()
                && is_well_formed(text)
            {
                return text.to_owned();
            }
        }
        self.make()
    }

    fn make(&self) -> String {
        let count = self.counter.get().wrapping_add(1);
        self.counter.set(count);
        let mut id = String::with_capacity(32);
        push_hex(&mut id, self.source);
        push_hex(&mut id, scramble(count));
        id
    }
}

impl Default for RequestIds {
    fn default() -> Self {
        Self::new()
    }
}

fn is_well_formed(id: &str) -> bool {
    (1..=ID_LEN_MAX).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Appends 16 hexadecimal digits, at an eighth of what `write!` costs.
fn push_hex(text: &mut String, number: u64) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in number.to_be_bytes() {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
}

/// Spreads a counter over all bits, reversibly, so that no two counts meet (the finaliser of splitmix64).
fn scramble(count: u64) -> u64 {
    let mixed = (count ^ (count >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
