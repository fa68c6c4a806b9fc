def _flat(tensors):
    """Tensors as one vector."""
    return torch.cat([tensor.reshape(-1) for tensor in tensors])


def _parts(vector, like):
    """A vector as tensors of the shapes of others."""
    sizes = [tensor.numel() for tensor in like]
    return [v.view_as(t) for v, t in zip(vector.split(sizes), like)]


def _shared(groups):
    """What all parameter groups say: matrices couple all parameters, so they must agree."""
    for group in groups[1:]:
        for name, value in groups[0].items():
            if name not in ("params", "param_names") and group.get(name) != value:
                raise ValueError(
                    f"matrices couple all parameters: {name} must be the same in all groups"
                )
    return groups[0]


def _trained(groups):
    """The parameters of all groups, which are parts of one vector."""
    params = [p for group in groups for p in group["params"] if p.requires_grad]
    if not params:
        raise ValueError("no parameter requires a gradient")
    kinds = {(p.dtype, p.device, p.layout) for p in params}
    if len(kinds) > 1 or params[0].is_complex() or params[0].layout != torch.strided:
        raise RuntimeError(
            "parameters must be real, dense, and of one dtype on one device"
        )
    return params


def _matrix(name, source):
    """Where the products with a matrix come from."""
    if callable(source) or source in ("hessian", "gauss_newton"):
        return source
    raise TypeError(
        f'{name} must be "hessian", "gauss_newton" or a function, not {source!r}'
    )


def _evaluate(closure, params, sources):
    """The loss, the output of the model if the closure returns it, and the gradients.

    Without a closure the gradients are those of the last backward pass.
    """
    if closure is None:
        given = [torch.zeros_like(p) if p.grad is None else p.grad for p in params]
        if any(g.layout != torch.strided for g in given):
            raise RuntimeError("sparse gradients are not supported")
        return None, None, given
    with torch.enable_grad():
        found = closure()
        loss, output = found if isinstance(found, tuple) else (found, None)
        keywords = {
            "create_graph": "hessian" in [s for s in sources if isinstance(s, str)],
            "retain_graph": True,
            "materialize_grads": True,
        }
        return loss, output, torch.autograd.grad(loss, params, **keywords)


def _averaged(vector, process_group):
    """The mean over processes, each of which sees its part of the data."""
    if process_group is not None:
        torch.distributed.all_reduce(vector, group=process_group)
        vector /= torch.distributed.get_world_size(process_group)
    return vector


def _product(name, source, damping, process_group, params, loss, output, gradients):
    """The product with a matrix, for vectors that hold all parameters."""
    if isinstance(source, str) and loss is None:
        raise ValueError(f'{name}="{source}" needs a closure')
    if source == "hessian":
        product = _hessian(gradients, params)
    elif source == "gauss_newton":
        product = _gauss_newton(name, loss, output, params)
    else:

        def product(v):
            return _flat(source(_parts(v, params)))

    def damped(v):
        along = _averaged(product(v), process_group)
        return along + damping * v if damping else along

    return damped


def _hessian(gradients, params):
    """Products with the second derivative of the loss, by double backward."""
    bent = [g for g in gradients if g.requires_grad]
    keywords = {"retain_graph": True, "materialize_grads": True}

    def product(v):
        along = [x for x, g in zip(_parts(v, params), gradients) if g.requires_grad]
        if not bent:
            return torch.zeros_like(v)
        return _flat(torch.autograd.grad(bent, params, along, **keywords))

    return product


def _gauss_newton(name, loss, output, params):
    """Products with J^T S J, where J is the derivative of the output of the model and S the
    second derivative of the loss in the output: the Fisher matrix where the loss is a
    likelihood.
    """
    if output is None:
        raise ValueError(f"for {name} the closure must return loss and output")
    keywords = {"create_graph": True, "materialize_grads": True}
    with torch.enable_grad():
        dual = torch.zeros_like(output, requires_grad=True)
        back = torch.autograd.grad(output, params, dual, **keywords)
        (slope,) = torch.autograd.grad(loss, output, create_graph=True)
    keywords = {"retain_graph": True, "materialize_grads": True}

    def product(v):
        (moved,) = torch.autograd.grad(back, dual, _parts(v, params), **keywords)
        if slope.requires_grad:
            (moved,) = torch.autograd.grad(slope, output, moved, **keywords)
        else:
            moved = torch.zeros_like(moved)
        return _flat(torch.autograd.grad(output, params, moved, **keywords))

    return product


