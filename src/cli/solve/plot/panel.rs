//! One pair of axes.

use super::contour::Window;
use super::letters;
use plotters::coord::Shift;
use plotters::prelude::{
    ChartBuilder, Circle, DashedLineSeries, DrawingArea, IntoFont, PathElement, RGBColor,
    Rectangle, SVGBackend, ShapeStyle, Text,
};

/// How lines are broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Dash {
    /// Not at all.
    Solid,
    /// Length and gap in pixels.
    Broken(i32, i32),
}

/// How a line is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) struct Style {
    pub(in crate::cli) colour: (u8, u8, u8),
    pub(in crate::cli) dash: Dash,
    pub(in crate::cli) width: i32,
}

/// The first colours of matplotlib's cycle, which most readers know, each with dashes of its own.
const CYCLE: [((u8, u8, u8), Dash); 6] = [
    ((0x1f, 0x77, 0xb4), Dash::Solid),
    ((0xff, 0x7f, 0x0e), Dash::Broken(8, 4)),
    ((0x2c, 0xa0, 0x2c), Dash::Broken(2, 3)),
    ((0xd6, 0x27, 0x28), Dash::Broken(14, 4)),
    ((0x94, 0x67, 0xbd), Dash::Broken(4, 8)),
    ((0x8c, 0x56, 0x4b), Dash::Broken(1, 6)),
];

impl Style {
    /// The style of the nth curve of a panel.
    pub(in crate::cli) fn nth(n: usize) -> Self {
        let (colour, dash) = CYCLE[n % CYCLE.len()];
        Self { colour, dash, width: 2 }
    }

    /// The same, for what stands beside the curve.
    #[cfg(feature = "train")]
    pub(in crate::cli) fn thin(self) -> Self {
        Self { width: 1, ..self }
    }

    fn shape(self) -> ShapeStyle {
        let (r, g, b) = self.colour;
        ShapeStyle {
            color: RGBColor(r, g, b).into(),
            filled: false,
            stroke_width: stroke(self.width),
        }
    }
}

/// The width of a line for plotters.
pub(super) fn stroke(width: i32) -> u32 {
    (width * FINE).unsigned_abs()
}

/// A line with its name.
pub(in crate::cli) struct Curve {
    pub(in crate::cli) points: Vec<(f64, f64)>,
    pub(in crate::cli) style: Style,
    pub(in crate::cli) label: String,
}

/// A point of interest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// Open.
    Ring,
    /// Filled.
    Disc,
}

/// One pair of axes with what is in them.
pub(in crate::cli) struct Panel {
    pub(super) x: String,
    pub(super) y: String,
    pub(super) curves: Vec<Curve>,
    pub(super) marks: Vec<((f64, f64), Mark, String)>,
    pub(super) contours: Vec<Vec<(f64, f64)>>,
    /// Further lines of the legend.
    pub(super) notes: Vec<(String, Style)>,
    /// What is shown; all of the curves if not given.
    pub(super) window: Option<Window>,
}

pub(in crate::cli) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Plotters draws on whole pixels, which shows in a slow curve: pictures are drawn this many times
/// as large as they are shown. Every length below is in shown pixels.
pub(super) const FINE: i32 = 8;
const BLACK: RGBColor = RGBColor(0, 0, 0);
const FONT: &str = "sans-serif";
/// Text of numbers, labels and legends, in pixels.
const SIZE: i32 = 13 * FINE;
/// One line of the legend.
const ROW: i32 = 17 * FINE;

impl Panel {
    pub(in crate::cli) fn new(x: &str, y: &str, curves: Vec<Curve>) -> Self {
        Self {
            x: x.to_owned(),
            y: y.to_owned(),
            curves,
            marks: Vec::new(),
            contours: Vec::new(),
            notes: Vec::new(),
            window: None,
        }
    }

