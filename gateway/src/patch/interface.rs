//! The first words between gateway and patch: the entry function is called, and what the patch says of itself is read
//! and checked.
//!
//! Everything that the patch points to is read once and copied, but for the tables of its components, which `adapter`
//! reads. Nothing of it is believed before it was checked; whether pointers lead to memory nobody can check, and that is
//! what the trial in another process is for.
#![expect(unsafe_code, reason = "the patch's function is called, and its memory read, through pointers")]

use std::ffi::c_void;

use forebay_patch_abi::{
    ABI_MAJOR, ABI_MINOR, Call, Component, Entry, Host, KIND_ACCESS_FILTER, KIND_BALANCER, KIND_ERROR_PAGE,
    KIND_KEY_LOOKUP, KIND_MIDDLEWARE, MODE_ADD, MODE_OVERRIDE, OK, PATCH_BYTES_MIN, Patch, Slice, Status,
    UNSUPPORTED, accepts, read_table,
};
use semver::{Version, VersionReq};

use super::artefact::is_name;
use super::descriptor::{Abi, Action, Claim, Descriptor};
use super::library::Library;
use super::{culprit, host};

/// Most components of one patch.
const COMPONENTS_MAX: usize = 64;
/// Longest text that a patch says of itself, in bytes.
const TEXT_BYTES_MAX: usize = 1024;

/// Why a patch is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Whether it was built for another version of the interface.
    pub by_version: bool,
    /// In words.
    pub reason: String,
}

impl Refusal {
    fn because(reason: impl Into<String>) -> Self {
        Self { by_version: false, reason: reason.into() }
    }
}

/// A patch as it described itself.
#[derive(Debug, Clone)]
pub struct Described {
    /// What people and manifests see of it.
    pub descriptor: Descriptor,
    /// Its components, in its order.
    pub components: Vec<Provided>,
    /// Its self-test.
    pub self_test: Option<unsafe extern "C" fn(call: Call) -> Status>,
}

/// One component of a patch.
#[derive(Debug, Clone)]
pub struct Provided {
    /// One of `KIND_...`.
    pub kind: u32,
    /// What it is called.
    pub id: String,
    /// Whether it takes the place of another.
    pub action: Action,
    /// Its version.
    pub version: Version,
    /// The table of its kind; not null, valid until the process ends.
    pub table: *const c_void,
}

// SAFETY: the table is immutable and stays valid until the process ends, as the interface demands.
unsafe impl Send for Provided {}
// SAFETY: as above.
unsafe impl Sync for Provided {}

/// Calls the entry function and reads what it said.
///
/// # Errors
/// Why the patch cannot be used.
pub fn shake_hands(library: &Library) -> Result<Described, Refusal> {
    let host = host::table();
    // Room for descriptors of the future; words, so that it is aligned.
    let mut room = [0_u64; PATCH_BYTES_MIN / 8];
    let patch = room.as_mut_ptr().cast::<Patch>();
    // SAFETY: the library exports this symbol as a function of this type; that is what makes it a patch.
    let entry = unsafe { std::mem::transmute::<*const c_void, Entry>(library.entry()) };
    let status = {
        let _inside = culprit::enter(library.tag());
        // SAFETY: the host's table is static, and the room is zeroed, aligned and as large as the interface promises.
        unsafe { entry(host, patch) }
    };
    let _inside = culprit::enter(library.tag());
    read(status, patch, host)
}

/// Lets the patch test itself.
///
/// # Errors
/// What it says is wrong.
pub fn self_test(library: &Library, described: &Described) -> Result<(), String> {
    let Some(test) = described.self_test else { return Ok(()) };
    let _inside = culprit::enter(library.tag());
    host::self_test(&described.descriptor.name, test)
}

fn read(status: Status, patch: *const Patch, host: *const Host) -> Result<Described, Refusal> {
    // SAFETY: the first fields of the room are those of every descriptor, whatever its size.
    let major = unsafe { (*patch).abi_major };
    // SAFETY: as above.
    let minor = unsafe { (*patch).abi_minor };
    let says_version = status == OK || status == UNSUPPORTED || major != 0;
    if says_version && !accepts(major, minor) {
        return Err(other_version(major, minor));
    }
    if status != OK {
        return Err(Refusal::because(format!("its entry function failed with status {status}")));
    }
    // SAFETY: the room is readable for as many bytes as any descriptor may say to have; a larger size reads ours only.
    let patch =
        unsafe { read_table(patch) }.map_err(|error| Refusal::because(format!("its descriptor {error}")))?;
    // SAFETY: the host's table is ours and static.
    let lacking = patch.needs & !unsafe { (*host).features };
    if lacking != 0 {
        let reason = format!("it needs what this gateway cannot do (feature bits {lacking:#x})");
        return Err(Refusal { by_version: true, reason });
    }
    let name = text(patch.id, "id")?;
    if !is_name(&name) {
        let reason =
            format!("its id {name:?} is no name: a lower-case letter, then letters, digits, `_` and `-`");
        return Err(Refusal::because(reason));
    }
    let gateways = optional_text(patch.gateway, "gateway")?;
    let gateways = VersionReq::parse(gateways.as_deref().unwrap_or("*")).map_err(|error| {
        Refusal::because(format!(
            "its range of gateways is none ({error}); write such as \">=0.1.0, <0.2.0\""
        ))
    })?;
    let components = components(&patch)?;
    let claims = components.iter().map(|one| Claim {
        kind: kind_name(one.kind).unwrap_or_default().to_owned(),
        action: one.action,
        id: one.id.clone(),
    });
    let descriptor = Descriptor {
        name,
        version: version(patch.version)?,
        gateways,
        abi: Abi { major, minor },
        description: optional_text(patch.description, "description")?.unwrap_or_default(),
        components: claims.collect(),
    };
    Ok(Described { descriptor, components, self_test: patch.self_test })
}

