# Helpers of emitted JAX modules; a module contains those that it uses.


def _array(value):
    return jnp.asarray(value)


def _present(value, *point):
    """A function given as such is evaluated at the present point."""
    return jnp.asarray(value(*point) if callable(value) else value)


def _called(name, function, *arguments):
    if not callable(function):
        raise TypeError(f"{name} is needed at another point: give it as a function")
    return jnp.asarray(function(*arguments))


def _dimension(values, places):
    """The number that a symbolic dimension stands for, from the first value that has it."""
    for name, axis in places:
        shape = jnp.shape(values[name]) if name in values else ()
        if len(shape) > axis:
            return shape[axis]
    raise KeyError(f"the shape of one of {[name for name, _ in places]} is needed")


def _tree(name, value, grads):
    """A number for all entries, or a tree like the gradients."""
    if value is None:
        raise ValueError(f"{name} is not known: give {name}=... to factory or update")
    if jax.tree.structure(value) == jax.tree.structure(grads):
        return value
    return jax.tree.map(lambda leaf: jnp.full_like(leaf, value), grads)


def _real(leaves):
    """Refuses complex numbers, which have no order."""
    if any(jnp.iscomplexobj(leaf) for leaf in leaves):
        raise TypeError("complex parameters are not supported")


def _numbers(*values):
    """What computes with these: numbers keep their double precision."""
    return math if all(isinstance(value, (int, float)) for value in values) else jnp


def _positive(**constants):
    """Refuses what is not positive. A constant that is traced has no value to look at."""
    for name, value in constants.items():
        traced = isinstance(value, jax.core.Tracer)
        if not traced and not np.all(np.asarray(value) > 0):
            raise ValueError(f"{name} must be positive, but is {value}")


def _nonnegative(**constants):
    """Refuses what is negative. A constant that is traced has no value to look at."""
    for name, value in constants.items():
        traced = isinstance(value, jax.core.Tracer)
        if not traced and not np.all(np.asarray(value) >= 0):
            raise ValueError(f"{name} must be at least 0, but is {value}")


def _if_known(check, /, **constants):
    """Checks constants together, unless one of them is traced or an array."""
    all_values = constants.values()
    if not any(isinstance(c, jax.core.Tracer) or np.ndim(c) > 0 for c in all_values):
        check(**{name: float(value) for name, value in constants.items()})


def _phi1(x):
    """(exp(x) - 1)/x, which is 1 at 0."""
    zero = x == 0
    return jnp.where(zero, 1.0, jnp.expm1(x) / jnp.where(zero, 1.0, x))


def _phi1_number(x):
    """(exp(x) - 1)/x, which is 1 at 0."""
    return 1.0 if x == 0 else math.expm1(x) / x


def _excess(x):
    """phi1(x) - exp(x/2), by its power series where the two are almost equal."""
    half = x / 2
    near = jnp.abs(half) < 1
    square = jnp.where(near, half * half, 0.0)
    series = 0.0 * square
    for k in range(16, 0, -2):
        series = (series + 1) * square / (k * (k + 1))
    far = jnp.where(near, 1.0, x)
    return jnp.where(near, jnp.exp(half) * series, jnp.expm1(far) / far - jnp.exp(half))


def _excess_number(x):
    """phi1(x) - exp(x/2), by its power series where the two are almost equal."""
    half = x / 2
    if abs(half) >= 1:
        return math.expm1(x) / x - math.exp(half)
    series = 0.0
    for k in range(16, 0, -2):
        series = (series + 1) * half * half / (k * (k + 1))
    return math.exp(half) * series


def _sign_number(x):
    return float((x > 0) - (x < 0))


def _floor(x):
    """At least the smallest positive number that has all digits."""
    return jnp.maximum(x, jnp.finfo(jnp.result_type(x)).tiny)


def _spectral(function, a):
    """A function of a symmetric matrix."""
    w, v = jnp.linalg.eigh(a)
    return (v * function(w)) @ v.T


def _sqrtm(a):
    """The principal square root, by scaled Denman-Beavers iteration."""

    def step(_, pair):
        y, z = pair
        log = jnp.linalg.slogdet(y)[1] + jnp.linalg.slogdet(z)[1]
        scale = jnp.exp(-log / (2 * len(a)))
        y_next = (scale * y + jnp.linalg.inv(z) / scale) / 2
        return y_next, (scale * z + jnp.linalg.inv(y) / scale) / 2

    root = jax.lax.fori_loop(0, 16, step, (a, jnp.eye(len(a), dtype=a.dtype)))[0]
    # Where there is no real root the iteration wanders. Compiled code cannot refuse: NaN.
    most = jnp.finfo(a.dtype).eps ** 0.5 * jnp.linalg.norm(root) ** 2
    return jnp.where(jnp.linalg.norm(root @ root - a) < most, root, jnp.nan)


