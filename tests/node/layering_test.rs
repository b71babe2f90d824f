//! The arrows between the crates, as `docs/architecture.md` draws them, read off `cargo metadata`.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What each crate may use of the workspace, and what it must not use of the world.
const RULES: [(&str, &[&str], &[&str]); 5] = [
    // It speaks in ids, tracks and packets.
    ("zzan-media", &[], &["serde", "serde_json", "tokio", "axum", "hyper", "socketioxide", "rusqlite", "aws-sdk-dynamodb"]),
    // It decides: no socket, no HTTP, no JSON, no database.
    (
        "zzan-rooms",
        &["zzan-media"],
        &["serde", "serde_json", "axum", "hyper", "socketioxide", "rusqlite", "aws-sdk-dynamodb", "mio", "socket2", "str0m"],
    ),
    // It alone knows socket.io, and neither the disk nor packets.
    ("zzan-signaling", &["zzan-rooms"], &["rusqlite", "aws-sdk-dynamodb", "str0m", "zzan-media"]),
    ("zzan", &["zzan-signaling", "zzan-rooms", "zzan-media"], &["socketioxide", "str0m"]),
    // A user knows the wire alone.
    ("zzan-loadtest", &["zzan-signaling"], &["zzan", "zzan-media", "rusqlite", "aws-sdk-dynamodb", "str0m", "socketioxide"]),
];

/// Direct dependencies of each crate of the workspace, without those of its tests.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = std::process::Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    packages
        .iter()
        .map(|package| {
            let direct = package["dependencies"].as_array().expect("dependencies").iter();
            let names = direct.filter(|dependency| dependency["kind"].is_null()).map(|dependency| text(&dependency["name"])).collect();
            (text(&package["name"]), names)
        })
        .collect()
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

#[test]
fn no_crate_reaches_further_than_its_arrows() {
    let found = dependencies();
    assert_eq!(found.keys().map(String::as_str).collect::<BTreeSet<_>>(), RULES.iter().map(|(name, _, _)| *name).collect());
    for (name, may, must_not) in RULES {
        let direct = &found[name];
        let ours: Vec<_> = direct.iter().filter(|dependency| found.contains_key(*dependency)).collect();
        assert!(ours.iter().all(|dependency| may.contains(&dependency.as_str())), "{name} uses {ours:?}, and may use {may:?}");
        let forbidden: Vec<_> = direct.iter().filter(|dependency| must_not.contains(&dependency.as_str())).collect();
        assert!(forbidden.is_empty(), "{name} must not use {forbidden:?}");
    }
}

#[test]
fn domain_types_are_not_serialized() {
    for folder in ["rooms/src", "media/src"] {
        for file in rust_files(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)) {
            let source = std::fs::read_to_string(&file).expect("readable");
            assert!(!source.contains("serde"), "{} knows serde", file.display());
        }
    }
}

#[test]
fn every_crate_forbids_unsafe_code() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = |folder: &str| std::fs::read_to_string(root.join(folder).join("Cargo.toml")).expect("readable");
    assert!(manifest("").contains("[workspace.lints.rust]\nunsafe_code = \"forbid\""));
    for folder in ["", "media", "rooms", "signaling", "loadtest"] {
        assert!(manifest(folder).contains("[lints]\nworkspace = true"), "{folder:?} takes the lints of the workspace");
    }
}

fn rust_files(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}
