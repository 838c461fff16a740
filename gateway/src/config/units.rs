//! Durations and sizes as people write them, both directions.
//!
//! `500ms`, `5s`, `1m`, `1h`; `64KiB`, `10MiB`, `1MB` or a plain number of bytes. One number with one unit: no
//! fractions and no sums, so that a value has few spellings.

use std::time::Duration;

/// Longest duration a configuration may name. Adding it to a point in time cannot overflow.
pub(super) const DURATION_MAX: Duration = Duration::from_hours(365 * 24);

/// Units of durations, largest first, in nanoseconds.
const DURATION_UNITS: [(&str, u64); 5] =
    [("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000)];

/// Units of sizes in bytes; the first match that divides a number is how it is shown.
const SIZE_UNITS: [(&str, u64); 7] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
];

/// Why a duration or size was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum UnitError {
    /// It is not a number with a unit.
    Malformed,
    /// It is a number without the unit it needs.
    NoUnit,
    /// It is a number with a unit that does not exist.
    UnknownUnit,
    /// It has a fraction or a sign.
    NotWhole,
    /// It is too large.
    TooLarge,
}

impl UnitError {
    /// The reason as part of a sentence.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Malformed => "this is not a number with a unit",
            Self::NoUnit => "the unit is missing",
            Self::UnknownUnit => "this unit does not exist",
            Self::NotWhole => "only whole numbers without a sign are allowed",
            Self::TooLarge => "this is too large",
        }
    }
}

/// Reads a duration; zero is read, refusing it is the caller's business.
pub(super) fn parse_duration(text: &str) -> Result<Duration, UnitError> {
    let (number, unit) = split(text)?;
    let unit = match unit {
        "" => return Err(UnitError::NoUnit),
        "µs" => "us",
        unit => unit,
    };
    let (_, nanos) = DURATION_UNITS.iter().find(|(name, _)| *name == unit).ok_or(UnitError::UnknownUnit)?;
    let nanos = number.checked_mul(*nanos).ok_or(UnitError::TooLarge)?;
    Some(Duration::from_nanos(nanos)).filter(|value| *value <= DURATION_MAX).ok_or(UnitError::TooLarge)
}

/// Reads a size in bytes; a number without unit counts bytes.
pub(super) fn parse_size(text: &str) -> Result<u64, UnitError> {
    let (number, unit) = split(text)?;
    let bytes = match unit {
        "" => 1,
        "K" | "M" | "G" | "KB" | "k" => return Err(UnitError::UnknownUnit),
        unit => SIZE_UNITS.iter().find(|(name, _)| *name == unit).ok_or(UnitError::UnknownUnit)?.1,
    };
    // TOML and JSON numbers are signed, so a size has to fit that as well.
    let size = number.checked_mul(bytes).ok_or(UnitError::TooLarge)?;
    i64::try_from(size).map(|_| size).map_err(|_| UnitError::TooLarge)
}

fn split(text: &str) -> Result<(u64, &str), UnitError> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    if rest.starts_with('.') || text.starts_with(['-', '+', '.']) {
        return Err(UnitError::NotWhole);
    }
    if digits.is_empty() {
        return Err(UnitError::Malformed);
    }
    let number = digits.parse().map_err(|_| UnitError::TooLarge)?;
    Ok((number, rest.trim_start()))
}

/// A duration in the largest unit that divides it.
pub(super) fn show_duration(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    let unit = DURATION_UNITS.iter().find(|(_, unit)| nanos.is_multiple_of(u128::from(*unit)) && nanos > 0);
    match unit {
        Some((name, unit)) => format!("{}{name}", nanos / u128::from(*unit)),
        None => format!("{}us", nanos / 1_000),
    }
}

/// A size in the largest unit that divides it.
pub(super) fn show_size(bytes: u64) -> String {
    let unit = SIZE_UNITS.iter().find(|(_, unit)| bytes.is_multiple_of(*unit) && bytes > 0);
    let (name, unit) = unit.unwrap_or(&("B", 1));
    format!("{}{name}", bytes / unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_a_number_and_a_unit() {
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_duration("5 s"), Ok(Duration::from_secs(5)));
        assert_eq!(parse_duration("1m"), Ok(Duration::from_mins(1)));
        assert_eq!(parse_duration("1h"), Ok(Duration::from_hours(1)));
        assert_eq!(parse_duration("5"), Err(UnitError::NoUnit));
        assert_eq!(parse_duration("5sec"), Err(UnitError::UnknownUnit));
        assert_eq!(parse_duration("1.5s"), Err(UnitError::NotWhole));
        assert_eq!(parse_duration("-1s"), Err(UnitError::NotWhole));
        assert_eq!(parse_duration("soon"), Err(UnitError::Malformed));
        assert_eq!(parse_duration("9999999h"), Err(UnitError::TooLarge));
        assert_eq!(parse_duration("99999999999999999999s"), Err(UnitError::TooLarge));
    }

    #[test]
    fn sizes_tell_binary_from_decimal_units() {
        assert_eq!(parse_size("64KiB"), Ok(65_536));
        assert_eq!(parse_size("10MiB"), Ok(10 << 20));
        assert_eq!(parse_size("1MB"), Ok(1_000_000));
        assert_eq!(parse_size("1024"), Ok(1024));
        assert_eq!(parse_size("64K"), Err(UnitError::UnknownUnit));
        assert_eq!(parse_size("99999999999GiB"), Err(UnitError::TooLarge));
    }

    proptest::proptest! {
        #[test]
        fn what_is_shown_reads_back(micros in 1u64..10_000_000_000, bytes in 1u64..(1 << 62)) {
            let duration = Duration::from_micros(micros);
            proptest::prop_assert_eq!(parse_duration(&show_duration(duration)), Ok(duration));
            proptest::prop_assert_eq!(parse_size(&show_size(bytes)), Ok(bytes));
        }
    }
}
