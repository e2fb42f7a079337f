//! H2: machines that decide the same thing at the same moment.

use std::sync::{Arc, Barrier};
use std::thread;

use dyad::storage::Created;
use dyad::storage::sync::{Remote, SharedFolder};

use super::{matrix, on_each, store};
use crate::support::s3::proxy::{Fault, Match, Proxy};
use crate::{rounds, seed};

const MACHINES: usize = 16;

#[test]
fn h2_one_of_sixteen_machines_decides() {
    let test = "s3::races::h2_one_of_sixteen_machines_decides";
    let count = rounds(5, 100);
    on_each(test, |server| {
        let bucket = server.bucket("matrix-h2");
        let proxy = Proxy::to(&server.endpoint());
        // Also when the winner does not hear that it has won.
        proxy.random(seed(), 0.05, Match::puts(), &[Fault::DroppedReply]);
        let machines: Vec<_> = (0..MACHINES)
            .map(|_| Remote::new(store(&proxy.endpoint(), &bucket.uri("p/")), Arc::default()))
            .collect();
        for round in 0..count {
            for name in ["pin.json", "space.json"] {
                race(&machines, &format!("runs/{round}/"), name);
            }
        }
        assert_eq!(bucket.list("p/").len(), 2 * count);
        let lost = proxy.injected();
        let ran = format!("{count} races of {MACHINES} for each of 2 names, {lost} replies lost");
        matrix("H2", server, &ran, "one winner each, adopted by all");
    });
}

/// All machines write another content under one name: one wins, and all go on with its.
fn race(machines: &[Remote], prefix: &str, name: &str) {
    let start = Barrier::new(machines.len());
    let outcomes: Vec<_> = thread::scope(|scope| {
        let run = |(number, machine): (usize, &Remote)| {
            let (start, machine) = (&start, machine.clone());
            scope.spawn(move || {
                let disk = tempfile::tempdir().unwrap();
                let place = (machine, prefix.to_owned());
                let folder = SharedFolder::new(disk.path().join("run"), Some(place));
                let ours = format!("{{\"decided by\":{number}}}");
                start.wait();
                let (created, there) = folder.create_once(name, ours.as_bytes(), 1000).unwrap();
                let kept = std::fs::read(disk.path().join("run").join(name)).unwrap();
                assert_eq!(kept, there, "the local copy differs");
                assert_eq!(created == Created::New, there == ours.as_bytes(), "who has won?");
                assert_eq!(folder.read(name, 1000).unwrap().unwrap(), there);
                (created, there)
            })
        };
        let threads: Vec<_> = machines.iter().enumerate().map(run).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let winners = outcomes.iter().filter(|(created, _)| *created == Created::New).count();
    assert_eq!(winners, 1);
    assert!(outcomes.iter().all(|(_, there)| *there == outcomes[0].1), "machines disagree");
}
