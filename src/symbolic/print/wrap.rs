//! Breaking a printed formula into lines.

/// Breaks text at `+`, `−` and `=` so that lines fit `width`; further lines start with the sign
/// and are indented by `indent` columns. Breaks outside all brackets come first; only a part that
/// is too long for a line of its own is broken inside its outermost brackets. A formula that
/// cannot be broken stays too long.
pub fn wrap(text: &str, width: usize, indent: usize) -> String {
    let mut lines = Lines { done: Vec::new(), current: String::new(), width, indent };
    lines.lay(text, 0);
    let Lines { mut done, current, .. } = lines;
    done.push(current.trim_end().to_owned());
    done.join(&format!("\n{}", " ".repeat(indent)))
}

/// Brackets nested deeper than this are not broken.
const DEEPEST: usize = 6;

struct Lines {
    done: Vec<String>,
    current: String,
    width: usize,
    indent: usize,
}

impl Lines {
    fn lay(&mut self, text: &str, depth: usize) {
        for part in parts(text, depth) {
            if self.room() >= columns(part.trim_end()) {
                self.current.push_str(part);
                continue;
            }
            if !self.current.trim().is_empty() {
                let line = std::mem::take(&mut self.current);
                self.done.push(line.trim_end().to_owned());
            }
            let part = part.trim_start();
            if self.room() >= columns(part) || depth == DEEPEST {
                self.current.push_str(part);
            } else {
                self.lay(part, depth + 1);
            }
        }
    }

    fn room(&self) -> usize {
        let indent = if self.done.is_empty() { 0 } else { self.indent };
        self.width.saturating_sub(indent + columns(&self.current))
    }
}

/// Pieces between which a line may end at this depth of brackets. Each further one begins with
/// the blank before its sign.
fn parts(text: &str, depth: usize) -> Vec<&str> {
    let (mut found, mut start, mut level) = (Vec::new(), 0, 0usize);
    for (at, character) in text.char_indices() {
        match character {
            '(' | '[' | '{' => level += 1,
            ')' | ']' | '}' => level = level.saturating_sub(1),
            ' ' if level == depth && at > 0 => {
                let mut next = text[at..].chars().skip(1);
                // An equals sign inside braces belongs to a list of values.
                let sign = match next.next() {
                    Some('+' | '−' | '-') => true,
                    Some('=') => depth == 0,
                    _ => false,
                };
                if sign && next.next() == Some(' ') {
                    found.push(&text[start..at]);
                    start = at;
                }
            }
            _ => {}
        }
    }
    found.push(&text[start..]);
    found
}

/// Columns on a terminal: combining marks take none.
fn columns(text: &str) -> usize {
    text.chars().filter(|c| !('\u{300}'..='\u{36f}').contains(c)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_outer_signs_first() {
        let text = "θ'' − γθ' + (a + b) c = ηk∇ℓ(θ) + something";
        assert_eq!(wrap(text, 24, 4), "θ'' − γθ' + (a + b) c\n    = ηk∇ℓ(θ)\n    + something");
        assert_eq!(wrap(text, 80, 4), text);
    }

    #[test]
    fn a_long_part_breaks_inside_its_brackets() {
        assert_eq!(
            wrap("x + f(aaaa + bbbb + cccc)", 12, 2),
            "x\n  + f(aaaa\n  + bbbb\n  + cccc)"
        );
        assert_eq!(wrap("unbreakable_name", 4, 2), "unbreakable_name");
    }
}
