//! S3 at its worst: errors, hangs, lies, races, outages.

mod cache;
mod jobs;
mod proxy;
mod servers;
