# Helpers of emitted NumPy modules; a module contains those that it uses.


def _array(value):
    """Numbers stay Python floats, so that they do not widen arrays of single precision."""
    array = np.asarray(value)
    if array.dtype.kind not in "fc":
        array = array.astype(float)
    return float(array) if array.ndim == 0 else array


def _present(value, *point):
    """A function given as such is evaluated at the present point."""
    return _array(value(*point) if callable(value) else value)


def _called(name, function, *arguments):
    if not callable(function):
        raise TypeError(f"{name} is needed at another point: give it as a function")
    return _array(function(*arguments))


def _dimension(values, places):
    """The number that a symbolic dimension stands for, from the first value that has it."""
    for name, axis in places:
        shape = np.shape(values.get(name))
        if len(shape) > axis:
            return shape[axis]
    raise KeyError(f"the shape of one of {[name for name, _ in places]} is needed")


def _positive(**constants):
    for name, value in constants.items():
        if not np.all(np.asarray(value) > 0):
            raise ValueError(f"{name} must be positive, but is {value}")


def _nonnegative(**constants):
    for name, value in constants.items():
        if not np.all(np.asarray(value) >= 0):
            raise ValueError(f"{name} must be at least 0, but is {value}")


def _phi1(x):
    """(exp(x) - 1)/x, which is 1 at 0."""
    zero = np.equal(x, 0)
    return np.where(zero, 1.0, np.expm1(x) / np.where(zero, 1.0, x))


def _phi1_number(x):
    """(exp(x) - 1)/x, which is 1 at 0."""
    return 1.0 if x == 0 else math.expm1(x) / x


def _excess(x):
    """phi1(x) - exp(x/2), by its power series where the two are almost equal."""
    half = x / 2
    near = np.abs(half) < 1
    square = np.where(near, half * half, 0.0)
    series = 0.0 * square
    for k in range(16, 0, -2):
        series = (series + 1) * square / (k * (k + 1))
    far = np.where(near, 1.0, x)
    return np.where(near, np.exp(half) * series, np.expm1(far) / far - np.exp(half))


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
    return np.maximum(x, np.finfo(np.asarray(x).dtype).tiny)


def _spectral(function, a):
    """A function of a symmetric matrix."""
    w, v = np.linalg.eigh(a)
    with np.errstate(invalid="ignore"):
        values = function(w)
    if np.isnan(values).any():
        raise ValueError("no real value: the formula is complex for this curvature")
    return (v * values) @ v.T


def _sqrtm(a):
    """The principal square root."""
    root = scipy.linalg.sqrtm(a)
    if np.iscomplexobj(a):
        return root
    if np.abs(np.imag(root)).max() > 1e-8 * np.abs(root).max():
        raise ValueError("no real root: the rule has no value for this curvature")
    return root.real


def _powm(a, exponent):
    """A fractional power."""
    power = scipy.linalg.fractional_matrix_power(a, exponent)
    if np.iscomplexobj(a):
        return power
    if np.abs(np.imag(power)).max() > 1e-8 * np.abs(power).max():
        raise ValueError("no real root: the rule has no value for this curvature")
    return power.real


def _expm(a):
    return scipy.linalg.expm(a)


def _coshm(a):
    return (scipy.linalg.expm(a) + scipy.linalg.expm(-a)) / 2


def _sinhm(a):
    return (scipy.linalg.expm(a) - scipy.linalg.expm(-a)) / 2


def _phi1m(a):
    """phi1 of a matrix: a corner of the exponential of [[a, I], [0, 0]]."""
    n = len(a)
    block = np.zeros((2 * n, 2 * n), dtype=a.dtype)
    block[:n, :n] = a
    block[:n, n:] = np.eye(n)
    return scipy.linalg.expm(block)[:n, n:]


def _excessm(a):
    """phi1(a) - exp(a/2) of a matrix, which are almost equal where a is small.

    By power series for a part of a and doubling; grown is exp(a/2) - I.
    """
    doublings = max(0, np.frexp(4 * np.linalg.norm(a, 1))[1])
    half = a / 2.0 ** (doublings + 1)
    eye = np.eye(len(a), dtype=a.dtype)
    grown, square = np.zeros_like(a), half @ half
    excess = grown
    for k in range(12, 0, -1):
        grown = half @ (eye + grown) / k
    for k in range(10, 0, -2):
        excess = square @ (eye + excess) / (k * (k + 1))
    excess = excess + grown @ excess
    for _ in range(doublings):
        once = eye + grown
        excess = (excess + once @ (once @ excess + grown @ grown)) / 2
        grown = 2 * grown + grown @ grown
    return excess


def _mean(a, b):
    """The geometric mean of two positive definite matrices."""
    lower = np.linalg.cholesky(a)
    half = np.linalg.solve(lower, b)
    return lower @ _spectral(np.sqrt, np.linalg.solve(lower, half.T)) @ lower.T


