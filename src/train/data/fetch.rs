//! Data sets from the network: resumed, checked, and in place only when whole.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use md5::{Digest, Md5};
use ureq::Agent;

use super::Source;
use super::error::{DataError, Problem};

/// A file that can be fetched.
#[derive(Clone, Copy, Debug)]
pub struct Remote {
    /// Its name, there and here.
    pub name: &'static str,
    /// The folder it goes to, inside the folder of data sets.
    pub folder: &'static str,
    /// Its published MD5.
    pub md5: &'static str,
    /// The folders of the network that hold it.
    pub mirrors: &'static [&'static str],
}

const MNIST_MIRRORS: &[&str] = &[
    "https://ossci-datasets.s3.amazonaws.com/mnist",
    "https://storage.googleapis.com/cvdf-datasets/mnist",
];

const fn mnist(name: &'static str, md5: &'static str) -> Remote {
    Remote { name, folder: "mnist", md5, mirrors: MNIST_MIRRORS }
}

const MNIST: &[Remote] = &[
    mnist("train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
    mnist("train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432"),
    mnist("t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3"),
    mnist("t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c"),
];

const CIFAR10: &[Remote] = &[Remote {
    name: "cifar-10-binary.tar.gz",
    folder: "cifar10",
    md5: "c32a1d4ab5d03f1284b67883e8d87530",
    mirrors: &["https://www.cs.toronto.edu/~kriz"],
}];

/// The files of a data set.
pub fn remotes(source: Source) -> &'static [Remote] {
    match source {
        Source::Digits => &[],
        Source::Mnist => MNIST,
        Source::Cifar10 => CIFAR10,
    }
}

/// How fetching goes about it.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Without a connection or an answer for so long, the attempt is over.
    pub answer: Duration,
    /// When nothing comes for so long, the attempt is over too; what came is kept.
    pub stall: Duration,
    /// Attempts at one mirror that bring nothing.
    pub idle_attempts: usize,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience {
            answer: Duration::from_secs(20),
            stall: Duration::from_secs(20),
            idle_attempts: 3,
        }
    }
}

/// What fetching did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fetched {
    /// The file was there, and is what was published.
    Present(PathBuf),
    /// The file is there now.
    Brought(PathBuf),
}

/// Fetches a file into the folder of data sets.
///
/// What has come so far stands in `NAME.part`, also after the program ends, and the next attempt goes on
/// behind it. The file gets its name when its checksum is right.
pub fn fetch(
    remote: &Remote,
    mirrors: &[String],
    dir: &Path,
    patience: Patience,
    progress: &mut dyn FnMut(u64, Option<u64>),
) -> Result<Fetched, DataError> {
    let folder = dir.join(remote.folder);
    let target = folder.join(remote.name);
    if target.is_file() && md5_of(&target)? == remote.md5 {
        return Ok(Fetched::Present(target));
    }
    fs::create_dir_all(&folder).map_err(|why| DataError::io(&folder, "create", why))?;
    let part = folder.join(format!("{}.part", remote.name));
    let config = Agent::config_builder()
        .timeout_connect(Some(patience.answer))
        .timeout_recv_response(Some(patience.answer))
        .timeout_per_read(Some(patience.stall))
        .user_agent(concat!("lagrule/", env!("CARGO_PKG_VERSION")))
        .build();
    let agent = Agent::new_with_config(config);
    let mut tried = Vec::new();
    for mirror in mirrors {
        let address = format!("{mirror}/{}", remote.name);
        match from_mirror(&agent, &address, &part, patience, progress)? {
            None => {}
            Some(why) => {
                tried.push((address, why));
                continue;
            }
        }
        let found = md5_of(&part)?;
        if found == remote.md5 {
            fs::rename(&part, &target).map_err(|why| DataError::io(&target, "write", why))?;
            return Ok(Fetched::Brought(target));
        }
        fs::remove_file(&part).map_err(|why| DataError::io(&part, "remove", why))?;
        tried.push((address, format!("expected the MD5 {}, found {found}", remote.md5)));
    }
    Err(DataError::new(&target, Problem::Download { tried }))
}

