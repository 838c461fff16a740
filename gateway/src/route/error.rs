//! What can be wrong with routes, said so that the author of the configuration can repair it.

use std::sync::Arc;

use super::pattern::{PARAMS_MAX, SEGMENTS_MAX};

/// One problem of one route, or of two.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// The path pattern cannot be used.
    #[error("route `{route}`: path `{pattern}`: {problem}")]
    Pattern {
        /// Name of the route.
        route: Arc<str>,
        /// The pattern as written.
        pattern: String,
        /// What is wrong with it.
        problem: PatternProblem,
    },
    /// A host that is neither a name nor `*.domain`.
    #[error(
        "route `{route}`: host `{host}` must be a name such as `api.example.com`, or `*.example.com`, without port"
    )]
    Host {
        /// Name of the route.
        route: Arc<str>,
        /// The host as written.
        host: String,
    },
    /// A header condition whose name no header field can have.
    #[error("route `{route}`: `{header}` is not a header field name")]
    HeaderName {
        /// Name of the route.
        route: Arc<str>,
        /// The name as written.
        header: String,
    },
    /// Two routes take exactly the same requests; the second would never be reached.
    #[error(
        "routes `{first}` and `{second}` take the same requests ({shared}); change the path, a host or a condition of one of them"
    )]
    Conflict {
        /// The route written first.
        first: Arc<str>,
        /// The route written later.
        second: Arc<str>,
        /// The host, if they name any, and the path in which they meet.
        shared: String,
    },
}

/// What is wrong with a path pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatternProblem {
    /// No `/` at the start.
    #[error("a pattern starts with `/`")]
    Relative,
    /// An empty segment, or `.`, or `..`.
    #[error("no request path holds `//`, `.` or `..` segments after normalisation; leave them out")]
    NeverMatches,
    /// A character or escape that no normalised path holds.
    #[error("{0}")]
    Literal(#[from] crate::path::PathError),
    /// A `{` without `}`, or the reverse.
    #[error("`{{` and `}}` must come in pairs; write a literal brace as `%7B` or `%7D`")]
    Brace,
    /// A parameter with an empty name or odd characters in it.
    #[error("`{0}` is not a parameter name; use letters, digits and `_`, not starting with a digit")]
    Name(String),
    /// Two parameters of one name.
    #[error("the parameter `{0}` occurs twice")]
    Twice(String),
    /// `{a}{b}`: where one ends is anybody's guess.
    #[error("two parameters of a segment need literal text between them")]
    Adjacent,
    /// `{*rest}` that is not a whole, last segment.
    #[error("`{{*name}}` must be the whole last segment")]
    TailPosition,
    /// Too many parameters.
    #[error("a pattern has at most {PARAMS_MAX} parameters")]
    TooManyParams,
    /// Too many segments.
    #[error("a pattern has at most {SEGMENTS_MAX} segments")]
    TooManySegments,
}
