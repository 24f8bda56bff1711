//! "Did you mean …?"

/// The candidate that the user most likely meant, if one is near enough.
pub fn suggestion<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    candidates
        .into_iter()
        .filter_map(|candidate| Some((distance(&lower, &candidate.to_lowercase())?, candidate)))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// "did you mean `threshold`?" or, where nothing is near, what there is to choose from.
pub fn hint_for(word: &str, candidates: &[&str], what: &str) -> String {
    if let Some(candidate) = suggestion(word, candidates.iter().copied()) {
        return format!("did you mean `{candidate}`?");
    }
    let list: Vec<String> = candidates.iter().map(|c| format!("`{c}`")).collect();
    format!("{what}: {}", list.join(", "))
}

/// How far apart two words are, or `None` where nobody would take one for the other.
fn distance(word: &str, candidate: &str) -> Option<usize> {
    let edits = strsim::damerau_levenshtein(word, candidate);
    let length = word.chars().count().max(candidate.chars().count());
    if edits <= (length / 3).max(1) && edits < length {
        return Some(edits);
    }
    // `metric_name` and `comparison_operator`, as other tools call them, for `metric` and `comparison`.
    let shorter = word.len().min(candidate.len());
    let extends = word.starts_with(candidate) || candidate.starts_with(word);
    (shorter >= 4 && extends).then_some(edits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_suggested_and_far_ones_are_not() {
        let keys = ["threshold", "metric", "comparison", "period"];
        assert_eq!(suggestion("treshold", keys), Some("threshold"));
        assert_eq!(suggestion("Period", keys), Some("period"));
        assert_eq!(suggestion("metric_name", keys), Some("metric"));
        assert_eq!(suggestion("comparison_operator", keys), Some("comparison"));
        assert_eq!(suggestion("colour", keys), None);
        assert_eq!(suggestion("x", ["y"]), None);
    }

    #[test]
    fn a_hint_lists_the_choices_when_nothing_is_near() {
        assert_eq!(hint_for("pth", &["path"], "allowed keys"), "did you mean `path`?");
        assert_eq!(hint_for("colour", &["name", "path"], "allowed keys"), "allowed keys: `name`, `path`");
    }
}
