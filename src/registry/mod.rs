//! Components: found in a project, described by their metadata, looked up by name, version and what they are.
//!
//! - [`Discovery`] finds files: named `contract.yaml` or `*.onex.yaml`, and on demand those with a metadata block.
//!   On the way of a git hook it looks at a list of names only ([`Discovery::among`]).
//! - [`declared`] reads the metadata of one file to a [`Component`](crate::model::component::Component), in which
//!   every value knows its place. Blocks of comments are read by [`block`].
//! - [`Register`] is `onex.registry.yaml`, with the digest of each file.
//! - [`gather`] joins all that: it is what the rest of `onex` calls.
//! - [`Registry`] is what components are looked up in: [`find`](Registry::find) by a
//!   [`ComponentQuery`](crate::model::component::ComponentQuery), [`resolve`](Registry::resolve) one by name and range,
//!   [`search`](Registry::search) by words. [`Catalog`] is the one in memory; tests and other programs give their own.
//! - [`check`] tells what is wrong with all together; [`deprecated`], [`not_executable`] and [`missing_program`] what is
//!   to be known before one runs.
//!
//! ```
//! use onex::model::component::{Component, ComponentQuery, Lifecycle, Reference};
//! use onex::registry::{Catalog, Registry};
//!
//! let check = |version: &str, lifecycle: &str| Component {
//!     name: "check_yaml".to_owned(),
//!     namespace: Some("onex.example".to_owned()),
//!     version: version.parse().ok(),
//!     meta_type: "validator".to_owned(),
//!     lifecycle: Lifecycle::new(lifecycle),
//!     ..Component::default()
//! };
//! let mut registry = Catalog::of([check("1.2.0", "stable"), check("1.10.0", "stable")]);
//! registry.register(check("2.0.0", "draft"))?;
//!
//! // The highest version in the range; a draft is not meant where something else will do.
//! let any = registry.resolve(&Reference::to("check_yaml"))?;
//! assert_eq!(any.full_name(), "onex.example.check_yaml@1.10.0");
//! let exact = registry.resolve(&"onex.example.check_yaml@2.0.0".parse()?)?;
//! assert_eq!(exact.lifecycle.as_str(), "draft");
//!
//! // A filter that was given replaces the default of its own key only.
//! let defaults = ComponentQuery::parse("type=validator,lifecycle=canary")?;
//! let asked = ComponentQuery::parse("lifecycle=stable")?.with_defaults(&defaults);
//! assert_eq!(registry.find(&asked).len(), 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod block;
mod catalog;
mod checks;
mod discovery;
mod fields;
mod gathered;
mod metadata;
mod patterns;
mod register;
mod remarks;
#[cfg(test)]
mod tests;

pub use catalog::{Catalog, Duplicate, Registry, Unresolved};
pub use checks::{
    Needed, check, deprecated, duplicates, missing_program, not_carried_out, not_executable, unmatched,
};
pub use discovery::{Discovered, Discovery, misnamed, misnamed_file};
pub use gathered::{Gathered, Look, gather, standing};
pub use metadata::{COMPONENT_ENDING, CONTRACT_NAME, Declared, declared, declared_by, form_of};
pub use patterns::pattern;
pub use register::{Change, Entry, FILE_NAME, Held, Register, hold};