fn other_version(major: u32, minor: u32) -> Refusal {
    let reason = format!(
        "the patch was built for version {major}.{minor} of the interface, and this gateway speaks \
         {ABI_MAJOR}.{ABI_MINOR}: the first number must be the same, the second not larger"
    );
    Refusal { by_version: true, reason }
}

fn components(patch: &Patch) -> Result<Vec<Provided>, Refusal> {
    let count = patch.component_count;
    if count == 0 || count > COMPONENTS_MAX || patch.components.is_null() {
        let reason = format!("it has {count} components, and must have 1 to {COMPONENTS_MAX}");
        return Err(Refusal::because(reason));
    }
    let mut components: Vec<Provided> = Vec::with_capacity(count);
    // SAFETY: not null, and the interface demands so many readable pointers there.
    let tables = unsafe { std::slice::from_raw_parts(patch.components, count) };
    for (index, &table) in tables.iter().enumerate() {
        // SAFETY: null, or a component that says its size, as the interface demands.
        let component = unsafe { read_table(table) };
        let component =
            component.map_err(|error| Refusal::because(format!("its component {index} {error}")))?;
        let provided = provided(&component)?;
        if components.iter().any(|other| (other.kind, &other.id) == (provided.kind, &provided.id)) {
            return Err(Refusal::because(format!("it has two components `{}`", provided.id)));
        }
        components.push(provided);
    }
    Ok(components)
}

fn provided(component: &Component) -> Result<Provided, Refusal> {
    let id = text(component.id, "id of a component")?;
    let Some(kind) = kind_name(component.kind) else {
        let reason =
            format!("its component `{id}` is of kind {}, which this gateway does not know", component.kind);
        return Err(Refusal { by_version: true, reason });
    };
    let bare = match id.strip_prefix("script:") {
        Some(script) if component.kind == KIND_MIDDLEWARE => script,
        _ => &id,
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if bare.is_empty() || bare.len() > 64 || !bare.chars().all(plain) {
        return Err(Refusal::because(format!(
            "the id {id:?} of its {kind} is no name: letters, digits, `_` and `-`"
        )));
    }
    let action = match component.mode {
        MODE_ADD => Action::Adds,
        MODE_OVERRIDE => Action::Overrides,
        other => {
            return Err(Refusal::because(format!(
                "its component `{id}` neither adds nor overrides (mode {other})"
            )));
        }
    };
    if component.table.is_null() {
        return Err(Refusal::because(format!("its component `{id}` has no table of callbacks")));
    }
    Ok(Provided {
        kind: component.kind,
        id,
        action,
        version: version(component.version)?,
        table: component.table,
    })
}

/// The word for a kind; `None` for one of the future.
pub fn kind_name(kind: u32) -> Option<&'static str> {
    Some(match kind {
        KIND_MIDDLEWARE => "middleware",
        KIND_BALANCER => "balancer",
        KIND_KEY_LOOKUP => "key_lookup",
        KIND_ERROR_PAGE => "error_page",
        KIND_ACCESS_FILTER => "access_filter",
        _ => return None,
    })
}

fn version(slice: Slice) -> Result<Version, Refusal> {
    let text = text(slice, "version")?;
    Version::parse(&text).map_err(|error| Refusal::because(format!("its version {text:?} is none: {error}")))
}

fn text(slice: Slice, what: &str) -> Result<String, Refusal> {
    optional_text(slice, what)?.ok_or_else(|| Refusal::because(format!("it gives no {what}")))
}

fn optional_text(slice: Slice, what: &str) -> Result<Option<String>, Refusal> {
    if slice.ptr.is_null() {
        return Ok(None);
    }
    if slice.len > TEXT_BYTES_MAX {
        let reason = format!("its {what} has {} bytes, and {TEXT_BYTES_MAX} are allowed", slice.len);
        return Err(Refusal::because(reason));
    }
    // SAFETY: not null, and the interface demands so many readable bytes.
    let bytes = unsafe { std::slice::from_raw_parts(slice.ptr, slice.len) };
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.chars().any(char::is_control) => Ok(Some(text.to_owned())),
        _ => Err(Refusal::because(format!("its {what} is no plain UTF-8 text"))),
    }
}
