use super::super::apply::{apply, contract};
use super::super::build::{fun, pow, sqrt};
use super::super::expr::{Abstract, Apply, Expr, Fun};
use super::super::matrix::{self, inverse, transpose};
use super::super::number::q;
use super::super::shape::{Dim, Shape};
use super::super::symbol::{Mark, Prop, Props, Symbol};
use super::*;
use std::sync::Arc;

fn n() -> Dim {
    Dim::Sym("n".into())
}

/// A constant; ranks follow the order constants are usually declared in.
fn c(name: &str) -> Expr {
    let order =
        ["eta", "k", "gamma", "lambda", "sigma_m", "rate", "h", "omega", "r", "x", "dt"];
    let rank = order.iter().position(|known| *known == name).map_or(500, |at| at as u32);
    let props = Props::NONE.with(Prop::Positive);
    Expr::sym(Symbol::new(name, Shape::scalar(), 1000 + rank).with_props(props))
}

fn s(name: &str) -> Expr {
    Expr::sym(Symbol::new(name, Shape::scalar(), 5000))
}

fn vector(name: &str) -> Symbol {
    let rank = if name == "theta" { 20_000 } else { 10_000 };
    Symbol::new(name, Shape::vector(n()), rank)
}

fn v(name: &str) -> Expr {
    Expr::sym(vector(name))
}

fn m(name: &str) -> Expr {
    let props = match name {
        "G" | "H" => Props::NONE.with(Prop::Spd),
        _ => Props::NONE,
    };
    Expr::sym(Symbol::new(name, Shape::matrix(n(), n()), 11_000).with_props(props))
}

fn theta(mark: Mark) -> Expr {
    Expr::sym(vector("theta").marked(mark))
}

fn identity() -> Expr {
    Expr::identity(n())
}

fn int(value: i64) -> Expr {
    Expr::int(value)
}

fn call(name: &str, shape: Shape, args: Vec<Expr>) -> Apply {
    let shapes = args.iter().map(|arg| arg.shape().clone()).collect();
    let props = if name == "G" { Props::NONE.with(Prop::Spd) } else { Props::NONE };
    let symbol = Symbol::new(name, shape, 12_000).with_props(props);
    let function = Arc::new(Abstract { symbol, args: shapes });
    Apply { function, args, slots: vec![], directions: vec![] }
}

fn ell(slots: Vec<usize>) -> Apply {
    Apply { slots, ..call("ell", Shape::scalar(), vec![theta(Mark::Plain)]) }
}

fn metric() -> Apply {
    call("G", Shape::matrix(n(), n()), vec![theta(Mark::Plain)])
}

/// What an expression must look like in Unicode, ASCII, LaTeX and Python.
struct Row(Expr, &'static str, &'static str, &'static str, &'static str);

