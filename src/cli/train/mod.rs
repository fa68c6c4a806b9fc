//! `lagrule train`: networks trained with derived rules and known optimizers.

mod plan;
mod plot;
mod progress;
mod rule;
mod store;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::args::TrainArgs;
use super::screen::Screen;
use super::{Outcome, Trouble};
use crate::train::data::{self, Dataset};
use crate::train::engine::Processor;
use crate::train::report::{self, Report, RunReport, TrialReport};
use crate::train::run::{Event, Run};
use crate::train::table;
use crate::train::task::{TASKS, Task};
use crate::train::trial::{Contestant, Trial};
use progress::Progress;
use store::Store;

/// A checkpoint is written after each epoch, and when the last one is older than this.
const SAVE_EVERY: Duration = Duration::from_mins(1);

/// Everything that a command is to run.
struct Plan {
    task: Task,
    contestants: Vec<Contestant>,
    trials: Vec<Trial>,
    seeds: Vec<u64>,
    epochs: usize,
    threads: usize,
}

/// Runs the command.
pub(super) fn run(args: &TrainArgs, screen: &mut Screen) -> Result<Outcome, Trouble> {
    if args.list_tasks {
        let line = |task: Task| format!("{:<15}{}\n", task.name, task.about);
        let tasks = TASKS.iter().filter_map(|name| Task::named(name));
        screen.result(&tasks.map(line).collect::<String>())?;
        return Ok(Outcome::Done);
    }
    if let [left, right] = args.compare.as_slice() {
        return compare(left, right, screen);
    }
    let plan = match plan::read(args, screen)? {
        Ok(plan) => plan,
        Err(outcome) => return Ok(outcome),
    };
    // A pool exists already where tests run several commands in one process.
    let _ = rayon::ThreadPoolBuilder::new().num_threads(plan.threads).build_global();
    if args.dry_run {
        screen.result(&plan::estimate(&plan))?;
        return Ok(Outcome::Done);
    }
    let mut store = match &args.out {
        Some(dir) => match Store::open(dir, args.resume, screen)? {
            Some(store) => Some(store),
            None => return Ok(Outcome::BadInput),
        },
        None => None,
    };
    let foreign = store.as_ref().map(|store| store.foreign(&plan)).transpose()?;
    if let Some(foreign) = foreign.filter(|foreign| !foreign.is_empty()) {
        for why in &foreign {
            screen.complain(why);
        }
        screen.complain(
            "nothing was run and nothing written; take another folder for another run",
        );
        return Ok(Outcome::BadInput);
    }
    let folder = data_folder(args.data.as_ref());
    let data = match data::load(plan.task.source, &folder) {
        Ok(data) => data,
        Err(why) => {
            screen.complain(&why.to_string());
            return Ok(Outcome::BadInput);
        }
    };
    let stop = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&stop);
    // Without a handler an interrupt still ends the program; only the last checkpoint is older then.
    let _ = ctrlc::set_handler(move || asked.store(true, Ordering::Relaxed));
    train(&plan, &data, store.as_mut(), &stop, screen)
}

/// Shows where two reports differ.
fn compare(left: &Path, right: &Path, screen: &mut Screen) -> Result<Outcome, Trouble> {
    let mut reports = Vec::new();
    for path in [left, right] {
        let text = std::fs::read_to_string(path).map_err(|why| Trouble::File {
            what: format!("cannot read `{}`", path.display()),
            why,
        })?;
        match Report::read(&text) {
            Ok(report) => reports.push(report),
            Err(why) => {
                screen
                    .complain(&format!("`{}` is no report of training: {why}", path.display()));
                return Ok(Outcome::BadInput);
            }
        }
    }
    screen.result(&table::comparison(&reports[0], &reports[1]))?;
    Ok(Outcome::Done)
}

/// The folder of data sets: as asked for, from the environment, or the user's own.
pub(super) fn data_folder(asked: Option<&PathBuf>) -> PathBuf {
    let from = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let named = asked.cloned().or_else(|| from("LAGRULE_DATA").map(PathBuf::from));
    named.unwrap_or_else(|| {
        let user = from("XDG_DATA_HOME").map(PathBuf::from);
        let user =
            user.or_else(|| from("HOME").map(|home| PathBuf::from(home).join(".local/share")));
        user.or_else(|| from("LOCALAPPDATA").map(PathBuf::from))
            .unwrap_or_default()
            .join("lagrule")
    })
}

