//! From the tables of a patch to the traits of the gateway's components.
//!
//! Each adapter keeps an [`Instance`], and with it the library, for as long as anything can call it.

mod access_filter;
mod balancer;
mod chunks;
mod error_page;
mod instance;
mod key_lookup;
mod middleware;
mod step;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use forebay_patch_abi::{self as abi, ReadError, Table};

use super::descriptor::Action;
use super::interface::{Described, Provided};
use super::library::Library;
use crate::component::{Claim, Component, Part};

pub(in crate::patch) use chunks::ChunkFilter;
pub(in crate::patch) use instance::Instance;

/// The components of a patch, ready for a registry.
///
/// # Errors
/// What is wrong with a component's table, or why an instance that has no settings cannot be made.
pub fn adopt(library: &Arc<Library>, described: &Described) -> Result<Vec<Component>, String> {
    let patch: Arc<str> = described.descriptor.name.as_str().into();
    let adopted = described.components.iter().map(|provided| {
        let part = part(library, provided)
            .map_err(|problem| format!("the table of component `{}` {problem}", provided.id))?;
        let claim = match provided.action {
            Action::Overrides => Claim::Overrides,
            Action::Adds => Claim::Adds,
        };
        Ok(Component::of_patch(&patch, (&provided.id, &provided.version.to_string()), claim, part))
    });
    adopted.collect()
}

fn part(library: &Arc<Library>, provided: &Provided) -> Result<Part, String> {
    let id = &provided.id;
    Ok(match provided.kind {
        abi::KIND_MIDDLEWARE => {
            Part::Middleware(Arc::new(middleware::Adapter::new(library, read(provided)?)?))
        }
        abi::KIND_BALANCER => Part::Balancer(Arc::new(balancer::Adapter::new(library, id, read(provided)?)?)),
        abi::KIND_KEY_LOOKUP => {
            Part::KeyLookup(Arc::new(key_lookup::Adapter::new(library, id, read(provided)?)?))
        }
        abi::KIND_ERROR_PAGE => {
            Part::ErrorPage(Arc::new(error_page::Adapter::new(library, id, read(provided)?)?))
        }
        abi::KIND_ACCESS_FILTER => {
            Part::AccessFilter(Arc::new(access_filter::Adapter::new(library, id, read(provided)?)?))
        }
        other => return Err(format!("is of kind {other}, which this gateway does not know")),
    })
}

fn read<T: Table>(provided: &Provided) -> Result<T, String> {
    instance::read(provided.table.cast()).map_err(|error: ReadError| error.to_string())
}
