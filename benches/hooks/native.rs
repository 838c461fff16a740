//! What the measured scripts do, written in Rust against the same exchange: the floor that an interpreter or a
//! compiler is compared with. The rules are those of `scripts/validate_order.rhai`, in its order.

use std::sync::LazyLock;

use forebay_engine::Exchange;
use forebay_engine::exchange::Body;
use http::{HeaderMap, HeaderValue, StatusCode};
use regex::Regex;
use serde_json::Value;

/// Sets the header that the script `one_header` sets.
pub(crate) fn set_one_header(mut exchange: Box<Exchange>) -> Box<Exchange> {
    exchange.request.headers.insert("x-hook", HeaderValue::from_static("1"));
    exchange
}

struct Patterns {
    api_key: Regex,
    order_id: Regex,
    version: Regex,
    sum: Regex,
    user: Regex,
}

static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| {
    let compile = |pattern| Regex::new(pattern).expect("a valid pattern");
    Patterns {
        api_key: compile("^[A-Za-z0-9]{32}$"),
        order_id: compile("^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"),
        version: compile("^[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}$"),
        sum: compile("^[0-9]{1,10}$"),
        user: compile("^[a-z0-9_]{3,32}$"),
    }
});

/// Validates the order; one that is refused is a mistake of the bench.
pub(crate) fn validate_order(mut exchange: Box<Exchange>) -> Box<Exchange> {
    let Body::Read(body) = &exchange.request.body else { panic!("the bench's bodies have been read") };
    let sum = validated_sum(&exchange.request.headers, body).expect("a valid order");
    exchange.vars.insert("order_sum".into(), sum.into());
    exchange
}

fn validated_sum(headers: &HeaderMap, body: &[u8]) -> Result<i64, StatusCode> {
    let malformed = StatusCode::BAD_REQUEST;
    let against_rules = StatusCode::UNPROCESSABLE_ENTITY;
    let matching = |name, pattern: &Regex| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.filter(|value| pattern.is_match(value)).ok_or(malformed)
    };
    matching("x-api-key", &PATTERNS.api_key)?;
    matching("x-order-id", &PATTERNS.order_id)?;
    matching("x-client-version", &PATTERNS.version)?;
    let expected = matching("x-sum", &PATTERNS.sum)?;

    let order: Value = serde_json::from_slice(body).map_err(|_| malformed)?;
    let user = order["user"].as_str().ok_or(against_rules)?;
    let amount = order["amount"].as_f64().ok_or(against_rules)?;
    let items = order["items"].as_array().ok_or(against_rules)?;
    if !PATTERNS.user.is_match(user)
        || amount <= 0.0
        || amount >= 10_000.0
        || !(1..=20).contains(&items.len())
    {
        return Err(against_rules);
    }
    checksum(items).filter(|sum| expected.parse() == Ok(*sum)).ok_or(against_rules)
}

fn checksum(items: &[Value]) -> Option<i64> {
    let mut sum = 0;
    for item in items {
        let sku = item["sku"].as_str()?;
        item["qty"].as_i64().filter(|quantity| (1..=99).contains(quantity))?;
        for character in sku.chars() {
            sum = (sum * 31 + i64::from(u32::from(character))) % (1 << 31);
        }
    }
    Some(sum)
}
