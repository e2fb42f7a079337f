//! The servers of the fault matrix do what its other tests build on.

use std::collections::BTreeSet;
use std::fs;

use aws_sdk_s3::error::ProvideErrorMetadata as _;
use aws_sdk_s3::primitives::ByteStream;

use crate::support::s3::proxy::{Fault, Match, Proxy};
use crate::support::s3::{Bucket, Keys, Kind, Server};

/// The two servers that stand in for S3; what both do is taken for what S3 does.
const STAND_INS: [Kind; 2] = [Kind::LocalStack, Kind::Ministack];

/// The policy of a user who may do everything.
const ALL: &str = r#"{"Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}"#;

fn shared(test: &str) -> impl Iterator<Item = &'static Server> {
    STAND_INS.into_iter().filter_map(move |kind| Server::shared(test, kind))
}

/// Status and code of a refusal.
macro_rules! refusal {
    ($bucket:expr, $request:expr) => {{
        let error = $bucket.wait($request.send()).unwrap_err();
        let status = error.raw_response().map(|response| response.status().as_u16());
        (status.unwrap(), error.code().unwrap_or_default().to_owned())
    }};
}

#[test]
fn an_object_is_created_once() {
    for server in shared("s3::servers::an_object_is_created_once") {
        let bucket = server.bucket("once");
        let put = |bytes: &'static [u8]| {
            let request = bucket.sdk().put_object().bucket(bucket.name()).key("key");
            request.body(ByteStream::from_static(bytes)).if_none_match("*")
        };
        bucket.wait(put(b"first").send()).unwrap();
        let refused = refusal!(bucket, put(b"second"));
        assert_eq!(refused, (412, "PreconditionFailed".to_owned()));
        assert_eq!(bucket.get("key").unwrap(), b"first");
    }
}

#[test]
fn a_wrong_checksum_is_refused_and_leaves_nothing() {
    for server in shared("s3::servers::a_wrong_checksum_is_refused_and_leaves_nothing") {
        let bucket = server.bucket("checksums");
        let put = |sha256: &str| {
            let request = bucket.sdk().put_object().bucket(bucket.name()).key("key");
            request.body(ByteStream::from_static(b"abc")).checksum_sha256(sha256)
        };
        let refused = refusal!(bucket, put("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="));
        assert_eq!(refused, (400, "BadDigest".to_owned()));
        assert_eq!(bucket.get("key"), None);
        bucket.wait(put("ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=").send()).unwrap();
        assert_eq!(bucket.get("key").unwrap(), b"abc");
    }
}

#[test]
fn listings_come_in_pages() {
    for server in shared("s3::servers::listings_come_in_pages") {
        let bucket = server.bucket("pages");
        let keys: BTreeSet<_> = (0..5).map(|number| format!("prefix/{number}")).collect();
        keys.iter().for_each(|key| bucket.put(key, key.as_bytes()));
        bucket.put("other", *b"not listed");
        let request = bucket.sdk().list_objects_v2().bucket(bucket.name()).prefix("prefix/");
        let mut pages = request.max_keys(2).into_paginator().send();
        let mut sizes = Vec::new();
        let mut listed = BTreeSet::new();
        while let Some(page) = bucket.wait(pages.next()) {
            let page = page.unwrap();
            sizes.push(page.contents().len());
            listed.extend(page.contents().iter().map(|object| object.key().unwrap().to_owned()));
        }
        assert_eq!((sizes, listed), (vec![2, 2, 1], keys));
        bucket.delete("prefix/3");
        assert_eq!(bucket.list("prefix/").len(), 4);
        assert_eq!(bucket.list("prefix/4")[0].size, 8);
    }
}

#[test]
fn servers_listen_on_loopback_only() {
    let test = "s3::servers::servers_listen_on_loopback_only";
    for kind in [Kind::LocalStack, Kind::Ministack, Kind::MinistackIam, Kind::S3sFs] {
        let Some(server) = Server::shared(test, kind) else { continue };
        let listening = addresses(server.group());
        let port = server.endpoint().rsplit(':').next().unwrap().parse::<u16>().unwrap();
        let expected = format!("0100007F:{port:04X}");
        assert!(listening.contains(&expected), "{kind:?}: {listening:?}");
        // IPv4 in the byte order of the machine; IPv6 only as ::1.
        let loopback = |address: &String| {
            address.starts_with("0100007F:")
                || address.starts_with("00000000000000000000000001000000:")
        };
        assert!(listening.iter().all(loopback), "{kind:?}: {listening:?}");
    }
}

