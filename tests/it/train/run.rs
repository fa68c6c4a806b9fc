//! Runs: the same bits on any number of threads and after any pause; divergence; settings.

use std::collections::BTreeMap;
use std::path::Path;

use lagrule::train::data::{self, Dataset, Part, Source};
use lagrule::train::engine::{Batch, Engine, Processor};
use lagrule::train::feed::Feed;
use lagrule::train::network::Network;
use lagrule::train::report::{Outcome, RunReport};
use lagrule::train::run::{Epoch, Event, Run};
use lagrule::train::task::Task;
use lagrule::train::trial::{Contestant, Setting, baseline, trials};

fn digits() -> (Task, Dataset) {
    let data = data::load(Source::Digits, Path::new("")).unwrap();
    (Task::named("digits").unwrap(), data)
}

fn start<'a>(task: &'a Task, data: &'a Dataset, name: &str, lr: f64, epochs: usize) -> Run<'a> {
    let maker = baseline(name, task).unwrap().maker;
    let mut settings = maker.defaults();
    settings.insert("lr".to_owned(), lr);
    let optimizer = maker.make(&settings, task.network.parameters()).unwrap();
    Run::new(task, data, (7, epochs), Box::new(Processor::new(task)), optimizer)
}

fn finish(run: &mut Run<'_>) {
    while run.advance().unwrap() != Event::Finished {}
}

fn bits(run: &Run<'_>) -> (Vec<u32>, Vec<Epoch>) {
    let parameters = run.parameters().iter().map(|x| x.to_bits()).collect();
    let timeless = |epoch: &Epoch| Epoch { seconds: 0.0, ..*epoch };
    (parameters, run.curve().iter().map(timeless).collect())
}

#[test]
fn threads_do_not_change_a_bit() {
    let (task, data) = digits();
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut run = start(&task, &data, "adam", 1e-3, 2);
            finish(&mut run);
            bits(&run)
        })
    };
    let one = with(1);
    assert_eq!(one, with(2));
    assert_eq!(one, with(5));
}

/// The same for the network of convolutions, whose shards differ in size here.
#[test]
fn threads_do_not_change_a_bit_of_convolutions() {
    let mut task = Task::named("cifar10").unwrap();
    task.network = Network::convolutional(32, [20, 12], 16);
    let pixels = (0..3072 * 13).map(|i: usize| (i * i % 251) as u8).collect();
    let part = Part { pixels, labels: (0..13).map(|i| i % 10).collect() };
    task.batch = 14;
    let images: Vec<u32> = (0..13).collect();
    let batch = Batch { part: &part, images: &images, seed: 3, epoch: 1 };
    let theta = task.network.init(1);
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut gradient = vec![0.0; theta.len()];
            let tally = Processor::new(&task).loss_and_grads(&theta, batch, &mut gradient);
            let bits: Vec<u32> = gradient.iter().map(|x| x.to_bits()).collect();
            (tally.loss.to_bits(), bits)
        })
    };
    let one = with(1);
    assert!(one.1.iter().any(|bits| *bits != 0));
    assert_eq!(one, with(2));
    assert_eq!(one, with(5));
}

#[test]
fn a_resumed_run_ends_as_it_would_have() {
    let (task, data) = digits();
    for name in ["sgd", "momentum", "adam", "rmsprop"] {
        let mut whole = start(&task, &data, name, 0.01, 3);
        finish(&mut whole);
        // In the middle of an epoch, at its end, before the first step, after the last.
        for steps in [0, 1, 44, 45, 46, 100, 135] {
            let mut first = start(&task, &data, name, 0.01, 3);
            for _ in 0..steps {
                first.advance().unwrap();
            }
            let bytes = first.checkpoint("this run").unwrap();
            let mut second = start(&task, &data, name, 0.01, 3);
            second.resume(&bytes, "this run").unwrap();
            assert_eq!(second.position(), first.position());
            finish(&mut second);
            assert_eq!(bits(&second), bits(&whole), "{name} after {steps} steps");
        }
    }
}

/// A sequence of tasks: each a new order of the pixels, all measured after each, and the same after a pause.
#[test]
fn tasks_in_sequence_are_measured_one_by_one() {
    let (mut task, data) = digits();
    task.permuted = true;
    let pixels = Feed::permuted(&data.test, 64, 7, 1).pixels;
    assert_ne!(pixels, data.test.pixels);
    let sorted = |pixels: &[u8]| {
        let mut image = pixels[..64].to_vec();
        image.sort_unstable();
        image
    };
    assert_eq!(sorted(&pixels), sorted(&data.test.pixels));
    assert_ne!(pixels, Feed::permuted(&data.test, 64, 7, 2).pixels);
    for name in ["adam", "adam-reset"] {
        let mut whole = start(&task, &data, name, 3e-3, 3);
        finish(&mut whole);
        let rows = whole.tasks();
        assert_eq!(rows.iter().map(Vec::len).collect::<Vec<_>>(), [1, 2, 3]);
        for (row, epoch) in rows.iter().zip(whole.curve()) {
            let mean = row.iter().sum::<f64>() / row.len() as f64;
            assert!((mean - epoch.test_accuracy).abs() < 1e-12, "{name}: {row:?}");
            assert!(row[row.len() - 1] > 0.5, "{name}: the newest is learned: {row:?}");
        }
        for steps in [44, 45, 46, 90, 100] {
            let mut first = start(&task, &data, name, 3e-3, 3);
            for _ in 0..steps {
                first.advance().unwrap();
            }
            let bytes = first.checkpoint("this run").unwrap();
            let mut second = start(&task, &data, name, 3e-3, 3);
            second.resume(&bytes, "this run").unwrap();
            finish(&mut second);
            assert_eq!(bits(&second), bits(&whole), "{name} after {steps} steps");
            assert_eq!(second.tasks(), whole.tasks());
        }
    }
    // Who begins anew learns a second task just as the first, up to the draw of parameters and pixels; what it
    // knew is gone.
    let mut anew = start(&task, &data, "adam-reset", 3e-3, 2);
    finish(&mut anew);
    let ends = |run: &Run<'_>| run.curve().iter().map(|e| e.train_loss).collect::<Vec<_>>();
    let losses = ends(&anew);
    assert!((losses[1] / losses[0] - 1.0).abs() < 0.2, "{losses:?}");
    assert!(anew.tasks()[1][0] < 0.4, "{:?}", anew.tasks());
}

