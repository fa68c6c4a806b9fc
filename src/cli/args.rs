//! The command line. The only user of clap.

use std::ffi::OsString;
#[cfg(feature = "train")]
use std::ops::RangeInclusive;
use std::path::PathBuf;

use crate::rule::verify::Options;
use clap::builder::PossibleValuesParser;
use clap::{Parser, Subcommand, ValueEnum};

use crate::emit::code::TARGETS;
use crate::emit::{FORMATS, Part};

/// Derive learning rules from Lagrangians.
///
/// You write down assumptions (geometry, drift, loss, patience, beliefs) in a `.lag` file;
/// lagrule derives the learning rule they imply.
#[derive(Debug, Parser)]
#[command(name = "lagrule", version, arg_required_else_help = true, after_help = EXAMPLES)]
pub(super) struct Args {
    /// When to use colour.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    pub(super) color: Color,

    #[command(subcommand)]
    pub(super) command: Command,
}

/// Reads the command line. Requests for help and the version come back as errors too.
pub(super) fn read(args: impl IntoIterator<Item = OsString>) -> Result<Args, clap::Error> {
    Args::try_parse_from(args)
}

const EXAMPLES: &str = "\
Examples:
  lagrule derive rules/ballistic.lag    the rule, its regimes, its diagnosis
  lagrule solve rules/double_well.lag   the optimal trajectory by number
  lagrule check rules/*.lag         find mistakes
  lagrule fmt rules/momentum.lag    put a file into the usual layout
  lagrule verify rules              derivations against independent numerics
  lagrule emit rules/momentum.lag --target torch    code to train with

Exit code: 0 done, 1 a check failed, 2 the input is wrong.";

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Derive the learning rule of a `.lag` file
    Derive(DeriveArgs),
    /// Compute the optimal trajectory of a `.lag` file with numbers
    Solve(SolveArgs),
    /// Find mistakes in `.lag` files
    Check(CheckArgs),
    /// Put `.lag` files into the usual layout
    Fmt(FmtArgs),
    /// Compile the rule of a `.lag` file to code to train with
    Emit(EmitArgs),
    /// Prove derivations by independent numerics
    Verify(VerifyArgs),
    /// Train a network with derived rules and known optimizers
    #[cfg(feature = "train")]
    Train(TrainArgs),
    /// Fetch the data sets of the tasks, or check them
    #[cfg(feature = "train")]
    Data(DataArgs),
}

/// Arguments of `lagrule derive`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lagrule derive rules/momentum.lag
  lagrule derive rules/momentum.lag --steps
  lagrule derive rules/momentum.lag --regime ballistic
  lagrule derive rules/momentum.lag --format latex -o momentum.tex
  lagrule derive rules/momentum.lag --show motion,rule

Exit code: 0 done, an honest \"no closed form\" included; 1 there is no optimum; 2 the input is
wrong.")]
pub(super) struct DeriveArgs {
    /// The file; `-` for standard input
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,

    /// Show every step of the derivation with the law it uses
    #[arg(long)]
    pub(super) steps: bool,

    /// Only this regime
    #[arg(long, value_name = "NAME")]
    pub(super) regime: Option<String>,

    /// The format
    #[arg(long, value_parser = formats(), default_value = "text", value_name = "FORMAT")]
    pub(super) format: String,

    /// ASCII instead of mathematical characters (text only)
    #[arg(long)]
    pub(super) ascii: bool,

    /// Write to this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,

    /// The parts to show, separated by commas
    #[arg(long, value_delimiter = ',', value_parser = parts(), value_name = "PARTS")]
    pub(super) show: Vec<String>,
}

fn formats() -> PossibleValuesParser {
    FORMATS.iter().map(|(name, _)| *name).collect::<Vec<_>>().into()
}

fn parts() -> PossibleValuesParser {
    Part::ALL.map(|(name, _)| name).into()
}

/// Arguments of `lagrule solve`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lagrule solve rules/double_well_2d.lag
  lagrule solve rules/double_well_2d.lag --set gamma=0.7 --set \"x=-0.93\"
  lagrule solve rules/natural_gradient.lag --set 'H=[[2, 0], [0, 1]]' --format json
  lagrule solve rules/double_well_2d.lag --plot path.svg
  lagrule solve rules/momentum.lag --vary gamma=0.1,1,10 --plot compared.svg

Without --method the closed form is used where there is one, collocation elsewhere, and another
method checks it. Exit code 1 means that there is no solution, with --vary for
one of the values; the report says why.")]
pub(super) struct SolveArgs {
    /// The file; `-` for standard input
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,

    /// Give a number, `[1, 2]` or `[[1, 0], [0, 1]]` in place of the file's own; the last of a name counts
    #[arg(long, value_name = "NAME=VALUE", value_parser = binding)]
    pub(super) set: Vec<String>,

    /// Solve for each of several values of a constant or a start, and compare
    #[arg(long, value_name = "NAME=V1,V2,…", value_parser = variation)]
    pub(super) vary: Option<Variation>,

    /// The method to use
    #[arg(long, value_enum, value_name = "METHOD")]
    pub(super) method: Option<Road>,

    /// The form of the report
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(super) format: SolveFormat,

    /// Draw the trajectory into an .svg or .png file
    #[arg(long, value_name = "FILE")]
    pub(super) plot: Option<PathBuf>,

    /// Write the report to a file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
}

/// Both sides of `name=value` are there; what they mean is the language's business.
fn binding(text: &str) -> Result<String, String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() && !value.trim().is_empty() => {
            Ok(text.to_owned())
        }
        _ => Err("expected a name and its value, such as `eta=0.1` or `g=[1, -1]`".to_owned()),
    }
}

/// A number with the values it takes, one after the other.
#[derive(Debug, Clone)]
pub(super) struct Variation {
    /// The name as it was written.
    pub(super) name: String,
    /// The values as they were written; at least one, none of them empty.
    pub(super) values: Vec<String>,
}

/// Like `binding`, with values between commas.
fn variation(text: &str) -> Result<Variation, String> {
    const WANTED: &str = "expected a name and numbers between commas, such as `gamma=0,1,10`";
    let (name, values) = text.split_once('=').ok_or(WANTED)?;
    if values.contains(['[', ']']) {
        return Err(format!("{WANTED}; `--set` takes lists"));
    }
    let values: Vec<String> = values.split(',').map(|value| value.trim().to_owned()).collect();
    if name.trim().is_empty() || values.iter().any(String::is_empty) {
        return Err(WANTED.to_owned());
    }
    Ok(Variation { name: name.trim().to_owned(), values })
}

/// A way to compute a trajectory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Road {
    /// The linear class: ordered Schur form, matrix exponential
    Closed,
    /// Lobatto collocation on an adaptive mesh
    Collocation,
    /// Stiff integration in reversed time
    Shooting,
    /// Newton's method on the discretised action
    Direct,
}

/// How a solution is reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum SolveFormat {
    /// For reading
    #[default]
    Text,
    /// The object `lagrule.solve/1`
    Json,
    /// The trajectory as a table
    Csv,
}

/// Arguments of `lagrule check`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lagrule check rules/momentum.lag
  lagrule check rules               every .lag file in a directory
  lagrule check - < draft.lag       standard input

All mistakes of a file are reported in one run.")]
pub(super) struct CheckArgs {
    /// Files or directories; `-` for standard input
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
}

/// Arguments of `lagrule fmt`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lagrule fmt rules/momentum.lag    rewrite the file
  lagrule fmt --check rules         only say which files would change (exit code 1)
  lagrule fmt - < draft.lag         from standard input to standard output

Comments are kept; Unicode such as θ, ² and · becomes ASCII.")]
pub(super) struct FmtArgs {
    /// Files or directories; `-` for standard input
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,

    /// Change nothing; name the files that are not in the usual layout
    #[arg(long)]
    pub(super) check: bool,
}

/// Arguments of `lagrule emit`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lagrule emit rules/natural_gradient.lag --target numpy
  lagrule emit rules/momentum.lag --target torch -o momentum.py
  lagrule emit rules/momentum.lag --target rust --regime ballistic

Without --regime the exact rule is compiled. docs/emit.md has a training script for each target.
Exit code 1 means that the rule has no discrete update; the message says why.")]
pub(super) struct EmitArgs {
    /// The file; `-` for standard input
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,

    /// The language and library
    #[arg(long, value_parser = targets(), value_name = "TARGET")]
    pub(super) target: String,

    /// The rule of this regime instead of the exact one
    #[arg(long, value_name = "NAME")]
    pub(super) regime: Option<String>,

    /// Also offer the optimizer's own names (`lr`, `betas`) where the rule is a known one
    #[arg(long)]
    pub(super) hyper: bool,

    /// Know curvature and metric by their products with vectors, so that the rule runs on a network
    #[arg(long, conflicts_with = "hyper")]
    pub(super) matrix_free: bool,

    /// Write to this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
}

fn targets() -> PossibleValuesParser {
    TARGETS.iter().map(|(name, _)| *name).collect::<Vec<_>>().into()
}

/// Arguments of `lagrule verify`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lagrule verify rules/momentum.lag
  lagrule verify rules              every .lag file in a directory
  lagrule verify rules --samples 500 --seed 7
  lagrule verify rules --format json

Every derived expression is compared, at random parameters inside the declared assumptions, with
numbers from the Lagrangian itself. docs/verify.md says what each row proves.
Exit code 1 if any check differs.")]
pub(super) struct VerifyArgs {
    /// Files or directories; `-` for standard input
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,

    /// Parameter sets for each check
    #[arg(long, default_value_t = Options::default().samples as u32, value_name = "N")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(super) samples: u32,

    /// Seed of the random parameters
    #[arg(long, default_value_t = Options::default().seed, value_name = "N")]
    pub(super) seed: u64,

    /// How the result is written
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub(super) format: VerifyFormat,
}

/// Arguments of `lagrule train`.
#[cfg(feature = "train")]
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lagrule train rules/adam.lag:adam --task digits --against sgd,adam
  lagrule train rules/momentum.lag --task mnist --seeds 5 --out runs/momentum
  lagrule train --task digits --against sgd,adam --sweep lr=1e-3..1:4
  lagrule train rules/momentum.lag --task mnist --set eta=0.05 --dry-run

FILE:REGIME takes the rule of a regime, FILE alone the exact rule. `lr` stands for the setting that
scales a rule's step. docs/train.md has the rest.
Exit code 1 means that a run found no finite loss, or was stopped; the others went on.")]
pub(super) struct TrainArgs {
    /// Files of derived rules, each with a regime if wanted
    #[arg(value_name = "FILE[:REGIME]")]
    pub(super) files: Vec<PathBuf>,

    /// The task
    #[arg(long, value_parser = crate::train::task::TASKS, value_name = "TASK", required_unless_present_any = ["list_tasks", "compare"])]
    pub(super) task: Option<String>,

    /// Known optimizers to run beside the rules: sgd, momentum, adam, adamw, rmsprop
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    pub(super) against: Vec<String>,

    /// The folder of the data sets [default: `$LAGRULE_DATA`, else lagrule in the user's data folder]
    #[arg(long, value_name = "DIR")]
    pub(super) data: Option<PathBuf>,

    /// Epochs [default: the task's]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(super) epochs: Option<u32>,

    /// Runs of each trial, with the seeds 1 to N, or FROM to TO
    #[arg(long, value_name = "N|FROM..TO", default_value = "1", value_parser = seeds)]
    pub(super) seeds: RangeInclusive<u32>,

    /// Where reports, pictures and checkpoints go
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,

    /// Give a setting: `eta=0.1` to all that have it, `adam.lr=0.001` to one
    #[arg(long, value_name = "NAME=VALUE")]
    pub(super) set: Vec<String>,

    /// Let a matrix of a rule be `gauss_newton` (the default), `hessian` or `kronecker`
    #[arg(long, value_name = "NAME=KIND")]
    pub(super) matrix: Vec<String>,

    /// Try a setting over a range, in equal ratios
    #[arg(long, value_name = "NAME=FROM..TO:COUNT")]
    pub(super) sweep: Vec<String>,

    /// Threads [default: one for each processor]; the results do not depend on them
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024))]
    pub(super) threads: Option<u32>,

    /// Say what would be run, how long it would take and how much memory
    #[arg(long)]
    pub(super) dry_run: bool,

    /// Go on from the checkpoints in --out
    #[arg(long, requires = "out")]
    pub(super) resume: bool,

    /// List the tasks
    #[arg(long)]
    pub(super) list_tasks: bool,

    /// Compare two reports, epoch by epoch where they have trials of the same name
    #[arg(long, num_args = 2, value_names = ["REPORT", "REPORT"])]
    pub(super) compare: Vec<PathBuf>,
}

/// `N` are the seeds 1 to N, `FROM..TO` those between, both of them included.
#[cfg(feature = "train")]
fn seeds(text: &str) -> Result<RangeInclusive<u32>, String> {
    let seed = |text: &str| text.parse::<u32>().ok().filter(|seed| (1..=1000).contains(seed));
    let range = match text.split_once("..") {
        Some((from, to)) => seed(from).zip(seed(to)).map(|(from, to)| from..=to),
        None => seed(text).map(|count| 1..=count),
    };
    let range = range.filter(|range| !range.is_empty());
    range.ok_or_else(|| {
        "give their number, as in 3, or a range, as in 2..4; from 1 to 1000".to_owned()
    })
}

/// Arguments of `lagrule data`.
#[cfg(feature = "train")]
#[derive(Debug, clap::Args)]
pub(super) struct DataArgs {
    #[command(subcommand)]
    pub(super) command: DataCommand,
}

/// What to do with a data set.
#[cfg(feature = "train")]
#[derive(Debug, Subcommand)]
pub(super) enum DataCommand {
    /// Bring a data set from the network; what is cut off goes on the next time
    Fetch(DataSetArgs),
    /// Compare the files of a data set with the published checksums
    Verify(DataSetArgs),
}

/// Which data set, and where.
#[cfg(feature = "train")]
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  lagrule data fetch mnist
  lagrule data fetch cifar10 --data /tmp/data
  lagrule data verify mnist

Exit code 1 means that a file is missing, differs or could not be fetched.")]
pub(super) struct DataSetArgs {
    /// The data set
    #[arg(value_parser = crate::train::task::TASKS, value_name = "NAME")]
    pub(super) set: String,

    /// The folder of the data sets [default: `$LAGRULE_DATA`, else lagrule in the user's data folder]
    #[arg(long, value_name = "DIR")]
    pub(super) data: Option<PathBuf>,

    /// Fetch from this folder of the network instead of the usual ones
    #[arg(long, value_name = "URL")]
    pub(super) from: Option<String>,
}

/// Formats of a verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum VerifyFormat {
    /// A table
    #[default]
    Text,
    /// JSON, schema lagrule.verify/1
    Json,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless `NO_COLOR` is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}
