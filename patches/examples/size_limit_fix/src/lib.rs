//! Takes the place of the built-in middleware `request_size_limit`, as a correction of it would: the same settings and
//! the same answers, and one thing done differently. A request whose `Content-Length` or body is too large is refused
//! as before; here the refusal also tells the limit in `x-limit-bytes`, and the counter `refused_bodies` counts it.
#![forbid(unsafe_code)]

use forebay_patch::{Error, Exchange, Hooks, Message, Middleware, Refusal, Services, Setup, Value, Verdict};

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
    const HOOKS: Hooks = Hooks::REQUEST;

    fn create(setup: &Setup<'_>) -> Result<Self, Error> {
        let bytes_max = size(
            setup.value("/bytes_max")?.ok_or("config.bytes_max is missing: expected a size such as 1MiB")?,
        )?;
        Ok(Self { bytes_max })
    }

    fn on_request(&self, exchange: &mut Exchange<'_>) -> Result<Verdict, Error> {
        let declared = exchange.header_text(Message::Request, "content-length");
        let declared = declared.and_then(|length| length.parse::<u64>().ok());
        if declared.is_some_and(|length| length > self.bytes_max) {
            exchange.count("refused_bodies", 1.0)?;
            let message = format!("the request body is larger than {} bytes", self.bytes_max);
            let refusal = Refusal::new(413, "client_too_large", message);
            return Ok(refusal.header("x-limit-bytes", self.bytes_max.to_string()).into());
        }
        // A body of undeclared length is counted by the gateway while it comes.
        exchange.limit_request_body(self.bytes_max)?;
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
