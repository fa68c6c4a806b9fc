//! Pictures of a trajectory: positions over time, kinetic term and loss over time, the convergence of
//! Newton's method, and for two coordinates the path over the contours of the loss with gradient descent beside it.
//!
//! Everything is drawn as SVG; a PNG is that SVG rasterised with letters of our own, so that it
//! looks the same on every machine. Lines differ by dashes as well as by colour.

mod contour;
mod letters;
mod panel;
mod vary;

use super::Answer;
use crate::solve::Bound;
use panel::{Area, Dash, FINE, Mark, stroke};
pub(in crate::cli) use panel::{Curve, Panel, Style};
use plotters::prelude::{IntoDrawingArea, SVGBackend, WHITE};
use std::path::Path;
pub(super) use vary::draw_varied;

/// What a picture is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Format {
    /// Scalable vector graphics.
    Svg,
    /// Portable network graphics.
    Png,
}

impl Format {
    /// By the ending of the file's name.
    pub(super) fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "svg" => Some(Self::Svg),
            "png" => Some(Self::Png),
            _ => None,
        }
    }
}

/// Draws an answer.
pub(super) fn draw(answer: &Answer<'_>, format: Format) -> Result<Vec<u8>, String> {
    encoded(svg(answer)?, format)
}

fn encoded(svg: String, format: Format) -> Result<Vec<u8>, String> {
    match format {
        Format::Svg => Ok(svg.into_bytes()),
        Format::Png => png(&svg),
    }
}

/// Pixels of a PNG for each unit of the SVG.
const SCALE: f32 = 2.0;

fn png(svg: &str) -> Result<Vec<u8>, String> {
    use resvg::{tiny_skia, usvg};
    let svg = letters::outlined(svg)?;
    let tree =
        usvg::Tree::from_str(&svg, &usvg::Options::default()).map_err(|why| why.to_string())?;
    let size = tree.size();
    let (width, height) = ((size.width() * SCALE) as u32, (size.height() * SCALE) as u32);
    let mut pixels = tiny_skia::Pixmap::new(width, height)
        .ok_or_else(|| "the picture has no size".to_owned())?;
    let scale = tiny_skia::Transform::from_scale(SCALE, SCALE);
    resvg::render(&tree, scale, &mut pixels.as_mut());
    pixels.encode_png().map_err(|why| why.to_string())
}

/// The path sampled for the eye.
struct Samples {
    times: Vec<f64>,
    positions: Vec<Vec<f64>>,
    kinetic: Vec<f64>,
    potential: Vec<f64>,
}

/// More curves in one panel can't be told apart.
pub(super) const MOST_CURVES: usize = 6;
const SAMPLES: usize = 600;

fn samples(answer: &Answer<'_>, end: f64) -> Samples {
    let path = &answer.solution.trajectory;
    let times: Vec<f64> = (0..=SAMPLES).map(|i| end * i as f64 / SAMPLES as f64).collect();
    let mut out =
        Samples { times, positions: Vec::new(), kinetic: Vec::new(), potential: Vec::new() };
    answer.bound.with(|problem| {
        for t in &out.times {
            let Some(state) = path.at(*t) else { continue };
            let (q, v) = (state.position, state.velocity);
            let whole = problem.mechanics.value(*t, &q, &v);
            let potential = match &answer.bound.loss {
                Some(loss) => loss.value(&q),
                None => problem.mechanics.value(*t, &q, &vec![0.0; q.len()]),
            };
            out.kinetic.push(whole - potential);
            out.potential.push(potential);
            out.positions.push(q);
        }
    });
    out
}

/// The time after which nothing is seen to move any more.
fn interesting(answer: &Answer<'_>) -> f64 {
    let path = &answer.solution.trajectory;
    let all = path.horizon();
    let Some(endpoint) = answer.solution.endpoint.as_ref().filter(|e| e.is_admissible()) else {
        return all;
    };
    let away =
        |q: &[f64]| q.iter().zip(&endpoint.at).fold(0.0_f64, |m, (q, c)| m.max((q - c).abs()));
    let far = path.positions.iter().map(|q| away(q)).fold(0.0, f64::max);
    let last = path.positions.iter().rposition(|q| away(q) > 4e-3 * far).unwrap_or(0);
    if far == 0.0 { all } else { (1.2 * path.times[last]).clamp(1e-3 * all, all) }
}

fn svg(answer: &Answer<'_>) -> Result<String, String> {
    let samples = samples(answer, interesting(answer));
    let planar = answer.bound.start.len() == 2 && answer.bound.loss.is_some();
    let convergence = convergence(&answer.solution.trajectory.convergence);
    let rows = if convergence.is_some() { 3 } else { 2 };
    let (width, height) = if planar { (960, 230 * rows) } else { (560, 260 * rows) };
    document((width, height), |root| {
        let right = if planar {
            let (left, right) = root.split_horizontally(500 * FINE);
            plane(answer, &samples).draw(&left)?;
            right
        } else {
            root.clone()
        };
        let (top, rest) = right.split_vertically(height / rows * FINE);
        positions(answer.bound, &samples).draw(&top)?;
        let Some(convergence) = &convergence else {
            return energies(answer.bound, &samples).draw(&rest);
        };
        let (middle, bottom) = rest.split_vertically(height / rows * FINE);
        energies(answer.bound, &samples).draw(&middle)?;
        convergence.draw(&bottom)
    })
}

