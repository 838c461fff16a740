//! A patch applied and reverted again and again under load; `benches/patch_storm.py` does it a thousand times.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::artefact::Patch;
use super::{gateway, succeed};
use crate::support::{Client, wait_until};

const CYCLES: usize = 20;

#[test]
fn applying_and_reverting_under_load_loses_no_request_and_maps_nothing_twice() {
    let gateway = gateway();
    let library = Patch::new("fix", "1.0.0").build().put(&gateway.path("scripts"), "fix.so");
    let library = library.to_str().unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (stop, address) = (stop.clone(), gateway.address);
            std::thread::spawn(move || {
                let mut client = Client::connect(address);
                let mut served = 0;
                while !stop.load(Ordering::Relaxed) {
                    // Anything but an answer on the same connection is a failure of this thread.
                    let response = client.get("/");
                    let by = response.header("x-served-by");
                    assert!(response.status == 200 && matches!(by, Some("built-in" | "fix 1.0.0")), "{by:?}");
                    served += 1;
                }
                served
            })
        })
        .collect();
    let mut client = Client::connect(gateway.address);
    let mut mappings = 0;
    for cycle in 0..CYCLES {
        succeed(&gateway, &["patch", "apply", library]);
        assert_eq!(client.get("/").header("x-served-by"), Some("fix 1.0.0"), "the very next request");
        succeed(&gateway, &["patch", "revert", "fix"]);
        assert_eq!(client.get("/").header("x-served-by"), Some("built-in"), "the very next request");
        if cycle == 0 {
            mappings = gateway.mappings().len();
        }
    }
    stop.store(true, Ordering::Relaxed);
    let served: usize = clients.into_iter().map(|client| client.join().unwrap()).sum();
    assert!(served > CYCLES, "{served} requests");
    assert_eq!(gateway.status()["patches"]["mapped"], 1);
    // Stacks and heaps come and go; a library has at least four mappings.
    assert!(
        gateway.mappings().len() < mappings + 4 * CYCLES / 2,
        "{mappings}, then {}",
        gateway.mappings().len()
    );
    wait_until("the old generations are freed", || {
        let generation = gateway.status()["generation"].clone();
        generation["retiring"] == serde_json::json!([])
    });
}
