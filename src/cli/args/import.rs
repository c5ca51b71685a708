//! Hooks of other tools to import, as they are typed.

use std::path::PathBuf;

use clap::Subcommand;

use super::examples::IMPORT_EXAMPLES;

/// `onex import`.
#[derive(Debug, clap::Args)]
#[command(arg_required_else_help = true)]
pub struct Import {
    /// Whose hooks.
    #[command(subcommand)]
    pub from: ImportFrom,
}

/// Whose hooks can be imported.
#[derive(Debug, Subcommand)]
pub enum ImportFrom {
    /// Those of a .pre-commit-config.yaml, as pre-commit and prek read it
    #[command(after_help = IMPORT_EXAMPLES)]
    PreCommit(ImportPreCommit),
}

/// `onex import pre-commit`.
#[derive(Debug, clap::Args)]
pub struct ImportPreCommit {
    /// The configuration [default: .pre-commit-config.yaml at the top of the repository]
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,

    /// Write nothing, and show what would be written
    #[arg(long)]
    pub dry_run: bool,

    /// The folder that the components are written to [default: components]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}
