//! IDX, the format of MNIST: a big-endian header (magic, then one `u32` for each dimension), then
//! bytes in row-major order. <http://yann.lecun.com/exdb/mnist/>

use std::io::{BufReader, Read};
use std::path::Path;

use flate2::bufread::GzDecoder;

use super::error::{DataError, Problem};

const IMAGES: u32 = 0x0000_0803;
const LABELS: u32 = 0x0000_0801;
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Reads `count` images of `side` by `side` pixels.
pub fn images(
    file: &Path,
    raw: impl Read,
    count: usize,
    side: usize,
) -> Result<Vec<u8>, DataError> {
    let expected = [("images", count), ("rows", side), ("columns", side)];
    body(file, raw, IMAGES, &expected)
}

/// Reads `count` labels below `classes`.
pub fn labels(
    file: &Path,
    raw: impl Read,
    count: usize,
    classes: u8,
) -> Result<Vec<u8>, DataError> {
    let labels = body(file, raw, LABELS, &[("labels", count)])?;
    check_labels(file, &labels, classes)?;
    Ok(labels)
}

/// Every label is a class.
pub(super) fn check_labels(file: &Path, labels: &[u8], classes: u8) -> Result<(), DataError> {
    match labels.iter().position(|label| *label >= classes) {
        Some(index) => {
            let problem = Problem::Label { index, found: labels[index], classes };
            Err(DataError::new(file, problem))
        }
        None => Ok(()),
    }
}

/// Checks the header and reads what it promises, compressed by gzip or not.
fn body(
    file: &Path,
    raw: impl Read,
    magic: u32,
    sizes: &[(&'static str, usize)],
) -> Result<Vec<u8>, DataError> {
    let mut raw = BufReader::new(raw);
    let start =
        std::io::BufRead::fill_buf(&mut raw).map_err(|why| DataError::io(file, "read", why))?;
    if start.starts_with(&GZIP) {
        decoded(file, GzDecoder::new(raw), magic, sizes)
    } else {
        decoded(file, raw, magic, sizes)
    }
}

fn decoded(
    file: &Path,
    mut stream: impl Read,
    magic: u32,
    sizes: &[(&'static str, usize)],
) -> Result<Vec<u8>, DataError> {
    let header = 4 + 4 * sizes.len();
    let bytes: usize = sizes.iter().map(|(_, size)| size).product();
    let expected = (header + bytes) as u64;
    let mut all = Vec::new();
    // One byte more than expected tells a long file; a huge one is not read at all.
    stream.by_ref().take(expected + 1).read_to_end(&mut all).map_err(|why| {
        match why.kind() {
            // What gzip says of a file that was cut.
            std::io::ErrorKind::UnexpectedEof
            | std::io::ErrorKind::InvalidData
            | std::io::ErrorKind::InvalidInput => {
                let read = all.len();
                let why = format!("{why}, after {read} of {expected} bytes");
                DataError::new(file, Problem::Damaged { why })
            }
            _ => DataError::io(file, "read", why),
        }
    })?;
    let short = |found: usize| {
        DataError::new(file, Problem::Length { expected, found: Some(found as u64) })
    };
    let word = |at: usize| {
        let four: [u8; 4] = all.get(at..at + 4)?.try_into().ok()?;
        Some(u32::from_be_bytes(four))
    };
    let found = word(0).ok_or_else(|| short(all.len()))?;
    if found != magic {
        let meaning = match found {
            IMAGES => ": this is a file of images, are two files swapped?",
            LABELS => ": this is a file of labels, are two files swapped?",
            _ => ": this is no IDX file of bytes",
        };
        return Err(DataError::new(file, Problem::Magic { expected: magic, found, meaning }));
    }
    for (place, (what, size)) in sizes.iter().enumerate() {
        let found = word(4 + 4 * place).ok_or_else(|| short(all.len()))?;
        if found as usize != *size {
            let (expected, found) = (*size as u64, u64::from(found));
            return Err(DataError::new(file, Problem::Size { what, expected, found }));
        }
    }
    match all.len() as u64 {
        found if found < expected => Err(short(all.len())),
        found if found > expected => {
            Err(DataError::new(file, Problem::Length { expected, found: None }))
        }
        _ => Ok(all.split_off(header)),
    }
}
