"""Losses, gradients and optimizer steps from PyTorch, for tests/it/train.

    pip install torch==2.9.1       (any build; only the processor is used)
    python tests/oracle/train_torch.py > tests/oracle/train_torch.json

Parameters and images are formulas, so that only results are stored. Convolution weights lie in the
flat buffer as [3, 3, out, in].
"""

import json
import sys

import torch
from torch import nn
from torch.nn import functional as F

torch.set_num_threads(1)


def wave(count, step, shift, scale, dtype):
    """scale * sin(step * i + shift), computed in double precision."""
    i = torch.arange(count, dtype=torch.float64)
    return (scale * torch.sin(step * i + shift)).to(dtype)


def take(flat, offset, shape):
    count = 1
    for size in shape:
        count *= size
    return flat[offset : offset + count].view(*shape), offset + count


def perceptron(flat, x, sizes, seen):
    offset = 0
    for at in range(len(sizes) - 1):
        seen.append([offset, x, None])
        w, offset = take(flat, offset, (sizes[at + 1], sizes[at]))
        b, offset = take(flat, offset, (sizes[at + 1],))
        x = F.linear(x, w, b)
        seen[-1][2] = x
        if at + 2 < len(sizes):
            x = F.relu(x)
    return x


def convolutional(flat, x, a, b, hidden, side, seen):
    offset = 0

    def conv(x, inputs, outputs):
        nonlocal offset
        seen.append([offset, x, None])
        w, offset = take(flat, offset, (3, 3, outputs, inputs))
        bias, offset = take(flat, offset, (outputs,))
        z = F.conv2d(x, w.permute(2, 3, 0, 1), bias, padding=1)
        seen[-1][2] = z
        return F.relu(z)

    def linear(x, inputs, outputs):
        nonlocal offset
        seen.append([offset, x, None])
        w, offset = take(flat, offset, (outputs, inputs))
        bias, offset = take(flat, offset, (outputs,))
        seen[-1][2] = F.linear(x, w, bias)
        return seen[-1][2]

    x = F.max_pool2d(conv(conv(x, 3, a), a, a), 2)
    x = F.max_pool2d(conv(conv(x, a, b), b, b), 2).flatten(1)
    return linear(F.relu(linear(x, b * side * side // 16, hidden)), hidden, 10)


def network(forward, parameters, shape, dtype):
    flat = wave(parameters, 1.7, 0.3, 0.2, dtype).requires_grad_()
    count = 1
    for size in shape:
        count *= size
    x = wave(count, 0.37, 1.0, 1.0, dtype).view(*shape)
    labels = torch.arange(shape[0]) % 10
    seen = []
    scores = forward(flat, x, seen)
    loss = F.cross_entropy(scores, labels)
    (gradient,) = torch.autograd.grad(loss, flat, create_graph=True)
    direction = wave(parameters, 0.9, 0.2, 1.0, dtype)
    (product,) = torch.autograd.grad(gradient, flat, direction, retain_graph=True)
    short = lambda values: [float(f"{x:.9g}") for x in values.tolist()]
    return {
        "loss": loss.item(),
        "gradient": short(gradient),
        "hessian": short(product),
        "kronecker": short(kronecker(scores, seen, direction)),
    }


def kronecker(scores, seen, direction):
    """The Kronecker-factored Gauss-Newton matrix (Martens and Grosse 2015, Grosse and Martens 2016)
    times a direction: of each layer the mean of x x' times the mean of s s' over the labels that the
    network expects."""
    count, classes = scores.shape
    p = scores.softmax(1).detach()
    out = torch.zeros_like(direction)
    for offset, x, z in seen:
        if x.dim() == 4:
            # [images, inputs * 9, pixels] with the pixels of a window last: to [9, inputs] and a 1.
            x = F.unfold(x, 3, padding=1).unflatten(1, (-1, 9)).transpose(1, 2).flatten(1, 2)
        else:
            x = x.unsqueeze(2)
        pixels = x.shape[2]
        x = torch.cat([x, torch.ones_like(x[:, :1])], 1).transpose(1, 2).reshape(count * pixels, -1)
        a = x.T @ x / count
        s = 0
        for c in range(classes):
            chosen = (F.one_hot(torch.tensor(c), classes) - p) * p[:, c : c + 1].sqrt()
            (slope,) = torch.autograd.grad(scores, z, chosen, retain_graph=True)
            slope = slope.reshape(count, -1, pixels).transpose(1, 2).reshape(count * pixels, -1)
            s = s + slope.T @ slope / (count * pixels)
        outputs, taps = len(s), 9 if pixels > 1 else 1
        end = offset + outputs * (len(a) - 1)
        # [taps, outputs, inputs] to [outputs, taps * inputs].
        weights = direction[offset:end].view(taps, outputs, -1).transpose(0, 1).reshape(outputs, -1)
        v = torch.cat([weights, direction[end : end + outputs, None]], 1)
        v = s @ v @ a
        weights = v[:, :-1].reshape(outputs, taps, -1).transpose(0, 1)
        out[offset:end] = weights.flatten()
        out[end : end + outputs] = v[:, -1]
    return out.detach()


def steps(make):
    """100 steps of an optimizer on eight numbers, with gradients given by a formula."""
    theta = nn.Parameter(wave(8, 1.0, 0.5, 1.0, torch.float32))
    optimizer = make([theta])
    for t in range(1, 101):
        theta.grad = wave(8, 0.7 + 0.05 * t, 0.1 * t, 1.0, torch.float32)
        optimizer.step()
    return theta.tolist()


def clipped():
    theta = nn.Parameter(torch.zeros(1000))
    theta.grad = wave(1000, 0.9, 0.0, 2.0, torch.float32)
    norm = nn.utils.clip_grad_norm_([theta], 5.0)
    return {"norm": norm.item(), "gradient": theta.grad.tolist()[:16]}


o = torch.optim
json.dump(
    {
        "torch": torch.__version__,
        "perceptron": network(lambda p, x, seen: perceptron(p, x, [12, 9, 7, 10], seen), 12 * 9 + 9 + 9 * 7 + 7 + 80, (6, 12), torch.float64),
        "convolutional": network(lambda p, x, seen: convolutional(p, x, 4, 6, 8, 8, seen), 28 * 4 + 37 * 4 + 37 * 6 + 55 * 6 + 25 * 8 + 90, (5, 3, 8, 8), torch.float64),
        "optimizers": {
            "sgd": steps(lambda p: o.SGD(p, lr=0.1)),
            "momentum": steps(lambda p: o.SGD(p, lr=0.1, momentum=0.9)),
            "adam": steps(lambda p: o.Adam(p, lr=0.01)),
            "adamw": steps(lambda p: o.AdamW(p, lr=0.01)),
            "rmsprop": steps(lambda p: o.RMSprop(p, lr=0.01)),
        },
        "clip": clipped(),
    },
    sys.stdout,
)