def _powm(a, exponent):
    """A fractional power."""
    w, v = jnp.linalg.eig(a)
    return jnp.linalg.solve(v.T, (v * w**exponent).T).T.real


def _expm(a):
    return jax.scipy.linalg.expm(a, max_squarings=64)


def _coshm(a):
    return (_expm(a) + _expm(-a)) / 2


def _sinhm(a):
    return (_expm(a) - _expm(-a)) / 2


def _phi1m(a):
    """phi1 of a matrix: a corner of the exponential of [[a, I], [0, 0]]."""
    zero = jnp.zeros_like(a)
    block = jnp.block([[a, jnp.eye(len(a), dtype=a.dtype)], [zero, zero]])
    return _expm(block)[: len(a), len(a) :]


def _excessm(a):
    """phi1(a) - exp(a/2) of a matrix, which are almost equal where a is small.

    By power series for a part of a and doubling; grown is exp(a/2) - I.
    """
    doublings = jnp.maximum(0, jnp.frexp(4 * jnp.linalg.norm(a, 1))[1])
    half = a / 2.0 ** (doublings + 1)
    eye = jnp.eye(len(a), dtype=a.dtype)
    grown, square = jnp.zeros_like(a), half @ half
    excess = grown
    for k in range(12, 0, -1):
        grown = half @ (eye + grown) / k
    for k in range(10, 0, -2):
        excess = square @ (eye + excess) / (k * (k + 1))

    def double(parts):
        grown, excess = parts
        once = eye + grown
        excess = (excess + once @ (once @ excess + grown @ grown)) / 2
        return 2 * grown + grown @ grown, excess

    def wanted(at, parts):
        return jax.lax.cond(at < doublings, double, lambda parts: parts, parts)

    # A fixed number of turns, so that there are derivatives in reverse mode.
    return jax.lax.fori_loop(0, 64, wanted, (grown, excess + grown @ excess))[1]


def _mean(a, b):
    """The geometric mean of two positive definite matrices."""
    lower = jnp.linalg.cholesky(a)
    half = jnp.linalg.solve(lower, b)
    return lower @ _spectral(jnp.sqrt, jnp.linalg.solve(lower, half.T)) @ lower.T


def _solvent(m, c, k, half):
    """The X with m X X + c X + k = 0 whose eigenvalues have real parts below half.

    The matrix sign of the companion matrix, shifted to the imaginary axis, by scaled Newton
    iteration; then Newton steps on the equation itself. Compiled code cannot refuse: without an
    optimum it is NaN.
    """
    n = len(m)
    eye = jnp.eye(n, dtype=m.dtype)
    below = [-jnp.linalg.solve(m, k), -jnp.linalg.solve(m, c) - half * eye]
    shifted = jnp.block([[-half * eye, eye], below])

    def newton(_, sign):
        scale = jnp.exp(-jnp.linalg.slogdet(sign)[1] / (2 * n))
        return (scale * sign + jnp.linalg.inv(sign) / scale) / 2

    sign = jax.lax.fori_loop(0, 30, newton, shifted)
    q = jnp.linalg.svd(jnp.eye(2 * n, dtype=m.dtype) - sign)[0]
    x = jnp.linalg.solve(q[:n, :n].T, q[n:, :n].T).T

    def polish(_, x):
        # (m X + c) D + m D X = -(m X X + c X + k), one linear system for D.
        residual = m @ x @ x + c @ x + k
        system = jnp.kron(m @ x + c, eye) + jnp.kron(m, x.T)
        return x - jnp.linalg.solve(system, residual.reshape(-1)).reshape(n, n)

    x = jax.lax.fori_loop(0, 2, polish, x)
    # With a root on the line itself the iteration has no limit: no equation is solved, or the
    # cost of x is no quadratic form.
    slope = m @ x
    square = slope @ x
    residual = jnp.linalg.norm(square + c @ x + k)
    skew = jnp.linalg.norm(slope - slope.T + c + 2 * half * m)
    small = jnp.sqrt(jnp.finfo(m.dtype).eps)
    size = jnp.linalg.norm(slope) + jnp.linalg.norm(c)
    solved = residual <= small * (jnp.linalg.norm(square) + jnp.linalg.norm(k))
    return jnp.where(solved & (skew <= small * size), x, jnp.nan)


