def gauss_newton(model, loss, params):
    """The product with J^T S J: J is the derivative of model(params), S the second derivative
    of loss(outputs). It is the Fisher matrix where the loss is a likelihood.
    """

    def product(v):
        outputs, moved = jax.jvp(model, (params,), (v,))
        moved = jax.jvp(jax.grad(loss), (outputs,), (moved,))[1]
        return jax.vjp(model, params)[1](moved)[0]

    return product


def _flat(tree):
    """All entries as one vector, in single precision at least, and the way back."""
    vector, back = jax.flatten_util.ravel_pytree(tree)
    wide = jnp.promote_types(vector.dtype, jnp.float32)
    return vector.astype(wide), lambda v: back(v.astype(vector.dtype))


def _product(name, source, damping, value_fn, params, unravel):
    """The product with a matrix, for vectors that hold all parameters."""
    if source is None and (value_fn is None or params is None):
        raise ValueError(f"give update params and value_fn=..., or {name}=...")

    def bend(v):
        return jax.jvp(jax.grad(value_fn), (params,), (v,))[1]

    def product(v):
        whole = (bend if source is None else source)(unravel(v))
        return jax.flatten_util.ravel_pytree(whole)[0] + damping * v

    return product


def _diagonal(entries):
    """The product with a diagonal matrix."""
    return lambda v: entries * v


def _solved(matrix, b):
    """The inverse of a positive definite matrix times b, by conjugate gradients."""
    most, end = min(1000, 4 * b.size), 4 * jnp.finfo(b.dtype).eps
    return jax.scipy.sparse.linalg.cg(matrix, b, tol=end, maxiter=most)[0]


def _function(response, matrix, v, constants, krylov, metric=None, *ends):
    """A function of a matrix times a vector, by Lanczos' method.

    With a metric G it is a function of G^-1 A; the ends say whether v, and the result, are
    covectors, so that G^-1 or G stands there too. krylov holds the number of products (rank)
    and gets the estimate of the relative error (errors).
    """
    start, dual = v, v
    if metric is not None:
        start, dual = (_solved(metric, v), v) if ends[0] else (v, metric(v))
    rank, eps = min(krylov["rank"], v.size), jnp.finfo(v.dtype).eps
    size = jnp.sqrt(jnp.dot(start, dual))
    unit = jnp.where(size > 0, 1 / jnp.where(size > 0, size, 1), 0)
    space = jnp.zeros((rank + 1, v.size), v.dtype)
    basis, duals = space.at[0].set(start * unit), space.at[0].set(dual * unit)
    numbers = jnp.zeros(rank, v.dtype)

    def extend(at, carry):
        basis, duals, alphas, betas = carry
        w = matrix(basis[at])
        alpha = jnp.dot(basis[at], w)
        # Twice against all vectors: rounding would make them lean on each other.
        for _ in range(2):
            w = w - (basis @ w) @ duals
        u = w
        if metric is not None:
            u = _solved(metric, w)
            u = u - (duals @ u) @ basis
        beta = jnp.sqrt(jnp.maximum(jnp.dot(u, w), 0))
        alphas = alphas.at[at].set(alpha)
        goes_on = beta > 8 * eps * jnp.max(jnp.abs(alphas))
        by = jnp.where(goes_on, 1 / jnp.where(goes_on, beta, 1), 0)
        basis, duals = basis.at[at + 1].set(u * by), duals.at[at + 1].set(w * by)
        return basis, duals, alphas, betas.at[at].set(jnp.where(goes_on, beta, 0))

    basis, duals, alphas, betas = jax.lax.fori_loop(
        0, rank, extend, (basis, duals, numbers, numbers)
    )
    # Behind the end of the space the first number stands, where the function has a value.
    ended = jnp.concatenate([jnp.zeros(1, bool), jnp.cumprod(betas[:-1] > 0) == 0])
    alphas = jnp.where(ended, alphas[0], alphas)
    all_weights = [
        _weights(response, alphas[:count], betas[: count - 1], constants, rank)
        for count in range(max(1, rank - 2), rank + 1)
    ]
    weights = all_weights[-1]
    gaps = jnp.linalg.norm(jnp.diff(jnp.stack(all_weights), axis=0), axis=1)
    error = _remaining(gaps, jnp.linalg.norm(weights))
    exact = jnp.any(betas == 0)
    error = jnp.where(exact, jnp.minimum(error, 8 * eps), error)
    # Nothing stays nothing, also where the function has no value.
    krylov["errors"].append(jnp.where(size == 0, 0.0, error))
    end = duals if metric is not None and ends[1] else basis
    return jnp.where(size == 0, 0.0, size * (weights @ end[:rank]))


def _weights(response, alphas, betas, constants, rank):
    """The function of the tridiagonal matrix, applied to the first unit vector."""
    projected = jnp.diag(alphas) + jnp.diag(betas, 1) + jnp.diag(betas, -1)
    values, vectors = jnp.linalg.eigh(projected)
    found = vectors @ (response(values, constants) * vectors[0])
    return jnp.pad(found, (0, rank - len(alphas)))


def _remaining(gaps, size):
    """What a series of shrinking changes leaves, relative to its sum: the last change, or the
    tail of the geometric series that goes on like the last two.
    """
    if len(gaps) == 0:
        return jnp.zeros(())
    last, before = gaps[-1], gaps[0]
    ratio = jnp.where(before > last, last / jnp.where(before > 0, before, 1), 0.5)
    tail = jnp.maximum(1.0, ratio / jnp.maximum(1 - ratio, 1e-3))
    return jnp.where(size == 0, 0.0, last * tail / jnp.where(size == 0, 1, size))
