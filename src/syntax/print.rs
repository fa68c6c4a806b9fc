//! The formatter: a tree as text. Parsing the text gives the tree back.
//!
//! Keywords of one kind share a column, so do the colons of neighbouring declarations and,
//! over the whole file, the comments beside clauses.

mod clause;
mod expr;

use super::ast::{
    Belief, BeliefPart, Binding, Clause, Comment, Discount, Expr, File, Horizon, Item, List,
    Trivia,
};
pub use expr::expression;

/// Lines are broken, where they can be, to stay within this width.
const WIDTH: usize = 100;

/// A comment beside a line longer than this does not move the column of the others.
const COMMENT_COLUMN: usize = 64;

/// Names longer than this do not move the colons of their neighbours.
const NAME_COLUMN: usize = 24;

/// The file in the formatter's layout.
pub fn format(file: &File) -> String {
    let mut page = Page::default();
    for (at, item) in file.items.iter().enumerate() {
        page.trivia(&item.above);
        page.item(item, names_width(&file.items, at));
    }
    page.trivia(&file.tail);
    page.finish()
}

/// One line of output.
struct Row {
    code: String,
    beside: Option<String>,
}

#[derive(Default)]
struct Page {
    rows: Vec<Row>,
}

impl Page {
    fn trivia(&mut self, list: &[Trivia]) {
        for trivia in list {
            match trivia {
                Trivia::Blank => self.line(String::new()),
                Trivia::Comment(comment) => self.line(comment_text(comment)),
            }
        }
    }

    fn line(&mut self, code: String) {
        self.rows.push(Row { code, beside: None });
    }

    /// Puts a comment beside the last line.
    fn beside(&mut self, comment: Option<&Comment>) {
        if let (Some(row), Some(comment)) = (self.rows.last_mut(), comment) {
            row.beside = Some(comment_text(comment));
        }
    }

    fn item(&mut self, item: &Item, names_width: usize) {
        use clause::{call, declarators, limit, names, ty};
        let head = |keyword: &str| format!("{keyword:width$} ", width = column(keyword) - 1);
        let text = match &item.clause {
            Clause::Lagrangian(name) => head("lagrangian") + &name.text,
            Clause::Param(param) => {
                let law =
                    param.law.as_ref().map_or(String::new(), |law| format!(" ~ {}", call(law)));
                let names = names(&param.names);
                let ty = ty(&param.ty);
                format!("{}{names:names_width$} : {ty}{law}", head("param"))
            }
            Clause::Given(given) => {
                let names = declarators(&given.names);
                format!("{}{names:names_width$} : {}", head("given"), ty(&given.ty))
            }
            Clause::Coordinate(coordinate) => head("coordinate") + &binding(coordinate),
            Clause::Metric(value) => return self.expr(item, head("metric"), value),
            Clause::Drift(value) => return self.expr(item, head("drift"), value),
            Clause::Rate(value) => return self.expr(item, head("rate"), value),
            Clause::Loss(value) => return self.expr(item, head("loss"), value),
            Clause::Integrand(value) => return self.expr(item, head("integrand"), value),
            Clause::Discount(Discount::Rate(value)) => {
                return self.expr(item, head("discount"), value);
            }
            Clause::Discount(Discount::Weight(value)) => {
                return self.expr(item, head("discount") + "weight ", value);
            }
            Clause::Horizon(Horizon::Infinite) => head("horizon") + "infinite",
            Clause::Horizon(Horizon::SingleStep) => head("horizon") + "single_step",
            Clause::Horizon(Horizon::Until(value)) => {
                return self.expr(item, head("horizon"), value);
            }
            Clause::Belief(belief) => return self.belief(item, belief),
            Clause::Dim(list) => {
                return self.list(item, &head("dim"), list, |name| name.text.clone());
            }
            Clause::Commute(list) => {
                return self.list(item, &head("commute"), list, |name| name.text.clone());
            }
            Clause::Const(list) => {
                return self.list(item, &head("const"), list, clause::constant);
            }
            Clause::Regime(regime) => {
                let name = &regime.name.text;
                let head = format!("{}{name:names_width$} : ", head("regime"));
                return self.list(item, &head, &regime.limits, limit);
            }
            Clause::Values(list) => return self.list(item, &head("values"), list, binding),
            Clause::Start(list) => return self.list(item, &head("start"), list, binding),
            Clause::End(list) => return self.list(item, &head("end"), list, binding),
        };
        self.line(text);
        self.beside(item.beside.as_ref());
    }

    fn expr(&mut self, item: &Item, head: String, value: &Expr) {
        let indent = head.len();
        let whole = format!("{head}{}", expression(value));
        if whole.len() <= WIDTH {
            self.line(whole);
        } else {
            self.fill(head, indent, expr::breakable(value), " ");
        }
        self.beside(item.beside.as_ref());
    }

