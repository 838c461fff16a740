//! What takes time and is neither a body nor HTTP: the key-value store, and time itself.
#![expect(unsafe_code, reason = "the host's functions are called through their table")]

use std::time::Duration;

use forebay_patch_abi::Slice;

use crate::{Error, Exchange};

impl Exchange<'_> {
    /// The value of a key of the gateway's store. Waits.
    ///
    /// # Errors
    /// When the key is empty or too long, or the hook may not wait.
    pub fn kv_get(&mut self, key: &str) -> Result<Option<&[u8]>, Error> {
        let (host, number) = (self.call().host(), self.call().number());
        // SAFETY: the function writes a slice when it returns OK.
        let given: Option<Slice> = self
            .call()
            .given(Slice::ABSENT, |out| unsafe { (host.kv_get)(number, Slice::text(key), out) })?;
        // SAFETY: the slice is valid until the exchange is changed, which needs it exclusively.
        Ok(given.map(|slice| unsafe { slice.bytes() }))
    }

    /// Stores a value for a time, or for ever. Waits.
    ///
    /// # Errors
    /// As [`Exchange::kv_get`].
    pub fn kv_set(&mut self, key: &str, value: &[u8], ttl: Option<Duration>) -> Result<(), Error> {
        self.kv_store(key, value, ttl, false).map(|_| ())
    }

    /// As [`Exchange::kv_set`], if there is no value yet; says whether it was stored.
    ///
    /// # Errors
    /// As [`Exchange::kv_get`].
    pub fn kv_set_if_absent(
        &mut self,
        key: &str,
        value: &[u8],
        ttl: Option<Duration>,
    ) -> Result<bool, Error> {
        self.kv_store(key, value, ttl, true)
    }

    fn kv_store(
        &mut self,
        key: &str,
        value: &[u8],
        ttl: Option<Duration>,
        if_absent: bool,
    ) -> Result<bool, Error> {
        let (key, value, ttl) = (Slice::text(key), Slice::of(value), milliseconds(ttl));
        // SAFETY: the host's function, with bytes that it reads before it returns.
        let status =
            unsafe { (self.call().host().kv_set)(self.call().number(), key, value, ttl, if_absent.into()) };
        self.call().check(status)
    }

    /// Adds to a decimal number (0 if there is none) and gives the sum; a key that this makes lives for `ttl`. Waits.
    ///
    /// # Errors
    /// As [`Exchange::kv_get`], and when there is a value that is no number.
    pub fn kv_increment(&mut self, key: &str, by: i64, ttl: Option<Duration>) -> Result<i64, Error> {
        let (host, number, ttl) = (self.call().host(), self.call().number(), milliseconds(ttl));
        // SAFETY: the function writes a number when it returns OK.
        let given = self
            .call()
            .given(0, |out| unsafe { (host.kv_increment)(number, Slice::text(key), by, ttl, out) })?;
        given.ok_or_else(|| "the store gave no sum".into())
    }

    /// Deletes a key, and says whether it was there. Waits.
    ///
    /// # Errors
    /// As [`Exchange::kv_get`].
    pub fn kv_delete(&mut self, key: &str) -> Result<bool, Error> {
        // SAFETY: the host's function, with text that it reads before it returns.
        let status = unsafe { (self.call().host().kv_delete)(self.call().number(), Slice::text(key)) };
        self.call().check(status)
    }

    /// Goes on after this time; zero lets other requests have their turn. Waits.
    ///
    /// # Errors
    /// When the time of the call is used up, the client has gone, or the hook may not wait.
    pub fn sleep(&mut self, time: Duration) -> Result<(), Error> {
        // SAFETY: the host's function, with plain arguments.
        let status = unsafe { (self.call().host().sleep)(self.call().number(), milliseconds(Some(time))) };
        self.call().check(status).map(|_| ())
    }
}

/// Milliseconds, rounded up so that a short time is not none; 0 for none.
fn milliseconds(time: Option<Duration>) -> u64 {
    time.map_or(0, |time| u64::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX))
}
