//! The stable codes of problems with patches. A code keeps its meaning for ever.

/// The folder cannot be read, or others can write to it.
pub const FOLDER: &str = "E0300";
/// A file of the folder cannot be read, or others can write to it.
pub const FILE: &str = "E0301";
/// A patch has no signature, and one is asked for.
pub const UNSIGNED: &str = "E0302";
/// The signature of a patch is not valid.
pub const BAD_SIGNATURE: &str = "E0303";
/// A manifest that cannot be understood.
pub const BAD_MANIFEST: &str = "E0304";
/// Manifest, file name and library say different things.
pub const DISAGREEMENT: &str = "E0305";
/// The file is no library that this gateway could load.
pub const NOT_LOADABLE: &str = "E0306";
/// The patch did not pass its trial.
pub const TRIAL_FAILED: &str = "E0307";
/// The patch was built for another version of the interface.
pub const ABI: &str = "E0308";
/// Two patches for one thing.
pub const CONFLICT: &str = "E0309";
/// The private folder cannot be used.
pub const PRIVATE_FOLDER: &str = "E0310";
/// A patch passed its trial, but not its loading.
pub const NOT_LOADED: &str = "E0311";
