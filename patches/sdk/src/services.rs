//! Services that answer at once, in every callback.
#![expect(unsafe_code, reason = "the host's functions are called through their table")]

use std::time::Duration;

use forebay_patch_abi::{self as abi, Slice};

use crate::{Call, Error, Exchange};

/// Severity of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Finest.
    Trace,
    /// For the author.
    Debug,
    /// Usual.
    Info,
    /// Something an operator should see.
    Warn,
    /// Something an operator must see.
    Error,
}

/// What every callback can ask the gateway for.
pub trait Services<'call> {
    /// The callback.
    fn as_call(&self) -> &Call<'call>;

    /// Writes a line to the gateway's log. One that cannot be written is lost.
    fn log(&self, level: Level, message: &str) {
        let call = self.as_call();
        let level = match level {
            Level::Trace => abi::LOG_TRACE,
            Level::Debug => abi::LOG_DEBUG,
            Level::Info => abi::LOG_INFO,
            Level::Warn => abi::LOG_WARN,
            Level::Error => abi::LOG_ERROR,
        };
        // SAFETY: the host's function, with text that it reads before it returns.
        let _ = unsafe { (call.host().log)(call.number(), level, Slice::text(message)) };
    }

    /// Adds to a counter. Names are `[a-z_]+`, at most 64 bytes. Counted while requests are served; in `create` and the
    /// self-test it does nothing.
    ///
    /// # Errors
    /// When the name is none, or the amount negative or not finite.
    fn count(&self, name: &str, amount: f64) -> Result<(), Error> {
        let call = self.as_call();
        // SAFETY: the host's function, with text that it reads before it returns.
        let status =
            unsafe { (call.host().metric)(call.number(), Slice::text(name), abi::METRIC_COUNT, amount) };
        call.check(status).map(|_| ())
    }

    /// Sets a gauge. Names as with [`Services::count`].
    ///
    /// # Errors
    /// When the name is none, or the value not finite.
    fn gauge(&self, name: &str, value: f64) -> Result<(), Error> {
        let call = self.as_call();
        // SAFETY: the host's function, with text that it reads before it returns.
        let status =
            unsafe { (call.host().metric)(call.number(), Slice::text(name), abi::METRIC_GAUGE, value) };
        call.check(status).map(|_| ())
    }

    /// Time since 1970-01-01 UTC.
    ///
    /// # Errors
    /// When the call is over.
    fn unix_time(&self) -> Result<Duration, Error> {
        let call = self.as_call();
        // SAFETY: the function writes a number when it returns OK.
        let given = call.given(0, |out| unsafe { (call.host().unix_time)(call.number(), out) })?;
        Ok(Duration::from_nanos(u64::try_from(given.unwrap_or(0)).unwrap_or(0)))
    }

    /// Time since a start of the gateway's own; never runs backwards.
    ///
    /// # Errors
    /// When the call is over.
    fn monotonic_time(&self) -> Result<Duration, Error> {
        let call = self.as_call();
        // SAFETY: the function writes a number when it returns OK.
        let given = call.given(0, |out| unsafe { (call.host().monotonic_time)(call.number(), out) })?;
        Ok(Duration::from_nanos(given.unwrap_or(0)))
    }

    /// Fills a buffer with random bytes fit for keys.
    ///
    /// # Errors
    /// For more than a mebibyte at once.
    fn random(&self, buffer: &mut [u8]) -> Result<(), Error> {
        let call = self.as_call();
        // SAFETY: the host's function, with a buffer of this length.
        let status = unsafe { (call.host().random)(call.number(), buffer.as_mut_ptr(), buffer.len()) };
        call.check(status).map(|_| ())
    }

    /// An environment variable that the configuration names; `None` if it is not set.
    ///
    /// # Errors
    /// When the configuration does not name it, or this is neither a hook of a middleware nor a key lookup. Not in
    /// `create`: a step outlives reloads that change what may be read.
    fn environment(&self, name: &str) -> Result<Option<&str>, Error> {
        let call = self.as_call();
        // SAFETY: the function writes a slice when it returns OK.
        let given = call.given(Slice::ABSENT, |out| unsafe {
            (call.host().environment)(call.number(), Slice::text(name), out)
        })?;
        // SAFETY: the host keeps the text until the callback returns.
        given.map(|text: Slice| Ok(std::str::from_utf8(unsafe { text.bytes() })?)).transpose()
    }

    /// A secret of the configuration.
    ///
    /// # Errors
    /// When there is none of that name; else as [`Services::environment`].
    fn secret(&self, name: &str) -> Result<&str, Error> {
        let call = self.as_call();
        // SAFETY: the function writes a slice when it returns OK.
        let given = call.given(Slice::ABSENT, |out| unsafe {
            (call.host().secret)(call.number(), Slice::text(name), out)
        })?;
        let text: Slice = given.ok_or("there is no such secret")?;
        // SAFETY: the host keeps the text until the callback returns.
        Ok(std::str::from_utf8(unsafe { text.bytes() })?)
    }
}

impl<'call> Services<'call> for Call<'call> {
    fn as_call(&self) -> &Call<'call> {
        self
    }
}

impl<'call> Services<'call> for Exchange<'call> {
    fn as_call(&self) -> &Call<'call> {
        self.call()
    }
}
