//! CORS preflight requests: what they are, and which request they ask about (Fetch standard, section 3.2.2).

use http::{HeaderMap, Method, header};

/// The method that a preflight request asks about; `None` for any other request.
pub fn method(method: &Method, headers: &HeaderMap) -> Option<Method> {
    if *method != Method::OPTIONS || !headers.contains_key(header::ORIGIN) {
        return None;
    }
    let asked = headers.get(header::ACCESS_CONTROL_REQUEST_METHOD)?;
    Method::from_bytes(asked.as_bytes()).ok()
}
