//! Functions that emitted code needs beside the operations of its library. They stand in one file
//! for each library; a module gets those it uses, and those they use.

use std::collections::BTreeSet;

/// The definitions a text uses, in the order of the file of helpers, each with two blank lines
/// behind it.
pub(super) fn used(library: &str, text: &str) -> String {
    let all = definitions(library);
    let mut wanted: BTreeSet<usize> = BTreeSet::new();
    let mut open = vec![text.to_owned()];
    while let Some(text) = open.pop() {
        for (at, (name, body)) in all.iter().enumerate() {
            if !wanted.contains(&at) && mentions(&text, name) {
                wanted.insert(at);
                open.push(body.clone());
            }
        }
    }
    wanted.into_iter().map(|at| format!("{}\n\n\n", all[at].1.trim_end())).collect()
}

/// Top-level functions with their names.
fn definitions(library: &str) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    for line in library.lines() {
        if let Some(rest) = line.strip_prefix("def ") {
            let name = rest.split('(').next().unwrap_or(rest);
            all.push((name.to_owned(), String::new()));
        }
        if let Some((_, body)) = all.last_mut() {
            body.push_str(line);
            body.push('\n');
        }
    }
    all
}

/// The same for Rust: functions with their comments, one blank line between them.
pub(super) fn used_rust(library: &str, text: &str) -> String {
    let all: Vec<(&str, &str)> = library
        .split("\n\n")
        .filter_map(|block| {
            let head = block.lines().find_map(|line| line.strip_prefix("fn "))?;
            Some((head.split('(').next().unwrap_or(head), block.trim_end()))
        })
        .collect();
    let mut wanted: BTreeSet<usize> = BTreeSet::new();
    let mut open = vec![text.to_owned()];
    while let Some(text) = open.pop() {
        // A comment calls nothing.
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        let text = code.collect::<Vec<_>>().join("\n");
        for (at, (name, body)) in all.iter().enumerate() {
            let called =
                text.contains(&format!("{name}(")) || text.contains(&format!(", {name})"));
            if !wanted.contains(&at) && called && mentions(&text, name) {
                wanted.insert(at);
                open.push((*body).to_owned());
            }
        }
    }
    let parts: Vec<String> = wanted.into_iter().map(|at| format!("{}\n", all[at].1)).collect();
    parts.join("\n")
}

/// Does a text name a function?
pub(super) fn mentions(text: &str, name: &str) -> bool {
    let letter = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(name).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + name.len()..].chars().next();
        !before.is_some_and(letter) && !after.is_some_and(letter)
    })
}
