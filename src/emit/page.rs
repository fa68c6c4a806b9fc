//! The page: what a derivation says, before it is set in any format.
//!
//! Sections hold paragraphs, displayed formulas, lists and tables. Everything here is decided by the
//! study and the [`View`]; the renderers only spell it.

mod diagnosis;
mod motion;
mod objective;
mod regimes;
mod rule;
mod slow;
mod steps;
mod symbols;

use super::math::{Math, Script, Sign};
use crate::study::Study;

/// What a reader wants to see, and how.
#[derive(Clone, Debug)]
pub struct View {
    /// The parts of the page, in the order of [`Part::ALL`].
    pub parts: Vec<Part>,
    /// Only this regime; all of them otherwise.
    pub regime: Option<String>,
    /// How text formats spell formulas.
    pub script: Script,
    /// Columns of a text page.
    pub width: usize,
}

/// The width of a page of text that no terminal has an opinion about.
pub const WIDTH: usize = 80;

impl Default for View {
    fn default() -> View {
        View {
            parts: vec![Part::Model, Part::Motion, Part::Rule],
            regime: None,
            script: Script::Unicode,
            width: WIDTH,
        }
    }
}

/// A part of the page; the names are those of `--show`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The objective and its symbols.
    Model,
    /// The equations of motion.
    Motion,
    /// The steps of the derivation.
    Trace,
    /// The rule, its regimes and its diagnosis.
    Rule,
}

impl Part {
    /// All parts with their names.
    pub const ALL: [(&'static str, Part); 4] = [
        ("model", Part::Model),
        ("motion", Part::Motion),
        ("trace", Part::Trace),
        ("rule", Part::Rule),
    ];
}

/// A page.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The title.
    pub title: String,
    /// What the author wrote about the file, one entry a paragraph.
    pub about: Vec<String>,
    /// The sections.
    pub sections: Vec<Section>,
}

/// A section with a heading.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    /// The heading.
    pub heading: String,
    /// What it says.
    pub blocks: Vec<Block>,
}

/// A part of a section.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// A paragraph.
    Text(Prose),
    /// Displayed formulas, one below the other.
    Formulas(Vec<Formula>),
    /// The result.
    Boxed(Vec<Formula>),
    /// Symbols and what they mean.
    Glossary(Vec<(Math, Prose)>),
    /// Entries under one heading each.
    Table(Table),
    /// Remarks, one a line.
    List(Vec<Prose>),
    /// The steps of a derivation.
    Steps(Vec<StepText>),
}

/// Words and formulas in a row.
pub type Prose = Vec<Inline>;

/// A run of words or a formula within them.
#[derive(Clone, Debug, PartialEq)]
pub enum Inline {
    /// Words.
    Words(String),
    /// A formula.
    Math(Math),
    /// A name from the file or the command line.
    Code(String),
}

/// A displayed formula.
#[derive(Clone, Debug, PartialEq)]
pub struct Formula {
    /// The left side; empty when there is none.
    pub left: Math,
    /// The sign in the middle.
    pub sign: Option<Sign>,
    /// The right side.
    pub right: Math,
}

impl Formula {
    pub(super) fn equation(left: impl Into<Math>, right: impl Into<Math>) -> Formula {
        let sign = Some(super::math::EQUALS);
        Formula { left: left.into(), sign, right: right.into() }
    }

    pub(super) fn bare(right: impl Into<Math>) -> Formula {
        Formula { left: Math::default(), sign: None, right: right.into() }
    }

    /// The formula as one piece of mathematics.
    pub fn whole(&self) -> Math {
        let sign = self.sign.iter().cloned().map(Math::from);
        Math::joined(std::iter::once(self.left.clone()).chain(sign).chain([self.right.clone()]))
    }
}

/// A table. A cell holds one or more lines.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// The headings of the columns.
    pub head: Vec<Prose>,
    /// The rows.
    pub rows: Vec<Vec<Vec<Prose>>>,
}

/// One step of a derivation.
#[derive(Clone, Debug, PartialEq)]
pub struct StepText {
    /// The law or method.
    pub law: String,
    /// What was done.
    pub remark: String,
    /// What the step claims.
    pub formulas: Vec<Formula>,
}

impl From<&str> for Inline {
    fn from(words: &str) -> Inline {
        Inline::Words(words.to_owned())
    }
}

impl From<String> for Inline {
    fn from(words: String) -> Inline {
        Inline::Words(words)
    }
}

impl<T: Into<Math>> From<T> for Inline {
    fn from(math: T) -> Inline {
        Inline::Math(math.into())
    }
}

/// Prose from words and formulas.
macro_rules! prose {
    ($($part:expr),* $(,)?) => { vec![$($crate::emit::page::Inline::from($part)),*] };
}
pub(super) use prose;

/// `a`, `a and b`, `a, b and c`.
pub(super) fn listed(items: Vec<Prose>) -> Prose {
    let count = items.len();
    let mut all = Vec::new();
    for (at, item) in items.into_iter().enumerate() {
        match at {
            0 => {}
            _ if at + 1 == count => all.push(" and ".into()),
            _ => all.push(", ".into()),
        }
        all.extend(item);
    }
    all
}

pub(super) use regimes::condition as condition_math;
pub(super) use steps::formulas as step_formulas;

/// The page of a study.
pub fn page(study: &Study, view: &View) -> Page {
    let mut sections = Vec::new();
    for (_, part) in Part::ALL {
        if !view.parts.contains(&part) {
            continue;
        }
        match part {
            Part::Model => sections.push(objective::section(study)),
            Part::Motion => sections.extend(motion::section(study)),
            // The steps follow the result, as an appendix.
            Part::Trace => {}
            Part::Rule => {
                sections.extend(rule::sections(study, view));
                sections.extend(regimes::section(study, view));
                sections.extend(slow::sections(study, view));
                sections.extend(slow::flows(study, view));
                if view.regime.is_none() {
                    sections.extend(diagnosis::sections(study));
                }
            }
        }
    }
    if view.parts.contains(&Part::Trace) {
        sections.push(steps::section(study));
    }
    Page { title: title(&study.model.name), about: about(&study.model.about), sections }
}

/// `natural_gradient` is `Natural gradient`.
fn title(name: &str) -> String {
    let words = name.replace('_', " ");
    let mut letters = words.trim().chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => name.to_owned(),
    }
}

/// Lines of a comment as paragraphs: an empty line parts them, and so does a first line that is a
/// sentence of its own.
fn about(lines: &[String]) -> Vec<String> {
    let mut paragraphs: Vec<String> = Vec::new();
    let mut open = false;
    for (at, line) in lines.iter().enumerate() {
        let line = line.trim();
        if line.is_empty() {
            open = false;
            continue;
        }
        match paragraphs.last_mut() {
            Some(paragraph) if open => {
                paragraph.push(' ');
                paragraph.push_str(line);
            }
            _ => paragraphs.push(line.to_owned()),
        }
        open = !(at == 0 && line.ends_with('.'));
    }
    paragraphs
}
