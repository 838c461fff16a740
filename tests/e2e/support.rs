//! What the tests are built from: a gateway in a folder of its own, an origin, a client.

mod client;
mod gateway;
mod origin;

pub(crate) use client::{Client, get};
pub(crate) use gateway::{Folder, Gateway, wait_until};
pub(crate) use origin::{Origin, answer};
