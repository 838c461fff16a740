//! Just enough of Rust's lexical rules to tell code from comments and literals.
//!
//! The rules look for words such as `unsafe` in code; the same words in prose and in test data mean nothing.
//! Knows nested comments, raw strings and the difference between a character and a lifetime; relies on the
//! text being Rust that compiles.

/// The text with comments and literals blanked out. Every line keeps its number and every byte its offset.
pub(crate) fn code_only(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let blank = comment_bytes(rest).or_else(|| literal_bytes(rest));
        let taken = blank.unwrap_or_else(|| word_bytes(rest).max(first.len_utf8()));
        let (piece, after) = rest.split_at(taken);
        if blank.is_some() {
            code.extend(piece.bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
        } else {
            code.push_str(piece);
        }
        rest = after;
    }
    code
}

/// Identifiers and keywords of blanked code, each with its byte offset.
pub(crate) fn words(code: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        at += code[at..].find(is_word_character)?;
        let start = at;
        at += word_bytes(&code[at..]);
        Some((start, &code[start..at]))
    })
}

/// Line of a byte offset, from 1.
pub(crate) fn line_of(text: &str, offset: usize) -> usize {
    1 + text[..offset].bytes().filter(|byte| *byte == b'\n').count()
}

fn is_word_character(character: char) -> bool {
    character == '_' || character.is_alphanumeric()
}

fn word_bytes(rest: &str) -> usize {
    rest.find(|character| !is_word_character(character)).unwrap_or(rest.len())
}

fn comment_bytes(rest: &str) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if !rest.starts_with("/*") {
        return None;
    }
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        let here = &rest.as_bytes()[at..];
        if here.starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if here.starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                break;
            }
        } else {
            at += 1;
        }
    }
    Some(at)
}

fn literal_bytes(rest: &str) -> Option<usize> {
    if rest.starts_with('"') {
        return Some(1 + escaped_bytes(&rest[1..], '"'));
    }
    if let Some(body) = rest.strip_prefix('\'') {
        let mut characters = body.chars();
        let (first, second) = (characters.next()?, characters.next()?);
        let is_character = first == '\\' || second == '\'';
        return is_character.then(|| 1 + escaped_bytes(body, '\''));
    }
    let prefix = word_bytes(rest);
    if !matches!(&rest[..prefix], "r" | "br" | "cr") {
        return None;
    }
    let hashes = rest[prefix..].bytes().take_while(|byte| *byte == b'#').count();
    let body = rest[prefix + hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = body.find(&end).map_or(body.len(), |at| at + end.len());
    Some(prefix + hashes + 1 + length)
}

/// Bytes up to and with the closing quote, passing over escapes.
fn escaped_bytes(body: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, character) in body.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if character == quote => return at + 1,
            _ => {}
        }
    }
    body.len()
}

#[test]
fn comments_and_literals_are_blanked_and_code_is_kept() {
    let cases = [
        ("a // unsafe\nb", "a          \nb"),
        ("a /* x /* y */ z */ b", "a                   b"),
        (r#"f("un\"safe") + 1"#, "f(          ) + 1"),
        ("r#\"a\"b\"# c", "         c"),
        ("r#type", "r#type"),
        ("b\"x\" + 'y'", "b    +    "),
        (r"'\'' x '\\' y", "     x      y"),
        ("fn f<'a>(x: &'a str)", "fn f<'a>(x: &'a str)"),
        ("\"two\nlines\" z", "    \n       z"),
        ("\"héé\" é", "        é"),
    ];
    for (text, expected) in cases {
        assert_eq!(code_only(text), expected, "for {text}");
        assert_eq!(code_only(text).len(), text.len(), "offsets must not move for {text}");
    }
}

#[test]
fn words_are_whole_identifiers_with_their_places() {
    let code = "#![deny(unsafe_code)]\nunsafe { r#fn() }";
    let found: Vec<_> = words(code).map(|(at, word)| (line_of(code, at), word)).collect();
    assert_eq!(found, [(1, "deny"), (1, "unsafe_code"), (2, "unsafe"), (2, "r"), (2, "fn")]);
}
