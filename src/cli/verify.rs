//! `lagrule verify`

use super::args::{VerifyArgs, VerifyFormat};
use super::screen::Screen;
use super::{Outcome, Trouble, files};
use crate::diag::Sink;
use crate::driver;
use crate::rule::verify::{self, Options};

/// Verifies each file; fails if any check finds a difference.
pub(super) fn run(args: &VerifyArgs, screen: &mut Screen) -> Result<Outcome, Trouble> {
    let options = Options { seed: args.seed, samples: args.samples as usize };
    let mut worst = Outcome::Done;
    let mut reports = Vec::new();
    for path in files::expand(&args.files)? {
        let input = files::read(&path)?;
        let mut sink = Sink::new();
        let studied = driver::study(&input.source, &mut sink);
        match screen.report(&input.source, &sink, studied) {
            Ok(study) => {
                let report = verify::verify(&study.model, &study.derivation, &options);
                if report.differs() {
                    worst = worst.max(Outcome::Failed);
                }
                reports.push(report);
            }
            Err(outcome) => worst = worst.max(outcome),
        }
    }
    let text = match args.format {
        VerifyFormat::Text => verify::text(&reports),
        VerifyFormat::Json => format!("{:#}\n", verify::json(&reports)),
    };
    screen.result(&text)?;
    Ok(worst)
}
