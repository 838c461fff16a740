//! Takes the place of the built-in middleware `request_size_limit`, as a correction of it would: the same settings and
//! the same answers, and one thing done differently: a refusal also tells the limit in `x-limit-bytes`, and the counter
//! `refused_bodies` counts it. What is at the limit is let through, as the built-in one should.
#![forbid(unsafe_code)]

use forebay_patch::{Error, Exchange, Hooks, Message, Middleware, Services, Setup, Value, Verdict};

struct SizeLimit {
    bytes_max: u64,
}

/// A size as the configuration has it: a number of bytes, or a number with a unit.
fn size(value: Value<'_>) -> Result<u64, Error> {
    if let Value::Integer(bytes) = value {
        return u64::try_from(bytes).map_err(|_| "a size is not negative".into());
    }
    let text = value.as_text().ok_or("a size is a number or a text such as 10MiB")?;
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let unit: u64 = match unit.trim() {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        other => return Err(format!("{other:?} is no unit of size: expected B, KiB, MiB or GiB").into()),
    };
    number.parse::<u64>()?.checked_mul(unit).ok_or_else(|| "the size is too large".into())
}

impl Middleware for SizeLimit {
    const HOOKS: Hooks = Hooks::REQUEST.and(Hooks::ERROR);

    fn create(setup: &Setup<'_>) -> Result<Self, Error> {
        let bytes_max = size(
            setup.value("/bytes_max")?.ok_or("config.bytes_max is missing: expected a size such as 1MiB")?,
        )?;
        Ok(Self { bytes_max })
    }

    fn on_request(&self, exchange: &mut Exchange<'_>) -> Result<Verdict, Error> {
        // The gateway compares it with the declared length, and else counts the body while it comes.
        exchange.limit_request_body(self.bytes_max)?;
        Ok(Verdict::Continue)
    }

    fn on_error(&self, exchange: &mut Exchange<'_>) -> Result<Verdict, Error> {
        if exchange.failure().is_some_and(|(_, kind, _)| kind == "client_too_large") {
            exchange.count("refused_bodies", 1.0)?;
            exchange.set_header(Message::Answer, "x-limit-bytes", self.bytes_max.to_string())?;
        }
        Ok(Verdict::Continue)
    }
}

forebay_patch::patch! {
    id: "size-limit-fix",
    version: "1.0.1",
    description: "request_size_limit that tells its limit",
    gateway: ">=0.1.0, <0.2.0",
    components: [middleware overrides "request_size_limit": SizeLimit],
}
