//! Contour lines by marching squares, and the window they are drawn in.

use std::collections::BTreeMap;

/// Left, right, bottom, top.
pub(super) type Window = (f64, f64, f64, f64);
type Point = (f64, f64);

/// Points of the grid in each direction.
const GRID: usize = 120;
const LEVELS: usize = 14;

/// The larger side of the box around points.
pub(super) fn size(points: &[Point]) -> f64 {
    let (left, right, bottom, top) = bounds(points);
    (right - left).max(top - bottom).max(f64::MIN_POSITIVE)
}

/// Whether a point lies within a few sizes of the others.
pub(super) fn near(point: &Point, points: &[Point], size: f64) -> bool {
    let (left, right, bottom, top) = bounds(points);
    let inside = |x: f64, low: f64, high: f64| x > low - 0.6 * size && x < high + 0.6 * size;
    inside(point.0, left, right) && inside(point.1, bottom, top)
}

fn bounds(points: &[Point]) -> Window {
    let start = (f64::INFINITY, f64::NEG_INFINITY, f64::INFINITY, f64::NEG_INFINITY);
    points.iter().fold(start, |w, p| (w.0.min(p.0), w.1.max(p.0), w.2.min(p.1), w.3.max(p.1)))
}

/// A window with some room around points, not too flat.
pub(super) fn window(points: &[Point]) -> Window {
    let size = size(points);
    let (left, right, bottom, top) = bounds(points);
    let widened = |low: f64, high: f64| {
        let half = (0.5 * (high - low) + 0.15 * size).max(0.35 * size);
        let middle = f64::midpoint(low, high);
        (middle - half, middle + half)
    };
    let ((left, right), (bottom, top)) = (widened(left, right), widened(bottom, top));
    (left, right, bottom, top)
}

/// An edge of the grid: its lower or left node, and whether it goes up.
type Edge = (usize, usize, bool);

/// Contour lines of a function, denser near its minimum, where it is flat.
pub(super) fn contours(window: Window, f: impl Fn(f64, f64) -> f64) -> Vec<Vec<Point>> {
    let (left, right, bottom, top) = window;
    let x = |i: f64| left + (right - left) * i / GRID as f64;
    let y = |j: f64| bottom + (top - bottom) * j / GRID as f64;
    let values: Vec<Vec<f64>> =
        (0..=GRID).map(|i| (0..=GRID).map(|j| f(x(i as f64), y(j as f64))).collect()).collect();
    let finite = || values.iter().flatten().copied().filter(|v| v.is_finite());
    let (low, high) =
        (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
    let mut out = Vec::new();
    if high.partial_cmp(&low) != Some(std::cmp::Ordering::Greater) {
        return out;
    }
    for level in 1..LEVELS {
        let share = level as f64 / LEVELS as f64;
        let level = low + (high - low) * share.powf(2.2);
        for line in lines(&values, level) {
            let place = |(i, j, up): &Edge| {
                let (a, b) = ends(&values, *i, *j, *up);
                let s = (level - a) / (b - a);
                let (i, j) = (*i as f64, *j as f64);
                if *up { (x(i), y(j + s)) } else { (x(i + s), y(j)) }
            };
            out.push(line.iter().map(place).collect());
        }
    }
    out
}

fn ends(values: &[Vec<f64>], i: usize, j: usize, up: bool) -> (f64, f64) {
    (values[i][j], if up { values[i][j + 1] } else { values[i + 1][j] })
}

/// The lines of one level as chains of edges they cross.
fn lines(values: &[Vec<f64>], level: f64) -> Vec<Vec<Edge>> {
    let mut links: BTreeMap<Edge, Vec<Edge>> = BTreeMap::new();
    for i in 0..GRID {
        for j in 0..GRID {
            let edges = [(i, j, false), (i + 1, j, true), (i, j + 1, false), (i, j, true)];
            let crossed: Vec<Edge> = edges
                .into_iter()
                .filter(|(i, j, up)| {
                    let (a, b) = ends(values, *i, *j, *up);
                    a.is_finite() && b.is_finite() && (a < level) != (b < level)
                })
                .collect();
            // Four crossings are a saddle; either pairing will do for a picture.
            for pair in crossed.chunks_exact(2) {
                links.entry(pair[0]).or_default().push(pair[1]);
                links.entry(pair[1]).or_default().push(pair[0]);
            }
        }
    }
    let mut out = Vec::new();
    // Open lines first, from an end; what is left are closed ones.
    for open in [true, false] {
        loop {
            let start = links.iter().find(|(_, next)| !open || next.len() == 1);
            let Some(start) = start.map(|(edge, _)| *edge) else { break };
            out.push(walk(&mut links, start));
        }
    }
    out
}

/// Follows a line and takes its links away.
fn walk(links: &mut BTreeMap<Edge, Vec<Edge>>, start: Edge) -> Vec<Edge> {
    let mut line = vec![start];
    let mut at = start;
    while let Some(next) = links.get_mut(&at).and_then(Vec::pop) {
        if links.get(&at).is_some_and(Vec::is_empty) {
            links.remove(&at);
        }
        if let Some(back) = links.get_mut(&next) {
            if let Some(i) = back.iter().position(|edge| *edge == at) {
                back.swap_remove(i);
            }
            if back.is_empty() {
                links.remove(&next);
            }
        }
        line.push(next);
        at = next;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contours_of_a_bowl_are_closed_circles() {
        let lines = contours((-1.0, 1.0, -1.0, 1.0), |x, y| x * x + y * y);
        assert!(lines.len() >= LEVELS - 1);
        for line in lines.iter().take(5) {
            assert_eq!(line.first(), line.last());
            let radius = |p: &Point| p.0.hypot(p.1);
            let spread = line.iter().map(|p| (radius(p) - radius(&line[0])).abs());
            assert!(spread.fold(0.0, f64::max) < 2e-3);
        }
    }
}