def _solvent(m, c, k, half):
    """The X with m X X + c X + k = 0 whose eigenvalues have real parts below half.

    An ordered Schur form of the companion matrix, shifted to the imaginary axis.
    """
    n = len(m)
    shifted = np.zeros((2 * n, 2 * n))
    shifted[:n, n:] = np.eye(n)
    shifted[n:, :n] = -np.linalg.solve(m, k)
    shifted[n:, n:] = -np.linalg.solve(m, c)
    shifted -= half * np.eye(2 * n)
    try:
        _, z, wanted = scipy.linalg.schur(shifted, output="real", sort="lhp")
    except np.linalg.LinAlgError:
        wanted = -1  # Some root is on the line, and changed sides on the way.
    if wanted != n:
        raise ValueError("no optimum: the roots do not split at half the discount")
    x = np.linalg.solve(z[:n, :n].T, z[n:, :n].T).T
    # A root on the line itself may have been counted; then the cost of x is no quadratic form.
    slope = m @ x
    skew = np.linalg.norm(slope - slope.T + c + 2 * half * m)
    size = np.linalg.norm(slope) + np.linalg.norm(c)
    if not skew <= np.sqrt(np.finfo(x.dtype).eps) * size:
        raise ValueError("no optimum: the roots do not split at half the discount")
    return x


def _joined(g, h):
    """I + g h, whose eigenvalues are positive where two intervals together have a minimum."""
    joint = np.eye(len(g)) + g @ h
    if not np.linalg.eigvals(joint).real.min() > 0:
        raise ValueError("no optimum: the horizon is beyond the conjugate point")
    return joint


def _scattering(push, a, q, half, time):
    """y(time) = e y(0) - g p(time), p(0) = e^T p(time) + h y(0) of the motion
    y' = a y - push p that keeps the cost of y least, q its curvature.

    By doubling from a short time, so that nothing grows.
    """
    n = len(a)
    shifted = a - half * np.eye(n)
    flow = np.block([[shifted, -push], [-q, -shifted.T]])
    doublings = max(0, int(np.ceil(np.log2(1 + 4 * time * np.linalg.norm(flow, 2)))))
    short = scipy.linalg.expm(flow * (time / 2**doublings))
    below = np.linalg.inv(short[n:, n:])
    g, h = -short[:n, n:] @ below, -below @ short[n:, :n]
    e = short[:n, :n] - short[:n, n:] @ below @ short[n:, :n]
    for _ in range(doublings):
        joint = _joined(g, h)
        inner, other = np.linalg.solve(joint, e), np.linalg.solve(joint.T, h.T).T
        g = g + e @ np.linalg.solve(joint, g) @ e.T
        h, e = h + e.T @ other @ e, e @ inner
    return e, g, h


def _affine(m, a, q, drift, slope):
    """A plan with one more coordinate that is always 1: drift and slope become linear terms.

    In double precision, and counted in units of the larger of the two.
    """
    n = len(m)
    size = max(np.abs(drift).max(), np.abs(slope).max(), np.finfo(float).tiny)
    push, flow, cost = np.zeros((3, n + 1, n + 1))
    push[:n, :n] = np.linalg.inv(m)
    flow[:n, :n], flow[:n, n] = a, drift / size
    cost[:n, :n], cost[:n, n], cost[n, :n] = q, slope / size, slope / size
    return push, flow, cost, size


def _pace(m, a, q, half, horizon, drift, slope):
    """The velocity at the start of a plan over a horizon with a free end."""
    push, flow, cost, size = _affine(m, a, q, drift, slope)
    momentum = _scattering(push, flow, cost, half, horizon)[2][:, -1]
    return (size * (flow[:, -1] - push @ momentum)[:-1]).astype(m.dtype)


def _planned(m, a, q, half, horizon, drift, slope, dt):
    """The change over the first dt of a plan over a horizon with a free end.

    It is the motion y' = a y + drift - p/m from y = 0 with the least cost: slope y + y q y/2
    beside that of p.
    """
    push, flow, cost, size = _affine(m, a, q, drift, slope)
    e, g, _ = _scattering(push, flow, cost, half, dt)
    rest = _scattering(push, flow, cost, half, horizon - dt)[2]
    moved = np.linalg.solve(_joined(g, rest), e[:, -1])
    return (size * np.exp(half * dt) * moved[:-1]).astype(m.dtype)


def _minimum(start, *coefficients):
    """Where a polynomial with these coefficients, lowest first, is least.

    Of several such places it is the one that is cheapest to reach from the start.
    """
    p = np.polynomial.Polynomial(coefficients)
    roots = p.deriv().roots()
    real = roots.real[np.abs(roots.imag) < 1e-7 * (1 + np.abs(roots))]
    slope, bend = p.deriv(), p.deriv(2)
    for _ in range(3):
        real = real - slope(real) / np.where(bend(real) == 0, 1.0, bend(real))
    least = np.min(p(real))
    size = np.polynomial.Polynomial(np.abs(coefficients))(np.abs(real))
    lowest = real[p(real) <= least + 1e-12 * size]
    start = np.asarray(start)
    middles = (np.arange(1000) + 0.5) / 1000

    def way(x):
        between = p(start[..., None] + (x - start[..., None]) * middles)
        pace = np.sqrt(np.maximum(between - least, 0.0))
        return np.abs(x - start) * np.sum(pace, axis=-1)

    found = lowest[np.argmin([way(x) for x in lowest], axis=0)]
    return found.astype(start.dtype) if start.ndim else float(found)
