//! Trust, as it is typed.

use std::path::PathBuf;

use clap::ArgAction;

use super::Shown;

/// `onex trust`.
#[derive(Debug, clap::Args)]
#[command(arg_required_else_help = true)]
pub struct Trust {
    /// Contracts and components: files, folders with a contract.yaml, names in contracts/, names of components
    #[arg(value_name = "PATH|NAME", required_unless_present = "list")]
    pub contract: Vec<PathBuf>,

    /// Show what is trusted
    #[arg(long, action = ArgAction::SetTrue, conflicts_with_all = ["contract", "remove"])]
    pub list: bool,

    /// Trust these no longer
    #[arg(long, action = ArgAction::SetTrue)]
    pub remove: bool,

    /// The project root [default: the nearest folder above the contract with an onex.toml or a .git]
    #[arg(long, value_name = "DIR", env = "ONEX_ROOT", hide_env = true)]
    pub root: Option<PathBuf>,

    /// How it looks.
    #[command(flatten)]
    pub shown: Shown,
}
