//! The linear class: rest point, exact rule, first-order rule, path and value (B5–B8, D3, E2–E4,
//! L2), block by block.

use super::adrift;
use super::block::Block;
use super::collect::collect;
use super::solvent::{Solvent, entries_cancelled, solve};
use super::types::{Definition, Meaning, NoOptimum};
use crate::model::types::{Horizon, Model};
use crate::symbolic::assume::{is_positive, is_psd, is_spd, is_symmetric};
use crate::symbolic::build::sum;
use crate::symbolic::cancel::{cancel, shorter};
use crate::symbolic::expand::{common_denominator, equal, expand};
use crate::symbolic::literal_inverse::is_singular;
use crate::symbolic::{Expr, Fun, Mark, Node, Symbol, matrix};

/// The solution of one block.
#[derive(Clone, Debug)]
pub(super) struct BlockSolution {
    /// The block.
    pub block: Block,
    /// The solvent; `None` when nothing pulls (`K = 0`) and the motion is uniform.
    pub solvent: Option<Solvent>,
    /// `q(0) − q*`, when there is a rest point.
    pub offset: Option<Expr>,
    /// The velocity at the start.
    pub velocity: Expr,
    /// The change over time `t`, as a function of `t`.
    pub change: Change,
}

/// The change along the optimal path.
#[derive(Clone, Debug)]
pub(super) enum Change {
    /// `(e^{Xt} − I)(q(0) − q*)`, where `K` is known to be regular.
    Decay,
    /// `t φ₁(Xt) q'(0)`, which stays finite in directions without curvature.
    Flat,
    /// The same along a drift that nothing holds (see [`super::adrift`]).
    Adrift,
    /// `q'(0) t`.
    Uniform,
}

impl BlockSolution {
    /// The same solution with the offset from the rest point written through symbols for the rest
    /// point, and their definitions. Blocks of several coordinates read better so.
    pub(super) fn through_rest(&self) -> Option<(BlockSolution, Vec<Definition>)> {
        let rest = self.rest()?;
        let mut definitions = Vec::new();
        let mut stars = Vec::new();
        for (at, q) in self.block.coordinates.iter().enumerate() {
            let value = self.block.entry(&rest, at);
            if value.size() == 1 {
                stars.push(value);
                continue;
            }
            let symbol = q.marked(Mark::Rest);
            stars.push(Expr::sym(symbol.clone()));
            definitions.push(Definition { symbol, meaning: Meaning::Equals(value) });
        }
        let star =
            if let [only] = stars.as_slice() { only.clone() } else { matrix::column(stars) };
        let offset = self.block.start() - star;
        let velocity = match &self.solvent {
            Some(solvent) => velocity(solvent, &offset),
            None => self.velocity.clone(),
        };
        let offset = Some(offset);
        Some((BlockSolution { offset, velocity, ..self.clone() }, definitions))
    }

    /// The change of the block over time `t`.
    pub(super) fn change_after(&self, t: &Expr) -> Expr {
        match (&self.change, &self.solvent, &self.offset) {
            (Change::Decay, Some(solvent), Some(offset)) => {
                let flow = solvent.flow.at(t);
                match matrix::identity_multiple(&flow) {
                    Some(factor) => -((Expr::one() - factor) * offset),
                    None => -((identity_like(&self.block.m) - flow) * offset),
                }
            }
            (Change::Flat | Change::Adrift, Some(solvent), _) => {
                t * matrix::entire(Fun::Phi1, &expand(&(&solvent.x * t))) * &self.velocity
            }
            _ => &self.velocity * t,
        }
    }

    /// Where the block comes to rest.
    pub(super) fn rest(&self) -> Option<Expr> {
        let rest = self.block.start() - self.offset.as_ref()?;
        Some(match rest.node() {
            Node::Literal(entries) => {
                let tidied = entries.iter().map(|e| cancel(&expand(e))).collect();
                matrix::literal(rest.shape().clone(), tidied)
            }
            // Where the start is no longer, all terms meet in one fraction.
            _ if rest.is_scalar() => shorter(&rest),
            _ => rest,
        })
    }

    /// Symbols that need explaining.
    pub(super) fn definitions(&self) -> Vec<Definition> {
        self.solvent.iter().flat_map(|solvent| solvent.definitions.clone()).collect()
    }
}

/// The identity of the shape of a square matrix, or the number 1.
pub(super) fn identity_like(matrix: &Expr) -> Expr {
    Expr::identity(matrix.shape().rows.clone())
}

/// How a path ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// Never.
    Forever,
    /// At a horizon, where it likes.
    Free,
    /// At a horizon, in a given place.
    Given,
}

impl Until {
    /// How the paths of a model end.
    pub(super) fn of(model: &Model) -> Until {
        match model.horizon {
            Horizon::Finite(_) if model.end.is_empty() => Until::Free,
            Horizon::Finite(_) => Until::Given,
            _ => Until::Forever,
        }
    }
}

