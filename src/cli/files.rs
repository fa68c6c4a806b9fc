//! Reading inputs and writing outputs.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::Trouble;
use crate::source::{MAX_BYTES, Source};

/// An input as it is on disk.
pub(super) struct Input {
    /// The bytes as text, or why they are none.
    pub(super) source: Source,
    /// The bytes.
    pub(super) bytes: Vec<u8>,
    /// Where it came from; none for standard input.
    pub(super) path: Option<PathBuf>,
}

/// Replaces directories by the `.lag` files in them, sorted, so that runs are the same.
pub(super) fn expand(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Trouble> {
    let mut out = Vec::new();
    for path in paths {
        if path.is_dir() {
            let before = out.len();
            collect(path, &mut out)?;
            // Nothing to check is not everything in order.
            if out.len() == before {
                let why = io::Error::new(io::ErrorKind::NotFound, "it has no `.lag` file");
                return Err(cannot("use the folder", path, why));
            }
            out[before..].sort();
        } else {
            out.push(path.clone());
        }
    }
    Ok(out)
}

fn collect(dir: &Path, out: &mut Vec<PathBuf>) -> Result<(), Trouble> {
    for entry in fs::read_dir(dir).map_err(|why| cannot("read", dir, why))? {
        let entry = entry.map_err(|why| cannot("read", dir, why))?;
        let path = entry.path();
        // A link to a directory may lead back up, so links are not followed.
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            collect(&path, out)?;
        } else if path.extension().is_some_and(|extension| extension == "lag") {
            out.push(path);
        }
    }
    Ok(())
}

/// Reads a file, or standard input for `-`, but not much more than is accepted anyway.
pub(super) fn read(path: &Path) -> Result<Input, Trouble> {
    let limit = MAX_BYTES as u64 + 1;
    let mut bytes = Vec::new();
    if path.as_os_str() == "-" {
        io::stdin().lock().take(limit).read_to_end(&mut bytes).map_err(|why| {
            Trouble::File { what: "cannot read standard input".to_owned(), why }
        })?;
        return Ok(Input { source: Source::from_bytes("<stdin>", &bytes), bytes, path: None });
    }
    let file = fs::File::open(path).map_err(|why| cannot("read", path, why))?;
    file.take(limit).read_to_end(&mut bytes).map_err(|why| cannot("read", path, why))?;
    let source = Source::from_bytes(path.display().to_string(), &bytes);
    Ok(Input { source, bytes, path: Some(path.to_owned()) })
}

/// Refuses to write over a file that is read, or to write two results to one file.
pub(super) fn distinct(output: Option<&Path>, others: &[Option<&Path>]) -> Result<(), Trouble> {
    let Some(output) = output else { return Ok(()) };
    // A device takes everything; a file that does not exist yet has a folder that does.
    let place = |path: &Path| {
        let whole = fs::canonicalize(path);
        whole.or_else(|_| {
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
            let folder = fs::canonicalize(folder.unwrap_or(Path::new(".")))?;
            Ok::<_, io::Error>(folder.join(path.file_name().unwrap_or_default()))
        })
    };
    let Ok(target) = place(output) else { return Ok(()) };
    let is_device = fs::metadata(&target).is_ok_and(|found| !found.is_file());
    let mut others = others.iter().flatten().filter_map(|other| place(other).ok());
    if !is_device && others.any(|other| other == target) {
        let why = "the same file is read, or written to, by this command";
        return Err(cannot("write", output, io::Error::new(io::ErrorKind::InvalidInput, why)));
    }
    Ok(())
}

/// Writes a file so that it is never seen half written: a temporary file beside it is renamed.
pub(super) fn write(path: &Path, text: impl AsRef<[u8]>) -> Result<(), Trouble> {
    let text = text.as_ref();
    // A link stays a link, and a device such as `/dev/null` is not replaced by a file.
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let old = fs::metadata(&target).ok();
    if old.as_ref().is_some_and(|old| !old.is_file()) {
        return fs::write(&target, text).map_err(|why| cannot("write", path, why));
    }
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let temporary = target.with_file_name(format!(".{name}.{}.tmp", std::process::id()));
    let written = fs::File::create_new(&temporary)
        .and_then(|mut file| {
            file.write_all(text)?;
            if let Some(old) = old {
                file.set_permissions(old.permissions())?;
            }
            file.sync_all()
        })
        .and_then(|()| fs::rename(&temporary, &target));
    written.map_err(|why| {
        // The first error is the one to report; the file may not even exist.
        let _ = fs::remove_file(&temporary);
        cannot("write", path, why)
    })
}

fn cannot(verb: &str, path: &Path, why: io::Error) -> Trouble {
    Trouble::File { what: format!("cannot {verb} `{}`", path.display()), why }
}