/// Brings the rest of a file; a reason if this mirror does not.
fn from_mirror(
    agent: &Agent,
    address: &str,
    part: &Path,
    patience: Patience,
    progress: &mut dyn FnMut(u64, Option<u64>),
) -> Result<Option<String>, DataError> {
    let mut idle = 0;
    loop {
        let before = fs::metadata(part).map_or(0, |file| file.len());
        let why = match attempt(agent, address, part, before, progress)? {
            Attempt::Whole => return Ok(None),
            Attempt::Cut(why) => why,
            Attempt::Refused(why) => return Ok(Some(why)),
        };
        let after = fs::metadata(part).map_or(0, |file| file.len());
        idle = if after > before { 0 } else { idle + 1 };
        if idle >= patience.idle_attempts {
            return Ok(Some(why));
        }
    }
}

enum Attempt {
    /// The file is complete.
    Whole,
    /// The connection ended early; it may be worth another attempt.
    Cut(String),
    /// The server does not have it.
    Refused(String),
}

fn attempt(
    agent: &Agent,
    address: &str,
    part: &Path,
    start: u64,
    progress: &mut dyn FnMut(u64, Option<u64>),
) -> Result<Attempt, DataError> {
    let request = agent.get(address);
    let request =
        if start > 0 { request.header("Range", format!("bytes={start}-")) } else { request };
    let answer = match request.call() {
        Ok(answer) => answer,
        // Nothing is left behind the end of what is here.
        Err(ureq::Error::StatusCode(416)) if start > 0 => return Ok(Attempt::Whole),
        Err(ureq::Error::StatusCode(code)) => {
            return Ok(Attempt::Refused(format!("the server answers {code}")));
        }
        Err(why) => return Ok(Attempt::Cut(why.to_string())),
    };
    // A server that does not know ranges sends everything from the beginning.
    let goes_on = answer.status().as_u16() == 206;
    let start = if goes_on { start } else { 0 };
    let length = answer.headers().get("content-length").and_then(|value| value.to_str().ok());
    let total = length.and_then(|text| text.parse::<u64>().ok()).map(|rest| rest + start);
    let opened =
        if goes_on { OpenOptions::new().append(true).open(part) } else { File::create(part) };
    let mut file = opened.map_err(|why| DataError::io(part, "write", why))?;
    let mut done = start;
    let mut body = answer.into_body();
    let mut stream = body.as_reader();
    let mut buffer = vec![0; 1 << 16];
    loop {
        progress(done, total);
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => {
                let written = file.write_all(&buffer[..count]);
                written.map_err(|why| DataError::io(part, "write", why))?;
                done += count as u64;
            }
            Err(why) => return Ok(Attempt::Cut(why.to_string())),
        }
    }
    file.sync_all().map_err(|why| DataError::io(part, "write", why))?;
    match total {
        Some(total) if done < total => {
            Ok(Attempt::Cut(format!("the connection ended after {done} of {total} bytes")))
        }
        _ => Ok(Attempt::Whole),
    }
}

/// The MD5 of a file, in hexadecimal digits.
pub fn md5_of(path: &Path) -> Result<String, DataError> {
    let file = File::open(path).map_err(|why| DataError::io(path, "read", why))?;
    md5_of_stream(file).map_err(|why| DataError::io(path, "read", why))
}

/// The MD5 of a stream.
pub(super) fn md5_of_stream(mut stream: impl Read) -> std::io::Result<String> {
    let mut hash = Md5::new();
    let mut buffer = vec![0; 1 << 16];
    loop {
        match stream.read(&mut buffer)? {
            0 => break,
            count => hash.update(&buffer[..count]),
        }
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
