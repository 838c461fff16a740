//! The crate against a host of a few lines: what crosses the boundary, in both directions. Everything here also runs under
//! Miri (`cargo +nightly miri test -p forebay-patch`).
#![expect(unsafe_code, reason = "the host's side of the boundary is played here")]

mod mock;

use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicUsize, Ordering};

use forebay_patch::abi::{self, Slice};
use forebay_patch::{
    Balancer, BodyFilter, Choice, Chunk, Error, Exchange, Hooks, HttpRequest, Message, Middleware, Passed,
    Reply, Setup, Standing, Value, Verdict,
};
use mock::{HOST, with_state};

static ALIVE: AtomicUsize = AtomicUsize::new(0);

struct Probe {
    does: String,
}

impl Drop for Probe {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, Ordering::SeqCst);
        assert_ne!(self.does, "panic", "even when it is freed");
    }
}

impl Middleware for Probe {
    const HOOKS: Hooks = Hooks::REQUEST.and(Hooks::LOG);
    const WAITS: Hooks = Hooks::LOG;

    fn create(setup: &Setup<'_>) -> Result<Self, Error> {
        let does = setup.text("/does")?.ok_or("config.does is missing")?.to_owned();
        assert_eq!(setup.integer("/number")?, None);
        ALIVE.fetch_add(1, Ordering::SeqCst);
        Ok(Self { does })
    }

    fn on_request(&self, exchange: &mut Exchange<'_>) -> Result<Verdict, Error> {
        match &*self.does {
            "reply" => Ok(Reply::new(418).header("x-a", "b").body("tea").into()),
            "error" => Err("no water".into()),
            "panic" => panic!("dry at {}", exchange.path()),
            "refused" => {
                exchange.set_header(Message::Request, "host", "x")?;
                Ok(Verdict::Continue)
            }
            _ => {
                let copy = exchange.header(Message::Request, "x-in").map(<[u8]>::to_vec).unwrap_or_default();
                exchange.set_variable("in", Value::Bytes(&copy))?;
                exchange.filter_body(Message::Request, Count(0))?;
                Ok(Verdict::Continue)
            }
        }
    }

    fn on_log(&self, exchange: &mut Exchange<'_>) -> Result<Verdict, Error> {
        let request = HttpRequest::new("PUT", "http://x/").header("a", "1").header("b", "2").body("in");
        let answers = exchange.http_all(&[request.clone(), request])?;
        let text = answers.iter().map(|answer| match answer {
            Ok(answer) => format!("{} {:?}", answer.status, answer.headers),
            Err(error) => format!("{error:?}"),
        });
        exchange.set_variable("answers", &*text.collect::<Vec<_>>().join("; "))?;
        Ok(Verdict::Continue)
    }
}

struct Count(u64);

impl BodyFilter for Count {
    fn chunk(&mut self, chunk: &mut Chunk<'_>) -> Result<Passed, Error> {
        assert_eq!(chunk.offset(), self.0);
        self.0 += chunk.data().len() as u64;
        if chunk.is_last() {
            chunk.write(self.0.to_string().as_bytes())?;
        }
        Ok(Passed::Replaced)
    }
}

struct Last;

impl Balancer for Last {
    fn create(_setup: &Setup<'_>) -> Result<Self, Error> {
        Ok(Self)
    }

    fn pick(&self, choice: &Choice<'_>) -> Result<Option<usize>, Error> {
        Ok(choice
            .targets()
            .enumerate()
            .filter(|(_, target)| target.standing == Standing::Free)
            .last()
            .map(|(i, _)| i))
    }
}

mod patch {
    use super::{Last, Probe};

    forebay_patch::patch_in_process! {
        id: "probe",
        version: "1.0.0",
        components: [middleware adds "probe": Probe, balancer overrides "round_robin": Last],
    }
}

fn entered() -> abi::Patch {
    let mut room = [0_u64; abi::PATCH_BYTES_MIN / 8];
    // SAFETY: the room is zeroed, aligned and as large as the interface promises.
    let status = unsafe { patch::entry(&raw const HOST, room.as_mut_ptr().cast()) };
    assert_eq!(status, abi::OK);
    // SAFETY: the entry has filled it.
    unsafe { abi::read_table(room.as_ptr().cast::<abi::Patch>()) }.unwrap()
}

fn component(index: usize) -> abi::Component {
    let patch = entered();
    assert_eq!((patch.component_count, patch.needs), (2, abi::FEATURE_BALANCER));
    // SAFETY: there are so many components.
    let components = unsafe { std::slice::from_raw_parts(patch.components, patch.component_count) };
    // SAFETY: each is a whole table.
    unsafe { abi::read_table(components[index]) }.unwrap()
}

/// An instance of the probe, or the status of its making.
fn probe(does: &'static str) -> Result<(abi::Middleware, *mut c_void), abi::Status> {
    let component = component(0);
    assert_eq!((component.kind, component.mode), (abi::KIND_MIDDLEWARE, abi::MODE_ADD));
    // SAFETY: the table is of that kind.
    let table = unsafe { abi::read_table(component.table.cast::<abi::Middleware>()) }.unwrap();
    assert_eq!((table.hooks, table.waits), (abi::HOOK_REQUEST | abi::HOOK_LOG, abi::HOOK_LOG));
    assert!(table.on_response.is_none() && table.on_error.is_none());
    let mut instance = null_mut();
    with_state(|state| state.does = does);
    // SAFETY: called as the interface says.
    let status = unsafe { table.create.unwrap()(1, &raw mut instance) };
    if status == abi::OK { Ok((table, instance)) } else { Err(status) }
}

