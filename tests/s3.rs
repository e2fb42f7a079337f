//! S3 at its worst: errors, hangs, lies, races, outages.

mod cache;
mod proxy;
mod servers;
