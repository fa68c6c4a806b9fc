//! Rules that know matrices by their products, for tensors of any shape: what the targets share.
//!
//! All parameters are one vector. A function for each [`Formula`] gives its value for an
//! eigenvalue, `_change` is the program of the rule, and helpers of the library apply functions of
//! matrices to vectors.

use super::module::tuple;
use super::names;
use super::python::{Dialect, Writer};
use super::torch::Own;
use super::{Cannot, header};
use crate::rule::program::{Assignment, Input, Op, Role, UpdateRule};

/// An optimizer by products.
pub(super) struct Free<'a> {
    pub(super) own: Own<'a>,
    /// The matrices.
    pub(super) matrices: Vec<&'a Input>,
    /// Other vectors that the rule is given.
    pub(super) vectors: Vec<&'a Input>,
    /// Is there a function of a matrix, so that there is an error?
    pub(super) approximate: bool,
}

impl<'a> Free<'a> {
    /// The rule as an optimizer, or why it is none.
    pub(super) fn new(rule: &'a UpdateRule) -> Result<Free<'a>, Cannot> {
        let params = rule.assignments.iter().filter(|a| a.role == Role::Param).count();
        let own = Own::new(rule).filter(|_| params == 1).ok_or_else(|| {
            Cannot(
                "by products a rule is an optimizer of one parameter, driven by the gradient of its \
                 loss"
                    .to_owned(),
            )
        })?;
        let (matrices, vectors): (Vec<&Input>, Vec<&Input>) =
            own.others.iter().partition(|input| !input.shape.is_column());
        if let Some(number) = vectors.iter().find(|input| input.shape.is_scalar()) {
            return Err(Cannot(format!(
                "`{}` is one number beside the vector of all parameters; make it a `const`",
                number.name
            )));
        }
        if !own.theta.shape.is_column() || own.theta.shape.is_scalar() {
            return Err(Cannot("its parameter is no vector".to_owned()));
        }
        let approximate = rule.products.as_ref().is_some_and(|all| !all.is_empty());
        Ok(Free { own, matrices, vectors, approximate })
    }

    pub(super) fn rule(&self) -> &'a UpdateRule {
        self.own.rule
    }

    /// Is a matrix the loss's second derivative?
    pub(super) fn is_hessian(&self, matrix: &Input) -> bool {
        self.rule().hessian.as_ref() == Some(&matrix.name)
    }

    /// What `_change` is given, in order.
    pub(super) fn arguments(&self) -> Vec<String> {
        let own = &self.own;
        let theta = self.reads_theta().then_some(own.theta);
        let all = theta.into_iter().chain([own.gradient]).chain(own.states.iter().copied());
        let all = all.chain(self.vectors.iter().copied()).chain(self.matrices.iter().copied());
        all.map(|input| names::python(&input.name)).collect()
    }

    /// Does the change depend on where the parameters are?
    pub(super) fn reads_theta(&self) -> bool {
        let rule = self.rule();
        let one = |a: &Assignment| if a.role == Role::State { a.value } else { a.change };
        let read = rule.reads(&rule.assignments.iter().map(one).collect::<Vec<_>>());
        rule.inputs
            .iter()
            .zip(read)
            .any(|(input, read)| read && input.name == self.own.theta.name)
    }

    /// The constants of the rule that functions read.
    fn constants(&self) -> Vec<String> {
        let rule = self.rule();
        let functions = rule.products.iter().flatten();
        let used: Vec<Vec<bool>> =
            functions.map(|f| rule.function(f).reads(&[f.value])).collect();
        let is_used = |at: usize| used.iter().any(|all| all[at]);
        let number = |input: &Input| matches!(input.role, Role::Constant | Role::Step);
        let inputs = rule.inputs.iter().enumerate();
        let inputs = inputs.filter(|(at, input)| number(input) && is_used(*at));
        inputs.map(|(_, input)| names::python(&input.name)).collect()
    }