def _diagonal(entries):
    """The product with a diagonal matrix."""
    return lambda v: entries * v


def _solved(matrix, b, most=1000):
    """The inverse of a positive definite matrix times b, by conjugate gradients."""
    x, r = torch.zeros_like(b), b
    p, size = r, torch.dot(r, r)
    end = (4 * torch.finfo(b.dtype).eps) ** 2 * size
    for _ in range(min(most, 4 * b.numel())):
        if size <= end:
            break
        q = matrix(p)
        bend = torch.dot(p, q)
        if not bend > 0:
            raise ValueError("a matrix is not positive definite: add damping")
        step = size / bend
        x, r = x + step * p, r - step * q
        last, size = size, torch.dot(r, r)
        p = r + (size / last) * p
    return x


def _function(response, matrix, v, constants, krylov, metric=None, *ends):
    """A function of a matrix times a vector, by Lanczos' method.

    With a metric G it is a function of G^-1 A; the ends say whether v, and the result, are
    covectors, so that G^-1 or G stands there too. krylov holds the largest number of products
    (rank), the relative error at which it stops (tolerance), and gets the estimate of the
    relative error (errors).
    """
    start, dual = v, v
    if metric is not None:
        start, dual = (_solved(metric, v), v) if ends[0] else (v, metric(v))
    size = torch.dot(start, dual).sqrt()
    if not torch.isfinite(size):
        raise ValueError("the gradient is not finite, or the metric not positive")
    if size == 0:
        krylov["errors"].append(0.0)
        return torch.zeros_like(v)
    eps = torch.finfo(v.dtype).eps
    tolerance = eps**0.5 if krylov["tolerance"] is None else krylov["tolerance"]
    basis, duals = [start / size], [dual / size]
    alphas, betas, weights, gaps, error = [], [], None, [], float("inf")
    for _ in range(min(krylov["rank"], v.numel())):
        w = matrix(basis[-1])
        alphas.append(torch.dot(basis[-1], w).item())
        # Twice against all vectors: rounding would make them lean on each other.
        for _ in range(2):
            for u, d in zip(basis, duals):
                w = w - torch.dot(u, w) * d
        u = w
        if metric is not None:
            u = _solved(metric, w)
            for b, d in zip(basis, duals):
                u = u - torch.dot(d, u) * b
        last, weights = weights, _weights(response, alphas, betas, constants)
        if last is not None:
            longer = torch.cat([last, weights.new_zeros(1)])
            gaps.append(float((weights - longer).norm()))
            error = _remaining(gaps) / float(weights.norm())
        beta = torch.dot(u, w).clamp_min(0).sqrt().item()
        if beta <= 8 * eps * max(abs(a) for a in alphas):
            error = min(error, 8 * eps)
        if error <= max(tolerance, 8 * eps):
            break
        betas.append(beta)
        basis.append(u / beta)
        duals.append(w / beta if metric is not None else basis[-1])
    krylov["errors"].append(error)
    end = duals if metric is not None and ends[1] else basis
    weights = (float(size) * weights).tolist()
    return sum(by * u for by, u in zip(weights, end))


def _weights(response, alphas, betas, constants):
    """The function of the tridiagonal matrix, applied to the first unit vector."""
    count = len(alphas)
    projected = torch.diag(torch.tensor(alphas, dtype=torch.float64))
    for at, beta in enumerate(betas[: count - 1]):
        projected[at, at + 1] = projected[at + 1, at] = beta
    values, vectors = torch.linalg.eigh(projected)
    found = torch.as_tensor(response(values, constants), dtype=torch.float64)
    if not bool(torch.isfinite(found).all()):
        worst = values[~torch.isfinite(found.expand_as(values))][0]
        raise ValueError(
            f"the rule has no value where the curvature is {float(worst):.3g}: add damping, or "
            'take a curvature that is never negative, such as "gauss_newton"'
        )
    return vectors @ (found * vectors[0])


def _remaining(gaps):
    """What a series of shrinking changes leaves: its last one, or the tail of the geometric
    series that goes on like the last two.
    """
    if len(gaps) < 2 or gaps[-1] >= gaps[-2]:
        return gaps[-1]
    ratio = gaps[-1] / gaps[-2]
    return gaps[-1] * max(1.0, ratio / (1.0 - ratio))
