//! Reading files with a bound on their size.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Why a file gave no text.
#[derive(Debug)]
pub(super) enum ReadError {
    /// The system refused.
    Io(io::Error),
    /// It has more bytes than allowed.
    TooLarge,
    /// It is not UTF-8; the 1-based line of the first bad byte.
    NotUtf8 {
        /// Line, from 1.
        line: usize,
    },
    /// It is a directory, a device or a pipe.
    NotAFile,
}

/// Whether something other than a regular file may be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Regular files only: opening a pipe would wait for its writer.
    Regular,
    /// Also pipes, such as `/dev/stdin`.
    Any,
}

/// The text of a file of at most `bytes_max` bytes, without a byte order mark.
pub(super) fn read_text(path: &Path, bytes_max: usize, kind: Kind) -> Result<String, ReadError> {
    let metadata = std::fs::metadata(path).map_err(ReadError::Io)?;
    if metadata.is_dir() || (kind == Kind::Regular && !metadata.is_file()) {
        return Err(ReadError::NotAFile);
    }
    let file = File::open(path).map_err(ReadError::Io)?;
    let mut bytes = Vec::new();
    let limit = u64::try_from(bytes_max).unwrap_or(u64::MAX);
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(ReadError::Io)?;
    if bytes.len() > bytes_max {
        return Err(ReadError::TooLarge);
    }
    decode(bytes)
}

/// Bytes to text, without a byte order mark.
pub(super) fn decode(bytes: Vec<u8>) -> Result<String, ReadError> {
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = valid.split(|byte| *byte == b'\n').count();
        ReadError::NotUtf8 { line }
    })?;
    Ok(text.strip_prefix('\u{feff}').map_or(text.clone(), str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_large_undecodable_and_absent_files_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        std::fs::write(&path, "\u{feff}ab").unwrap();
        assert_eq!(read_text(&path, 5, Kind::Regular).unwrap(), "ab");
        assert!(matches!(read_text(&path, 4, Kind::Regular), Err(ReadError::TooLarge)));
        std::fs::write(&path, b"a\n\xff").unwrap();
        assert!(matches!(read_text(&path, 9, Kind::Regular), Err(ReadError::NotUtf8 { line: 2 })));
        assert!(matches!(read_text(folder.path(), 9, Kind::Any), Err(ReadError::NotAFile)));
        let absent = folder.path().join("absent");
        assert!(matches!(read_text(&absent, 9, Kind::Any), Err(ReadError::Io(_))));
        assert!(matches!(read_text(Path::new("/dev/zero"), 9, Kind::Regular), Err(ReadError::NotAFile)));
    }
}
