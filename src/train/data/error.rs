//! What can be wrong with a data file.

use std::fmt;
use std::path::{Path, PathBuf};

/// A data file that cannot be used: which, what is wrong, and what to do.
#[derive(Debug)]
pub struct DataError {
    /// The file, or the folder that should hold it.
    pub file: PathBuf,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with a data file: expected and found.
#[derive(Debug)]
pub enum Problem {
    /// None of the names under which a data set's file may stand is there.
    Missing {
        /// The name that was looked for.
        wanted: &'static str,
        /// A command that brings it.
        hint: String,
    },
    /// The system refused to read or write it.
    Io {
        /// "read", "write", …
        verb: &'static str,
        /// The system's reason.
        why: std::io::Error,
    },
    /// The compressed stream is broken.
    Damaged {
        /// What the decoder said.
        why: String,
    },
    /// The first bytes belong to another kind of file.
    Magic {
        /// The four bytes of this kind.
        expected: u32,
        /// The four bytes found.
        found: u32,
        /// What the found bytes stand for, where known.
        meaning: &'static str,
    },
    /// A size in the header is not this data set's.
    Size {
        /// Of what, such as "images".
        what: &'static str,
        /// How many there should be.
        expected: u64,
        /// How many there are.
        found: u64,
    },
    /// The file ends early or goes on after its end.
    Length {
        /// Bytes that there should be.
        expected: u64,
        /// Bytes that there are; `None`: more than expected.
        found: Option<u64>,
    },
    /// A label that is no class.
    Label {
        /// Which one, counted from 0.
        index: usize,
        /// Its value.
        found: u8,
        /// The number of classes.
        classes: u8,
    },
    /// The content is not what was published.
    Checksum {
        /// The published MD5.
        expected: String,
        /// The file's MD5.
        found: String,
    },
    /// No mirror delivered the file.
    Download {
        /// Every address with its reason.
        tried: Vec<(String, String)>,
    },
}

impl DataError {
    /// An error about a file.
    pub(super) fn new(file: &Path, problem: Problem) -> DataError {
        DataError { file: file.to_owned(), problem }
    }

    /// The system refused to read or write.
    pub(super) fn io(file: &Path, verb: &'static str, why: std::io::Error) -> DataError {
        DataError::new(file, Problem::Io { verb, why })
    }
}

impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.display();
        match &self.problem {
            Problem::Missing { wanted, hint } => {
                write!(f, "`{wanted}` is not in `{file}`\n{hint}")
            }
            Problem::Io { verb, why } => write!(f, "cannot {verb} `{file}`: {why}"),
            Problem::Damaged { why } => {
                write!(f, "`{file}` is damaged: {why}\nfetch it again")
            }
            Problem::Magic { expected, found, meaning } => {
                write!(
                    f,
                    "`{file}`: expected the magic number {expected:#010x}, found {found:#010x}{meaning}"
                )
            }
            Problem::Size { what, expected, found } => {
                write!(f, "`{file}`: expected {expected} {what}, found {found}")
            }
            Problem::Length { expected, found: Some(found) } => {
                write!(f, "`{file}`: expected {expected} bytes, found {found}: it is truncated")
            }
            Problem::Length { expected, found: None } => {
                write!(f, "`{file}`: expected {expected} bytes, found more")
            }
            Problem::Label { index, found, classes } => write!(
                f,
                "`{file}`: expected labels from 0 to {}, found {found} at position {index}",
                classes - 1
            ),
            Problem::Checksum { expected, found } => {
                write!(f, "`{file}`: expected the MD5 {expected}, found {found}")
            }
            Problem::Download { tried } => {
                write!(f, "`{file}` could not be fetched")?;
                for (address, why) in tried {
                    write!(f, "\n  {address}: {why}")?;
                }
                Ok(())
            }
        }
    }
}

impl std::error::Error for DataError {}
