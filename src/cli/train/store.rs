//! The folder of results: checkpoints, `report.json`, `curves.csv`, `report.md`, pictures.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::screen::Screen;
use super::super::solve::plot::Format;
use super::super::{Trouble, files};
use super::{Plan, plot};
use crate::train::checkpoint;
use crate::train::report::{Report, TaskNumbers};
use crate::train::run::{Epoch, Run};
use crate::train::table;
use crate::train::trial::Trial;

/// The folder.
pub(super) struct Store {
    dir: PathBuf,
    resume: bool,
}

impl Store {
    /// Opens the folder and tries whether it can be written. One that holds results is left alone,
    /// unless they are gone on from.
    pub(super) fn open(
        dir: &Path,
        resume: bool,
        screen: &mut Screen,
    ) -> Result<Option<Store>, Trouble> {
        let cannot = |why| Trouble::File {
            what: format!("cannot write into the folder `{}`", dir.display()),
            why,
        };
        let checkpoints = dir.join("checkpoints");
        let used =
            |dir: &Path| fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some());
        if !resume && (dir.join("report.json").exists() || used(&checkpoints)) {
            screen.complain(&format!(
                "`{}` holds the results of another command; --resume goes on with it, or take \
                 another folder",
                dir.display()
            ));
            return Ok(None);
        }
        fs::create_dir_all(&checkpoints).map_err(cannot)?;
        let probe = dir.join(".lagrule-probe");
        fs::write(&probe, b"").map_err(cannot)?;
        fs::remove_file(&probe).map_err(cannot)?;
        Ok(Some(Store { dir: dir.to_owned(), resume }))
    }

    fn path(&self, trial: &Trial, seed: u64) -> PathBuf {
        let plain =
            |c: char| if c.is_ascii_alphanumeric() || "-.=".contains(c) { c } else { '_' };
        let name: String = trial.label.chars().map(plain).collect();
        self.dir.join("checkpoints").join(format!("{name}-seed{seed}.safetensors"))
    }

    /// The last checkpoint of a run.
    pub(super) fn last(&self, trial: &Trial, seed: u64) -> Option<PathBuf> {
        Some(self.path(trial, seed)).filter(|path| path.exists())
    }

    /// Writes a checkpoint; the one before stays whole until the new one is.
    pub(super) fn checkpoint(
        &self,
        plan: &Plan,
        trial: &Trial,
        run: &Run<'_>,
        seed: u64,
    ) -> Result<(), Trouble> {
        let path = self.path(trial, seed);
        let bytes =
            run.checkpoint(&identity(plan, trial, seed)).map_err(|why| Trouble::File {
                what: format!("cannot make the checkpoint `{}`", path.display()),
                why: std::io::Error::other(why.to_string()),
            })?;
        files::write(&path, bytes)
    }

    /// Why checkpoints that are to be gone on from cannot be, a sentence each.
    pub(super) fn foreign(&self, plan: &Plan) -> Result<Vec<String>, Trouble> {
        let mut found = Vec::new();
        for (trial, seed) in plan
            .trials
            .iter()
            .flat_map(|trial| plan.seeds.iter().map(move |seed| (trial, *seed)))
        {
            let path = self.path(trial, seed);
            if !self.resume || !path.exists() {
                continue;
            }
            let bytes = fs::read(&path).map_err(|why| Trouble::File {
                what: format!("cannot read `{}`", path.display()),
                why,
            })?;
            if let Err(why) = checkpoint::belongs(&bytes, &identity(plan, trial, seed)) {
                found.push(format!("cannot go on from `{}`: {why}", path.display()));
            }
        }
        Ok(found)
    }

    /// Brings a run to its checkpoint; a reason if that is impossible.
    pub(super) fn resume(
        &self,
        plan: &Plan,
        trial: &Trial,
        run: &mut Run<'_>,
        seed: u64,
    ) -> Result<Option<String>, Trouble> {
        let path = self.path(trial, seed);
        if !self.resume || !path.exists() {
            return Ok(None);
        }
        let bytes = fs::read(&path).map_err(|why| Trouble::File {
            what: format!("cannot read `{}`", path.display()),
            why,
        })?;
        let refused = run.resume(&bytes, &identity(plan, trial, seed)).err();
        Ok(refused.map(|why| format!("cannot go on from `{}`: {why}", path.display())))
    }

    /// Writes report and curves as far as they are.
    pub(super) fn results(&self, report: &Report) -> Result<(), Trouble> {
        let json = serde_json::to_string_pretty(report).map_err(|why| Trouble::File {
            what: "cannot make report.json".to_owned(),
            why: why.into(),
        })?;
        files::write(&self.dir.join("report.json"), json + "\n")?;
        files::write(&self.dir.join("curves.csv"), table::csv(report))
    }

    /// Draws the curves and writes the page.
    pub(super) fn pictures(&self, report: &Report) -> Result<(), Trouble> {
        let mut shown = Vec::new();
        shown.extend(self.picture(report, "train loss", "loss", |epoch| epoch.train_loss)?);
        let accuracy = |epoch: &Epoch| epoch.test_accuracy;
        shown.extend(self.picture(report, "test accuracy", "accuracy", accuracy)?);
        let shown: Vec<(&str, &str)> =
            shown.iter().map(|(label, file)| (*label, file.as_str())).collect();
        files::write(&self.dir.join("report.md"), table::markdown(report, &shown))
    }
}

impl Store {
    /// One picture in two forms, as its label and the file for the page; none before two epochs.
    fn picture(
        &self,
        report: &Report,
        label: &'static str,
        name: &str,
        of: fn(&Epoch) -> f64,
    ) -> Result<Option<(&'static str, String)>, Trouble> {
        for (ending, format) in [("svg", Format::Svg), ("png", Format::Png)] {
            let drawn =
                plot::draw(report, (label, of), format).map_err(|why| Trouble::File {
                    what: format!("cannot draw the {label}"),
                    why: std::io::Error::other(why),
                })?;
            let Some(bytes) = drawn else { return Ok(None) };
            files::write(&self.dir.join(format!("{name}.{ending}")), bytes)?;
        }
        Ok(Some((label, format!("{name}.svg"))))
    }
}

/// What a run is, but for the number of its epochs: a run may be made longer.
fn identity(plan: &Plan, trial: &Trial, seed: u64) -> String {
    let contestant = plan.contestants.iter().find(|who| who.name == trial.contestant);
    serde_json::json!({
        "task": TaskNumbers::of(&plan.task),
        "trial": trial,
        "seed": seed,
        "origin": contestant.map(|who| &who.origin),
    })
    .to_string()
}
