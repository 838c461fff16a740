//! The normal form of a path.
//!
//! One pass decides whether a path is in normal form already, which almost every path is; only if not, a
//! second pass writes the normal form into a new string. Both read escapes with the same function, and a
//! property test holds the first pass to what the second would write.

use std::borrow::Cow;

/// Why a path is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// The path does not start with `/`.
    #[error("the path must start with `/`")]
    Relative,
    /// `%` without two hexadecimal digits.
    #[error("a `%` in the path is not followed by two hexadecimal digits; a literal `%` is `%25`")]
    Escape,
    /// A control character, raw or encoded.
    #[error("the path holds a control character")]
    Control,
    /// `%2F` or `%5C`: servers disagree whether they separate segments.
    #[error("an encoded `/` or `\\` in the path is not accepted")]
    EncodedSlash,
    /// A raw `\`: some servers read it as `/`.
    #[error("a `\\` in the path is not accepted")]
    Backslash,
    /// A space, `?` or `#`, none of which can be part of a path.
    #[error("the path holds a raw space, `?` or `#`")]
    Delimiter,
    /// Escapes that do not spell UTF-8.
    #[error("percent-encoded bytes of the path are not valid UTF-8")]
    Utf8,
    /// More `..` than segments before it.
    #[error("the path climbs above its root with `..`")]
    AboveRoot,
    /// `.;` or `..;`: some servers cut the parameter and see a dot segment.
    #[error("a `.` or `..` segment of the path carries `;` parameters")]
    DotParameter,
}

/// Characters that stand for themselves in a path and need no thought: RFC 3986 `pchar` without `%`.
const PLAIN: u8 = 0;
/// Unreserved characters but `.`: plain, and decoded when found percent-encoded.
const UNRESERVED: u8 = 1;
/// `.` and `/`, which matter at the start of a segment.
const STRUCTURE: u8 = 2;
/// `%`.
const ESCAPE: u8 = 3;
/// Everything else: to be encoded or refused.
const OTHER: u8 = 4;

static CLASS: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [OTHER; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        table[byte as usize] = match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'~' => UNRESERVED,
            b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' | b':' | b'@' => {
                PLAIN
            }
            b'.' | b'/' => STRUCTURE,
            b'%' => ESCAPE,
            _ => OTHER,
        };
        byte += 1;
    }
    table
}

/// Brings a path into its normal form, borrowed when it is in that form already.
///
/// - Percent-encoded unreserved characters are decoded, all other escapes get upper-case digits
///   (RFC 3986, sections 6.2.2.1 and 6.2.2.2).
/// - Runs of `/` become one `/`; then dot segments are removed (RFC 3986, section 5.2.4). Slashes go first,
///   as in the file systems that most upstreams imitate: `/a//../b` is `/b`.
/// - Characters that the grammar of a path does not have (`"<>[]^{|}`, back-quote, non-ASCII letters) are
///   percent-encoded, so that what is forwarded is grammatical and each resource has one spelling.
/// - Refused are `%00` and other controls, `%2F`, `%5C`, `\`, incomplete escapes, escapes that are not
///   UTF-8, `..` above the root (RFC 3986 would ignore it), and dot segments with parameters (`/..;x/`).
///
/// The result starts with `/`, is ASCII and is its own normal form.
pub fn normalise_path(path: &str) -> Result<Cow<'_, str>, PathError> {
    if !path.starts_with('/') {
        return Err(PathError::Relative);
    }
    if is_normal(path.as_bytes()) { Ok(Cow::Borrowed(path)) } else { rewrite(path).map(Cow::Owned) }
}

/// Whether [`rewrite`] would return the path unchanged. May be wrong only by saying no.
pub(super) fn is_normal(path: &[u8]) -> bool {
    let mut at = 0;
    while let Some(&byte) = path.get(at) {
        match CLASS[usize::from(byte)] {
            PLAIN | UNRESERVED => at += 1,
            STRUCTURE => {
                if byte == b'/' && starts_odd_segment(&path[at + 1..]) {
                    return false;
                }
                at += 1;
            }
            ESCAPE => match read_escapes(&path[at..]) {
                Ok(escaped) if escaped.must_stay() && is_upper_case(&path[at..at + escaped.width()]) => {
                    at += escaped.width();
                }
                _ => return false,
            },
            _ => return false,
        }
    }
    true
}

