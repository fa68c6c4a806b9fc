//! Pictures of one problem for several values of a number: a curve for each value in every panel.

use super::super::vary::{Case, Varied};
use super::panel::{Area, Curve, FINE, Mark, Panel, Style};
use super::{MOST_CURVES, Samples, along, contour, document, encoded, interesting, samples};

/// Coordinates that get a panel of their own.
const MOST_COORDINATES: usize = 3;

/// Draws the cases that have a path; there is at least one.
pub(in crate::cli::solve) fn draw_varied(
    varied: &Varied,
    format: super::Format,
) -> Result<Vec<u8>, String> {
    let shown = Shown::of(varied);
    let mut panels = shown.positions();
    panels.push(shown.losses());
    panels.extend(shown.ratios());
    let svg = match shown.plane() {
        Some(plane) => beside(&plane, &panels),
        None => stacked(&panels),
    };
    encoded(svg?, format)
}

/// The plane beside the first two panels, the others in pairs below.
fn beside(plane: &Panel, panels: &[Panel]) -> Result<String, String> {
    const ROW: i32 = 240;
    const WIDTHS: (i32, i32) = (500, 460);
    let (first, others) = panels.split_at(2.min(panels.len()));
    let below = others.len().div_ceil(2) as i32;
    let height = (2 + below) * ROW;
    document((WIDTHS.0 + WIDTHS.1, height), |root| {
        let (top, mut rest) = root.split_vertically(2 * ROW * FINE);
        let (left, right) = top.split_horizontally(WIDTHS.0 * FINE);
        plane.draw(&left)?;
        in_a_column(first, &right, ROW)?;
        for pair in others.chunks(2) {
            let (row, under) = rest.split_vertically(ROW * FINE);
            let (left, right) = row.split_horizontally(WIDTHS.0 * FINE);
            for (panel, area) in pair.iter().zip([left, right]) {
                panel.draw(&area)?;
            }
            rest = under;
        }
        Ok(())
    })
}

fn stacked(panels: &[Panel]) -> Result<String, String> {
    const ROW: i32 = 260;
    document((560, ROW * panels.len() as i32), |root| in_a_column(panels, root, ROW))
}

fn in_a_column(panels: &[Panel], area: &Area<'_>, row: i32) -> Result<(), String> {
    let mut rest = area.clone();
    for panel in panels {
        let (this, under) = rest.split_vertically(row * FINE);
        panel.draw(&this)?;
        rest = under;
    }
    Ok(())
}

/// The cases with their paths sampled for the eye.
struct Shown<'a> {
    varied: &'a Varied,
    cases: Vec<&'a Case>,
    /// All over the same time.
    samples: Vec<Samples>,
}

impl<'a> Shown<'a> {
    fn of(varied: &'a Varied) -> Self {
        let cases: Vec<&Case> = varied.solved().collect();
        // Rates may differ by orders of magnitude: half of the paths are seen to come to rest.
        let mut ends: Vec<f64> =
            cases.iter().map(|case| interesting(&varied.answer(case))).collect();
        ends.sort_by(f64::total_cmp);
        let end = ends.get(ends.len() / 2).copied().unwrap_or(1.0);
        let samples = cases.iter().map(|case| samples(&varied.answer(case), end)).collect();
        Self { varied, cases, samples }
    }

    fn curves(&self, points: impl Fn(&Case, &Samples) -> Vec<(f64, f64)>) -> Vec<Curve> {
        let each = self.cases.iter().zip(&self.samples).enumerate();
        each.map(|(i, (case, samples))| Curve {
            points: points(case, samples),
            style: Style::nth(i),
            label: self.varied.equation(case),
        })
        .collect()
    }

    fn labels(&self) -> Vec<String> {
        self.varied.answer(self.cases[0]).bound.labels()
    }

    fn positions(&self) -> Vec<Panel> {
        let labels = self.labels();
        let one = |i: usize| {
            let along =
                |_: &Case, s: &Samples| along(&s.times, s.positions.iter().map(|q| q[i]));
            let label = if labels.len() > MOST_COORDINATES && i + 1 == MOST_COORDINATES {
                format!("{} (the last of {} shown)", labels[i], MOST_COORDINATES)
            } else {
                labels[i].clone()
            };
            Panel::new("time t", &label, self.curves(along))
        };
        (0..labels.len().min(MOST_COORDINATES)).map(one).collect()
    }

    fn losses(&self) -> Panel {
        let along = |_: &Case, s: &Samples| along(&s.times, s.potential.iter().copied());
        let has_loss = self.varied.answer(self.cases[0]).bound.loss.is_some();
        let label = if has_loss { "loss term" } else { "value at rest" };
        Panel::new("time t", label, self.curves(along))
    }

