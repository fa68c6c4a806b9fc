//! From the command line to what is run, and what that would take.

use std::time::Instant;

use super::super::args::TrainArgs;
use super::super::screen::Screen;
use super::super::{Outcome, Trouble};
use super::Plan;
use crate::train::data::{Dataset, Part};
use crate::train::engine::Processor;
use crate::train::matrices::Choice;
use crate::train::run::Run;
use crate::train::task::Task;
use crate::train::trial::{self, Contestant, Setting, Trial};

/// Reads the arguments; mistakes are reported, all that can be found at once.
pub(super) fn read(
    args: &TrainArgs,
    screen: &mut Screen,
) -> Result<Result<Plan, Outcome>, Trouble> {
    let Some(task) = args.task.as_deref().and_then(Task::named) else {
        screen.complain("--task is missing; --list-tasks shows what there is");
        return Ok(Err(Outcome::BadInput));
    };
    let mut mistakes = 0;
    let mut settings = Vec::new();
    for (option, texts) in [("--set", &args.set), ("--sweep", &args.sweep)] {
        for text in texts {
            match Setting::read(text) {
                Ok(setting) => settings.push(setting),
                Err(why) => {
                    screen.complain(&format!("{option} {text}: {why}"));
                    mistakes += 1;
                }
            }
        }
    }
    let mut choices = Vec::new();
    for text in &args.matrix {
        match Choice::read(text) {
            Ok(choice) => choices.push(choice),
            Err(why) => {
                screen.complain(&format!("--matrix {text}: {why}"));
                mistakes += 1;
            }
        }
    }
    let mut contestants: Vec<Contestant> = Vec::new();
    for file in &args.files {
        match super::rule::contestant(file, screen)? {
            Ok(contestant) => contestants.push(contestant),
            Err(_) => mistakes += 1,
        }
    }
    for name in &args.against {
        match trial::baseline(name, &task) {
            Ok(contestant) => contestants.push(contestant),
            Err(why) => {
                screen.complain(&why.to_string());
                mistakes += 1;
            }
        }
    }
    if mistakes > 0 {
        return Ok(Err(Outcome::BadInput));
    }
    if contestants.is_empty() {
        screen.complain("there is nothing to train with: give a .lag file, or --against adam");
        return Ok(Err(Outcome::BadInput));
    }
    distinguish(&mut contestants);
    if !all_chosen(&mut contestants, &choices, screen) {
        return Ok(Err(Outcome::BadInput));
    }
    let trials = match trial::trials(&contestants, &settings) {
        Ok(trials) => trials,
        Err(why) => {
            screen.complain(&why.to_string());
            return Ok(Err(Outcome::BadInput));
        }
    };
    if !all_can_be_made(&contestants, &trials, screen) {
        return Ok(Err(Outcome::BadInput));
    }
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    Ok(Ok(Plan {
        epochs: args.epochs.map_or(task.epochs, |epochs| epochs as usize),
        seeds: args.seeds.clone().map(u64::from).collect(),
        threads: args.threads.map_or(processors, |threads| threads as usize),
        task,
        contestants,
        trials,
    }))
}

/// Lets matrices stand for what was chosen; each choice must concern somebody.
fn all_chosen(who: &mut [Contestant], choices: &[Choice], screen: &mut Screen) -> bool {
    let mut good = true;
    for (at, choice) in choices.iter().enumerate() {
        let same = |other: &&Choice| {
            other.contestant == choice.contestant && other.matrix == choice.matrix
        };
        if let Some(first) = choices[..at].iter().find(same) {
            screen.complain(&format!("--matrix {choice}: `{first}` was said before"));
            good = false;
        }
    }
    // What is said of one contestant counts more than what is said of all.
    let general = choices.iter().filter(|choice| choice.contestant.is_none());
    let own = choices.iter().filter(|choice| choice.contestant.is_some());
    for choice in general.chain(own) {
        let concerned =
            who.iter_mut().filter_map(|who| who.choose(choice).then_some(())).count();
        if concerned > 0 {
            continue;
        }
        good = false;
        let known: Vec<String> = who
            .iter()
            .flat_map(|who| {
                let matrices = who.maker.matrices().into_iter();
                matrices.map(|matrix| format!("{}.{matrix}", who.name))
            })
            .collect();
        let known = if known.is_empty() {
            "there are no rules of matrices".to_owned()
        } else {
            format!("there are: {}", known.join(", "))
        };
        screen.complain(&format!(
            "--matrix {choice}: no contestant's rule uses such a matrix\n{known}"
        ));
    }
    good
}

