//! Losses and gradients.

use super::{numbers, oracle, wave};
use lagrule::train::network::{Activation, Block, Layer, Network, Real};
use lagrule::train::task::{TASKS, Task};
use nalgebra::DMatrix;

fn narrow<T: Real>(x: &[f64]) -> Vec<T> {
    x.iter().map(|x| T::new(*x)).collect()
}

/// Planes as the network wants them: for a convolution the channels of a pixel side by side.
fn arranged(network: &Network, images: &[f64]) -> Vec<f64> {
    if !network.by_pixel() {
        return images.to_vec();
    }
    let (channels, pixels) = (network.channels, network.side * network.side);
    let mut out = vec![0.0; images.len()];
    for (plane, values) in images.chunks_exact(pixels).enumerate() {
        let (image, channel) = (plane / channels, plane % channels);
        for (pixel, value) in values.iter().enumerate() {
            out[(image * pixels + pixel) * channels + channel] = *value;
        }
    }
    out
}

fn loss_and_gradient<T: Real>(
    network: &Network,
    parameters: &[T],
    images: &[T],
    labels: &[u8],
) -> (f64, Vec<f64>) {
    let mut work = network.workspace(labels.len());
    let mut gradient = vec![T::ZERO; network.parameters()];
    let scale = T::new(1.0 / labels.len() as f64);
    let batch = (images, labels);
    let tally = network.loss_and_gradient(parameters, batch, scale, &mut work, &mut gradient);
    (tally.loss / labels.len() as f64, gradient.into_iter().map(Real::wide).collect())
}

