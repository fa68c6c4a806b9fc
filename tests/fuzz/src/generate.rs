//! Random valid `.lag` files: every kind of problem the language can state, with other names,
//! other combinations and other spellings than the shipped rules.

use crate::choices::Choices;

/// Names for the coordinates, so that nothing can hang on `theta`.
const COORDINATES: [&str; 5] = ["theta", "w", "z", "u_1", "weights"];
/// Names for rate, strength, discount and horizon, four to a set.
const CONSTANTS: [[&str; 4]; 4] = [
    ["eta", "k", "gamma", "T"],
    ["alpha", "kappa", "rho", "tau"],
    ["lr", "c", "delta", "span"],
    ["mu", "beta", "lambda_0", "horizon_length"],
];

/// A file being written: declarations are added when something is first spoken of.
pub(crate) struct Draft<'a> {
    pub(crate) choices: &'a mut Choices,
    /// The dimension: a symbol, or a number for problems written in components.
    pub(crate) dim: &'static str,
    /// The main coordinate.
    pub(crate) theta: &'static str,
    names: [&'static str; 4],
    params: Vec<String>,
    givens: Vec<(String, String)>,
    constants: Vec<(String, &'static str)>,
    clauses: Vec<String>,
}

/// A random valid file.
pub fn generate(choices: &mut Choices) -> String {
    let dim = ["n", "n", "2", "3"][choices.below(4)];
    let theta = choices.pick(&COORDINATES);
    let names = CONSTANTS[choices.below(CONSTANTS.len())];
    let mut draft = Draft {
        choices,
        dim,
        theta,
        names,
        params: Vec::new(),
        givens: Vec::new(),
        constants: Vec::new(),
        clauses: Vec::new(),
    };
    match draft.choices.below(6) {
        0 | 1 => draft.vector(),
        2 => draft.abstracted(),
        3 => draft.scalars(),
        4 => draft.components(),
        _ => draft.integrand(),
    }
    draft.text()
}

impl Draft<'_> {
    // ------------------------------------------------------------ declarations

    pub(crate) fn param(&mut self, name: &str, ty: &str) {
        self.params.push(format!("param {name} : {ty}"));
    }

    pub(crate) fn given(&mut self, name: &str, ty: &str) -> String {
        if !self.givens.iter().any(|(known, _)| known == name) {
            self.givens.push((name.to_owned(), ty.to_owned()));
        }
        name.split('(').next().unwrap_or(name).to_owned()
    }

    fn square(&mut self, name: &str, property: &str) -> String {
        let ty = format!("matrix[{0},{0}] {property}", self.dim);
        self.given(name, &ty)
    }

    fn column(&mut self, name: &str) -> String {
        let ty = format!("vector[{}]", self.dim);
        self.given(name, &ty)
    }

    pub(crate) fn constant(&mut self, name: &str, range: &'static str) -> String {
        if !self.constants.iter().any(|(known, _)| known == name) {
            self.constants.push((name.to_owned(), range));
        }
        name.to_owned()
    }

    pub(crate) fn clause(&mut self, text: impl Into<String>) {
        self.clauses.push(text.into());
    }

    fn text(&self) -> String {
        let types = self.params.iter().chain(self.givens.iter().map(|(_, ty)| ty));
        let sized = types.into_iter().any(|ty| ty.contains("[n"));
        let mut lines = vec![String::from("lagrangian generated")];
        lines.extend(sized.then(|| String::from("dim n")));
        lines.extend(self.params.iter().cloned());
        lines.extend(self.givens.iter().map(|(name, ty)| format!("given {name} : {ty}")));
        lines.extend(self.constants.iter().map(|(name, range)| format!("const {name}{range}")));
        lines.extend(self.clauses.iter().cloned());
        lines.join("\n") + "\n"
    }

    // ------------------------------------------------------------ common clauses

    /// The rate, sometimes written in another way.
    fn rate(&mut self) {
        let eta = self.constant(self.names[0], " > 0");
        let rate = ["_", "_", "2*_", "1/_", "_^2"][self.choices.below(5)].replace('_', &eta);
        self.clause(format!("rate {rate}"));
    }

    /// A positive factor.
    pub(crate) fn strength(&mut self) -> String {
        match self.choices.below(5) {
            0 | 1 => self.constant(self.names[1], " > 0"),
            2 => String::from("1"),
            3 => String::from("3/2"),
            _ => format!("{}^2", self.constant(self.names[1], " > 0")),
        }
    }

    /// Discount and horizon. Says whether plans reach to infinity.
    fn patience(&mut self) {
        let gamma = self.names[2];
        match self.choices.below(10) {
            0..=3 => {
                let gamma = self.constant(gamma, " > 0");
                self.clause(format!("discount {gamma}"));
            }
            4 => {
                let gamma = self.constant(gamma, " >= 0");
                self.clause(format!("discount {gamma}"));
            }
            5 => {
                let gamma = self.constant(gamma, " > 0");
                let extra = self.constant("extra", " > 0");
                self.clause(format!("discount 2*{gamma} + {extra}"));
            }
            6 => self.clause("discount 1/3"),
            7 => self.clause("discount weight (1 + t)^(-2)"),
            _ => {}
        }
        if self.choices.chance(1, 5) {
            let horizon = match self.choices.below(3) {
                0 => self.constant(self.names[3], " > 0"),
                1 => String::from("2"),
                _ => format!("{}/2", self.constant(self.names[3], " > 0")),
            };
            self.clause(format!("horizon {horizon}"));
        }
    }

    /// A few regimes over the constants in use.
    fn regimes(&mut self) {
        let names: Vec<String> =
            self.constants.iter().map(|(name, _)| name.clone()).chain(["dt".into()]).collect();
        for number in 0..self.choices.below(4) {
            let mut limits: Vec<String> = Vec::new();
            let mut used: Vec<usize> = Vec::new();
            for _ in 0..=self.choices.below(2) {
                let at = self.choices.below(names.len());
                if used.contains(&at) {
                    continue;
                }
                used.push(at);
                limits.push(format!(
                    "{} -> {}",
                    names[at],
                    ["0", "inf"][self.choices.below(2)]
                ));
            }
            self.clause(format!("regime r{number} : {}", limits.join(", ")));
        }
    }

    // ------------------------------------------------------------ kinds of problems

    /// One vector, index-free: quadratic losses with every kind of metric and drift.
    fn vector(&mut self) {
        self.param(self.theta, &format!("vector[{}]", self.dim));
        self.rate();
        self.metric();
        if self.choices.chance(1, 2) {
            self.drift();
        }
        let loss = self.quadratic_loss();
        self.clause(format!("loss {loss}"));
        if self.choices.chance(1, 6) {
            self.clause("horizon single_step");
        } else {
            self.patience();
        }
        self.regimes();
    }

    fn metric(&mut self) {
        let metric = match self.choices.below(9) {
            0 | 1 => return,
            2 => self.square("G", "spd"),
            3 => self.square("D", "diagonal spd"),
            4 => self.constant("m", " > 0"),
            5 => self.square("H", "spd"),
            6 => {
                let p = self.given("p", &format!("vector[{}] positive", self.dim));
                format!("diag({p})")
            }
            7 => {
                let (g, d) = (self.square("G", "spd"), self.square("D", "diagonal spd"));
                format!("{g} + {d}")
            }
            _ => format!("inv({})", self.square("G", "spd")),
        };
        self.clause(format!("metric {metric}"));
    }

    fn drift(&mut self) {
        let theta = self.theta;
        let drift = match self.choices.below(8) {
            0 => format!("-{}*{theta}", self.constant("decay", " > 0")),
            1 => format!("{}*{theta}", self.square("Q", "skew")),
            2 => format!("{}*{theta} + {}", self.square("J", ""), self.column("b")),
            3 => self.column("b"),
            4 => format!("-{}*{theta}", self.square("D", "diagonal spd")),
            5 => format!("-{}*({theta} - {theta}(0))", self.square("H", "spd")),
            6 => {
                let decay = self.constant("decay", "");
                format!("{}*{theta} - {decay}*{theta}", self.square("Q", "skew"))
            }
            _ => format!("-{}*({theta} - {})", self.strength(), self.column("b")),
        };
        self.clause(format!("drift {drift}"));
    }

    /// Quadratic losses with at least one strictly convex term.
    fn quadratic_loss(&mut self) -> String {
        let theta = self.theta;
        let strength = self.strength();
        let g = self.column("g");
        let convex = match self.choices.below(8) {
            0 | 1 => format!("quadratic({theta}, {g}, {})", self.square("H", "spd")),
            2 => format!("quadratic({theta}, {g}, {})", self.square("D", "diagonal spd")),
            3 => {
                let p = self.given("p", &format!("vector[{}] positive", self.dim));
                format!("quadratic({theta}, {g}, {p})")
            }
            4 => format!("1/2*quad({}, {theta} - {g})", self.square("A", "spd")),
            5 => {
                let h = self.constant("h", " > 0");
                format!("(dot({g}, {theta} - {theta}(0)) + {h}/2*norm2({theta} - {theta}(0)))")
            }
            6 => format!("(norm2({theta} - {g}))"),
            _ => {
                let (h, b) = (self.square("H", "spd"), self.column("b"));
                format!("(quad({h}, {theta}) + 2*dot({b}, {theta} - {g}))")
            }
        };
        let mut terms = vec![format!("{strength}*{convex}")];
        if self.choices.chance(1, 3) {
            let weight = self.constant("ridge", " > 0");
            terms.push(format!("{weight}/2*norm2({theta})"));
        }
        if self.choices.chance(1, 6) {
            terms.push(format!("1/2*quad({}, {theta})", self.square("P", "psd")));
        }
        if self.choices.chance(1, 8) {
            // Saddles: the condition for an optimum is then part of the result.
            terms.push(format!("1/2*quad({}, {theta})", self.square("S", "symmetric")));
        }
        terms.join(" + ")
    }

    /// Functions known by name only.
    fn abstracted(&mut self) {
        let theta = self.theta;
        self.param(theta, &format!("vector[{}]", self.dim));
        self.rate();
        match self.choices.below(4) {
            0 => {
                let ty = format!("matrix[{0},{0}] spd", self.dim);
                let metric = self.given(&format!("G({theta})"), &ty);
                self.clause(format!("metric {metric}({theta})"));
            }
            1 => self.metric(),
            _ => {}
        }
        match self.choices.below(4) {
            0 => {
                let drift =
                    self.given(&format!("f({theta})"), &format!("vector[{}]", self.dim));
                self.clause(format!("drift {drift}({theta})"));
            }
            1 => self.drift(),
            _ => {}
        }
        let ell = self.given(&format!("ell({theta})"), "scalar");
        let mut terms = vec![format!("{}*{ell}({theta})", self.strength())];
        if self.choices.chance(1, 3) {
            terms.push(format!("{}*norm2({theta})", self.strength()));
        }
        self.clause(format!("loss {}", terms.join(" + ")));
        self.patience();
        self.regimes();
    }

    /// One to three scalar coordinates with polynomial losses and anything between them.
    fn scalars(&mut self) {
        let names = &["x", "y", "v"][..=self.choices.below(3)];
        for name in names {
            self.param(name, "scalar");
        }
        self.rate();
        if self.choices.chance(1, 3) {
            let rows: Vec<String> = (0..names.len())
                .map(|row| {
                    let entry = |column: usize| if row == column { "2" } else { "1/2" };
                    format!("[{}]", (0..names.len()).map(entry).collect::<Vec<_>>().join(", "))
                })
                .collect();
            if names.len() > 1 {
                self.clause(format!("metric [{}]", rows.join(", ")));
            }
        }
        if self.choices.chance(1, 3) {
            let entries: Vec<String> = names.iter().map(|_| self.drift_entry(names)).collect();
            match entries.as_slice() {
                [one] => self.clause(format!("drift {one}")),
                several => self.clause(format!("drift [{}]", several.join(", "))),
            }
        }
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let loss = self.polynomial(&names);
        self.clause(format!("loss {loss}"));
        self.patience();
        self.regimes();
    }

    fn drift_entry(&mut self, names: &[&str]) -> String {
        let name = names[self.choices.below(names.len())];
        match self.choices.below(5) {
            0 => format!("-{name}"),
            1 => format!("{}*{name}", self.constant("a", "")),
            2 => String::from("1/2"),
            3 => format!("{name} - {name}^3"),
            _ => format!("sin({name})"),
        }
    }

    /// A loss in scalars that grows in every direction.
    pub(crate) fn polynomial(&mut self, names: &[String]) -> String {
        let strength = self.strength();
        let mut terms = Vec::new();
        for name in names {
            terms.push(match self.choices.below(7) {
                0 | 1 => format!("{name}^2"),
                2 => format!("{}/2*({name} - 1)^2", self.constant("a_2", " > 0")),
                3 => format!("({name}^2 - {})^2", self.constant("width", " > 0")),
                4 => format!("({name}^4/4 + {name}^2)"),
                5 => format!("(exp({name}) - {name} + {name}^2)"),
                _ => format!("(2*{name}^2 - 3*{name})"),
            });
        }
        if let [first, second, ..] = names
            && self.choices.chance(1, 2)
        {
            terms.push(format!("{first}*{second}/2"));
        }
        if self.choices.chance(1, 4) {
            let slope = self.constant("slope", "");
            terms.push(format!("{slope}*{}", names[0]));
        }
        format!("{strength}*({})", terms.join(" + "))
    }

    /// A vector of known length, written entry by entry.
    fn components(&mut self) {
        let size = 2 + self.choices.below(2);
        let theta = self.theta;
        self.param(theta, &format!("vector[{size}]"));
        self.rate();
        if self.choices.chance(1, 3) {
            let diagonal = self.given("p", &format!("vector[{size}] positive"));
            self.clause(format!("metric diag({diagonal})"));
        }
        if self.choices.chance(1, 4) && size == 2 {
            self.clause(format!("drift [-{theta}[2], {theta}[1]]"));
        }
        let names: Vec<String> = (1..=size).map(|at| format!("{theta}[{at}]")).collect();
        let loss = self.polynomial(&names);
        self.clause(format!("loss {loss}"));
        self.patience();
        self.regimes();
    }

    /// The whole integrand written out.
    fn integrand(&mut self) {
        let two = self.choices.chance(1, 2);
        self.param("x", "scalar");
        let mut names = vec![String::from("x")];
        let mass = ["1/2", "m/2", "1", "(1 + x^2)/2", "m"][self.choices.below(5)];
        if mass.contains('m') {
            self.constant("m", " > 0");
        }
        let mut kinetic = format!("{mass}*x'^2");
        if two {
            self.param("y", "scalar");
            names.push(String::from("y"));
            kinetic += " + y'^2";
            kinetic +=
                ["", " + x'*y'/2", " + x*y'", " + a*(x*y' - y*x')"][self.choices.below(4)];
            if kinetic.contains("a*") {
                self.constant("a", "");
            }
        }
        if self.choices.chance(1, 6) {
            kinetic += " + x'^4";
        }
        if self.choices.chance(1, 8) {
            kinetic += " + t*x";
        }
        let potential = self.polynomial(&names);
        self.clause(format!("integrand {kinetic} + {potential}"));
        self.patience();
        self.regimes();
    }
}
