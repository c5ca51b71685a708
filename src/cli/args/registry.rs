//! Components and the registry, as they are typed.

use std::path::PathBuf;

use clap::{ArgAction, Subcommand};

use super::Shown;

/// `onex list`.
#[derive(Debug, clap::Args)]
pub struct List {
    /// Conditions that must all hold: type, lifecycle, tags, name, namespace, version, status, capability
    #[arg(long, value_name = "KEY=VALUE,…", env = "ONEX_FILTER", hide_env = true)]
    pub filter: Vec<String>,

    /// Tags of which one must be there
    #[arg(long, value_name = "A,B", env = "ONEX_TAGS", hide_env = true)]
    pub tags: Vec<String>,

    /// Look for metadata blocks in all files, too
    #[arg(long, env = "ONEX_SCAN", hide_env = true, value_parser = clap::builder::FalseyValueParser::new(), action = ArgAction::SetTrue)]
    pub scan: bool,

    /// The project root [default: the nearest folder above this one with an onex.toml or a .git]
    #[arg(long, value_name = "DIR", env = "ONEX_ROOT", hide_env = true)]
    pub root: Option<PathBuf>,

    /// How it looks.
    #[command(flatten)]
    pub shown: Shown,
}

/// `onex registry`.
#[derive(Debug, clap::Args)]
pub struct Registry {
    /// What to do.
    #[command(subcommand)]
    pub action: RegistryVerb,
}

/// What can be done with the registry.
#[derive(Debug, Subcommand)]
pub enum RegistryVerb {
    /// Show what is registered
    List(RegistryPlace),
    /// Show what filters and words select, of all components
    Find {
        /// `key=value` conditions, separated by commas, and words to search for
        #[arg(value_name = "QUERY", required = true)]
        query: Vec<String>,
        /// Look for metadata blocks in all files, too
        #[arg(long)]
        scan: bool,
        /// Where, and how it looks.
        #[command(flatten)]
        place: RegistryPlace,
    },
    /// Show all that is known of a component
    Inspect {
        /// Its name: NAME, NAMESPACE.NAME, NAME@RANGE
        #[arg(value_name = "NAME")]
        name: String,
        /// Where, and how it looks.
        #[command(flatten)]
        place: RegistryPlace,
    },
    /// Register what files declare, or register it anew
    Add {
        /// Files, and folders with contract.yaml and *.onex.yaml files
        #[arg(value_name = "PATH", required = true)]
        paths: Vec<PathBuf>,
        /// Look for metadata blocks in all files of folders, too
        #[arg(long)]
        scan: bool,
        /// Where, and how it looks.
        #[command(flatten)]
        place: RegistryPlace,
    },
    /// Take a component out of the registry
    Remove {
        /// Its name: NAME, NAMESPACE.NAME, NAME@RANGE, or its file
        #[arg(value_name = "NAME")]
        name: String,
        /// Where, and how it looks.
        #[command(flatten)]
        place: RegistryPlace,
    },
    /// Check that every entry is what it was, and that all components resolve
    Verify(RegistryPlace),
}

/// Where the registry is, and how it looks.
#[derive(Debug, clap::Args)]
pub struct RegistryPlace {
    /// The project root [default: the nearest folder above this one with an onex.toml or a .git]
    #[arg(long, value_name = "DIR", env = "ONEX_ROOT", hide_env = true)]
    pub root: Option<PathBuf>,

    /// How it looks.
    #[command(flatten)]
    pub shown: Shown,
}
