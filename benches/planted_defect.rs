//! The gateway with a defect planted in a built-in middleware (feature `planted-defect`): `request_size_limit` refuses a
//! body of exactly the size that it allows. `benches/patch_storm.py` mends it under load; it is good for nothing else.

/// As in the gateway proper.
#[global_allocator]
static ALLOCATOR: forebay_gateway::memory::Counting = forebay_gateway::memory::Counting;

fn main() -> std::process::ExitCode {
    eprintln!("this build has a planted defect; it is for benches/patch_storm.py alone");
    forebay_gateway::cli::main()
}
