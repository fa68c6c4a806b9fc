//! Meshes: the first one, graded, for each scale of time if need be; and redistribution by the size of the error.

/// `points` intervals over `[0, horizon]`, graded towards zero: `t = horizon · s^power`.
pub(crate) fn graded(horizon: f64, intervals: usize, power: f64) -> Vec<f64> {
    (0..=intervals)
        .map(|i| {
            if i == intervals {
                horizon
            } else {
                horizon * (i as f64 / intervals as f64).powf(power)
            }
        })
        .collect()
}

/// A graded mesh with as many nodes again for each faster scale of time: a motion at a rate far above those
/// before it is over in a small part of the first interval.
pub(crate) fn layered(horizon: f64, intervals: usize, power: f64, rates: &[f64]) -> Vec<f64> {
    /// Times of the slowest motion of a scale until it is over, and the rates that are another scale.
    const OVER: f64 = 30.0;
    const APART: f64 = 30.0;
    let mut mesh = graded(horizon, intervals, power);
    let mut sorted = rates.to_vec();
    sorted.sort_by(f64::total_cmp);
    let mut scale = OVER / horizon;
    for rate in sorted {
        if rate > APART * scale {
            scale = rate;
            mesh.extend(graded(OVER / rate, intervals, power));
        }
    }
    union(mesh, Vec::new())
}

/// All nodes of two meshes, but for those that lie together.
pub(crate) fn union(mut mesh: Vec<f64>, other: Vec<f64>) -> Vec<f64> {
    mesh.extend(other);
    mesh.sort_by(f64::total_cmp);
    mesh.dedup_by(|right, left| *right - *left <= 1e-6 * *right);
    mesh
}

/// The mesh with the middle of each interval added.
pub(super) fn halved(mesh: &[f64]) -> Vec<f64> {
    let mut out = Vec::with_capacity(2 * mesh.len());
    for w in mesh.windows(2) {
        out.push(w[0]);
        out.push(f64::midpoint(w[0], w[1]));
    }
    out.extend(mesh.last());
    out
}

/// A mesh of `intervals` intervals on which `density` (one number for each old interval: the wanted
/// number of intervals per unit of time, up to a factor) is equally distributed.
pub(super) fn redistributed(mesh: &[f64], density: &[f64], intervals: usize) -> Vec<f64> {
    let lengths: Vec<f64> = mesh.windows(2).map(|w| w[1] - w[0]).collect();
    let total: f64 = lengths.iter().zip(density).map(|(h, d)| h * d).sum();
    // A floor keeps every part of the path represented; smoothing keeps neighbours comparable.
    let mean = total / (mesh[mesh.len() - 1] - mesh[0]);
    let count = density.len();
    let shares: Vec<f64> = (0..count)
        .map(|i| {
            let (a, b) = (i.saturating_sub(1), (i + 1).min(count - 1));
            let share = |i: usize| {
                let d = density[i] * lengths[i] / total;
                if d.is_finite() { d } else { 1.0 / count as f64 }
            };
            let smooth = (share(a) + 2.0 * share(i) + share(b)) / 4.0;
            let floor = 0.05 * lengths[i] * mean / total;
            smooth.max(share(i))
                + if floor.is_finite() { floor } else { 0.0 }
                + 0.1 / count as f64
        })
        .collect();
    let sum: f64 = shares.iter().sum();
    let mut out = Vec::with_capacity(intervals + 1);
    out.push(mesh[0]);
    let (mut at, mut before) = (0, 0.0);
    for k in 1..intervals {
        let target = sum * k as f64 / intervals as f64;
        while at + 1 < count && before + shares[at] < target {
            before += shares[at];
            at += 1;
        }
        let t = mesh[at] + lengths[at] * ((target - before) / shares[at]).clamp(0.0, 1.0);
        if t > out[out.len() - 1] {
            out.push(t);
        }
    }
    out.push(mesh[mesh.len() - 1]);
    out
}

/// Sizes of the fourth and fifth derivative of a function given at six times, by divided differences;
/// the fourth is the larger of the two such differences.
pub(super) fn high_derivatives(times: &[f64], mut values: Vec<f64>) -> (f64, f64) {
    let mut fourth = 0.0;
    for order in 1..values.len() {
        for k in (order..values.len()).rev() {
            values[k] = (values[k] - values[k - 1]) / (times[k] - times[k - order]);
        }
        if order == 4 {
            fourth = values[4].abs().max(values[5].abs()) * 24.0;
        }
    }
    (fourth, values[5].abs() * 120.0)
}
