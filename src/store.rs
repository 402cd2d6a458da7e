//! Items in DynamoDB: the one user of its client.
//!
//! Knows tables, keys and DynamoDB's errors; knows no HTTP.

pub(crate) use self::batch::BatchWrite;
pub use self::check::{Misfit, Unusable};
#[cfg(feature = "cli")]
pub(crate) use self::check::{billing_of, check, describe_all, has_index, keys_in_words};
pub use self::client::Store;
pub use self::error::StoreError;
pub use self::expressions::Condition;
pub use self::history::{KeptVersion, State, Version, VersionPage};
pub use self::image::Image;
pub use self::items::Items;
pub use self::modify::{Change, Contended};
pub use self::stored::{Shown, StoredItem, StoredPage};
#[cfg(feature = "cli")]
pub use self::transfer::{InvalidRecord, Owner, Record, TableFacts, WholeItem, WholePage};
pub use self::typed::{Binary, Number, Typed};
pub use self::unready::Unready;
pub use self::usage::{Call, Meter, Usage};
pub use self::write::{Write, Written};

mod batch;
mod check;
mod classify;
mod client;
mod doubt;
mod error;
mod expressions;
mod history;
mod image;
mod items;
mod limit;
mod list;
mod modify;
mod once;
mod pause;
mod stamps;
pub mod storage;
mod stored;
mod tenancy;
#[cfg(feature = "cli")]
mod transfer;
mod trim;
mod typed;
mod types;
mod unready;
mod usage;
mod write;
