//! The binary: parse, run, exit code.

/// Counts what each thread holds, to bound the memory of scripts.
#[global_allocator]
static ALLOCATOR: forebay_gateway::memory::Counting = forebay_gateway::memory::Counting;

fn main() -> std::process::ExitCode {
    forebay_gateway::cli::main()
}