fn train(
    plan: &Plan,
    data: &Dataset,
    mut store: Option<&mut Store>,
    stop: &AtomicBool,
    screen: &mut Screen,
) -> Result<Outcome, Trouble> {
    // Where the program lies is of no use elsewhere.
    let given = std::env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned());
    let command: Vec<String> = std::iter::once("lagrule".to_owned()).chain(given).collect();
    let about = (&plan.task, plan.epochs, plan.seeds.as_slice());
    let mut report = Report::new(about, &plan.contestants, command, plan.threads);
    let mut progress = Progress::new(plan, screen);
    let mut ended = Outcome::Done;
    for trial in &plan.trials {
        let mut runs = Vec::new();
        for seed in &plan.seeds {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            let run =
                one(plan, data, (trial, *seed), store.as_deref_mut(), stop, &mut progress)?;
            if run.outcome != report::Outcome::Finished {
                ended = Outcome::Failed;
            }
            runs.push(run);
        }
        report.trials.push(TrialReport { trial: trial.clone(), runs });
        if let Some(store) = store.as_deref_mut() {
            store.results(&report)?;
        }
    }
    if stop.load(Ordering::Relaxed) {
        ended = Outcome::Failed;
    }
    progress.finish();
    if let Some(store) = store {
        store.pictures(&report)?;
    }
    for remark in table::remarks(&report) {
        screen.complain(&remark);
    }
    screen.result(&table::text(&report))?;
    Ok(ended)
}

/// One run, from its checkpoint if there is one to go on from.
fn one(
    plan: &Plan,
    data: &Dataset,
    (trial, seed): (&Trial, u64),
    mut store: Option<&mut Store>,
    stop: &AtomicBool,
    progress: &mut Progress,
) -> Result<RunReport, Trouble> {
    let contestant = plan.contestants.iter().find(|who| who.name == trial.contestant);
    let parameters = plan.task.network.parameters();
    let made = match contestant {
        Some(contestant) => contestant.maker.make(&trial.settings, parameters),
        None => Err(format!("there is no `{}`", trial.contestant)),
    };
    let optimizer = match made {
        Ok(optimizer) => optimizer,
        Err(why) => {
            let outcome = report::Outcome::Refused { why };
            return Ok(RunReport { seed, outcome, curve: Vec::new(), tasks: Vec::new() });
        }
    };
    let engine = Box::new(Processor::new(&plan.task));
    let mut run = Run::new(&plan.task, data, (seed, plan.epochs), engine, optimizer);
    if let Some(store) = store.as_deref_mut()
        && let Some(why) = store.resume(plan, trial, &mut run, seed)?
    {
        let outcome = report::Outcome::Refused { why };
        return Ok(RunReport { seed, outcome, curve: Vec::new(), tasks: Vec::new() });
    }
    progress.begin(trial, seed, &run);
    let mut saved = Instant::now();
    let outcome = loop {
        let event = run.advance();
        progress.show(&event, &run);
        let due = match event {
            Ok(Event::Finished) => break report::Outcome::Finished,
            Err(at) => {
                let last = store.as_deref_mut().and_then(|store| store.last(trial, seed));
                let checkpoint = last.map(|path| path.display().to_string());
                break report::Outcome::Diverged { at, checkpoint };
            }
            Ok(Event::Epoch(_)) => true,
            Ok(Event::Step) => saved.elapsed() > SAVE_EVERY,
        };
        let asked = stop.load(Ordering::Relaxed);
        if (due || asked)
            && let Some(store) = store.as_deref_mut()
        {
            store.checkpoint(plan, trial, &run, seed)?;
            saved = Instant::now();
        }
        if asked {
            break report::Outcome::Interrupted;
        }
    };
    let (curve, tasks) = (run.curve().to_vec(), run.tasks().to_vec());
    Ok(RunReport { seed, outcome, curve, tasks })
}
