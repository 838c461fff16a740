//! Makes a program that shows a difference as small as it gets: takes away lines, then pieces of lines, as long
//! as the rest still shows one.

/// Shrinks a program for which `shows` holds.
pub(crate) fn minimise(source: &str, shows: &mut dyn FnMut(&str) -> bool) -> String {
    let mut best = source.to_owned();
    loop {
        let before = best.len();
        let lines: Vec<&str> = best.lines().collect();
        let shorter = without_runs(&lines, "\n", shows);
        best = without_pairs(&shorter, shows);
        best = without_tokens(&best, shows);
        if best.len() >= before {
            return best;
        }
    }
}

/// Takes away runs of parts, long ones first.
fn without_runs(parts: &[&str], separator: &str, shows: &mut dyn FnMut(&str) -> bool) -> String {
    let mut parts = parts.to_vec();
    let mut length = parts.len() / 2;
    while length > 0 {
        let mut at = 0;
        while at + length <= parts.len() {
            let shorter = [&parts[..at], &parts[at + length..]].concat();
            if shows(&shorter.join(separator)) {
                parts = shorter;
            } else {
                at += 1;
            }
        }
        length = if length > 8 { length / 2 } else { length - 1 };
    }
    parts.join(separator)
}

/// Takes away the first and the last line of blocks, which only go together.
fn without_pairs(source: &str, shows: &mut dyn FnMut(&str) -> bool) -> String {
    let mut lines: Vec<&str> = source.lines().collect();
    let mut open = 0;
    while open < lines.len() {
        let close = (open + 1..lines.len()).find(|close| {
            let mut shorter = lines.clone();
            shorter.remove(*close);
            shorter.remove(open);
            shows(&shorter.join("\n"))
        });
        match close {
            Some(close) => {
                lines.remove(close);
                lines.remove(open);
            }
            None => open += 1,
        }
    }
    lines.join("\n")
}

/// Takes away pieces of lines; what follows a line stands on its line still, so that positions keep.
fn without_tokens(source: &str, shows: &mut dyn FnMut(&str) -> bool) -> String {
    let mut lines: Vec<String> = source.lines().map(str::to_owned).collect();
    for at in 0..lines.len() {
        let line = lines[at].clone();
        let mut whole = |line: &str| {
            let mut lines = lines.clone();
            line.clone_into(&mut lines[at]);
            shows(&lines.join("\n"))
        };
        let parts = tokens(&line);
        let shorter = without_groups(&parts, &mut whole);
        let parts = tokens(&shorter);
        let shorter = without_runs(&parts, "", &mut whole);
        lines[at] = shorter;
    }
    lines.join("\n")
}

/// Puts a constant, or what is inside, in the place of bracketed groups.
fn without_groups(parts: &[&str], shows: &mut dyn FnMut(&str) -> bool) -> String {
    let mut parts: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
    let mut at = 0;
    while at < parts.len() {
        if let Some(end) = group_end(&parts, at) {
            let inside = parts[at + 1..end].to_vec();
            let replacements = [inside, vec!["1".to_owned()], vec!["[]".to_owned()]];
            let smaller = replacements.into_iter().filter(|new| new.len() < end + 1 - at).find_map(|new| {
                let candidate = [&parts[..at], &new[..], &parts[end + 1..]].concat();
                shows(&candidate.concat()).then_some(candidate)
            });
            if let Some(smaller) = smaller {
                parts = smaller;
                continue;
            }
        }
        at += 1;
    }
    parts.concat()
}

/// Where the bracket that opens at `at` closes.
fn group_end(parts: &[String], at: usize) -> Option<usize> {
    if !matches!(parts[at].as_str(), "(" | "[" | "{") {
        return None;
    }
    let mut depth = 0_i32;
    for (index, part) in parts.iter().enumerate().skip(at) {
        depth += match part.as_str() {
            "(" | "[" | "{" => 1,
            ")" | "]" | "}" => -1,
            _ => 0,
        };
        if depth == 0 {
            return Some(index);
        }
    }
    None
}

/// Words, numbers and single other characters.
fn tokens(line: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let word = |c: char| c.is_alphanumeric() || c == '_';
        let length = if word(first) {
            rest.find(|c| !word(c)).unwrap_or(rest.len())
        } else if first == ' ' {
            rest.find(|c| c != ' ').unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (token, after) = rest.split_at(length);
        tokens.push(token);
        rest = after;
    }
    tokens
}
