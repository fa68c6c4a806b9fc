# Helpers of emitted PyTorch modules; a module contains those that it uses.


def _array(value):
    """Tensors keep their precision; other numbers become tensors of double precision."""
    if isinstance(value, torch.Tensor):
        return value
    return torch.as_tensor(value, dtype=torch.float64)


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
        if name in values and len(_shape(values[name])) > axis:
            return _shape(values[name])[axis]
    raise KeyError(f"the shape of one of {[name for name, _ in places]} is needed")


def _shape(value):
    array = _array(value) if not callable(value) else 0.0
    return array.shape if isinstance(array, torch.Tensor) else ()


def _stack(rows):
    """An array of numbers that may be tensors."""
    flat = rows if not isinstance(rows[0], list) else [x for row in rows for x in row]
    array = torch.stack([torch.as_tensor(x, dtype=torch.float64) for x in flat])
    return array if flat is rows else array.reshape(len(rows), -1)


def _curvature(name, source, p):
    """A number, a tensor or a function of the parameter; else an attribute of the parameter."""
    value = getattr(p, name, None) if source is None else source
    if callable(value):
        value = value(p)
    if value is None:
        raise RuntimeError(f"{name} is not known: give {name}=... or attribute .{name}")
    return torch.as_tensor(value, dtype=p.dtype, device=p.device).expand_as(p)


def _known(group, constants):
    """Refuses what other optimizers call their constants: here it would change nothing."""
    for name in ("lr", "betas", "momentum", "weight_decay", "eps"):
        if name in group and name not in constants:
            known = ", ".join(constants)
            raise ValueError(f"a group of parameters has no {name} here, only {known}")


def _positive(**constants):
    for name, value in constants.items():
        if not value > 0:
            raise ValueError(f"{name} must be positive, but is {value}")


def _nonnegative(**constants):
    for name, value in constants.items():
        if not value >= 0:
            raise ValueError(f"{name} must be at least 0, but is {value}")


def _phi1(x):
    """(exp(x) - 1)/x, which is 1 at 0."""
    if not isinstance(x, torch.Tensor):
        return _phi1_number(x)
    zero = x == 0
    return torch.where(zero, 1.0, torch.expm1(x) / torch.where(zero, 1.0, x))


def _phi1_number(x):
    """(exp(x) - 1)/x, which is 1 at 0."""
    return 1.0 if x == 0 else math.expm1(x) / x


def _excess(x):
    """phi1(x) - exp(x/2), by its power series where the two are almost equal."""
    if not isinstance(x, torch.Tensor):
        return _excess_number(x)
    half = x / 2
    near = half.abs() < 1
    square = torch.where(near, half * half, 0.0)
    series = 0.0 * square
    for k in range(16, 0, -2):
        series = (series + 1) * square / (k * (k + 1))
    far = torch.where(near, 1.0, x)
    distant = torch.expm1(far) / far - torch.exp(half)
    return torch.where(near, torch.exp(half) * series, distant)


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
    if not isinstance(x, torch.Tensor):
        return max(x, 2.2250738585072014e-308)
    return x.clamp_min(torch.finfo(x.dtype).tiny)


def _spectral(function, a):
    """A function of a symmetric matrix."""
    w, v = torch.linalg.eigh((a + a.T) / 2)
    values = function(w)
    if values.isnan().any():
        raise ValueError("no real value: the formula is complex for this curvature")
    return (v * values) @ v.T


def _sqrtm(a):
    """The principal square root, by scaled Denman-Beavers iteration."""
    y, z = a, torch.eye(len(a), dtype=a.dtype, device=a.device)
    for _ in range(40):
        log = torch.linalg.slogdet(y)[1] + torch.linalg.slogdet(z)[1]
        scale = torch.exp(-log / (2 * len(a)))
        y_next = (scale * y + torch.linalg.inv(z) / scale) / 2
        z_next = (scale * z + torch.linalg.inv(y) / scale) / 2
        change = torch.linalg.norm(y_next - y) / torch.linalg.norm(y_next)
        y, z = y_next, z_next
        if change < 4 * torch.finfo(a.dtype).eps:
            break
    gap = torch.linalg.norm(y @ y - a)
    if not gap < torch.finfo(a.dtype).eps ** 0.5 * torch.linalg.norm(y) ** 2:
        raise ValueError("no real root: the rule has no value for this curvature")
    return y


def _powm(a, exponent):
    """A fractional power."""
    w, v = torch.linalg.eig(a)
    return torch.linalg.solve(v.T, (v * w**exponent).T).T.real