/// Solves one block of the linear class.
pub(super) fn solve_block(
    block: Block,
    half: &Expr,
    until: Until,
    constants: &dyn Fn(&Symbol) -> bool,
    taken: &[Symbol],
) -> Result<BlockSolution, NoOptimum> {
    let finite = until != Until::Forever;
    if until != Until::Given && adrift::is_adrift(&block, half) {
        return adrift::solve(block, half, finite, constants, taken);
    }
    if block.k.is_zero() {
        return uniform(block, half, finite);
    }
    let mut solvent = solve(&block, half, finite, constants, taken)?;
    if !finite {
        solvent.conditions.extend(adrift::detectable(&block, half)?);
    }
    if let Some(velocity) = restless_velocity(&block, &solvent, half) {
        return Ok(BlockSolution {
            block,
            solvent: Some(solvent),
            offset: None,
            velocity,
            change: Change::Flat,
        });
    }
    let offset = offset(&block);
    let velocity = velocity(&solvent, &offset);
    Ok(BlockSolution {
        block,
        solvent: Some(solvent),
        offset: Some(offset),
        velocity,
        change: Change::Decay,
    })
}

/// Is the matrix known to have an inverse? Its symmetric part being definite is enough, and so is a
/// determinant that is a number other than zero.
pub(super) fn is_regular(k: &Expr) -> bool {
    if k.is_scalar() {
        return is_positive(k) || is_positive(&-k);
    }
    let symmetric = expand(&(Expr::frac(1, 2) * (k + matrix::transpose(k))));
    if is_spd(&symmetric) || is_spd(&-&symmetric) {
        return true;
    }
    match matrix::entries(k) {
        Some(entries) => entries.iter().all(|e| e.as_num().is_some()) && is_invertible(k),
        // A matrix about which nothing is declared is taken to be regular: being singular is the
        // exception, and it is noted.
        None => !has_zero_mode_declared(k),
    }
}

fn is_invertible(k: &Expr) -> bool {
    !matches!(matrix::inverse(k).node(), Node::MatPow(_, _))
}

/// Some letter was declared positive semidefinite only, so that null directions are expected.
fn has_zero_mode_declared(k: &Expr) -> bool {
    k.any(&|part| is_psd(part) && !is_spd(part) && part.as_sym().is_some()) || is_symmetric(k)
}

/// The velocity at the start where there may be no place of rest: no inverse of `K` is needed.
fn restless_velocity(block: &Block, solvent: &Solvent, half: &Expr) -> Option<Expr> {
    let Some(closed) = &solvent.closed else {
        return is_singular(&block.k).then(|| implicit_velocity(block, solvent));
    };
    // A matrix of any numbers is singular by exception only.
    let generic = closed.spectrum.is_generic() && is_invertible(&block.k);
    if generic || is_regular(&block.k) {
        None
    } else {
        Some(flat_velocity(block, solvent, half))
    }
}

/// `q'(0) = −(X + Ĉ)⁻¹ F̂`, with a solvent that only its equation gives.
fn implicit_velocity(block: &Block, solvent: &Solvent) -> Expr {
    let per_mass = |of: &Expr| {
        let of = matrix::inverse(&block.m) * of;
        let written = |entries| matrix::literal(of.shape().clone(), entries);
        entries_cancelled(&matrix::entries(&of).map_or(of.clone(), written))
    };
    let growing = expand(&(&solvent.x + per_mass(&block.c)));
    -(matrix::inverse(&growing) * per_mass(&block.force))
}

/// `q'(0) = (λ₊)⁻¹ F` with `λ₊ = X's companion root`: no inverse of `K` is needed.
fn flat_velocity(block: &Block, solvent: &Solvent, half: &Expr) -> Expr {
    let identity = identity_like(&block.m);
    let growing = expand(&(&solvent.flow.lead + &solvent.flow.decay))
        + expand(&(Expr::int(2) * half * identity));
    let source = tidy(&expand(&(matrix::inverse(&block.m) * &block.force)));
    matrix::inverse(&growing) * source
}

/// `K = 0`: a linear loss. With a discount the optimum moves uniformly; without one the cost
/// has no minimum.
fn uniform(block: Block, half: &Expr, finite: bool) -> Result<BlockSolution, NoOptimum> {
    let still = equal(&block.force, &Expr::zeros(block.force.shape().clone()));
    if half.is_zero() && !still && !finite {
        return Err(NoOptimum {
            reason: "without discount the loss falls for ever along a straight line".to_owned(),
            needs: None,
            advice: "give a discount rate, a curvature or a finite horizon".to_owned(),
        });
    }
    let velocity = if still || (half.is_zero() && finite) {
        Expr::zeros(block.force.shape().clone())
    } else {
        tidy(&-(matrix::inverse(&block.c) * &block.force))
    };
    Ok(BlockSolution { block, solvent: None, offset: None, velocity, change: Change::Uniform })
}

