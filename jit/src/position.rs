//! Source positions as machine code carries them: one 32-bit immediate.

use rhai::Position;

/// Packs a position: the line in the upper half, the column in the lower; 0 for no position.
pub fn pack(position: Position) -> u32 {
    match (position.line(), position.position()) {
        (Some(line), column) => {
            let line = u32::try_from(line).unwrap_or(u32::MAX).min(0xffff);
            let column = u32::try_from(column.unwrap_or(0)).unwrap_or(u32::MAX).min(0xffff);
            line << 16 | column
        }
        (None, _) => 0,
    }
}

/// `line:column`.
pub fn text(packed: u32) -> String {
    format!("{}:{}", packed >> 16, packed & 0xffff)
}

/// The position that [`pack`] was given.
pub fn unpack(packed: u32) -> Position {
    let (line, column) = ((packed >> 16) as u16, (packed & 0xffff) as u16);
    if line == 0 { Position::NONE } else { Position::new(line, column) }
}
