//! `random`: the host's randomness, fit for keys and tokens.

use rhai::{Dynamic, ImmutableString};

use super::values::number;
use crate::script::context::{HostResult, fail, with};
use crate::script::table::{HostFunction, host_functions};

pub(super) static TABLE: &[HostFunction] = host_functions! {
    /// A whole number from `low` to `high`, both included, each as likely as the others.
    Ambient Function [random] int(low: Int, high: Int) -> Int = int;
    /// A number of at least 0 and less than 1.
    Ambient Function [random] float() -> Float = float;
    /// This many random bytes, 1 to 1,024, as twice as many hexadecimal digits: 16 make a good token.
    Ambient Function [random] hex(bytes: Int) -> Str = hexadecimal;
    /// `true` with this probability, a number from 0 (never) to 1 (always).
    Ambient Function [random] bool(probability: Any) -> Bool = flag;
};

/// Most random bytes of one call: nobody needs a longer key, and a bound keeps calls short.
const BYTES_MAX: i64 = 1_024;

fn fill<const N: usize>() -> HostResult<[u8; N]> {
    let mut bytes = [0; N];
    with(|context| context.host.fill_random(&mut bytes))?;
    Ok(bytes)
}

fn int(low: i64, high: i64) -> HostResult<i64> {
    if low > high {
        return fail(format!("random::int: low is at most high, but {low} is more than {high}"));
    }
    // 128 bits for a range of at most 2^64 numbers: the remainder favours none by more than one in 2^64, and
    // unlike drawing again until a number fits, it always ends.
    let count = low.abs_diff(high);
    let offset = u128::from_ne_bytes(fill()?) % (u128::from(count) + 1);
    let offset = u64::try_from(offset).unwrap_or(count);
    Ok(low.wrapping_add_unsigned(offset))
}

fn float() -> HostResult<f64> {
    let bits = u64::from_ne_bytes(fill()?) >> (u64::BITS - f64::MANTISSA_DIGITS);
    #[expect(clippy::cast_precision_loss, reason = "53 bits are what a float holds exactly")]
    let fraction = bits as f64 / (1_u64 << f64::MANTISSA_DIGITS) as f64;
    Ok(fraction)
}

fn hexadecimal(bytes: i64) -> HostResult<ImmutableString> {
    if !(1..=BYTES_MAX).contains(&bytes) {
        return fail(format!("random::hex: bytes is 1 to {BYTES_MAX}, not {bytes}"));
    }
    let mut random = vec![0; usize::try_from(bytes).unwrap_or_default()];
    with(|context| context.host.fill_random(&mut random))?;
    Ok(hex::encode(random).into())
}

fn flag(probability: Dynamic) -> HostResult<bool> {
    let probability = number("random::bool: probability", &probability)?;
    if !(0.0..=1.0).contains(&probability) {
        return fail(format!("random::bool: probability is 0 to 1, not {probability}"));
    }
    Ok(float()? < probability)
}
