//! The tasks: a data set, a network, and how it is trained (source paper, Sec. 5 and appendix).

use super::data::Source;
use super::network::Network;

/// A task.
#[derive(Clone, Debug)]
pub struct Task {
    /// As on the command line.
    pub name: &'static str,
    /// One line for the list of tasks.
    pub about: &'static str,
    /// Where the images come from.
    pub source: Source,
    /// The network.
    pub network: Network,
    /// Images of a step.
    pub batch: usize,
    /// Epochs, where nothing else is said.
    pub epochs: usize,
    /// The images to learn from, and those to test with.
    pub images: [usize; 2],
    /// The largest value of a pixel.
    pub brightest: u8,
    /// Mean and standard deviation of each channel, of pixels between 0 and 1.
    pub standard: &'static [[f32; 2]],
    /// Whether training images are shifted by up to 4 pixels and mirrored.
    pub augment: bool,
    /// Parts of a batch that are computed side by side. Their sums are added in their order, so that
    /// the number of threads does not matter.
    pub shards: usize,
    /// Whether every epoch is a task of its own: the same images with their pixels in another order, drawn
    /// from the seed.
    pub permuted: bool,
    /// The learning rates of the baselines on this task.
    pub rates: Rates,
}

/// Learning rates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// Of SGD, with and without momentum.
    pub sgd: f64,
    /// Of optimizers that divide by the size of the gradient.
    pub adaptive: f64,
}

/// The largest norm of a gradient; longer ones are shortened to it.
pub const CLIP: f64 = 5.0;

/// The names of all tasks.
pub const TASKS: [&str; 4] = ["digits", "mnist", "permuted_mnist", "cifar10"];

impl Task {
    /// The task of this name.
    pub fn named(name: &str) -> Option<Task> {
        let task = match name {
            "digits" => Task {
                name: "digits",
                about: "UCI digits, 8x8 pixels, part of the program; a perceptron 64-128-64-10",
                source: Source::Digits,
                network: Network::perceptron(8, &[64, 128, 64, 10]),
                batch: 32,
                epochs: 20,
                images: [1_437, 360],
                brightest: 16,
                standard: &[[0.3054, 0.3755]],
                augment: false,
                shards: 2,
                permuted: false,
                rates: Rates { sgd: 0.1, adaptive: 1e-3 },
            },
            "permuted_mnist" => Task {
                name: "permuted_mnist",
                about: "ten tasks of one epoch, MNIST with its pixels in ever another order; the same \
                        perceptron",
                permuted: true,
                ..Task::named("mnist")?
            },
            "mnist" => Task {
                name: "mnist",
                about: "MNIST, 28x28 pixels; the paper's perceptron 784-512-256-10",
                source: Source::Mnist,
                network: Network::perceptron(28, &[784, 512, 256, 10]),
                batch: 128,
                epochs: 10,
                images: [60_000, 10_000],
                brightest: 255,
                standard: &[[0.1307, 0.3081]],
                augment: false,
                shards: 2,
                permuted: false,
                rates: Rates { sgd: 0.1, adaptive: 1e-3 },
            },
            "cifar10" => Task {
                name: "cifar10",
                about: "CIFAR-10, 32x32 pixels in colour; the paper's network of four convolutions",
                source: Source::Cifar10,
                network: Network::convolutional(32, [64, 128], 256),
                batch: 128,
                epochs: 25,
                images: [50_000, 10_000],
                brightest: 255,
                standard: &[[0.4914, 0.2470], [0.4822, 0.2435], [0.4465, 0.2616]],
                augment: true,
                shards: 4,
                permuted: false,
                rates: Rates { sgd: 0.1, adaptive: 5e-4 },
            },
            _ => return None,
        };
        Some(task)
    }

    /// Steps of an epoch; the last one may have fewer images.
    pub fn steps(&self) -> usize {
        self.images[0].div_ceil(self.batch)
    }
}