    /// The range of all curves with a little room above and below.
    fn all(&self) -> Window {
        let points = || self.curves.iter().flat_map(|curve| &curve.points);
        let low = |f: fn(&(f64, f64)) -> f64| points().map(f).fold(f64::INFINITY, f64::min);
        let high =
            |f: fn(&(f64, f64)) -> f64| points().map(f).fold(f64::NEG_INFINITY, f64::max);
        let (left, right) = (low(|p| p.0), high(|p| p.0));
        let (bottom, top) = (low(|p| p.1), high(|p| p.1));
        let room = 0.05 * (top - bottom);
        // A constant still needs an axis.
        let room = if room > 0.0 { room } else { 0.05 * top.abs().max(1.0) };
        (left, right, bottom - room, top + room)
    }

    /// Draws the panel.
    pub(in crate::cli) fn draw(&self, area: &Area<'_>) -> Result<(), String> {
        let fail = |why: &dyn std::fmt::Display| why.to_string();
        let (left, right, bottom, top) = self.window.unwrap_or_else(|| self.all());
        let finite = [left, right, bottom, top].iter().all(|x| x.is_finite());
        if !finite || left >= right || bottom >= top {
            return Err("the path has no extent in time".to_owned());
        }
        let grid = self.grid(area);
        let legend = self.legend_height(grid);
        let mut chart = ChartBuilder::on(area)
            .margin_left(8 * FINE)
            .margin_right(14 * FINE)
            .margin_bottom(6 * FINE)
            .margin_top(legend + 8 * FINE)
            .x_label_area_size(38 * FINE)
            .y_label_area_size(56 * FINE)
            .build_cartesian_2d(left..right, bottom..top)
            .map_err(|why| fail(&why))?;
        for line in &self.contours {
            let style = ShapeStyle {
                color: RGBColor(0xb0, 0xb0, 0xb0).into(),
                filled: false,
                stroke_width: stroke(1),
            };
            chart
                .draw_series([PathElement::new(line.clone(), style)])
                .map_err(|why| fail(&why))?;
        }
        let (dx, dy) = ((right - left) / 1e6, (top - bottom) / 1e6);
        chart
            .configure_mesh()
            .disable_mesh()
            .x_labels(6)
            .y_labels(6)
            .x_label_formatter(&|x| tick(*x, dx))
            .y_label_formatter(&|y| tick(*y, dy))
            .set_all_tick_mark_size(5 * FINE)
            .axis_style(ShapeStyle {
                color: BLACK.into(),
                filled: false,
                stroke_width: stroke(1),
            })
            .label_style((FONT, SIZE))
            .x_desc(self.x.as_str())
            .y_desc(self.y.as_str())
            .axis_desc_style((FONT, SIZE + FINE))
            .draw()
            .map_err(|why| fail(&why))?;
        for curve in &self.curves {
            let (points, style) = (curve.points.clone(), curve.style.shape());
            match curve.style.dash {
                Dash::Solid => chart.draw_series([PathElement::new(points, style)]).map(|_| ()),
                Dash::Broken(length, gap) => chart
                    .draw_series(DashedLineSeries::new(
                        points,
                        stroke(length),
                        stroke(gap),
                        style,
                    ))
                    .map(|_| ()),
            }
            .map_err(|why| fail(&why))?;
        }
        for (at, mark, _) in &self.marks {
            for style in mark.shapes() {
                chart
                    .draw_series([Circle::new(*at, 5 * FINE, style)])
                    .map_err(|why| fail(&why))?;
            }
        }
        let (xs, ys) = chart.plotting_area().get_pixel_range();
        let (x0, y0) = area.get_base_pixel();
        let corners = [(xs.start - x0, ys.start - y0), (xs.end - x0, ys.end - y0)];
        let frame = ShapeStyle { color: BLACK.into(), filled: false, stroke_width: stroke(1) };
        area.draw(&Rectangle::new(corners, frame)).map_err(|why| fail(&why))?;
        self.legend(area, xs.start - x0, grid)
    }

    /// Labels of the lines and of the marks in the legend, with what they stand for.
    fn lines(&self) -> impl Iterator<Item = (&str, Style)> {
        let curves = self.curves.iter().map(|curve| (curve.label.as_str(), curve.style));
        let notes = self.notes.iter().map(|(label, style)| (label.as_str(), *style));
        curves.chain(notes).filter(|(label, _)| !label.is_empty())
    }

    fn named_marks(&self) -> impl Iterator<Item = (&str, Mark)> {
        let marks = self.marks.iter().map(|(_, mark, label)| (label.as_str(), *mark));
        marks.filter(|(label, _)| !label.is_empty())
    }