    /// The functions of eigenvalues.
    pub(super) fn functions(&self, dialect: Dialect) -> String {
        let rule = self.rule();
        let mut text = String::new();
        for (at, function) in rule.products.iter().flatten().enumerate() {
            let view = rule.function(function);
            let mut writer = Writer::new(&view, &[function.value], dialect);
            let eigenvalue = names::python(&function.argument);
            let value = writer.expression(function.value, 12);
            text.push_str(&format!(
                "def {}({eigenvalue}, constants):\n    \"\"\"What a unit of a vector becomes along an \
                 eigenvector, for its eigenvalue.\"\"\"\n",
                name(at)
            ));
            let reads = view.reads(&[function.value]);
            let read = |name: &String| {
                let mut inputs = view.inputs.iter().zip(&reads);
                inputs.any(|(input, read)| *read && names::python(&input.name) == *name)
            };
            let constants = self.constants();
            let own =
                constants.iter().map(|n| if read(n) { n.clone() } else { "_".to_owned() });
            let own: Vec<String> = own.collect();
            if own.iter().all(|name| name == "_") {
                text.push_str("    del constants\n");
            } else {
                text.push_str(&unpack(&own));
            }
            for line in &writer.lines {
                text.push_str(&format!("    {line}\n"));
            }
            text.push_str(&format!("    return {value}\n\n\n"));
        }
        text
    }

    /// The program of the rule on vectors.
    pub(super) fn change(&self, dialect: Dialect, like: Option<&str>) -> String {
        let rule = self.rule();
        let states: Vec<_> =
            rule.assignments.iter().filter(|a| a.role == Role::State).collect();
        let params = rule.assignments.iter().filter(|a| a.role == Role::Param);
        let changes: Vec<_> = params.map(|a| a.change).collect();
        let all: Vec<_> =
            changes.iter().copied().chain(states.iter().map(|state| state.value)).collect();
        let mut writer = Writer::new(rule, &all, dialect);
        let mut outputs: Vec<String> = states.iter().map(|s| writer.name(s.value)).collect();
        let before = if states.is_empty() { 8 } else { 24 };
        let change: Vec<String> =
            changes.iter().map(|id| writer.expression(*id, before)).collect();
        outputs.splice(0..0, change);
        let arguments: String =
            self.arguments().iter().map(|name| format!("    {name},\n")).collect();
        let constants = self.own.read().0;
        let constants: String =
            constants.iter().map(|c| format!("    {},\n", names::python(&c.name))).collect();
        let krylov = if self.approximate { "    krylov,\n" } else { "" };
        let mut text = format!(
            "def _change(\n{arguments}    *,\n{constants}{krylov}):\n    \"\"\"The change of the \
             parameters{}, all as vectors.\"\"\"\n",
            if states.is_empty() { "" } else { ", and the state after the step" }
        );
        let gradient = names::python(&self.own.gradient.name);
        for (_, name) in writer.dims() {
            text.push_str(&format!("    {name} = {gradient}.shape[0]\n"));
        }
        let body = writer.lines.concat() + &outputs.concat();
        if let Some(like) = like.filter(|_| super::helpers::mentions(&body, "like")) {
            text.push_str(&format!("    like = {}\n", like.replace("{}", &gradient)));
        }
        if self.approximate {
            let constants = self.constants();
            text.push_str(&indented(&tuple("constants = ", &constants)));
        }
        for line in &writer.lines {
            text.push_str(&format!("    {line}\n"));
        }
        text + &format!("    return {}\n", outputs.join(", "))
    }

    /// Formula and meaning of the arguments, for a docstring.
    pub(super) fn explained(&self, about: &[String]) -> Vec<String> {
        let names: Vec<&str> = self.matrices.iter().map(|m| m.name.as_str()).collect();
        let mut doc = vec![
            format!(
                "The rule `{}` by products with {}.",
                self.rule().name,
                names.join(" and ")
            ),
            String::new(),
        ];
        let formula = self.rule().provenance.formula.iter();
        doc.extend(formula.flat_map(|line| header::wrapped(line)));
        for paragraph in about {
            doc.push(String::new());
            doc.extend(header::wrapped(paragraph));
        }
        doc
    }
}

/// The name of a function of eigenvalues.
pub(super) fn name(at: usize) -> String {
    if at == 0 { "_response".to_owned() } else { format!("_response_{}", at + 1) }
}

fn unpack(names: &[String]) -> String {
    let comma = if names.len() == 1 { "," } else { "" };
    let line = format!("    {}{comma} = constants\n", names.join(", "));
    let line =
        if names.len() == 1 { format!("    ({},) = constants\n", names[0]) } else { line };
    if line.len() <= 89 {
        return line;
    }
    let rows: String = names.iter().map(|name| format!("        {name},\n")).collect();
    format!("    (\n{rows}    ) = constants\n")
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}

/// Is the node a matrix known by its products?
pub(super) fn is_operator(rule: &UpdateRule, id: crate::rule::program::Id) -> bool {
    let node = rule.graph.node(id);
    rule.products.is_some()
        && !node.shape.is_column()
        && matches!(node.op, Op::Input(_) | Op::Diag(_))
}
