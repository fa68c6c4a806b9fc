//! Whether the files of a data set are what was published.

use std::path::{Path, PathBuf};

use super::error::{DataError, Problem};
use super::fetch::{md5_of, remotes};
use super::{MNIST, Source, cifar, find};

/// The MD5 of CIFAR-10's six files, which hold in any archive.
const MEMBERS: [&str; 6] = [
    "5dd7e06a14cb22eb9f671a540d1b7c25",
    "5ea93a67294ea407fff1d09f752e9692",
    "942cd6a4bcdd0dd3c604fbe906cb4421",
    "ae636b3ba5c66a11e91e8cb52e771fcb",
    "53f37980c15c3d472c316c40844f3f0d",
    "803d5f7f4d78ea53de84dbe85f74fb6d",
];

/// A file and what is to be said of it.
#[derive(Debug)]
pub struct Checked {
    /// The file.
    pub file: PathBuf,
    /// What is wrong.
    pub result: Result<(), DataError>,
}

/// Checks all files of a data set.
pub fn verify(source: Source, dir: &Path) -> Vec<Checked> {
    match source {
        // Part of the program; reading them checks them.
        Source::Digits => {
            let result = super::load(source, dir).map(|_| ());
            vec![Checked { file: PathBuf::from("<digits>"), result }]
        }
        Source::Mnist => {
            let published = remotes(source).iter().map(|remote| remote.md5);
            let one = |(names, md5): (&[&'static str; 4], &str)| {
                match find(dir, &["", "mnist", "raw", "MNIST/raw"], &names[..]) {
                    None => absent(dir, names[0]),
                    // Published are the compressed files; of others the content is read.
                    Some(file) if file.extension().is_some_and(|e| e == "gz") => {
                        checked(file.clone(), md5_of(&file), md5)
                    }
                    Some(file) => {
                        Checked { file, result: super::load(source, dir).map(|_| ()) }
                    }
                }
            };
            MNIST.iter().zip(published).map(one).collect()
        }
        Source::Cifar10 => cifar10(dir),
    }
}

fn cifar10(dir: &Path) -> Vec<Checked> {
    let folders = ["", "cifar10", "cifar-10-batches-bin", "cifar10/cifar-10-batches-bin"];
    if find(dir, &folders, &cifar::MEMBERS[..1]).is_some() {
        let one = |(name, md5): (&&'static str, &str)| match find(dir, &folders, &[name]) {
            None => absent(dir, name),
            Some(file) => checked(file.clone(), md5_of(&file), md5),
        };
        return cifar::MEMBERS.iter().zip(MEMBERS).map(one).collect();
    }
    let Some(archive) = find(dir, &["", "cifar10"], &cifar::ARCHIVES) else {
        return vec![absent(dir, cifar::ARCHIVES[0])];
    };
    match cifar::checksums(&archive) {
        Err(why) => vec![Checked { file: archive, result: Err(why) }],
        Ok(mut found) => {
            let one = |(name, md5): (&&'static str, &str)| match found.remove(name) {
                None => absent(&archive, name),
                Some(sum) => checked(archive.join(name), Ok(sum), md5),
            };
            cifar::MEMBERS.iter().zip(MEMBERS).map(one).collect()
        }
    }
}

fn absent(dir: &Path, wanted: &'static str) -> Checked {
    let hint = "`lagrule data fetch` brings it; --data names the folder".to_owned();
    let problem = Problem::Missing { wanted, hint };
    Checked { file: dir.join(wanted), result: Err(DataError::new(dir, problem)) }
}

fn checked(file: PathBuf, found: Result<String, DataError>, expected: &str) -> Checked {
    let result = found.and_then(|found| {
        let expected = expected.to_owned();
        if found == expected {
            Ok(())
        } else {
            Err(DataError::new(&file, Problem::Checksum { expected, found }))
        }
    });
    Checked { file, result }
}