/// Whether a segment is empty but not last, or starts like a dot segment.
fn starts_odd_segment(rest: &[u8]) -> bool {
    let after_dots = match rest {
        [b'/', ..] => return true,
        [b'.', b'.', tail @ ..] | [b'.', tail @ ..] => tail,
        _ => return false,
    };
    matches!(after_dots.first(), None | Some(b'/' | b';' | b'%'))
}

fn is_upper_case(escapes: &[u8]) -> bool {
    !escapes.iter().any(u8::is_ascii_lowercase)
}

/// One character read from one to four escapes.
struct Escaped {
    utf8: [u8; 4],
    len: usize,
}

impl Escaped {
    /// Bytes it took in the path.
    fn width(&self) -> usize {
        self.len * 3
    }

    /// Whether it stays encoded in the normal form.
    fn must_stay(&self) -> bool {
        let byte = self.utf8[0];
        CLASS[usize::from(byte)] != UNRESERVED && byte != b'.'
    }
}

/// Reads the character that starts with the escape at the start of `rest`.
fn read_escapes(rest: &[u8]) -> Result<Escaped, PathError> {
    let first = read_byte(rest)?;
    match first {
        0..=0x1f | 0x7f => return Err(PathError::Control),
        b'/' | b'\\' => return Err(PathError::EncodedSlash),
        _ => {}
    }
    let len = match first {
        0..=0x7f => 1,
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => return Err(PathError::Utf8),
    };
    let mut utf8 = [first, 0, 0, 0];
    for (index, byte) in utf8.iter_mut().enumerate().take(len).skip(1) {
        *byte = match rest.get(index * 3) {
            Some(b'%') => read_byte(&rest[index * 3..])?,
            _ => return Err(PathError::Utf8),
        };
    }
    // Overlong forms, surrogates and what lies above U+10FFFF are caught here.
    std::str::from_utf8(&utf8[..len]).map_err(|_| PathError::Utf8)?;
    Ok(Escaped { utf8, len })
}

fn read_byte(rest: &[u8]) -> Result<u8, PathError> {
    match rest {
        [b'%', high, low, ..] => match (hex_value(*high), hex_value(*low)) {
            (Some(high), Some(low)) => Ok(high << 4 | low),
            _ => Err(PathError::Escape),
        },
        _ => Err(PathError::Escape),
    }
}

fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// Writes the normal form of a path that starts with `/`.
pub(super) fn rewrite(path: &str) -> Result<String, PathError> {
    let bytes = path.as_bytes();
    let mut out = String::with_capacity(bytes.len() + 16);
    out.push('/');
    let mut segment_start = 1;
    let mut at = 1;
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'/' => end_segment(&mut out, &mut segment_start, Some('/'))?,
            b'%' => {
                let escaped = read_escapes(&bytes[at - 1..])?;
                at += escaped.width() - 1;
                if escaped.must_stay() {
                    escaped.utf8[..escaped.len].iter().for_each(|&byte| push_escape(&mut out, byte));
                } else {
                    out.push(char::from(escaped.utf8[0]));
                }
            }
            0..=0x1f | 0x7f => return Err(PathError::Control),
            b'\\' => return Err(PathError::Backslash),
            b' ' | b'?' | b'#' => return Err(PathError::Delimiter),
            _ if CLASS[usize::from(byte)] == OTHER => push_escape(&mut out, byte),
            _ => out.push(char::from(byte)),
        }
    }
    end_segment(&mut out, &mut segment_start, None)?;
    Ok(out)
}

/// Settles the segment that `out` ends with; `separator` is what follows it, if anything does.
fn end_segment(out: &mut String, start: &mut usize, separator: Option<char>) -> Result<(), PathError> {
    match &out[*start..] {
        "" => {}
        "." => out.truncate(*start),
        ".." => {
            let parent = out[..*start - 1].rfind('/').ok_or(PathError::AboveRoot)?;
            out.truncate(parent + 1);
        }
        segment if is_dot_with_parameter(segment) => return Err(PathError::DotParameter),
        _ => out.extend(separator),
    }
    *start = out.len();
    Ok(())
}

fn is_dot_with_parameter(segment: &str) -> bool {
    let Some(rest) = segment.strip_prefix('.') else { return false };
    let rest = rest.strip_prefix('.').unwrap_or(rest);
    rest.starts_with(';') || rest.starts_with("%3B")
}

fn push_escape(out: &mut String, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    out.push('%');
    out.push(char::from(DIGITS[usize::from(byte >> 4)]));
    out.push(char::from(DIGITS[usize::from(byte & 15)]));
}
