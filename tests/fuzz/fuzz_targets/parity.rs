//! Bytes become the decisions of the program generator; every tier must do what the interpreter does.
//!
//! A difference is made small, printed and written to `tests/parity/findings/`, where the ordinary tests run it
//! from then on; give the file a name that says what was wrong.
#![no_main]

#[path = "../../parity"]
#[allow(dead_code, reason = "other targets use more of it")]
mod parity {
    pub(crate) mod harness;
}

use std::cell::OnceCell;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::{fs, thread};

use libfuzzer_sys::fuzz_target;
use parity::harness::choices::Choices;
use parity::harness::compare::{Comparison, compare};
use parity::harness::engine::Setup;
use parity::harness::tiers::{Tier, equal_tiers};
use parity::harness::{generate, minimise};
use rhai::Engine;

/// What the deepest calls that the limits allow may take, with the fuzzer's instrumentation.
const STACK_BYTES: usize = 1 << 30;

/// A thread with a large stack: the fuzzer's own is small.
struct Runner {
    bytes: SyncSender<Vec<u8>>,
    finding: Receiver<Option<String>>,
}

impl Runner {
    fn start() -> Self {
        let (bytes, to_run) = sync_channel::<Vec<u8>>(1);
        let (found, finding) = sync_channel(1);
        let run = move || {
            let engine = Setup::GENERATED.engine();
            let tiers = equal_tiers();
            while let Ok(bytes) = to_run.recv() {
                let source = generate::program(&mut Choices::Bytes(&bytes));
                let different = differs(&engine, &tiers, &source);
                if found.send(different.then(|| smallest(&engine, &tiers, &source))).is_err() {
                    return;
                }
            }
        };
        thread::Builder::new().stack_size(STACK_BYTES).spawn(run).expect("a thread");
        Self { bytes, finding }
    }
}

fn differs(engine: &Engine, tiers: &[Box<dyn Tier>], source: &str) -> bool {
    let Ok(ast) = engine.compile(source) else { return false };
    matches!(compare(engine, &ast, tiers), Comparison::Different(_))
}

fn smallest(engine: &Engine, tiers: &[Box<dyn Tier>], source: &str) -> String {
    minimise::minimise(source, &mut |source| differs(engine, tiers, source))
}

thread_local! {
    static RUNNER: OnceCell<Runner> = const { OnceCell::new() };
}

fuzz_target!(|bytes: &[u8]| {
    let finding = RUNNER.with(|runner| {
        let runner = runner.get_or_init(Runner::start);
        runner.bytes.send(bytes.to_vec()).expect("the runner runs");
        runner.finding.recv().expect("the runner runs")
    });
    if let Some(source) = finding {
        let hash = source.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let path = format!("{}/../parity/findings/fuzz_{hash:016x}.rhai", env!("CARGO_MANIFEST_DIR"));
        fs::write(&path, &source).expect("the finding can be written");
        panic!("a tier differs from the interpreter; see {path}:\n{source}");
    }
});