/// An SVG of this size in pixels.
fn document(
    (width, height): (i32, i32),
    draw: impl Fn(&Area<'_>) -> Result<(), String>,
) -> Result<String, String> {
    let mut text = String::new();
    {
        let fine = (stroke(width), stroke(height));
        let root = SVGBackend::with_string(&mut text, fine).into_drawing_area();
        root.fill(&WHITE).map_err(|why| why.to_string())?;
        draw(&root)?;
        root.present().map_err(|why| why.to_string())?;
    }
    let size =
        |factor: i32| format!("width=\"{}\" height=\"{}\"", width * factor, height * factor);
    let text = text.replacen(&size(FINE), &size(1), 1);
    // The family plotters writes has to be one that exists.
    Ok(text.replace("font-family=\"sans-serif\"", "font-family=\"DejaVu Sans, sans-serif\""))
}

/// A panel by itself, as a file.
#[cfg(feature = "train")]
pub(in crate::cli) fn single(
    panel: &Panel,
    size: (i32, i32),
    format: Format,
) -> Result<Vec<u8>, String> {
    encoded(document(size, |area| panel.draw(area))?, format)
}

fn positions(bound: &Bound, samples: &Samples) -> Panel {
    let labels = bound.labels();
    let shown = labels.len().min(MOST_CURVES);
    let curves = (0..shown)
        .map(|i| Curve {
            points: along(&samples.times, samples.positions.iter().map(|q| q[i])),
            style: Style::nth(i),
            label: labels[i].clone(),
        })
        .collect();
    let y = match labels.len() {
        1 => labels[0].clone(),
        n if n > shown => format!("position (first {shown} of {n})"),
        _ => "position".to_owned(),
    };
    Panel::new("time t", &y, curves)
}

fn energies(bound: &Bound, samples: &Samples) -> Panel {
    let curve = |values: &[f64], style, label: &str| Curve {
        points: along(&samples.times, values.iter().copied()),
        style,
        label: label.to_owned(),
    };
    let potential = if bound.loss.is_some() { "loss term" } else { "value at rest" };
    Panel::new(
        "time t",
        "terms of the objective",
        vec![
            curve(&samples.kinetic, Style::nth(0), "kinetic term"),
            curve(&samples.potential, Style::nth(1), potential),
        ],
    )
}

/// Newton's steps, each mesh as a curve of its own that begins where the one before ended.
fn convergence(steps: &[(usize, f64)]) -> Option<Panel> {
    let steps: Vec<(usize, (f64, f64))> = steps
        .iter()
        .filter(|(_, size)| *size > 0.0 && size.is_finite())
        .enumerate()
        .map(|(i, (points, size))| (*points, ((i + 1) as f64, size.log10())))
        .collect();
    if steps.len() < 2 {
        return None;
    }
    let mut curves: Vec<Curve> = Vec::new();
    for run in steps.chunk_by(|a, b| a.0 == b.0) {
        let before = curves.last().and_then(|curve| curve.points.last().copied());
        curves.push(Curve {
            points: before.into_iter().chain(run.iter().map(|(_, at)| *at)).collect(),
            style: Style::nth(curves.len()),
            label: format!("{} points", run[0].0),
        });
    }
    // The first meshes only lead on.
    let skipped = curves.len().saturating_sub(MOST_CURVES);
    let mut curves = curves.split_off(skipped);
    for (i, curve) in curves.iter_mut().enumerate() {
        curve.style = Style::nth(i);
    }
    Some(Panel::new("Newton step", "log10(step / path)", curves))
}

fn along(times: &[f64], values: impl Iterator<Item = f64>) -> Vec<(f64, f64)> {
    times.iter().copied().zip(values).filter(|(_, y)| y.is_finite()).collect()
}

fn plane(answer: &Answer<'_>, samples: &Samples) -> Panel {
    let bound = answer.bound;
    let labels = bound.labels();
    let point = |q: &[f64]| (q[0], q[1]);
    let path: Vec<(f64, f64)> = samples.positions.iter().map(|q| point(q)).collect();
    let mut extent = path.clone();
    extent.extend(answer.solution.endpoint.iter().map(|e| point(&e.at)));
    let size = contour::size(&extent);
    let descent: Vec<(f64, f64)> = bound
        .loss
        .iter()
        .flat_map(|loss| loss.descent(&bound.start, size))
        .map(|q| point(&q))
        .take_while(|p| contour::near(p, &extent, size))
        .collect();
    extent.extend(&descent);
    let window = contour::window(&extent);
    let mut panel = Panel::new(&labels[0], &labels[1], Vec::new());
    panel.window = Some(window);
    if let Some(loss) = &bound.loss {
        panel.contours = contour::contours(window, |x, y| loss.value(&[x, y]));
    }
    let curve = |points, style, label: &str| Curve { points, style, label: label.to_owned() };
    panel.curves.push(curve(path, Style::nth(0), "optimal path"));
    panel.curves.push(curve(descent, Style::nth(1), "gradient descent"));
    panel.marks.push((point(&bound.start), Mark::Ring, "start".to_owned()));
    if let Some(endpoint) = &answer.solution.endpoint {
        panel.marks.push((point(&endpoint.at), Mark::Disc, "rest point".to_owned()));
    } else if let Some(last) = samples.positions.last() {
        panel.marks.push((point(last), Mark::Disc, "end".to_owned()));
    }
    panel.notes.push(("contours of the loss".to_owned(), Style::contour()));
    panel
}

impl Style {
    /// Lines of the landscape behind everything.
    fn contour() -> Self {
        Self { colour: (0xb0, 0xb0, 0xb0), dash: Dash::Solid, width: 1 }
    }
}