/// Tries whether every trial has an optimizer; each reason is told once.
fn all_can_be_made(who: &[Contestant], trials: &[Trial], screen: &mut Screen) -> bool {
    let mut refusals: Vec<String> = Vec::new();
    for trial in trials {
        let Some(contestant) = who.iter().find(|who| who.name == trial.contestant) else {
            continue;
        };
        if let Err(why) = contestant.maker.make(&trial.settings, 1) {
            let refusal = format!("`{}` cannot be trained: {why}", contestant.name);
            if !refusals.contains(&refusal) {
                refusals.push(refusal);
            }
        }
    }
    for refusal in &refusals {
        screen.complain(refusal);
    }
    refusals.is_empty()
}

/// Gives contestants of the same name a number.
fn distinguish(contestants: &mut [Contestant]) {
    for at in 1..contestants.len() {
        let (before, rest) = contestants.split_at_mut(at);
        let taken = |name: &str| before.iter().any(|other| other.name == name);
        let name = rest[0].name.clone();
        let mut number = 2;
        while taken(&rest[0].name) {
            rest[0].name = format!("{name}-{number}");
            number += 1;
        }
    }
}

/// What a plan would take: parameters, steps, memory, time.
///
/// The time is that of a few steps on random images.
pub(super) fn estimate(plan: &Plan) -> String {
    let task = &plan.task;
    let pixels = task.network.channels * task.network.side * task.network.side;
    let part = |count: usize| Part {
        pixels: (0..count * pixels).map(|i| (i * 37 % 256) as u8).collect(),
        labels: (0..count).map(|i| (i % 10) as u8).collect(),
    };
    let data = Dataset { train: part(task.images[0]), test: part(1) };
    let parameters = task.network.parameters();
    let images = (task.images[0] + task.images[1]) * (pixels + 1);
    let runs = plan.trials.len() * plan.seeds.len();
    let mut out = format!(
        "task         {}: {}\nparameters   {parameters}\nsteps        {} an epoch, {} epochs, {runs} runs\n",
        task.name,
        task.about,
        task.steps(),
        plan.epochs,
    );
    let mut total = 0.0;
    for trial in &plan.trials {
        let contestant = plan.contestants.iter().find(|who| who.name == trial.contestant);
        let made = contestant.map(|who| who.maker.make(&trial.settings, parameters));
        let settings: Vec<String> =
            trial.settings.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        let settings = settings.join(", ");
        match made {
            Some(Ok(optimizer)) => {
                let buffers = optimizer.state().len();
                let bytes = Processor::bytes(task) + 4 * parameters * (2 + buffers) + images;
                let engine = Box::new(Processor::new(task));
                // However few epochs there are, the steps that are timed must not run out.
                let mut run = Run::new(task, &data, (1, usize::MAX), engine, optimizer);
                // The first step meets cold memory.
                let _ = run.advance();
                let began = Instant::now();
                let mut steps = 0;
                while (steps < 4 || began.elapsed().as_secs_f64() < 0.5)
                    && run.advance().is_ok()
                {
                    steps += 1;
                }
                let step = began.elapsed().as_secs_f64() / f64::from(steps.max(1));
                // An evaluated image costs about a third of a trained one.
                let test = task.images[1] as f64 / (3 * task.batch) as f64;
                let seconds = (task.steps() as f64 + test) * step * plan.epochs as f64;
                total += seconds * plan.seeds.len() as f64;
                out += &format!(
                    "{}: about {}, {:.2} ms a step, {} MB; {settings}\n",
                    trial.label,
                    super::progress::duration(seconds),
                    1e3 * step,
                    bytes.div_ceil(1_000_000),
                );
            }
            Some(Err(why)) => out += &format!("{}: {why}\n", trial.label),
            None => {}
        }
    }
    out + &format!("together about {}\n", super::progress::duration(total))
}
