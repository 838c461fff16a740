//! Key lookups of patches.
#![expect(unsafe_code, reason = "functions of patches are called")]

use std::sync::Arc;

use forebay_patch_abi::{self as abi, Slice};
use rhai::Dynamic;
use serde_json::Value;

use super::instance::Instance;
use crate::component::{Credential, KeyLookup, KeyLookupKind, SettingProblem};
use crate::patch::host::frame::{Frame, Phase, View};
use crate::patch::library::Library;

/// One place that keys can be looked up in, from a patch.
#[derive(Debug)]
pub(super) struct Adapter {
    library: Arc<Library>,
    id: Arc<str>,
    table: abi::KeyLookup,
}

impl Adapter {
    pub(super) fn new(library: &Arc<Library>, id: &str, table: abi::KeyLookup) -> Result<Self, String> {
        if table.find.is_none() {
            return Err("has no `find`".to_owned());
        }
        Ok(Self { library: library.clone(), id: id.into(), table })
    }
}

impl KeyLookupKind for Adapter {
    fn create(&self, settings: &Value) -> Result<Arc<dyn KeyLookup>, Vec<SettingProblem>> {
        let instance = Instance::create(&self.library, self.table, &self.id, settings);
        let instance =
            instance.map_err(|message| vec![SettingProblem { at: String::new(), message, help: None }])?;
        Ok(Arc::new(Lookup { id: self.id.clone(), instance }))
    }
}

/// A lookup with its settings.
#[derive(Debug)]
struct Lookup {
    id: Arc<str>,
    instance: Instance<abi::KeyLookup>,
}

impl KeyLookup for Lookup {
    fn may_wait(&self) -> bool {
        self.instance.table().waits != 0
    }

    fn find(&self, credential: &Credential<'_>) -> Result<Option<Dynamic>, String> {
        let mut frame = Frame::new(&self.id, Phase::Apart, credential.host);
        frame.view = View::Shown(credential.exchange);
        frame.waiter = credential.waiter.filter(|_| self.may_wait());
        let key = Slice::of(credential.key);
        let status = self.instance.call(&mut frame, |table, pointer, call| match table.find {
            // SAFETY: the function is of a mapped library, called with an instance that it made.
            Some(find) => unsafe { find(pointer, call, key) },
            None => abi::ABSENT,
        });
        match (status, frame.result.take()) {
            (abi::OK, Some(identity)) => Ok(Some(identity)),
            (abi::OK, None) => Err("it found the key and gave no identity".to_owned()),
            (abi::ABSENT, _) => Ok(None),
            (status, _) => Err(frame.explain(status)),
        }
    }
}
