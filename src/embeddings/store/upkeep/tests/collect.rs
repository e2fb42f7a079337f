//! Garbage collection step by step: what goes when, and why what stays stays.

use super::Unseen::{Embedded, Quarantined, Temporary};
use super::*;
use crate::storage::remote::ObjectStore;

const GRACE: Duration = Duration::from_hours(7 * 24);

/// Plans and carries out; the plan's summary.
fn run(cache: &Cache) -> String {
    let shutdown = Shutdown::default();
    let survey = survey(cache, &[], &shutdown).unwrap();
    let plan = plan(&survey, GRACE);
    super::super::collect(cache, &[], &survey, &plan, &shutdown).unwrap();
    plan.summary()
}

fn prefix(summary: &str) -> &str {
    summary.split(" bytes=").next().unwrap()
}

#[test]
fn small_shards_become_one_and_go_when_the_grace_period_is_over() {
    let (store, cache) = bucket();
    let small: Vec<_> = (0..3).map(|at| add(&store, &cache, rows(at * 10..at * 10 + 12))).collect();
    assert_eq!(prefix(&run(&cache)), "merge=0 sources=0 remove=0 discard=0 wait=0 keep=3", "young");
    store.wait(GRACE);
    assert_eq!(prefix(&run(&cache)), "merge=1 sources=3 remove=0 discard=0 wait=0 keep=3");
    let merged: Vec<_> = shards_in(&store).into_iter().filter(|s| !small.contains(s)).collect();
    let found = find_space(&cache, "", &Shutdown::default()).unwrap();
    assert_eq!((found.sequences(), found.rows()), (32, 36 + 32));
    let merged_entry = found.shards.iter().find(|shard| shard.name == merged[0]).unwrap();
    assert_eq!(merged_entry.index.engine, ENGINE);

    // The others wait for it, however often somebody looks.
    store.wait(6 * DAY);
    assert_eq!(prefix(&run(&cache)), "merge=0 sources=0 remove=0 discard=0 wait=3 keep=1");
    store.wait(DAY);
    assert_eq!(prefix(&run(&cache)), "merge=0 sources=0 remove=3 discard=0 wait=0 keep=1");
    assert_eq!(shards_in(&store), merged);
    assert_eq!(prefix(&run(&cache)), "merge=0 sources=0 remove=0 discard=0 wait=0 keep=1");
    assert_eq!(find_space(&cache, "", &Shutdown::default()).unwrap().sequences(), 32);
}

#[test]
fn what_a_run_pins_stays_until_the_run_is_removed() {
    let (store, cache) = bucket();
    let small = add(&store, &cache, rows(0..3));
    add(&store, &cache, rows(0..6));
    pin(&store, "run-1", &[small]);
    store.wait(GRACE);
    let summary = run(&cache);
    assert_eq!(prefix(&summary), "merge=0 sources=0 remove=0 discard=0 wait=1 keep=1");
    store.remove("runs/run-1/pin.json").unwrap();
    assert_eq!(prefix(&run(&cache)), "merge=0 sources=0 remove=1 discard=0 wait=0 keep=1");
}

