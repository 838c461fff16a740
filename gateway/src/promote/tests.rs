//! The life of a script without a gateway: the service is driven by hand, one piece of work at a time.

mod lifecycle;
mod mismatches;
mod reloads;
mod support;
