//! A host that knows one request and remembers what it is told.
#![expect(unsafe_code, reason = "the host's side of the boundary is played here")]

use std::cell::RefCell;
use std::ffi::c_void;

use forebay_patch::abi::{self, Call, Field, Fields, Host, HttpAnswer, HttpRequest, Slice, Status, Value};

/// What the host was told, and what it gives.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) does: &'static str,
    pub(crate) reason: Option<String>,
    pub(crate) reply: Option<(u32, Vec<u8>, String)>,
    pub(crate) filter: Option<*mut c_void>,
    pub(crate) written: Vec<u8>,
    pub(crate) variable: Option<String>,
    pub(crate) text: Option<String>,
    last_error: &'static str,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::default();
}

pub(crate) fn with_state<T>(f: impl FnOnce(&mut State) -> T) -> T {
    STATE.with_borrow_mut(f)
}

/// What the patch passed, copied.
fn copy(slice: Slice) -> String {
    // SAFETY: the patch passes bytes that can be read during the call.
    String::from_utf8_lossy(unsafe { slice.bytes() }).into_owned()
}

fn refuse(reason: &'static str) -> Status {
    with_state(|state| state.last_error = reason);
    abi::REFUSED
}

fn give<T>(out: *mut T, value: T) -> Status {
    // SAFETY: the patch passes a place to write to.
    unsafe { out.write(value) };
    abi::OK
}

unsafe extern "C" fn fail(_call: Call, reason: Slice) -> Status {
    with_state(|state| state.reason = Some(copy(reason)));
    abi::OK
}

unsafe extern "C" fn last_error(_call: Call, reason: *mut Slice) -> Status {
    let text = with_state(|state| state.last_error);
    if text.is_empty() { abi::ABSENT } else { give(reason, Slice::text(text)) }
}

unsafe extern "C" fn reply(_call: Call, status: u32, body: Slice) -> Status {
    with_state(|state| state.reply = Some((status, copy(body).into_bytes(), String::new())));
    abi::OK
}

unsafe extern "C" fn text(_call: Call, which: u32, text: *mut Slice) -> Status {
    if which == abi::TEXT_PATH { give(text, Slice::text("/mock")) } else { abi::ABSENT }
}

unsafe extern "C" fn header(_call: Call, _side: u32, name: Slice, nth: usize, value: *mut Slice) -> Status {
    if copy(name) == "x-in" && nth == 0 { give(value, Slice::text("in")) } else { abi::ABSENT }
}

unsafe extern "C" fn set_header(_call: Call, side: u32, name: Slice, value: Slice) -> Status {
    if side != abi::REPLY_SIDE {
        return refuse("not yours");
    }
    with_state(|state| match &mut state.reply {
        Some(reply) => {
            reply.2 = format!("{}: {}", copy(name), copy(value));
            abi::OK
        }
        None => abi::UNAVAILABLE,
    })
}

unsafe extern "C" fn set_variable(_call: Call, name: Slice, value: *const Value) -> Status {
    // SAFETY: the patch passes a value that can be read during the call.
    let value = unsafe { value.read() };
    with_state(|state| match value.kind {
        abi::VALUE_BYTES => state.variable = Some(copy(value.text)),
        _ => state.text = Some(copy(value.text)),
    });
    assert!(["in", "answers"].contains(&&*copy(name)));
    abi::OK
}

unsafe extern "C" fn stream_body(_call: Call, _side: u32, flags: u32, state: *mut c_void) -> Status {
    assert_eq!(flags, 0);
    with_state(|known| known.filter = Some(state));
    abi::OK
}

unsafe extern "C" fn chunk_write(_call: Call, data: Slice) -> Status {
    with_state(|state| state.written.extend_from_slice(copy(data).as_bytes()));
    abi::OK
}

unsafe extern "C" fn config(_call: Call, pointer: Slice, value: *mut Value) -> Status {
    let does = with_state(|state| state.does);
    if copy(pointer) != "/does" || does.is_empty() { abi::ABSENT } else { give(value, Value::text(does)) }
}

/// A field that stays in place.
struct Sent(Field);

// SAFETY: it is never changed, and its texts are static.
unsafe impl Sync for Sent {}

