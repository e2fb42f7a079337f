//! What a changed manifest is caught at.

use super::*;

/// A sound split by proteins.
fn sound() -> SplitManifest {
    sound_by(SplitRule::Proteins)
}

fn sound_by(split: SplitRule) -> SplitManifest {
    let (catalogue, edges) = (plain(600), edges(600, 20_000, 11));
    let settings = Settings { validation_fraction: 0.2, ..rule(split) };
    build(&catalogue, whole(&edges), &settings).unwrap().manifest
}

/// The message for `manifest` after a forger who also corrects the sums.
fn caught(manifest: &SplitManifest, change: impl Fn(&mut SplitManifest)) -> String {
    let mut manifest = manifest.clone();
    manifest.verify().unwrap();
    change(&mut manifest);
    for (_, part) in manifest.parts.each_mut() {
        part.counts = Counts::of(&part.pairs);
    }
    let catalogue = manifest.catalogue().unwrap();
    manifest.overlaps = proof::overlaps(&catalogue, &manifest.parts);
    manifest.held_out.counts = Counts::of(&manifest.held_out.pairs);
    manifest.test_classes = manifest::class_counts(&catalogue, &manifest.parts, &manifest.held_out);
    manifest.verify().unwrap_err().to_string()
}

fn first_positive(part: &PartRecord) -> Example {
    *part.pairs.iter().find(|e| e.label).unwrap()
}

#[test]
fn proteins_and_pairs_in_two_parts_are_found() {
    let sound = sound();
    let test = first_positive(&sound.parts.test);
    insta::assert_snapshot!(caught(&sound, |m| m.parts.train.pairs.push(test)), @"`P00566` or its sequence is in the train and the test part: split anew");
    insta::assert_snapshot!(caught(&sound, |m| m.parts.validation.pairs.push(test)), @"`P00566` or its sequence is in the validation and the test part: split anew");
    let train = first_positive(&sound.parts.train);
    insta::assert_snapshot!(caught(&sound, |m| m.parts.validation.pairs.push(train)), @"`P00085` or its sequence is in the train and the validation part: split anew");
    let widened = |m: &mut SplitManifest| {
        m.widened_validation = true;
        m.parts.validation.pairs.push(train);
    };
    insta::assert_snapshot!(caught(&sound, widened), @"training has seen both `P00085` and `P00124` of a validation pair: split anew");
    let by_pairs = |m: &mut SplitManifest| {
        m.settings.split = SplitRule::Pairs;
        m.parts.test.pairs.push(train);
    };
    insta::assert_snapshot!(caught(&sound, by_pairs), @"`P00085` with `P00124` is in the train and the test part: split anew");
    let carved = |m: &mut SplitManifest| {
        m.settings.split = SplitRule::Given;
        m.carved_validation = true;
        m.parts.validation.pairs.push(train);
    };
    insta::assert_snapshot!(caught(&sound, carved), @"`P00085` or its sequence is in the train and the validation part: split anew");
    // The same sequence under another name.
    let digest = sound.proteins[test.left as usize].1;
    let twin = |m: &mut SplitManifest| m.proteins[train.left as usize].1 = digest;
    insta::assert_snapshot!(caught(&sound, twin), @"`P00085` or its sequence is in the train and the test part: split anew");
}

#[test]
fn clusters_in_two_parts_are_found() {
    let sound = sound_by(SplitRule::Clusters);
    let [train, validation, test] = sound.parts.each().map(|(_, part)| first_positive(part).left);
    let join = |one: u32, other: u32| {
        move |m: &mut SplitManifest| m.clusters.as_mut().unwrap().of[one as usize] = other
    };
    insta::assert_snapshot!(caught(&sound, join(train, test)), @"`P00085` of the train part and `P00566` of the test part are of one cluster: split anew");
    insta::assert_snapshot!(caught(&sound, join(test, validation)), @"`P00450` of the validation part and `P00566` of the test part are of one cluster: split anew");
    insta::assert_snapshot!(caught(&sound, join(train, validation)), @"`P00085` of the train part and `P00450` of the validation part are of one cluster: split anew");
    insta::assert_snapshot!(caught(&sound, |m| m.clusters = None), @"the recorded clusters are not those of the recorded pairs: split anew");
    insta::assert_snapshot!(caught(&sound, |m| m.clusters.as_mut().unwrap().of.truncate(9)), @"the recorded clusters are not those of the recorded pairs: split anew");
}

#[test]
fn pairs_held_out_that_say_something_else_are_found() {
    let sound = sound();
    let [train, validation, test] = sound.parts.each().map(|(_, part)| first_positive(part));
    let hold_out = |pair| move |m: &mut SplitManifest| m.held_out.pairs.push(pair);
    insta::assert_snapshot!(caught(&sound, hold_out(train)), @"`P00085` with `P00124` is held out and in a part: split anew");
    insta::assert_snapshot!(caught(&sound, hold_out(test)), @"`P00566` with `P00441` is held out and in a part: split anew");
    let unseen = Example { right: validation.left, ..test };
    insta::assert_snapshot!(caught(&sound, hold_out(unseen)), @"`P00450` with `P00566` is held out and has no protein that training has seen: split anew");
    let of_validation = Example { right: validation.left, ..train };
    insta::assert_snapshot!(caught(&sound, hold_out(of_validation)), @"`P00085` with `P00450` is held out and has a protein of validation that training has not seen: split anew");
}

#[test]
fn sampled_negatives_that_are_positives_are_found() {
    let sound = sound();
    let known = first_positive(&sound.parts.train);
    let (left, right) = (known.right, known.left);
    let negative = Example { left, right, label: false };
    insta::assert_snapshot!(caught(&sound, |m| m.parts.train.pairs.push(negative)), @"`P00124` with `P00085` is a sampled negative and a known positive: split anew");
    let mut given = sound.clone();
    given.parts.train.negatives = NegativeSource::Given;
    given.parts.train.pairs.push(negative);
    given.parts.train.counts = Counts::of(&given.parts.train.pairs);
    given.verify().unwrap();
}

#[test]
fn records_that_contradict_the_pairs_are_found() {
    let caught = |change: &dyn Fn(&mut SplitManifest)| {
        let mut manifest = sound();
        change(&mut manifest);
        manifest.verify().unwrap_err().to_string()
    };
    insta::assert_snapshot!(caught(&|m| m.parts.train.pairs.truncate(5)), @"the recorded counts are not those of the recorded pairs: split anew");
    insta::assert_snapshot!(caught(&|m| m.overlaps[0].pairs += 1), @"the recorded overlaps are not those of the recorded pairs: split anew");
    insta::assert_snapshot!(caught(&|m| m.proteins.swap(3, 4)), @"the split does not list its proteins once each, sorted by accession: split anew");
    let stray = |m: &mut SplitManifest| {
        m.parts.test.pairs[0].right = 600;
        m.parts.test.counts = Counts::of(&m.parts.test.pairs);
    };
    insta::assert_snapshot!(caught(&stray), @"a pair of the test part names protein number 600 of 600: split anew");
}
