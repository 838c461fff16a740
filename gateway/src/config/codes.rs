//! The stable codes of configuration problems. A code keeps its meaning for ever; retired codes stay unused.

/// The file cannot be read.
pub(super) const UNREADABLE: &str = "E0100";
/// The file is larger than the gateway accepts.
pub(super) const TOO_LARGE: &str = "E0101";
/// The file is not UTF-8.
pub(super) const NOT_UTF8: &str = "E0102";
/// The file holds nothing.
pub(super) const EMPTY: &str = "E0103";
/// The file's name does not tell its format.
pub(super) const UNKNOWN_FORMAT: &str = "E0104";
/// The text is not well-formed YAML, TOML or JSON.
pub(super) const SYNTAX: &str = "E0105";
/// One key twice in one map.
pub(super) const DUPLICATE_KEY: &str = "E0106";
/// Well-formed, but beyond what a configuration may use: tags, several documents, aliases without end.
pub(super) const UNSUPPORTED: &str = "E0107";

/// `${NAME}` names a variable that is not set.
pub(super) const VARIABLE_UNSET: &str = "E0110";
/// `${file:...}` names a file that cannot be read.
pub(super) const VALUE_FILE: &str = "E0111";
/// `${` does not start a well-formed expression.
pub(super) const EXPRESSION: &str = "E0112";

/// A key that has no meaning here.
pub(super) const UNKNOWN_KEY: &str = "E0120";
/// A key that must be there is missing.
pub(super) const MISSING_KEY: &str = "E0121";
/// A value of the wrong type.
pub(super) const WRONG_TYPE: &str = "E0122";
/// A word that is not one of the words allowed.
pub(super) const NOT_ALLOWED: &str = "E0123";
/// A number, duration, size or list outside its range.
pub(super) const OUT_OF_RANGE: &str = "E0124";
/// A duration that cannot be read.
pub(super) const DURATION: &str = "E0125";
/// A size that cannot be read.
pub(super) const SIZE: &str = "E0126";
/// The shape is right by the schema, but was refused all the same.
pub(super) const SHAPE: &str = "E0127";

/// One name, address or value twice.
pub(super) const DUPLICATE: &str = "E0130";
/// A route names an upstream that does not exist.
pub(super) const UNKNOWN_UPSTREAM: &str = "E0131";
/// A route with neither an upstream nor steps.
pub(super) const IDLE_ROUTE: &str = "E0132";
/// A path pattern or prefix that cannot be used.
pub(super) const PATH_PATTERN: &str = "E0133";
/// A regular expression that cannot be used.
pub(super) const REGEX: &str = "E0134";
/// A host name that cannot be used.
pub(super) const HOST: &str = "E0135";
/// A method that cannot be used.
pub(super) const METHOD: &str = "E0136";
/// A header name that cannot be used.
pub(super) const HEADER_NAME: &str = "E0137";
/// An address range that cannot be used.
pub(super) const ADDRESS_RANGE: &str = "E0138";
/// A socket address that cannot be used.
pub(super) const ADDRESS: &str = "E0139";
/// The URL of a target that cannot be used.
pub(super) const TARGET: &str = "E0140";
/// A target whose certificate cannot be verified for its host.
pub(super) const TLS_TARGET: &str = "E0141";
/// A name with characters that names may not have.
pub(super) const NAME: &str = "E0142";
/// Settings that contradict each other.
pub(super) const CONFLICT: &str = "E0143";
/// A value that may not be empty.
pub(super) const EMPTY_VALUE: &str = "E0144";
/// A file path that cannot be used.
pub(super) const FILE_PATH: &str = "E0145";
/// A text that is no public key of minisign.
pub(super) const PUBLIC_KEY: &str = "E0146";
/// A protocol that connections may not switch to.
pub(super) const UPGRADE: &str = "E0160";
/// More problems than are worth listing.
pub(super) const TOO_MANY: &str = "E0199";

/// A secret stands in the configuration file itself.
pub(super) const PLAIN_SECRET: &str = "W0100";
/// Every peer is trusted.
pub(super) const TRUSTS_EVERYONE: &str = "W0101";