static SENT: Sent = Sent(Field { name: Slice::text("x-sent"), value: Slice::text("2") });

unsafe extern "C" fn http(
    _call: Call,
    requests: *const *const HttpRequest,
    answers: *const *mut HttpAnswer,
    count: usize,
) -> Status {
    assert_eq!(count, 2);
    for index in 0..count {
        // SAFETY: the patch passes so many pointers to tables.
        let requests = unsafe { std::slice::from_raw_parts(requests, count) };
        // SAFETY: as above.
        let answer = unsafe { std::slice::from_raw_parts(answers, count) }[index];
        // SAFETY: as above.
        let request = unsafe { requests[index].read() };
        assert_eq!(
            (copy(request.method), copy(request.body), request.headers.len),
            ("PUT".into(), "in".into(), 2)
        );
        // SAFETY: as above.
        let size = unsafe { answer.cast::<usize>().read() };
        assert_eq!(size, size_of::<HttpAnswer>());
        let nothing = Fields { ptr: std::ptr::null(), len: 0 };
        let told = match index {
            0 => HttpAnswer {
                size,
                status: 207,
                headers: Fields { ptr: &raw const SENT.0, len: 1 },
                body: Slice::ABSENT,
                error: Slice::ABSENT,
            },
            _ => HttpAnswer {
                size,
                status: 0,
                headers: nothing,
                body: Slice::ABSENT,
                error: Slice::text("no route to host"),
            },
        };
        give(answer, told);
    }
    abi::OK
}

/// Functions that this host has not.
macro_rules! unavailable {
    ($($name:ident($($argument:ty),+);)+) => {
        $(unsafe extern "C" fn $name($(_: $argument),+) -> Status {
            abi::UNAVAILABLE
        })+
    };
}

unavailable! {
    no_refuse(Call, u32, Slice, Slice);
    no_result(Call, *const Value);
    no_set_text(Call, u32, Slice);
    no_number(Call, u32, *mut i64);
    no_set_number(Call, u32, i64);
    no_headers(Call, u32, *mut Fields);
    no_remove_header(Call, u32, Slice);
    no_parameter(Call, Slice, *mut Slice);
    no_variable(Call, Slice, *mut Value);
    no_set_identity(Call, *const Value);
    no_body(Call, u32, *mut Slice);
    no_set_body(Call, u32, Slice);
    no_log(Call, u32, Slice);
    no_metric(Call, Slice, u32, f64);
    no_unix_time(Call, *mut i64);
    no_monotonic_time(Call, *mut u64);
    no_random(Call, *mut u8, usize);
    no_kv_set(Call, Slice, Slice, u64, u32);
    no_kv_increment(Call, Slice, i64, u64, *mut i64);
    no_kv_delete(Call, Slice);
    no_kv_ttl(Call, Slice, *mut i64);
    no_sleep(Call, u64);
    no_access_field(Call, Slice, *const Value);
    no_access_drop(Call);
}

pub(crate) static HOST: Host = Host {
    size: size_of::<Host>(),
    abi_major: abi::ABI_MAJOR,
    abi_minor: abi::ABI_MINOR,
    features: u64::MAX,
    version: Slice::text("0.0.0"),
    fail,
    last_error,
    reply,
    refuse: no_refuse,
    result: no_result,
    text,
    set_text: no_set_text,
    number: no_number,
    set_number: no_set_number,
    header,
    headers: no_headers,
    set_header,
    add_header: set_header,
    remove_header: no_remove_header,
    parameter: no_parameter,
    variable: no_variable,
    set_variable,
    identity: no_variable,
    set_identity: no_set_identity,
    body: no_body,
    set_body: no_set_body,
    stream_body,
    chunk_write,
    config,
    environment: no_parameter,
    secret: no_parameter,
    log: no_log,
    metric: no_metric,
    unix_time: no_unix_time,
    monotonic_time: no_monotonic_time,
    random: no_random,
    kv_get: no_parameter,
    kv_set: no_kv_set,
    kv_increment: no_kv_increment,
    kv_delete: no_kv_delete,
    kv_ttl: no_kv_ttl,
    sleep: no_sleep,
    http,
    access_field: no_access_field,
    access_drop: no_access_drop,
};
