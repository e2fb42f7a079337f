//! F7, P1: a role with the rights that the documentation lists, and with one of them missing.

use std::time::{Duration, Instant};

use aws_sdk_s3::error::ProvideErrorMetadata as _;
use serde_json::{Value, json};

use super::Place;
use crate::crash::matrix;
use crate::rounds;
use crate::support::job::Job;
use crate::support::kill::{assert_equal, uninterrupted};
use crate::support::s3::{Bucket, Kind, Server};
use crate::support::{dyad, shown};

/// The documented policy; `BUCKET` and `PREFIX` stand for themselves.
const POLICY: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/sagemaker/iam/training-storage.json"));

const SETTINGS: [(&str, &str); 2] = [("epochs", "100"), ("checkpoint_seconds", "1")];

#[test]
fn p1_a_job_needs_the_documented_rights_and_no_more() {
    let test = "p1_a_job_needs_the_documented_rights_and_no_more";
    let Some(server) = Server::shared(test, Kind::MinistackIam) else { return };
    let place = Place::new(server, "jobs-p1");
    let keys = server.user(&policy(&place).to_string());
    let job = place.job(&SETTINGS);
    let (reference, _) = uninterrupted(&job);
    place.empty("");
    let job = job.connected(&server.endpoint(), &keys);
    let log = job.complete();
    assert_equal(&job.model_files(), &reference);
    assert!(log.matches("checkpoint uploaded").count() > 2, "too few to remove any: {log}");
    assert_eq!(place.checkpoints().len(), 2, "{:?}", place.checkpoints());
    assert!(!log.contains(" WARN s3"), "{log}");

    // A dry run needs no more either, and changes nothing.
    let before = place.keys("");
    let output = job.inside(dyad()).arg("validate").output().unwrap();
    let printed = shown(&output);
    assert!(output.status.success(), "{printed}");
    assert!(printed.contains("`dyad train` would embed 0 of 120 sequences"), "{printed}");
    assert!(printed.contains("from the checkpoint of step "), "{printed}");
    assert_eq!(place.keys(""), before);

    // What the policy does not allow.
    place.bucket.put("other/key", *b"content");
    let user = Bucket::at(&server.endpoint(), &keys, place.bucket.name());
    let request = || user.sdk().delete_object().bucket(user.name());
    for key in place.keys("cache/").iter().chain(&place.keys("attempts/")) {
        let error = user.wait(request().key(format!("{}{key}", place.prefix)).send()).unwrap_err();
        assert_eq!(error.code(), Some("AccessDenied"), "{key}");
    }
    let get = user.sdk().get_object().bucket(user.name()).key("other/key").send();
    assert_eq!(user.wait(get).unwrap_err().code(), Some("AccessDenied"));
    let put = user.sdk().put_object().bucket(user.name()).key("other/new").send();
    assert_eq!(user.wait(put).unwrap_err().code(), Some("AccessDenied"));
    let list = user.sdk().list_objects_v2().bucket(user.name()).prefix("other/").send();
    assert_eq!(user.wait(list).unwrap_err().code(), Some("AccessDenied"));

    // Removing is optional.
    let keys = server.user(&without(policy(&place), "s3:DeleteObject").to_string());
    let job = job.connected(&server.endpoint(), &keys);
    job.wipe_everything();
    place.empty("runs/");
    let log = job.complete();
    assert_equal(&job.model_files(), &reference);
    assert!(place.checkpoints().len() > 2, "{:?}", place.checkpoints());
    assert_eq!(log.matches("does not let us remove old checkpoints").count(), 1, "{log}");
    matrix(
        "P1",
        "a whole job with the documented policy only, one without its optional part",
        "both done, same model; other prefixes, and deleting embeddings or attempts: denied",
    );
}

#[test]
fn f7_a_missing_right_is_named_before_any_work() {
    let test = "f7_a_missing_right_is_named_before_any_work";
    let Some(server) = Server::shared(test, Kind::MinistackIam) else { return };
    let place = Place::new(server, "jobs-f7");
    let mut longest = Duration::ZERO;
    let actions = ["s3:ListBucket", "s3:PutObject", "s3:GetObject"];
    for action in actions {
        let less = without(policy(&place), action);
        let keys = server.user(&less.to_string());
        let job = place.job(&[("epochs", "1")]).connected(&server.endpoint(), &keys);
        longest = longest.max(refused(&job, action));
        assert_eq!(place.keys("/shards/"), [].into(), "{action}");

        // The statement that the failure names is the one that was missing.
        let failure = job.failure();
        let (_, statement) = failure.split_once("policy of the job's role: ").unwrap();
        let mut values = serde_json::Deserializer::from_str(statement).into_iter::<Value>();
        let statement = values.next().unwrap().unwrap();
        let mut enough = less;
        enough["Statement"].as_array_mut().unwrap().push(statement);
        let keys = server.user(&enough.to_string());
        let job = job.connected(&server.endpoint(), &keys);
        job.wipe_everything();
        let output = job.run();
        assert!(output.status.success(), "{action}: {}", shown(&output));

        // A prefix that is full: other requests come first.
        if rounds(0, 1) == 1 {
            let keys = server.user(&without(policy(&place), action).to_string());
            let job = job.connected(&server.endpoint(), &keys);
            job.wipe_everything();
            longest = longest.max(refused(&job, action));
        }
        place.empty("");

        // A dry run finds it as well.
        let keys = server.user(&without(policy(&place), action).to_string());
        let job = place.job(&[("epochs", "1")]).connected(&server.endpoint(), &keys);
        let output = job.inside(dyad()).arg("validate").output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{action}: {}", shown(&output));
        let failure = job.failure();
        assert!(failure.starts_with(&format!("UserError: {action} on `s3://")), "{failure}");
        assert!(failure.contains("access denied"), "{failure}");
        place.empty("");
    }
    assert!(longest < Duration::from_secs(10), "{longest:?}");
    matrix(
        "F7",
        &format!("1 job each without {}", actions.join(", ")),
        &format!(
            "exit 2 before any embedding, at most {:.1} s after the start; the statement that the \
             failure file names mends it",
            longest.as_secs_f64()
        ),
    );
}

/// Runs a job that must be refused for want of `action`; how long that took.
fn refused(job: &Job, action: &str) -> Duration {
    let started = Instant::now();
    let mut command = job.inside(dyad());
    let output = command.env("DYAD_LOG", "dyad=debug").output().unwrap();
    let took = started.elapsed();
    let log = shown(&output);
    assert_eq!(output.status.code(), Some(2), "{action}: {log}");
    let failure = job.failure();
    assert!(failure.starts_with(&format!("UserError: {action} on `s3://")), "{failure}");
    assert!(failure.contains("access denied"), "{failure}");
    assert!(!log.contains("unit="), "{action}: {log}");
    assert!(log.trim_end().ends_with(failure.trim_end()), "{action}: {log}");
    took
}

fn policy(place: &Place) -> Value {
    let text = POLICY.replace("BUCKET", place.bucket.name()).replace("PREFIX", &place.prefix);
    serde_json::from_str(&text).unwrap()
}

/// The policy without an action, and without a statement that is empty then.
fn without(mut policy: Value, action: &str) -> Value {
    let statements = policy["Statement"].as_array_mut().unwrap();
    for statement in statements.iter_mut() {
        let actions: Vec<Value> = match statement["Action"].clone() {
            Value::Array(actions) => actions,
            one => vec![one],
        };
        let left: Vec<_> = actions.into_iter().filter(|one| one != action).collect();
        statement["Action"] = json!(left);
    }
    statements.retain(|statement| statement["Action"] != json!([]));
    policy
}