def _expm(a):
    """The exponential, by scaling, the diagonal Pade approximant of order 13, and squaring.

    torch.linalg.matrix_exp is off by 2e-11 at norms from 0.01 to 0.05.
    """
    squarings = max(0, math.frexp(torch.linalg.matrix_norm(a, 1).item() / 5.37)[1])
    a = a / 2**squarings
    eye = torch.eye(len(a), dtype=a.dtype, device=a.device)
    square = a @ a
    coefficient, even, odd, power = 0.5, eye, eye / 2, eye
    for k in range(2, 14):
        coefficient *= (14 - k) / (k * (27 - k))
        if k % 2 == 0:
            power = power @ square
            even = even + coefficient * power
        else:
            odd = odd + coefficient * power
    odd = a @ odd
    root = torch.linalg.solve(even - odd, even + odd)
    for _ in range(squarings):
        root = root @ root
    return root


def _coshm(a):
    return (_expm(a) + _expm(-a)) / 2


def _sinhm(a):
    return (_expm(a) - _expm(-a)) / 2


def _phi1m(a):
    """phi1 of a matrix: a corner of the exponential of [[a, I], [0, 0]]."""
    eye = torch.eye(len(a), dtype=a.dtype, device=a.device)
    zero = torch.zeros_like(a)
    above, below = torch.cat([a, eye], dim=1), torch.cat([zero, zero], dim=1)
    return _expm(torch.cat([above, below]))[: len(a), len(a) :]


def _excessm(a):
    """phi1(a) - exp(a/2) of a matrix, which are almost equal where a is small.

    By power series for a part of a and doubling; grown is exp(a/2) - I.
    """
    doublings = max(0, math.frexp(4 * torch.linalg.matrix_norm(a, 1).item())[1])
    half = a / 2 ** (doublings + 1)
    eye = torch.eye(len(a), dtype=a.dtype, device=a.device)
    grown, square = torch.zeros_like(a), half @ half
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
    lower = torch.linalg.cholesky(a)
    half = torch.linalg.solve(lower, b)
    return lower @ _spectral(torch.sqrt, torch.linalg.solve(lower, half.T)) @ lower.T


def _solvent(m, c, k, half):
    """The X with m X X + c X + k = 0 whose eigenvalues have real parts below half.

    The matrix sign of the companion matrix, shifted to the imaginary axis, by scaled Newton
    iteration; then Newton steps on the equation itself.
    """
    n = len(m)
    eye = torch.eye(n, dtype=m.dtype, device=m.device)
    above = torch.cat([-half * eye, eye], dim=1)
    below = [-torch.linalg.solve(m, k), -torch.linalg.solve(m, c) - half * eye]
    sign = torch.cat([above, torch.cat(below, dim=1)])
    for _ in range(60):
        inverse, singular = torch.linalg.inv_ex(sign)
        if singular or not torch.isfinite(inverse).all():
            raise ValueError("no optimum: the roots do not split at half the discount")
        scale = torch.exp(-torch.linalg.slogdet(sign)[1] / (2 * n))
        step = (scale * sign + inverse / scale) / 2
        change = torch.linalg.norm(step - sign) / torch.linalg.norm(step)
        sign = step
        if change < 8 * torch.finfo(m.dtype).eps:
            break
    left = torch.eye(2 * n, dtype=m.dtype, device=m.device) - sign
    q, _, _ = torch.linalg.svd(left)
    x = torch.linalg.solve_ex(q[:n, :n].T, q[n:, :n].T)[0].T
    for _ in range(2):
        # (m X + c) D + m D X = -(m X X + c X + k), one linear system for D.
        residual = m @ x @ x + c @ x + k
        system = torch.kron(m @ x + c, eye) + torch.kron(m, x.T.contiguous())
        x = x - torch.linalg.solve_ex(system, residual.reshape(-1))[0].reshape(n, n)
    # With a root on the line itself the iteration has no limit: no equation is solved, or the
    # cost of x is no quadratic form.
    slope = m @ x
    square = slope @ x
    residual = torch.linalg.norm(square + c @ x + k)
    skew = torch.linalg.norm(slope - slope.T + c + 2 * half * m)
    small = math.sqrt(torch.finfo(m.dtype).eps)
    size = torch.linalg.norm(slope) + torch.linalg.norm(c)
    solved = residual <= small * (torch.linalg.norm(square) + torch.linalg.norm(k))
    if not (solved and skew <= small * size):
        raise ValueError("no optimum: the roots do not split at half the discount")
    return x


def _joined(g, h):
    """I + g h, whose eigenvalues are positive where two intervals together have a minimum."""
    joint = torch.eye(len(g), dtype=g.dtype, device=g.device) + g @ h
    if not torch.linalg.eigvals(joint).real.min() > 0:
        raise ValueError("no optimum: the horizon is beyond the conjugate point")
    return joint