    /// Every rate of approach in units of the slowest, where there are several of both. Where a path starts has
    /// no part in them.
    fn ratios(&self) -> Option<Panel> {
        if self.varied.is_start {
            return None;
        }
        let mut cases: Vec<(f64, Vec<f64>)> =
            self.cases.iter().map(|case| (case.value, case.rates())).collect();
        cases.retain(|(_, rates)| rates.first().is_some_and(|slowest| *slowest > 0.0));
        cases.sort_by(|a, b| a.0.total_cmp(&b.0));
        let several = cases.first()?.0 < cases.last()?.0;
        let others = cases.iter().map(|(_, rates)| rates.len()).min()?.saturating_sub(1);
        if !several || others == 0 {
            return None;
        }
        // The fastest if there are too many.
        let shown = others.min(MOST_CURVES);
        let ranks = others - shown + 1..=others;
        let curve = |(i, rank): (usize, usize)| Curve {
            points: cases.iter().map(|(x, rates)| (*x, rates[rank] / rates[0])).collect(),
            style: Style::nth(i),
            label: if others == 1 { String::new() } else { format!("rate {}", rank + 1) },
        };
        let curves: Vec<Curve> = ranks.enumerate().map(curve).collect();
        let dots = curves.iter().flat_map(|curve| &curve.points);
        let marks = dots.map(|at| (*at, Mark::Disc, String::new())).collect();
        let label = self.varied.label();
        let mut panel = Panel::new(&label, "rate / slowest rate", curves);
        panel.marks = marks;
        Some(panel)
    }

    /// The paths over the contours of the loss, for two coordinates.
    fn plane(&self) -> Option<Panel> {
        let labels = self.labels();
        let first = self.varied.answer(self.cases[0]);
        let loss = first.bound.loss.as_ref().filter(|_| labels.len() == 2)?;
        let point = |q: &[f64]| (q[0], q[1]);
        // Up to where each comes to rest, whatever time that takes.
        let path = |case: &Case, _: &Samples| -> Vec<(f64, f64)> {
            let answer = self.varied.answer(case);
            let to_rest = samples(&answer, interesting(&answer));
            to_rest.positions.iter().map(|q| point(q)).collect()
        };
        let curves = self.curves(path);
        let (mut starts, mut ends) = (Vec::new(), Vec::new());
        for case in &self.cases {
            let answer = self.varied.answer(case);
            starts.push(point(&answer.bound.start));
            let last = answer.solution.trajectory.positions.last();
            let end = answer.solution.endpoint.as_ref().map(|endpoint| &endpoint.at);
            ends.extend(end.or(last).map(|q| point(q)));
        }
        let mut extent: Vec<(f64, f64)> =
            curves.iter().flat_map(|curve| curve.points.iter().copied()).collect();
        extent.extend(&ends);
        let window = contour::window(&extent);
        let apart = 0.01 * contour::size(&extent);
        let mut panel = Panel::new(&labels[0], &labels[1], curves);
        panel.window = Some(window);
        panel.contours = contour::contours(window, |x, y| loss.value(&[x, y]));
        let note = if self.same_loss(window) {
            "contours of the loss".to_owned()
        } else {
            format!("contours at {}", self.varied.equation(self.cases[0]))
        };
        panel.notes.push((note, Style::contour()));
        let resting = first.solution.endpoint.is_some();
        let end = if resting { "rest point" } else { "end" };
        panel.marks = distinct(&starts, apart, Mark::Ring, "start");
        panel.marks.extend(distinct(&ends, apart, Mark::Disc, end));
        Some(panel)
    }

    /// Whether all cases have one landscape.
    fn same_loss(&self, (left, right, bottom, top): contour::Window) -> bool {
        const GRID: i32 = 5;
        let at =
            |low: f64, high: f64, i: i32| low + (high - low) * f64::from(i) / f64::from(GRID);
        let values = |case: &&Case| -> Vec<f64> {
            let answer = self.varied.answer(case);
            let value = |q: [f64; 2]| answer.bound.loss.as_ref().map_or(0.0, |l| l.value(&q));
            let grid = (0..=GRID).flat_map(|i| (0..=GRID).map(move |j| (i, j)));
            grid.map(|(i, j)| value([at(left, right, i), at(bottom, top, j)])).collect()
        };
        let mut all = self.cases.iter().map(values);
        let Some(first) = all.next() else { return true };
        all.all(|other| first.iter().zip(&other).all(|(a, b)| a.total_cmp(b).is_eq()))
    }
}

/// Marks at the points that are seen to differ; the first is named.
fn distinct(
    points: &[(f64, f64)],
    apart: f64,
    mark: Mark,
    label: &str,
) -> Vec<((f64, f64), Mark, String)> {
    let mut out: Vec<((f64, f64), Mark, String)> = Vec::new();
    for point in points {
        if out.iter().all(|(other, ..)| (other.0 - point.0).hypot(other.1 - point.1) > apart) {
            let label = if out.is_empty() { label.to_owned() } else { String::new() };
            out.push((*point, mark, label));
        }
    }
    out
}