fn check(rows: Vec<Row>) {
    let mut wrong = Vec::new();
    for Row(expr, unicode, plain, tex, code) in rows {
        let storage = pulldown_latex::Storage::new();
        let source = latex(&expr);
        let accepted = pulldown_latex::Parser::new(&source, &storage).all(|part| part.is_ok());
        assert!(accepted, "not LaTeX: {source}");
        let printed = [text(&expr), ascii(&expr), latex(&expr), python(&expr)];
        for (found, expected) in printed.iter().zip([unicode, plain, tex, code]) {
            if found != expected {
                wrong.push(format!("expected {expected}\n   found {found}"));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn root() -> Expr {
    sqrt(&(pow(&c("gamma"), &int(2)) / int(4) + c("eta") * c("k") * c("h")))
}

#[test]
#[rustfmt::skip]
fn scalars_read_like_mathematics() {
    let omega = root();
    check(vec![
        Row(pow(&c("gamma"), &int(2)) / int(4) + c("eta") * c("k") * c("h"),
            "γ²/4 + ηkh", "gamma^2/4 + eta*k*h",
            r"\frac{\gamma^{2}}{4} + \eta k h", "gamma**2/4 + eta*k*h"),
        Row(omega.clone() - c("gamma") / int(2),
            "√(γ²/4 + ηkh) − γ/2", "sqrt(gamma^2/4 + eta*k*h) - gamma/2",
            r"\sqrt{\frac{\gamma^{2}}{4} + \eta k h} - \frac{\gamma}{2}",
            "np.sqrt(gamma**2/4 + eta*k*h) - gamma/2"),
        Row(c("eta") * c("k") * c("h") / (omega + c("gamma") / int(2)),
            "ηkh/(γ/2 + √(γ²/4 + ηkh))", "eta*k*h/(gamma/2 + sqrt(gamma^2/4 + eta*k*h))",
            r"\frac{\eta k h}{\frac{\gamma}{2} + \sqrt{\frac{\gamma^{2}}{4} + \eta k h}}",
            "eta*k*h/(gamma/2 + np.sqrt(gamma**2/4 + eta*k*h))"),
        Row(-c("eta") * c("k") / c("gamma"),
            "−ηk/γ", "-eta*k/gamma", r"-\frac{\eta k}{\gamma}", "-eta*k/gamma"),
        Row(int(1) - fun(Fun::Exp, &(-c("r") * c("dt"))),
            "1 − e^{−rΔt}", "1 - exp(-r*dt)", r"1 - e^{-r \Delta t}", "1 - np.exp(-r*dt)"),
        Row(sqrt(&(c("eta") * c("k") * c("h"))),
            "√(ηkh)", "sqrt(eta*k*h)", r"\sqrt{\eta k h}", "np.sqrt(eta*k*h)"),
        Row(sqrt(&(c("eta") * c("k") / c("h"))),
            "√(ηk/h)", "sqrt(eta*k/h)", r"\sqrt{\frac{\eta k}{h}}", "np.sqrt(eta*k/h)"),
        Row(pow(&c("h"), &Expr::frac(-1, 2)),
            "1/√h", "1/sqrt(h)", r"\frac{1}{\sqrt{h}}", "1/np.sqrt(h)"),
        Row(pow(&c("h"), &Expr::frac(3, 2)),
            "h^{3/2}", "h^(3/2)", "h^{3/2}", "h**(3/2)"),
        Row(sqrt(&int(2)) * c("h") / int(2),
            "h√2/2", "h*sqrt(2)/2", r"\frac{h \sqrt{2}}{2}", "h*np.sqrt(2)/2"),
        Row(pow(&(int(1) + s("t")), &int(-2)),
            "1/(1 + t)²", "1/(1 + t)^2", r"\frac{1}{(1 + t)^{2}}", "1/(1 + t)**2"),
        Row(int(2) * c("omega") * (c("x") - int(3)) * c("k"),
            "2kω (x − 3)", "2*k*omega*(x - 3)", r"2 k \omega (x - 3)", "2*k*omega*(x - 3)"),
        Row(Expr::frac(-3, 4), "−3/4", "-3/4", r"-\frac{3}{4}", "-3/4"),
        Row(Expr::frac(123, 1000) * c("x"), "0.123x", "0.123*x", "0.123 x", "0.123*x"),
        Row(Expr::num(q(1, 100_000_000)), "1e-8", "1e-8", "10^{-8}", "1e-8"),
        Row(c("rate") * c("k"), "k·rate", "k*rate", r"k \, \mathrm{rate}", "k*rate"),
        Row(c("lambda") / pow(&c("sigma_m"), &int(2)),
            "λ/σ_m²", "lambda/sigma_m^2", r"\frac{\lambda}{\sigma_{m}^{2}}", "lambda_/sigma_m**2"),
        Row(c("sigma_m") * c("x"), "σ_m·x", "sigma_m*x", r"\sigma_{m} x", "sigma_m*x"),
        Row(-s("a") - s("b"), "−a − b", "-a - b", "-a - b", "-a - b"),
        Row((-s("a") - s("b")) * c("k"), "−k (a + b)", "-k*(a + b)", "-k (a + b)", "-k*(a + b)"),
        Row((s("a") + s("b")) / (int(2) * c("k")),
            "(a + b)/(2k)", "(a + b)/(2*k)", r"\frac{a + b}{2 k}", "(a + b)/(2*k)"),
        Row(c("k") * pow(&(s("x1") - s("mu")), &int(2)) / int(2),
            "k (x₁ − μ)²/2", "k*(x1 - mu)^2/2", r"\frac{k}{2} (x_{1} - \mu)^{2}", "k*(x1 - mu)**2/2"),
        Row(fun(Fun::Cos, &s("a")) * s("b") * fun(Fun::Abs, &s("b")),
            "b |b| cos(a)", "b*|b|*cos(a)", r"b \left|b\right| \cos(a)", "b*np.abs(b)*np.cos(a)"),
        Row(pow(&s("a"), &s("b")), "a^b", "a^b", "a^{b}", "a**b"),
        Row(pow(&c("k"), &-s("b")), "1/k^b", "1/k^b", r"\frac{1}{k^{b}}", "1/k**b"),
        Row(s("a") - int(1), "a − 1", "a - 1", "a - 1", "a - 1"),
        Row(-(s("a") * s("b")), "−ab", "-a*b", "-a b", "-a*b"),
    ]);
}

#[test]
#[rustfmt::skip]
fn matrices_read_like_mathematics() {
    let gain = -c("eta") * c("k") * c("dt") / c("gamma");
    let decay = matrix::exp(&(-c("dt") * m("R")));
    let velocity = theta(Mark::Velocity);
    let u = &velocity - v("f");
    let mean = matrix::geometric_mean(&m("G"), &m("H"));
    check(vec![
        Row(gain * inverse(&m("G")) * v("g"),
            "−(ηkΔt/γ) G⁻¹g", "-(eta*k*dt/gamma) G^-1 g",
            r"-\frac{\eta k \Delta t}{\gamma} G^{-1} g",
            "-eta*k*dt/gamma*np.linalg.solve(G, g)"),
        Row((identity() - decay) * inverse(&m("H")) * v("g"),
            "(I − e^{−RΔt}) H⁻¹g", "(I - exp(-R dt)) H^-1 g",
            r"(I - e^{-R \Delta t}) H^{-1} g",
            "(np.eye(n) - expm(-dt*R)) @ np.linalg.solve(H, g)"),
        Row(matrix::sqrt(&(pow(&c("gamma"), &int(2)) / int(4) * identity() + c("eta") * c("k") * m("H"))),
            "√((γ²/4) I + ηkH)", "sqrt((gamma^2/4) I + eta*k H)",
            r"\sqrt{\frac{\gamma^{2}}{4} I + \eta k H}",
            "sqrtm(gamma**2/4*np.eye(n) + eta*k*H)"),
        Row(-(inverse(&(m("H") + identity() / c("eta"))) * v("g")),
            "−(H + I/η)⁻¹g", "-(H + I/eta)^-1 g",
            r"-\left(H + \frac{1}{\eta} I\right)^{-1} g",
            "-np.linalg.solve(H + np.eye(n)/eta, g)"),
        Row(transpose(&u) * m("G") * &u / (int(2) * c("eta")),
            "(θ' − f)ᵀG (θ' − f)/(2η)", "(theta' - f)^T G (theta' - f)/(2*eta)",
            r"\frac{1}{2 \eta} (\theta' - f)^{\top} G (\theta' - f)",
            "(theta_dot - f) @ (G @ (theta_dot - f))/(2*eta)"),
        Row(transpose(&velocity) * &velocity / (int(2) * c("eta")),
            "|θ'|²/(2η)", "|theta'|^2/(2*eta)",
            r"\frac{1}{2 \eta} \left|\theta'\right|^{2}", "theta_dot @ theta_dot/(2*eta)"),
        Row(mean * v("g"),
            "(G # H) g", "(G # H) g", r"(G \mathbin{\#} H) g",
            "(G @ sqrtm(np.linalg.solve(G, H))) @ g"),
        Row(matrix::power(&m("H"), &q(-1, 2)) * v("g"),
            "H^{−1/2} g", "H^(-1/2) g", "H^{-1/2} g", "np.linalg.solve(sqrtm(H), g)"),
        Row(inverse(&transpose(&m("A"))) * v("g"),
            "A⁻ᵀg", "A^-T g", r"A^{-\top} g", "np.linalg.solve(A.T, g)"),
        Row(v("g") * transpose(&v("f")),
            "gfᵀ", "g f^T", r"g f^{\top}", "np.outer(g, f)"),
        Row(transpose(&v("g")) * m("A") * m("B"),
            "gᵀAB", "g^T A B", r"g^{\top} A B", "g @ A @ B"),
        Row(m("A") * m("B") * v("g"), "ABg", "A B g", "A B g", "A @ (B @ g)"),
        Row(matrix::hadamard(&v("f"), &matrix::elementwise_power(&v("g"), &q(-1, 2))),
            "f/√g", "f./sqrt(g)", r"\frac{f}{\sqrt{g}}", "f/np.sqrt(g)"),
        Row(m("A") * matrix::hadamard(&v("f"), &v("g")),
            "A (f ∘ g)", "A (f .* g)", r"A (f \circ g)", "A @ (f*g)"),
        Row(matrix::diag(&v("g")) * m("A"),
            "diag(g) A", "diag(g) A", r"\operatorname{diag}(g) A", "np.diag(g) @ A"),
        Row(matrix::column(vec![s("a"), -s("b")]),
            "[a, −b]", "[a, -b]", r"\begin{pmatrix} a \\ -b \end{pmatrix}", "np.array([a, -b])"),
        Row(matrix::entry(&theta(Mark::Start), 0, 0) + matrix::entry(&m("A"), 0, 1),
            "A₁₂ + θ₁(0)", "A[1,2] + theta(0)[1]",
            r"A_{1,2} + \theta_{1}(0)", "A[0, 1] + theta[0]"),
        Row(theta(Mark::Plain) - theta(Mark::Start),
            "θ − θ₀", "theta - theta(0)", r"\theta - \theta_{0}", "theta - theta_0"),
        Row(c("r") * (theta(Mark::Rest) - theta(Mark::Start)),
            "r (θ* − θ₀)", "r (theta_rest - theta(0))",
            r"r (\theta^{*} - \theta_{0})", "r*(theta_rest - theta)"),
        Row(fun(Fun::Exp, &v("g")), "exp(g)", "exp(g)", r"\exp(g)", "np.exp(g)"),
        Row(Expr::zeros(Shape::vector(n())), "0", "0", "0", "np.zeros(n)"),
        Row(matrix::entire(Fun::Cosh, &(c("dt") * m("A"))),
            "cosh(AΔt)", "cosh(A dt)", r"\cosh(A \Delta t)", "coshm(dt*A)"),
    ]);
}

#[test]
#[rustfmt::skip]
fn abstract_functions_read_like_mathematics() {
    let velocity = theta(Mark::Velocity);
    let mut moved = metric();
    moved.directions.push((0, velocity.clone()));
    let f = call("f", Shape::vector(n()), vec![theta(Mark::Plain)]);
    let jacobian = apply(Apply { slots: vec![0], ..f.clone() });
    let two = call("ell", Shape::scalar(), vec![theta(Mark::Plain), s("a")]);
    let of_number = call("phi", Shape::scalar(), vec![s("a")]);
    check(vec![
        Row(c("eta") * c("k") * apply(ell(vec![0])),
            "ηk∇ℓ(θ)", "eta*k grad ell(theta)",
            r"\eta k \nabla \ell(\theta)", "eta*k*grad_ell(theta)"),
        Row(c("k") * apply(ell(vec![])),
            "kℓ(θ)", "k*ell(theta)", r"k \ell(\theta)", "k*ell(theta)"),
        Row(inverse(&apply(metric())) * apply(ell(vec![0])),
            "G(θ)⁻¹∇ℓ(θ)", "G(theta)^-1 grad ell(theta)",
            r"G(\theta)^{-1} \nabla \ell(\theta)", "np.linalg.solve(G(theta), grad_ell(theta))"),
        Row(apply(ell(vec![0, 0])) * &velocity,
            "∇²ℓ(θ)θ'", "hess ell(theta) theta'",
            r"\nabla^{2} \ell(\theta) \theta'", "hess_ell(theta) @ theta_dot"),
        Row(apply(moved) * &velocity,
            "DG(θ)[θ'] θ'", "DG(theta)[theta'] theta'",
            r"D G(\theta)[\theta'] \theta'", "D_G(theta, theta_dot) @ theta_dot"),
        Row(transpose(&jacobian) * v("g"),
            "Df(θ)ᵀg", "Df(theta)^T g", r"D f(\theta)^{\top} g", "jac_f(theta).T @ g"),
        Row(contract(&metric(), 0, &velocity, &velocity),
            "∇_θ(θ'ᵀG(θ)θ')", "grad_theta(theta'^T G(theta) theta')",
            r"\nabla_{\theta} (\theta'^{\top} G(\theta) \theta')",
            "contract_G(theta, theta_dot, theta_dot)"),
        Row(contract(&metric(), 0, &theta(Mark::Plain), &theta(Mark::Plain)),
            "∇_θ(vᵀG(θ)v)|_{v = θ}", "grad_theta(v^T G(theta) v)|_{v = theta}",
            r"\left.\nabla_{\theta} (v^{\top} G(\theta) v)\right|_{v = \theta}",
            "contract_G(theta, theta, theta)"),
        Row(apply(Apply { slots: vec![0], ..two.clone() }),
            "∇_θ ℓ(θ, a)", "grad_theta ell(theta, a)",
            r"\nabla_{\theta} \ell(\theta, a)", "grad_ell(theta, a)"),
        Row(apply(Apply { slots: vec![1], ..two }),
            "∂_a ℓ(θ, a)", "d_a ell(theta, a)", r"\partial_{a} \ell(\theta, a)", "d2_ell(theta, a)"),
        Row(apply(Apply { slots: vec![0], ..of_number }),
            "φ'(a)", "phi'(a)", r"\phi'(a)", "d_phi(a)"),
    ]);
}

#[test]
fn python_names_can_be_chosen() {
    let expr = identity() * c("lambda") + v("g") * transpose(&theta(Mark::Start));
    let symbols = |symbol: &Symbol| (&*symbol.name == "g").then(|| "grad".to_owned());
    let dimensions = |_: &str| Some("len(theta)".to_owned());
    let printer = Python::default().with_symbols(&symbols).with_dimensions(&dimensions);
    assert_eq!(printer.print(&expr), "lambda_*np.eye(len(theta)) + np.outer(grad, theta)");
}

#[test]
fn marks_of_indexed_and_subscripted_names_stay_apart() {
    let symbol = |name: &str, mark| Symbol::new(name, Shape::scalar(), 1).marked(mark);
    for (name, mark, unicode, plain, tex) in [
        ("sigma_m", Mark::Start, "σ_m(0)", "sigma_m(0)", r"\sigma_{m}(0)"),
        ("x1", Mark::Velocity, "x₁'", "x1'", "x_{1}'"),
        ("theta", Mark::Acceleration, "θ''", "theta''", r"\theta''"),
        ("theta", Mark::Momentum, "p_θ", "p_theta", r"p_{\theta}"),
        ("theta", Mark::Change, "Δθ", "delta_theta", r"\Delta \theta"),
        ("loss", Mark::Start, "loss₀", "loss(0)", r"\mathrm{loss}_{0}"),
        ("tau_max", Mark::Plain, "τ_max", "tau_max", r"\tau_{\mathrm{max}}"),
    ] {
        let symbol = symbol(name, mark);
        assert_eq!(text_symbol(&symbol), unicode);
        assert_eq!(ascii_symbol(&symbol), plain);
        assert_eq!(latex_symbol(&symbol), tex);
    }
}