    fn list<T>(
        &mut self,
        item: &Item,
        head: &str,
        list: &List<T>,
        text: impl Fn(&T) -> String,
    ) {
        let indent = head.len();
        let last = list.entries.len() - 1;
        let pieces: Vec<String> = list
            .iter()
            .enumerate()
            .map(|(at, node)| text(node) + if at < last { "," } else { "" })
            .collect();
        let plain = list.entries.iter().all(|e| e.above.is_empty() && e.beside.is_none());
        if plain {
            self.fill(head.to_owned(), indent, pieces, " ");
        } else {
            for (at, (entry, piece)) in list.entries.iter().zip(pieces).enumerate() {
                for comment in &entry.above {
                    self.line(" ".repeat(indent) + &comment_text(comment));
                }
                let lead = if at == 0 { head.to_owned() } else { " ".repeat(indent) };
                self.line(lead + &piece);
                self.beside(entry.beside.as_ref());
            }
        }
        self.beside(item.beside.as_ref());
    }

    /// As many pieces on each line as fit.
    fn fill(&mut self, head: String, indent: usize, pieces: Vec<String>, gap: &str) {
        let mut line = head;
        for (at, piece) in pieces.into_iter().enumerate() {
            if at > 0 && line.len() + gap.len() + piece.len() > WIDTH {
                self.line(line);
                line = " ".repeat(indent);
            } else if at > 0 {
                line.push_str(gap);
            }
            line.push_str(&piece);
        }
        self.line(line);
    }

    fn belief(&mut self, item: &Item, belief: &Belief) {
        self.line(format!("belief {} : {}", belief.name.text, clause::ty(&belief.ty)));
        self.beside(belief.beside.as_ref());
        for part in &belief.parts {
            for comment in &part.above {
                self.line(format!("  {}", comment_text(comment)));
            }
            self.line(match &part.part {
                BeliefPart::Prior(law) => format!("  prior   {}", clause::call(law)),
                BeliefPart::Observe(what, law) => {
                    format!("  observe {} ~ {}", expression(what), clause::call(law))
                }
                BeliefPart::Weight(value) => format!("  weight  {}", expression(value)),
            });
            self.beside(part.beside.as_ref());
        }
        self.beside(item.beside.as_ref());
    }

    /// Puts the comments into their common column.
    fn finish(self) -> String {
        let column = self
            .rows
            .iter()
            .filter(|row| row.beside.is_some() && row.code.len() <= COMMENT_COLUMN)
            .map(|row| row.code.len())
            .max()
            .unwrap_or(0);
        let mut out = String::new();
        for row in self.rows {
            out.push_str(&row.code);
            if let Some(comment) = row.beside {
                out.push_str(&" ".repeat(column.saturating_sub(row.code.len()) + 2));
                out.push_str(&comment);
            }
            out.push('\n');
        }
        out
    }
}

fn binding(binding: &Binding) -> String {
    format!("{} = {}", binding.name.text, expression(&binding.value))
}

fn comment_text(comment: &Comment) -> String {
    // A heading made of several `#` keeps them together.
    let gap = if comment.text.is_empty() || comment.text.starts_with('#') { "" } else { " " };
    format!("#{gap}{}", comment.text)
}

/// The column where the text after a keyword begins: declarations, the objective, numbers.
fn column(keyword: &str) -> usize {
    match keyword {
        "dim" | "param" | "given" | "const" => 7,
        "metric" | "drift" | "rate" | "loss" | "discount" | "horizon" => 9,
        "values" | "start" | "end" => 8,
        other => other.len() + 1,
    }
}

/// The common width of the names before the colon in the block of lines around an item.
fn names_width(items: &[Item], at: usize) -> usize {
    let Some(own) = names_of(&items[at].clause) else { return 0 };
    let begins_block = |item: &Item| item.above.contains(&Trivia::Blank);
    let start = (1..=at).rev().find(|i| begins_block(&items[*i])).unwrap_or(0);
    let end = (at + 1..items.len()).find(|i| begins_block(&items[*i])).unwrap_or(items.len());
    items[start..end]
        .iter()
        .filter_map(|item| names_of(&item.clause))
        .filter(|other| other.kind == own.kind && other.width <= NAME_COLUMN)
        .map(|other| other.width)
        .max()
        .unwrap_or(0)
}

struct Names {
    kind: &'static str,
    width: usize,
}

fn names_of(clause: &Clause) -> Option<Names> {
    match clause {
        Clause::Param(param) => {
            Some(Names { kind: "declared", width: clause::names(&param.names).len() })
        }
        Clause::Given(given) => {
            Some(Names { kind: "declared", width: clause::declarators(&given.names).len() })
        }
        Clause::Regime(regime) => Some(Names { kind: "regime", width: regime.name.text.len() }),
        _ => None,
    }
}