/// `q(0) − q* = K⁻¹(K q(0) + b)`. `K` is minus a curvature, so both signs are turned; common
/// factors are taken out.
pub(super) fn offset(block: &Block) -> Expr {
    solve_tidily(&-&block.k, &-&block.force)
}

/// `a⁻¹ b`, without denominators inside and with common factors in front.
pub(super) fn solve_tidily(a: &Expr, b: &Expr) -> Expr {
    if let (Some(rows), Some(column)) = (matrix::entries(a), matrix::entries(b))
        && !a.is_scalar()
    {
        return solve_written_out(a, &rows, b, &column);
    }
    if a.terms().len() == 1 {
        return tidy(&expand(&(matrix::inverse(a) * b)));
    }
    let scale = common_scalar(a);
    let a = collect(&expand(&(matrix::inverse(&scale) * a)));
    let b = collect(&expand(&(matrix::inverse(&scale) * b)));
    matrix::inverse(&a) * b
}

/// As [`solve_tidily`] for matrices written out: entries without denominators, then cancelled.
fn solve_written_out(a: &Expr, rows: &[Expr], b: &Expr, column: &[Expr]) -> Expr {
    let marked = rows
        .iter()
        .enumerate()
        .map(|(at, entry)| expand(entry) * crate::symbolic::spectral::marker(at));
    let scale = common_denominator(&expand(&sum(marked.collect::<Vec<_>>()))).0;
    let by = matrix::inverse(&scale);
    let scaled = |entries: &[Expr]| entries.iter().map(|e| expand(&(&by * e))).collect();
    let a = matrix::literal(a.shape().clone(), scaled(rows));
    let b = matrix::literal(b.shape().clone(), scaled(column));
    let solved = matrix::inverse(&a) * b;
    match matrix::entries(&solved) {
        Some(entries) => {
            let tidied = entries.iter().map(|e| cancel(&expand(e))).collect();
            matrix::literal(solved.shape().clone(), tidied)
        }
        None => solved,
    }
}

/// The monomial in which the scalars of a matrix sum have no denominators and no common factor.
fn common_scalar(matrix: &Expr) -> Expr {
    let marked: Vec<Expr> = matrix
        .terms()
        .iter()
        .enumerate()
        .map(|(at, term)| {
            let product = term.as_product();
            let start = Expr::num(num_traits::Signed::abs(&product.coefficient));
            let scalar = product
                .powers
                .iter()
                .fold(start, |all, (b, e)| all * crate::symbolic::build::pow(b, e));
            scalar * crate::symbolic::spectral::marker(at)
        })
        .collect();
    common_denominator(&sum(marked)).0
}

/// The velocity at the start, `X (q(0) − q*)`.
fn velocity(solvent: &Solvent, offset: &Expr) -> Expr {
    &solvent.x * offset
}

/// Expanded and collected.
pub(super) fn tidy(expr: &Expr) -> Expr {
    collect(&expand(expr))
}

/// The value `V(q₀) = ½ dᵀPd + sᵀd` of the optimal path beyond the cost of staying at the rest
/// point (L2), with `d = q₀ − q*`, `P = −(∂p/∂v X + ∂p/∂q)`, `s = −p(q*, 0)`.
///
/// The rest point stands as a symbol, so that the formula stays short.
pub(super) fn value(solution: &BlockSolution) -> Option<(Expr, Vec<Definition>)> {
    let (through, definitions) = solution.through_rest()?;
    let (solvent, offset) = (through.solvent.as_ref()?, through.offset.as_ref()?);
    let block = &through.block;
    // A written-out multiple of the identity is no more than a number.
    let inertia = match matrix::identity_multiple(&block.m) {
        Some(multiple) => multiple * &solvent.x,
        None => &block.m * &solvent.x,
    };
    let p = expand(&-(inertia + &block.momentum_slope));
    let scale = common_scalar(&p);
    let core = tidy(&(matrix::inverse(&scale) * &p));
    let row = matrix::transpose(offset);
    let quadratic = Expr::frac(1, 2) * scale * (&row * core * offset);
    // p(q*, 0) = p(q(0), 0) − ∂p/∂q (q(0) − q*).
    let at_rest = expand(&(&block.momentum_start - &block.momentum_slope * offset));
    let linear = scalars_first(&tidy(&at_rest), |core| -(&row * core));
    Some((quadratic + linear, definitions))
}

/// Applies a linear map to the non-scalar part of a product, the scalars staying in front.
fn scalars_first(expr: &Expr, map: impl Fn(&Expr) -> Expr) -> Expr {
    let product = expr.as_product();
    match &product.tail {
        Some(tail) => {
            let start = Expr::num(product.coefficient.clone());
            let scalar = product
                .powers
                .iter()
                .fold(start, |all, (b, e)| all * crate::symbolic::build::pow(b, e));
            scalar * map(tail)
        }
        None => map(expr),
    }
}
