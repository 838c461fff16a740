//! Takes the place of the script `validate_order`, by the same rules: what is malformed is answered 400, what breaks a
//! rule 422; the response of an accepted order gets its checksum as `x-validated`.
#![forbid(unsafe_code)]

use forebay_patch::{Error, Exchange, Hooks, Message, Middleware, Reply, Setup, Value, Verdict};
use regex::bytes::Regex;
use serde_json::Value as Json;

struct ValidateOrder {
    api_key: Regex,
    order_id: Regex,
    version: Regex,
    sum: Regex,
    user: Regex,
}

const MALFORMED: u16 = 400;
const AGAINST_RULES: u16 = 422;

impl Middleware for ValidateOrder {
    const HOOKS: Hooks = Hooks::REQUEST.and(Hooks::RESPONSE);
    const BODIES: Hooks = Hooks::REQUEST;

    fn create(_setup: &Setup<'_>) -> Result<Self, Error> {
        Ok(Self {
            api_key: Regex::new("^[A-Za-z0-9]{32}$")?,
            order_id: Regex::new("^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$")?,
            version: Regex::new("^[0-9]{1,3}\\.[0-9]{1,3}\\.[0-9]{1,3}$")?,
            sum: Regex::new("^[0-9]{1,10}$")?,
            user: Regex::new("^[a-z0-9_]{3,32}$")?,
        })
    }

    fn on_request(&self, exchange: &mut Exchange<'_>) -> Result<Verdict, Error> {
        let Some(expected) = self.expected_sum(exchange) else {
            return Ok(Reply::new(MALFORMED).into());
        };
        let Ok(order) = serde_json::from_slice::<Json>(exchange.body(Message::Request)?) else {
            return Ok(Reply::new(MALFORMED).into());
        };
        match self.checksum(&order).filter(|sum| *sum == expected) {
            Some(sum) => {
                exchange.set_variable("order_sum", sum)?;
                Ok(Verdict::Continue)
            }
            None => Ok(Reply::new(AGAINST_RULES).into()),
        }
    }

    fn on_response(&self, exchange: &mut Exchange<'_>) -> Result<Verdict, Error> {
        if let Some(sum) = exchange.variable("order_sum")?.and_then(Value::as_integer) {
            exchange.set_header(Message::Response, "x-validated", sum.to_string())?;
        }
        Ok(Verdict::Continue)
    }
}

impl ValidateOrder {
    /// The checksum that the head promises, if the head is well-formed.
    fn expected_sum(&self, exchange: &Exchange<'_>) -> Option<i64> {
        let matching = |name, pattern: &Regex| {
            exchange.header(Message::Request, name).filter(|value| pattern.is_match(value))
        };
        matching("x-api-key", &self.api_key)?;
        matching("x-order-id", &self.order_id)?;
        matching("x-client-version", &self.version)?;
        std::str::from_utf8(matching("x-sum", &self.sum)?).ok()?.parse().ok()
    }

    /// The checksum of an order that keeps the rules.
    fn checksum(&self, order: &Json) -> Option<i64> {
        let user = order.get("user")?.as_str()?;
        let amount = order.get("amount")?.as_f64()?;
        let items = order.get("items")?.as_array()?;
        let fits = self.user.is_match(user.as_bytes())
            && amount > 0.0
            && amount < 10_000.0
            && (1..=20).contains(&items.len());
        if !fits {
            return None;
        }
        let mut sum = 0;
        for item in items {
            let sku = item.get("sku")?.as_str()?;
            item.get("qty")?.as_i64().filter(|quantity| (1..=99).contains(quantity))?;
            for character in sku.chars() {
                sum = (sum * 31 + i64::from(u32::from(character))) % (1 << 31);
            }
        }
        Some(sum)
    }
}

forebay_patch::patch! {
    id: "validate-order",
    version: "1.0.0",
    description: "the script validate_order in native code",
    gateway: ">=0.1.0, <0.2.0",
    components: [middleware overrides "script:validate_order": ValidateOrder],
}
