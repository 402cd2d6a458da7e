//! What a deployment needs: the function's package and features, its resources, and what an edit
//! would change.

pub mod feature;
#[cfg(feature = "cli")]
pub mod generate;
#[cfg(feature = "cli")]
pub mod open;
#[cfg(feature = "cli")]
pub mod package;
#[cfg(feature = "cli")]
pub mod plan;
