//! P2: no secret in anything that a job writes, at the most talkative level.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::Place;
use crate::crash::matrix;
use crate::crash::store::files;
use crate::support::dyad;
use crate::support::job::Job;
use crate::support::s3::{Kind, Server};

const ID: &str = "AKIAIDOFTHEP2TEST000";
const SECRET: &str = "pTwoSecret/+0123456789abcdefghijABCDEFGHIJ";
const TOKEN: &str = "pTwoToken//FwoGZXIvYXdzEBYaDKqJ0123456789//////////";
/// What a signed request carries.
const TRACES: [&str; 6] =
    [SECRET, TOKEN, "uthorization: ", "\"authorization\"", "AWS4-HMAC-SHA256", "X-Amz-Signature"];

/// Names and values of the environment.
type Variables<'a> = Vec<(&'a str, &'a str)>;

#[test]
fn p2_no_secret_is_written_anywhere() {
    let test = "p2_no_secret_is_written_anywhere";
    let (Some(open), Some(strict)) =
        (Server::shared(test, Kind::Ministack), Server::shared(test, Kind::MinistackIam))
    else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let process = |name: &str, says: &str| -> String {
        let script = folder.path().join(name);
        fs::write(&script, format!("#!/bin/sh\necho '{says}'\n")).unwrap();
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        let config = folder.path().join(format!("{name}.config"));
        let text = format!("[default]\ncredential_process = {}\n", script.display());
        fs::write(&config, text).unwrap();
        config.to_str().unwrap().to_owned()
    };
    let said = format!(
        r#"{{"Version": 1, "AccessKeyId": "{ID}", "SecretAccessKey": "{SECRET}", "SessionToken": "{TOKEN}"}}"#
    );
    let good = process("good", &said);
    let broken = process("broken", &said.replace('}', ""));
    let other = process("other", &said.replace("\"Version\": 1", "\"Version\": 2"));
    let keys = |id| [("AWS_ACCESS_KEY_ID", id), ("AWS_SECRET_ACCESS_KEY", SECRET)];
    let with_token = [&keys(ID)[..], &[("AWS_SESSION_TOKEN", TOKEN)]].concat();
    let known = strict.user(
        r#"{"Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}"#,
    );
    // Name, server, variables, exit code.
    let cases: [(&str, &Server, Variables<'_>, i32); 6] = [
        ("a session token", open, with_token.clone(), 0),
        ("a process", open, vec![("AWS_CONFIG_FILE", good.as_str())], 0),
        // What a process says and nobody understands counts as no credentials.
        ("a broken process", open, vec![("AWS_CONFIG_FILE", broken.as_str())], 0),
        ("a process of another version", open, vec![("AWS_CONFIG_FILE", other.as_str())], 0),
        ("an unknown key", strict, with_token, 2),
        ("a wrong secret", strict, keys(&known.id).to_vec(), 2),
    ];
    let mut searched = 0;
    for (name, server, variables, code) in &cases {
        let place = Place::new(server, "jobs-p2");
        place.empty("");
        let job = place.job(&[("epochs", "1")]);
        let output = talkative(&job, variables).output().unwrap();
        let log = [&output.stdout[..], &output.stderr[..]].concat();
        assert_eq!(output.status.code(), Some(*code), "{name}: {}", String::from_utf8_lossy(&log));
        assert!(log.len() > 10_000 || *code != 0, "{name}: nothing was logged");
        let written = files(&job.path("")).into_iter();
        let written = written.map(|file| (file.display().to_string(), fs::read(&file).unwrap()));
        let mut all: BTreeMap<_, _> = written.chain(place.objects("")).collect();
        all.insert("the log".to_owned(), log);
        for (file, bytes) in &all {
            for trace in TRACES {
                let found = bytes.windows(trace.len()).any(|window| window == trace.as_bytes());
                assert!(!found, "{name}: {file} holds `{trace}`");
            }
        }
        searched += all.len();
    }
    let names: Vec<_> = cases.iter().map(|(name, ..)| *name).collect();
    matrix(
        "P2",
        &format!("1 job each with DYAD_LOG=trace and {}", names.join(", ")),
        &format!("0 hits for secret, token and signature in {searched} logs, files and objects"),
    );
}

fn talkative(job: &Job, variables: &[(&str, &str)]) -> Command {
    let mut command = job.inside(dyad());
    command.env_remove("AWS_ACCESS_KEY_ID").env_remove("AWS_SECRET_ACCESS_KEY");
    command.envs(variables.iter().copied()).env("DYAD_LOG", "trace");
    command
}
