//! Fetching, from a server on this machine that behaves badly on purpose.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::data::tempfile;
use lagrule::train::data::Source;
use lagrule::train::data::fetch::{Fetched, Patience, Remote, fetch, md5_of, remotes};
use lagrule::train::data::verify::verify;

const NAME: &str = "file.gz";
const MD5: &str = "41669b68b905060b86b4c1d843b563ff";
const SIZE: usize = 300_000;

fn content() -> Vec<u8> {
    (0..SIZE).map(|i| (i * 7 % 253) as u8).collect()
}

/// What the server does with one connection.
#[derive(Clone, Copy)]
enum Manner {
    /// Sends what is asked for.
    Good,
    /// Sends so many bytes and closes the connection.
    Cut(usize),
    /// Sends so many bytes and then nothing.
    Stall(usize),
    /// Changes a byte.
    Corrupt,
    /// Sends everything, whatever range was asked for.
    NoRanges,
    /// 404.
    Missing,
}

struct Server {
    address: String,
    requests: Arc<AtomicUsize>,
    ranges: Arc<Mutex<Vec<Option<usize>>>>,
}

/// A server that treats each connection by the next manner, and all later ones by the last.
fn server(manners: &'static [Manner]) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let requests = Arc::new(AtomicUsize::new(0));
    let ranges = Arc::new(Mutex::new(Vec::new()));
    let (count, log) = (Arc::clone(&requests), Arc::clone(&ranges));
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let at = count.fetch_add(1, Ordering::SeqCst);
            let manner = manners[at.min(manners.len() - 1)];
            let log = Arc::clone(&log);
            std::thread::spawn(move || answer(stream, manner, &log));
        }
    });
    Server { address, requests, ranges }
}

fn answer(mut stream: TcpStream, manner: Manner, log: &Mutex<Vec<Option<usize>>>) {
    let mut start = None;
    for line in BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok) {
        let line = line.to_ascii_lowercase();
        if let Some(range) = line.strip_prefix("range: bytes=") {
            start = range.trim_end_matches('-').parse().ok();
        }
        if line.is_empty() {
            break;
        }
    }
    log.lock().unwrap().push(start);
    let mut body = content();
    if let Manner::Corrupt = manner {
        body[1000] ^= 1;
    }
    let from = if let Manner::NoRanges = manner { None } else { start };
    let rest = &body[from.unwrap_or(0).min(SIZE)..];
    let status = match (manner, from) {
        (Manner::Missing, _) => "404 Not Found",
        (_, Some(from)) if from >= SIZE => "416 Range Not Satisfiable",
        (_, Some(_)) => "206 Partial Content",
        _ => "200 OK",
    };
    let sent = if status.starts_with('4') { &[] } else { rest };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        sent.len()
    );
    let sent = match manner {
        Manner::Cut(count) | Manner::Stall(count) => &sent[..count.min(sent.len())],
        _ => sent,
    };
    // The other side may have gone.
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(sent));
    let _ = stream.flush();
    if let Manner::Stall(_) = manner {
        std::thread::sleep(Duration::from_secs(5));
    }
}

fn get(name: &str, servers: &[&Server]) -> (std::path::PathBuf, Result<Fetched, String>) {
    let dir = tempfile(name);
    (dir.clone(), again(&dir, servers))
}

fn again(dir: &std::path::Path, servers: &[&Server]) -> Result<Fetched, String> {
    let remote = Remote { name: NAME, folder: "set", md5: MD5, mirrors: &[] };
    let mirrors: Vec<String> = servers.iter().map(|server| server.address.clone()).collect();
    let patience = Patience {
        answer: Duration::from_secs(4),
        stall: Duration::from_millis(300),
        idle_attempts: 2,
    };
    fetch(&remote, &mirrors, dir, patience, &mut |_, _| {}).map_err(|why| why.to_string())
}

fn whole(dir: &std::path::Path) {
    assert_eq!(std::fs::read(dir.join("set").join(NAME)).unwrap(), content());
    assert_eq!(std::fs::read_dir(dir.join("set")).unwrap().count(), 1, "nothing else is left");
}

#[test]
fn a_file_is_fetched_once() {
    let good = server(&[Manner::Good]);
    let (dir, fetched) = get("good", &[&good]);
    assert!(matches!(fetched, Ok(Fetched::Brought(_))), "{fetched:?}");
    whole(&dir);
    assert_eq!(md5_of(&dir.join("set").join(NAME)).unwrap(), MD5);
    assert!(matches!(again(&dir, &[&good]), Ok(Fetched::Present(_))));
    assert_eq!(good.requests.load(Ordering::SeqCst), 1);
}

#[test]
fn a_connection_that_is_cut_goes_on_where_it_was() {
    let cut = server(&[Manner::Cut(100_000), Manner::Cut(50_000), Manner::Good]);
    let (dir, fetched) = get("cut", &[&cut]);
    assert!(fetched.is_ok(), "{fetched:?}");
    whole(&dir);
    assert_eq!(*cut.ranges.lock().unwrap(), [None, Some(100_000), Some(150_000)]);
}

#[test]
fn a_server_that_stalls_is_left() {
    let stall = server(&[Manner::Stall(70_000), Manner::Stall(0)]);
    let good = server(&[Manner::Good]);
    let (dir, fetched) = get("stall", &[&stall, &good]);
    assert!(fetched.is_ok(), "{fetched:?}");
    whole(&dir);
    assert_eq!(*good.ranges.lock().unwrap(), [Some(70_000)]);
}

#[test]
fn a_server_without_ranges_begins_again() {
    let plain = server(&[Manner::Cut(100_000), Manner::NoRanges]);
    let (dir, fetched) = get("ranges", &[&plain]);
    assert!(fetched.is_ok(), "{fetched:?}");
    whole(&dir);
}

#[test]
fn a_corrupt_file_never_gets_its_name() {
    let corrupt = server(&[Manner::Corrupt]);
    let missing = server(&[Manner::Missing]);
    let (dir, fetched) = get("corrupt", &[&corrupt, &missing]);
    let why = fetched.unwrap_err();
    assert!(why.contains("expected the MD5 4166") && why.contains("answers 404"), "{why}");
    assert_eq!(std::fs::read_dir(dir.join("set")).unwrap().count(), 0);
    // Behind a corrupt mirror a good one is asked from the beginning.
    let good = server(&[Manner::Good]);
    assert!(again(&dir, &[&corrupt, &good]).is_ok());
    whole(&dir);
    assert_eq!(*good.ranges.lock().unwrap(), [None]);
}

#[test]
fn the_shared_files_are_as_published() {
    assert_eq!(remotes(Source::Mnist).len(), 4);
    assert!(verify(Source::Digits, std::path::Path::new("")).iter().all(|c| c.result.is_ok()));
    let Some(dir) = super::data::shared() else { return };
    let checked = verify(Source::Mnist, &dir);
    assert_eq!(checked.len(), 4);
    assert!(checked.iter().all(|checked| checked.result.is_ok()), "{checked:?}");
    // A copy with one changed byte, and one file less.
    let copy = tempfile("verify");
    for name in
        ["train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"]
    {
        let mut bytes = std::fs::read(dir.join("mnist").join(name)).unwrap();
        if name.starts_with("t10k-labels") {
            bytes[100] ^= 1;
        }
        std::fs::write(copy.join(name), bytes).unwrap();
    }
    let good: Vec<bool> =
        verify(Source::Mnist, &copy).iter().map(|checked| checked.result.is_ok()).collect();
    assert_eq!(good, [false, true, true, false]);
}
