//! What a hook decides.
#![expect(unsafe_code, reason = "the host's functions are called through their table")]

use forebay_patch_abi::{self as abi, Slice, Status};

use crate::{Call, Error};

/// What a hook decides about its exchange.
#[derive(Debug, Default)]
pub enum Verdict {
    /// Go on with the next step.
    #[default]
    Continue,
    /// Answer with this.
    Reply(Reply),
    /// Do not let the request through: the gateway answers an error, as it answers its own.
    Refuse(Refusal),
}

/// A complete answer.
#[derive(Debug, Clone)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

/// An error that the gateway answers for the patch, in the form of its error page.
#[derive(Debug, Clone)]
pub struct Refusal {
    status: u16,
    kind: String,
    message: String,
    headers: Vec<(String, Vec<u8>)>,
}

impl Reply {
    /// An answer with this status, 200 to 599.
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    /// Adds a header field.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Gives it this body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    pub(crate) fn send(&self, call: &Call<'_>) -> Result<Status, Error> {
        let (host, number) = (call.host(), call.number());
        // SAFETY: the host's function, with bytes that it reads before it returns.
        call.check(unsafe { (host.reply)(number, self.status.into(), Slice::of(&self.body)) })?;
        send_headers(call, &self.headers)?;
        Ok(abi::REPLY)
    }
}

impl Refusal {
    /// An error with this status (400 to 599), a stable word for logs (`[a-z][a-z0-9_]*`) and what the client is told.
    pub fn new(status: u16, kind: impl Into<String>, message: impl Into<String>) -> Self {
        Self { status, kind: kind.into(), message: message.into(), headers: Vec::new() }
    }

    /// Adds a header field, such as `WWW-Authenticate`.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    fn send(&self, call: &Call<'_>) -> Result<Status, Error> {
        let (kind, message) = (Slice::text(&self.kind), Slice::text(&self.message));
        // SAFETY: the host's function, with texts that it reads before it returns.
        call.check(unsafe { (call.host().refuse)(call.number(), self.status.into(), kind, message) })?;
        send_headers(call, &self.headers)?;
        Ok(abi::REFUSE)
    }
}

fn send_headers(call: &Call<'_>, headers: &[(String, Vec<u8>)]) -> Result<(), Error> {
    for (name, value) in headers {
        let (name, value) = (Slice::text(name), Slice::of(value));
        // SAFETY: the host's function, with bytes that it reads before it returns.
        call.check(unsafe { (call.host().add_header)(call.number(), abi::REPLY_SIDE, name, value) })?;
    }
    Ok(())
}

impl Verdict {
    pub(crate) fn send(&self, call: &Call<'_>) -> Result<Status, Error> {
        match self {
            Self::Continue => Ok(abi::OK),
            Self::Reply(reply) => reply.send(call),
            Self::Refuse(refusal) => refusal.send(call),
        }
    }
}

impl From<Reply> for Verdict {
    fn from(reply: Reply) -> Self {
        Self::Reply(reply)
    }
}

impl From<Refusal> for Verdict {
    fn from(refusal: Refusal) -> Self {
        Self::Refuse(refusal)
    }
}
