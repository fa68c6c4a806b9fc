//! The linear class: rest point, exact rule, first-order rule, path and value (B5–B8, D3, E2–E4,
//! L2), block by block.

use super::block::Block;
use super::collect::collect;
use super::solvent::{Solvent, solve};
use super::types::{Definition, NoOptimum};
use crate::symbolic::assume::{is_positive, is_psd, is_spd, is_symmetric};
use crate::symbolic::build::sum;
use crate::symbolic::expand::{equal, expand};
use crate::symbolic::number::sign;
use crate::symbolic::{Expr, Fun, Node, Symbol, matrix};

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
    /// `q'(0) t`.
    Uniform,
}

impl BlockSolution {
    /// The change of the block over time `t`.
    pub(super) fn change_after(&self, t: &Expr) -> Expr {
        match (&self.change, &self.solvent, &self.offset) {
            (Change::Decay, Some(solvent), Some(offset)) => {
                let identity = identity_like(&self.block.m);
                -((identity - solvent.flow.at(t)) * offset)
            }
            (Change::Flat, Some(solvent), _) => {
                t * matrix::entire(Fun::Phi1, &expand(&(&solvent.x * t))) * &self.velocity
            }
            _ => &self.velocity * t,
        }
    }

    /// Where the block comes to rest.
    pub(super) fn rest(&self) -> Option<Expr> {
        let offset = self.offset.as_ref()?;
        Some(tidy(&(self.block.start() - offset)))
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

/// Solves one block of the linear class.
pub(super) fn solve_block(
    block: Block,
    half: &Expr,
    constants: &dyn Fn(&Symbol) -> bool,
    taken: &[Symbol],
) -> Result<BlockSolution, NoOptimum> {
    if block.k.is_zero() {
        return uniform(block, half);
    }
    let solvent = solve(&block, half, constants, taken)?;
    if !is_regular(&block.k)
        && let Some(velocity) = flat_velocity(&block, &solvent, half)
    {
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

/// `q'(0) = (λ₊)⁻¹ F` with `λ₊ = X's companion root`: no inverse of `K` is needed.
fn flat_velocity(block: &Block, solvent: &Solvent, half: &Expr) -> Option<Expr> {
    solvent.closed.as_ref()?;
    let identity = identity_like(&block.m);
    let growing = expand(&(&solvent.flow.lead + &solvent.flow.decay))
        + expand(&(Expr::int(2) * half * identity));
    let source = tidy(&expand(&(matrix::inverse(&block.m) * &block.force)));
    Some(matrix::inverse(&growing) * source)
}

/// `K = 0`: a linear loss. With a discount the optimum moves uniformly; without one the cost
/// has no minimum.
fn uniform(block: Block, half: &Expr) -> Result<BlockSolution, NoOptimum> {
    let still = equal(&block.force, &Expr::zeros(block.force.shape().clone()));
    if half.is_zero() && !still {
        return Err(NoOptimum {
            reason: "without discount the loss falls for ever along a straight line".to_owned(),
            needs: None,
            advice: "give a discount rate, a curvature or a finite horizon".to_owned(),
        });
    }
    let velocity = if still {
        Expr::zeros(block.force.shape().clone())
    } else {
        tidy(&-(matrix::inverse(&block.c) * &block.force))
    };
    Ok(BlockSolution { block, solvent: None, offset: None, velocity, change: Change::Uniform })
}

/// `q(0) − q* = K⁻¹(K q(0) + b)`, with signs and common factors taken out of `K`.
fn offset(block: &Block) -> Expr {
    let (k, force) = if mostly_negative(&block.k) {
        (-&block.k, -&block.force)
    } else {
        (block.k.clone(), block.force.clone())
    };
    if k.terms().len() == 1 {
        return tidy(&expand(&(matrix::inverse(&k) * &force)));
    }
    let scale = common_scalar(&k);
    let k = collect(&expand(&(matrix::inverse(&scale) * k)));
    let force = collect(&expand(&(matrix::inverse(&scale) * force)));
    matrix::inverse(&k) * force
}

/// The rational function of symbols that all terms of a matrix share: `1/η` in `kH/η·…`.
fn common_scalar(matrix: &Expr) -> Expr {
    let scalars: Vec<Expr> = matrix
        .terms()
        .iter()
        .map(|term| {
            let product = term.as_product();
            let start = Expr::num(product.coefficient.clone());
            if matrix.is_scalar() {
                return term.clone();
            }
            product
                .powers
                .iter()
                .fold(start, |all, (b, e)| all * crate::symbolic::build::pow(b, e))
        })
        .collect();
    let positive: Vec<Expr> =
        scalars.iter().map(|s| if leads_negative(s) { -s } else { s.clone() }).collect();
    let marked: Vec<Expr> = positive
        .iter()
        .enumerate()
        .map(|(at, s)| s * crate::symbolic::spectral::marker(at))
        .collect();
    crate::symbolic::expand::content(&sum(marked)).0
}

fn leads_negative(scalar: &Expr) -> bool {
    scalar.terms().first().is_some_and(|t| sign(&t.as_product().coefficient) < 0)
}

/// Do most terms of a sum carry a minus sign?
pub(super) fn mostly_negative(expr: &Expr) -> bool {
    let terms = match expr.node() {
        crate::symbolic::Node::Literal(entries) => {
            entries.iter().filter(|e| !e.is_zero()).map(leading_sign).collect::<Vec<_>>()
        }
        _ => expr.terms().iter().map(|t| sign(&t.as_product().coefficient)).collect(),
    };
    terms.iter().map(|s| i32::from(*s)).sum::<i32>() < 0
}

fn leading_sign(expr: &Expr) -> i8 {
    expr.terms().first().map_or(0, |t| sign(&t.as_product().coefficient))
}

/// The velocity at the start, `X (q(0) − q*)`.
fn velocity(solvent: &Solvent, offset: &Expr) -> Expr {
    &solvent.x * offset
}

/// Expanded and collected.
pub(super) fn tidy(expr: &Expr) -> Expr {
    collect(&expand(expr))
}

/// The value `V(q) = ½ dᵀPd + sᵀd + c` around the rest point, `d = q − q*` (L2):
/// `P = −(∂p/∂v X + ∂p/∂q)`, `s = −p(q*, 0)`.
pub(super) struct Value {
    /// The quadratic part at the start.
    pub quadratic: Expr,
    /// The linear part at the start; zero without drift.
    pub linear: Expr,
}

/// The value of the optimal path from the start, up to the cost of staying at the rest point.
pub(super) fn value(solution: &BlockSolution) -> Option<Value> {
    let (solvent, offset) = (solution.solvent.as_ref()?, solution.offset.as_ref()?);
    let block = &solution.block;
    let p = expand(&-(&block.m * &solvent.x + &block.momentum_slope));
    let row = matrix::transpose(offset);
    let quadratic = Expr::frac(1, 2) * (&row * &p * offset);
    // p(q*, 0) = p(q(0), 0) − ∂p/∂q (q(0) − q*).
    let at_rest = &block.momentum_start - &block.momentum_slope * offset;
    let linear = -(row * at_rest);
    Some(Value { quadratic: collect(&quadratic), linear: collect(&expand(&linear)) })
}
