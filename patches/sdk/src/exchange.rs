//! One request with its response, as a callback sees it.
#![expect(unsafe_code, reason = "the host's functions are called through their table")]

use std::net::IpAddr;
use std::time::Duration;

use forebay_patch_abi::{self as abi, Slice};

use crate::body::{BodyFilter, state_of};
use crate::http::NO_FIELDS;
use crate::{Call, Error, Value};

/// Which message a header field or a body belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message {
    /// The request.
    Request,
    /// The response; there is none before the upstream has answered.
    Response,
    /// The answer to come, whoever makes it. Its fields can be set, added and removed, and not read.
    Answer,
}

impl Message {
    pub(crate) fn side(self) -> u32 {
        match self {
            Self::Request => abi::REQUEST_SIDE,
            Self::Response => abi::RESPONSE_SIDE,
            Self::Answer => abi::ANSWER_SIDE,
        }
    }
}

/// One request with its response. What is borrowed from it is the gateway's own memory, not a copy.
///
/// Methods that change the exchange or wait take it exclusively, so nothing borrowed can be stale.
#[derive(Debug)]
pub struct Exchange<'call>(Call<'call>);

impl<'call> Exchange<'call> {
    pub(crate) fn new(number: abi::Call) -> Self {
        Self(Call::new(number))
    }

