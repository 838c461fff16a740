//! Outbound HTTP.
#![expect(unsafe_code, reason = "the host's functions are called through their table")]

use std::time::Duration;

use forebay_patch_abi::{self as abi, Field, Fields, Slice};

use crate::{Error, Exchange};

/// A request to another server.
#[derive(Debug, Clone)]
pub struct HttpRequest {
    method: String,
    url: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    timeout: Option<Duration>,
}

impl HttpRequest {
    /// A request with this method to an absolute URL, which the configuration must allow.
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        Self { method: method.into(), url: url.into(), headers: Vec::new(), body: Vec::new(), timeout: None }
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

    /// Gives it this time, instead of the configured one.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }
}

/// The answer of another server.
#[derive(Debug, Clone)]
pub struct HttpAnswer {
    /// Status.
    pub status: u16,
    /// Header fields, names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Body.
    pub body: Vec<u8>,
}

/// No header fields.
pub(crate) const NO_FIELDS: Fields = Fields { ptr: std::ptr::null(), len: 0 };

/// # Safety
/// The list and what it points to must be readable and unchanged for as long as `'a`.
pub(crate) unsafe fn fields<'a>(list: Fields) -> impl Iterator<Item = (&'a str, &'a [u8])> {
    (0..if list.ptr.is_null() { 0 } else { list.len }).map(move |index| {
        // SAFETY: the list has so many fields, as the caller promises.
        let place = unsafe { list.ptr.add(index) };
        // SAFETY: as above.
        let field = unsafe { place.read() };
        // SAFETY: as above.
        let name = unsafe { field.name.bytes() };
        // SAFETY: as above.
        let value = unsafe { field.value.bytes() };
        (std::str::from_utf8(name).unwrap_or_default(), value)
    })
}

impl Exchange<'_> {
    /// Sends a request and waits for its answer. Waits.
    ///
    /// # Errors
    /// When there was no answer, the configuration does not allow the destination, or the hook may not wait.
    pub fn http(&mut self, request: &HttpRequest) -> Result<HttpAnswer, Error> {
        let answers = self.http_all(std::slice::from_ref(request))?;
        answers.into_iter().next().unwrap_or_else(|| Err("the gateway gave no answer".into()))
    }

    /// Sends requests at once, 1 to 64, and waits for all; the answers are in their order. Waits.
    ///
    /// # Errors
    /// When none could be sent.
    pub fn http_all(&mut self, requests: &[HttpRequest]) -> Result<Vec<Result<HttpAnswer, Error>>, Error> {
        let headers: Vec<Vec<Field>> = requests.iter().map(|request| field_list(&request.headers)).collect();
        let told: Vec<abi::HttpRequest> =
            requests.iter().zip(&headers).map(|(request, headers)| tell(request, headers)).collect();
        let nothing = abi::HttpAnswer {
            size: size_of::<abi::HttpAnswer>(),
            status: 0,
            headers: NO_FIELDS,
            body: Slice::ABSENT,
            error: Slice::ABSENT,
        };
        let mut answers = vec![nothing; told.len()];
        let request_pointers: Vec<*const abi::HttpRequest> = told.iter().map(std::ptr::from_ref).collect();
        let answer_pointers: Vec<*mut abi::HttpAnswer> = answers.iter_mut().map(std::ptr::from_mut).collect();
        let call = self.call();
        // SAFETY: both arrays have as many pointers as is said, to tables that stay in place during the call.
        let status = unsafe {
            (call.host().http)(call.number(), request_pointers.as_ptr(), answer_pointers.as_ptr(), told.len())
        };
        call.check(status)?;
        // SAFETY: the host has set the answers, and keeps what they point to until the callback returns.
        Ok(answers.iter().map(|answer| unsafe { heard(answer) }).collect())
    }
}

fn field_list(headers: &[(String, Vec<u8>)]) -> Vec<Field> {
    headers.iter().map(|(name, value)| Field { name: Slice::text(name), value: Slice::of(value) }).collect()
}

fn tell(request: &HttpRequest, headers: &[Field]) -> abi::HttpRequest {
    let milliseconds = request.timeout.map_or(0, |time| time.as_nanos().div_ceil(1_000_000));
    abi::HttpRequest {
        size: size_of::<abi::HttpRequest>(),
        method: Slice::text(&request.method),
        url: Slice::text(&request.url),
        headers: Fields { ptr: headers.as_ptr(), len: headers.len() },
        body: Slice::of(&request.body),
        timeout_milliseconds: u64::try_from(milliseconds).unwrap_or(u64::MAX),
    }
}

/// # Safety
/// What the answer points to must be readable.
unsafe fn heard(answer: &abi::HttpAnswer) -> Result<HttpAnswer, Error> {
    if answer.status == 0 {
        // SAFETY: the caller promises it.
        let reason = unsafe { answer.error.bytes() };
        return Err(Error::new(String::from_utf8_lossy(reason)));
    }
    // SAFETY: the caller promises it.
    let list = unsafe { fields(answer.headers) };
    let headers = list.map(|(name, value)| (name.to_owned(), value.to_vec())).collect();
    // SAFETY: the caller promises it.
    let body = unsafe { answer.body.bytes() }.to_vec();
    Ok(HttpAnswer { status: u16::try_from(answer.status).unwrap_or(0), headers, body })
}
