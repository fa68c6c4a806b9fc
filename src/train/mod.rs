//! Stage 6, `train`. In: update rules and a task. Out: run reports.

pub mod checkpoint;
pub mod data;
pub mod derived;
pub mod engine;
pub mod feed;
mod interpolate;
mod kronecker;
mod krylov;
pub mod matrices;
pub mod network;
pub mod optimizer;
pub mod report;
pub mod run;
mod spectral;
pub mod table;
pub mod task;
pub mod trial;
