//! The life of a script without a gateway: the service is driven by hand, one piece of work at a time.

mod bound;
mod lifecycle;
mod mismatches;
mod overdue;
mod reloads;
mod support;
