//! What the tests are built from: a gateway in a folder of its own, an origin, a client.

mod client;
mod gateway;
mod hardening;
pub(crate) mod http2;
mod origin;
mod server;
mod tls;

pub(crate) use client::{Client, Response, get};
pub(crate) use gateway::{Folder, Gateway, PATIENCE, wait_until};
pub(crate) use origin::{Origin, answer};
pub(crate) use server::{Server, Speaks};
pub(crate) use tls::{Authority, Certificate, TlsClient};
