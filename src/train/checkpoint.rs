//! A run as bytes and back, in the safetensors format: the parameters and the optimizer's buffers as
//! tensors that other programs can read, the rest beside them. Numbers keep every bit, so a run that
//! goes on from here ends as it would have ended.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use safetensors::{Dtype, SafeTensors, View};
use serde_json::Value;

use super::network::Tally;
use super::run::{Epoch, Run, State};

/// Why a checkpoint cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It is no checkpoint of this program, or damaged.
    Damaged(String),
    /// It belongs to another run: what differs.
    Other(String),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Damaged(why) => write!(f, "it is damaged or no checkpoint: {why}"),
            Refused::Other(what) => write!(f, "it is of another run: {what}"),
        }
    }
}

const IDENTITY: &str = "lagrule.run";
const FORMAT: &str = "lagrule.checkpoint/1";

/// Numbers with a shape.
struct Numbers {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl Numbers {
    fn single(shape: Vec<usize>, values: &[f32]) -> Numbers {
        let bytes = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        Numbers { dtype: Dtype::F32, shape, bytes }
    }

    fn double(shape: Vec<usize>, values: &[f64]) -> Numbers {
        let bytes = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        Numbers { dtype: Dtype::F64, shape, bytes }
    }
}

impl View for Numbers {
    fn dtype(&self) -> Dtype {
        self.dtype
    }
    fn shape(&self) -> &[usize] {
        &self.shape
    }
    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }
    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

impl Run<'_> {
    /// The run as bytes; `identity` says which run this is.
    pub fn checkpoint(&self, identity: &str) -> Result<Vec<u8>, Refused> {
        let state = &self.state;
        let mut tensors = Vec::new();
        for tensor in self.task().network.tensors() {
            let count: usize = tensor.shape.iter().product();
            let values = &state.parameters[tensor.offset..tensor.offset + count];
            let name = format!("parameters.{}", tensor.name);
            tensors.push((name, Numbers::single(tensor.shape, values)));
        }
        for (name, values) in self.optimizer().state() {
            let name = format!("state.{name}");
            tensors.push((name, Numbers::single(vec![values.len()], values)));
        }
        let Tally { loss, correct, count } = state.tally;
        let place = [state.epoch, state.step, correct, count].map(|n| n as f64);
        let mut progress = place.to_vec();
        progress.extend([loss, if state.step == 0 { 0.0 } else { self.seconds() }]);
        tensors.push(("progress".to_owned(), Numbers::double(vec![6], &progress)));
        let curve: Vec<f64> = state.curve.iter().flat_map(row).collect();
        let shape = vec![state.curve.len(), 7];
        tensors.push(("curve".to_owned(), Numbers::double(shape, &curve)));
        if !state.tasks.is_empty() {
            let all: Vec<f64> = state.tasks.iter().flatten().copied().collect();
            tensors.push(("tasks".to_owned(), Numbers::double(vec![all.len()], &all)));
        }
        let about = [("format", FORMAT), (IDENTITY, identity)];
        let about: HashMap<String, String> =
            about.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        let written = safetensors::serialize(tensors, Some(about));
        written.map_err(|why| Refused::Damaged(why.to_string()))
    }

    /// Goes on from bytes that [`Run::checkpoint`] made of the same run.
    pub fn resume(&mut self, bytes: &[u8], identity: &str) -> Result<(), Refused> {
        let damaged = |why: safetensors::SafeTensorError| Refused::Damaged(why.to_string());
        belongs(bytes, identity)?;
        let file = SafeTensors::deserialize(bytes).map_err(damaged)?;
        let mut state = State { parameters: self.state.parameters.clone(), ..State::default() };
        for tensor in self.task().network.tensors() {
            let count: usize = tensor.shape.iter().product();
            let name = format!("parameters.{}", tensor.name);
            let into = &mut state.parameters[tensor.offset..tensor.offset + count];
            fill(&file, &name, into)?;
        }
        let progress = doubles(&file, "progress")?;
        let [epoch, step, correct, count, loss, seconds] = progress[..] else {
            return Err(Refused::Damaged("`progress` has the wrong length".to_owned()));
        };
        state.epoch = epoch as usize;
        state.step = step as usize;
        state.tally = Tally { loss, correct: correct as usize, count: count as usize };
        let curve = doubles(&file, "curve")?;
        let width = (curve.len() / state.epoch.max(1)).max(6);
        state.curve = curve.chunks_exact(width).map(unrow).collect();
        if self.task().permuted && state.epoch > 0 {
            state.tasks = triangle(&doubles(&file, "tasks")?, state.epoch)?;
        }
        for (name, into) in self.optimizer_mut().state_mut() {
            fill(&file, &format!("state.{name}"), into)?;
        }
        self.state = state;
        self.count_time_from(seconds);
        Ok(())
    }
}

