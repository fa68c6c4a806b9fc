//! CIFAR-10, binary version: records of one label byte and 3,072 pixels (red, green and blue planes,
//! each row by row). <https://www.cs.toronto.edu/~kriz/cifar.html>

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::GzDecoder;
use lzma_rust2::XzReader;

use super::error::{DataError, Problem};
use super::{Part, find};

/// The files for training, then the one for testing.
pub(super) const MEMBERS: [&str; 6] = [
    "data_batch_1.bin",
    "data_batch_2.bin",
    "data_batch_3.bin",
    "data_batch_4.bin",
    "data_batch_5.bin",
    "test_batch.bin",
];

/// Archives of the same files, the official one first.
pub(super) const ARCHIVES: [&str; 2] = ["cifar-10-binary.tar.gz", "cifar-10-binary.tar.xz"];

/// Records in each file.
const RECORDS: usize = 10_000;
const PIXELS: usize = 3 * 32 * 32;
const CLASSES: u8 = 10;

/// The two parts of the data set, from a folder of its files or from an archive.
pub(super) fn load(dir: &Path) -> Result<(Part, Part), DataError> {
    let folders = ["", "cifar10", "cifar-10-batches-bin", "cifar10/cifar-10-batches-bin"];
    let mut files: BTreeMap<&str, Part> = BTreeMap::new();
    if find(dir, &folders, &[MEMBERS[0]]).is_some() {
        for member in MEMBERS {
            let path = find(dir, &folders, &[member]).ok_or_else(|| missing(dir, member))?;
            let file = File::open(&path).map_err(|why| DataError::io(&path, "read", why))?;
            files.insert(member, records(&path, file, RECORDS)?);
        }
    } else {
        let path =
            find(dir, &["", "cifar10"], &ARCHIVES).ok_or_else(|| missing(dir, ARCHIVES[0]))?;
        files = archive(&path, RECORDS)?;
        for member in MEMBERS {
            if !files.contains_key(member) {
                return Err(missing(&path, member));
            }
        }
    }
    let test = files.remove(MEMBERS[5]).unwrap_or_default();
    let mut train = Part::default();
    for (_, mut part) in files {
        train.pixels.append(&mut part.pixels);
        train.labels.append(&mut part.labels);
    }
    Ok((train, test))
}

fn missing(dir: &Path, wanted: &'static str) -> DataError {
    let hint = "`lagrule data fetch cifar10` brings it; --data names the folder".to_owned();
    DataError::new(dir, Problem::Missing { wanted, hint })
}

/// Reads the members of an archive, `.tar.gz` or `.tar.xz` (with or without the delta filter).
pub fn archive(
    path: &Path,
    records_each: usize,
) -> Result<BTreeMap<&'static str, Part>, DataError> {
    each_member(path, |inside, entry| records(inside, entry, records_each))
}

/// The MD5 of each member of an archive.
pub(super) fn checksums(path: &Path) -> Result<BTreeMap<&'static str, String>, DataError> {
    each_member(path, |inside, entry| {
        let damaged = |why: std::io::Error| Problem::Damaged { why: why.to_string() };
        super::fetch::md5_of_stream(entry).map_err(|why| DataError::new(inside, damaged(why)))
    })
}

/// Calls `act` with the path and the content of each member.
fn each_member<T>(
    path: &Path,
    act: impl FnMut(&Path, &mut dyn Read) -> Result<T, DataError>,
) -> Result<BTreeMap<&'static str, T>, DataError> {
    let file = File::open(path).map_err(|why| DataError::io(path, "read", why))?;
    let mut file = BufReader::with_capacity(1 << 16, file);
    let start = std::io::BufRead::fill_buf(&mut file)
        .map_err(|why| DataError::io(path, "read", why))?;
    match start {
        [0x1f, 0x8b, ..] => members(path, GzDecoder::new(file), act),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => members(path, XzReader::new(file, false), act),
        _ => {
            let why = "expected an archive compressed by gzip or xz".to_owned();
            Err(DataError::new(path, Problem::Damaged { why }))
        }
    }
}

fn members<T>(
    path: &Path,
    stream: impl Read,
    mut act: impl FnMut(&Path, &mut dyn Read) -> Result<T, DataError>,
) -> Result<BTreeMap<&'static str, T>, DataError> {
    let damaged =
        |why: std::io::Error| DataError::new(path, Problem::Damaged { why: why.to_string() });
    let mut tar = tar::Archive::new(stream);
    let mut files = BTreeMap::new();
    for entry in tar.entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        let name = entry.path().map_err(damaged)?.file_name().map(ToOwned::to_owned);
        let Some(member) = MEMBERS.iter().find(|m| name.as_deref() == Some(m.as_ref())) else {
            continue;
        };
        let inside: PathBuf = path.join(member);
        files.insert(*member, act(&inside, &mut entry)?);
    }
    Ok(files)
}

/// Reads one file of records.
pub fn records(file: &Path, stream: impl Read, count: usize) -> Result<Part, DataError> {
    let expected = (count * (1 + PIXELS)) as u64;
    let mut bytes = Vec::with_capacity(expected as usize + 1);
    stream.take(expected + 1).read_to_end(&mut bytes).map_err(|why| match why.kind() {
        std::io::ErrorKind::UnexpectedEof
        | std::io::ErrorKind::InvalidData
        | std::io::ErrorKind::InvalidInput => {
            let why = format!("{why}, after {} of {expected} bytes", bytes.len());
            DataError::new(file, Problem::Damaged { why })
        }
        _ => DataError::io(file, "read", why),
    })?;
    let found = bytes.len() as u64;
    if found != expected {
        let found = (found < expected).then_some(found);
        return Err(DataError::new(file, Problem::Length { expected, found }));
    }
    let mut part = Part::default();
    part.pixels.reserve_exact(count * PIXELS);
    for record in bytes.chunks_exact(1 + PIXELS) {
        part.labels.push(record[0]);
        part.pixels.extend_from_slice(&record[1..]);
    }
    super::idx::check_labels(file, &part.labels, CLASSES)?;
    Ok(part)
}
