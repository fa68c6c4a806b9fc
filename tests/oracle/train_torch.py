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


def perceptron(flat, x, sizes):
    offset = 0
    for at in range(len(sizes) - 1):
        w, offset = take(flat, offset, (sizes[at + 1], sizes[at]))
        b, offset = take(flat, offset, (sizes[at + 1],))
        x = F.linear(x, w, b)
        if at + 2 < len(sizes):
            x = F.relu(x)
    return x


def convolutional(flat, x, a, b, hidden, side):
    offset = 0

    def conv(x, inputs, outputs):
        nonlocal offset
        w, offset = take(flat, offset, (3, 3, outputs, inputs))
        bias, offset = take(flat, offset, (outputs,))
        return F.relu(F.conv2d(x, w.permute(2, 3, 0, 1), bias, padding=1))

    x = F.max_pool2d(conv(conv(x, 3, a), a, a), 2)
    x = F.max_pool2d(conv(conv(x, a, b), b, b), 2).flatten(1)
    w, offset = take(flat, offset, (hidden, b * side * side // 16))
    bias, offset = take(flat, offset, (hidden,))
    x = F.relu(F.linear(x, w, bias))
    w, offset = take(flat, offset, (10, hidden))
    bias, offset = take(flat, offset, (10,))
    return F.linear(x, w, bias)


def network(forward, parameters, shape, dtype):
    flat = wave(parameters, 1.7, 0.3, 0.2, dtype).requires_grad_()
    count = 1
    for size in shape:
        count *= size
    x = wave(count, 0.37, 1.0, 1.0, dtype).view(*shape)
    labels = torch.arange(shape[0]) % 10
    loss = F.cross_entropy(forward(flat, x), labels)
    loss.backward()
    return {"loss": loss.item(), "gradient": [float(f"{g:.9g}") for g in flat.grad.tolist()]}


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
        "perceptron": network(lambda p, x: perceptron(p, x, [12, 9, 7, 10]), 12 * 9 + 9 + 9 * 7 + 7 + 80, (6, 12), torch.float64),
        "convolutional": network(lambda p, x: convolutional(p, x, 4, 6, 8, 8), 28 * 4 + 37 * 4 + 37 * 6 + 55 * 6 + 25 * 8 + 90, (5, 3, 8, 8), torch.float64),
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
