//! Letters as outlines, for the PNG: its renderer then needs neither a font nor a layout of text.

use resvg::usvg::roxmltree::{Document, Node};

/// A line for each character: its code, its advance, and its outline with y upwards.
const LETTERS: &str = include_str!("../../../../assets/fonts/letters.txt");
/// Units of an em, and the height of an x in it.
const EM: f64 = 2048.0;
const EX: f64 = 1120.0;

/// The SVG with each `text` as a `path`.
pub(super) fn outlined(svg: &str) -> Result<String, String> {
    let document = Document::parse(svg).map_err(|why| why.to_string())?;
    let mut out = String::new();
    let mut done = 0;
    for text in document.descendants().filter(|node| node.has_tag_name("text")) {
        let range = text.range();
        out.push_str(&svg[done..range.start]);
        out.push_str(&outline(&text));
        done = range.end;
    }
    out.push_str(&svg[done..]);
    Ok(out)
}

/// The width of a line of text in units of its size.
pub(super) fn width(text: &str) -> f64 {
    text.chars().map(|character| letter(character).0 / EM).sum()
}

fn outline(text: &Node<'_, '_>) -> String {
    let attribute = |name: &str| text.attribute(name).unwrap_or_default();
    let number = |name: &str| attribute(name).parse::<f64>().unwrap_or(0.0);
    let scale = number("font-size") / EM;
    let letters: Vec<(f64, &str)> =
        text.text().unwrap_or_default().trim().chars().map(letter).collect();
    let width: f64 = letters.iter().map(|(advance, _)| advance * scale).sum();
    let mut x = match attribute("text-anchor") {
        "middle" => number("x") - width / 2.0,
        "end" => number("x") - width,
        _ => number("x"),
    };
    let y = number("y") + shift(attribute("dy")) * scale;
    let mut paths = String::new();
    for (advance, path) in letters {
        paths += &format!(
            "<path transform=\"translate({x} {y}) scale({scale} {})\" d=\"{path}\"/>",
            -scale
        );
        x += advance * scale;
    }
    let [fill, opacity, transform] = ["fill", "opacity", "transform"].map(attribute);
    format!("<g fill=\"{fill}\" opacity=\"{opacity}\" transform=\"{transform}\">{paths}</g>")
}

/// `0.76em`, `-0.5ex` in units of the outlines.
fn shift(length: &str) -> f64 {
    let units = |suffix, unit: f64| {
        length.strip_suffix(suffix).and_then(|n| n.parse::<f64>().ok()).map(|n| n * unit)
    };
    units("em", EM).or_else(|| units("ex", EX)).unwrap_or(0.0)
}

/// Advance and outline; what the table lacks is a question mark.
fn letter(character: char) -> (f64, &'static str) {
    let find = |character: char| {
        let code = format!("{:04X} ", u32::from(character));
        let line = LETTERS.lines().find_map(|line| line.strip_prefix(&code))?;
        let (advance, path) = line.split_once(' ').unwrap_or((line, ""));
        Some((advance.parse().ok()?, path))
    };
    find(character).or_else(|| find('?')).unwrap_or((0.0, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_becomes_paths_and_the_rest_stays() {
        let svg = "<svg><rect/><text x=\"10\" y=\"20\" dy=\"0.5ex\" text-anchor=\"end\" \
                   font-size=\"2048\" fill=\"#000\" opacity=\"1\">\n! &lt;\n</text></svg>";
        let out = outlined(svg).expect("well formed");
        assert!(out.starts_with("<svg><rect/><g fill=\"#000\""), "{out}");
        assert!(out.ends_with("</g></svg>"), "{out}");
        assert_eq!(out.matches("<path").count(), 3);
        // "!", " " and "<" are 821, 651 and 1716 units wide; half an x is 560.
        assert!(out.contains("translate(-3178 580) scale(1 -1)"), "{out}");
        assert_eq!(letter('\u{1F600}'), letter('?'));
    }
}
