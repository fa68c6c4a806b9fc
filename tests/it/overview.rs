//! The picture on the first screen of README.md: a file, what is derived from it, and the numeric
//! optimum on the symbolic path. Everything in it is computed here.

use crate::generated;
use lagrule::derive::Derivation;
use lagrule::diag::Sink;
use lagrule::driver;
use lagrule::emit::{FORMATS, Part, View};
use lagrule::model::{Model, Value};
use lagrule::solve::{Method, Trajectory};
use lagrule::source::Source;
use lagrule::study::Study;
use lagrule::symbolic::eval::{Env, eval};
use lagrule::symbolic::number::to_f64;
use lagrule::symbolic::{Mark, Shape, Symbol};
use nalgebra::DMatrix;

const WIDTH: f64 = 1296.0;
const HEIGHT: f64 = 424.0;
const LINE: f64 = 16.0;
const COLOURS: [&str; 2] = ["#1f6feb", "#cf222e"];

/// The picture of one rule.
pub(crate) fn picture(path: &str) -> String {
    let file = std::fs::read_to_string(path).unwrap();
    let source = Source::new(path, &file);
    let study = driver::study(&source, &mut Sink::new()).unwrap();
    let (_, bound) = driver::bound(&source, &[], &mut Sink::new());
    let (_, bound) = bound.unwrap();
    // Collocation knows nothing of linear problems: it is the road of all the others.
    let numeric = bound.solve(Some(Method::Collocation)).trajectory;

    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"DejaVu Sans Mono, Menlo, Consolas, monospace\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
    );
    panel(&mut svg, 8.0, 372.0, path, &listing(&file));
    panel(&mut svg, 388.0, 516.0, "lagrule derive", &derived(&study));
    plot(&mut svg, &study, &numeric);
    svg.push_str("</svg>\n");
    svg
}