fn request(does: &'static str) -> abi::Status {
    let (table, instance) = probe(does).unwrap();
    // SAFETY: called as the interface says, with an instance of the table.
    let status = unsafe { table.on_request.unwrap()(instance, 1) };
    // SAFETY: as above; it is used no more.
    unsafe { table.destroy.unwrap()(instance) };
    status
}

#[test]
fn verdicts_errors_and_panics_become_statuses_with_their_reason() {
    let failure = || with_state(|state| state.reason.take());
    assert_eq!(request("reply"), abi::REPLY);
    assert_eq!(with_state(|state| state.reply.take()), Some((418, b"tea".to_vec(), "x-a: b".to_owned())));
    assert_eq!((request("error"), failure()), (abi::FAILED, Some("no water".to_owned())));
    assert_eq!((request("panic"), failure()), (abi::PANICKED, Some("dry at /mock".to_owned())));
    assert_eq!((request("refused"), failure()), (abi::FAILED, Some("not yours".to_owned())));
    assert_eq!(probe("").err(), Some(abi::FAILED));
    assert_eq!(failure(), Some("config.does is missing".to_owned()));
}

#[test]
fn a_filter_is_the_hosts_until_its_body_is_over() {
    assert_eq!(request("filter"), abi::OK);
    let (table, _) = probe("filter").map(|(table, instance)| (table, Freed(table, instance))).unwrap();
    let filter = with_state(|state| state.filter.take()).expect("a filter was given");
    let mut offset = 0;
    for (data, last) in [(&b"abc"[..], false), (b"", false), (b"de", true)] {
        let flags = if last { abi::CHUNK_LAST } else { 0 };
        let size = size_of::<abi::Chunk>();
        let chunk = abi::Chunk { size, flags, side: abi::REQUEST_SIDE, data: Slice::of(data), offset };
        // SAFETY: called as the interface says, with the state that was given.
        let status = unsafe { table.on_chunk.unwrap()(null_mut(), filter, 1, &raw const chunk) };
        assert_eq!(status, abi::REPLACED);
        offset += data.len() as u64;
    }
    assert_eq!(with_state(|state| std::mem::take(&mut state.written)), b"5");
    // SAFETY: no chunk follows.
    unsafe { table.stream_end.unwrap()(null_mut(), filter) };
    assert_eq!(with_state(|state| state.variable.take()), Some("in".to_owned()));
}

struct Freed(abi::Middleware, *mut c_void);

impl Drop for Freed {
    fn drop(&mut self) {
        // SAFETY: the instance is of this table, and used no more.
        unsafe { self.0.destroy.unwrap()(self.1) };
    }
}

#[test]
fn requests_and_answers_cross_in_one_piece() {
    let (table, instance) = probe("http").unwrap();
    let _freed = Freed(table, instance);
    // SAFETY: called as the interface says.
    assert_eq!(unsafe { table.on_log.unwrap()(instance, 1) }, abi::OK);
    let told = with_state(|state| state.text.take()).unwrap();
    assert_eq!(told, "207 [(\"x-sent\", [50])]; no route to host");
}

#[test]
fn targets_of_a_newer_host_are_read_at_their_stride() {
    #[repr(C)]
    struct Newer(abi::Target, u64);
    let component = component(1);
    assert_eq!((component.kind, component.mode), (abi::KIND_BALANCER, abi::MODE_OVERRIDE));
    // SAFETY: the table is of that kind.
    let table = unsafe { abi::read_table(component.table.cast::<abi::Balancer>()) }.unwrap();
    let target = |standing| {
        Newer(
            abi::Target { address: Slice::text("a:1"), weight: 1, active: 0, standing, reserved: 0 },
            u64::MAX,
        )
    };
    let list =
        [target(abi::STANDING_FREE), target(abi::STANDING_FREE), target(abi::STANDING_TRIED), target(77)];
    let targets = abi::Targets {
        size: size_of::<abi::Targets>(),
        ptr: list.as_ptr().cast(),
        len: list.len(),
        stride: size_of::<Newer>(),
        upstream: Slice::text("u"),
        attempt: 0,
    };
    let (mut instance, mut chosen) = (null_mut(), 0);
    // SAFETY: called as the interface says.
    assert_eq!(unsafe { table.create.unwrap()(1, &raw mut instance) }, abi::OK);
    // SAFETY: as above.
    let status = unsafe { table.pick.unwrap()(instance, 1, &raw const targets, &raw mut chosen) };
    assert_eq!((status, chosen), (abi::OK, 1));
    // SAFETY: as above; it is used no more.
    unsafe { table.destroy.unwrap()(instance) };
}

#[test]
fn a_host_that_is_too_old_is_told_what_is_needed() {
    let older = abi::Host { abi_minor: abi::ABI_MINOR.wrapping_sub(1), ..HOST };
    let mut room = [0_u64; abi::PATCH_BYTES_MIN / 8];
    // SAFETY: the room is zeroed, aligned and as large as the interface promises.
    let status = unsafe { patch::entry(&raw const older, room.as_mut_ptr().cast()) };
    assert_eq!(status, abi::UNSUPPORTED);
    // SAFETY: the entry has filled it.
    let filled = unsafe { abi::read_table(room.as_ptr().cast::<abi::Patch>()) }.unwrap();
    assert_eq!((filled.abi_major, filled.abi_minor), (abi::ABI_MAJOR, abi::ABI_MINOR));
}