fn small() -> [(&'static str, Network, usize); 2] {
    [
        ("perceptron", Network::perceptron(0, &[12, 9, 7, 10]), 6),
        ("convolutional", Network::convolutional(8, [4, 6], 8), 5),
    ]
}

/// Those and one whose channels fill no vector, one vector and several panels of the convolutions' products.
fn all() -> Vec<(&'static str, Network, usize)> {
    let mut all = small().to_vec();
    all.push(("wide", Network::convolutional(8, [20, 70], 9), 3));
    all
}

fn labels(count: usize) -> Vec<u8> {
    (0..count).map(|i| (i % 10) as u8).collect()
}

fn pixels(network: &Network, count: usize) -> Vec<f64> {
    let len = match network.layers[0] {
        Layer::Linear { inputs, .. } => inputs,
        _ => network.channels * network.side * network.side,
    };
    arranged(network, &wave(count * len, 0.37, 1.0, 1.0))
}

fn worst(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let size = b.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
    a.iter().zip(b).fold(0.0_f64, |m, (a, b)| m.max((a - b).abs())) / size
}

#[test]
fn gradients_are_pytorchs() {
    let oracle = oracle();
    for (name, network, count) in small() {
        let theta = wave(network.parameters(), 1.7, 0.3, 0.2);
        let x = pixels(&network, count);
        let expected = numbers(&oracle[name]["gradient"]);
        let loss = oracle[name]["loss"].as_f64().unwrap();
        let (wide_loss, wide) = loss_and_gradient::<f64>(&network, &theta, &x, &labels(count));
        assert!((wide_loss - loss).abs() < 1e-12 * loss, "{name}: {wide_loss} {loss}");
        assert!(worst(&wide, &expected) < 1e-8, "{name}: {}", worst(&wide, &expected));
        let (narrow_loss, single) =
            loss_and_gradient::<f32>(&network, &narrow(&theta), &narrow(&x), &labels(count));
        assert!((narrow_loss - loss).abs() < 1e-6 * loss, "{name}: {narrow_loss} {loss}");
        assert!(worst(&single, &expected) < 1e-5, "{name}: {}", worst(&single, &expected));
    }
}

#[test]
fn gradients_are_the_slopes_of_the_loss() {
    for (name, mut network, count) in all() {
        network.activation = Activation::Softplus;
        // Random weights: with regular ones, two pixels of a window may tie at a kink of the pooling.
        let theta: Vec<f64> = network.init(5).into_iter().map(f64::from).collect();
        let x = pixels(&network, count);
        let (_, gradient) = loss_and_gradient::<f64>(&network, &theta, &x, &labels(count));
        let size = gradient.iter().fold(0.0_f64, |m, g| m.max(g.abs()));
        // An odd stride meets each tensor and each of the nine shifts.
        for at in (0..theta.len()).step_by((theta.len() / 200).max(17) | 1) {
            let loss = |by: f64| {
                let mut moved = theta.clone();
                moved[at] += by;
                loss_and_gradient::<f64>(&network, &moved, &x, &labels(count)).0
            };
            // Small, so that hardly a window of the pooling changes its mind in between.
            let h = 1e-5;
            // Fourth order, so that rounding and truncation both stay below 1e-10.
            let slope =
                (8.0 * (loss(h) - loss(-h)) - (loss(2.0 * h) - loss(-2.0 * h))) / (12.0 * h);
            let here = gradient[at];
            assert!((slope - here).abs() < 1e-8 * size, "{name} {at}: {slope} {here} {size}");
        }
    }
}

#[test]
fn single_and_double_precision_agree() {
    for (name, mut network, count) in all() {
        network.activation = Activation::Softplus;
        let theta: Vec<f64> = network.init(3).into_iter().map(f64::from).collect();
        let x = pixels(&network, count);
        let (_, wide) = loss_and_gradient::<f64>(&network, &theta, &x, &labels(count));
        let (_, single) =
            loss_and_gradient::<f32>(&network, &narrow(&theta), &narrow(&x), &labels(count));
        assert!(worst(&single, &wide) < 1e-5, "{name}: {}", worst(&single, &wide));
    }
}

/// C v for the network whose scores are linear in the last layer's parameters is the Hessian's product
/// there; elsewhere C = sum of J' S J, made column by column from finite differences of the scores.
#[test]
fn curvature_products_are_those_of_the_matrix() {
    for (name, mut network, count) in small() {
        network.activation = Activation::Softplus;
        let theta = wave(network.parameters(), 1.7, 0.3, 0.2);
        let x = pixels(&network, count);
        let v = wave(network.parameters(), 0.9, 0.2, 1.0);
        let mut work = network.workspace::<f64>(count);
        let scores =
            |theta: &[f64], work: &mut _| network.forward(theta, &x, count, work).to_vec();
        let moved = |by: f64| -> Vec<f64> {
            theta.iter().zip(&v).map(|(theta, v)| theta + by * v).collect()
        };
        let h = 1e-5;
        let (plus, minus) = (scores(&moved(h), &mut work), scores(&moved(-h), &mut work));
        let tangent: Vec<f64> =
            plus.iter().zip(&minus).map(|(p, m)| (p - m) / (2.0 * h)).collect();
        // v' C v = sum of t' S t over the examples.
        let here = scores(&theta, &mut work);
        let mut expected = 0.0;
        for (row, t) in here.chunks(10).zip(tangent.chunks(10)) {
            let total: f64 = row.iter().map(|s| s.exp()).sum();
            let p: Vec<f64> = row.iter().map(|s| s.exp() / total).collect();
            let mean: f64 = p.iter().zip(t).map(|(p, t)| p * t).sum();
            expected += p.iter().zip(t).map(|(p, t)| p * (t - mean).powi(2)).sum::<f64>();
        }
        let product = |v: &[f64], work: &mut _| {
            let mut out = vec![0.0; network.parameters()];
            network.forward(&theta, &x, count, work);
            network.gauss_newton(&theta, v, (&x, count), 1.0, work, &mut out);
            out
        };
        let dot = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
        let found = product(&v, &mut work);
        let quadratic = dot(&v, &found);
        assert!((quadratic / expected - 1.0).abs() < 1e-7, "{name}: {quadratic} {expected}");
        // Symmetric: u' C v = v' C u.
        let u = wave(network.parameters(), 0.31, 2.0, 1.0);
        let other = product(&u, &mut work);
        assert!((dot(&u, &found) - dot(&v, &other)).abs() < 1e-9 * expected, "{name}");
    }
}

fn hessian<T: Real>(
    network: &Network,
    theta: &[T],
    v: &[T],
    x: &[T],
    count: usize,
) -> Vec<f64> {
    let mut work = network.workspace(count);
    network.forward(theta, x, count, &mut work);
    let mut out = vec![T::ZERO; network.parameters()];
    let scale = T::new(1.0 / count as f64);
    network.hessian(theta, v, (x, &labels(count)), scale, &mut work, &mut out);
    out.into_iter().map(Real::wide).collect()
}

#[test]
fn hessian_products_are_pytorchs() {
    let oracle = oracle();
    for (name, network, count) in small() {
        let theta = wave(network.parameters(), 1.7, 0.3, 0.2);
        let v = wave(network.parameters(), 0.9, 0.2, 1.0);
        let x = pixels(&network, count);
        let expected = numbers(&oracle[name]["hessian"]);
        let wide = hessian::<f64>(&network, &theta, &v, &x, count);
        assert!(worst(&wide, &expected) < 1e-8, "{name}: {}", worst(&wide, &expected));
        let single = hessian::<f32>(&network, &narrow(&theta), &narrow(&v), &narrow(&x), count);
        assert!(worst(&single, &expected) < 1e-5, "{name}: {}", worst(&single, &expected));
    }
}

/// Of a smooth activation, whose own curvature counts; and the gradient after it is that of before.
#[test]
fn hessian_products_are_differences_of_gradients() {
    for (name, mut network, count) in all() {
        network.activation = Activation::Softplus;
        let theta: Vec<f64> = network.init(5).into_iter().map(f64::from).collect();
        let x = pixels(&network, count);
        // A short step, so that no window of the pooling changes its mind.
        let v = wave(network.parameters(), 0.9, 0.2, 1.0);
        let found = hessian::<f64>(&network, &theta, &v, &x, count);
        let moved = |by: f64| {
            let theta: Vec<f64> =
                theta.iter().zip(&v).map(|(theta, v)| theta + by * v).collect();
            loss_and_gradient::<f64>(&network, &theta, &x, &labels(count)).1
        };
        let h = 1e-6;
        let slopes = moved(h).into_iter().zip(moved(-h)).map(|(p, m)| (p - m) / (2.0 * h));
        let expected: Vec<f64> = slopes.collect();
        assert!(worst(&found, &expected) < 1e-7, "{name}: {}", worst(&found, &expected));

        let mut work = network.workspace(count);
        let mut gradient = vec![0.0; network.parameters()];
        network.forward(&theta, &x, count, &mut work);
        network.hessian(&theta, &v, (&x, &labels(count)), 1.0, &mut work, &mut gradient);
        let batch = (x.as_slice(), &*labels(count));
        let scale = 1.0 / count as f64;
        network.loss_and_gradient(&theta, batch, scale, &mut work, &mut gradient);
        assert_eq!(gradient, moved(0.0), "{name}");
    }
}

/// The blocks of a network's Kronecker products times a direction.
fn by_blocks(network: &Network, theta: &[f64], v: &[f64], x: &[f64], count: usize) -> Vec<f64> {
    let mut work = network.workspace::<f32>(count);
    let (theta, x): (Vec<f32>, Vec<f32>) = (narrow(theta), narrow(x));
    network.forward(&theta, &x, count, &mut work);
    let mut out = vec![0.0; network.parameters()];
    for block in network.kronecker(&theta, (&x, count), &mut work) {
        let Block { offset, taps, inputs, outputs, incoming, outgoing } = block;
        let all = taps * inputs;
        let place = |row: usize, column: usize| match row {
            row if row == all => offset + all * outputs + column,
            row => offset + (row / inputs * outputs + column) * inputs + row % inputs,
        };
        let v = DMatrix::from_fn(all + 1, outputs, |row, column| v[place(row, column)]);
        let scale = (count as f64).powi(2).recip();
        let product = incoming.whole() * v * outgoing.whole() * scale;
        for (row, column) in (0..=all).flat_map(|row| (0..outputs).map(move |c| (row, c))) {
            out[place(row, column)] = product[(row, column)];
        }
    }
    out
}

#[test]
fn kronecker_products_are_those_of_pytorchs_slopes() {
    let oracle = oracle();
    for (name, network, count) in small() {
        let theta = wave(network.parameters(), 1.7, 0.3, 0.2);
        let v = wave(network.parameters(), 0.9, 0.2, 1.0);
        let x = pixels(&network, count);
        let expected = numbers(&oracle[name]["kronecker"]);
        let found = by_blocks(&network, &theta, &v, &x, count);
        assert!(worst(&found, &expected) < 1e-5, "{name}: {}", worst(&found, &expected));
    }
}

/// Of one image a linear layer's block is the Gauss–Newton matrix itself.
#[test]
fn kronecker_products_of_one_image_are_exact() {
    for (name, network, _) in small() {
        let theta: Vec<f64> = network.init(7).into_iter().map(f64::from).collect();
        let x = pixels(&network, 1);
        for tensors in network.tensors().chunks(2) {
            let Layer::Linear { .. } = network.layers[number(&tensors[0].name)] else {
                continue;
            };
            let mut v = vec![0.0; network.parameters()];
            let end = tensors[1].offset + tensors[1].shape[0];
            let own = tensors[0].offset..end;
            v[own.clone()].copy_from_slice(&wave(own.len(), 0.9, 0.2, 1.0));
            let mut work = network.workspace(1);
            network.forward(&theta, &x, 1, &mut work);
            let mut expected = vec![0.0; v.len()];
            network.gauss_newton(&theta, &v, (&x, 1), 1.0, &mut work, &mut expected);
            let found = by_blocks(&network, &theta, &v, &x, 1);
            let worst = worst(&found[own.clone()], &expected[own]);
            assert!(worst < 1e-5, "{name}: {worst}");
        }
    }
}

/// The layer of a tensor.
fn number(tensor: &str) -> usize {
    tensor.trim_start_matches("layer").split('.').next().unwrap().parse().unwrap()
}

#[test]
fn networks_are_the_papers() {
    let parameters = |name| Task::named(name).unwrap().network.parameters();
    assert_eq!(parameters("mnist"), 535_818);
    assert_eq!(parameters("cifar10"), 2_360_138);
    let steps = |name| Task::named(name).unwrap().steps();
    assert_eq!((steps("mnist"), steps("cifar10")), (469, 391));
    assert!(TASKS.iter().all(|name| Task::named(name).is_some()));
}

#[test]
fn parameters_start_by_pytorchs_law() {
    let network = Task::named("mnist").unwrap().network;
    let theta = network.init(1);
    assert_eq!(theta.len(), network.parameters());
    for tensor in network.tensors() {
        let count: usize = tensor.shape.iter().product();
        let part = &theta[tensor.offset..tensor.offset + count];
        let inputs: f64 = if tensor.name.starts_with("layer0") {
            784.0
        } else if tensor.name.starts_with("layer1") {
            512.0
        } else {
            256.0
        };
        let bound = inputs.sqrt().recip();
        assert!(part.iter().all(|x| f64::from(x.abs()) <= bound), "{}", tensor.name);
        if count > 1000 {
            let variance =
                part.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / count as f64;
            assert!((variance * 3.0 * inputs - 1.0).abs() < 0.05, "{}", tensor.name);
        }
    }
    assert_ne!(network.init(1), network.init(2));
}