def _scattering(push, a, q, half, time):
    """y(time) = e y(0) - g p(time), p(0) = e^T p(time) + h y(0) of the motion
    y' = a y - push p that keeps the cost of y least, q its curvature.

    By doubling from a short time, so that nothing grows.
    """
    n = len(a)
    shifted = a - half * torch.eye(n, dtype=a.dtype, device=a.device)
    above = torch.cat([shifted, -push], dim=1)
    flow = torch.cat([above, torch.cat([-q, -shifted.T], dim=1)])
    size = time * torch.linalg.matrix_norm(flow, 2).item()
    doublings = max(0, math.ceil(math.log2(1 + 4 * size)))
    short = _expm(flow * (time / 2**doublings))
    below = torch.linalg.inv(short[n:, n:])
    g, h = -short[:n, n:] @ below, -below @ short[n:, :n]
    e = short[:n, :n] - short[:n, n:] @ below @ short[n:, :n]
    for _ in range(doublings):
        joint = torch.linalg.inv(_joined(g, h))
        g_next = g + e @ joint @ g @ e.T
        h, e, g = h + e.T @ h @ joint @ e, e @ joint @ e, g_next
    return e, g, h


def _affine(m, a, q, drift, slope):
    """A plan with one more coordinate that is always 1: drift and slope become linear terms.

    In double precision, and counted in units of the larger of the two.
    """
    n = len(m)
    largest = max(drift.abs().max().item(), slope.abs().max().item())
    size = max(largest, torch.finfo(torch.float64).tiny)
    like = {"dtype": torch.float64, "device": m.device}
    push, flow, cost = torch.zeros(3, n + 1, n + 1, **like)
    push[:n, :n] = torch.linalg.inv(m.double())
    flow[:n, :n], flow[:n, n] = a, drift / size
    cost[:n, :n], cost[:n, n], cost[n, :n] = q, slope / size, slope / size
    return push, flow, cost, size


def _pace(m, a, q, half, horizon, drift, slope):
    """The velocity at the start of a plan over a horizon with a free end."""
    push, flow, cost, size = _affine(m, a, q, drift, slope)
    momentum = _scattering(push, flow, cost, half, horizon)[2][:, -1]
    return (size * (flow[:, -1] - push @ momentum)[:-1]).to(m.dtype)


def _planned(m, a, q, half, horizon, drift, slope, dt):
    """The change over the first dt of a plan over a horizon with a free end.

    It is the motion y' = a y + drift - p/m from y = 0 with the least cost: slope y + y q y/2
    beside that of p.
    """
    push, flow, cost, size = _affine(m, a, q, drift, slope)
    e, g, _ = _scattering(push, flow, cost, half, dt)
    rest = _scattering(push, flow, cost, half, horizon - dt)[2]
    moved = torch.linalg.solve(_joined(g, rest), e[:, -1])
    return (size * math.exp(half * dt) * moved[:-1]).to(m.dtype)


def _minimum(start, *coefficients):
    """Where a polynomial with these coefficients, lowest first, is least.

    Of several such places it is the one that is cheapest to reach from the start.
    """
    lowest = [float(c) for c in coefficients]
    slope = [power * c for power, c in enumerate(lowest)][1:]
    bend = [power * c for power, c in enumerate(slope)][1:]
    companion = torch.diag(torch.ones(len(slope) - 2, dtype=torch.float64), -1)
    companion[:, -1] = -torch.tensor(slope[:-1], dtype=torch.float64) / slope[-1]
    roots = torch.linalg.eigvals(companion)
    real = roots.real[roots.imag.abs() < 1e-7 * (1 + roots.abs())]

    def at(poly, x):
        return sum(c * x**power for power, c in enumerate(poly))

    for _ in range(3):
        curve = at(bend, real)
        real = real - at(slope, real) / torch.where(curve == 0, 1.0, curve)
    least = at(lowest, real).min()
    size = at([abs(c) for c in lowest], real.abs())
    places = real[at(lowest, real) <= least + 1e-12 * size]
    begin = start.detach().to("cpu", torch.float64)
    middles = (torch.arange(1000, dtype=torch.float64) + 0.5) / 1000

    def way(x):
        between = at(lowest, begin[..., None] + (x - begin[..., None]) * middles)
        return (x - begin).abs() * (between - least).clamp(min=0).sqrt().sum(-1)

    ways = torch.stack([way(x) for x in places])
    return places[ways.argmin(0)].to(start)