#[test]
fn numbers_of_a_sequence() {
    let run = RunReport {
        seed: 1,
        outcome: Outcome::Finished,
        curve: Vec::new(),
        tasks: vec![vec![0.9], vec![0.95, 0.8], vec![0.5, 0.6, 0.7]],
    };
    let close = |found: Option<f64>, expected: f64| (found.unwrap() - expected).abs() < 1e-12;
    assert!(close(run.fresh(0..3), 0.8) && close(run.fresh(2..3), 0.7));
    assert!(close(run.kept(), 0.6));
    // From the best: 0.95 to 0.5, 0.8 to 0.6.
    assert!(close(run.forgotten(), 0.325));
}

#[test]
fn a_checkpoint_of_another_run_or_a_damaged_one_is_refused() {
    let (task, data) = digits();
    let mut run = start(&task, &data, "adam", 1e-3, 1);
    run.advance().unwrap();
    let bytes = run.checkpoint("run A").unwrap();
    let before = bits(&run);
    let other = run.resume(&bytes, "run B").unwrap_err().to_string();
    assert!(other.contains("another run: run A"), "{other}");
    for cut in [0, 7, 100, bytes.len() - 1] {
        let why = run.resume(&bytes[..cut], "run A").unwrap_err().to_string();
        assert!(why.contains("damaged"), "{why}");
    }
    assert_eq!(bits(&run), before);
}

#[test]
fn a_run_without_a_finite_loss_says_where() {
    let (task, data) = digits();
    let mut run = start(&task, &data, "sgd", 1e30, 1);
    let lost = loop {
        match run.advance() {
            Ok(Event::Finished) => panic!("it should have diverged"),
            Ok(_) => {}
            Err(lost) => break lost,
        }
    };
    assert_eq!(lost.epoch, 1);
    assert!((2..10).contains(&lost.step), "{lost:?}");
}

#[test]
fn settings_are_read() {
    let read = |text: &str| Setting::read(text).unwrap();
    assert_eq!(read("lr=0.5").values, [0.5]);
    assert_eq!(read("adam.lr = 1e-3").contestant.as_deref(), Some("adam"));
    let sweep = read("lr=1e-4..1e-1:7").values;
    let expected = [1e-4, 3.162e-4, 1e-3, 3.162e-3, 1e-2, 3.162e-2, 1e-1];
    assert_eq!(sweep.len(), 7);
    assert!(sweep.iter().zip(expected).all(|(a, b)| (a / b - 1.0).abs() < 1e-12), "{sweep:?}");
    for wrong in
        ["lr", "=1", "lr=", "lr=x", "lr=nan", "lr=1e-1..1e-4:3", "lr=0..1:3", "lr=1..2:1"]
    {
        assert!(Setting::read(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn trials_are_the_grid_of_all_sweeps() {
    let task = Task::named("digits").unwrap();
    let who: Vec<Contestant> =
        ["sgd", "adam"].iter().map(|name| baseline(name, &task).unwrap()).collect();
    let settings = |texts: &[&str]| -> Vec<Setting> {
        texts.iter().map(|text| Setting::read(text).unwrap()).collect()
    };
    let labels = |texts: &[&str]| -> Vec<String> {
        let trials = trials(&who, &settings(texts)).unwrap();
        trials.into_iter().map(|trial| trial.label).collect()
    };
    assert_eq!(labels(&[]), ["sgd", "adam"]);
    assert_eq!(
        labels(&["lr=0.01..0.1:2", "adam.beta1=0.1..0.9:2"]),
        [
            "sgd lr=0.01",
            "sgd lr=0.1",
            "adam lr=0.01 beta1=0.1",
            "adam lr=0.01 beta1=0.9",
            "adam lr=0.1 beta1=0.1",
            "adam lr=0.1 beta1=0.9"
        ]
    );
    let refused = |text: &str| trials(&who, &settings(&[text])).unwrap_err().to_string();
    assert!(refused("lr=0").contains("above 0 for `sgd.lr`, found 0"), "{}", refused("lr=0"));
    assert!(refused("adam.lr=-1").contains("`adam.lr`"));
    assert!(refused("sgd.beta1=0.5").contains("no contestant has a setting `sgd.beta1`"));
    let set: BTreeMap<String, f64> =
        trials(&who, &settings(&["adam.eps=1e-3"])).unwrap()[1].settings.clone();
    assert!((set["eps"] - 1e-3).abs() < 1e-18 && (set["beta2"] - 0.999).abs() < 1e-12);
}
