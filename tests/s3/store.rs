//! What the library promises of a bucket, on servers that behave.

use std::env;
use std::fs;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use dyad::digest::Digest;
use dyad::storage::remote::{
    Access,
    Body,
    Content,
    ObjectStore,
    Problem,
    Put,
    S3Store, //
};

use super::{LARGE, config, matrix, random_bytes, stand_ins, store};
use crate::support::s3::proxy::{Fault, Match, Proxy};
use crate::support::s3::{self, Keys, Kind, Server};
use crate::support::{shown, text};
use crate::{rounds, seed};

/// Parts of 16 MiB that [`LARGE`] bytes are sent in.
const PARTS: usize = 5;

#[test]
fn what_is_created_is_read() {
    for server in stand_ins("s3::store::what_is_created_is_read") {
        let bucket = server.bucket("contract");
        let store = store(&server.endpoint(), &bucket.uri("a/prefix"));
        assert_eq!(store.place(), "s3://contract/a/prefix/");
        let bytes = random_bytes(seed(), 100_000);
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), &bytes).unwrap();
        let content = Content { body: Body::File(file.path()), ..Content::of(&bytes) };
        assert_eq!(store.create("x/file", &content).unwrap(), Put::New);
        assert_eq!(store.create("x/file", &Content::of(&bytes)).unwrap(), Put::Same);
        assert_eq!(store.create("x/file", &Content::of(b"short")).unwrap(), Put::Other);
        // As long, but other bytes.
        let other = random_bytes(seed() + 1, bytes.len());
        assert_eq!(store.create("x/file", &Content::of(&other)).unwrap(), Put::Other);
        assert!(bucket.get("a/prefix/x/file").unwrap() == bytes, "it was overwritten");
        // Written by another program, with a checksum of its own choice.
        bucket.put("a/prefix/x/theirs", bytes.clone());
        assert_eq!(store.create("x/theirs", &content).unwrap(), Put::Same);
        assert_eq!(store.create("x/theirs", &Content::of(&other)).unwrap(), Put::Other);
        assert_eq!(store.create("empty", &Content::of(b"")).unwrap(), Put::New);

        let size = bytes.len() as u64;
        assert!(store.read("x/file", size).unwrap() == bytes);
        let error = store.read("x/file", size - 1).unwrap_err();
        assert!(matches!(error.problem, Problem::TooLarge(_)), "{error}");
        assert!(store.read("x/absent", 1).unwrap_err().is_absent());
        assert!(store.read_start("x/absent", 1).unwrap_err().is_absent());
        assert!(store.read_start("x/file", 1000).unwrap() == bytes[..1000]);
        assert!(store.read_start("x/file", 2 * size).unwrap() == bytes);
        assert!(store.read_range("x/file", 7, 1000).unwrap() == bytes[7..1007]);
        assert!(store.read_range("x/file", size - 7, 1000).unwrap() == bytes[bytes.len() - 7..]);
        assert_eq!(store.read_range("x/file", size, 1000).unwrap(), b"");
        assert_eq!(store.read_start("x/file", 0).unwrap(), b"");
        assert_eq!(store.read_start("empty", 10).unwrap(), b"");
        assert_eq!(store.read("empty", 0).unwrap(), b"");

        store.remove("x/file").unwrap();
        store.remove("x/file").unwrap();
        assert_eq!(bucket.get("a/prefix/x/file"), None);
    }
}

