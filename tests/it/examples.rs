//! Every example and every shipped contract is in order, and does what it says.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::Folder;

fn contracts_below(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path().join("contract.yaml"));
    let mut found: Vec<_> = entries.filter(|path| path.exists()).collect();
    found.sort();
    found
}

#[test]
fn every_contract_of_the_repository_plans_without_a_finding() {
    let contracts: Vec<_> = ["contracts", "examples"].into_iter().flat_map(contracts_below).collect();
    assert!(contracts.len() >= 2, "{contracts:?}");
    for contract in contracts {
        let ended = Folder::new().onex(&["plan", contract.to_str().unwrap()]);
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{}", contract.display());
    }
}
