//! Images and labels: read, checked, fetched. Beside `cli`, the only module that touches files.

pub mod cifar;
pub mod error;
pub mod fetch;
pub mod idx;
pub mod verify;

use std::fs::File;
use std::path::{Path, PathBuf};

pub use error::{DataError, Problem};

/// Images with their labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// Channel by channel, row by row, image after image.
    pub pixels: Vec<u8>,
    /// One for each image.
    pub labels: Vec<u8>,
}

/// A data set.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// What is learned from.
    pub train: Part,
    /// What accuracy is measured on.
    pub test: Part,
}

/// The data sets there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// 1,797 images of 8×8, part of the program.
    Digits,
    /// 70,000 images of 28×28.
    Mnist,
    /// 60,000 colour images of 32×32.
    Cifar10,
}

/// The digits and where they come from, see `digits/README.md`.
const DIGITS: [&[u8]; 2] = [
    include_bytes!("digits/images-idx3-ubyte.gz"),
    include_bytes!("digits/labels-idx1-ubyte.gz"),
];
const DIGITS_TRAIN: usize = 1_437;
const DIGITS_ALL: usize = 1_797;

/// The four files of MNIST, each with the spellings under which it is found in the wild: images and
/// labels to learn from, then those to test with.
pub(super) const MNIST: [[&str; 4]; 4] = [
    [
        "train-images-idx3-ubyte.gz",
        "train-images-idx3-ubyte",
        "train-images.idx3-ubyte.gz",
        "train-images.idx3-ubyte",
    ],
    [
        "train-labels-idx1-ubyte.gz",
        "train-labels-idx1-ubyte",
        "train-labels.idx1-ubyte.gz",
        "train-labels.idx1-ubyte",
    ],
    [
        "t10k-images-idx3-ubyte.gz",
        "t10k-images-idx3-ubyte",
        "t10k-images.idx3-ubyte.gz",
        "t10k-images.idx3-ubyte",
    ],
    [
        "t10k-labels-idx1-ubyte.gz",
        "t10k-labels-idx1-ubyte",
        "t10k-labels.idx1-ubyte.gz",
        "t10k-labels.idx1-ubyte",
    ],
];

/// Reads a data set; `dir` is where the files of those that are not part of the program are.
pub fn load(source: Source, dir: &Path) -> Result<Dataset, DataError> {
    match source {
        Source::Digits => digits(),
        Source::Mnist => mnist(dir),
        Source::Cifar10 => {
            let (train, test) = cifar::load(dir)?;
            Ok(Dataset { train, test })
        }
    }
}

fn digits() -> Result<Dataset, DataError> {
    let built_in = Path::new("<digits>");
    let mut pixels = idx::images(built_in, DIGITS[0], DIGITS_ALL, 8)?;
    let mut labels = idx::labels(built_in, DIGITS[1], DIGITS_ALL, 10)?;
    let test = Part {
        pixels: pixels.split_off(DIGITS_TRAIN * 64),
        labels: labels.split_off(DIGITS_TRAIN),
    };
    Ok(Dataset { train: Part { pixels, labels }, test })
}

fn mnist(dir: &Path) -> Result<Dataset, DataError> {
    let open = |names: &[&'static str; 4]| {
        let path = find(dir, &["", "mnist", "raw", "MNIST/raw"], names).ok_or_else(|| {
            let hint =
                "`lagrule data fetch mnist` brings it; --data names the folder".to_owned();
            DataError::new(dir, Problem::Missing { wanted: names[0], hint })
        })?;
        let file = File::open(&path).map_err(|why| DataError::io(&path, "read", why))?;
        Ok::<_, DataError>((path, file))
    };
    let part = |images: usize, count: usize| {
        let (path, file) = open(&MNIST[images])?;
        let pixels = idx::images(&path, file, count, 28)?;
        let (path, file) = open(&MNIST[images + 1])?;
        let labels = idx::labels(&path, file, count, 10)?;
        Ok::<_, DataError>(Part { pixels, labels })
    };
    Ok(Dataset { train: part(0, 60_000)?, test: part(2, 10_000)? })
}

/// The first of some names in the first of some folders.
fn find(dir: &Path, folders: &[&str], names: &[&str]) -> Option<PathBuf> {
    let paths = folders.iter().flat_map(|folder| names.iter().map(move |name| (folder, name)));
    paths.map(|(folder, name)| dir.join(folder).join(name)).find(|path| path.is_file())
}
