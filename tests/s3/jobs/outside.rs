//! Outside SageMaker: the model goes to the bucket, and credentials come as the AWS tools find them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use dyad::digest::Digest;

use super::Place;
use crate::crash::matrix;
use crate::crash::store::files;
use crate::support::s3::proxy::{Match, Proxy};
use crate::support::s3::{Keys, Kind, Server, connect};
use crate::support::{Root, dyad, shown, succeed};

#[test]
fn a_finished_model_is_published_once_and_its_manifest_last() {
    let test = "a_finished_model_is_published_once_and_its_manifest_last";
    for kind in [Kind::LocalStack, Kind::Ministack] {
        let Some(server) = Server::shared(test, kind) else { continue };
        let place = Place::new(server, "jobs-outside");
        let (root, other) = (Root::new(), tempfile::tempdir().unwrap());
        let proxy = Proxy::to(&server.endpoint());
        let train = |machine: &Path| {
            let mut command = root.train_into(dyad(), machine);
            command.args(["--split=pairs", "--epochs=2", "--storage-uri", &place.uri()]);
            connect(&mut command, &proxy.endpoint(), &Keys::root());
            succeed(&mut command).1
        };
        let model = |machine: &Path| -> BTreeMap<String, Vec<u8>> {
            let files = files(&machine.join("out")).into_iter();
            let files = files.filter(|file| !file.to_string_lossy().contains("/checkpoints/"));
            let name = |file: &Path| file.file_name().unwrap().to_string_lossy().into_owned();
            files.map(|file| (name(&file), fs::read(&file).unwrap())).collect()
        };
        let log = train(root.path());
        let ours = model(root.path());
        let uploaded = place.objects("/model/");
        let manifest = Digest::of(&ours["manifest.json"]).short(16);
        let folder = uploaded.keys().next().unwrap().rsplit_once('/').unwrap().0.to_owned();
        assert!(folder.ends_with(&format!("/model/{manifest}")), "{folder}");
        assert!(log.contains(&format!("model uploaded to `{}{folder}/`", place.uri())), "{log}");
        let theirs: BTreeMap<_, _> = uploaded
            .iter()
            .map(|(key, bytes)| (key.rsplit('/').next().unwrap().to_owned(), bytes.clone()))
            .collect();
        assert!(theirs == ours, "{:?} {:?}", theirs.keys(), ours.keys());
        let order = proxy.log();
        let puts =
            order.iter().filter(|seen| seen.method == "PUT" && seen.path.contains("/model/"));
        let order: Vec<_> = puts.map(|seen| (seen.path.clone(), seen.status)).collect();
        assert!(order.iter().all(|(_, status)| *status == Some(200)), "{order:?}");
        assert_eq!(order.len(), ours.len());
        assert!(order.last().unwrap().0.ends_with("/manifest.json"), "{order:?}");

        // Here again, and on a machine with nothing on its disk.
        for machine in [root.path(), other.path()] {
            train(machine);
            assert!(model(machine) == ours, "another model");
            assert_eq!(place.objects("/model/"), uploaded);
        }
        assert_eq!(proxy.count(&Match::puts().containing("/model/")), order.len(), "sent again");
    }
    matrix(
        "outside",
        "train on paths, run again here and elsewhere",
        "published once, manifest last",
    );
}

#[test]
fn profiles_and_endpoints_are_found_as_the_aws_tools_find_them() {
    let test = "profiles_and_endpoints_are_found_as_the_aws_tools_find_them";
    let Some(server) = Server::shared(test, Kind::S3sFs) else { return };
    let place = Place::new(server, "jobs-profiles");
    let (root, folder) = (Root::new(), tempfile::tempdir().unwrap());
    let endpoint = server.endpoint();
    let write = |name: &str, text: String| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let credentials = write(
        "credentials",
        "[lab]\naws_access_key_id = test\naws_secret_access_key = test\n".to_owned(),
    );
    let config = write(
        "config",
        format!(
            "[profile lab]\nregion = us-east-1\nendpoint_url = {endpoint}\n\
             [profile services]\nregion = us-east-1\nservices = local\n\
             credential_process = echo '{{\"Version\": 1, \"AccessKeyId\": \"test\", \
             \"SecretAccessKey\": \"test\"}}'\n\
             [services local]\ns3 =\n  endpoint_url = {endpoint}\n"
        ),
    );
    let key = ("AWS_ACCESS_KEY_ID", "test");
    let secret = ("AWS_SECRET_ACCESS_KEY", "test");
    let ways: [(&str, Vec<(&str, &str)>); 4] = [
        ("a profile", vec![("AWS_PROFILE", "lab")]),
        ("a profile with a process and a service section", vec![("AWS_PROFILE", "services")]),
        ("AWS_ENDPOINT_URL", vec![key, secret, ("AWS_ENDPOINT_URL", &endpoint)]),
        ("AWS_ENDPOINT_URL_S3", vec![key, secret, ("AWS_ENDPOINT_URL_S3", &endpoint)]),
    ];
    for (number, (name, variables)) in ways.iter().enumerate() {
        let before = place.keys("/model/").len();
        let mut command: Command = root.train_into(dyad(), folder.path());
        command.args(["--split=pairs", "--storage-uri", &place.uri()]);
        // Another number of epochs is another model to publish.
        command.arg(format!("--epochs={}", 1 + number));
        connect(&mut command, "", &Keys::root());
        for variable in ["AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
            command.env_remove(variable);
        }
        command.env_remove("AWS_REGION");
        command.env("AWS_CONFIG_FILE", &config).env("AWS_SHARED_CREDENTIALS_FILE", &credentials);
        command.envs(variables.iter().copied());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{name}: {}", shown(&output));
        assert!(place.keys("/model/").len() > before, "{name}: {}", shown(&output));
    }
    let names: Vec<_> = ways.iter().map(|(name, _)| *name).collect();
    matrix("credentials", &format!("1 job each by {}", names.join(", ")), "all found");
}
