//! The first sentence of a longer text, for places with room for one: lists, and hints in errors.

/// The text up to the first full stop that ends a sentence, or to the end of its paragraph, on one line.
pub(crate) fn first_sentence(documentation: &str) -> String {
    let paragraph: Vec<&str> =
        documentation.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
    let text = paragraph.join(" ");
    let end = text.find(". ").map_or(text.len(), |stop| stop + 1);
    text[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::first_sentence;

    #[test]
    fn the_first_sentence_may_run_over_lines() {
        assert_eq!(
            first_sentence("Refuses robots, and\nthose without a name. Place it first."),
            "Refuses robots, and those without a name."
        );
        assert_eq!(first_sentence("Masks `a.b` fields\n\nMore. Text."), "Masks `a.b` fields");
        assert_eq!(first_sentence(""), "");
    }
}