/// Whether bytes are a checkpoint of this run.
pub fn belongs(bytes: &[u8], identity: &str) -> Result<(), Refused> {
    let about = SafeTensors::read_metadata(bytes);
    let (_, about) = about.map_err(|why| Refused::Damaged(why.to_string()))?;
    let about = about.metadata().clone().unwrap_or_default();
    if about.get("format").map(String::as_str) != Some(FORMAT) {
        return Err(Refused::Damaged(format!("`format` is not {FORMAT}")));
    }
    match about.get(IDENTITY) {
        Some(own) if own == identity => Ok(()),
        own => Err(Refused::Other(differences(own.map_or("", |own| own), identity))),
    }
}

/// What two runs differ in; the first of them as it is where they are not written alike.
fn differences(own: &str, asked: &str) -> String {
    let read = |text: &str| serde_json::from_str::<Value>(text).ok();
    let (Some(a), Some(b)) = (read(own), read(asked)) else { return own.to_owned() };
    let mut found = Vec::new();
    compare("", (&a, &b), &mut found);
    found.join(", ")
}

fn compare(path: &str, (a, b): (&Value, &Value), found: &mut Vec<String>) {
    if let (Value::Object(left), Value::Object(right)) = (a, b) {
        let missing = right.keys().filter(|key| !left.contains_key(*key));
        for key in left.keys().chain(missing) {
            let part = |of: &serde_json::Map<String, Value>| of.get(key).cloned();
            let (a, b) = (part(left).unwrap_or_default(), part(right).unwrap_or_default());
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            compare(&path, (&a, &b), found);
        }
    } else if a != b {
        let (a, b) = (a.to_string(), b.to_string());
        found.push(if a.len().max(b.len()) <= 40 {
            format!("{path} was {a} and is {b}")
        } else {
            format!("{path} is another")
        });
    }
}

fn row(e: &Epoch) -> [f64; 7] {
    let epoch = e.epoch as f64;
    let last = e.last_product.unwrap_or(f64::NAN);
    [epoch, e.train_loss, e.train_accuracy, e.test_loss, e.test_accuracy, e.seconds, last]
}

fn unrow(row: &[f64]) -> Epoch {
    Epoch {
        epoch: row[0] as usize,
        train_loss: row[1],
        train_accuracy: row[2],
        test_loss: row[3],
        test_accuracy: row[4],
        seconds: row[5],
        last_product: row.get(6).copied().filter(|last| !last.is_nan()),
    }
}

/// Rows of one, two, … numbers.
fn triangle(all: &[f64], rows: usize) -> Result<Vec<Vec<f64>>, Refused> {
    if all.len() != rows * (rows + 1) / 2 {
        return Err(Refused::Damaged("`tasks` has the wrong length".to_owned()));
    }
    let row = |n: usize| all[n * (n + 1) / 2..][..=n].to_vec();
    Ok((0..rows).map(row).collect())
}

fn fill(file: &SafeTensors<'_>, name: &str, into: &mut [f32]) -> Result<(), Refused> {
    let tensor = file.tensor(name).map_err(|why| Refused::Damaged(why.to_string()))?;
    if tensor.dtype() != Dtype::F32 || tensor.data().len() != 4 * into.len() {
        return Err(Refused::Damaged(format!("`{name}` has the wrong size")));
    }
    for (into, bytes) in into.iter_mut().zip(tensor.data().chunks_exact(4)) {
        *into = f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    }
    Ok(())
}

fn doubles(file: &SafeTensors<'_>, name: &str) -> Result<Vec<f64>, Refused> {
    let tensor = file.tensor(name).map_err(|why| Refused::Damaged(why.to_string()))?;
    if tensor.dtype() != Dtype::F64 {
        return Err(Refused::Damaged(format!("`{name}` has the wrong type")));
    }
    let number = |bytes: &[u8]| Some(f64::from_le_bytes(bytes.try_into().ok()?));
    Ok(tensor.data().chunks_exact(8).filter_map(number).collect())
}