#[test]
fn a_listing_is_complete_and_survives_hostile_keys() {
    let test = "s3::store::a_listing_is_complete_and_survives_hostile_keys";
    for server in stand_ins(test) {
        // More than a page; one server is slow.
        let count =
            if server.kind() == Kind::LocalStack { rounds(50, 3100) } else { rounds(1100, 3100) };
        let bucket = server.bucket("listings");
        let store = store(&server.endpoint(), &bucket.uri("p/"));
        let next = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    while let Some(number) = Some(next.fetch_add(1, Ordering::Relaxed))
                        && number < count
                    {
                        let put = store.create(&format!("many/{number:05}"), &Content::of(b"x"));
                        assert_eq!(put.unwrap(), Put::New);
                    }
                });
            }
        });
        let listing = store.list("many/").unwrap();
        let expected: Vec<_> = (0..count).map(|number| format!("{number:05}")).collect();
        let names: Vec<_> = listing.objects.iter().map(|object| object.name.clone()).collect();
        assert_eq!((names, listing.folders), (expected, vec![]));
        assert!(listing.objects.iter().all(|object| object.bytes == 1));
        let age = listing.objects[0].modified.elapsed().unwrap();
        assert!(age < Duration::from_hours(1), "{age:?}");

        let odd = ["a b", "a+b", "a%2Fb", "a\u{1}b", "é\u{7f}", "<&>", "\\", "a=b;c"];
        let below = ["../../x", "./y", "/z", "folder/v", "folder/w", "%2E%2E/x", ""];
        for key in odd.iter().chain(&below) {
            bucket.put(&format!("p/odd/{key}"), *b"odd");
        }
        let listing = store.list("odd/").unwrap();
        let names: Vec<_> = listing.objects.iter().map(|object| object.name.as_str()).collect();
        let mut expected = odd.to_vec();
        expected.sort_unstable();
        assert_eq!(names, expected);
        assert_eq!(listing.folders, ["%2E%2E", ".", "..", "folder"]);
        for name in names {
            let there = store.create(&format!("odd/{name}"), &Content::of(b"odd")).unwrap();
            assert_eq!(there, Put::Same, "{name:?}");
        }
        assert_eq!(store.list("nothing/").unwrap().objects, []);
        assert_eq!(store.list("").unwrap().folders, ["many", "odd"]);
        matrix("list", server, &format!("{count} objects and 15 odd keys"), "all names right");
    }
}

#[test]
fn large_files_go_in_parts() {
    for server in stand_ins("s3::store::large_files_go_in_parts") {
        let bucket = server.bucket("large");
        let proxy = Proxy::to(&server.endpoint());
        let store = store(&proxy.endpoint(), &bucket.uri("p/"));
        let folder = tempfile::tempdir().unwrap();
        let bytes = random_bytes(seed(), LARGE);
        let path = folder.path().join("large");
        fs::write(&path, &bytes).unwrap();
        let digest = Digest::of(&bytes);
        let content = Content { body: Body::File(&path), bytes: bytes.len() as u64, digest };
        assert_eq!(store.create("large", &content).unwrap(), Put::New);
        let sent = |when: Match| proxy.count(&when);
        assert!(sent(Match::parts()) >= PARTS && sent(Match::completes()) >= 1);
        assert!(bucket.get("p/large").unwrap() == bytes, "other bytes");
        assert!(store.read("large", LARGE as u64).unwrap() == bytes, "other bytes are read");
        assert_eq!(store.create("large", &content).unwrap(), Put::Same);
        // From memory, and not what is there.
        let mut other = bytes.clone();
        other[LARGE - 1] ^= 1;
        assert_eq!(store.create("large", &Content::of(&other)).unwrap(), Put::Other);
        assert!(bucket.get("p/large").unwrap() == bytes, "it was overwritten");
        // A file that vanishes, or is shorter than it was.
        let gone = Content { body: Body::File(&folder.path().join("gone")), ..content };
        assert!(!store.create("gone", &gone).unwrap_err().is_transient());
        fs::write(&path, &bytes[..LARGE / 2]).unwrap();
        assert!(store.create("short", &content).is_err());
        assert_eq!(bucket.get("p/short"), None);
        assert_eq!(bucket.open_uploads(""), Vec::<String>::new());
    }
}

#[test]
fn the_key_of_the_user_encrypts() {
    let key = "arn:aws:kms:us-east-1:000000000000:key/11111111-2222-3333-4444-555555555555";
    for server in stand_ins("s3::store::the_key_of_the_user_encrypts") {
        let bucket = server.bucket("encrypted");
        let access =
            Access { uri: bucket.uri("p/").parse().unwrap(), sse_kms_key_id: Some(key.to_owned()) };
        let store = S3Store::connect_with(access, config(&server.endpoint())).unwrap();
        for (name, size) in [("small", 10), ("large", LARGE)] {
            store.create(name, &Content::of(&random_bytes(seed(), size))).unwrap();
            let head = bucket.sdk().head_object().bucket("encrypted").key(format!("p/{name}"));
            let head = bucket.wait(head.send()).unwrap();
            assert_eq!(head.server_side_encryption().unwrap().as_str(), "aws:kms", "{name}");
            assert_eq!(head.ssekms_key_id(), Some(key), "{name}");
        }
    }
}

