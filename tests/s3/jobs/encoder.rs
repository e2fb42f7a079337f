//! An encoder by name on a bucket: fetched once, and read from S3 by whoever comes after.

use std::path::Path;
use std::process::Command;

use super::Place;
use crate::crash::matrix;
use crate::support::hub::{HubStandIn, MODEL, OWNER, WEIGHTS, commit, small_files};
use crate::support::s3::{Keys, Kind, Server, connect};
use crate::support::{Root, dyad, succeed};

#[test]
fn e1_an_encoder_is_read_from_s3_when_the_disk_and_the_hub_are_gone() {
    let test = "e1_an_encoder_is_read_from_s3_when_the_disk_and_the_hub_are_gone";
    let Some(server) = Server::shared(test, Kind::Ministack) else { return };
    let place = Place::new(server, "jobs-e1");
    let hub = HubStandIn::start();
    let embed = |disk: &Path, endpoint: &str| -> Command {
        let root = Root::new();
        let mut command = dyad();
        connect(&mut command, &server.endpoint(), &Keys::root());
        command.env("HF_ENDPOINT", endpoint).env("HF_HOME", disk.join("home"));
        command.args(["embed", "--encoder", MODEL, "--storage-uri", &place.uri()]);
        std::fs::copy(root.channel("sequences/proteins.fasta"), disk.join("some.fasta")).unwrap();
        command.arg("--sequences").arg(disk.join("some.fasta"));
        command.arg("--cache").arg(disk.join("cache")).arg("--out").arg(disk.join("table"));
        command
    };
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    succeed(&mut embed(first.path(), &hub.url()));
    let weights = dyad::digest::Digest::of(&small_files()[WEIGHTS]).to_string();
    let keys = place.keys("encoders/v1/");
    assert!(keys.contains(&format!("encoders/v1/files/{weights}")), "{keys:?}");
    let described = format!("encoders/v1/models/{OWNER}--{MODEL}/{}.json", commit(1));
    assert!(keys.contains(&described), "{keys:?}");

    // The branch moves on, and nobody sees it below this prefix.
    hub.push(&format!("{OWNER}/{MODEL}"), 2, small_files());
    let asked = hub.log().len();
    let (_, log) = succeed(&mut embed(second.path(), &hub.url()));
    assert_eq!(hub.log().len(), asked, "{log}");
    assert!(log.contains("read from `s3://") && log.contains(&commit(1)), "{log}");
    drop(hub);

    // A damaged object is named, and the hub is asked, which is gone.
    place.delete(&format!("encoders/v1/files/{weights}"));
    place.put(&format!("encoders/v1/files/{weights}"), vec![0; small_files()[WEIGHTS].len()]);
    let third = tempfile::tempdir().unwrap();
    let output = embed(third.path(), "http://127.0.0.1:9").arg("--offline").output().unwrap();
    let log = crate::support::text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{log}");
    assert!(log.contains(&format!("files/{weights}` is damaged")), "{log}");
    matrix(
        "E1",
        "an encoder by name, the disk wiped, the hub gone",
        "read from S3 at the commit that the first job saw; a damaged object is refused and named",
    );
}
