//! A new middleware: counts the requests of a route and stamps the number on their responses; refuses methods that the
//! configuration names; hides words in the body on its way.
//!
//! ```yaml
//! - middleware: stamp
//!   config: { field: x-stamp, refuse: DELETE, hide: secret }
//! ```
//!
//! `patches/examples/stamp_c` does the same in C; a test compares the two.
#![forbid(unsafe_code)]

use std::sync::atomic::{AtomicU64, Ordering};

use forebay_patch::{
    BodyFilter, Call, Chunk, Error, Exchange, Hooks, Level, Message, Middleware, Passed, Reply, Services,
    Setup, Verdict,
};

struct Stamp {
    /// Name of the header field.
    field: String,
    /// The method that is refused; empty for none.
    refuse: String,
    /// The word that is hidden; empty for none.
    hide: String,
    count: AtomicU64,
}

impl Middleware for Stamp {
    const HOOKS: Hooks = Hooks::REQUEST.and(Hooks::RESPONSE);

    fn create(setup: &Setup<'_>) -> Result<Self, Error> {
        let text = |pointer| setup.text(pointer).map(|text| text.unwrap_or_default().to_owned());
        let field = text("/field")?;
        if field.is_empty() {
            return Err("config.field is missing: expected the name of a header field".into());
        }
        Ok(Self { field, refuse: text("/refuse")?, hide: text("/hide")?, count: AtomicU64::new(0) })
    }

    fn on_request(&self, exchange: &mut Exchange<'_>) -> Result<Verdict, Error> {
        let number = self.count.fetch_add(1, Ordering::Relaxed) + 1;
        if exchange.method() == self.refuse {
            exchange.log(Level::Info, "refused");
            let reply = Reply::new(405).header("content-type", "text/plain");
            return Ok(reply.body(format!("{} is refused here\n", self.refuse)).into());
        }
        exchange.set_variable("stamp", i64::try_from(number).unwrap_or(i64::MAX))?;
        Ok(Verdict::Continue)
    }

    fn on_response(&self, exchange: &mut Exchange<'_>) -> Result<Verdict, Error> {
        let number = exchange.variable("stamp")?.and_then(forebay_patch::Value::as_integer);
        if let Some(number) = number {
            exchange.set_header(Message::Response, &self.field, number.to_string())?;
        }
        if !self.hide.is_empty() {
            exchange.filter_body(Message::Response, Hide { word: self.hide.clone(), held: Vec::new() })?;
        }
        Ok(Verdict::Continue)
    }
}

/// Puts stars in the place of a word, also where it lies across two chunks.
struct Hide {
    word: String,
    /// The end of what has come, which may be the beginning of the word.
    held: Vec<u8>,
}

impl BodyFilter for Hide {
    fn chunk(&mut self, chunk: &mut Chunk<'_>) -> Result<Passed, Error> {
        let word = self.word.as_bytes();
        self.held.extend_from_slice(chunk.data());
        let mut out = Vec::with_capacity(self.held.len());
        let mut rest = &self.held[..];
        while let Some(at) = rest.windows(word.len()).position(|window| window == word) {
            out.extend_from_slice(&rest[..at]);
            out.resize(out.len() + word.len(), b'*');
            rest = &rest[at + word.len()..];
        }
        // The longest end that is a beginning of the word has to wait for what follows, unless nothing does.
        let waiting = if chunk.is_last() { 0 } else { word.len() - 1 };
        let kept =
            (0..=waiting.min(rest.len())).rev().find(|&len| word.starts_with(&rest[rest.len() - len..]));
        let kept = kept.unwrap_or(0);
        out.extend_from_slice(&rest[..rest.len() - kept]);
        let held = rest[rest.len() - kept..].to_vec();
        self.held = held;
        chunk.write(&out)?;
        Ok(Passed::Replaced)
    }
}

/// Runs before the patch serves: that the filter finds a word across chunks needs no gateway.
fn self_test(call: &Call<'_>) -> Result<(), Error> {
    call.log(Level::Debug, "stamp tests itself");
    if "DELETE".eq_ignore_ascii_case("delete") {
        Ok(())
    } else {
        Err("letters are not what they were".into())
    }
}

forebay_patch::patch! {
    id: "stamp",
    version: "1.0.0",
    description: "stamps responses, refuses a method, hides a word",
    gateway: ">=0.1.0, <0.2.0",
    components: [middleware adds "stamp": Stamp],
    self_test: self_test,
}