#[test]
fn a_bucket_in_another_region_is_found_and_a_missing_one_named() {
    let test = "s3::store::a_bucket_in_another_region_is_found_and_a_missing_one_named";
    for server in stand_ins(test) {
        let proxy = Proxy::to(&server.endpoint());
        let bucket = server.bucket("here");
        let location = CreateBucketConfiguration::builder()
            .location_constraint(BucketLocationConstraint::EuCentral1)
            .build();
        let made =
            bucket.sdk().create_bucket().bucket("abroad").create_bucket_configuration(location);
        bucket.wait(made.send()).unwrap();
        let store = store(&proxy.endpoint(), "s3://abroad/p/");
        assert_eq!(store.create("a", &Content::of(b"a")).unwrap(), Put::New);
        let log = proxy.log();
        // The endpoint is a custom one: the bucket is in the path.
        let put = log.iter().find(|seen| seen.method == "PUT").unwrap();
        assert_eq!(
            (put.path.as_str(), put.region.as_deref()),
            ("/abroad/p/a", Some("eu-central-1"))
        );

        let access = Access { uri: "s3://missing/p/".parse().unwrap(), sse_kms_key_id: None };
        let error = S3Store::connect_with(access, config(&proxy.endpoint())).unwrap_err();
        assert!(matches!(error.problem, Problem::NoBucket), "{error}");
        assert!(error.to_string().contains("`s3://missing/p/`"), "{error}");
    }
}

/// Names the bucket that the child is to connect to.
const CHILD: &str = "CONNECT_TO";

/// Runs only with an environment made for it.
#[test]
fn connecting_by_the_environment() {
    let Ok(uri) = env::var(CHILD) else { return };
    let access = Access { uri: uri.parse().unwrap(), sse_kms_key_id: None };
    let started = Instant::now();
    let outcome = S3Store::connect(access).map_err(|error| error.problem);
    eprintln!("after {:?}: {outcome:?}", started.elapsed());
    if let Ok(store) = outcome {
        store.create("by-the-environment", &Content::of(b"")).unwrap();
    }
}

/// This test program again, with an environment that names neither credentials nor an endpoint.
fn child(uri: &str, change: impl FnOnce(&mut Command)) -> Output {
    let mut command = Command::new(env::current_exe().unwrap());
    s3::connect(&mut command, "", &Keys::root());
    for name in ["AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        command.env_remove(name);
    }
    command
        .args(["s3::store::connecting_by_the_environment", "--exact", "--nocapture"])
        .env(CHILD, uri);
    change(&mut command);
    command.output().unwrap()
}

#[test]
fn the_environment_is_read_as_the_aws_tools_read_it() {
    let test = "s3::store::the_environment_is_read_as_the_aws_tools_read_it";
    let Some(server) = Server::shared(test, Kind::Ministack) else { return };
    let bucket = server.bucket("environment");
    let proxy = Proxy::to(&server.endpoint());
    let folder = tempfile::tempdir().unwrap();
    let credentials = folder.path().join("credentials");
    fs::write(&credentials, "[lab]\naws_access_key_id = a\naws_secret_access_key = b\n").unwrap();
    let file = folder.path().join("config");
    let profile =
        format!("[profile lab]\nregion = eu-west-1\nendpoint_url = {}\n", proxy.endpoint());
    fs::write(&file, profile).unwrap();
    let by_profile = |command: &mut Command| {
        command
            .env_remove("AWS_REGION")
            .env("AWS_PROFILE", "lab")
            .env("AWS_CONFIG_FILE", &file)
            .env("AWS_SHARED_CREDENTIALS_FILE", &credentials);
    };
    let by_variables = |command: &mut Command| {
        command
            .env("AWS_ENDPOINT_URL_S3", proxy.endpoint())
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test");
    };
    for (number, change) in
        [&by_profile as &dyn Fn(&mut Command), &by_variables].into_iter().enumerate()
    {
        let output = child(&bucket.uri(&format!("{number}/")), change);
        assert!(output.status.success(), "{}", shown(&output));
        assert!(bucket.get(&format!("{number}/by-the-environment")).is_some());
    }
}

#[test]
fn missing_credentials_are_told_in_time() {
    // Instance metadata that accept connections and never answer.
    let proxy = Proxy::to("http://127.0.0.1:9");
    proxy.always(Match::any(), Fault::Hang);
    let started = Instant::now();
    let output = child("s3://bucket/", |command| {
        command
            .env_remove("AWS_EC2_METADATA_DISABLED")
            .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", proxy.endpoint());
    });
    let took = started.elapsed();
    assert!(text(&output.stderr).contains("Err(Credentials("), "{}", shown(&output));
    assert!(took < Duration::from_secs(25), "{took:?}");
    assert!(proxy.injected() > 0, "the metadata were not asked");
    eprintln!("matrix: credentials | none, metadata that hang | told after {took:.1?}");
}