def _joined(g, h):
    """I + g h, whose eigenvalues are positive where two intervals together have a minimum.

    Beyond the conjugate point there is no optimum. Compiled code cannot refuse: it gives NaN.
    """
    w, v = jnp.linalg.eigh((g + g.T) / 2)
    root = v * jnp.sqrt(jnp.maximum(w, 0.0))
    eye = jnp.eye(len(g), dtype=g.dtype)
    least = jnp.linalg.eigvalsh(eye + root.T @ h @ root).min()
    return jnp.where(least > 0, eye + g @ h, jnp.nan)


def _scattering(push, a, q, half, time):
    """y(time) = e y(0) - g p(time), p(0) = e^T p(time) + h y(0) of the motion
    y' = a y - push p that keeps the cost of y least, q its curvature.

    By doubling from a short time, so that nothing grows.
    """
    n = len(a)
    shifted = a - half * jnp.eye(n, dtype=a.dtype)
    flow = jnp.block([[shifted, -push], [-q, -shifted.T]])
    size = time * jnp.linalg.norm(flow, 2)
    doublings = jnp.maximum(0, jnp.ceil(jnp.log2(1 + 4 * size))).astype(int)
    short = _expm(flow * (time / 2.0**doublings))
    below = jnp.linalg.inv(short[n:, n:])
    g, h = -short[:n, n:] @ below, -below @ short[n:, :n]
    e = short[:n, :n] - short[:n, n:] @ below @ short[n:, :n]

    def double(_, parts):
        e, g, h = parts
        joint = jnp.linalg.inv(_joined(g, h))
        return e @ joint @ e, g + e @ joint @ g @ e.T, h + e.T @ h @ joint @ e

    return jax.lax.fori_loop(0, doublings, double, (e, g, h))


def _affine(m, a, q, drift, slope):
    """A plan with one more coordinate that is always 1: drift and slope become linear terms.

    Counted in units of the larger of the two.
    """
    size = jnp.maximum(jnp.abs(drift).max(), jnp.abs(slope).max())
    size = jnp.maximum(size, jnp.finfo(m.dtype).tiny)
    push = jnp.pad(jnp.linalg.inv(m), (0, 1))
    flow = jnp.pad(a, (0, 1)).at[:-1, -1].set(drift / size)
    cost = jnp.pad(q, (0, 1)).at[:-1, -1].set(slope / size)
    cost = cost.at[-1, :-1].set(slope / size)
    return push, flow, cost, size


def _pace(m, a, q, half, horizon, drift, slope):
    """The velocity at the start of a plan over a horizon with a free end."""
    push, flow, cost, size = _affine(m, a, q, drift, slope)
    momentum = _scattering(push, flow, cost, half, horizon)[2][:, -1]
    return size * (flow[:, -1] - push @ momentum)[:-1]


def _planned(m, a, q, half, horizon, drift, slope, dt):
    """The change over the first dt of a plan over a horizon with a free end.

    It is the motion y' = a y + drift - p/m from y = 0 with the least cost: slope y + y q y/2
    beside that of p.
    """
    push, flow, cost, size = _affine(m, a, q, drift, slope)
    e, g, _ = _scattering(push, flow, cost, half, dt)
    rest = _scattering(push, flow, cost, half, horizon - dt)[2]
    moved = jnp.linalg.solve(_joined(g, rest), e[:, -1])
    return size * jnp.exp(half * dt) * moved[:-1]


def _minimum(start, *coefficients):
    """Where a polynomial with these coefficients, lowest first, is least.

    Of several such places it is the one that is cheapest to reach from the start.
    """
    p = jnp.stack([jnp.asarray(c, dtype=float) for c in coefficients])[::-1]
    slope, bend = jnp.polyder(p), jnp.polyder(p, 2)
    roots = jnp.roots(slope, strip_zeros=False)
    real = jnp.abs(roots.imag) < 1e-7 * (1 + jnp.abs(roots))
    x = roots.real
    for _ in range(3):
        curve = jnp.polyval(bend, x)
        curve = jnp.where(curve == 0, 1.0, curve)
        x = x - jnp.where(real, jnp.polyval(slope, x) / curve, 0.0)
    values = jnp.where(real, jnp.polyval(p, x), jnp.inf)
    least = jnp.min(values)
    rounding = 1e4 * jnp.finfo(x.dtype).eps
    lowest = values <= least + rounding * jnp.polyval(jnp.abs(p), jnp.abs(x))
    begin = jnp.asarray(start)[..., None]
    shares = (jnp.arange(1000) + 0.5) / 1000
    middles = begin[..., None] + (x - begin)[..., None] * shares
    pace = jnp.sqrt(jnp.maximum(jnp.polyval(p, middles) - least, 0.0)).sum(axis=-1)
    way = jnp.where(lowest, jnp.abs(x - begin) * pace, jnp.inf)
    return x[jnp.argmin(way, axis=-1)].astype(begin.dtype)
