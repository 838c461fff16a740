//! The texts of numbers, without a string of their own.

use std::fmt::{self, Write};

/// Room for the text of one number.
pub(crate) struct Line {
    bytes: [u8; 64],
    length: usize,
}

/// Beyond these sizes floats are written with an exponent. The interpreter's bounds are 32-bit floats.
const NATURAL: std::ops::RangeInclusive<f64> = 1e-13_f32 as f64..=1e13_f32 as f64;

impl Line {
    pub(crate) fn new() -> Self {
        Self { bytes: [0; 64], length: 0 }
    }

    /// The text with the decimal digits of an integer after it, if there is room for both.
    pub(crate) fn int_after(&mut self, text: &str, value: i64) -> Option<&str> {
        let start = self.put_int(value);
        let first = start.checked_sub(text.len())?;
        self.bytes[first..start].copy_from_slice(text.as_bytes());
        str::from_utf8(&self.bytes[first..]).ok()
    }

    /// The decimal digits of an integer.
    pub(crate) fn int(&mut self, value: i64) -> &str {
        let start = self.put_int(value);
        str::from_utf8(&self.bytes[start..]).unwrap_or_default()
    }

    /// Puts the digits at the end and says where they start.
    fn put_int(&mut self, value: i64) -> usize {
        let mut rest = value.unsigned_abs();
        let mut start = self.bytes.len();
        loop {
            start -= 1;
            self.bytes[start] = b'0' + u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        if value < 0 {
            start -= 1;
            self.bytes[start] = b'-';
        }
        start
    }

    /// A float as scripts see it: with a fraction, or an exponent where it is very large or small.
    pub(crate) fn float(&mut self, value: f64) -> &str {
        self.length = 0;
        let size = value.abs();
        // The buffer has room for all of them.
        let _ = if size == 0.0 {
            self.write_str("0.0")
        } else if !NATURAL.contains(&size) && !size.is_nan() {
            write!(self, "{value:e}")
        } else if size.fract() == 0.0 {
            write!(self, "{value}.0")
        } else {
            write!(self, "{value}")
        };
        str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.length + text.len();
        let place = self.bytes.get_mut(self.length..end).ok_or(fmt::Error)?;
        place.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rhai::Dynamic;

    use super::*;

    #[test]
    fn texts_are_the_interpreters() {
        let floats = [
            0.0,
            -0.0,
            1.0,
            -1.5,
            1e13,
            9_999_999_827_968.0,
            9_999_999_827_969.0,
            -1e13,
            1e14,
            1e-13,
            1.000_01e-13,
            9.9e-14,
            123_456.789,
            1e300,
            5e-324,
            f64::MAX,
            f64::MIN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            f64::NAN,
            0.1,
            1.0 / 3.0,
            9_999_999_999_999.5,
            1e-13_f32.into(),
            -123.456e-12,
        ];
        for float in floats {
            assert_eq!(Line::new().float(float), Dynamic::from_float(float).to_string());
        }
        for int in [0, 1, -1, 10, 99, i64::MAX, i64::MIN, 1_000_000] {
            assert_eq!(Line::new().int(int), int.to_string());
            for text in ["", "w", "ä😀", &"x".repeat(44)] {
                let after = format!("{text}{int}");
                let fits = after.len() <= 64;
                assert_eq!(Line::new().int_after(text, int), fits.then_some(after.as_str()));
            }
        }
    }
}