#[test]
fn a_pin_that_nobody_understands_keeps_everything() {
    let (store, cache) = bucket();
    store.put("runs/run-1/pin.json", br#"{"schema":"dyad.pin.v2","space_id":"","shards":[]}"#);
    let error = survey(&cache, &[], &Shutdown::default()).unwrap_err();
    insta::assert_snapshot!(error, @"`s3://memory/runs/run-1/pin.json` is no pin of a run that this version understands: its schema is `dyad.pin.v2`; nothing is collected while it is there");
    store.deny("runs/run-1/pin.json");
    let error = survey(&cache, &[], &Shutdown::default()).unwrap_err();
    assert!(matches!(error, CacheError::Remote(_)), "denied is not absent: {error}");
}

#[test]
fn a_pin_made_after_the_plan_saves_the_shard() {
    let (store, cache) = bucket();
    let small = add(&store, &cache, rows(0..3));
    add(&store, &cache, rows(0..6));
    store.wait(GRACE);
    let shutdown = Shutdown::default();
    let survey = survey(&cache, &[], &shutdown).unwrap();
    let plan = plan(&survey, GRACE);
    assert_eq!(plan.spaces[0].removals[0].shard, small);
    pin(&store, "run-1", &[small]);
    let done = super::super::collect(&cache, &[], &survey, &plan, &shutdown).unwrap();
    assert_eq!(done, Done::default());
    assert!(shards_in(&store).contains(&small));
}

#[test]
fn a_shard_stays_if_what_should_hold_its_rows_is_damaged() {
    let (store, cache) = bucket();
    let small = add(&store, &cache, rows(0..3));
    let large = add(&store, &cache, rows(0..6));
    let key = cache.shard_key(&f32_space().id(), &large);
    let mut bytes = store.read(&key, 1 << 20).unwrap();
    // In a value: the index is as it should be.
    *bytes.last_mut().unwrap() ^= 1;
    store.put(&key, &bytes);
    store.wait(GRACE);
    let shutdown = Shutdown::default();
    let survey = survey(&cache, &[], &shutdown).unwrap();
    let plan = plan(&survey, GRACE);
    assert_eq!(plan.spaces[0].removals.len(), 1);
    let error = super::super::collect(&cache, &[], &survey, &plan, &shutdown).unwrap_err();
    assert!(matches!(error, CacheError::Damaged { .. }), "{error}");
    assert!(shards_in(&store).contains(&small));
}

#[test]
fn sequences_with_several_values_are_left_alone() {
    let (store, cache) = bucket();
    let other = |names: std::ops::Range<u32>| names.map(|name| row(name, 1)).collect::<Vec<_>>();
    add(&store, &cache, rows(0..3));
    add(&store, &cache, other(0..3));
    add(&store, &cache, rows(10..12));
    store.wait(GRACE);
    let summary = run(&cache);
    assert_eq!(prefix(&summary), "merge=0 sources=0 remove=0 discard=0 wait=0 keep=3");
}

#[test]
fn leftovers_and_finished_unit_plans_go_and_others_stay() {
    let (store, cache) = bucket();
    add(&store, &cache, rows(0..3));
    let put = |name: &str, bytes: &[u8]| {
        let name = name.replace("SET", &Digest::of(b"set").to_string());
        store.put(&cache.key(&f32_space().id(), &name), bytes);
    };
    let unit_plan = |names: std::ops::Range<u32>| {
        let units = [rows(names).iter().map(|row| row.key).collect::<Vec<_>>()];
        serde_json::json!({"token_budget": 9, "units": units}).to_string().into_bytes()
    };
    put("plans/SET-9-1.json", &unit_plan(0..2));
    put("plans/SET-9-2.json", b"damaged");
    // The second plan of a set is unfinished: the first stays, or a restart would cut other units.
    put("plans/SET-8-1.json", &unit_plan(0..2));
    put("plans/SET-8-2.json", &unit_plan(2..4));
    // A reduced budget goes and stays with its plans.
    put("plans/SET-9-memory-1.json", b"{}");
    put("plans/SET-8-memory-1.json", b"{}");
    put("plans/notes.json", b"{}");
    put(&format!("quarantine/{}.safetensors", Digest::of(b"x")), b"damaged");
    put("quarantine/notes.txt", b"mine");
    put("shards/x.safetensors.1-2.sagemaker-ignore", b"half");
    put("shards/x.safetensors.sagemaker-uploading", b"");
    store.wait(GRACE);
    put("plans/SET-7-1.json", &unit_plan(0..2));
    let before = store.keys();

    let survey = survey(&cache, &[], &Shutdown::default()).unwrap();
    let gone: Vec<_> = plan(&survey, GRACE).spaces[0].discards.iter().map(|d| d.why).collect();
    assert_eq!(gone, [Temporary, Quarantined, Embedded, Embedded, Embedded]);
    assert_eq!(prefix(&run(&cache)), "merge=0 sources=0 remove=0 discard=5 wait=0 keep=1");
    let after = store.keys();
    let gone: Vec<_> = before.iter().filter(|key| !after.contains(key)).collect();
    let ends = [".sagemaker-ignore", "-9-1.json", "-9-2.json", "-9-memory-1.json", ".safetensors"];
    assert!(gone.iter().all(|key| ends.iter().any(|end| key.ends_with(end))), "{gone:?}");
    assert_eq!(prefix(&run(&cache)), "merge=0 sources=0 remove=0 discard=0 wait=0 keep=1");
}

#[test]
fn a_plan_says_why() {
    let (store, cache) = bucket();
    let pinned = add(&store, &cache, rows(0..3));
    add(&store, &cache, rows(0..4));
    add(&store, &cache, rows(0..5));
    add(&store, &cache, rows(10..12));
    add(&store, &cache, rows(20..22));
    pin(&store, "run-1", &[pinned]);
    let aside = format!("quarantine/{}.safetensors", Digest::of(b"x"));
    store.put(&cache.key(&f32_space().id(), &aside), b"damaged");
    store.wait(GRACE);
    add(&store, &cache, rows(20..23));
    let survey = survey(&cache, &[], &Shutdown::default()).unwrap();
    let plan = plan(&survey, GRACE);
    // Names and sizes depend on the version that wrote the shards.
    let names = regex::Regex::new("[0-9a-f]{8,64}|[0-9]+ bytes").unwrap();
    insta::assert_snapshot!(names.replace_all(&plan.to_string(), "*"), @"
    space *
      remove  shard * (*): its rows are in *
      discard quarantine/*.safetensors (*): a damaged shard, moved aside longer ago than the grace period
      merge   2 shards (*): small ones of `test cpu`: *, *
      wait    shard *: superseded, but it or what holds its rows is younger than the grace period
      wait    shard *: superseded, but run `run-1` reads it
    ");
    assert_eq!(prefix(&plan.summary()), "merge=1 sources=2 remove=1 discard=1 wait=2 keep=3");
}
