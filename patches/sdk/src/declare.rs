//! The macro by which a patch says what it brings, and the entry that passes it on.
#![expect(unsafe_code, reason = "the entry fills a table of the host")]

use forebay_patch_abi::{self as abi, Component, Host, Slice, Status};

use crate::call::set_host;

/// What [`patch!`](crate::patch) was told.
#[derive(Debug)]
pub struct Declared {
    /// Name of the patch.
    pub id: &'static str,
    /// Its version.
    pub version: &'static str,
    /// One line for people, possibly empty.
    pub description: &'static str,
    /// Versions of the gateway, empty for all.
    pub gateway: &'static str,
    /// Its components.
    pub components: &'static [&'static Component],
    /// Its self-test.
    pub self_test: Option<unsafe extern "C" fn(call: abi::Call) -> Status>,
}

/// Keeps the host's table and fills the descriptor.
///
/// # Safety
/// As the entry of a patch is called: `host` is valid for ever, `patch` is zeroed and has room for
/// [`abi::PATCH_BYTES_MIN`] bytes.
pub unsafe fn enter(host: *const Host, patch: *mut abi::Patch, declared: &'static Declared) -> Status {
    // SAFETY: the first fields of the host's table are there in every version.
    let minor = unsafe { (*host).abi_minor };
    // Written so that it also compiles without a warning while the minor is 0.
    let too_old = minor.wrapping_add(1) < abi::ABI_MINOR + 1;
    let optional = |text: &'static str| if text.is_empty() { Slice::ABSENT } else { Slice::text(text) };
    let filled = abi::Patch {
        size: size_of::<abi::Patch>(),
        abi_major: abi::ABI_MAJOR,
        abi_minor: abi::ABI_MINOR,
        needs: declared.components.iter().map(|component| needs(component)).fold(0, |all, bits| all | bits),
        id: Slice::text(declared.id),
        version: Slice::text(declared.version),
        description: optional(declared.description),
        gateway: optional(declared.gateway),
        components: declared.components.as_ptr().cast::<*const Component>(),
        component_count: declared.components.len(),
        self_test: declared.self_test,
    };
    // SAFETY: there is room, as the caller promises.
    unsafe { patch.write(filled) };
    if too_old {
        return abi::UNSUPPORTED;
    }
    set_host(host);
    abi::OK
}

fn needs(component: &Component) -> u64 {
    match component.kind {
        abi::KIND_BALANCER => abi::FEATURE_BALANCER,
        abi::KIND_KEY_LOOKUP => abi::FEATURE_KEY_LOOKUP,
        abi::KIND_ERROR_PAGE => abi::FEATURE_ERROR_PAGE,
        abi::KIND_ACCESS_FILTER => abi::FEATURE_ACCESS_FILTER,
        _ => 0,
    }
}

/// Declares a patch: once in a library of crate type `cdylib`.
///
/// ```text
/// forebay_patch::patch! {
///     id: "NAME",                       // [a-z][a-z0-9_-]*
///     version: "1.0.0",
///     description: "one line",          // optional
///     gateway: ">=0.1.0, <0.2.0",       // optional: outside of it the patch does nothing
///     components: [
///         middleware adds "name": Type,
///         middleware overrides "rate_limit": Type,
///         middleware overrides "script:NAME": Type,
///         balancer adds "name": Type,
///         key_lookup adds "name": Type,
///         error_page overrides "problem_details": Type,
///         access_filter adds "name": Type,
///     ],
///     self_test: function,              // optional: fn(&Call<'_>) -> Result<(), Error>
/// }
/// ```
///
/// Each type implements the trait of its kind. The version of a component is that of the patch.
#[macro_export]
macro_rules! patch {
    ($($declared:tt)+) => {
        $crate::declared! { $($declared)+ }

        // SAFETY: the name is that of the entry of patches, and a library declares one patch.
        #[unsafe(no_mangle)]
        #[doc(hidden)]
        pub unsafe extern "C" fn forebay_patch_v1(
            host: *const $crate::abi::Host,
            patch: *mut $crate::abi::Patch,
        ) -> $crate::abi::Status {
            // SAFETY: the host calls this as the entry of a patch.
            unsafe { $crate::private::enter(host, patch, &FOREBAY_PATCH) }
        }
    };
}