/// The file without its comments and numbers.
fn listing(file: &str) -> Vec<String> {
    let clauses = file.lines().filter(|line| !line.starts_with('#'));
    let mut lines: Vec<String> =
        clauses.take_while(|line| !line.starts_with("values")).map(String::from).collect();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

/// The rule and its regimes, as `lagrule derive` prints them.
/// The path, the rule and the regimes of the text page, without the prose between them.
fn derived(study: &Study) -> Vec<String> {
    let view = View { parts: vec![Part::Rule], width: 80, ..View::default() };
    let (_, text) = FORMATS.iter().find(|(name, _)| *name == "text").unwrap();
    let page = text.write(study, &view);
    let formula = |section: &str| {
        let text = generated::sections(&page, &[section]);
        let indented = |line: &&str| line.is_empty() || line.starts_with("    ");
        let lines = text.lines().skip_while(|line| !line.starts_with("    "));
        lines.take_while(indented).map(|line| line.replacen("    ", "", 1)).collect::<Vec<_>>()
    };
    let regimes = generated::sections(&page, &["Regimes"]);
    let table = regimes.lines().skip_while(|line| !line.starts_with("  "));
    let table = table.take_while(|line| !line.starts_with("- "));
    let mut out = formula("Solution");
    out.extend(formula("Rule"));
    out.extend(table.map(|line| line.replacen("  ", "", 1)));
    out
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A framed column of text.
fn panel(svg: &mut String, left: f64, width: f64, title: &str, lines: &[String]) {
    frame(svg, left, width, title);
    for (at, line) in lines.iter().enumerate() {
        let (x, y) = (left + 12.0, 54.0 + LINE * at as f64);
        let colour = if line.contains('│') || line.contains('┌') || line.contains('└') {
            "#0550ae"
        } else {
            "#24292f"
        };
        svg.push_str(&format!(
            "<text x=\"{x}\" y=\"{y}\" fill=\"{colour}\" xml:space=\"preserve\">{}</text>\n",
            escape(line)
        ));
    }
}

fn frame(svg: &mut String, left: f64, width: f64, title: &str) {
    svg.push_str(&format!(
        "<rect x=\"{left}\" y=\"8\" width=\"{width}\" height=\"{}\" rx=\"6\" fill=\"#f6f8fa\" \
         stroke=\"#d0d7de\"/>\n\
         <text x=\"{}\" y=\"28\" fill=\"#57606a\" font-weight=\"bold\">{}</text>\n",
        HEIGHT - 16.0,
        left + 12.0,
        escape(title)
    ));
}

/// The environment of a model's own numbers.
fn numbers(model: &Model) -> Env {
    let mut env = Env::new();
    let matrix = |value: &Value| match value {
        Value::Scalar(x) => DMatrix::from_element(1, 1, to_f64(x)),
        Value::Vector(xs) => DMatrix::from_iterator(xs.len(), 1, xs.iter().map(to_f64)),
        Value::Matrix(rows) => {
            DMatrix::from_fn(rows.len(), rows[0].len(), |i, j| to_f64(&rows[i][j]))
        }
    };
    let constants = model.constants.iter().map(|constant| &constant.symbol);
    for symbol in model.givens.iter().chain(constants) {
        if let Some(value) = model.values.get(&*symbol.name) {
            env.bind(symbol, matrix(value));
        }
    }
    for coordinate in &model.coordinates {
        if let Some(value) = model.start.get(coordinate.name()) {
            env.bind(&coordinate.position.marked(Mark::Start), matrix(value));
        }
    }
    env
}

/// The symbolic path at a time, coordinate after coordinate.
fn symbolic(derivation: &Derivation, env: &Env, time: f64) -> Vec<f64> {
    let mut env = env.clone();
    env.bind_scalar(&Symbol::new("t", Shape::scalar(), 0), time);
    let path = derivation.path.iter();
    path.flat_map(|(_, at)| {
        let value = eval(&derivation.inlined(at), &env).unwrap();
        value.iter().copied().collect::<Vec<f64>>()
    })
    .collect()
}

fn plot(svg: &mut String, study: &Study, numeric: &Trajectory) {
    let (left, width) = (912.0, WIDTH - 920.0);
    frame(svg, left, width, "lagrule solve: the same path by numbers");
    let env = numbers(&study.model);
    let at = |time: f64| symbolic(&study.derivation, &env, time);

    let worst = numeric
        .times
        .iter()
        .zip(&numeric.positions)
        .flat_map(|(time, position)| {
            let path = at(*time);
            position.iter().zip(path).map(|(a, b)| (a - b).abs()).collect::<Vec<_>>()
        })
        .fold(0.0, f64::max);

    let end = 12.0;
    let values = |time: f64| at(time);
    let steps: Vec<f64> = (0..=96).map(|i| end * f64::from(i) / 96.0).collect();
    let curve: Vec<Vec<f64>> = steps.iter().map(|time| values(*time)).collect();
    let all = curve.iter().flatten().copied();
    let (low, high) = all.fold((f64::MAX, f64::MIN), |(l, h), x| (l.min(x), h.max(x)));
    let (low, high) = (low.floor(), high.ceil());
    let (box_left, box_right, top, bottom) = (left + 44.0, left + width - 32.0, 96.0, 372.0);
    let x = |time: f64| box_left + (box_right - box_left) * time / end;
    let y = |value: f64| bottom - (bottom - top) * (value - low) / (high - low);

    axes(svg, (box_left, box_right, top, bottom), (low, high), end);
    for (coordinate, colour) in (0..curve[0].len()).zip(COLOURS) {
        let points: Vec<String> = steps
            .iter()
            .zip(&curve)
            .map(|(time, value)| format!("{:.1},{:.1}", x(*time), y(value[coordinate])))
            .collect();
        svg.push_str(&format!(
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.6\"/>\n",
            points.join(" ")
        ));
        // The mesh is fine where the path bends; marks closer than six pixels say nothing more.
        let mut last = f64::MIN;
        for (time, position) in numeric.times.iter().zip(&numeric.positions) {
            let (px, py) = (x(*time), y(position[coordinate]));
            if px > box_right || px - last < 6.0 {
                continue;
            }
            last = px;
            svg.push_str(&format!(
                "<circle cx=\"{px:.1}\" cy=\"{py:.1}\" r=\"2.6\" fill=\"#ffffff\" \
                 stroke=\"{colour}\"/>\n"
            ));
        }
        let label_y = 50.0 + LINE * coordinate as f64;
        svg.push_str(&format!(
            "<text x=\"{box_left}\" y=\"{label_y}\" fill=\"{colour}\">— θ{}(t) derived   ○ by \
             collocation</text>\n",
            ["₁", "₂"][coordinate]
        ));
    }
    let decade = worst.max(f64::MIN_POSITIVE).log10().ceil();
    svg.push_str(&format!(
        "<text x=\"{box_left}\" y=\"{}\" fill=\"#24292f\">largest distance at its {} nodes: \
         below 1e{decade}</text>\n",
        bottom + 38.0,
        numeric.times.len()
    ));
}

fn axes(svg: &mut String, area: (f64, f64, f64, f64), range: (f64, f64), end: f64) {
    let (left, right, top, bottom) = area;
    svg.push_str(&format!(
        "<path d=\"M{left},{top} V{bottom} H{right}\" fill=\"none\" stroke=\"#57606a\"/>\n"
    ));
    let (low, high) = range;
    let mut level = low;
    while level <= high {
        let y = bottom - (bottom - top) * (level - low) / (high - low);
        svg.push_str(&format!(
            "<path d=\"M{left},{y:.1} H{right}\" stroke=\"#d0d7de\" stroke-width=\"0.6\"/>\n\
             <text x=\"{}\" y=\"{:.1}\" fill=\"#57606a\" text-anchor=\"end\">{level}</text>\n",
            left - 8.0,
            y + 4.0
        ));
        level += 1.0;
    }
    for tick in 0..=4 {
        let time = end * f64::from(tick) / 4.0;
        let x = left + (right - left) * time / end;
        svg.push_str(&format!(
            "<text x=\"{x:.1}\" y=\"{}\" fill=\"#57606a\" text-anchor=\"middle\">{}</text>\n",
            bottom + 18.0,
            if tick == 4 { format!("t = {time}") } else { time.to_string() }
        ));
    }
}