#[test]
fn ministack_keeps_objects_over_a_kill() {
    let test = "s3::servers::ministack_keeps_objects_over_a_kill";
    let Some(mut server) = Server::start(test, Kind::Ministack) else { return };
    let bucket = server.bucket("kept");
    bucket.put("a/key", *b"content");
    let endpoint = server.endpoint();
    server.kill();
    assert!(std::net::TcpStream::connect(endpoint.replace("http://", "")).is_err());
    server.restart();
    assert_eq!(bucket.get("a/key").unwrap(), b"content");
}

#[test]
fn a_policy_limits_a_user() {
    let test = "s3::servers::a_policy_limits_a_user";
    let Some(server) = Server::shared(test, Kind::MinistackIam) else { return };
    let all = server.bucket("guarded");
    let keys = server.user(
        r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject"], "Resource": "arn:aws:s3:::guarded/ours/*"}]}"#,
    );
    let ours = Bucket::at(&server.endpoint(), &keys, "guarded");
    ours.put("ours/key", *b"content");
    assert_eq!(all.get("ours/key").unwrap(), b"content");
    let denied = (403, "AccessDenied".to_owned());
    let sdk = ours.sdk();
    let elsewhere = sdk.put_object().bucket("guarded").key("theirs/key");
    assert_eq!(refusal!(ours, elsewhere), denied);
    let delete = sdk.delete_object().bucket("guarded").key("ours/key");
    assert_eq!(refusal!(ours, delete), denied);
    assert_eq!(refusal!(ours, sdk.list_objects_v2().bucket("guarded")), denied);
}

#[test]
fn signatures_are_checked_and_stay_valid_through_the_proxy() {
    let test = "s3::servers::signatures_are_checked_and_stay_valid_through_the_proxy";
    for kind in [Kind::S3sFs, Kind::MinistackIam] {
        let Some(server) = Server::shared(test, kind) else { continue };
        let proxy = Proxy::to(&server.endpoint());
        let direct = server.bucket("signed");
        // ministack takes every secret for the key `test`.
        let keys = match kind {
            Kind::MinistackIam => server.user(ALL),
            _ => Keys::root(),
        };
        let through = Bucket::at(&proxy.endpoint(), &keys, "signed");
        let wrong = Keys { secret: "wrong".to_owned(), ..keys };
        let wrong = Bucket::at(&proxy.endpoint(), &wrong, "signed");
        // Large enough for `Expect: 100-continue`.
        let large = vec![7; 3_000_000];
        through.put("prefix/large", large.clone());
        assert!(direct.get("prefix/large").unwrap() == large, "{kind:?}");
        assert!(through.get("prefix/large").unwrap() == large, "{kind:?}");
        assert_eq!(through.list("prefix/"), direct.list("prefix/"));
        let request = wrong.sdk().get_object().bucket("signed").key("prefix/large");
        assert_eq!(refusal!(wrong, request).0, 403, "{kind:?}");
        proxy.next(Match::gets().ending("/large"), Fault::SlowDown);
        let request = through.sdk().get_object().bucket("signed").key("prefix/large");
        assert_eq!(refusal!(through, request), (503, "SlowDown".to_owned()));
        assert_eq!(proxy.count(&Match::puts()), 1);
    }
}

/// Where the processes of a group listen: hexadecimal address and port as the kernel lists them.
fn addresses(group: u32) -> BTreeSet<String> {
    let mut inodes = BTreeSet::new();
    for process in fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path()) {
        // After the name in parentheses: state, parent, group.
        let Ok(stat) = fs::read_to_string(process.join("stat")) else { continue };
        let fields = stat.rsplit(')').next().unwrap();
        if fields.split_whitespace().nth(2) != Some(&group.to_string()) {
            continue;
        }
        for file in fs::read_dir(process.join("fd")).unwrap() {
            let target = fs::read_link(file.unwrap().path()).unwrap_or_default();
            let target = target.to_string_lossy().into_owned();
            let inode = target.strip_prefix("socket:[").and_then(|rest| rest.strip_suffix(']'));
            inodes.extend(inode.map(str::to_owned));
        }
    }
    let mut addresses = BTreeSet::new();
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        let text = fs::read_to_string(table).unwrap_or_default();
        for line in text.lines().skip(1) {
            let fields: Vec<_> = line.split_whitespace().collect();
            // 0A: listening.
            if fields[3] == "0A" && inodes.contains(fields[9]) {
                addresses.insert(fields[1].to_owned());
            }
        }
    }
    addresses
}
