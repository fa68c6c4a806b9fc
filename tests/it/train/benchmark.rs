//! `docs/benchmark.md` says what the stored reports say. `just regen` writes its tables again.
//!
//! Between `<!-- results NAME -->` and `<!-- end -->` stand the results of `docs/results/NAME.json`, and,
//! where the paper has curves of the same task, each of them beside ours. Of several names each has its
//! results, and the curves are over the seeds of all of them.

use lagrule::train::report::{Report, TrialReport};
use lagrule::train::table;

const PAGE: &str = "docs/benchmark.md";

#[test]
fn the_benchmark_page_is_up_to_date() {
    let page = std::fs::read_to_string(PAGE).unwrap();
    let mut fresh = String::new();
    let mut lines = page.lines();
    let mut shown = 0;
    while let Some(line) = lines.next() {
        fresh += &format!("{line}\n");
        let name =
            line.strip_prefix("<!-- results ").and_then(|rest| rest.strip_suffix(" -->"));
        if let Some(name) = name {
            fresh += &results(name);
            fresh += "<!-- end -->\n";
            lines.find(|line| *line == "<!-- end -->").unwrap();
            shown += name.split(' ').count();
        }
    }
    assert_eq!(shown, std::fs::read_dir("docs/results").unwrap().count() - 1, "each is shown");
    if std::env::var_os("REGENERATE").is_some() {
        std::fs::write(PAGE, &fresh).unwrap();
    }
    assert!(page == fresh || std::env::var_os("REGENERATE").is_some(), "run `just regen`");
}

fn results(names: &str) -> String {
    let read = |name: &str| -> Report {
        let text = std::fs::read_to_string(format!("docs/results/{name}.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    };
    let reports: Vec<Report> = names.split(' ').map(read).collect();
    let mut out = String::new();
    for report in &reports {
        let page = table::markdown(report, &[]);
        // The page from its numbers on, up to the settings, without the headings of a page of its own.
        let start = page.find("\n\n").unwrap() + 2;
        let end = page.find("\n## Settings").unwrap();
        out += &format!("\n{}\n", page[start..end].trim_end().replace("## ", "#### "));
    }
    let report = joined(reports);
    for (ours, theirs) in
        [("sgd", "sgd"), ("adam-2", "adam"), ("adam", "adam"), ("fig2e-ballistic", "ballistic")]
    {
        let known = report.best().into_iter().find(|trial| trial.trial.contestant == ours);
        // The derived adam is another rule than the paper's.
        let baseline =
            |trial: &&TrialReport| theirs != "adam" || trial.trial.settings.contains_key("lr");
        if let Some(trial) = known.filter(baseline) {
            out += &beside(&report.task.name, trial, theirs);
        }
    }
    out + "\n"
}

/// One report with the runs of several.
fn joined(reports: Vec<Report>) -> Report {
    let mut reports = reports.into_iter();
    let mut all = reports.next().unwrap();
    for more in reports {
        for trial in more.trials {
            let same = |known: &&mut TrialReport| known.trial == trial.trial;
            all.trials.iter_mut().find(same).expect("the same trial").runs.extend(trial.runs);
        }
    }
    all
}

/// Our curve beside the paper's, with the difference in units of the spread over our seeds.
fn beside(task: &str, trial: &TrialReport, theirs: &str) -> String {
    let paper = std::fs::read_to_string("docs/results/paper.csv").unwrap();
    let longest = trial.runs.iter().map(|run| run.curve.len()).max().unwrap_or(0);
    let rows: Vec<[f64; 3]> = paper
        .lines()
        .filter_map(|line| line.strip_prefix(&format!("{task},{theirs},")))
        .map(|rest| {
            let mut numbers = rest.split(',').map(|x| x.parse().unwrap());
            std::array::from_fn(|_| numbers.next().unwrap())
        })
        .filter(|row: &[f64; 3]| row[0] <= longest as f64)
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    let mut out = format!(
        "\n{} beside the paper's {theirs}; (…) is the difference in units of the spread over our \
         seeds.\n\n| epoch | train loss | paper | test accuracy | paper |\n| ---: | ---: | ---: | \
         ---: | ---: |\n",
        trial.trial.label
    );
    for [epoch, loss, accuracy] in rows {
        let at = epoch as usize;
        let ours = trial.spread(at, |e| e.train_loss).unwrap();
        let right = trial.spread(at, |e| 100.0 * e.test_accuracy).unwrap();
        let units = |ours: lagrule::train::report::Spread, theirs: f64| match ours.deviation {
            Some(d) if d > 0.0 => format!(" ({:+.1})", (ours.mean - theirs) / d),
            _ => String::new(),
        };
        out += &format!(
            "| {at} | {:.4} | {loss:.4}{} | {:.2} % | {accuracy:.2} %{} |\n",
            ours.mean,
            units(ours, loss),
            right.mean,
            units(right, accuracy),
        );
    }
    out
}
