//! "Did you mean": the candidate closest to what was written.

/// The candidate that was probably meant, if one is close. Case, `_` and `-` do not count.
pub(crate) fn closest<'a>(written: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = normal(written);
    let allowed = (wanted.chars().count() / 3).clamp(1, 3);
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&wanted, &normal(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= allowed && *distance < candidate.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Words in backquotes, joined by commas; at most twenty.
pub(crate) fn listed<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<_> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match words.len() {
        0..=20 => words.join(", "),
        count => format!("{} and {} more", words[..20].join(", "), count - 20),
    }
}

fn normal(text: &str) -> String {
    // Nothing longer than this is close to a key; the distance costs the product of the lengths.
    let kept = text.chars().filter(|c| !matches!(c, '_' | '-' | ' ')).take(64);
    kept.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_and_other_spellings_are_recognised() {
        let keys = ["connect_timeout", "idle_timeout", "idle_max", "targets"];
        assert_eq!(closest("connectTimeout", keys), Some("connect_timeout"));
        assert_eq!(closest("conect-timeout", keys), Some("connect_timeout"));
        assert_eq!(closest("target", keys), Some("targets"));
        assert_eq!(closest("colour", keys), None);
        assert_eq!(closest("x", ["y"]), None);
    }
}
