//! Reading images and labels, and everything that can be wrong with their files.

use std::io::Write;
use std::path::{Path, PathBuf};

use lagrule::train::data::{self, Source, cifar, idx};
use lagrule::train::feed::Feed;
use lagrule::train::task::Task;

/// The folder with the real data sets, if this machine has one.
pub(super) fn shared() -> Option<PathBuf> {
    let named = std::env::var_os("LAGRULE_DATA").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().skip(1).take(3);
    let beside = beside.map(|dir| dir.join("shared/data"));
    let found = named.into_iter().chain(beside).find(|dir| dir.join("mnist").is_dir());
    if found.is_none() {
        super::skipped("no data sets here; LAGRULE_DATA names their folder");
    }
    found
}

fn images(count: u32, side: u32) -> Vec<u8> {
    let mut file = Vec::new();
    for word in [0x803, count, side, side] {
        file.extend_from_slice(&u32::to_be_bytes(word));
    }
    file.extend((0..count * side * side).map(|i| (i % 251) as u8));
    file
}

fn labels(values: &[u8]) -> Vec<u8> {
    let mut file = u32::to_be_bytes(0x801).to_vec();
    file.extend_from_slice(&u32::to_be_bytes(values.len() as u32));
    file.extend_from_slice(values);
    file
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn digits_are_part_of_the_program() {
    let digits = data::load(Source::Digits, Path::new("nowhere")).unwrap();
    assert_eq!(digits.train.labels.len(), 1_437);
    assert_eq!(digits.test.labels.len(), 360);
    assert_eq!(digits.train.pixels.len(), 1_437 * 64);
    assert!(digits.train.pixels.iter().all(|pixel| *pixel <= 16));
    assert_eq!(digits.train.labels[..10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert_eq!(digits.train.pixels[..8], [0, 0, 5, 13, 9, 1, 0, 0]);
    let size: u64 = ["images-idx3", "labels-idx1"]
        .map(|name| format!("src/train/data/digits/{name}-ubyte.gz"))
        .iter()
        .map(|path| std::fs::metadata(path).unwrap().len())
        .sum();
    assert!(size <= 60 * 1024, "{size}");
}

#[test]
fn idx_is_read_plain_and_compressed() {
    let file = Path::new("images");
    let raw = images(3, 4);
    let plain = idx::images(file, raw.as_slice(), 3, 4).unwrap();
    assert_eq!(plain, raw[16..]);
    assert_eq!(idx::images(file, gzip(&raw).as_slice(), 3, 4).unwrap(), plain);
    let file = Path::new("labels");
    assert_eq!(idx::labels(file, labels(&[3, 1]).as_slice(), 2, 10).unwrap(), [3, 1]);
}

#[test]
fn what_is_wrong_with_a_file_is_said() {
    let path = Path::new("data/train-images");
    let read = |bytes: &[u8]| idx::images(path, bytes, 3, 4).unwrap_err().to_string();
    let good = images(3, 4);
    let mut swapped_sizes = good.clone();
    swapped_sizes[7] = 9;
    let mut long = good.clone();
    long.push(0);
    let mut flipped = gzip(&good);
    let last = flipped.len() - 6;
    flipped[last] ^= 1;
    let cut = &gzip(&good)[..30];
    let label = |values: &[u8]| {
        let path = Path::new("data/train-labels");
        idx::labels(path, labels(values).as_slice(), 3, 10).unwrap_err().to_string()
    };
    let all = [
        read(b""),
        read(&good[..10]),
        read(&good[..20]),
        read(&long),
        read(&labels(&[1, 2, 3])),
        read(b"GIF89a, certainly no IDX file"),
        read(&swapped_sizes),
        read(&flipped),
        read(cut),
        label(&[1, 10, 2]),
        label(&[1, 2]),
    ];
    insta::with_settings!({
        snapshot_path => "../../snapshots/train",
        prepend_module_to_snapshot => false,
    }, {
        insta::assert_snapshot!("data_errors", all.join("\n\n"));
    });
}

#[test]
fn cifar_archives_are_read_with_the_delta_filter() {
    let read = |name: &str| cifar::archive(&Path::new("tests/data").join(name), 2).unwrap();
    let xz = read("tiny-cifar.tar.xz");
    assert_eq!(xz, read("tiny-cifar.tar.gz"));
    assert_eq!(xz.len(), 6);
    let test = &xz["test_batch.bin"];
    assert_eq!(test.labels, [0, 1]);
    assert_eq!(test.pixels[..4], [35, 36, 39, 44]);
    assert_eq!(test.pixels[3072..3076], [38, 39, 42, 47]);
}

#[test]
fn damaged_archives_are_refused() {
    let dir = tempfile("damaged");
    for name in ["tiny-cifar.tar.xz", "tiny-cifar.tar.gz"] {
        let bytes = std::fs::read(Path::new("tests/data").join(name)).unwrap();
        let path = dir.join(name);
        // Cut at any place, or with any byte changed: an error or the same content, never a panic.
        for at in (1..bytes.len()).step_by(bytes.len() / 40) {
            std::fs::write(&path, &bytes[..at]).unwrap();
            let parts = cifar::archive(&path, 2);
            assert!(parts.is_err() || parts.unwrap().len() < 6 || at + 64 > bytes.len());
            let mut changed = bytes.clone();
            changed[at] ^= 0x55;
            std::fs::write(&path, &changed).unwrap();
            let _ = cifar::archive(&path, 2);
        }
    }
    let wrong = cifar::archive(Path::new("tests/data/tiny-cifar.tar.xz"), 3).unwrap_err();
    assert_eq!(
        wrong.to_string(),
        "`tests/data/tiny-cifar.tar.xz/data_batch_1.bin`: expected 9219 bytes, found 6146: it is truncated"
    );
}

#[test]
fn missing_data_names_the_command_that_brings_it() {
    let dir = tempfile("missing");
    let error = data::load(Source::Mnist, &dir).unwrap_err().to_string();
    assert!(error.contains("train-images-idx3-ubyte.gz") && error.contains("data fetch mnist"));
    let error = data::load(Source::Cifar10, &dir).unwrap_err().to_string();
    assert!(error.contains("cifar-10-binary.tar.gz") && error.contains("data fetch cifar10"));
}

#[test]
fn an_epoch_sees_every_image_once() {
    let mut order = Feed::order(1, 0, 1000);
    assert_ne!(order, Feed::order(1, 1, 1000));
    assert_ne!(order, Feed::order(2, 0, 1000));
    assert_eq!(order, Feed::order(1, 0, 1000));
    order.sort_unstable();
    assert!(order.iter().enumerate().all(|(at, image)| at == *image as usize));
}

#[test]
fn images_are_standardised_shifted_and_mirrored() {
    let mut task = Task::named("cifar10").unwrap();
    let pixels: Vec<u8> = (0..3072_usize).map(|i| (i * 7 % 256) as u8).collect();
    let part = data::Part { pixels: pixels.clone(), labels: vec![0] };
    let feed = Feed::new(&task);
    let mut out = vec![9.0; feed.len()];
    out.fill(0.0);
    feed.plain(&part, 0..1, &mut out);
    // Pixel (5, 6) of the green plane; a convolution wants the colours of a pixel side by side.
    let byte = f32::from(pixels[1024 + 5 * 32 + 6]);
    let expected = (byte / 255.0 - 0.4822) / 0.2435;
    assert_eq!(out[(5 * 32 + 6) * 3 + 1].to_bits(), expected.to_bits());
    // Over many draws all 81 shifts appear, mirrored and not.
    let mut seen = std::collections::BTreeSet::new();
    let mut plain = vec![0.0; feed.len()];
    for epoch in 0..2000 {
        feed.train(&part, &[0], 4, epoch, &mut plain);
        seen.insert(plain.iter().map(|x| x.to_bits()).collect::<Vec<u32>>());
    }
    assert_eq!(seen.len(), 162);
    task.augment = false;
    Feed::new(&task).train(&part, &[0], 4, 1, &mut plain);
    assert_eq!(plain, out);
}

#[test]
fn the_real_mnist_is_read() {
    let Some(dir) = shared() else { return };
    let mnist = data::load(Source::Mnist, &dir).unwrap();
    assert_eq!((mnist.train.labels.len(), mnist.test.labels.len()), (60_000, 10_000));
    assert_eq!(mnist.train.labels[..5], [5, 0, 4, 1, 9]);
    let sum: u64 = mnist.train.pixels.iter().map(|pixel| u64::from(*pixel)).sum();
    let mean = sum as f64 / mnist.train.pixels.len() as f64 / 255.0;
    assert!((mean - 0.1307).abs() < 1e-4, "{mean}");
}

/// An empty folder of this test.
pub(super) fn tempfile(name: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("lagrule-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).unwrap();
    dir
}