    pub(crate) fn call(&self) -> &Call<'call> {
        &self.0
    }

    fn bytes_of(&self, which: u32) -> Option<&[u8]> {
        let (host, number) = (self.0.host(), self.0.number());
        // SAFETY: the function writes a slice when it returns OK.
        let given: Option<Slice> =
            self.0.given(Slice::ABSENT, |out| unsafe { (host.text)(number, which, out) }).ok()?;
        // SAFETY: the slice is valid until the exchange is changed, which needs it exclusively.
        given.map(|slice| unsafe { slice.bytes() })
    }

    fn text_of(&self, which: u32) -> Option<&str> {
        self.bytes_of(which).and_then(|bytes| std::str::from_utf8(bytes).ok())
    }

    fn set_text(&mut self, which: u32, text: Slice) -> Result<(), Error> {
        // SAFETY: the host's function, with text that it reads before it returns.
        let status = unsafe { (self.0.host().set_text)(self.0.number(), which, text) };
        self.0.check(status).map(|_| ())
    }

    fn number_of(&self, which: u32) -> Option<i64> {
        let (host, number) = (self.0.host(), self.0.number());
        // SAFETY: the function writes a number when it returns OK.
        self.0.given(0, |out| unsafe { (host.number)(number, which, out) }).ok().flatten()
    }

    fn set_number(&mut self, which: u32, value: i64) -> Result<(), Error> {
        // SAFETY: the host's function, with plain arguments.
        let status = unsafe { (self.0.host().set_number)(self.0.number(), which, value) };
        self.0.check(status).map(|_| ())
    }

    /// Id of the request.
    pub fn request_id(&self) -> &str {
        self.text_of(abi::TEXT_REQUEST_ID).unwrap_or_default()
    }

    /// Method.
    pub fn method(&self) -> &str {
        self.text_of(abi::TEXT_METHOD).unwrap_or_default()
    }

    /// Sends another method upstream. In the request phase.
    ///
    /// # Errors
    /// When it is none that can be forwarded, or it is too late.
    pub fn set_method(&mut self, method: &str) -> Result<(), Error> {
        self.set_text(abi::TEXT_METHOD, Slice::text(method))
    }

    /// Path and query.
    pub fn target(&self) -> &str {
        self.text_of(abi::TEXT_TARGET).unwrap_or_default()
    }

    /// Sends another path and query upstream, as they are. In the request phase.
    ///
    /// # Errors
    /// When it is no target, or it is too late.
    pub fn set_target(&mut self, target: &str) -> Result<(), Error> {
        self.set_text(abi::TEXT_TARGET, Slice::text(target))
    }

    /// Path.
    pub fn path(&self) -> &str {
        self.text_of(abi::TEXT_PATH).unwrap_or_default()
    }

    /// Query, without its question mark.
    pub fn query(&self) -> Option<&str> {
        self.text_of(abi::TEXT_QUERY)
    }

    /// Host the client asked for.
    pub fn host_name(&self) -> &str {
        self.text_of(abi::TEXT_HOST).unwrap_or_default()
    }

    /// `http` or `https`.
    pub fn scheme(&self) -> &str {
        self.text_of(abi::TEXT_SCHEME).unwrap_or_default()
    }

    /// Name of the route.
    pub fn route(&self) -> &str {
        self.text_of(abi::TEXT_ROUTE).unwrap_or_default()
    }

    /// Address of the client.
    pub fn client_ip(&self) -> Option<IpAddr> {
        let bytes = self.bytes_of(abi::BYTES_CLIENT_IP)?;
        match (<[u8; 4]>::try_from(bytes), <[u8; 16]>::try_from(bytes)) {
            (Ok(four), _) => Some(IpAddr::from(four)),
            (_, Ok(sixteen)) => Some(IpAddr::from(sixteen)),
            _ => None,
        }
    }

    /// Sends the request to another upstream of the configuration; `None` takes the route's own again.
    ///
    /// # Errors
    /// When it is too late.
    pub fn set_upstream(&mut self, name: Option<&str>) -> Result<(), Error> {
        self.set_text(abi::TEXT_UPSTREAM, name.map_or(Slice::ABSENT, Slice::text))
    }

    /// Status of the response.
    pub fn status(&self) -> Option<u16> {
        self.number_of(abi::NUMBER_STATUS).and_then(|status| u16::try_from(status).ok())
    }

    /// Changes the status of the response.
    ///
    /// # Errors
    /// When it is not 200 to 599, or there is no response.
    pub fn set_status(&mut self, status: u16) -> Result<(), Error> {
        self.set_number(abi::NUMBER_STATUS, status.into())
    }

    /// Limits the size of the request's body, which may only lower what others allow. In the request phase.
    ///
    /// # Errors
    /// When it is too late.
    pub fn limit_request_body(&mut self, bytes_max: u64) -> Result<(), Error> {
        self.set_number(abi::NUMBER_REQUEST_BODY_MAX, i64::try_from(bytes_max).unwrap_or(i64::MAX))
    }

    /// In `on_error`: the status, the stable word and the client's message of the error that is about to be answered.
    pub fn failure(&self) -> Option<(u16, &str, &str)> {
        let status = u16::try_from(self.number_of(abi::NUMBER_FAILURE_STATUS)?).ok()?;
        Some((status, self.text_of(abi::TEXT_FAILURE_KIND)?, self.text_of(abi::TEXT_FAILURE_MESSAGE)?))
    }

    /// In `on_log`: how long the exchange took.
    pub fn took(&self) -> Option<Duration> {
        let microseconds = u64::try_from(self.number_of(abi::NUMBER_TOTAL_MICROSECONDS)?).ok()?;
        Some(Duration::from_micros(microseconds))
    }

    /// In `on_log`: the short word for how the exchange ended.
    pub fn end_reason(&self) -> Option<&str> {
        self.text_of(abi::TEXT_END_REASON)
    }

    /// In `on_log`: adds a field to the access record, or removes it with [`Value::None`].
    ///
    /// # Errors
    /// When there is no record here.
    pub fn access_field<'v>(&mut self, name: &str, value: impl Into<Value<'v>>) -> Result<(), Error> {
        let value = value.into().to_abi();
        // SAFETY: the host's function, with what it reads before it returns.
        let status =
            unsafe { (self.0.host().access_field)(self.0.number(), Slice::text(name), &raw const value) };
        self.0.check(status).map(|_| ())
    }

    /// In `on_log`: keeps the access record from being written.
    ///
    /// # Errors
    /// When there is no record here.
    pub fn drop_access_record(&mut self) -> Result<(), Error> {
        // SAFETY: the host's function, with plain arguments.
        let status = unsafe { (self.0.host().access_drop)(self.0.number()) };
        self.0.check(status).map(|_| ())
    }

    /// The first value of a header field, by name in any case.
    pub fn header(&self, message: Message, name: &str) -> Option<&[u8]> {
        self.nth_header(message, name, 0)
    }

    /// The first value of a header field as text; `None` also if it is not UTF-8.
    pub fn header_text(&self, message: Message, name: &str) -> Option<&str> {
        self.header(message, name).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// A later value of a header field, from 0.
    pub fn nth_header(&self, message: Message, name: &str, nth: usize) -> Option<&[u8]> {
        let (host, number) = (self.0.host(), self.0.number());
        // SAFETY: the function writes a slice when it returns OK.
        let given: Option<Slice> = self
            .0
            .given(Slice::ABSENT, |out| unsafe {
                (host.header)(number, message.side(), Slice::text(name), nth, out)
            })
            .ok()?;
        // SAFETY: the slice is valid until the exchange is changed, which needs it exclusively.
        given.map(|slice| unsafe { slice.bytes() })
    }

    /// All header fields of a message; names in lower case.
    ///
    /// # Errors
    /// When there is no such message here.
    pub fn headers(&self, message: Message) -> Result<impl Iterator<Item = (&str, &[u8])>, Error> {
        let (host, number) = (self.0.host(), self.0.number());
        // SAFETY: the function writes fields when it returns OK.
        let given = self.0.given(NO_FIELDS, |out| unsafe { (host.headers)(number, message.side(), out) })?;
        let list = given.unwrap_or(NO_FIELDS);
        // SAFETY: the list and what it points to are valid until the exchange is changed, which needs it exclusively.
        Ok(unsafe { crate::http::fields(list) })
    }

    /// Sets a header field, removing other values of that name.
    ///
    /// # Errors
    /// For names and values that are none, and for fields that are the gateway's own.
    pub fn set_header(&mut self, message: Message, name: &str, value: impl AsRef<[u8]>) -> Result<(), Error> {
        let (name, value) = (Slice::text(name), Slice::of(value.as_ref()));
        // SAFETY: the host's function, with bytes that it reads before it returns.
        let status = unsafe { (self.0.host().set_header)(self.0.number(), message.side(), name, value) };
        self.0.check(status).map(|_| ())
    }

    /// Adds a header field beside others of that name.
    ///
    /// # Errors
    /// As [`Exchange::set_header`].
    pub fn add_header(&mut self, message: Message, name: &str, value: impl AsRef<[u8]>) -> Result<(), Error> {
        let (name, value) = (Slice::text(name), Slice::of(value.as_ref()));
        // SAFETY: the host's function, with bytes that it reads before it returns.
        let status = unsafe { (self.0.host().add_header)(self.0.number(), message.side(), name, value) };
        self.0.check(status).map(|_| ())
    }

    /// Removes all values of a header field, and says whether there were any.
    ///
    /// # Errors
    /// As [`Exchange::set_header`].
    pub fn remove_header(&mut self, message: Message, name: &str) -> Result<bool, Error> {
        // SAFETY: the host's function, with bytes that it reads before it returns.
        let status =
            unsafe { (self.0.host().remove_header)(self.0.number(), message.side(), Slice::text(name)) };
        self.0.check(status)
    }

    /// A parameter of the route's path, decoded.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let (host, number) = (self.0.host(), self.0.number());
        // SAFETY: the function writes a slice when it returns OK.
        let given: Option<Slice> = self
            .0
            .given(Slice::ABSENT, |out| unsafe { (host.parameter)(number, Slice::text(name), out) })
            .ok()?;
        // SAFETY: parameters are not changed during a callback.
        given.and_then(|slice| std::str::from_utf8(unsafe { slice.bytes() }).ok())
    }

    /// A variable that a step has set: `req.vars[name]` in scripts.
    ///
    /// # Errors
    /// For values that have no form outside of scripts, such as functions.
    pub fn variable(&self, name: &str) -> Result<Option<Value<'_>>, Error> {
        let (host, number) = (self.0.host(), self.0.number());
        // SAFETY: the function writes a value when it returns OK.
        let given = self
            .0
            .given(abi::Value::NONE, |out| unsafe { (host.variable)(number, Slice::text(name), out) })?;
        // SAFETY: the value is valid until the exchange is changed, which needs it exclusively.
        given.map(|value| unsafe { Value::from_abi(value) }).transpose()
    }

    /// Sets a variable for the steps and hooks that follow; [`Value::None`] removes it.
    ///
    /// # Errors
    /// For text that claims to be JSON and is not.
    pub fn set_variable<'v>(&mut self, name: &str, value: impl Into<Value<'v>>) -> Result<(), Error> {
        let value = value.into().to_abi();
        // SAFETY: the host's function, with what it reads before it returns.
        let status =
            unsafe { (self.0.host().set_variable)(self.0.number(), Slice::text(name), &raw const value) };
        self.0.check(status).map(|_| ())
    }

    /// Who the caller is, as JSON; `None` if nobody has said so.
    ///
    /// # Errors
    /// For identities that have no form outside of scripts.
    pub fn identity(&self) -> Result<Option<Value<'_>>, Error> {
        self.identity_entry(Slice::ABSENT)
    }

    /// One entry of who the caller is, such as `id`.
    ///
    /// # Errors
    /// As [`Exchange::identity`].
    pub fn identity_of(&self, entry: &str) -> Result<Option<Value<'_>>, Error> {
        self.identity_entry(Slice::text(entry))
    }

    fn identity_entry(&self, name: Slice) -> Result<Option<Value<'_>>, Error> {
        let (host, number) = (self.0.host(), self.0.number());
        // SAFETY: the function writes a value when it returns OK.
        let given = self.0.given(abi::Value::NONE, |out| unsafe { (host.identity)(number, name, out) })?;
        // SAFETY: the value is valid until the exchange is changed, which needs it exclusively.
        given.map(|value| unsafe { Value::from_abi(value) }).transpose()
    }

    /// Says who the caller is: a JSON object with at least an `id`, or [`Value::None`].
    ///
    /// # Errors
    /// For anything else.
    pub fn set_identity(&mut self, identity: Value<'_>) -> Result<(), Error> {
        let value = identity.to_abi();
        // SAFETY: the host's function, with what it reads before it returns.
        let status = unsafe { (self.0.host().set_identity)(self.0.number(), &raw const value) };
        self.0.check(status).map(|_| ())
    }

    /// The whole body of a message. Waits for it unless it is in memory, so the hook has to be in
    /// [`BODIES`](crate::Middleware::BODIES), which costs less, or in [`WAITS`](crate::Middleware::WAITS).
    ///
    /// # Errors
    /// When it broke off, is larger than the configuration allows, or the hook may not wait.
    pub fn body(&mut self, message: Message) -> Result<&[u8], Error> {
        let (host, number) = (self.0.host(), self.0.number());
        // SAFETY: the function writes a slice when it returns OK.
        let given: Option<Slice> =
            self.0.given(Slice::ABSENT, |out| unsafe { (host.body)(number, message.side(), out) })?;
        // SAFETY: the slice is valid until the exchange is changed, which needs it exclusively.
        Ok(given.map_or(&[], |slice| unsafe { slice.bytes() }))
    }

    /// Replaces the body of a message.
    ///
    /// # Errors
    /// When there is no such message here.
    pub fn set_body(&mut self, message: Message, body: impl AsRef<[u8]>) -> Result<(), Error> {
        let body = Slice::of(body.as_ref());
        // SAFETY: the host's function, with bytes that it reads before it returns.
        let status = unsafe { (self.0.host().set_body)(self.0.number(), message.side(), body) };
        self.0.check(status).map(|_| ())
    }

    /// From now on the chunks of this body pass through `filter`: the request's in the request phase, the response's in
    /// the response phase.
    ///
    /// # Errors
    /// In other phases.
    pub fn filter_body(&mut self, message: Message, filter: impl BodyFilter) -> Result<(), Error> {
        let flags = if filter.inspects_only() { abi::STREAM_INSPECT } else { 0 };
        let state = state_of(filter);
        // SAFETY: the host's function; on success the state is its, and comes back through `stream_end`.
        let status =
            unsafe { (self.0.host().stream_body)(self.0.number(), message.side(), flags, state.pointer()) };
        self.0.check(status)?;
        state.given_away();
        Ok(())
    }
}
