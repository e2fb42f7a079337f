//! S3 at its worst: errors, hangs, lies, races, outages.

mod proxy;
mod servers;
