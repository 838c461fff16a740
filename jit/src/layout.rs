//! Where the parts of a `Dynamic` lie in memory.
