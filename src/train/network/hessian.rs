//! Products with the Hessian of the loss, without the matrix (Pearlmutter, *Fast exact multiplication by the
//! Hessian*, Neural Computation 6, 1994).
//!
//! The gradient of a linear map is $\bar W = \bar y x^\top$, its way back $\bar x = W^\top \bar y$. Along a
//! direction $V$ of the parameters all of them move, and with $\partial$ for the derivative along it
//!
//! $$ \partial \bar W = \partial \bar y\, x^\top + \bar y\, \partial x^\top, \qquad
//!    \partial \bar x = W^\top \partial \bar y + V^\top \bar y. $$
//!
//! At the scores $\partial \bar s = S\, \partial s$; what the Gauss–Newton matrix leaves out is all that has
//! $\bar y$ itself.

use super::buffer::{Buffer, padded};
use super::linear::{turn, turn_back};
use super::scalar::Real;
use super::{Network, Workspace, cross_entropy};

/// What a linear layer's part of a product is made of beside the moving slopes and the input.
#[derive(Debug)]
pub(super) struct Moving<T> {
    /// The slopes themselves, turned.
    pub(super) slopes: Buffer<T>,
    /// The moving input in panels; nothing where the input is the images.
    pub(super) panels: Buffer<T>,
}

impl Network {
    /// Into `out` `scale` times the Hessian of the summed loss times `direction`. The workspace is that of a
    /// forward pass over the same images with the same parameters.
    pub fn hessian<T: Real>(
        &self,
        parameters: &[T],
        direction: &[T],
        batch: (&[T], &[u8]),
        scale: T,
        work: &mut Workspace<T>,
        out: &mut [T],
    ) {
        self.moving_slopes(parameters, direction, batch, scale, work);
        self.gather(&[work], out);
    }

    /// What [`Network::gather`] makes the product from.
    pub(in crate::train) fn moving_slopes<T: Real>(
        &self,
        parameters: &[T],
        direction: &[T],
        (images, labels): (&[T], &[u8]),
        scale: T,
        work: &mut Workspace<T>,
    ) {
        let count = labels.len();
        let classes = self.classes();
        let tangents = self.push_forward(parameters, direction, images, count, work);
        let moved = self.curved_scores(&tangents, count, scale, work);
        let mut slopes = vec![T::ZERO; count * classes];
        cross_entropy(&work.scores, labels, classes, scale, Some(&mut slopes));

        let (first, offset) = self.dense();
        let linear: Vec<_> =
            self.layers[first..].iter().filter_map(|layer| layer.dense()).collect();
        let moving = linear.iter().enumerate().map(|(at, linear)| Moving {
            slopes: Buffer::new(linear.outputs * padded(count)),
            panels: Buffer::new(if first + at > 0 { linear.panels_len(count) } else { 0 }),
        });
        work.moving = moving.collect();
        if let (Some(own), Some(beside)) = (work.slopes.last_mut(), work.moving.last_mut()) {
            turn(&moved, classes, own, count);
            turn(&slopes, classes, &mut beside.slopes, count);
        }
        let widest = self.widest(count);
        let mut maps: [Vec<T>; 2] = [(); 2].map(|()| vec![T::ZERO; widest]);
        let mut end = self.parameters();
        for (at, layer) in self.layers.iter().enumerate().skip(first).rev() {
            let Some(linear) = layer.dense() else { continue };
            let (before, own) = work.slopes.split_at_mut(at - first);
            let (before_beside, beside) = work.moving.split_at_mut(at - first);
            let (own, beside) = (&mut *own[0], &mut beside[0]);
            let outputs = (&*work.outputs[at], tangents[at].as_slice());
            layer.through_moving(self.activation, outputs, (&mut beside.slopes, own), count);
            let x = if at == first { &work.turned } else { &work.outputs[at - 1] };
            linear.pack(x, &mut work.panels[at - first], count);
            let turned = self.turned_tangent(&tangents, at, count);
            if at > 0 {
                let along = turned.as_ref().unwrap_or(&tangents[at - 1]);
                linear.pack(along, &mut beside.panels, count);
            }
            let (weights, biases) = layer.parameters();
            let range = end - weights - biases..end - biases;
            end = range.start;
            let (weights, along) = (&parameters[range.clone()], &direction[range]);
            let back = |dy: &[T], moved: &[T], dx: &mut [T], moved_dx: &mut [T]| {
                let mut other = vec![T::ZERO; linear.inputs * padded(count)];
                linear.backward(weights, dy, dx, count);
                linear.backward(weights, moved, moved_dx, count);
                linear.backward(along, dy, &mut other, count);
                moved_dx.iter_mut().zip(&other).for_each(|(sum, other)| *sum += *other);
            };
            match (before.last_mut(), before_beside.last_mut()) {
                (Some(before), Some(before_beside)) => {
                    back(&beside.slopes, own, &mut before_beside.slopes, before);
                }
                _ if first > 0 => {
                    let mut turned: [Vec<T>; 2] =
                        [(); 2].map(|()| vec![T::ZERO; linear.inputs * padded(count)]);
                    let [dx, moved_dx] = &mut turned;
                    back(&beside.slopes, own, dx, moved_dx);
                    for (turned, map) in turned.iter().zip(&mut maps) {
                        turn_back(turned, linear.inputs, map, count);
                    }
                }
                _ => {}
            }
        }
        work.maps[..offset].fill(T::ZERO);
        self.moving_maps((parameters, direction), images, &tangents, maps, work);
    }

    /// The same for the layers of maps, from the slopes at the last one's output and how they move.
    fn moving_maps<T: Real>(
        &self,
        (parameters, direction): (&[T], &[T]),
        images: &[T],
        tangents: &[Vec<T>],
        [mut dy, mut moved]: [Vec<T>; 2],
        work: &mut Workspace<T>,
    ) {
        let count = work.count;
        let (first, mut end) = self.dense();
        let mut next: [Vec<T>; 3] = [(); 3].map(|()| vec![T::ZERO; dy.len()]);
        for (at, layer) in self.layers[..first].iter().enumerate().rev() {
            let (weights, biases) = layer.parameters();
            let own = end - weights - biases..end;
            end = own.start;
            let outputs = (&*work.outputs[at], tangents[at].as_slice());
            layer.through_moving(self.activation, outputs, (&mut dy, &mut moved), count);
            let x = if at == 0 { images } else { &work.outputs[at - 1] };
            let scratch = &mut work.scratch;
            layer.gradient(x, &moved, &mut work.maps[own.clone()], count, scratch);
            if at == 0 {
                break;
            }
            // The bias moves with the slopes alone.
            let bias = work.maps[own.end - biases..own.end].to_vec();
            layer.gradient(&tangents[at - 1], &dy, &mut work.maps[own.clone()], count, scratch);
            work.maps[own.end - biases..own.end].copy_from_slice(&bias);
            let [dx, moved_dx, other] = &mut next;
            layer.backward(&parameters[own.clone()], x, (&dy, dx), count, scratch);
            layer.backward(&parameters[own.clone()], x, (&moved, moved_dx), count, scratch);
            if weights > 0 {
                layer.backward(&direction[own], x, (&dy, other), count, scratch);
                moved_dx.iter_mut().zip(&*other).for_each(|(sum, other)| *sum += *other);
            }
            std::mem::swap(&mut dy, dx);
            std::mem::swap(&mut moved, moved_dx);
        }
    }
}