/// As [`patch!`], for a patch that is part of the program which also is the host, as in tests: declares a function
/// `entry` of the type [`abi::Entry`] instead of the exported symbol. One for each module.
#[macro_export]
macro_rules! patch_in_process {
    ($($declared:tt)+) => {
        $crate::declared! { $($declared)+ }

        /// The entry of the patch.
        ///
        /// # Safety
        /// As every entry of a patch.
        pub unsafe extern "C" fn entry(
            host: *const $crate::abi::Host,
            patch: *mut $crate::abi::Patch,
        ) -> $crate::abi::Status {
            // SAFETY: the host calls this as the entry of a patch.
            unsafe { $crate::private::enter(host, patch, &FOREBAY_PATCH) }
        }
    };
}

/// The descriptor of a patch, as a static.
#[doc(hidden)]
#[macro_export]
macro_rules! declared {
    (
        id: $id:expr,
        version: $version:expr,
        $(description: $description:expr,)?
        $(gateway: $gateway:expr,)?
        components: [$($kind:ident $mode:ident $name:literal: $type:ty),+ $(,)?]
        $(, self_test: $self_test:path)? $(,)?
    ) => {
        static FOREBAY_PATCH: $crate::private::Declared = $crate::private::Declared {
            id: $id,
            version: $version,
            description: concat!($($description)?),
            gateway: concat!($($gateway)?),
            components: {
                static COMPONENTS: &[&$crate::abi::Component] = &[$(
                    &$crate::abi::Component {
                        size: ::core::mem::size_of::<$crate::abi::Component>(),
                        kind: $crate::component_kind!($kind),
                        mode: $crate::component_mode!($mode),
                        id: $crate::abi::Slice::text($name),
                        version: $crate::abi::Slice::text($version),
                        table: $crate::component_table!($kind $type),
                    }
                ),+];
                COMPONENTS
            },
            self_test: $crate::self_test!($($self_test)?),
        };
    };
}

/// The number of a kind of component.
#[doc(hidden)]
#[macro_export]
macro_rules! component_kind {
    (middleware) => {
        $crate::abi::KIND_MIDDLEWARE
    };
    (balancer) => {
        $crate::abi::KIND_BALANCER
    };
    (key_lookup) => {
        $crate::abi::KIND_KEY_LOOKUP
    };
    (error_page) => {
        $crate::abi::KIND_ERROR_PAGE
    };
    (access_filter) => {
        $crate::abi::KIND_ACCESS_FILTER
    };
}

/// The number of a mode.
#[doc(hidden)]
#[macro_export]
macro_rules! component_mode {
    (adds) => {
        $crate::abi::MODE_ADD
    };
    (overrides) => {
        $crate::abi::MODE_OVERRIDE
    };
}

/// The table of a component.
#[doc(hidden)]
#[macro_export]
macro_rules! component_table {
    (middleware $type:ty) => { $crate::component_table!(of $crate::private::MiddlewareTable, $type) };
    (balancer $type:ty) => { $crate::component_table!(of $crate::private::BalancerTable, $type) };
    (key_lookup $type:ty) => { $crate::component_table!(of $crate::private::KeyLookupTable, $type) };
    (error_page $type:ty) => { $crate::component_table!(of $crate::private::ErrorPageTable, $type) };
    (access_filter $type:ty) => { $crate::component_table!(of $crate::private::AccessFilterTable, $type) };
    (of $table:path, $type:ty) => { ::core::ptr::from_ref(<$type as $table>::TABLE).cast() };
}

/// The function of a self-test.
#[doc(hidden)]
#[macro_export]
macro_rules! self_test {
    () => {
        None
    };
    ($test:path) => {{
        unsafe extern "C" fn forebay_self_test(call: $crate::abi::Call) -> $crate::abi::Status {
            $crate::private::self_test(call, $test)
        }
        Some(forebay_self_test)
    }};
}
