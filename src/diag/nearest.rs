//! "Did you mean …?"

/// The candidate that a misspelt word most likely meant, if one is near enough.
///
/// Near is at most a third of the letters wrong; two letters swapped count as one mistake,
/// a difference in case alone as none.
pub fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let length = word.chars().count();
    if length > LONGEST {
        return None;
    }
    candidates
        .into_iter()
        .filter(|candidate| *candidate != word)
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, candidate)| {
            let tolerated = length.max(candidate.chars().count()).div_ceil(3);
            *distance == 0 || (*distance <= tolerated && *distance < length)
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// No one misspells a longer word; the table of distances grows with the square.
const LONGEST: usize = 64;

/// Optimal string alignment distance.
fn distance(left: &str, right: &str) -> usize {
    if left.eq_ignore_ascii_case(right) {
        return 0;
    }
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().take(2 * LONGEST).collect();
    let mut rows = vec![(0..=right.len()).collect::<Vec<_>>()];
    for (i, a) in left.iter().enumerate() {
        let above = &rows[i];
        let mut row = vec![i + 1];
        for (j, b) in right.iter().enumerate() {
            let mut best =
                (above[j] + usize::from(a != b)).min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == right[j - 1] && left[i - 1] == *b {
                best = best.min(rows[i - 1][j - 1] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[left.len()][right.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_is_recognised() {
        let words = ["param", "const", "metric", "rate"];
        assert_eq!(nearest("parma", words), Some("param"));
        assert_eq!(nearest("metrik", words), Some("metric"));
        assert_eq!(nearest("Rate", words), Some("rate"));
        assert_eq!(nearest("gradient", words), None);
    }

    #[test]
    fn one_letter_names_only_match_their_other_case() {
        assert_eq!(nearest("h", ["H", "g"]), Some("H"));
        assert_eq!(nearest("x", ["y", "z"]), None);
    }
}