    /// Columns of the legend and the width of each: as many as have room for their labels.
    fn grid(&self, area: &Area<'_>) -> (usize, i32) {
        let labels = self.lines().map(|(label, _)| label);
        let labels: Vec<&str> =
            labels.chain(self.named_marks().map(|(label, _)| label)).collect();
        let width = |label: &&str| SAMPLE + (letters::width(label) * f64::from(SIZE)) as i32;
        let room = area.dim_in_pixel().0 as i32 - 70 * FINE;
        // Behind the last of a row is room up to the edge.
        let fits = |(i, label): (usize, &&str)| {
            let column = i % PER_ROW;
            let last = column == PER_ROW - 1 || i + 1 == labels.len();
            width(label) <= if last { room - column as i32 * COLUMN } else { COLUMN }
        };
        if labels.iter().enumerate().all(fits) {
            return (PER_ROW, COLUMN);
        }
        let widest = labels.iter().map(width).max().unwrap_or(COLUMN) + 12 * FINE;
        (((room / widest).max(1) as usize).min(PER_ROW), widest)
    }

    fn legend_height(&self, (columns, _): (usize, i32)) -> i32 {
        let entries = self.lines().count() + self.named_marks().count();
        if entries < 2 { 0 } else { ROW * entries.div_ceil(columns) as i32 }
    }

    fn legend(
        &self,
        area: &Area<'_>,
        left: i32,
        grid @ (columns, width): (usize, i32),
    ) -> Result<(), String> {
        let fail = |why: &dyn std::fmt::Display| why.to_string();
        if self.legend_height(grid) == 0 {
            return Ok(());
        }
        let font = (FONT, SIZE).into_font();
        let place = |n: usize| {
            let (row, col) = ((n / columns) as i32, (n % columns) as i32);
            (left + col * width, 12 * FINE + row * ROW)
        };
        let mut n = 0;
        for (label, style) in self.lines() {
            let (x, y) = place(n);
            n += 1;
            for (from, to) in dashes(style.dash, 28) {
                let ends = vec![(x + from * FINE, y), (x + to * FINE, y)];
                area.draw(&PathElement::new(ends, style.shape())).map_err(|why| fail(&why))?;
            }
            let text = Text::new(label.to_owned(), (x + SAMPLE, y - 7 * FINE), font.clone());
            area.draw(&text).map_err(|why| fail(&why))?;
        }
        for (label, mark) in self.named_marks() {
            let (x, y) = place(n);
            n += 1;
            for style in mark.shapes() {
                area.draw(&Circle::new((x + 14 * FINE, y), 5 * FINE, style))
                    .map_err(|why| fail(&why))?;
            }
            let text = Text::new(label.to_owned(), (x + SAMPLE, y - 7 * FINE), font.clone());
            area.draw(&text).map_err(|why| fail(&why))?;
        }
        Ok(())
    }
}

/// Entries of the legend in one row, and the room each has.
const PER_ROW: usize = 3;
const COLUMN: i32 = 150 * FINE;
/// What stands before the label of an entry.
const SAMPLE: i32 = 34 * FINE;

impl Mark {
    /// White below, so that lines do not show through a ring.
    fn shapes(self) -> [ShapeStyle; 2] {
        let fill = match self {
            Self::Ring => RGBColor(255, 255, 255),
            Self::Disc => BLACK,
        };
        [
            ShapeStyle { color: fill.into(), filled: true, stroke_width: stroke(1) },
            ShapeStyle { color: BLACK.into(), filled: false, stroke_width: stroke(2) },
        ]
    }
}

/// The strokes of a short piece of line.
fn dashes(dash: Dash, length: i32) -> Vec<(i32, i32)> {
    let Dash::Broken(stroke, gap) = dash else { return vec![(0, length)] };
    let step = (stroke + gap) as usize;
    (0..length).step_by(step).map(|from| (from, (from + stroke).min(length))).collect()
}

/// The number at a tick; what is zero but for rounding is zero.
fn tick(x: f64, small: f64) -> String {
    if x.abs() < small { "0".to_owned() } else { super::super::number(x) }
}
